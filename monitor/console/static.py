"""The files that pages are made of: named after what they hold, so that browsers may keep them for ever, and packed once."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from aiohttp import hdrs, web

from monitor.console.route import PUBLIC, Route

_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "json": "application/json",
}
_IMPORT: Final = re.compile(r'(?<=")\./([a-z_-]+)\.js(?=")')
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent. `packed` is the same, compressed by gzip."""

    content_type: str
    plain: bytes
    packed: bytes


@lru_cache(maxsize=1)
def _files() -> tuple[str, Mapping[str, File]]:
    """The digest of all files, and each by the name that it is served under.

    All carry one digest: modules import each other by name, and a change in one is a change in what imports it.
    """
    found = {each.name: each.read_bytes() for each in files("monitor.console").joinpath("static").iterdir() if each.is_file()}
    digest = hashlib.sha256(b"".join(name.encode() + found[name] for name in sorted(found))).hexdigest()[:12]
    return digest, {_hashed(name, digest): _prepared(name, body, digest) for name, body in found.items()}


def _hashed(name: str, digest: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{digest}.{ending}"


def _prepared(name: str, body: bytes, digest: str) -> File:
    ending = name.rpartition(".")[2]
    if ending == "js":
        body = _IMPORT.sub(lambda found: f"./{_hashed(found[1] + '.js', digest)}", body.decode()).encode()
    return File(_TYPES[ending], body, gzip.compress(body, mtime=0))


def address(name: str) -> str:
    """Where a page finds a file: `/static/console.0123456789ab.css`. A name that does not exist is a bug: KeyError."""
    digest, known = _files()
    hashed = _hashed(name, digest)
    known[hashed]
    return f"/static/{hashed}"


async def serve(request: web.Request) -> web.Response:
    """One file by its hashed name: nothing is looked up on disk."""
    file = _files()[1].get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound(text="there is no such file")
    headers = {hdrs.CACHE_CONTROL: _FOR_EVER, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    packed = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower()
    if packed:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    body = file.packed if packed else file.plain
    return web.Response(body=body, content_type=file.content_type, charset="utf-8", headers=headers)


ROUTES: Final = (Route("GET", "/static/{name}", serve, PUBLIC),)
