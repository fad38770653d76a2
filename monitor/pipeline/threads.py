"""The thread around a stored mention: what its network shows of it now, beside what was stored, and who of ours answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from monitor.domain.errors import SourceError, Trouble, UsageError
from monitor.domain.mention import Author, InThread, Mention, Observed, page_of
from monitor.pipeline.evidence import digest_of
from monitor.settings import Settings
from monitor.sources import Source
from monitor.sources.budget import Frugal
from monitor.sources.conversation import ABOVE, BELOW, Conversation, Conversing, Placed, arranged
from monitor.sources.text import is_own, sanitise
from monitor.storage import Store, UnitOfWork

Where = Literal["above", "here", "below"]


@dataclass(frozen=True, slots=True)
class Said:
    """One post of a thread. `number`: that of the stored mention, if it is one. `shown`: its network shows it now.

    `edited`: its text is not what we stored, or was not when its source looked. `sha256` is of what stands here, as of evidence.
    """

    depth: int
    where: Where
    number: int | None
    network: str
    uri: str
    page: str
    author: str
    ours: bool
    written_at: datetime
    title: str
    text: str
    sensitive: bool
    shown: bool
    edited: bool
    deleted_at: datetime | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Talk:
    """A thread as it was at `at`. `source` was asked; None: nobody was, and `why` says why, or what went wrong.

    `whole`: neither its network nor the limits of what is shown leave anything out.
    """

    mention: Observed
    said: Sequence[Said]
    whole: bool
    at: datetime
    source: str | None
    why: str = ""

    @property
    def answers(self) -> Sequence[Said]:
        """What accounts of ours said below it."""
        return [each for each in self.said if each.ours and each.where == "below"]


class Asked(NamedTuple):
    """What a source said of a conversation: the source, and what it showed or why it did not; None: nobody could be asked."""

    source: str | None
    shown: Conversation | None
    why: str = ""


async def mention_of(store: Store, number: int) -> Observed:
    """A stored mention. Raises `UsageError` for one that is not there, or of which nothing is left."""
    async with store.read() as tx:
        found = await tx.mentions.get([number])
    if not found:
        raise UsageError(f"there is no mention {number}; `tocsin alert show` names those behind an alert")
    if found[0].is_erased:
        raise UsageError(f"of mention {number} nothing is left: its author asked to be forgotten")
    return found[0]


def askable(post: Observed, settings: Settings) -> list[str]:
    """The sources that may know a post: the one that brought it, then others of its network. None that is not to be asked."""
    others = (name for name, each in settings.sources.items() if post.network in (each.networks() or ()))
    return [name for name in dict.fromkeys((post.source, *others)) if name in settings.sources and settings.sources[name].enabled]


async def ask(store: Store, post: Observed, sources: Mapping[str, Source], settings: Settings) -> Asked:
    """Ask the first of `sources` that can be asked for conversations. What goes wrong is told, and no error is raised.

    What it costs is taken out of the source's budget, as the daemon knows it.
    """
    able = {name: source for name, source in sources.items() if isinstance(source, Conversing)}
    if not able or not post.url:
        return Asked(None, None, _unable(post))
    (name, source), *_ = able.items()
    await _restore(store, name, source)
    try:
        async with asyncio.timeout(settings.sources[name].timeout.total_seconds()):
            return Asked(name, await source.conversation(post.url))
    except TimeoutError:
        return Asked(name, None, SourceError(Trouble.TIMEOUT, "it did not answer within its `timeout`").detail)
    except SourceError as error:
        return Asked(name, None, error.detail)
    finally:
        await _note_spent(store, name, source)


def _unable(post: Observed) -> str:
    if not post.url:
        return "the post has no address"
    return f"no source of {post.network} that is configured can be asked for conversations"


async def _restore(store: Store, name: str, source: object) -> None:
    if isinstance(source, Frugal):
        async with store.read() as tx:
            source.purse.restore((await tx.sources.get(name)).spent or {})


async def _note_spent(store: Store, name: str, source: object) -> None:
    if isinstance(source, Frugal):
        async with store.begin() as tx:
            await tx.sources.spent(name, source.purse.spent)
            await tx.commit()


async def talk(tx: UnitOfWork, post: Observed, asked: Asked, ours: Sequence[str], at: datetime) -> Talk:
    """The thread, of what is stored and what was shown. What people said who asked to be forgotten is left out."""
    kept = {each.key: each for each in await tx.mentions.thread(post.id, above=ABOVE, below=BELOW) if not each.post.is_erased}
    shown = asked.shown or Conversation((), whole=False)
    posts = await tx.mentions.welcome([replace(sanitise(each, now=at), network=post.network) for each in shown.posts])
    key = next(key for key, each in kept.items() if each.post.id == post.id)
    thread = arranged(key, [*map(_mention, kept.values()), *posts], whole=shown.whole)
    seen = {each.uri for each in posts} if asked.shown is not None else None
    places: tuple[tuple[Where, Sequence[Placed]], ...] = (
        ("above", thread.above),
        ("here", [thread.post] if thread.post else []),
        ("below", thread.below),
    )
    said = [_said(each, where, kept.get(each.post.key), seen, ours) for where, placed in places for each in placed]
    return Talk(post, said, thread.whole, at, asked.source if asked.shown is not None else None, asked.why)


def _mention(each: InThread) -> Mention:
    post, who = each.post, each.post.author
    author = Author(str(who.id), who.handle, who.name, own=bool(who.own)) if who.id is not None else None
    return Mention(
        post.network, post.text, post.written_at, uri=each.key, title=post.title, author=author, parent=each.parent,
        sensitive=post.sensitive,
    )  # fmt: skip


def _said(placed: Placed, where: Where, kept: InThread | None, seen: set[str | None] | None, ours: Sequence[str]) -> Said:
    post, stored = placed.post, kept.post if kept else None
    author = post.author or Author("")
    uri = (stored.url if stored else post.uri) or ""
    other = stored is not None and (stored.title, stored.text) != (post.title, post.text)
    return Said(
        placed.depth,
        where,
        stored.id if stored else None,
        post.network,
        uri,
        page_of(uri, author.handle) or "",
        author.handle or author.name,
        author.own or is_own(author.handle or author.id, ours),
        post.written_at,
        post.title,
        post.text,
        bool(post.sensitive or (stored and stored.sensitive)),
        shown=seen is not None and post.uri in seen,
        edited=other or bool(stored and stored.edited_at),
        deleted_at=stored.deleted_at if stored else None,
        sha256=digest_of(post.network, uri, author.handle, post.written_at, post.title, post.text),
    )


__all__ = ["Asked", "Said", "Talk", "ask", "askable", "mention_of", "talk"]
