"""What is new reaches whoever watches, once and in order, and whoever missed too much is told so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from monitor.console import live as module
from monitor.console import streams
from monitor.console.live import BACKLOG, LIVE, Live, written
from monitor.domain.plan import EventKind, TimelineEvent
from tests.monitor.console.conftest import Office, Person


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a third of a second."""
    monkeypatch.setattr(module, "EVERY", 0.01)


@asynccontextmanager
async def watching(person: Person, since: str = "", last: str = "", *, but: str = "source") -> AsyncIterator[Callable[[], Any]]:
    """Somebody at the stream; gives what reads the next event, as (kind, data, id), that is not of a kind."""
    headers = {"Last-Event-ID": last} if last else {}
    async with person.session.get("/events", params={"since": since}, headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readuntil(b"\n\n") == b"retry: 1000\n\n"

        async def following() -> tuple[str, Any, str]:
            while True:
                told = (await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 20)).decode()
                if not told.startswith(":"):
                    said = dict(line.split(": ", 1) for line in told.strip().splitlines())
                    if said["event"] != but:
                        return said["event"], json.loads(said["data"]), said.get("id", "")

        yield following


async def ready(office: Office) -> str:
    """The mark at which the first look has been taken."""
    live = office.app[LIVE]
    mark = live.mark()
    while live._lookout._mentions is None:  # noqa: ASYNC110 - nothing tells when that is
        await asyncio.sleep(0)
    return mark


async def test_what_happens_is_told_to_all(console: Office) -> None:
    """A mention, its alert: with numbers and names, and nothing that anybody said."""
    await ready(console)
    async with watching(console["viewer"]) as one, watching(console["admin"]) as other:
        await console.home.hears("my Acme is broken")
        for told in (one, other):
            kind, data, mark = await told()
            assert (kind, data["mentions"][0]["subjects"]) == ("mention", ["acme"])
            assert "broken" not in json.dumps(data)
            assert mark
            kind, data, _ = await told()
            assert (kind, data["what"]) == ("alert", "alert.opened")


async def test_what_is_done_with_a_mention_is_told(console: Office) -> None:
    """Who did what, so that nobody does it again; what they noted is told to nobody who does not look."""
    await console.home.hears("my Acme is broken")
    await ready(console)
    async with watching(console["viewer"], but="alert") as told:
        await console["monitor"].post("/feed/1", do="note", version="0", note="a friend of ours")
        await console["monitor"].post("/feed/1", do="take", version="0")
        for verb in ("note", "assign"):
            assert (await told())[:2] == ("handling", {"what": verb, "by": "monitor", "mention": 1})


async def test_a_source_that_stands_otherwise_is_told(console: Office) -> None:
    """When it answers for the first time, fails, or is well again; not at every poll."""
    await ready(console)
    async with watching(console["viewer"], but="mention") as told:
        await console.home.brings(console.home.mention("nothing"))
        assert (await told())[:2] == ("source", {"source": "net"})
        await console.home.hears("my Acme is broken")
        assert (await told())[0] == "alert"


async def test_whoever_comes_back_gets_what_they_missed(console: Office) -> None:
    """By the id of the last event that reached them, or by the mark of their page."""
    mark = await ready(console)
    async with watching(console["viewer"], since=mark) as told:
        await console.home.hears("my Acme is broken")
        _, _, first = await told()
        kind, _, _ = await told()
    async with watching(console["viewer"], since=mark, last=first) as told:
        assert (await told())[0] == kind == "alert"
    async with watching(console["viewer"], since=mark) as told:
        assert (await told())[0] == "mention"


@pytest.mark.parametrize("since", ["0123abcd-1", "x", "0123abcd-99999999999999999999", "-", "'"])
async def test_whoever_was_away_too_long_is_told_so(console: Office, since: str) -> None:
    """Their page loads anew, and watches from there."""
    await ready(console)
    async with watching(console["viewer"], since=since) as told:
        kind, data, mark = await told()
        assert (kind, data, mark) == ("reset", {}, console.app[LIVE].mark())


async def test_a_slow_reader_does_not_fill_the_memory(console: Office) -> None:
    """More events than may wait are thrown away, and the page is told to load anew."""
    live = Live(lambda: console.home.store)
    with live.watching("") as viewer:
        for number in range(BACKLOG):
            viewer.give(written("alert", {"n": number}))
        assert (len(viewer.waiting), viewer.lost) == (BACKLOG, False)
        viewer.give(written("alert", {}))
        viewer.give(written("alert", {}))
        assert (len(viewer.waiting), viewer.lost) == (0, True)
    await live.close()


async def test_the_end_does_not_wait_for_streams(console: Office) -> None:
    """Whoever watches is sent away at once, and nobody looks any more."""
    live = console.app[LIVE]
    async with console["viewer"].session.get("/events") as answer:
        await answer.content.readuntil(b"\n\n")
        await live.close()
        assert await asyncio.wait_for(answer.content.read(), 20) == b""
    assert live._looking is None


async def test_nobody_looks_when_nobody_watches(console: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A little later the looking ends; the next page begins it anew, with another story."""
    monkeypatch.setattr(module, "_LINGER", 0.0)
    live = console.app[LIVE]
    mark = live.mark()
    assert live._looking is not None
    await live._looking
    assert live._looking is None
    assert live.mark() != mark


@pytest.mark.parametrize("how", ["sign-out", "disable"])
async def test_whoever_is_out_is_told_no_more(console: Office, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The stream of a session that has ended ends, whatever else its browser holds open."""
    monkeypatch.setattr(streams, "_ANEW", 0.0)
    monkeypatch.setattr(streams, "_GONE", 0.01)
    viewer, admin = console["viewer"], console["admin"]
    async with viewer.session.get("/events") as stays, admin.session.get("/events") as other:
        await stays.content.readuntil(b"\n\n")
        await other.content.readuntil(b"\n\n")
        if how == "disable":
            await admin.post("/accounts/viewer", do="disable")
        else:
            await viewer.post("/sign-out")
        await asyncio.wait_for(stays.content.read(), 20)
        await ready(console)
        await console.home.hears("my Acme is broken")
        assert b"event: mention" in await asyncio.wait_for(other.content.readuntil(b"mention"), 20)


async def test_one_account_does_not_take_all_places(console: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many pages of one account are refused, and others come in."""
    monkeypatch.setattr(streams, "_EACH", 1)
    monkeypatch.setattr(streams, "_GONE", 0.01)
    async with watching(console["viewer"]):
        assert (await console["viewer"].get("/events", Accept="text/event-stream")).status == 429
        async with watching(console["admin"]):
            pass
    while console.app[streams.SEATS]._taken.total():  # noqa: ASYNC110 - until it is noticed that they have gone
        await asyncio.sleep(0)


async def test_a_number_that_comes_late_is_told_all_the_same(console: Office) -> None:
    """On PostgreSQL a transaction may become visible after one with greater numbers."""
    from monitor.console.news import _Counter  # noqa: PLC0415

    rows = [type("Row", (), {"id": number})() for number in range(10)]
    counter = _Counter(1)
    assert [row.id for row in counter.new([rows[2], rows[5]])] == [2, 5]
    assert [row.id for row in counter.new([rows[2], rows[3], rows[5], rows[6]])] == [3, 6]
    assert counter.new(rows[2:7]) == [rows[4]]


async def test_what_people_do_is_told_by_its_area(console: Office) -> None:
    """A silence concerns alerts, feedback the feed; what concerns no page is not told."""
    await ready(console)
    kinds = (EventKind.SILENCE_ADDED, EventKind.FEEDBACK_GIVEN, EventKind.OBSERVED_BEGAN, EventKind.PLAN_NOTED)
    async with watching(console["viewer"]) as told:
        async with console.home.store.begin() as tx:
            for kind in kinds:
                await tx.timeline.add(TimelineEvent(console.home.clock.now(), kind, "ana", "cli", {"mention": 7}))
            await tx.commit()
        seen = [await told() for _ in range(3)]
    assert [kind for kind, _, _ in seen] == ["alert", "handling", "run"]
    assert seen[1][1] == {"what": "feedback.given", "by": "ana", "mention": 7}
