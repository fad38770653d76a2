"""Every row of the API's table is tried by everybody: each role, each scope, without a token, and with a broken one."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest

from monitor.access import Client
from monitor.access.sessions import open_session
from monitor.console.api import ENDPOINTS, written
from monitor.console.api.endpoint import Endpoint
from monitor.console.api.mentions import ACTS
from monitor.console.api.openapi import path_of, problems_of
from monitor.console.api.runs import NEEDS
from monitor.console.routes import ROUTES
from monitor.domain.account import MAY, Permission, Role
from monitor.domain.handling import Verb
from monitor.plans import VERBS
from tests.monitor.console.api.conftest import Answer, Give, Program
from tests.monitor.console.conftest import ROLES, Office

NOBODYS = 999_999


def asked(row: Endpoint) -> str:
    """An address that the row answers; nothing is there, so that whoever may act does nothing."""
    return re.sub(r"\{number[^}]*\}\}?", str(NOBODYS), row.path)


async def tried(program: Program, row: Endpoint) -> Answer:
    """What becomes of a call without a body."""
    return await program.ask(row.method, asked(row))


def is_problem(answer: Answer, status: int) -> bool:
    """Whether it is refused as RFC 9457 has it, in words and with what to do."""
    said = answer.said
    return (
        answer.status == status == said["status"]
        and answer.headers["Content-Type"] == "application/problem+json"
        and bool(said["title"] and said["detail"] and said["hint"])
    )


async def test_nobody_gets_anything_without_a_token(office: Office) -> None:
    """Nor with one that is none, whatever they ask for; and they are told what to send."""
    for token in ("", "tocsin_" + "0" * 72, "é"):
        for row in ENDPOINTS if not token else ENDPOINTS[:2]:
            answer = await tried(Program(office, token), row)
            assert is_problem(answer, 401), row
            assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_gets_what_it_may(give: Give, role: str) -> None:
    """Whoever lacks the permission is refused with 403, and nobody else."""
    program = await give(role)
    for row in ENDPOINTS:
        answer = await tried(program, row)
        assert (answer.status == 403) == (row.need not in MAY[Role(role)]), (row, answer)
        assert answer.status in {row.status, 404, 403, 422}, (row, answer)


@pytest.mark.parametrize("scope", [Permission.LOOK, Permission.HANDLE, Permission.DECIDE])
async def test_a_token_may_what_its_scopes_say(give: Give, scope: Permission) -> None:
    """An administrator's token with one scope opens the rows of that scope, and no other."""
    program = await give("admin", scope)
    for row in ENDPOINTS:
        answer = await tried(program, row)
        assert (answer.status == 403) == (row.need != scope), (row, answer)


async def test_a_page_acts_with_its_session(office: Office) -> None:
    """A session is as good as a token, and whoever would act with it must know its secret."""
    person = office["monitor"]
    async with person.session.get("/api/v1/me") as answer:
        assert (answer.status, (await answer.json())["through"]) == (200, "console")
    async with person.session.post("/api/v1/mentions/1/note", json={"note": "seen"}) as answer:
        assert (answer.status, answer.content_type) == (403, "application/problem+json")
    async with person.session.post(
        "/api/v1/mentions/1/note", json={"note": "seen"}, headers={"X-CSRF-Token": person.csrf}
    ) as answer:
        assert answer.status == 200


def test_routes_and_document_agree() -> None:
    """None is missing in the document, and none stands there that does not answer."""
    described = {(method.upper(), path) for path, methods in written()["paths"].items() for method in methods}
    answered = {
        (row.method, re.sub(r":[^{}]*(?:\{[^{}]*\})?\}", "}", row.path)) for row in ROUTES if row.path.startswith("/api/v1/")
    }
    assert described == answered
    assert len({row.id for row in ENDPOINTS}) == len(ENDPOINTS)


def test_the_document_names_the_scope_of_each_row() -> None:
    """Whoever makes a token reads there which scopes it needs."""
    for row in ENDPOINTS:
        operation = written()["paths"][path_of(row)][row.method.lower()]
        assert {"token": [row.need]} in operation["security"]
        assert {int(status) for status in operation["responses"]} == {row.status, *problems_of(row)}
        assert operation["summary"].endswith((".", "»"))


def test_every_act_in_a_run_has_its_permission() -> None:
    """A new verb does not stay without one; nor does an act on a mention stay without a row."""
    assert NEEDS.keys() == VERBS.keys()
    assert ACTS.keys() == set(Verb)


async def test_what_does_not_exist_is_a_problem(give: Give) -> None:
    """An address of no row, and a method that a row does not know."""
    program = await give()
    assert is_problem(await program.get("/nothing"), 404)
    answer = await program.ask("DELETE", "/mentions/1")
    assert is_problem(answer, 405)
    assert answer.headers["Allow"] == "GET"
    assert (await program.get(f"/mentions/{NOBODYS}")).status == HTTPStatus.NOT_FOUND


async def test_a_session_that_owes_its_code_is_none(office: Office) -> None:
    """Who has typed a password and not yet the one-time code is told so, and not led to a page."""
    access, now = office.desk.access, office.home.clock.wall()
    async with office.home.store.begin() as tx:
        account = await tx.accounts.named("admin")
        assert account is not None
        opened = await open_session(tx, account, "code", Client("192.0.2.1", "test"), office.home.settings.console.sessions, now)
        await tx.commit()
    answer = await Program(office, "").ask("GET", "/me", {"Authorization": "", "Cookie": f"{access.cookie}={opened.token}"})
    assert is_problem(answer, 401)
    assert "one-time code" in answer.said["detail"]
