"""The outbound heartbeat: it beats while there is progress, and its own trouble is told once and disturbs nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from monitor import heartbeat as module
from monitor.domain.clock import ManualClock
from monitor.heartbeat import Heartbeat
from monitor.settings import HeartbeatSettings
from notifiers import DeliveryError, Reason
from notifiers.base import HttpAnswer
from tests.monitor.daemon.conftest import value

SETTINGS = HeartbeatSettings(url=SecretStr("https://beats.example/secret-id"))
BEAT = "tocsin_heartbeat_last_success_timestamp_seconds"


class Elsewhere:
    """A service that answers what stands in `script`: a status, or an exception; then 200."""

    def __init__(self, *script: int | Exception) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, str]] = []

    async def request(self, method: Literal["POST", "GET"], url: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        self.asked.append((method, url))
        said = self.script.pop(0) if self.script else 200
        if isinstance(said, Exception):
            raise said
        return HttpAnswer(said, {}, b"")


async def beats(elsewhere: Elsewhere, *progress: bool) -> list[str]:
    """What is logged while it beats, once for each entry."""
    script = list(progress)
    clock = ManualClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
    heartbeat = Heartbeat(SETTINGS, elsewhere, clock, lambda: script.pop(0))
    with capture_logs() as said:
        for _ in progress:
            await heartbeat.beat()
    assert "secret-id" not in repr(said)
    return [each["event"] for each in said]


async def test_it_beats_while_the_work_progresses() -> None:
    """One GET of the address each time; the metric says when the last arrived."""
    elsewhere = Elsewhere()
    assert await beats(elsewhere, True, True) == []
    assert elsewhere.asked == [("GET", "https://beats.example/secret-id")] * 2
    assert value(BEAT) == datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()


async def test_without_progress_it_is_silent() -> None:
    """That is what somebody elsewhere notices; at the very beginning there is nothing to be said yet."""
    elsewhere = Elsewhere()
    assert await beats(elsewhere, False, True, False, False, True) == ["heartbeat.silent", "heartbeat.beats_again"]
    assert len(elsewhere.asked) == 2


@pytest.mark.parametrize("trouble", [DeliveryError(Reason.UNAVAILABLE, "no such host"), RuntimeError("a bug"), 404, 302])
async def test_its_own_trouble_is_told_once_and_passes(trouble: int | Exception) -> None:
    """Whatever the service answers, or whether it answers: one line when it begins, one when it is over."""
    assert await beats(Elsewhere(trouble, trouble, 200), True, True, True) == ["heartbeat.silent", "heartbeat.beats_again"]


async def test_a_service_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ping has a time of its own."""

    class Hanging(Elsewhere):
        async def request(
            self, method: Literal["POST", "GET"], url: str, *, headers: Mapping[str, str], body: bytes
        ) -> HttpAnswer:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(module, "PATIENCE", 0.01)
    assert await beats(Hanging(), True) == ["heartbeat.silent"]
