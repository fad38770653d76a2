"""What a rule would have done on the last days, as it is and with another threshold: judged in a worker, far from the daemon."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from monitor.backtest.course import warm_up
from monitor.backtest.judging import PastAlert, judge
from monitor.backtest.measuring import measure
from monitor.backtest.past import Span, extracted
from monitor.charts.expectation import Seen
from monitor.replay import seldom_collected
from monitor.settings import Settings
from monitor.storage import Store
from rules import Reading, Rule
from rules.thresholds import thresholds, with_value

_COLUMNS: Final = 240  # of a chart: more could not be told apart


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule, to be tried on what was said from `since` to before `until` (aware); a threshold of it with another value."""

    rule: Rule
    since: datetime
    until: datetime
    setting: str = ""
    value: float | None = None

    @property
    def changed(self) -> Rule | None:
        """The rule with the other threshold; None: nobody asked for one that it has."""
        found = next((each for each in thresholds(self.rule) if each.name == self.setting), None)
        return with_value(self.rule, found, self.value) if found is not None and self.value is not None else None


@dataclass(frozen=True, slots=True)
class Trial:
    """`rang` as the rule is, `instead` with the other threshold (None: there is none); `seen` is of what rang most."""

    mentions: int
    rang: Sequence[PastAlert]
    instead: Sequence[PastAlert] | None
    seen: Sequence[Seen]
    measure: str


def tried(settings: Settings, asked: Asked, within: str) -> Trial:
    """In the worker: the store is only read, and what was said lies for a moment in the folder `within`.

    Whoever asks makes that folder, and takes it away: a worker that is ended clears nothing up.
    """
    with tempfile.TemporaryDirectory(dir=within) as folder:
        return asyncio.run(_tried(settings, asked, Path(folder)))


async def _tried(settings: Settings, asked: Asked, folder: Path) -> Trial:
    def quietly(*_: object) -> None:
        """Nobody watches."""

    span = Span(asked.since, asked.until, warm_up([asked.rule]))
    store = await Store.open(settings.storage, create=False)
    try:
        with seldom_collected():
            past = await extracted(store, span, folder / "past.db", quietly)
            judged = await judge(_with(settings, asked.rule), past, span, quietly)
            seen = await measure(_with(settings, asked.rule), past, span, quietly)
            instead = await judge(_with(settings, asked.changed), past, span, quietly) if asked.changed is not None else None
    finally:
        await store.close()
    readings = _loudest(seen.readings.get(asked.rule.id, {}).values())
    return Trial(
        past.mentions,
        judged.alerts,
        None if instead is None else instead.alerts,
        _thinned(readings, span),
        readings[0].measure if readings else "",
    )


def _with(settings: Settings, rule: Rule) -> Settings:
    """It alone; what a plan would do is not asked."""
    return settings.model_copy(update={"rules": (rule.model_copy(update={"plan": None}),)})


def _loudest(all_readings: Iterable[Sequence[Reading]]) -> Sequence[Reading]:
    return max(all_readings, key=lambda each: max(one.observed / (one.bar or 1) for one in each), default=())


def _thinned(readings: Sequence[Reading], span: Span) -> list[Seen]:
    """In each column of the chart the most that was seen in it."""
    width = (span.until - span.since) / _COLUMNS
    columns: dict[int, Reading] = {}
    for each in readings:
        place = int((each.at - span.since) / width)
        if place not in columns or each.observed > columns[place].observed:
            columns[place] = each
    return [Seen(each.at, each.observed, each.expected) for _, each in sorted(columns.items())]
