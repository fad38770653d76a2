"""What an address asks for: numbers that are in it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

_DIGITS: Final = 18  # what surely fits into 64 bits


def number(request: web.Request, name: str) -> int:
    """The number in the path. Raises 404 for one that nothing can have."""
    written = request.match_info[name]
    if not _is_number(written):
        raise web.HTTPNotFound(text="nothing has such a number")
    return int(written)


def before(request: web.Request) -> int | None:
    """Below which number a list goes on; None: at its beginning."""
    written = request.query.get("before", "")
    return int(written) if _is_number(written) else None


def _is_number(written: str) -> bool:
    return written.isascii() and written.isdecimal() and len(written) <= _DIGITS
