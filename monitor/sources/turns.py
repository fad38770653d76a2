"""What is looked at again, so many at a time, in turns: what was brought once may be deleted, or be liked by thousands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Turns:
    """Names, those that came last at the end; `at` is the first whose turn it is. It lives in a cursor."""

    names: Sequence[str] = ()
    at: int = 0

    @classmethod
    def load(cls, state: object) -> Turns:
        """What `dump` has put into a cursor; rubbish is nothing."""
        names, at = (state.get("names"), state.get("at")) if isinstance(state, Mapping) else (None, None)
        if not (isinstance(names, list) and isinstance(at, int) and 0 <= at <= len(names)):
            return cls()
        return cls(tuple(map(str, names)), at)

    def dump(self) -> dict[str, Any]:
        """What a cursor keeps of it."""
        return {"names": list(self.names), "at": self.at}

    def due(self, count: int) -> Sequence[str]:
        """Those whose turn it is: at the end of the names fewer than `count`."""
        return self.names[self.at : self.at + count]

    def after(self, looked_at: int, *, gone: Collection[str], new: Iterable[str], most: int) -> Turns:
        """What it is after so many were looked at, without those that are gone, and of all the last `most`."""
        at = self.at + looked_at
        left = [name for name in self.names if name not in gone]
        passed = sum(name not in gone for name in self.names[:at])
        names = list(dict.fromkeys([*left, *new]))
        begin = max(0, len(names) - most)
        turn = 0 if at >= len(self.names) else max(0, passed - begin)
        return Turns(tuple(names[begin:]), turn)
