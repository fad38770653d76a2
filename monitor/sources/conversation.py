"""The conversation in which a post stands, as its network shows it: what it answers, and what was answered to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, runtime_checkable

from monitor.domain.mention import Mention
from monitor.sources.base import Rejected

ABOVE, BELOW = 50, 200  # posts of one conversation that are shown, and kept as evidence


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a network shows around a post: `posts` are that post, if it is there, and others, linked by parents, in no order.

    `whole`: its network tells of no more. `rejected` was not understood.
    """

    posts: Sequence[Mention]
    whole: bool = True
    rejected: Sequence[Rejected] = ()


@runtime_checkable
class Conversing(Protocol):
    """A source that can be asked for the conversation around a post: where a person wants to see it, never by itself."""

    async def conversation(self, uri: str) -> Conversation:
        """By the post's canonical address, within a few calls. Raises `SourceError`: `GONE` where it is not there any more."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A post in its thread: so many steps below the first that is shown."""

    depth: int
    post: Mention


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as people read it: `above` leads down to the post, `below` are answers, each under what it answers.

    `post` None: nobody has it. `whole`: there are no more than these.
    """

    above: Sequence[Placed]
    post: Placed | None
    below: Sequence[Placed]
    whole: bool

    @property
    def posts(self) -> Sequence[Placed]:
        """All of them, from the first to the last that is shown."""
        return [*self.above, *([self.post] if self.post else ()), *self.below]


def arranged(uri: str, posts: Iterable[Mention], *, whole: bool = True) -> Thread:
    """The thread around the post with this address, made of posts linked by their parents. The last word about one counts.

    What is neither above nor below it is left out, and so are steps beyond `ABOVE` and posts beyond `BELOW`.
    """
    known = {each.key: each for each in posts}
    above = _above(uri, known)
    middle = known.get(uri)
    deepest = len(above) + (middle is not None)
    found = list(islice(_below(uri, known, deepest, {uri, *(each.key for each in above)}), BELOW + 1))
    return Thread(
        [Placed(depth, each) for depth, each in enumerate(above)],
        Placed(len(above), middle) if middle is not None else None,
        found[:BELOW],
        whole and len(found) <= BELOW and not (len(above) == ABOVE and above[0].parent),
    )


def _above(uri: str, known: dict[str, Mention]) -> list[Mention]:
    """What it answers, and what that answers, the first of all first. A thread that bites its tail ends there."""
    found: dict[str, Mention] = {}
    at = known.get(uri)
    while at is not None and at.parent not in {None, uri, *found} and len(found) < ABOVE:
        at = known.get(at.parent or "")
        if at is not None:
            found[at.key] = at
    return list(reversed(found.values()))


def _below(uri: str, known: dict[str, Mention], depth: int, shown: Collection[str]) -> Iterable[Placed]:
    """The answers, each followed by those to it, the oldest first; without those that are `shown` already."""
    answers: dict[str, list[Mention]] = {}
    for each in sorted(known.values(), key=lambda post: (post.written_at, post.key), reverse=True):
        if each.parent:
            answers.setdefault(each.parent, []).append(each)
    waiting = [Placed(depth, each) for each in answers.pop(uri, [])]
    while waiting:
        placed = waiting.pop()
        if placed.post.key in shown:
            continue
        yield placed
        waiting += [Placed(placed.depth + 1, each) for each in answers.pop(placed.post.key, [])]


__all__ = ["ABOVE", "BELOW", "Conversation", "Conversing", "Placed", "Thread", "arranged"]
