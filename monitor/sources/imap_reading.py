"""From a letter to a mention: whose letters are read how, and what patterns find in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.domain.mention import Author, Form, Mention
from monitor.sources.imap_mail import Heading, Mail
from monitor.sources.mapping import named
from monitor.sources.text import is_own
from rules.patterns import compiled, first

FINDS = ("text", "title", "author", "stars", "link")
_STARS = 5
_NUMBER = re.compile(r"[0-9]")


def _usable(pattern: str) -> str:
    compiled([pattern])
    return pattern


def _finds(pattern: str) -> str:
    (each,) = compiled([pattern])
    unknown = sorted(set(each.groupindex) - set(FINDS))
    if unknown or not each.groupindex:
        named_so = f"no {', '.join(unknown)}" if unknown else "nothing in a pattern without a named group"
        raise ValueError(f"a letter has {named_so}; write (?P<NAME>…) with one of {', '.join(FINDS)}")
    return pattern


class Reading(BaseModel):
    """How the letters of one sender are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: str = Field("", description="whose letters: an address, or a domain with all below it; without it, everybody's")
    subject: Annotated[str, AfterValidator(_usable)] | None = Field(
        None, description="a pattern (RE2) that their subject has, for instance `(?i)new review`"
    )
    ignore: bool = Field(False, description="true to pass over these letters")
    network: str | None = Field(None, min_length=1, max_length=32, description="the network of what they tell")
    form: Form | None = Field(None, description="what they tell: a review where `stars` are found, else a message")
    find: tuple[Annotated[str, AfterValidator(_finds)], ...] = Field(
        (),
        description="patterns (RE2) with named groups `text`, `title`, `author`, `stars` and `link`, for instance"
        " `(?P<stars>[1-5]) stars`. Each is looked for in the subject, the text, and the links, one a line;"
        " what none finds is the letter's own: its text, subject and sender",
    )

    def fits(self, heading: Heading) -> bool:
        """Whether these are the letters that are meant."""
        return self._sent_by(heading.sender) and (
            not self.subject or first(compiled([self.subject]), heading.subject) is not None
        )

    def _sent_by(self, sender: str) -> bool:
        whose, domain = self.sender.lower().removeprefix("@"), sender.rpartition("@")[2]
        return not whose or whose in {sender, domain} or domain.endswith(f".{whose}")

    def found(self, mail: Mail) -> Mapping[str, str]:
        """What the patterns find, by the names of their groups; of several the first."""
        said = "\n".join((mail.heading.subject, "", mail.text, "", *mail.links))
        found: dict[str, str] = {}
        for match in (pattern.search(said) for pattern in compiled(self.find)):
            for name, value in (match.groupdict() if match else {}).items():
                if value and value.strip():
                    found.setdefault(name, value.strip())
        return found


def mention(mail: Mail, reading: Reading, network: str, arrived: datetime, own_accounts: Sequence[str]) -> Mention:
    """What a letter tells. `arrived` is when it came: its author's clock may be wrong. Raises `ValueError` for an empty one."""
    found = reading.found(mail)
    network, stars, title = reading.network or network, _stars(found), found.get("title", mail.heading.subject)
    text = found.get("text") or mail.text or title
    if not text:
        raise ValueError("it has neither a text nor a subject")
    return Mention(
        network,
        text,
        mail.sent if mail.sent and mail.sent <= arrived else arrived,
        uri=_address(found.get("link", "")) or _called(network, mail.id),
        form=reading.form or (Form.REVIEW if stars else Form.MESSAGE),
        title=f"{'★' * stars}{'☆' * (_STARS - stars)} {title}" if stars else title,
        author=_author(mail, found, own_accounts),
        parent=_called(network, mail.answers),
        thread=_called(network, mail.thread),
        hashtags=frozenset({f"{stars}stars"} if stars else ()),
    )


def _stars(found: Mapping[str, str]) -> int:
    """1 to 5; 0: none were found. « 3 », « 4,5 » and « ★★☆☆☆ » are understood; half a star is none."""
    said = found.get("stars", "")
    number = _NUMBER.search(said)
    return min(int(number[0]) if number else said.count("★") or said.count("⭐"), _STARS)


def _address(link: str) -> str | None:
    """A link that leads somewhere: the front page of a network would be the same for all its letters."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    leads = parts.scheme in {"http", "https"} and parts.hostname and (parts.path.strip("/") or parts.query)
    return link if leads else None


def _called(network: str, message_id: str) -> str | None:
    return named(network, message_id) if message_id else None


def _author(mail: Mail, found: Mapping[str, str], own_accounts: Sequence[str]) -> Author | None:
    """Who is told of; else who wrote the letter."""
    who = found.get("author", "")
    if who:
        return Author(who, who, who, own=is_own(who, own_accounts))
    return Author(mail.address, mail.address, mail.name, own=is_own(mail.address, own_accounts)) if mail.address else None
