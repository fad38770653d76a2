"""Figures by the API, as a panel of Grafana asks for them, and what Tocsin says of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.console.api.figures import _times
from tests.monitor.console.api.conftest import Give
from tests.monitor.console.conftest import Office

WRONG: list[tuple[str, dict[str, str | list[str]], str]] = [
    ("/figures/series", {"from": "9" * 400}, "from"),
    ("/figures/series", {"from": "-5"}, "from"),
    ("/figures/series", {"from": "2026-13-01"}, "from"),
    ("/figures/series", {"from": "2026-03-02", "to": "2026-03-01"}, "from"),
    ("/figures/series", {"step": "often"}, "step"),
    ("/figures/series", {"step": "0s"}, "step"),
    ("/figures/series", {"measure": "joy"}, "measure"),
    ("/figures/series", {"by": "topic"}, "topic"),
    ("/figures/week", {"subject": ["a", "b"]}, "subject"),
    ("/mentions", {"limit": "1000000"}, "limit"),
    ("/mentions", {"before": "1e99"}, "before"),
    ("/mentions", {"before": ["1", "2"]}, "before"),
    ("/mentions", {"subject": "a\x00b"}, "subject.0"),
    ("/mentions", {"tone": "glad"}, "tone.0"),
    ("/mentions", {"since": "0001-01-01T00:00:00+14:00"}, "since"),
    ("/alerts", {"page": "2"}, "page"),
]

NOW = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)


async def test_a_panel_gets_its_points(office: Office, give: Give) -> None:
    """Time, value and name for every step, by the milliseconds that Grafana writes; the sum is what was said."""
    program, now = await give("viewer"), office.home.clock.now()
    since, until = (str(int(each.timestamp() * 1000)) for each in (now - timedelta(hours=6), now))
    for by, of in (("all", "all"), ("subject", "acme"), ("network", "mastodon")):
        points = (await program.get("/figures/series", **{"from": since, "to": until, "step": "1h", "by": by})).said
        assert [each["time"] for each in points] == sorted({each["time"] for each in points})
        assert (len(points), sum(each["value"] for each in points), {each["of"] for each in points}) == (7, 4, {of})


async def test_days_are_those_of_the_reader(give: Give) -> None:
    """From a day on, steps begin at midnight of their zone."""
    points = (await (await give("viewer")).get("/figures/course", step="1d")).said
    assert sum(each["mentions"] for each in points) == 4
    assert {datetime.fromisoformat(each["time"]).hour for each in points} <= {22, 23}  # in Paris


@pytest.mark.parametrize(
    ("step", "first", "many"),
    [
        (timedelta(seconds=30), datetime(2026, 3, 27, 12, tzinfo=UTC), 49),
        (timedelta(hours=6), datetime(2026, 3, 27, 12, tzinfo=UTC), 9),
        (timedelta(days=1), datetime(2026, 3, 26, 23, tzinfo=UTC), 3),
        (timedelta(days=2), datetime(2026, 3, 26, 23, tzinfo=UTC), 2),
    ],
)
def test_steps_are_whole_hours_or_days(step: timedelta, first: datetime, many: int) -> None:
    """A shorter step grows to an hour; days follow the clock of the zone, also when it changes."""
    times = _times(NOW - timedelta(days=2), NOW, step, "Europe/Paris")
    assert (times[0], len(times)) == (first, many)


def test_three_years_by_the_second_are_not_too_many_points() -> None:
    """The step grows with the span, so that no answer is endless."""
    assert len(_times(NOW - timedelta(days=1098), NOW, timedelta(seconds=1), "UTC")) <= 2_100


async def test_the_other_figures_come_as_arrays(give: Give) -> None:
    """Share of voice, hours of the week, and times to answer, of which there are none yet."""
    program = await give("viewer")
    (share,) = (await program.get("/figures/share_of_voice")).said
    assert (share["subject"], share["mentions"], share["share"], share["before"]) == ("acme", 4, 1.0, None)
    week = (await program.get("/figures/week")).said
    assert (len(week), sum(each["value"] for each in week)) == (7 * 24, pytest.approx(4, abs=2))
    assert (await program.get("/figures/speeds")).said == []
    assert (await program.get("/figures/course", by="topic", topic=["price"])).said == []


async def test_what_cannot_be_asked_names_its_parameter(give: Give) -> None:
    """With 422, in words, whatever is typed; nothing of it comes back."""
    program = await give("viewer")
    for path, query, field in WRONG:
        answer = await program.get(path, **query)
        assert (answer.status, answer.said["errors"][0]["field"]) == (422, field), answer


async def test_tocsin_says_how_it_is(give: Give) -> None:
    """Who asks, which version, how sources and receivers stand, by which rules and plans it goes."""
    program = await give("viewer")
    me = (await program.get("/me")).said
    assert (me["account"], me["role"], me["may"], me["timezone"]) == ("viewer", "viewer", ["look"], "Europe/Paris")
    assert (await program.get("/version")).said["api"] == 1
    health = (await program.get("/health")).said
    assert (health["status"], health["counts"]["rules"]) == ("well", 2)
    (source,) = (await program.get("/sources")).said["items"]
    assert (source["name"], source["condition"], source["errors"]["failed"]) == ("net", "well", 0)
    assert "lag_seconds" in source
    assert [each["id"] for each in (await program.get("/rules")).said["items"]] == ["complaint", "crisis"]
    (plan,) = (await program.get("/plans")).said["items"]
    assert (plan["id"], plan["title"], plan["settings"]["id"]) == ("storm", "Storm plan", "storm")
    assert (await program.get("/openapi.json")).said["openapi"] == "3.1.1"
