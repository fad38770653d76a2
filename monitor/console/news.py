"""Finds what is new in the store since it was looked at last, and says it in a few words for pages that are open."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from monitor.storage import UnitOfWork

Kind = Literal["mention", "alert", "run", "handling", "source"]

_MOST: Final = 200  # events, and mentions, that one look tells of; the next one goes on
_BACK: Final = 10  # looks for which a number may be missing and come after greater ones: a transaction took that long
_KINDS: Final[Mapping[str, Kind]] = {
    "alert": "alert",
    "silence": "alert",
    "plan": "run",
    "feedback": "handling",
    "mention": "handling",
    "handling": "handling",
}


@dataclass(frozen=True, slots=True)
class News:
    """What a page may care about: `data` has numbers and names, nothing that anybody said."""

    kind: Kind
    data: Mapping[str, Any]


class _Counter:
    """Numbers that come more or less in order: those above `floor` are asked for, and each is new once."""

    def __init__(self, newest: int) -> None:
        self._newest: deque[int] = deque([newest], maxlen=_BACK)
        self._known: set[int] = {newest}

    @property
    def floor(self) -> int:
        return self._newest[0]

    def new(self, rows: Sequence[Any]) -> list[Any]:
        """Of rows above the floor those that were not met before."""
        found = [row for row in rows if row.id not in self._known]
        self._known.update(row.id for row in found)
        if len(rows) == _MOST:  # so many that we would never get on
            self._newest.clear()
        self._newest.append(max((row.id for row in rows), default=self._newest[-1] if self._newest else 0))
        self._known = {number for number in self._known if number >= self.floor}
        return found


class Lookout:
    """Remembers what it has seen. The first look tells nothing: it is where the story begins."""

    def __init__(self) -> None:
        self._mentions: _Counter | None = None
        self._events = _Counter(0)
        self._deed = 0
        self._sources: Mapping[str, tuple[object, ...]] = {}

    async def look(self, tx: UnitOfWork) -> list[News]:
        """What is new, in the order of its kinds: what was said, what was done, how sources stand."""
        sources = await tx.newest.sources()
        if self._mentions is None:
            mention, event = await tx.newest.marks()
            self._deed = await tx.handling.newest()
            self._mentions, self._events, self._sources = _Counter(mention), _Counter(event), sources
            return []
        mentions = self._mentions.new(await tx.newest.mentions(self._mentions.floor, _MOST))
        events = self._events.new(await tx.newest.events(self._events.floor, _MOST))
        deeds = await tx.handling.after(self._deed, _MOST)
        self._deed = max((deed.id or 0 for deed in deeds), default=self._deed)
        changed = [name for name, state in sources.items() if self._sources.get(name) != state]
        self._sources = sources
        handled = [News("handling", {"what": deed.verb, "by": deed.by, "mention": deed.mention}) for deed in deeds]
        stand = [News("source", {"source": name}) for name in changed]
        return [*_said(mentions), *filter(None, map(_done, events)), *handled, *stand]


def _said(rows: Sequence[Any]) -> Iterator[News]:
    """All that came between two looks together: a storm is no reason to send hundreds of events to everybody."""
    if rows:
        said = [{"id": row.id, "network": row.network, "subjects": sorted(row.subjects)} for row in rows]
        yield News("mention", {"mentions": said})


def _done(row: Any) -> News | None:
    kind = _KINDS.get(row.kind.partition(".")[0])
    kind = kind or ("run" if row.plan_run_id is not None else "alert" if row.alert_id is not None else None)
    if kind is None:
        return None
    numbers = {
        "alert": row.alert_id,
        "run": row.plan_run_id,
        "incident": row.incident_id,
        "mention": (row.detail or {}).get("mention"),
    }
    return News(kind, {"what": row.kind, "by": row.actor, **{name: each for name, each in numbers.items() if each is not None}})
