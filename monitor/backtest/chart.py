"""A chart as a file: SVG and HTML by ourselves, PNG from the SVG with the extra `charts`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.backtest.course import Backtest
from monitor.backtest.drawing import svg
from monitor.backtest.listing import listing
from monitor.backtest.panels import sheet
from monitor.domain.errors import UsageError
from monitor.settings import Settings
from monitor.svg import FONTS
from notifiers.reader import Reader

ENDINGS = (".svg", ".html", ".png")
_ZOOM = 2.5  # 1,200 pixels wide
_LETTER = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40' font-family='{}'><text x='4' y='30'>{}</text></svg>"


def check_ending(path: Path) -> None:
    """Raises `UsageError` for a file that cannot be drawn here, before anything is done that takes long."""
    if path.suffix.lower() not in ENDINGS:
        given = f"not {path.suffix}" if path.suffix else "it has no ending"
        raise UsageError(f"{path}: a chart ends in .svg, .html or .png, {given}")
    if path.suffix.lower() == ".png":
        _with_letters()


def chart(found: Backtest, settings: Settings, ending: str) -> bytes:
    """The chart as the content of a file with this ending. Raises `UsageError` where it cannot be made."""
    reader = Reader(settings.language, settings.timezone)
    drawn = svg(sheet(found, settings), reader)
    if ending == ".svg":
        return drawn.encode()
    if ending == ".png":
        return _png(drawn)
    page = _environment().get_template("backtest.html.j2")
    return page.render(chart=drawn, language=reader.language, **listing(found, settings, reader)).encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("monitor.backtest"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _with_letters() -> None:
    """A machine without fonts would leave out every word, and say nothing: raises `UsageError`."""
    if _png(_LETTER.format(FONTS, "A")) == _png(_LETTER.format(FONTS, "")):
        fonts = ", ".join(FONTS.split(", ")[:3])
        raise UsageError(f"a PNG needs one of the fonts {fonts} (fonts-dejavu-core on Debian); .svg and .html need none here")


def _png(drawn: str) -> bytes:
    try:
        import resvg_py  # noqa: PLC0415 an extra: who wants no PNG need not have it
    except ImportError:
        raise UsageError("a PNG needs the extra `charts`: pip install 'tocsin[charts]'; .svg and .html need nothing") from None
    made: bytes = resvg_py.svg_to_bytes(svg_string=drawn, zoom=_ZOOM, background="#ffffff")
    return bytes(made)
