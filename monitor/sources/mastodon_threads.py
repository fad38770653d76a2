"""What answers what on a server with the Mastodon API: it says so by its own numbers, and we know posts by their addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.breaker import LeftAloneError

REMEMBERED = 5_000  # posts: under one megabyte, and days of most brands
STEPS = 5  # up a thread; of a longer one its beginning is not known
TRIES = 3  # a post that the server stumbles over must not hold up all others for ever

UNKNOWABLE = frozenset({Trouble.REFUSED, Trouble.GONE, Trouble.CREDENTIALS})
"""Troubles of what is deleted, private, or never was: asking again at once would not help."""


class _Post(NamedTuple):
    uri: str
    answers: str | None  # the number, on this server, of what it answers


class Threads:
    """Remembers the posts that went by, and asks for one that is missing. `ask` gives a status by its number."""

    def __init__(self, ask: Callable[[str], Awaitable[object]]) -> None:
        self._ask = ask
        self._posts: dict[str, _Post | None] = {}  # None: it is not to be had
        self._failed: Counter[str] = Counter()

    def note(self, status: Mapping[str, Any]) -> None:
        """Remember a post, for those that will answer it."""
        post = _post(status)
        if post is not None and isinstance(status.get("id"), str):
            self._remember(status["id"], post)

    async def follow(self, number: str) -> None:
        """Go up the thread from this post, asking for what was not seen. Raises `SourceError` when it is worth another try."""
        above: str | None = number
        for _ in range(STEPS):
            if above is None:
                return
            if above not in self._posts:
                self._remember(above, await self._fetch(above))
            post = self._posts[above]
            above = post.answers if post else None

    def above(self, number: str) -> tuple[str | None, str | None]:
        """The address of this post, and of the one that began its thread, as far as they are known."""
        post = self._posts.get(number)
        top = post
        for _ in range(STEPS):
            if top is None or top.answers is None:
                break
            top = self._posts.get(top.answers)
        return post.uri if post else None, top.uri if top and top.answers is None else None

    async def _fetch(self, number: str) -> _Post | None:
        try:
            status = await self._ask(number)
        except SourceError as error:
            if error.trouble in UNKNOWABLE:
                return None
            if error.trouble is not Trouble.THROTTLED and not isinstance(error, LeftAloneError):
                self._failed[number] += 1
            if self._failed[number] < TRIES:
                raise
            return None
        finally:
            if len(self._failed) > REMEMBERED:
                self._failed.clear()
        return _post(status) if isinstance(status, Mapping) else None

    def _remember(self, number: str, post: _Post | None) -> None:
        self._posts.pop(number, None)
        self._posts[number] = post
        if len(self._posts) > REMEMBERED:
            self._posts.pop(next(iter(self._posts)))


def _post(status: Mapping[str, Any]) -> _Post | None:
    """What it is called everywhere, if it says so."""
    uri, answers = status.get("uri") or status.get("url"), status.get("in_reply_to_id")
    return _Post(uri, str(answers) if answers else None) if isinstance(uri, str) else None
