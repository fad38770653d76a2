"""Room for bodies that nobody has verified yet: so many at a time, and no stranger has it to himself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address, ip_network
from typing import Final
from weakref import WeakValueDictionary

PATIENCE: Final = 2.0  # seconds that a caller waits for room
SHARE: Final = 4  # one address has a quarter of the room


class FullError(Exception):
    """There was no room soon enough."""


class Room:
    """So many places, of which one address of the open internet has a share at most."""

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._each = max(1, places // SHARE)
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()  # of those who are here

    @asynccontextmanager
    async def place(self, remote: str | None) -> AsyncIterator[None]:
        """A place while inside. Whoever has his share waits apart from the others. Raises `FullError`."""
        async with AsyncExitStack() as left_at_the_end:
            try:
                async with asyncio.timeout(PATIENCE):
                    for semaphore in (self._share(remote), self._places):
                        await left_at_the_end.enter_async_context(semaphore)
            except TimeoutError:
                raise FullError from None
            yield

    def _share(self, remote: str | None) -> asyncio.Semaphore:
        stranger = lone(remote)
        share = asyncio.Semaphore(self._each)
        return self._shares.setdefault(stranger, share) if stranger else share


def lone(remote: str | None) -> str | None:
    """Whom an address stands for, of version six with its neighbours; None when that may be a proxy, and many behind it."""
    if remote is None or not (address := ip_address(remote)).is_global:
        return None
    return str(address if address.version == 4 else ip_network(f"{address}/64", strict=False))  # noqa: PLR2004 - of IP
