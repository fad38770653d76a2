"""What a letter says: who wrote it, what it answers, whether a machine wrote it, and its text. All of it may be hostile."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses

import nh3

_LONGEST_TEXT = 20_000
_LONGEST_HTML = 50_000
_MOST_PARTS = 50
_BLOCKS = {"br", "div", "h1", "h2", "h3", "hr", "li", "ol", "p", "pre", "table", "td", "tr", "ul"}
_WITHOUT = {"blockquote", "script", "style", "template", "title", "noscript"}  # what stands in them is not shown, or quoted
_BREAK = re.compile(r"<[^>]*>")
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply"})
_MACHINES = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)@", re.IGNORECASE)
_AWAY = re.compile(
    r"(?:re\s*:\s*)?(?:réponse automatique|message d.absence|absence du bureau|absente? du bureau|automatic reply|auto[- ]?reply"
    r"|autoreply|out of (?:the )?office|abwesenheit)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. `sender` is its only author's address in lower case, or empty; `answers` are the ids of what it answers.

    The first of `answers` is what it answers itself, the next what stood above that, and so on. `automatic` says that no person
    wrote it.
    """

    sender: str
    answers: tuple[str, ...]
    automatic: bool
    text: str


def read(raw: bytes) -> Letter:
    """Understand a letter as it came, cut off or not. Raises whatever a malformed one makes the library raise."""
    letter = BytesParser(policy=compat32).parsebytes(raw)
    return Letter(_sender(letter), _answers(letter), _is_automatic(letter), _text(letter)[:_LONGEST_TEXT])


def _header(letter: Message, name: str) -> str:
    """One header as it was written, in one line; empty when there is none."""
    return " ".join(str(letter.get(name, "")).split())


def _sender(letter: Message) -> str:
    found = getaddresses([str(each) for each in letter.get_all("From", [])])
    return found[0][1].lower() if len(found) == 1 else ""


def _answers(letter: Message) -> tuple[str, ...]:
    above = [*_header(letter, "In-Reply-To").split()[:1], *reversed(_header(letter, "References").split())]
    return tuple(dict.fromkeys(above))


def _is_automatic(letter: Message) -> bool:
    return (
        _header(letter, "Auto-Submitted").lower() not in {"", "no"}
        or any(name in letter for name in ("X-Autoreply", "X-Autorespond", "X-Failed-Recipients", "X-Tocsin-Kind"))
        or _header(letter, "Precedence").lower() in _PRECEDENCE
        or _header(letter, "Return-Path") == "<>"
        or letter.get_content_type() in {"multipart/report", "message/delivery-status"}
        or bool(_MACHINES.match(_sender(letter)))
        or bool(_AWAY.match(_subject(letter)))
    )


def _subject(letter: Message) -> str:
    try:
        return str(make_header(decode_header(_header(letter, "Subject"))))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return ""


def _text(letter: Message) -> str:
    """The text that was typed; of a letter that has only HTML, what it shows."""
    parts = list(zip(range(_MOST_PARTS), _bodies(letter), strict=False))
    for kind, shown in (("text/plain", _decoded), ("text/html", _shown)):
        for _, part in parts:
            if part.get_content_type() == kind and (said := shown(part).strip()):
                return said
    return ""


def _bodies(part: Message) -> Iterator[Message]:
    """Its parts, without what is attached: a letter within a letter is somebody else's."""
    if part.get_content_disposition() == "attachment" or part.get_content_maintype() == "message":
        return
    if not part.is_multipart():
        yield part
        return
    for each in part.get_payload():
        if isinstance(each, Message):
            yield from _bodies(each)


def _decoded(part: Message) -> str:
    written = part.get_payload(decode=True)
    raw = written if isinstance(written, bytes) else b""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a charset that nobody knows
        return raw.decode("utf-8", "replace")


def _shown(part: Message) -> str:
    markup = _decoded(part)
    body = markup[max(markup.lower().find("<body"), 0) :][:_LONGEST_HTML]  # Outlook's styles alone may be longer
    spaced = " ".join(body.split())
    kept = nh3.clean(spaced, tags=_BLOCKS, clean_content_tags=_WITHOUT, attributes={}, link_rel=None)
    return html.unescape(_BREAK.sub("\n", kept))
