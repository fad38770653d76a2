"""What a letter says: who wrote it, what it answers, whether a machine wrote it, and its text. All of it may be hostile."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

import nh3

from monitor.mailbox import parts

_LONGEST_TEXT = 20_000
_LONGEST_HTML = 50_000
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
    letter = parts.parsed(raw)
    return Letter(_sender(letter), _answers(letter), _is_automatic(letter), _text(letter)[:_LONGEST_TEXT])


def _sender(letter: Message) -> str:
    found = getaddresses([str(each) for each in letter.get_all("From", [])])
    return found[0][1].lower() if len(found) == 1 else ""


def _answers(letter: Message) -> tuple[str, ...]:
    above = [*parts.header(letter, "In-Reply-To").split()[:1], *reversed(parts.header(letter, "References").split())]
    return tuple(dict.fromkeys(above))


def _is_automatic(letter: Message) -> bool:
    return (
        parts.header(letter, "Auto-Submitted").lower() not in {"", "no"}
        or any(name in letter for name in ("X-Autoreply", "X-Autorespond", "X-Failed-Recipients", "X-Tocsin-Kind"))
        or parts.header(letter, "Precedence").lower() in _PRECEDENCE
        or parts.header(letter, "Return-Path") == "<>"
        or letter.get_content_type() in {"multipart/report", "message/delivery-status"}
        or bool(_MACHINES.match(_sender(letter)))
        or bool(_AWAY.match(parts.in_words(parts.header(letter, "Subject"))))
    )


def _text(letter: Message) -> str:
    """The text that was typed; of a letter that has only HTML, what it shows."""
    for kind, shown in (("text/plain", parts.text), ("text/html", _shown)):
        for part in parts.bodies(letter):
            if part.get_content_type() == kind and (said := shown(part).strip()):
                return said
    return ""


def _shown(part: Message) -> str:
    markup = parts.text(part)
    body = markup[max(markup.lower().find("<body"), 0) :][:_LONGEST_HTML]  # Outlook's styles alone may be longer
    spaced = " ".join(body.split())
    kept = nh3.clean(spaced, tags=_BLOCKS, clean_content_tags=_WITHOUT, attributes={}, link_rel=None)
    return html.unescape(_BREAK.sub("\n", kept))
