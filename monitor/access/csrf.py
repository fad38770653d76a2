"""Tells what a person sent from our own pages from what another site made their browser send."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({"same-origin", "none"})


def is_safe(method: str) -> bool:
    """Whether a request by this method changes nothing."""
    return method in _SAFE


def is_foreign(headers: Mapping[str, str], public_url: str | None) -> bool:
    """Whether a browser says that another site sent this. Whoever says nothing is no browser of these days."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in _OURS
    origin = headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != _here(headers, public_url)


def is_right(given: str, expected: str) -> bool:
    """Whether a form carries the mark of the session it was shown in."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _here(headers: Mapping[str, str], public_url: str | None) -> str:
    """Where we are: as the settings say it, or else as whoever asks has addressed us. `null` is no place of ours."""
    return (urlsplit(public_url).netloc if public_url else headers.get("Host", "")) or "nowhere"
