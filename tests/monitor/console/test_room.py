"""The crisis room: what it shows, what each role may do in it, and how two people live a crisis in it from alert to signature."""

from __future__ import annotations

import re

import pytest

from tests.monitor.console.conftest import Office, Open, Page

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


async def storm(office: Office) -> int:
    """A plan was opened by what rings."""
    await office.home.storm(8)
    await office.home.act()
    (run,) = await office.home.runs()
    return run.id


def once(page: Page) -> str:
    """What makes the forms of a page ones that are done once."""
    found = re.search(r'name="once" value="(\w+)"', page.text)
    assert found is not None
    return found[1]


async def test_the_room(console: Office) -> None:
    """x"""
    run = await storm(console)
    page = await console["manager"].get(f"/runs/{run}")
    assert page.status == 200, page.text
    page = await console["manager"].get(f"/alerts/1")
    assert page.status == 200, page.text
    page = await console["manager"].get(f"/alerts")
    assert page.status == 200, page.text
    page = await console["manager"].get(f"/runs")
    assert page.status == 200, page.text
