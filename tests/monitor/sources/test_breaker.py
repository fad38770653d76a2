"""A host that keeps failing is left alone, and tried again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.sources.breaker import Breaker, LeftAloneError
from monitor.telemetry import metrics

REST = timedelta(seconds=30)


@pytest.fixture
def breaker(clock: ManualClock) -> Breaker:
    """Opens after two failures."""
    return Breaker("h.example:443", 2, REST, clock)


def ask(breaker: Breaker, trouble: Trouble | None = None) -> SourceError | None:
    """One request that ends so; what the caller sees."""
    failure = SourceError(trouble, "its name cannot be resolved") if trouble else None
    try:
        with breaker.watch():
            _end(failure)
    except SourceError as error:
        return error
    return None


def _end(failure: SourceError | None) -> None:
    if failure is not None:
        raise failure


def fail(breaker: Breaker, times: int, trouble: Trouble = Trouble.UNAVAILABLE) -> None:
    """Requests that fail one after the other."""
    for _ in range(times):
        assert not isinstance(ask(breaker, trouble), LeftAloneError)


def test_it_opens_after_so_many_failures_and_says_why(breaker: Breaker) -> None:
    """Nobody is asked, the trouble keeps its name, and its own words are told on."""
    fail(breaker, 2)
    error = ask(breaker)
    assert isinstance(error, LeftAloneError)
    assert error.trouble is Trouble.UNAVAILABLE
    assert "2 times in a row" in error.detail
    assert "its name cannot be resolved" in error.detail


def test_one_request_tells_whether_the_host_is_back(breaker: Breaker, clock: ManualClock) -> None:
    """After the rest one is let through: its failure means another rest, its success the end of it."""
    fail(breaker, 2)
    clock.advance(REST)
    fail(breaker, 1)
    assert isinstance(ask(breaker), LeftAloneError)
    clock.advance(REST)
    assert ask(breaker) is None
    fail(breaker, 1)


def test_only_one_request_probes(breaker: Breaker, clock: ManualClock) -> None:
    """While it is under way the others are spared."""
    fail(breaker, 2)
    clock.advance(REST)
    with breaker.watch():
        assert isinstance(ask(breaker), LeftAloneError)
    assert ask(breaker) is None


@pytest.mark.parametrize("trouble", [Trouble.CREDENTIALS, Trouble.THROTTLED, Trouble.MALFORMED, Trouble.REFUSED, Trouble.GONE])
def test_an_answer_is_a_sign_of_life(breaker: Breaker, trouble: Trouble) -> None:
    """Whoever refuses us is there: what is no fault of the host never opens the circuit."""
    fail(breaker, 1)
    fail(breaker, 9, trouble)
    fail(breaker, 1)
    assert ask(breaker) is None


async def test_a_request_that_was_given_up_counts(breaker: Breaker) -> None:
    """A poll that runs out of time before the request's own limit has met a silent host, too."""

    async def hang() -> None:
        async with asyncio.timeout(0):
            with breaker.watch():
                await asyncio.Event().wait()

    for _ in range(2):
        with pytest.raises(TimeoutError):
            await hang()
    error = ask(breaker)
    assert isinstance(error, LeftAloneError)
    assert error.trouble is Trouble.TIMEOUT


def test_a_clock_that_is_set_back_does_not_prolong_the_rest(breaker: Breaker, clock: ManualClock) -> None:
    """An hour back must not mean an hour of silence."""
    fail(breaker, 2)
    clock.advance(-timedelta(hours=1))
    assert ask(breaker) is None


def test_its_state_is_a_metric(breaker: Breaker, clock: ManualClock) -> None:
    """0 while the host is asked, 1 while it is not; what was spared is counted; nothing is shown when nobody asks any more."""

    def shown(name: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"host": "h.example:443"})

    before = shown("tocsin_http_spared_total") or 0
    assert shown("tocsin_http_circuit_open") == 0
    fail(breaker, 2)
    ask(breaker)
    assert (shown("tocsin_http_circuit_open"), shown("tocsin_http_spared_total")) == (1, before + 1)
    clock.advance(REST)
    ask(breaker)
    assert shown("tocsin_http_circuit_open") == 0
    breaker.end()
    breaker.end()
    assert shown("tocsin_http_circuit_open") is None
