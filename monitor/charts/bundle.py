"""The script that draws charts in the page: the library that draws them on the server, gathered once, named by its version."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Final

from monitor.charts.drawing import ENTRY, Drawer

_HASH: Final = 12  # hexadecimal digits in a name


@lru_cache(maxsize=1)
def name() -> str:
    """As it is asked for: `vega.0123456789ab.js`. The same version gathers the same, so that it may be kept for ever."""
    made_of = f"{version('vl-convert-python')} {ENTRY}"
    return f"vega.{hashlib.sha256(made_of.encode()).hexdigest()[:_HASH]}.js"


@dataclass(frozen=True)
class Script:
    """`body` is UTF-8."""

    body: bytes

    @cached_property
    def zipped(self) -> bytes:
        """For browsers that take gzip: a third of it."""
        return gzip.compress(self.body, 9, mtime=0)


class Bundle:
    """Gathered by the worker when a page first asks for it, which takes some seconds."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer
        self._lock = asyncio.Lock()
        self._script: Script | None = None

    async def script(self) -> Script:
        """Vega, Vega-Lite and Vega-Embed, which define `vegaEmbed`; drawn without eval where `ast` is asked for."""
        async with self._lock:
            if self._script is None:
                self._script = Script((await self._drawer.script()).encode())
            return self._script
