"""Who is on what, so that nobody answers twice."""

from __future__ import annotations

import pytest

from monitor.console.presence import LASTS, Presence
from tests.monitor.console.conftest import Office
from tests.monitor.console.test_live import watching


def test_whoever_says_nothing_is_gone() -> None:
    """A page that was closed without a word counts for half a minute."""
    presence = Presence()
    assert presence.come("mention:12", "ana", "Ana", 0.0)
    assert not presence.come("mention:12", "ana", "Ana", LASTS - 1)
    assert presence.sweep(LASTS + 1) == []
    assert presence.on("mention:12") == {"ana": "Ana"}
    assert presence.sweep(2 * LASTS) == ["mention:12"]
    assert presence.all() == {}


def test_nobody_is_on_everything() -> None:
    """One account is on a few things; the first of them are forgotten."""
    presence = Presence()
    for number in range(1, 100):
        presence.come(f"mention:{number}", "ana", "Ana", 0.0)
    assert len(presence.all()) == 20
    assert "mention:99" in presence.all()


async def test_others_see_who_is_on_it(console: Office) -> None:
    """At once, and whoever opens a page later, too."""
    viewer, admin = console["viewer"], console["admin"]
    async with watching(viewer) as told:
        page = await admin.send("/presence", {"what": "mention:12"})
        assert page.status == 200
        assert await told() == ("presence", {"what": "mention:12", "who": {"admin": "Admin"}}, "")
        await admin.send("/presence", {"what": "mention:12", "gone": True})
        assert (await told())[1] == {"what": "mention:12", "who": {}}


@pytest.mark.parametrize("said", [{}, {"what": "mention:0"}, {"what": "mention:1;"}, [], "mention:1", {"what": None}, None])
async def test_nonsense_is_refused(console: Office, said: object) -> None:
    """Nothing that a page did not mean is kept."""
    assert (await console["admin"].send("/presence", said)).status == 400


async def test_what_is_nested_without_end_is_refused(console: Office) -> None:
    """It is nonsense like any other, and no error of ours."""
    headers = {"X-CSRF-Token": console["admin"].csrf, "Content-Type": "application/json"}
    async with console["admin"].session.post("/presence", data=b"[" * 100_000, headers=headers) as answer:
        assert answer.status == 400
