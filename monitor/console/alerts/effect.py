"""What a false alarm says of its rule: from where on it would have stayed silent, and what else would have, then."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from monitor.domain.alert import Alert
from rules import Rule
from rules.model import WindowRule


@dataclass(frozen=True, slots=True)
class Change:
    """One setting of a rule: as it is, and the least by which the alert would not have rung.

    Of the others of this rule `silent` would have stayed silent, too; of those, `false` were called false alarms.
    """

    setting: str
    now: float
    wanted: float
    silent: int
    false: int


@dataclass(frozen=True, slots=True)
class Record:
    """The alerts of a rule that are looked back on, this one included; `false` were called false alarms."""

    rang: int
    false: int
    changes: Sequence[Change]


def record(alert: Alert, rule: Rule | None, others: Sequence[Alert], false: Collection[int]) -> Record:
    """`others` are the alerts of the same rule, `false` the numbers of those that rang for nothing."""
    known = {each.id: each for each in (*others, alert)}
    rest = [each for each in known.values() if each.id != alert.id]
    changes = _changes(alert, rule, rest, false) if isinstance(rule, WindowRule) else ()
    return Record(len(known), len({*false} & known.keys()), list(changes))


def _changes(alert: Alert, rule: WindowRule, rest: Sequence[Alert], false: Collection[int]) -> Iterator[Change]:
    """Each setting alone would have done. Of means and sums no number is told: how they move is not how many speak."""
    if alert.measure.startswith(("mean ", "sum ")):
        return
    fire, counts = rule.fire, alert.measure != "share"
    if counts:
        wanted = math.floor(alert.observed) + 1
        yield _change("fire.at_least", fire.at_least, wanted, [each for each in rest if each.observed < wanted], false)
    elif fire.share is not None and alert.observed < 1:
        share = math.floor(alert.observed * 100 + 1) / 100
        yield _change("fire.share", fire.share, share, [each for each in rest if each.observed < share], false)
    if fire.times_expected is not None and alert.expected:
        times = math.floor(_times(alert) * 10 + 1) / 10
        yield _change("fire.times_expected", fire.times_expected, times, [each for each in rest if _times(each) < times], false)


def _times(alert: Alert) -> float:
    return alert.observed / alert.expected if alert.expected else math.inf


def _change(setting: str, now: float, wanted: float, silent: Sequence[Alert], false: Collection[int]) -> Change:
    return Change(setting, now, wanted, len(silent), sum(each.id in false for each in silent))
