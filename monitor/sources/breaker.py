"""Leaves a host alone that fails again and again, and lets one request through now and then to see whether it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble
from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

# The host does not answer, or says itself that it cannot. Any other answer shows that it lives.
_DOWN = frozenset({Trouble.UNAVAILABLE, Trouble.TIMEOUT})


class LeftAloneError(SourceError):
    """Nobody was asked: the host has failed so often that it is given a rest."""


@dataclass
class Breaker:
    """A circuit breaker: closed; open for `rest` after `failures` in a row; then half open, for one request at a time."""

    host: str
    failures: int
    rest: timedelta
    clock: Clock
    _failed: int = 0
    _last: SourceError | None = None
    _opened: datetime | None = None
    _probing: bool = False

    def __post_init__(self) -> None:
        metrics.http_circuit_open.labels(host=self.host).set(0)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Let a request pass and learn how it ends. Raises the last trouble again, at once, while the circuit is open."""
        self._stop()
        probe = self._opened is not None
        self._probing = self._probing or probe
        try:
            yield
        except SourceError as error:
            self._learn(error)
            raise
        except asyncio.CancelledError:  # the poll ran out of time while it waited for the host
            self._learn(SourceError(Trouble.TIMEOUT, f"{self.host} did not answer in time"))
            raise
        else:
            self._learn(None)
        finally:
            self._probing = self._probing and not probe

    def _learn(self, error: SourceError | None) -> None:
        if error is None or error.trouble not in _DOWN:
            self._close()
            return
        self._failed += 1
        self._last = error
        if self._failed >= self.failures:
            self._open(error)

    def end(self) -> None:
        """Nobody will ask any more: show nothing."""
        with suppress(KeyError):
            metrics.http_circuit_open.remove(self.host)

    def _stop(self) -> None:
        if self._opened is None or self._last is None:
            return
        rested = self.clock.wall() - self._opened
        # A clock that was set back has not rested for an hour: ask.
        if not self._probing and not timedelta(0) <= rested < self.rest:
            return
        metrics.http_spared.labels(host=self.host).inc()
        raise LeftAloneError(
            self._last.trouble,
            f"{self.host} failed {self.failures} times in a row and is asked only every {self.rest.total_seconds():g} s"
            f" (`http.breaker_rest`); the last time: {self._last.detail}",
        )

    def _open(self, error: SourceError) -> None:
        if self._opened is None:
            log.warning("http.circuit_opened", host=self.host, failures=self._failed, rest=self.rest.total_seconds(),
                        trouble=str(error.trouble), detail=error.detail)  # fmt: skip
        self._opened = self.clock.wall()
        metrics.http_circuit_open.labels(host=self.host).set(1)

    def _close(self) -> None:
        if self._opened is not None:
            log.info("http.circuit_closed", host=self.host)
            metrics.http_circuit_open.labels(host=self.host).set(0)
        self._failed, self._opened = 0, None
