"""What hostile input may cost: 64 MB on top, and one second in which nobody else has a turn. Measured on the real paths."""

from __future__ import annotations

import pytest

from bench.hostile import MEMORY, STALL, TRAPS, Cost, Springing


def of(source: str) -> list[str]:
    """The traps of one source, or those of its traps whose names go on like this."""
    return [what for what in TRAPS if what.startswith(source)]


def sprung(springing: Springing, what: str) -> Cost:
    """What it cost, if that is bearable."""
    cost = springing.cost(what)
    assert cost.memory <= MEMORY, cost
    assert cost.stall <= STALL, cost
    return cost


@pytest.mark.fault("hostile", "a feed is a bomb: markup that takes for ever, entities, nesting, gzip, 8 MB of nothing")
@pytest.mark.parametrize("what", of("feed"))
def test_a_feed_costs_the_daemon_little(springing: Springing, what: str) -> None:
    """It is read by a worker that is killed at its deadline or its limit of memory; the daemon goes on with all else."""
    assert sprung(springing, what).worker <= 160


@pytest.mark.fault("hostile", "a server answers with JSON that is deep, endless, or made of nothing but brackets")
@pytest.mark.parametrize("what", of("mastodon"))
def test_an_api_costs_little(springing: Springing, what: str) -> None:
    """The poll fails with a reason, and costs no more memory than its body."""
    assert sprung(springing, what).outcome in {"malformed", "too_large"}


@pytest.mark.fault("hostile", "hundreds of signed calls of 1 MB each, deep JSON, wrong types, numbers that are none")
@pytest.mark.parametrize("what", of("webhook"))
def test_calls_cost_little(springing: Springing, what: str) -> None:
    """They are read a few megabytes at a time, and what is no mention is kept with the reason."""
    assert "read" in sprung(springing, what).outcome


@pytest.mark.fault("hostile", "a file of lines of 1 MB, one line of 300 MB, rubbish without end, a quote that never closes")
@pytest.mark.parametrize("what", of("file"))
def test_a_file_costs_little(springing: Springing, what: str) -> None:
    """It is read a few megabytes at a time; a bad line costs itself."""
    assert "read" in sprung(springing, what).outcome


@pytest.mark.fault("hostile", "every field of a mention holds 1 MB of NUL, surrogates, overrides, piled accents, tags or emoji")
@pytest.mark.parametrize("what", of("mention: 1 MB"))
def test_a_mention_costs_little(springing: Springing, what: str) -> None:
    """It is cut, cleaned, scored, stored, judged and told like any other, and each message stays short."""
    told_shortly(springing, what)


@pytest.mark.fault("hostile", "every field of a mention holds 10 MB of tags, brackets, links or one endless word")
@pytest.mark.parametrize("what", of("mention: 10 MB"))
def test_a_mention_of_ten_megabytes_costs_little(springing: Springing, what: str) -> None:
    """No source lets so much in; should one do it, it is cut and told like one of 1 MB, at no greater cost than that may have."""
    told_shortly(springing, what)


def told_shortly(springing: Springing, what: str) -> None:
    """One mention, stored and told, in messages that stay short."""
    outcome = sprung(springing, what).outcome
    assert outcome.startswith("1 read, 1 stored, 1 messages")
    assert int(outcome.split()[-2]) <= 256  # kB, in all forms together


@pytest.mark.fault("hostile", "a YAML bomb: aliases, 100,000 brackets, more values than anybody writes")
@pytest.mark.parametrize("what", of("yaml"))
def test_a_settings_file_costs_little(springing: Springing, what: str) -> None:
    """It is refused in words, by a parser that cannot crash."""
    assert sprung(springing, what).outcome != "read"


@pytest.mark.fault("hostile", "an event quotes megabytes of line breaks and terminal escapes")
@pytest.mark.parametrize("what", of("log"))
def test_a_log_line_costs_little(springing: Springing, what: str) -> None:
    """It is one short line."""
    assert sprung(springing, what).outcome.endswith("1 line")
