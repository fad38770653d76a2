"""The daemon with a source that holds a connection open: what comes by it is judged at once, and it goes on after a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from monitor.domain.clock import SystemClock
from monitor.testing import serving
from tests.jetstream import FakeJetstream, event, micros, record
from tests.monitor.daemon.conftest import BASE
from tests.monitor.daemon.test_daemon_at_work import Hub

Patiently = Callable[..., Awaitable[Any]]
TICKETS = "tickets: {kind: webhook, secret: SECRET, every: 1s}"


async def test_a_stream_is_heard_between_polls_and_goes_on_after_a_restart(
    folder: Any, at_work: Any, patiently: Patiently
) -> None:
    """A post is told although its source is due in an hour; a stop closes the stream; what was said meanwhile is told next."""
    jetstream, now = FakeJetstream(), micros(SystemClock().now() - timedelta(minutes=1))

    async def told(number: int) -> None:
        said = record("My Acme is broken", createdAt=SystemClock().now().isoformat())
        await jetstream.add((now + number, event(now + number, said, rkey=str(number), did=f"did:plc:person{number}")))

    async def connected() -> bool:
        return jetstream.connected == 1

    async with serving() as sky, serving() as site:
        sky.answer, hub = jetstream.answer, Hub(site)
        source = f"sky: {{kind: jetstream, url: '{sky.url}', terms: [acme], profiles: null, every: 1h}}"
        folder.write(BASE.replace(TICKETS, source), hub=f"{hub.url}/in")
        async with at_work():
            await patiently(connected, "the stream is open")
            await told(1)
            await patiently(hub.has, "the first post is told")
        await jetstream.left.wait()
        assert jetstream.connected == 0
        await told(2)
        async with at_work():
            await patiently(lambda: hub.has(2), "the second post is told")
    assert [request.query.get("cursor") for request in jetstream.asked] == [None, str(now + 1 - 5_000_000)]
