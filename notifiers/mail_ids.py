"""What our e-mails are called: a seal that nobody can guess is part of the name, so that whoever names it was told by us.

A mail server may give a mail another Message-ID on its way. So the name stands in `References` as well, which whoever
answers repeats.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from notifiers.message import Message

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_SEALED = re.compile(r"<([a-z0-9_-]{1,100})\.([a-z2-7]{16})(\.told)?@[^<>\s@]{1,255}>")


@dataclass(frozen=True, slots=True)
class Named:
    """The name of a mail that seems to be ours. `told`: as it stands in `References`, and not as its Message-ID."""

    message: str
    seal: str
    told: bool


def message_id(message: Message, domain: str) -> str:
    """The same for every attempt."""
    return f"<{_sealed(message)}@{domain}>"


def root(message: Message, domain: str) -> str:
    """What holds a conversation together: no mail has this name."""
    return f"<{_id(message.conversation)}.conversation@{domain}>"


def references(message: Message, domain: str) -> str:
    """The conversation, and the mail itself."""
    return f"{root(message, domain)} <{_sealed(message)}.told@{domain}>" if message.seal else root(message, domain)


def found(header: str) -> Iterator[Named]:
    """The names in a header, or a whole head. Nobody has looked at their seals yet."""
    return (Named(each[1], each[2], bool(each[3])) for each in _SEALED.finditer(header.lower()))


def _sealed(message: Message) -> str:
    return f"{_id(message.id)}.{message.seal}" if message.seal else _id(message.id)


def _id(name: str) -> str:
    """The name as the left side of a message id: as it is when it is plain, else its fingerprint."""
    if _PLAIN.fullmatch(name) and ".." not in name and not name.endswith("."):
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:40]
