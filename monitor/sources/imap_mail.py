"""What a letter says: its words, who wrote them, where it leads. All of it may be hostile: it is read in a worker."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import NamedTuple

from monitor.mailbox import parts
from monitor.sources.text import MAX_TEXT, html_to_text

MOST_LINKS = 200
_LONGEST_FROM = 2_000
_HREF = re.compile(r"""href\s{0,5}=\s{0,5}["']?(https?://[^"'<>\s]{1,2000})""", re.IGNORECASE)
_LINK = re.compile(r"""https?://[^\s<>"')\]]{1,2000}""", re.IGNORECASE)
_BODY = re.compile(r"<body", re.IGNORECASE)
_REPORTS = frozenset({"multipart/report", "message/delivery-status"})


class Heading(NamedTuple):
    """What is known of a letter before it is read. `sender` is an address in lower case, or empty.

    `passed_over`: one of our own messages, which must not ring the bell again, or a report of what was not delivered.
    """

    sender: str
    subject: str
    passed_over: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter. `name` and `address` are those of who is to be answered (Reply-To, else From); `sent` is what its author claims.

    `id`, `answers` and `thread` are the ids (Message-ID) of it, of what it answers and of what began that; empty when not told.
    """

    heading: Heading
    name: str
    address: str
    text: str
    links: tuple[str, ...]
    sent: datetime | None
    id: str
    answers: str
    thread: str


def heading(raw: bytes) -> Heading:
    """Of a letter, or of its head alone. Raises whatever a malformed one makes the library raise."""
    return _heading(parts.parsed(raw, head=True))


def read(raw: bytes) -> Mail:
    """Understand a letter as it came, cut off or not. Raises whatever a malformed one makes the library raise."""
    letter = parts.parsed(raw)
    bodies = parts.bodies(letter)
    plain = [parts.text(part) for part in bodies if _kind(part) == "text/plain"]
    markup = [parts.text(part) for part in bodies if _kind(part) == "text/html"]
    name, address = _who(letter, "Reply-To")
    named, sender = _who(letter, "From")
    return Mail(
        heading=_heading(letter),
        name=name if address and name else named,
        address=address or sender,
        text=_said(plain, markup),
        links=_links(plain, markup),
        sent=_moment(parts.header(letter, "Date")),
        id=_id(letter, "Message-ID"),
        answers=_id(letter, "In-Reply-To"),
        thread=_id(letter, "References"),
    )


def _heading(letter: Message) -> Heading:
    ours = "X-Tocsin-Kind" in letter or letter.get_content_type() in _REPORTS
    return Heading(_who(letter, "From")[1], parts.in_words(parts.header(letter, "Subject")), ours)


def _who(letter: Message, name: str) -> tuple[str, str]:
    """The name and the address, in lower case, of the first whom a header names."""
    found = getaddresses([parts.header(letter, name)[:_LONGEST_FROM]])
    return next(((parts.in_words(said), address.lower()) for said, address in found if "@" in address), ("", ""))


def _kind(part: Message) -> str:
    """A multipart whose parts cannot be found is text."""
    return "text/plain" if part.get_content_maintype() == "multipart" else part.get_content_type()


def _said(plain: list[str], markup: list[str]) -> str:
    """The text that was typed; of a letter that has only HTML, what it shows."""
    typed = (each.replace("\r\n", "\n").strip() for each in plain)
    shown = (html_to_text(_body(each)) for each in markup)
    return next((each for said in (typed, shown) for each in said if each), "")[:MAX_TEXT]


def _body(markup: str) -> str:
    """Without its head: styles alone may be longer than what is read of it."""
    found = _BODY.search(markup)
    return markup[found.start() :] if found else markup


def _links(plain: list[str], markup: list[str]) -> tuple[str, ...]:
    written = (link.rstrip(".,;:!?") for each in plain for link in _LINK.findall(each))
    linked = (html.unescape(link) for each in markup for link in _HREF.findall(each))
    return tuple(dict.fromkeys((*written, *linked)))[:MOST_LINKS]


def _moment(written: str) -> datetime | None:
    """A time without a zone is taken for UTC."""
    try:
        moment = parsedate_to_datetime(written)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _id(letter: Message, name: str) -> str:
    return next(iter(parts.header(letter, name).split()), "").strip("<>")
