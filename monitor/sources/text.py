"""Hostile text made safe: HTML to plain text, and the one cleaning step that every mention passes at intake."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import nh3

from monitor.domain.mention import Author, Engagement, Mention

MAX_TEXT = 100_000
MAX_TITLE = 1_000
MAX_NAME = 200
MAX_URI = 2_048
MAX_TAGS = 100
MAX_COUNT = 2_000_000_000  # followers, likes …: no network counts as many people
LATENESS = timedelta(minutes=5)  # how far another machine's clock may run ahead of ours

_MAX_HTML = 50_000  # a parser builds a tree, and 50,000 characters of nested tags already cost a quarter of a second
# On one letter, as in Unicode's stream-safe format (UAX 15): no language stacks as many, and putting a run of marks in order is
# quadratic in its length. Long runs of symbols are rare enough to be looked at one by one; halfwidth Katakana sound marks
# become combining marks.
_MAX_MARKS = 30
_MARKS = re.compile(rf"(?=[^\x00-\x7f])(?:[^\w\s\x00-\x7f]|[\uff9e\uff9f]){{{_MAX_MARKS + 1},}}")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCKS = (
    "address article aside blockquote div dd dl dt figure figcaption footer h1 h2 h3 h4 h5 h6"
    " header hr li ol p pre section table tr ul"
)
_BLOCK = re.compile(rf"</?(?:{_BLOCKS.replace(' ', '|')})>")
_SPACES = re.compile(r"[^\S\n]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")  # all but tab and line feed
_HASHTAG = re.compile(r"(?<![\w&/#])[#\uff03](\w{1,100})")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]{1,30})?")
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_cid|mc_eid|igshid|xtor|at_medium|at_campaign", re.IGNORECASE)
# What most addresses are: canonical already. Taking them apart to find that out would take ten times as long.
_CANONICAL = re.compile(
    r"https://[a-z0-9.-]+/[A-Za-z0-9/._~@-]*(?:\?([A-Za-z0-9._~=&-]+))?|urn:[a-z0-9:-]+[A-Za-z0-9]*", re.ASCII
)
_UNSAFE = re.compile(r"[\s\"'<>\\^`{|}\ud800-\udfff]")
_SLUG = re.compile(r"[^a-z0-9]+")
_IDENTITIES = frozenset({"urn", "at", "tag"})  # schemes that name a thing without being a link anybody could follow


def html_to_text(markup: str) -> str:
    """Plain text of an HTML fragment: blocks on lines of their own, entities decoded, scripts and styles gone."""
    markup = clean(markup, _MAX_HTML)
    if "<" not in markup:
        return _tidy(html.unescape(markup))
    markup = nh3.clean(
        _SPACES.sub(" ", markup.replace("\n", " ")),
        tags={"br", *_BLOCKS.split()},
        clean_content_tags={"script", "style", "template", "noscript"},
        attributes={},
        link_rel=None,
    )
    return _tidy(html.unescape(_BLOCK.sub("\n\n", markup.replace("<br>", "\n"))))


def _tidy(text: str) -> str:
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Text that any store and terminal takes: no NUL, controls or lone surrogates, accents composed, at most `limit` long.

    Of a pile of more than 30 combining marks on one letter the first 30 stay, so that no later step takes seconds over it.
    """
    text = text[:limit]
    if text.isascii() and text.isprintable():
        return text
    if not text.isascii():
        text = _whole_characters(text)
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _few_marks(unicodedata.normalize("NFC", _few_marks(text)))[:limit]  # composing takes some letters apart


def _few_marks(text: str) -> str:
    return _MARKS.sub(_first_marks, text)


def _first_marks(run: re.Match[str]) -> str:
    """The run without the marks that are too many on one letter; emoji and punctuation stay."""
    kept, begun, marks, said = [], 0, 0, run[0]  # asking a match for its text copies it
    for at, char in enumerate(said):
        marks = marks + 1 if unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) else 0
        if marks > _MAX_MARKS:
            kept.append(said[begun:at])
            begun = at + 1
    return "".join([*kept, said[begun:]])


def _whole_characters(text: str) -> str:
    """Join surrogate pairs; a lone surrogate becomes the replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def one_line(text: str, limit: int) -> str:
    """The same, on one line."""
    if len(text) <= limit and " " not in text and text.isascii() and text.isprintable():
        return text
    return " ".join(clean(text, limit * 2).split())[:limit]


def hashtags(text: str) -> frozenset[str]:
    """The hashtags of a text, in lower case and without the sign. A bare number is none."""
    if "#" not in text and "\uff03" not in text:
        return frozenset()
    found = (match[1].casefold() for match in _HASHTAG.finditer(text))
    return frozenset(tag for tag, _ in zip((t for t in found if not t.isdigit()), range(MAX_TAGS), strict=False))


@lru_cache(maxsize=1024)
def slug(value: str) -> str:
    """A value from data as a subject id: `Free Mobile` becomes `free-mobile`, `Société Générale` `societe-generale`."""
    plain = unicodedata.normalize("NFKD", value[:MAX_NAME]).encode("ascii", "ignore").decode().lower()
    return _SLUG.sub("-", plain).strip("-")[:64].strip("-")


def canonical_uri(uri: str | None) -> str | None:
    """The address as an identity: scheme and host in lower case, no tracking parameters, no user or password.

    Addresses that are neither http(s) nor a bare name (`urn:`, `at:`, `tag:`) give None, as do absurdly long ones.
    """
    if not uri or len(uri) > 2 * MAX_URI:
        return None
    if len(uri) <= MAX_URI and (found := _CANONICAL.fullmatch(uri)) and not (found[1] and _TRACKING.search(found[1])):
        return uri
    uri = _CONTROLS.sub("", uri.strip())
    if len(uri) > MAX_URI or "\n" in uri or "\t" in uri:
        return None
    try:
        return _canonical(uri)
    except ValueError:
        return None


def _canonical(uri: str) -> str | None:
    parts = urlsplit(uri)
    if parts.scheme in _IDENTITIES:
        return _encodable(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, 80 if parts.scheme == "http" else 443} else f":{parts.port}"
    query = parts.query
    if _TRACKING.search(query):
        query = urlencode([(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if not _TRACKING.fullmatch(k)])
    return _encodable(urlunsplit((parts.scheme, host + port, parts.path or "/", query, parts.fragment)))


def _encodable(uri: str) -> str:
    """Blanks, quotes and brackets escaped, so that an address can stand inside any text; letters of any script stay."""
    return _UNSAFE.sub(lambda match: quote(match[0], errors="replace"), uri)


def whole(value: object) -> int | None:
    """A count from data: None unless it is a number from 0 to `MAX_COUNT`. The absurd is unknown, not very much."""
    if value is None or (type(value) is int and 0 <= value <= MAX_COUNT):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) <= 30:  # noqa: PLR2004
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_COUNT:
        return None
    return int(value)


def language_code(value: object) -> str | None:
    """`fr-FR` becomes `fr`; what is no language tag becomes None."""
    match = _LANGUAGE.fullmatch(value.strip()) if isinstance(value, str) else None
    code = match[1].lower() if match else None
    return None if code == "und" else code


def is_own(handle: str, own_accounts: Sequence[str]) -> bool:
    """Whether a handle is one of ours: case and a leading @ do not matter; `brand` matches `brand@any.server`."""
    if not own_accounts:
        return False
    said = handle.casefold().removeprefix("@")
    ours = {own.casefold().removeprefix("@") for own in own_accounts}
    return bool(said) and (said in ours or said.partition("@")[0] in ours)


def sanitise(mention: Mention, now: datetime | None = None, *, lateness: timedelta = LATENESS) -> Mention:
    """The mention with everything that could break a store, a page or a message taken out. Never raises.

    With `now`, a moment further in the future than `lateness` becomes `now + lateness`: another machine's wrong clock must not
    hold a window open for ever.
    """
    return replace(
        mention,
        network=one_line(mention.network, 32) or "unknown",
        text=clean(mention.text),
        title=one_line(mention.title, MAX_TITLE),
        written_at=_plausible(mention.written_at, now, lateness),
        uri=canonical_uri(mention.uri),
        author=_author(mention.author) if mention.author else None,
        language=language_code(mention.language),
        parent=canonical_uri(mention.parent),
        thread=canonical_uri(mention.thread),
        engagement=_engagement(mention.engagement),
        hashtags=_tags(mention.hashtags),
        subjects=_tags(mention.subjects),
        sensitive=_flag(mention.sensitive),
    )


def _plausible(moment: datetime, now: datetime | None, lateness: timedelta) -> datetime:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # year 1 or 9999, a zone away from the edge
        moment = moment.replace(tzinfo=UTC)
    moment = max(moment, _EARLIEST)
    return min(moment, now + lateness) if now is not None else moment


def _author(author: Author) -> Author | None:
    who = one_line(author.id, MAX_NAME) or one_line(author.handle, MAX_NAME)
    if not who:
        return None
    return Author(
        id=who,
        handle=one_line(author.handle, MAX_NAME),
        name=one_line(author.name, MAX_NAME),
        reach=whole(author.reach),
        verified=_flag(author.verified),
        own=author.own is True,
    )


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _engagement(seen: Engagement) -> Engagement:
    return Engagement(replies=whole(seen.replies), shares=whole(seen.shares), likes=whole(seen.likes))


def _tags(values: Collection[str]) -> frozenset[str]:
    if not values:
        return frozenset()
    return frozenset(sorted(tag for value in values if (tag := one_line(value, 100).casefold()))[:MAX_TAGS])
