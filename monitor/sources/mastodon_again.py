"""Posts that are looked at again: what became of them since, and whether they are still there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.mastodon_threads import UNKNOWABLE
from monitor.sources.paging import id_order

AT_ONCE = 20  # that a server shows by one request
_ASKED_SINGLY = 5  # of those that it does not show
_NOT_THERE = frozenset({Trouble.REFUSED, Trouble.GONE})


@dataclass(frozen=True, slots=True)
class Watched:
    """Posts by their numbers on the server, each with its address, in the order in which they are due. It lives in a cursor."""

    posts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, state: object) -> Watched:
        """What was kept in a cursor."""
        return cls({str(number): str(uri) for number, uri in state.items()}) if isinstance(state, Mapping) else cls()

    @property
    def due(self) -> list[str]:
        """Those that come next."""
        return list(self.posts)[:AT_ONCE]

    def after(self, looked: Collection[str], gone: Collection[str], new: Mapping[str, str], most: int) -> Watched:
        """Those looked at are due last, with what is new; of more than `most` the newest are kept."""
        waiting = {number: uri for number, uri in self.posts.items() if number not in looked}
        again = {number: self.posts[number] for number in looked if number not in gone}
        kept = {**waiting, **again, **{number: uri for number, uri in new.items() if number not in self.posts}}
        newest = set(sorted(kept, key=id_order)[max(len(kept) - most, 0) :])
        return Watched({number: uri for number, uri in kept.items() if number in newest})


class Now(NamedTuple):
    """What a second look shows: which posts were looked at, those that are there as they are now, and those that are gone."""

    looked: Sequence[str] = ()
    statuses: Sequence[Mapping[str, Any]] = ()
    gone: Sequence[str] = ()


class Again:
    """Looks at posts again by one request, where the server has that (Mastodon 4.3): where it has not, at none. `ask` asks it."""

    def __init__(self, ask: Callable[[str], Awaitable[object]]) -> None:
        self._ask = ask
        self._able = True

    async def look(self, numbers: Sequence[str]) -> Now:
        """All of it can wait: what goes wrong is tried another time, and never keeps anybody from what is new."""
        if not (self._able and numbers):
            return Now()
        try:
            return await self._looked(numbers)
        except SourceError as error:
            self._able = error.trouble not in UNKNOWABLE
            return Now()

    async def _looked(self, numbers: Sequence[str]) -> Now:
        page = await self._ask(f"/api/v1/statuses?{urlencode([('id[]', each) for each in numbers])}")
        listed = page if isinstance(page, list) else []
        shown = {str(each["id"]): each for each in listed if isinstance(each, Mapping) and "id" in each}
        missing = [each for each in numbers if each not in shown][:_ASKED_SINGLY]
        gone = [each for each in missing if await self._is_gone(each)]
        # One that shows none of them together, and some one by one, does not know the question.
        self._able = bool(shown) or len(gone) == len(missing)
        there = [shown[each] for each in numbers if each in shown]
        return Now([*(str(each["id"]) for each in there), *missing], there, gone)

    async def _is_gone(self, number: str) -> bool:
        try:
            await self._ask(f"/api/v1/statuses/{quote(number, safe='')}")
        except SourceError as error:
            if error.trouble in _NOT_THERE:
                return True
            if error.trouble not in UNKNOWABLE:
                raise
        return False
