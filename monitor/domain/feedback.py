"""What a person of the team says of a mention that was judged wrongly: no complaint, another sentiment, not about us."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["complaint", "sentiment", "not_about"]

_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Feedback:
    """One word of one person. `value` is `yes` or `no` for a complaint, a label for the sentiment, a subject for `not_about`."""

    mention_id: int
    kind: Kind
    value: str
    by: str
    at: datetime
    note: str = ""
    id: int | None = None  # the store gives it


@dataclass(frozen=True, slots=True)
class Corrected:
    """A mention's words with all that holds of what people said of it, the last word of each kind."""

    mention_id: int
    text: str
    text_hash: str
    language: str | None
    complaint: bool | None
    sentiment: str | None
    not_about: frozenset[str]


def text_hash(text: str) -> str:
    """The name of a text among labels: NFC, without white space around it, in UTF-8; 16 bytes of its SHA-256, in hexadecimal."""
    plain = unicodedata.normalize("NFC", text).strip()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()[:_HASH_BYTES].hex()
