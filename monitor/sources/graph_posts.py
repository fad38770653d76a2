"""Which of our posts are looked at for comments: those whose number of comments has changed. Pure, and kept in the cursor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from monitor.domain.mention import Mention
from monitor.sources.base import Deleted, Rejected
from monitor.sources.paging import Seen, Walk


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of posts. `comments`: what is said under them is ours to read. `unlinked`: it does not name its next page."""

    name: str
    path: str
    params: Mapping[str, str]
    needs: str
    comments: bool = True
    unlinked: bool = False


@dataclass(slots=True)
class Found:
    """What one poll has found so far."""

    mentions: list[Mention] = field(default_factory=list)
    deleted: list[Deleted] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    spare: dict[str, Mention] = field(default_factory=dict)  # what a call says itself of something that may not be to be had


@dataclass(frozen=True, slots=True)
class Entry:
    """A post as a list shows it. `told` changes when there are comments to read: None where these are not ours to read.

    `active` is when somebody last said something, where that is told; `address` is kept where it does not follow from the id.
    """

    id: str
    mention: Mention
    digest: str
    told: str | None = None
    comments: int = 0
    active: datetime | None = None
    address: str = ""


@dataclass(slots=True)
class Post:
    """What is known of one: `read` is what was told when all its comments had been read, with as many `comments`."""

    at: float
    digest: str
    address: str = ""
    read: str | None = None
    comments: int = 0
    walk: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Due:
    """One whose comments are to be read: what was told, and when; how many new ones that are, and how many of them are found.

    What was said after `at` is not among them, whatever has been found meanwhile.
    """

    told: str | None
    comments: int
    at: float
    wanted: int = 0
    found: int = 0

    def among(self, new: Sequence[Seen]) -> int:
        """How many of these had been said when it was told how many there are."""
        return sum(each.at.timestamp() <= self.at for each in new)


@dataclass(slots=True)
class Round:
    """Where we are in going through a list: page after page, over and over. `hurry`: through what is new, without a break."""

    at: str | None = None
    passed: int = 0
    whole: bool = False
    hurry: bool = False


@dataclass(slots=True)
class Watch:
    """All that is known. What was written before `floor`, and stands below the first page of the first look, is history."""

    floor: datetime
    rounds: dict[str, Round] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    due: dict[str, Due] = field(default_factory=dict)
    asks: dict[str, int] = field(default_factory=dict)  # single things to ask for, and how often that failed
    _walks: dict[str, Walk] = field(default_factory=dict)  # those that were read: a walk may know thousands of ids

    @classmethod
    def load(cls, state: Any, *, floor: datetime) -> Watch:
        """What `dump` has put into a cursor; rubbish is the beginning."""
        try:
            return cls(
                datetime.fromisoformat(state["floor"]).astimezone(UTC),
                {name: Round(**each) for name, each in state["rounds"].items()},
                {name: Post(**each) for name, each in state["posts"].items()},
                {name: Due(**each) for name, each in state["due"].items()},
                {str(name): int(each) for name, each in state["asks"].items()},
            )
        except (TypeError, ValueError, KeyError, AttributeError):
            return cls(floor)

    def dump(self) -> dict[str, Any]:
        """The same as JSON can hold it; what is as it begins is left out."""
        for name, walk in self._walks.items():
            self.posts[name].walk = walk.dump()
        return {
            "floor": self.floor.isoformat(),
            "rounds": {name: _brief(each) for name, each in self.rounds.items()},
            "posts": {name: _brief(each) for name, each in self.posts.items()},
            "due": {name: asdict(each) for name, each in self.due.items()},
            "asks": self.asks,
        }

    def meet(self, entry: Entry, now: datetime, *, history: bool = False) -> bool:
        """Whether a post says something new. If its comments have changed they are due. `history`: older ones are no news."""
        known = self.posts.get(entry.id)
        written_at = entry.mention.written_at
        if known is None:
            self.posts[entry.id] = known = Post(written_at.timestamp(), entry.digest, entry.address)
            quiet = not entry.comments or (entry.active is not None and entry.active < self.floor)
            if quiet:
                known.read, known.comments = entry.told, entry.comments
            news = not (history and written_at < self.floor)
        else:
            news = known.digest != entry.digest
            known.digest = entry.digest
        under_way = entry.id in self.due and self.walk(entry.id).more  # what comes on top meanwhile is the next walk's
        if entry.told is not None and entry.told != known.read and not under_way:
            wanted = max(entry.comments - known.comments, 0) if known.read is not None else 0
            self.due[entry.id] = Due(entry.told, entry.comments, now.timestamp(), wanted)
        return news

    def touch(self, post_id: str, now: datetime) -> bool:
        """Somebody has said something under a post: look there. False: it is not known."""
        if post_id in self.posts:
            post = self.posts[post_id]
            self.due.setdefault(post_id, Due(post.read, post.comments, now.timestamp(), wanted=1))
        return post_id in self.posts

    def walk(self, post_id: str) -> Walk:
        """The walk through its comments: from what is known, or from where history ends."""
        if post_id not in self._walks:
            walk = Walk.load(self.posts[post_id].walk)
            self._walks[post_id] = Walk(self.floor) if walk.floor is None else walk
        return self._walks[post_id]

    def walked(self, post_id: str, walk: Walk, new: Sequence[Seen]) -> None:
        """One page of its comments has been read, with these that are new."""
        post, due = self.posts[post_id], self.due.pop(post_id)
        self._walks[post_id] = walk
        if walk.more:
            self.due[post_id] = replace(due, found=due.found + due.among(new))  # it is the last now: the others have their turn
        else:
            post.read, post.comments = due.told, due.comments

    def again(self, post_id: str) -> None:
        """The place in its comments has expired: begin at the top, and go down to what is known."""
        self._walks[post_id] = self.walk(post_id).again()
        self.due[post_id] = replace(self.due[post_id], found=0)

    def later(self, post_id: str) -> None:
        """It cannot be read now: the others have their turn."""
        self.due[post_id] = self.due.pop(post_id)

    def give_up(self, post_id: str) -> None:
        """Its comments are not to be had (it was deleted, or has none): until something changes nobody asks again."""
        self.posts[post_id].read = self.due.pop(post_id).told

    def trim(self, most: int) -> None:
        """Keep the newest, and those that are still to be read."""
        newest = sorted(self.posts, key=lambda name: self.posts[name].at, reverse=True)
        for name in newest[most:]:
            if name not in self.due:
                del self.posts[name]
                self._walks.pop(name, None)

    @property
    def watermark(self) -> datetime | None:
        """While there are comments to read: everything before this has been seen."""
        return min((walk.floor for each in self.due if (walk := self.walk(each)).floor is not None), default=None)


def _brief(each: Round | Post) -> dict[str, Any]:
    required = {"at", "digest"} if isinstance(each, Post) else set()
    return {name: value for name, value in asdict(each).items() if value or name in required}


def digest(mention: Mention) -> str:
    """What a post says and how the public reacted, in a few letters: to see whether it changed."""
    return hashlib.sha256(f"{mention.text}\x1f{mention.engagement}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
