"""A message that comes written: a digest or a report, whose words and pictures somebody else has chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in an HTML mail, which names it as `cid:NAME`."""

    name: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """`subject` and `brief` are one line each; `html` is escaped and fetches nothing. `facts` is what JSON can hold.

    `urgent` is what is to be done first, in a line; empty on a quiet day. `page` is where it stands in the console, or "".
    """

    subject: str
    brief: str
    text: str
    html: str
    facts: Mapping[str, Any]
    urgent: str = ""
    page: str = ""
    calm: bool = False
    pictures: Sequence[Picture] = ()
