"""Makes a string fit for a log line: no secret in it, and no way for its author to forge a line of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

HIDDEN = "***"
_LONGEST_ADDRESS = 300
LONGEST = 4_000  # characters of one value: a log is no archive
_DEEPEST = 6  # levels of nested values
_INT_BITS = 64  # few readers of JSON take longer numbers, and Python itself refuses to write very long ones

_NAMES = r"token|secret|passw|pwd|api_?key|signature|credential|authori[sz]ation|cookie|session"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
# A password may hold a slash that nobody has escaped. What follows a colon in an address of the web may be a port all the same.
_USERINFO = re.compile(
    r"(?<=://)(?:[^\s/\"'<>]*|[^\s/@:\"'<>]*:(?!\d{1,5}/)[^\s\"'<>]{0,200}"
    r"|(?<!ttp://)(?<!tps://)[^\s/@:\"'<>]*:[^\s\"'<>]{0,200})@"
)
_PARAMETER = re.compile(
    rf"(?<=[?&;#])([\w.\[\]-]{{0,40}}(?:{_NAMES}|\bkey|\bsig|\bauth|\bcode|hmac)[\w.\[\]-]{{0,40}}=)[^\s&;\"'<>]+", re.IGNORECASE
)
# In a text of ours or of a library: `password='two words'`. A value may have been cut before its end.
_ASSIGNED = re.compile(
    rf"(?<![\w.-])([\w.-]{{0,40}}(?:{_NAMES})[\w.-]{{0,40}} ?= ?)(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s&;,\"'<>()]+)", re.IGNORECASE
)
_SCHEMES = r"bearer|basic|token|digest|apikey|bot|oauth"
# Where the scheme is unknown, nobody can tell it from the secret: both go.
_AUTHORIZATION = re.compile(
    rf"(\bauthori[sz]ation[\"']?\s?[:=]\s?[\"']?)(?:((?:{_SCHEMES})[ \t]+)[^\s\"',;]+|[^\s\"',;]+(?:[ \t]+[^\s\"',;]+)?)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(Bearer\s+)[\w.~+/=-]+|\b((?:Basic|AUTH PLAIN|AUTH LOGIN)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_SIGNING_KEY = re.compile(r"\bwhsec_[\w+/=-]+|\btocsin_[0-9a-f]{16,}")

# A piece of an address that people read: words and numbers between hyphens, dots and underscores. Tokens mix them.
_WORD = r"(?:[A-Z]?[a-z]{1,18}|[A-Z]{1,12}|\d{1,20})"
_READABLE = re.compile(rf"{_WORD}(?:[-_.~+ ]{{1,2}}{_WORD})*[-_.]?")
_SHORTEST_TOKEN = 12
_PATH = re.compile(r"(?<=ttp://|tps://)([^\s/?#\"'<>]*)(/[^\s?#\"'<>]*)")

# What moves the cursor, ends a line, colours a terminal or turns the direction of text: C0, DEL, C1, separators, bidi controls.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def hide_secrets(text: str) -> str:
    """The text without passwords in addresses, token-like parameters, what authorizes a request, signing keys and our tokens."""
    if "://" in text:
        text = _PATH.sub(lambda found: found[1] + _path(found[2]), _USERINFO.sub(f"{HIDDEN}@", text))
    if "=" in text:
        text = _ASSIGNED.sub(rf"\1{HIDDEN}", _PARAMETER.sub(rf"\1{HIDDEN}", text))
    text = _AUTHORIZATION.sub(rf"\1\2{HIDDEN}", text)
    return _SIGNING_KEY.sub(HIDDEN, _BEARER.sub(rf"\1\2{HIDDEN}", text))


def safe_address(url: str) -> str:
    """Where an address leads, and nothing that is secret: no user, no query, no fragment, no token in the path, one line.

    `https://me:pw@h.example/hooks/a8f5f167f44f4964?key=1#x` becomes `https://h.example/hooks/***?…`.
    """
    try:
        parts = urlsplit(url)
        where = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "an address that cannot be read"
    if not where:
        return "an address without a host"
    shown = f"{parts.scheme}://{where}{_path(parts.path)}" + ("?…" if parts.query else "")
    return one_line(shortened(shown, _LONGEST_ADDRESS))


def _path(path: str) -> str:
    """The path with each piece that may be a token hidden: the addresses of webhooks are passwords."""
    return "/".join(HIDDEN if _may_be_token(piece) else piece for piece in path.split("/"))


def _may_be_token(piece: str) -> bool:
    return len(piece) >= _SHORTEST_TOKEN and not _READABLE.fullmatch(piece)


def one_line(text: str) -> str:
    r"""The text with every control and invisible character written out (a newline becomes the two characters `\n`)."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def shortened(text: str, longest: int = LONGEST, *, more: int = 0) -> str:
    """At most `longest` characters, saying how many were left out; `more` were so before."""
    left_out = len(text) - longest + more
    return text if left_out <= 0 else f"{text[:longest]}… (+{left_out} characters)"


def fit(value: object, name: str = "", depth: int = _DEEPEST) -> object:
    """A value ready for JSON and for any eye: a value under a secret's name is hidden, strings are cleaned, the rest is shown."""
    if name and _SECRET_NAME.search(name) and value is not None:
        return HIDDEN
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < _INT_BITS else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return fit_text(value)
    return _fit_object(value, depth)


def fit_text(text: str) -> str:
    """A string that is one short line without secrets."""
    return one_line(cut_clean(text))


def cut_clean(text: str, longest: int = LONGEST) -> str:
    """At most `longest` characters without secrets."""
    # Secrets are looked for before the cut, which might leave half of one unrecognisable; but not in all of a huge text.
    looked_at = hide_secrets(text[: 4 * longest])
    return shortened(looked_at, longest, more=max(0, len(text) - 4 * longest))


def _fit_object(value: object, depth: int) -> object:
    if depth and isinstance(value, Mapping):
        return {fit_text(str(key)): fit(item, str(key), depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [fit(item, "", depth - 1) for item in value]
    return fit_text(value.isoformat() if isinstance(value, datetime) else _shown(value))


def _shown(value: object) -> str:
    """Somebody else's object may refuse even to be shown; the log line must come out all the same."""
    try:
        return str(value) if isinstance(value, BaseException) else repr(value)
    except Exception:  # noqa: BLE001 - see above
        return f"<{type(value).__name__}, which cannot be shown>"
