"""Tells a service elsewhere that the work progresses, so that somebody is told when this machine says nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from monitor.domain.clock import Clock
from monitor.settings import HeartbeatSettings
from monitor.telemetry import metrics
from notifiers import DeliveryError
from notifiers.base import HttpClient

log = structlog.get_logger(__name__)

PATIENCE = 10.0  # seconds, real


class Heartbeat:
    """One ping per `beat`, and none while nothing progresses. Its own failure disturbs nobody, and is told once."""

    def __init__(self, settings: HeartbeatSettings, http: HttpClient, clock: Clock, progress: Callable[[], bool]) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._progress = progress
        self._begun = False
        self._silent = False  # what the log has been told last

    async def beat(self) -> int:
        """Ping, if there is something to tell."""
        progresses = self._progress()
        if not self._begun and not progresses:
            self._begun = True  # the workers have had no time yet
            return 0
        why = await self._ping() if progresses else "the work does not progress"
        if why is None:
            metrics.heartbeat_last_success.set(self._clock.wall().timestamp())
        if why is not None and not self._silent:
            log.warning("heartbeat.silent", why=why)
        elif why is None and self._silent:
            log.info("heartbeat.beats_again")
        self._silent = why is not None
        return 0

    async def _ping(self) -> str | None:
        """Why it did not arrive; None when it did."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._http.request("GET", self._settings.url.get_secret_value(), headers={}, body=b"")
        except DeliveryError as error:
            return error.detail
        except TimeoutError:
            return f"no answer within {PATIENCE:g} s"
        except Exception as error:  # noqa: BLE001 whatever it is, it is the least of our work
            return type(error).__name__
        return None if 200 <= answer.status < 300 else f"it answered {answer.status}"  # noqa: PLR2004 - HTTP's success
