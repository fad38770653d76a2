"""Every row of the table of routes is tried by everybody: with each role, without an account, and from another site's page."""

from __future__ import annotations

import re

import pytest

from monitor.console.api import ROUTES as API
from monitor.console.page import POLICY
from monitor.console.route import PUBLIC, Route
from monitor.console.routes import ROUTES
from monitor.domain.account import MAY, Role
from tests.monitor.console.conftest import ROLES, Office

EXAMPLES = {"name": "viewer", "script": "vega.js", "network": "mastodon", "rule": "crisis", "plan": "storm"}
"""What stands for the parts of an address that change."""


def path_of(row: Route) -> str:
    """An address that the row answers."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: EXAMPLES[found[1]], row.path)


def named(row: Route) -> str:
    """As a test's name says it."""
    return f"{row.method} {row.path}"


PAGES = [row for row in ROUTES if row not in API]  # what programs ask has tests of its own
NEEDY = [row for row in PAGES if row.need is not PUBLIC]


@pytest.mark.parametrize("row", NEEDY, ids=named)
async def test_nobody_comes_in_without_an_account(console: Office, row: Route) -> None:
    """A person is led to where they can sign in, a program is told 401; neither learns anything."""
    page = await console["stranger"].ask(row.method, path_of(row), {})
    assert (page.status, page.leads_to.partition("?")[0]) == (303, "/sign-in")
    program = await console["stranger"].ask(row.method, path_of(row), {"Accept": "application/json"})
    assert program.status == 401


@pytest.mark.parametrize("row", NEEDY, ids=named)
async def test_a_role_gets_what_it_may(console: Office, row: Route) -> None:
    """Whoever lacks the permission is refused, and nobody else."""
    assert row.need is not None
    for role in ROLES:
        page = await console[role].ask(
            row.method, path_of(row), {}, {"csrf": console[role].csrf} if row.method == "POST" else None
        )
        assert (page.status == 403) == (row.need not in MAY[Role(role)]), (role, page.status)


@pytest.mark.parametrize("row", [row for row in NEEDY if row.method == "POST"], ids=named)
async def test_a_forged_form_does_nothing(console: Office, row: Route) -> None:
    """Even an administrator’s browser is refused where the page’s secret is missing."""
    page = await console["admin"].forge(path_of(row))
    assert page.status == 403


@pytest.mark.parametrize("row", [row for row in PAGES if row.method == "GET"], ids=named)
async def test_no_page_runs_what_is_not_ours(console: Office, row: Route) -> None:
    """Every page has the strict policy, and nothing inline that would need another one."""
    page = await console["admin"].get(path_of(row))
    if page.headers.get("Content-Type", "").startswith("text/html"):
        assert page.headers["Content-Security-Policy"] == POLICY
        assert not re.search(r"<style|<script(?! type=\"module\" src=)|\son\w+=|\sstyle=|javascript:", page.text)
        assert len(page.text.encode()) < 200_000
