"""The script that draws charts in the page: the library that draws them on the server, gathered once, named by its hash."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from monitor.charts.drawing import Drawer

_HASH = 12  # hexadecimal digits in a name


@dataclass(frozen=True)
class Script:
    """`body` is UTF-8; `name` changes with it, so that it may be kept for ever."""

    stem: str
    body: bytes

    @cached_property
    def name(self) -> str:
        """As it is asked for: `vega.0123456789ab.js`."""
        return f"{self.stem}.{hashlib.sha256(self.body).hexdigest()[:_HASH]}.js"

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
                self._script = Script("vega", (await self._drawer.script()).encode())
            return self._script


def module() -> Script:
    """`chart.js`, the module that draws every `<figure data-chart>` of a page."""
    return Script("chart", files("monitor.charts").joinpath("chart.js").read_bytes())
