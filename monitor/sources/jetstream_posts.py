"""What Jetstream tells of a post, in both versions of its wire, and which posts are looked for.

https://github.com/bluesky-social/jetstream/blob/main/docs/README.md; records: https://atproto.com/lexicons/app-bsky-feed
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.domain.mention import Author, Mention
from monitor.sources import bluesky_posts
from monitor.sources.bluesky_posts import COLLECTION
from monitor.sources.mapping import at
from monitor.sources.times import parse_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMMIT = "network.bsky.jetstream.subscribeEvents#commit"
_SPELT_OUT = r"\\u(?:00[89a-f]|0[1-9a-f]|[1-9a-f])"  # a letter beyond ASCII, as some write JSON
_MEMORY = 64 * 2**20  # bytes that the automaton may take, which those of a thousand terms do not
_LATEST = 4 * 10**15  # microseconds: the year 2096
_TEXTS = ("text", "reply.parent.uri", "reply.root.uri")
_SPACES = re.compile(r"\s+")
_ESCAPED = re.compile(r'[\s"\\<>&/]+')  # what JSON, or Go's way to write it, may spell in another way


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one post. `at` is when Jetstream witnessed it, in microseconds since 1970: its place in the stream."""

    did: str
    rkey: str
    at: int
    record: Mapping[str, Any] | None  # as it is now; None: it was deleted

    @property
    def uri(self) -> str:
        """The post's address, which it has on every server."""
        return f"at://{self.did}/{COLLECTION}/{self.rkey}"


def position(document: Any) -> int:
    """Where a message of either version stands in the stream, in microseconds since 1970. Raises `ValueError`."""
    payload = at(document, "payload")
    if isinstance(payload, Mapping):
        return (parse_time(payload.get("witnessedAt") or payload.get("time")) - _EPOCH) // timedelta(microseconds=1)
    place = at(document, "time_us")
    if not is_place(place):
        raise ValueError("an event without its time")
    return int(place)


def is_place(value: object) -> bool:
    """Whether it can be a place in the stream."""
    return type(value) is int and 0 < value < _LATEST


def moment(position_: int) -> datetime:
    """The same, as a moment in UTC."""
    return _EPOCH + timedelta(microseconds=position_)


def event(document: Any) -> Event | None:
    """What a message of either version says of a post; None: it is about something else. Raises `ValueError`."""
    payload = at(document, "payload")
    second = at(payload, "$type") == _COMMIT
    commit = payload if second else at(document, "commit")
    if at(commit, "collection") != COLLECTION:
        return None
    did, rkey, operation = at(payload if second else document, "did"), at(commit, "rkey"), at(commit, "operation")
    record = None if operation == "delete" else at(commit, "record")
    if not (isinstance(did, str) and isinstance(rkey, str) and (operation == "delete" or isinstance(record, Mapping))):
        raise ValueError("an event that is not as documented")
    return Event(did, rkey, position(document), record)


class Wanted:
    """Which posts are looked for: all of them where neither terms nor accounts are named.

    Else those that say one of `terms`, whatever its capitals, and those that one of `accounts` (DIDs) wrote, or that mention,
    answer or quote it.
    """

    def __init__(self, terms: Iterable[str], accounts: Iterable[str]) -> None:
        terms = {unicodedata.normalize(form, term.strip().lower()) for term in terms for form in ("NFC", "NFD")}
        self._accounts = tuple(accounts)
        self._terms = re.compile("|".join(map(_pattern, sorted(terms)))) if terms else None
        self._anything = not (self._terms or self._accounts)
        self._glance = _found_fast(sorted({*map(needle, terms), *self._accounts}))

    def may_be(self, message: str) -> bool:
        """Whether a message can be about one of them, or a deletion: a glance that costs microseconds. Never wrongly false."""
        return self._anything or self._glance.search(message) is not None

    def fits(self, found: Event, message: str) -> bool:
        """Whether a post is one of them, given the message that told of it."""
        if self._anything or any(did in message for did in self._accounts):
            return True
        return self._terms is not None and self._terms.search("\n".join(_said(found.record or {})).lower()) is not None


def _found_fast(needles: Sequence[str]) -> Any:
    """All of them, and what must be looked at more closely, as one automaton: its time does not grow with their number."""
    import re2  # noqa: PLC0415 few configurations have a stream

    options = re2.Options()
    options.case_sensitive, options.never_capture, options.log_errors, options.max_mem = False, True, False, _MEMORY
    return re2.compile("|".join([*map(re2.escape, needles), '"delete"', _SPELT_OUT]), options)


def needle(term: str) -> str:
    """The longest piece of a term that every way to write JSON writes alike."""
    return max(_ESCAPED.split(term), key=len)


def _pattern(term: str) -> str:
    """The term as a word: what stands beside it is no letter, in scripts that part their words."""
    before = r"(?<!\w)" if _parted(term[0]) else ""
    after = r"(?!\w)" if _parted(term[-1]) else ""
    return before + r"\s+".join(map(re.escape, _SPACES.split(term))) + after


def _parted(letter: str) -> bool:
    return unicodedata.category(letter) != "Lo"


def _said(record: Mapping[str, Any]) -> list[str]:
    """Everything in a post that a reader sees or follows."""
    embed = record.get("embed")
    external = at(embed, "external") or at(embed, "media.external") or {}
    linked = [external.get(part) for part in ("title", "description", "uri")] if isinstance(external, Mapping) else []
    return [
        each
        for each in (
            record.get("text"),
            *(f"#{tag}" for tag in _list(record.get("tags"))),
            *(f"#{feature['tag']}" if "tag" in feature else feature.get("uri") for feature in _features(record)),
            *linked,
            *_described(embed),
        )
        if isinstance(each, str)
    ]


def _features(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    facets = [each for each in _list(record.get("facets")) if isinstance(each, Mapping)]
    return [feature for facet in facets for feature in _list(facet.get("features")) if isinstance(feature, Mapping)]


def _described(embed: Any) -> list[Any]:
    """What its pictures and its video are said to show."""
    pictures = _list(at(embed, "images") or at(embed, "media.images"))
    return [at(each, "alt") for each in (*pictures, embed, at(embed, "media"))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def mention(found: Event, own_accounts: Sequence[str]) -> Mention:
    """A post as a mention, read as where it is looked up; of its author the stream tells the DID. Raises as `understand` expects.

    Nobody has looked at the record before: it is what the author's program made of it.
    """
    record = found.record or {}
    odd = [path for path in _TEXTS if not isinstance(at(record, path) or "", str)]
    if odd:
        raise ValueError(f"its {odd[0]} is no text")
    view = {
        "uri": found.uri,
        "record": record,
        "indexedAt": moment(found.at).isoformat(),
        "author": {"did": found.did, "handle": found.did},
        "labels": at(record, "labels.values"),
    }
    author = Author(found.did, found.did, own=found.did in own_accounts)
    return replace(bluesky_posts.mention(view, {}, own_accounts), author=author)
