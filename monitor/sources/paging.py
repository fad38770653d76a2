"""Through the pages of a list to what is known already, losing nothing: pure, and carried from poll to poll by the cursor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

MOST_PAGES = 2_000  # of one walk: a list that has more is made up
MOST_KNOWN = 5_000  # ids that a cursor holds; those that it does not are read again, and the store knows what it has
_REPEATS = 3  # a page comes again where as many new entries have come before it; that it does so for ever is a fault
_LETTERS = 12  # of a hash
_BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)  # before all that there can be

_Ids = Mapping[str, datetime]


class Seen(NamedTuple):
    """One entry of a page: its id, and the moment by which the list is sorted (aware)."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Walk:
    """Through a list that is sorted by time, newest first unless told otherwise, page after page.

    All up to `floor` is known, but for what comes late: `known` are the entries from `overlap` before it. While a walk goes on,
    `at` says where (a token, a number, an id: the source's business), `top` and `fresh` are what `floor` and `known` will be, and
    `pages` are hashes of the pages it saw: the same for ever ends it. What the first look's first page does not show is history.
    """

    floor: datetime | None = None
    known: _Ids = field(default_factory=dict)
    at: str | None = None
    top: datetime | None = None
    fresh: _Ids = field(default_factory=dict)
    pages: tuple[str, ...] = ()
    repeats: int = 0
    gave_up: bool = False  # the last page ended a walk that had no end: what is older was not read, and somebody should be told

    @classmethod
    def load(cls, state: object) -> Walk:
        """The walk that `dump` has put into a cursor; rubbish is the beginning."""
        try:
            return _loaded(state) if isinstance(state, Mapping) else cls()
        except (TypeError, ValueError, AttributeError, OverflowError):
            return cls()

    def dump(self) -> dict[str, Any]:
        """What a cursor keeps of it, as JSON can hold it."""
        kept = {
            "floor": self.floor and self.floor.isoformat(),
            "known": {name: at.isoformat() for name, at in self.known.items()},
            "at": self.at,
            "top": self.top and self.top.isoformat(),
            "fresh": {name: at.isoformat() for name, at in self.fresh.items()},
            "pages": list(self.pages),
            "repeats": self.repeats,
        }
        return {name: value for name, value in kept.items() if value}

    @property
    def more(self) -> bool:
        """Whether it goes on with another page."""
        return self.at is not None

    @property
    def watermark(self) -> datetime | None:
        """While it goes on newest first: everything written before this has been seen."""
        return self.floor if self.more else None

    def since(self, overlap: timedelta = timedelta(0)) -> datetime | None:
        """From when on everything is looked at; None: nothing is known yet."""
        return None if self.floor is None else self.floor - overlap

    def again(self) -> Walk:
        """The place it stood at is lost (a token expired, an entry was deleted): begin at the first page, and lose nothing."""
        return Walk(self.floor, self.known)

    def take(
        self,
        page: Sequence[Seen],
        further: str | None,
        *,
        overlap: timedelta = timedelta(0),
        newest_first: bool = True,
        history: bool = False,
        through: bool = False,
    ) -> tuple[Walk, list[Seen]]:
        """The walk after a page, and what of the page is new, in its order. `further` is where the next page is, if there is one.

        `history`: the first look goes through all there is, and not only through its first page. `through`: what is known does
        not end it (new answers stand under old comments); whoever asks knows when it is enough.
        """
        since, mark = self.since(overlap), _mark(page, further)
        new = [each for each in page if (since is None or each.at >= since) and each.id not in self.known]
        # Newest first, what comes on top while the walk goes on is the next walk's.
        tops = [self.top] if self.top and newest_first else [self.top, *(each.at for each in page)]
        top = max((each for each in tops if each is not None), default=None)
        walked = replace(
            self,
            at=further,
            top=top,
            fresh=_recent({**self.fresh, **dict(page)}, top, overlap),
            pages=(*self.pages, mark),
            repeats=self.repeats + (mark in self.pages),
        )
        # The last: what is pinned stands on top, however old.
        reached = newest_first and not through and since is not None and bool(page) and page[-1].at < since
        looked = since is None and not history and bool(page)
        endless = walked.repeats >= _REPEATS or len(walked.pages) >= MOST_PAGES
        if further is None or reached or looked:
            return walked._ended(overlap), new  # noqa: SLF001 - its own kind
        return (replace(walked._ended(overlap), gave_up=True) if endless else walked), new  # noqa: SLF001 - likewise

    def _ended(self, overlap: timedelta) -> Walk:
        floor = max((each for each in (self.floor, self.top) if each is not None), default=_BEGINNING)
        return Walk(floor, _recent({**self.known, **self.fresh}, floor, overlap))


def _loaded(state: Mapping[str, Any]) -> Walk:
    at = state.get("at")
    return Walk(
        floor=_moment(state["floor"]) if state.get("floor") else None,
        known={str(name): _moment(moment) for name, moment in (state.get("known") or {}).items()},
        at=None if at is None else str(at),
        top=_moment(state["top"]) if state.get("top") else None,
        fresh={str(name): _moment(moment) for name, moment in (state.get("fresh") or {}).items()},
        pages=tuple(map(str, state.get("pages") or ())),
        repeats=int(state.get("repeats") or 0),
    )


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def _recent(ids: _Ids, top: datetime | None, overlap: timedelta) -> _Ids:
    """Those that the next walk can meet again: from `overlap` before the top, the newest where they are too many."""
    kept = {name: at for name, at in ids.items() if top is not None and at >= top - overlap}
    if len(kept) <= MOST_KNOWN:
        return kept
    return dict(sorted(kept.items(), key=lambda each: each[1])[-MOST_KNOWN:])


def _mark(page: Sequence[Seen], further: str | None) -> str:
    """What makes a page the same: its entries; an empty one is known by what comes after it."""
    said = "\x1f".join(each.id for each in page) or f"\x1e{further}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:_LETTERS]


def id_order(name: str) -> tuple[int, str]:
    """Ids sort by length, then by letter: true for numbers, for ULIDs and for flake ids."""
    return len(name.lstrip("0")), name.lstrip("0")


def beyond(ids: Sequence[str], last: str | None) -> list[str]:
    """Of a page that was asked for what comes after `last`: what does, oldest first. Nothing: the paging is at its end."""
    return sorted((each for each in ids if last is None or id_order(each) > id_order(last)), key=id_order)
