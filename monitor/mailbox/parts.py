"""What a letter is made of: its headers in words, and the parts that hold its text. All of it may be broken, or hostile."""

from __future__ import annotations

from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

_MOST_PARTS = 50
_LONGEST_HEADER = 10_000


def parsed(raw: bytes, *, head: bool = False) -> Message:
    """A letter as it came, cut off or not; or its head alone."""
    return BytesParser(policy=compat32).parsebytes(raw, headersonly=head)


def header(letter: Message, name: str) -> str:
    """One header as it was written, in one line; empty when there is none. Bytes beyond ASCII are taken for UTF-8."""
    written = next((value for found, value in letter.raw_items() if found.lower() == name.lower()), "")
    said = str(written).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(said.split())


def in_words(written: str) -> str:
    """A header's text without the encoding of RFC 2047; what cannot be decoded stays as it was written."""
    try:
        pieces = decode_header(written[:_LONGEST_HEADER])
    except (HeaderParseError, ValueError):
        return written
    return "".join(_spoken(piece, charset) for piece, charset in pieces)


def _spoken(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    return piece.decode("raw-unicode-escape", "replace") if charset is None else _decoded(piece, charset)


def bodies(letter: Message) -> list[Message]:
    """The first of its parts, without what is attached: a letter within a letter is somebody else's."""
    return [part for _, part in zip(range(_MOST_PARTS), _bodies(letter), strict=False)]


def _bodies(part: Message) -> Iterator[Message]:
    if part.get_content_disposition() == "attachment" or part.get_content_maintype() == "message":
        return
    if not part.is_multipart():
        yield part
        return
    for each in part.get_payload():
        if isinstance(each, Message):
            yield from _bodies(each)


def text(part: Message) -> str:
    """What a part says, decoded as it claims to be, else as UTF-8."""
    written = part.get_payload(decode=True)
    return _decoded(written if isinstance(written, bytes) else b"", part.get_content_charset() or "utf-8")


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset, "replace")
    except (LookupError, ValueError):  # a charset that nobody knows, or that is none
        return raw.decode("utf-8", "replace")
