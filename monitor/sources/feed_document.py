"""From the bytes of a feed to its entries: RSS, Atom and JSON Feed. Pure, so that a worker can run it."""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import feedparser.api

from monitor.sources import strict_json
from monitor.sources.text import MAX_TAGS, html_to_text
from monitor.sources.times import parse_time

MAX_ENTRIES = 5_000  # the longest podcasts have half as many
_ANSWERS = "in-reply-to"
_MAILED = re.compile(r"^\s*\S+@\S+\s+\((.+)\)\s*$")  # RSS writes `x@press.example (Jean)`; the name is enough


class NoFeedError(ValueError):
    """The document is none that we understand; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as plain text. What the feed does not say is empty, or None. What it answers has an id, an address, or both."""

    title: str
    text: str
    link: str
    id: str
    author: str
    date: datetime | None
    language: str | None
    tags: Sequence[str]
    answers_id: str = ""
    answers_link: str = ""


class Document(NamedTuple):
    """The entries, usually the newest first. `whole`: it did not break off. `more`: there are too many; these are the first."""

    entries: Sequence[Entry]
    language: str | None
    whole: bool
    more: bool


def read(body: bytes, url: str, headers: Mapping[str, str]) -> Document:
    """What stands in a feed. `headers` are those of the answer, in lower case. Raises `NoFeedError`."""
    return _json_feed(body) if body.lstrip()[:1] == b"{" else _xml_feed(body, url, headers)


def _xml_feed(body: bytes, url: str, headers: Mapping[str, str]) -> Document:
    said = {"content-location": url} | {n: v for n, v in headers.items() if n in {"content-type", "content-language"}}
    parsed = _parsed(body, said)
    if not parsed.get("version") and not parsed.entries:
        raise NoFeedError("the address does not answer with a feed; look for the page's RSS or Atom address")
    entries = tuple(_of_feedparser(entry) for entry in islice(parsed.entries, MAX_ENTRIES))
    return Document(entries, _language(parsed.feed.get("language")), not _broken(parsed), len(parsed.entries) > MAX_ENTRIES)


def _parsed(body: bytes, headers: Mapping[str, str]) -> Any:
    """Raises `NoFeedError`, also for documents that feedparser stumbles over."""
    try:
        return feedparser.api.parse(  # type: ignore[no-untyped-call]
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except MemoryError:
        raise
    except Exception as error:
        raise NoFeedError(f"the document cannot be read ({type(error).__name__}); is it a feed at all?") from error


def _json_feed(body: bytes) -> Document:
    try:
        feed = strict_json.loads(body)
    except strict_json.NotJsonError as error:
        raise NoFeedError(f"the address did not answer with JSON: {error}") from None
    if not isinstance(feed, dict) or "jsonfeed.org" not in _word(feed.get("version")) or not isinstance(feed.get("items"), list):
        raise NoFeedError("the address answers with JSON that is no JSON Feed")
    items = [item for item in feed["items"] if isinstance(item, dict)]
    entries = tuple(_of_json(item) for item in items[:MAX_ENTRIES])
    return Document(entries, _language(feed.get("language")), whole=True, more=len(items) > MAX_ENTRIES)


def _broken(parsed: Any) -> bool:
    """Whether the XML broke off or is not well-formed. A wrong charset label alone is harmless."""
    return bool(parsed.bozo) and not isinstance(
        parsed.get("bozo_exception"), feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    )


def _of_feedparser(entry: Any) -> Entry:
    content = max((str(part.get("value") or "") for part in entry.get("content") or ()), key=len, default="")
    summary = str(entry.get("summary") or "")
    answers_id, answers_link = _answers(entry)
    return Entry(
        title=html_to_text(str(entry.get("title") or "")),
        text=html_to_text(max(content, summary, key=len)),
        link=str(entry.get("link") or ""),
        id=str(entry.get("id") or ""),
        author=_MAILED.sub(r"\1", str(entry.get("author") or "")).strip(),
        date=_date(entry),
        language=_language((entry.get("title_detail") or {}).get("language")),
        tags=_tags(tag.get("term") for tag in entry.get("tags") or ()),
        answers_id=answers_id,
        answers_link=answers_link,
    )


def _answers(entry: Any) -> tuple[str, str]:
    """The id and the address of what an entry answers: by RFC 4685, under whatever prefix, else by a link of that relation."""
    threaded = (value for name, value in entry.items() if name.endswith(_ANSWERS) and isinstance(value, Mapping))
    found: Mapping[str, Any] = next(threaded, {})
    link = next((link.get("href") for link in entry.get("links") or () if link.get("rel") == _ANSWERS), "")
    return str(found.get("ref") or ""), str(found.get("href") or link or "")


_DATES = ("published", "updated", "created")


def _date(entry: Any) -> datetime | None:
    """When it was published, else updated. Asked past feedparser's own `get`, which confuses the two and warns about it."""
    given = (dict.get(entry, f"{name}_parsed") for name in _DATES)
    parsed = next(filter(None, given), None)
    try:
        if parsed:
            return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return _understood(dict.get(entry, name) for name in _DATES)  # feedparser wants a zone in dates as of e-mails


def _of_json(item: Mapping[str, Any]) -> Entry:
    authors = [a for a in [*_list(item.get("authors")), item.get("author")] if isinstance(a, dict)]
    plain, markup = item.get("content_text"), _word(item.get("content_html")) or _word(item.get("summary"))
    return Entry(
        title=html_to_text(_word(item.get("title"))),
        text=html_to_text(_escaped(plain) if isinstance(plain, str) and plain else markup),
        link=_word(item.get("url")) or _word(item.get("external_url")),
        id=_word(item.get("id")),
        author=next((_word(a["name"]) for a in authors if isinstance(a.get("name"), str)), "").strip(),
        date=_json_date(item),
        language=_language(item.get("language")),
        tags=_tags(_list(item.get("tags"))),
    )


def _json_date(item: Mapping[str, Any]) -> datetime | None:
    return _understood(item.get(name) for name in ("date_published", "date_modified"))


def _understood(dates: Iterable[Any]) -> datetime | None:
    """The first that is a date."""
    for date in dates:
        with suppress(ValueError):
            return parse_time(date)
    return None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")


def _word(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _tags(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(islice((value.casefold() for value in values if isinstance(value, str) and value), MAX_TAGS))


def _language(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
