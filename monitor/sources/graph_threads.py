"""What a thread on Facebook or Instagram is made of: single posts that may be gone, and the first pages of what is said below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.graph import Graph

_UNREADABLE = frozenset({Trouble.REFUSED, Trouble.GONE})


async def shown(graph: Graph, number: str, fields: str, needs: str) -> Mapping[str, Any]:
    """The post or comment whose thread is wanted. Raises `SourceError`: `GONE` where it is not to be had."""
    try:
        return await graph.ask(number, {"fields": fields}, needs=needs)
    except SourceError as error:
        if error.trouble not in _UNREADABLE:
            raise
        raise SourceError(Trouble.GONE, f"it does not show this post, which may be deleted: {error.detail}") from None


async def perhaps(graph: Graph, number: str, fields: str, needs: str) -> Mapping[str, Any] | None:
    """What stands above it; None where that cannot be read: it is deleted, or an advertisement. Raises `SourceError`."""
    try:
        return await graph.ask(number, {"fields": fields}, needs=needs)
    except SourceError as error:
        if error.trouble not in _UNREADABLE:
            raise
        return None


async def pages(
    graph: Graph, path: str, params: Mapping[str, str], needs: str, *, most: int
) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """The entries of up to `most` pages of a list, and whether these are all. Raises `SourceError`."""
    items: list[Mapping[str, Any]] = []
    at: str | None = None
    for _ in range(most):
        page = await graph.page(path, params, at, needs=needs)
        items, at = [*items, *page.items], page.further
        if at is None or not page.items:
            return items, True
    return items, False


__all__ = ["pages", "perhaps", "shown"]
