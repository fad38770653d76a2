"""The conversation around a post on a server with the Mastodon API, which knows the post by a number of its own."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.mapping import at

_NUMBERED = re.compile(r"/(?:statuses|@[^/]+)/(\w+)")


class Ask(Protocol):
    """Gives the JSON at a path of the server. Raises `SourceError`."""

    def __call__(self, path: str, params: Mapping[str, str] | None = None) -> Awaitable[object]: ...


async def context(uri: str, ask: Ask, url: str, *, resolve: bool) -> Sequence[Mapping[str, Any]]:
    """The post with this address, what it answers and what was answered, by two or three calls. `url` is the server's.

    `resolve`: the server may fetch a post of another server that it has not seen. Raises `SourceError`.
    """
    path = f"/api/v1/statuses/{quote(await _number(uri, ask, url, resolve=resolve), safe='')}"
    post, around = await ask(path), await ask(f"{path}/context")
    found = [post, *_list(around, "ancestors"), *_list(around, "descendants")]
    if not all(isinstance(each, Mapping) and isinstance(each.get("id"), str) for each in found):
        raise SourceError(
            Trouble.MALFORMED, f"{path}/context does not answer with posts; does the server speak the Mastodon API?"
        )
    return [each for each in found if isinstance(each, Mapping)]


async def _number(uri: str, ask: Ask, url: str, *, resolve: bool) -> str:
    """Posts of the server itself have their number in their address; another's is searched for by its address."""
    there = urlsplit(uri)
    if there.netloc == urlsplit(url).netloc and (numbered := _NUMBERED.search(there.path)):
        return numbered[1]
    found = at(
        await ask("/api/v2/search", {"q": uri, "type": "statuses", "limit": "1"} | ({"resolve": "true"} if resolve else {})),
        "statuses.0.id",
    )
    if not isinstance(found, str):
        raise SourceError(Trouble.GONE, "this server does not have the post, or it was deleted")
    return found


def _list(around: object, name: str) -> Sequence[object]:
    found = at(around, name)
    if not isinstance(found, list):
        raise SourceError(Trouble.MALFORMED, f"the context of a post has no `{name}`; does the server speak the Mastodon API?")
    return found


__all__ = ["Ask", "context"]
