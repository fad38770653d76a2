"""Draws specifications as SVG and PNG in a worker process, which ends when nobody needs it: the library's engine takes 110 MB."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from monitor.workshop.pool import Workshop

WITHIN: Final = timedelta(seconds=30)  # the first one starts the engine, which takes two seconds; the others a tenth of one
_GATHERED_WITHIN: Final = timedelta(minutes=2)  # four seconds, on a machine that has nothing else to do
_MEMORY: Final = 2**30  # bytes of address space: JavaScript's engine reserves far more than it uses
_TIRED: Final = 256 * 2**20
ENTRY: Final = "window.vegaEmbed = vegaEmbed;"  # what the library gives to the page


class Drawer:
    """One worker for all charts. Nothing is fetched: a specification brings its data along."""

    def __init__(self) -> None:
        self._workshop = Workshop(1, memory=_MEMORY, tired=_TIRED)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End the worker."""
        await self._workshop.close()

    async def svg(self, spec: Mapping[str, Any]) -> str:
        """Raises `WorkError` where it takes too long or too much, and `ValueError` for what is no specification."""
        return await self._workshop.run(svg, spec, within=WITHIN)

    async def png(self, spec: Mapping[str, Any], *, scale: float = 2.0) -> bytes:
        """Likewise; `scale` 2 is sharp on most screens."""
        return await self._workshop.run(png, spec, scale, within=WITHIN)

    async def script(self) -> str:
        """The library that draws them in a page: see `bundle`."""
        return await self._workshop.run(script, within=_GATHERED_WITHIN)


def svg(spec: Mapping[str, Any]) -> str:
    """In the worker."""
    import vl_convert  # noqa: PLC0415 it must never be loaded into the daemon

    return vl_convert.vegalite_to_svg(dict(spec), allowed_base_urls=[])


def png(spec: Mapping[str, Any], scale: float) -> bytes:
    """Likewise."""
    import vl_convert  # noqa: PLC0415

    return vl_convert.vegalite_to_png(dict(spec), scale=scale, allowed_base_urls=[])


def script() -> str:
    """Likewise."""
    import vl_convert  # noqa: PLC0415

    return vl_convert.javascript_bundle(ENTRY)
