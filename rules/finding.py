"""What an evaluation says: a finding that rings, or calm; both with what was observed, what was usual, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from rules.model import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule rings.

    `at` is event time, aware and in UTC. `observed` and `expected` count `measure` (`mentions`, `authors`, `texts`, a `share`
    from 0 to 1, a mean such as `mean sentiment`, or a sum such as `sum author.reach`) within `window`; `expected` is None where
    nothing is usual yet. `key` identifies the alert, `labels` says more. `evidence` holds ids of mentions, the loudest first.
    `reasons` are facts in plain English. `unscored`: how many more mentions might belong to the window, for a score is missing;
    `copies`: how many in it copy one text, the one with most copies.
    """

    rule: str
    kind: str
    key: Mapping[str, str]
    labels: Mapping[str, str]
    subject: str | None
    at: datetime
    severity: Severity
    category: str
    observed: float
    expected: float | None
    measure: str
    window: timedelta | None
    learning: bool
    reasons: tuple[str, ...]
    evidence: tuple[int, ...]
    plan: str | None
    notify: tuple[str, ...]
    unscored: int = 0
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Calm:
    """A window does not ring: it never did, or it is over (`keep_firing_for` has passed since it last held).

    `pending_since` is set while the condition holds but has not yet lasted for `for`. Times are event time, aware and in UTC.
    `why` says of an alert that rang why it is over, and `tell` whether that is news to whoever was told of it.
    """

    rule: str
    key: Mapping[str, str]
    at: datetime
    observed: float
    expected: float | None
    measure: str
    window: timedelta
    reasons: tuple[str, ...]
    pending_since: datetime | None = None
    last_fired: datetime | None = None
    why: str = "back to normal"
    tell: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule saw of one key at a moment, whether it rings or not: what a chart of it is drawn from.

    `at` is event time, aware and in UTC; `observed` and `expected` are as in `Finding`. `bar` is what `observed` must reach to
    ring; None where it is none of the same units alone. `reached` says of each threshold in the rule's `fire` up to which value
    of it, all else as it is, the rule would hold now: 0 where it would not, infinite where the threshold has no say. `quiet`:
    until something is said the rule will not hold.
    """

    at: datetime
    observed: float
    expected: float | None
    measure: str
    bar: float | None = None
    surprise: float | None = None
    reached: Mapping[str, float] = field(default_factory=dict)
    quiet: bool = False


class Verdict(NamedTuple):
    """How one condition fared: where it stands and what it asks, what it saw, and whether it held (None: unknown)."""

    condition: str
    seen: object
    held: bool | None
