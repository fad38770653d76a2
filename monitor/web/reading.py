"""Reads the bodies of calls that nobody has verified yet: none too large, too slow or compressed, and not too many at once."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import hdrs, web

from monitor.web.room import FullError, Room

LARGEST_BODY: Final = 1024 * 1024  # bytes
SLOWEST_BODY: Final = 20.0  # seconds: a caller that trickles its body is sent away
BODIES: Final = 32  # read at the same time, by whomever sent: each may fill the memory of its size before it is verified
TRY_AGAIN: Final = {"Retry-After": "5"}  # seconds
ROOM: Final = web.AppKey("room", Room)


async def read_body(request: web.Request) -> bytes:
    """The raw body, as it was signed. A compressed one is refused: nobody needs it, and it may unpack to anything."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType(text="send the body as it is, without Content-Encoding")
    try:
        async with request.app[ROOM].place(request.remote), asyncio.timeout(SLOWEST_BODY):
            return await request.read()
    except FullError:
        raise web.HTTPServiceUnavailable(text="too many calls are being read; send it again", headers=TRY_AGAIN) from None
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not arrive in time") from None
    except ConnectionError:  # nobody reads this: somebody has closed a page
        raise web.HTTPBadRequest(text="the connection was lost") from None
