"""Makes other people's text harmless: no control characters, no direction tricks, no endless strings, no odd links."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
# Embeddings, overrides, isolates and lone marks: they make "gpj.exe" read as "exe.jpg", and a subject read backwards.
_DIRECTIONS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# A pile of accents on one letter paints over the lines above it.
_PILED_MARKS = re.compile(
    r"([\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
_LINK = re.compile(r"https?://[^\s<>\"'\\^`{|}\x00-\x20\x7f-\x9f]+", re.IGNORECASE)
_LONGEST_LINK = 2000
# A spreadsheet reads a cell that begins with one of these as a formula, which can run programs and send data away. In French
# it also begins a cell after a semicolon, whatever quotes stand around what lies between two commas.
_CELLS = re.compile(r"([;\t\r\n])")
_FORMULA = re.compile(r"[\s\"]*[=+\-@|%＝＋－＠]")
_NUMBER = re.compile(r"[+\-−]?\d[\d.,\s\u00a0\u202f]*%?")
# Chat services call whole rooms by these words; a stranger's post must not.
_CALLS = re.compile(r"@(?=(?:everyone|here|channel|all|room)\b)|<(?=[@!#])", re.IGNORECASE)


def clean(text: str, limit: int) -> str:
    """The text without what harms, at most `limit` characters, paragraphs kept; cut text ends with an ellipsis."""
    # Cutting first keeps a text of megabytes cheap; what is removed below can only make it shorter.
    room = text[: limit * 4 + 100]
    room = _LINE_ENDS.sub("\n", room).replace("\t", " ")
    room = _CONTROLS.sub("", _DIRECTIONS.sub("", room))
    room = _PILED_MARKS.sub(r"\1", _SURROGATES.sub("\ufffd", room))
    return shorten(_BLANK_LINES.sub("\n\n", room).strip(), limit)


def one_line(text: str, limit: int) -> str:
    """`clean`, on one line: for subjects, headlines, names."""
    return shorten(" ".join(clean(text, limit * 2).split()), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters; cut at a space when one is near, and marked as cut."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit * 2 // 3 else cut).rstrip() + "…"


def link(url: str | None) -> str | None:
    """The address if a person may safely be sent there: http(s), a host, no user name, no odd characters; else None."""
    if not url or len(url) > _LONGEST_LINK or not _LINK.fullmatch(url) or _DIRECTIONS.search(url) or _SURROGATES.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.hostname and "@" not in parts.netloc else None


def cell(text: str) -> str:
    """The text so that no spreadsheet takes it, or a part of it, for a formula: an apostrophe goes before. Numbers stay."""
    if _NUMBER.fullmatch(text):
        return text
    return "".join(f"'{part}" if _FORMULA.match(part) else part for part in _CELLS.split(text))


def host(url: str) -> str:
    """Where a link leads, as machines read it: a host with look-alike letters shows as xn--…; empty when it cannot be read."""
    try:
        name = urlsplit(url).hostname or ""
        return name.removeprefix("www.").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return ""


def quiet(text: str) -> str:
    """The text with the words that call a whole chat room broken by an invisible character."""
    return _CALLS.sub(lambda found: found.group() + "\u2060", text)
