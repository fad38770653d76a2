"""News sites, blogs, podcasts and alert services: RSS, Atom and JSON Feed, asked politely (only for what is new)."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urljoin

from pydantic import AfterValidator, Field

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Form, Mention
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, load_cursor
from monitor.sources.feed_document import MAX_ENTRIES, Document, Entry, NoFeedError, read
from monitor.sources.http import Answer, HttpClient
from monitor.sources.mapping import named
from monitor.sources.text import canonical_uri, is_own, language_code
from monitor.workshop.pool import TooLargeError, TooSlowError, WorkError, Workshop

PATIENCE = timedelta(seconds=20)  # for reading one document; one of 8 MB takes seconds on a small machine
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_LOOK = "look at what its address answers now, and whether it has another feed"
_TROUBLES: Mapping[type[WorkError], Trouble] = {TooSlowError: Trouble.MALFORMED, TooLargeError: Trouble.TOO_LARGE}
_TOO_MANY = Rejected("the rest of the feed", f"it has more than {MAX_ENTRIES} entries; only the first of them were read")


def web_address(url: str) -> str:
    """Validate an http(s) address. The message never quotes it: it may carry a secret."""
    if not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/"):
        raise ValueError("write a complete address that begins with https:// (or http://)")
    return url


def server_address(url: str) -> str:
    """The address of a server, below which paths are asked."""
    return web_address(url).rstrip("/")


class FeedSettings(SourceSettings):
    """A feed of articles, episodes, comments or alerts, in RSS, Atom or JSON Feed.

    An entry that says what it answers (`thr:in-reply-to` of RFC 4685, as the comment feeds of many blogs do, or a link with
    `rel="in-reply-to"`) is a comment, and linked to that.
    """

    kind: Literal["feed"] = Field(description="an RSS, Atom or JSON feed")
    url: Annotated[str, AfterValidator(web_address)] = Field(repr=False, description="the feed's address")
    network: str = Field("web", min_length=1, max_length=32, description="the network its entries are counted under")
    language: str | None = Field(None, description="the language of the entries when the feed does not say, for instance fr")

    def networks(self) -> frozenset[str]:
        return frozenset({self.network})


@dataclass(frozen=True, slots=True)
class _Told:
    """One entry as a mention, before its identity is settled. `link` and `id` are empty when the feed gives none.

    `answers` is the id of the entry that it answers, which may stand in the same feed.
    """

    link: str
    id: str
    answers: str
    mention: Mention


class Feed:
    """The cursor is the feed's ETag and Last-Modified, and its address once it moved; the store knows which entries it has."""

    def __init__(self, settings: FeedSettings, http: HttpClient, clock: Clock, workshop: Workshop) -> None:
        self.network = settings.network
        self._settings = settings
        self._http = http
        self._workshop = workshop
        self._clock = clock
        self._origin = f"feed {settings.url}"

    async def poll(self, cursor: str | None) -> Batch:
        """All entries of the feed, oldest first, or none when it has not changed. Raises `SourceError`."""
        known = load_cursor(self._origin, cursor)
        answer = await self._http.get(
            known.get("moved", self._settings.url), within=self._settings.timeout, headers=_conditions(known)
        )
        if answer.status == 304:  # noqa: PLR2004 - Not Modified
            return Batch(cursor=self._cursor(known, answer))
        document = await self._read(answer)
        mentions, rejected = await asyncio.to_thread(self._understand, document, answer.url)
        return Batch(mentions, cursor=self._cursor(known, answer, complete=document.whole), rejected=rejected)

    def _cursor(self, known: Mapping[str, str], answer: Answer, *, complete: bool = False) -> str:
        """Validators are kept only for a feed that arrived whole: a broken one is read again in full."""
        moved = answer.moved_to or known.get("moved")
        fresh = {"etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", "")}
        unchanged = answer.status == 304  # noqa: PLR2004
        kept = {name: known.get(name, "") for name in fresh} if unchanged else fresh if complete else {}
        return dump_cursor(self._origin, {name: value for name, value in {"moved": moved, **kept}.items() if value})

    async def _read(self, answer: Answer) -> Document:
        """Take the document apart where it can do no harm."""
        asking = self._workshop.run(
            read, answer.body, answer.url, dict(answer.headers), within=min(PATIENCE, self._settings.timeout)
        )
        try:
            return await asking
        except NoFeedError as error:
            raise SourceError(Trouble.MALFORMED, str(error)) from None
        except WorkError as error:
            raise SourceError(
                _TROUBLES.get(type(error), Trouble.INTERNAL), f"the document {error}, and no ordinary feed does; {_LOOK}"
            ) from None

    def _understand(self, document: Document, base: str) -> tuple[list[Mention], list[Rejected]]:
        told = [self._told(entry, base, document.language) for entry in document.entries if entry.title or entry.text]
        empty = [_empty(entry) for entry in document.entries if not (entry.title or entry.text)]
        return _identified(told, self._settings.url), empty + ([_TOO_MANY] if document.more else [])

    def _told(self, entry: Entry, base: str, language: str | None) -> _Told:
        author, parent = entry.author, self._parent(entry, base)
        mention = Mention(
            network=self.network,
            text=entry.text or entry.title,
            written_at=entry.date or self._clock.now(),
            form=Form.COMMENT if parent else Form.ARTICLE,
            title=entry.title,
            author=Author(author, handle=author, own=is_own(author, self._settings.own_accounts)) if author else None,
            language=language_code(entry.language or language) or self._settings.language,
            parent=parent,
            hashtags=frozenset(entry.tags),
        )
        return _Told(_link(base, entry.link, entry.id), entry.id, entry.answers_id, mention)

    def _parent(self, entry: Entry, base: str) -> str | None:
        """The address of what an entry answers; without one, the name of an entry of this feed that has none either."""
        link = _link(base, entry.answers_link, entry.answers_id) or canonical_uri(entry.answers_id)
        return link or (_named(self._settings.url, entry.answers_id) if entry.answers_id else None)


def _empty(entry: Entry) -> Rejected:
    return Rejected(f"entry {entry.id[:80] or entry.link[:80] or '(unnamed)'}", "it has neither title nor text")


def _conditions(known: Mapping[str, str]) -> dict[str, str]:
    said = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("modified"), "Accept": _ACCEPT}
    return {name: value for name, value in said.items() if value}


def _link(base: str, link: str, entry_id: str) -> str:
    """The entry's address; an id that is an address serves as well."""
    try:
        return canonical_uri(urljoin(base, link) if link else entry_id if entry_id.startswith("http") else None) or ""
    except ValueError:  # urljoin takes some links apart, and finds that they are none
        return ""


def _identified(entries: Sequence[_Told], feed: str) -> list[Mention]:
    """The mentions, oldest first (a feed puts the newest first), each with its identity.

    That is its link; where several share one (comments on one page), all but the oldest add their id, and so does a comment that
    has the address of what it answers. An entry without a link is named by its id, and one without either by what it says.
    """
    ordered = list(reversed(entries))
    ordered.sort(key=lambda entry: entry.mention.written_at)
    met: Counter[str] = Counter()
    uris: dict[str, str] = {}
    mentions = []
    for entry in ordered:
        said = entry.id or f"{entry.mention.title}\x1f{entry.mention.text}"
        uri = entry.link or _named(feed, said)
        met[uri] += 1
        if met[uri] > 1 or uri == entry.mention.parent:
            uri += f"#{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:16]}"
        uris[entry.id] = uri
        mentions.append(replace(entry.mention, uri=uri))
    answered = (uris.get(entry.answers) if entry.answers else None for entry in ordered)
    return [replace(each, parent=parent or each.parent) for each, parent in zip(mentions, answered, strict=True)]


def _named(feed: str, said: str) -> str:
    return named("feed", f"{feed}\x1f{said}")
