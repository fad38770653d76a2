"""News sites, blogs, podcasts and alert services: RSS, Atom and JSON Feed, asked politely (only for what is new)."""

from __future__ import annotations

import asyncio
import calendar
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urljoin

import feedparser.api
from pydantic import AfterValidator, Field

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Form, Mention
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, load_cursor
from monitor.sources.http import Answer, HttpClient
from monitor.sources.mapping import named
from monitor.sources.text import canonical_uri, html_to_text, is_own, language_code
from monitor.sources.times import parse_time

_MAILED = re.compile(r"^\s*\S+@\S+\s+\((.+)\)\s*$")  # RSS writes `x@press.example (Jean)`; the name is enough
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


def web_address(url: str) -> str:
    """Validate an http(s) address. The message never quotes it: it may carry a secret."""
    if not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/"):
        raise ValueError("write a complete address that begins with https:// (or http://)")
    return url


class FeedSettings(SourceSettings):
    """A feed of articles, episodes or alerts, in RSS, Atom or JSON Feed."""

    kind: Literal["feed"] = Field(description="an RSS, Atom or JSON feed")
    url: Annotated[str, AfterValidator(web_address)] = Field(repr=False, description="the feed's address")
    network: str = Field("web", min_length=1, max_length=32, description="the network its entries are counted under")
    language: str | None = Field(None, description="the language of the entries when the feed does not say, for instance fr")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry, before its identity is settled. `link` and `id` are empty when the feed gives none."""

    link: str
    id: str
    mention: Mention


class Feed:
    """The cursor is the feed's ETag and Last-Modified, and its address once it moved; the store knows which entries it has."""

    def __init__(self, settings: FeedSettings, http: HttpClient, clock: Clock) -> None:
        self.network = settings.network
        self._settings = settings
        self._http = http
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
        entries, rejected, complete = await asyncio.to_thread(self._read, answer)
        return Batch(
            _identified(entries, self._settings.url), cursor=self._cursor(known, answer, complete=complete), rejected=rejected
        )

    def _cursor(self, known: Mapping[str, str], answer: Answer, *, complete: bool = False) -> str:
        """Validators are kept only for a feed that arrived whole: a broken one is read again in full."""
        moved = answer.moved_to or known.get("moved")
        fresh = {"etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", "")}
        unchanged = answer.status == 304  # noqa: PLR2004
        kept = {name: known.get(name, "") for name in fresh} if unchanged else fresh if complete else {}
        return dump_cursor(self._origin, {name: value for name, value in {"moved": moved, **kept}.items() if value})

    def _read(self, answer: Answer) -> tuple[list[_Entry], list[Rejected], bool]:
        """The entries, what could not be understood, and whether the feed was whole. Runs in a thread: parsing takes a while."""
        if answer.body.lstrip()[:1] == b"{":
            return *self._json_feed(answer), True
        return self._xml_feed(answer)

    def _xml_feed(self, answer: Answer) -> tuple[list[_Entry], list[Rejected], bool]:
        headers = {"content-location": answer.url} | {
            n: v for n, v in answer.headers.items() if n in {"content-type", "content-language"}
        }
        parsed = feedparser.api.parse(  # type: ignore[no-untyped-call]
            io.BytesIO(answer.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
        if not parsed.get("version") and not parsed.entries:
            raise SourceError(
                Trouble.MALFORMED, "the address does not answer with a feed; look for the page's RSS or Atom address"
            )
        language = parsed.feed.get("language")
        entries = [self._entry(_of_feedparser(entry), answer.url, language) for entry in parsed.entries]
        return [e for e in entries if isinstance(e, _Entry)], [e for e in entries if isinstance(e, Rejected)], not _broken(parsed)

    def _json_feed(self, answer: Answer) -> tuple[list[_Entry], list[Rejected]]:
        feed = answer.json()
        if "jsonfeed.org" not in str(feed.get("version")) or not isinstance(feed.get("items"), list):
            raise SourceError(Trouble.MALFORMED, "the address answers with JSON that is no JSON Feed")
        language = feed.get("language")
        entries = [self._entry(_of_json(item), answer.url, language) for item in feed["items"] if isinstance(item, dict)]
        return [e for e in entries if isinstance(e, _Entry)], [e for e in entries if isinstance(e, Rejected)]

    def _entry(self, raw: Mapping[str, Any], base: str, language: object) -> _Entry | Rejected:
        title, text = html_to_text(raw["title"]), html_to_text(raw["text"])
        if not (title or text):
            return Rejected(f"entry {raw['id'][:80] or raw['link'][:80] or '(unnamed)'}", "it has neither title nor text")
        author = raw["author"].strip()
        mention = Mention(
            network=self.network,
            text=text or title,
            written_at=raw["date"] or self._clock.now(),
            form=Form.ARTICLE,
            title=title,
            author=Author(author, handle=author, own=is_own(author, self._settings.own_accounts)) if author else None,
            language=language_code(raw["language"] or language) or self._settings.language,
            hashtags=frozenset(tag.casefold() for tag in raw["tags"]),
        )
        return _Entry(_link(base, raw["link"], raw["id"]), raw["id"], mention)


def _conditions(known: Mapping[str, str]) -> dict[str, str]:
    said = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("modified"), "Accept": _ACCEPT}
    return {name: value for name, value in said.items() if value}


def _link(base: str, link: str, entry_id: str) -> str:
    """The entry's address; an id that is an address serves as well."""
    return canonical_uri(urljoin(base, link) if link else entry_id if entry_id.startswith("http") else None) or ""


def _identified(entries: Sequence[_Entry], feed: str) -> list[Mention]:
    """The mentions, oldest first (a feed puts the newest first), each with its identity.

    That is its link; where several share one (comments on one page), all but the oldest add their id. An entry without a link is
    named by its id, and one without either by what it says.
    """
    ordered = list(reversed(entries))
    ordered.sort(key=lambda entry: entry.mention.written_at)
    met: Counter[str] = Counter()
    mentions = []
    for entry in ordered:
        said = entry.id or f"{entry.mention.title}\x1f{entry.mention.text}"
        uri = entry.link or named("feed", f"{feed}\x1f{said}")
        met[uri] += 1
        if met[uri] > 1:
            uri += f"#{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:16]}"
        mentions.append(replace(entry.mention, uri=uri))
    return mentions


def _broken(parsed: Any) -> bool:
    """Whether the XML broke off or is not well-formed. A wrong charset label alone is harmless."""
    return bool(parsed.bozo) and not isinstance(
        parsed.get("bozo_exception"), feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    )


def _of_feedparser(entry: Any) -> dict[str, Any]:
    content = max((str(part.get("value") or "") for part in entry.get("content") or ()), key=len, default="")
    summary = str(entry.get("summary") or "")
    return {
        "title": str(entry.get("title") or ""),
        "text": max(content, summary, key=len),
        "link": str(entry.get("link") or ""),
        "id": str(entry.get("id") or ""),
        "author": _MAILED.sub(r"\1", str(entry.get("author") or "")),
        "date": _date(entry),
        "language": (entry.get("title_detail") or {}).get("language"),
        "tags": [str(tag.get("term")) for tag in entry.get("tags") or () if tag.get("term")],
    }


def _date(entry: Any) -> datetime | None:
    """When it was published, else updated. Asked past feedparser's own `get`, which confuses the two and warns about it."""
    given = (dict.get(entry, name) for name in ("published_parsed", "updated_parsed", "created_parsed"))
    parsed = next(filter(None, given), None)
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


def _of_json(item: Mapping[str, Any]) -> dict[str, Any]:
    authors = [a for a in [*_list(item.get("authors")), item.get("author")] if isinstance(a, dict)]
    plain = item.get("content_text")
    return {
        "title": _word(item.get("title")),
        "text": _escaped(plain)
        if isinstance(plain, str) and plain
        else _word(item.get("content_html")) or _word(item.get("summary")),
        "link": _word(item.get("url")) or _word(item.get("external_url")),
        "id": _word(item.get("id")),
        "author": next((a["name"] for a in authors if isinstance(a.get("name"), str)), ""),
        "date": _json_date(item),
        "language": item.get("language"),
        "tags": [tag for tag in _list(item.get("tags")) if isinstance(tag, str)],
    }


def _json_date(item: Mapping[str, Any]) -> datetime | None:
    for name in ("date_published", "date_modified"):
        try:
            return parse_time(item.get(name))
        except ValueError:
            continue
    return None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")


def _word(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
