"""How many messages it would have been: gathered as conversations gather, and never more than was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alert import AlertEvent
from monitor.pipeline.counting import Counted, Said, counted, messages
from monitor.pipeline.quiet_hours import Quiet
from monitor.settings import Settings

if TYPE_CHECKING:
    from monitor.domain.alert import Severity

MINUTE = timedelta(minutes=1)
INTERVAL = 5 * MINUTE
NIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)


def share(severity: Severity = "warning") -> AlertEvent:
    """An alert's part."""
    return AlertEvent(1, "first", severity, 1.0, None, 1)


def quiet(**hours: str) -> Quiet:
    """Quiet hours of everybody."""
    routing: dict[str, Any] = {"quiet_hours": hours} if hours else {}
    return Quiet(Settings.model_validate({"version": 1, "subjects": {"acme": "Acme"}, "routing": routing}))


def test_the_first_leaves_at_once_and_the_rest_is_gathered() -> None:
    """One message in five minutes; another conversation, and what a plan says, wait for nothing."""
    said = [Said(NIGHT + n * MINUTE, "me", "acme", share()) for n in range(7)]
    said += [Said(NIGHT + MINUTE, "me", "other", share()), Said(NIGHT + MINUTE, "me", 4), Said(NIGHT + MINUTE, "me", 4)]
    assert sorted((at - NIGHT) // MINUTE for _, at in messages(said, quiet(), INTERVAL)) == [0, 1, 1, 1, 5, 10]


def test_quiet_hours_make_one_message_of_a_night() -> None:
    """At their end; what is critical, and what a plan says, is told in the night."""
    said = [Said(NIGHT + n * 30 * MINUTE, "me", n, share()) for n in range(8)]
    said += [Said(NIGHT, "me", "grave", share("critical")), Said(NIGHT, "me", 4)]
    found = [at for _, at in messages(said, quiet(**{"from": "22:00", "to": "07:00"}), INTERVAL)]
    assert sorted(found) == [NIGHT, NIGHT, NIGHT.replace(day=3, hour=7)]
    assert counted(found, "UTC") == Counted(3, 2)


@pytest.mark.parametrize(("hour", "by_night"), [(21, 0), (22, 1), (6, 1), (7, 0)])
def test_night_is_by_the_clock_of_the_reader(hour: int, by_night: int) -> None:
    """From ten in the evening to seven in the morning, in Paris."""
    assert counted([datetime(2026, 3, 2, hour - 1, 0, tzinfo=UTC)], "Europe/Paris") == Counted(1, by_night)


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["a", "b"]), st.integers(0, 2), st.booleans()), max_size=40))
def test_never_more_messages_than_were_said_and_nobody_is_left_out(told: list[tuple[int, str, int, bool]]) -> None:
    """Each thing said has a message to its receiver, no earlier and at most one interval later."""
    said = [Said(NIGHT + at * MINUTE, who, about, share() if rings else None) for at, who, about, rings in told]
    found = list(messages(said, quiet(), INTERVAL))
    assert len(found) <= len(said)
    for each in said:
        assert any(who == each.receiver and each.at <= at <= each.at + INTERVAL for who, at in found)
