"""For whom a chart is drawn: their language and numbers, light or dark, and how wide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from monitor.charts.palette import DARK, LIGHT, Palette
from monitor.charts.words import WORDS
from notifiers.reader import Reader

FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
NARROW: Final = 480  # pixels, below which a chart has no room for points and half of the labels
_GROUPS: Final = {"fr": "\u202f", "en": ","}
_POINT: Final = {"fr": ",", "en": "."}


@dataclass(frozen=True, slots=True)
class Look:
    """`width` is that of the whole picture, in pixels."""

    reader: Reader
    dark: bool = False
    width: int = 640

    @property
    def palette(self) -> Palette:
        return DARK if self.dark else LIGHT

    @property
    def narrow(self) -> bool:
        return self.width < NARROW

    def say(self, words: str, **values: object) -> str:
        """Words in the reader's language."""
        return WORDS[self.reader.language][words].format(**values)

    def config(self) -> dict[str, Any]:
        """Vega-Lite's configuration."""
        ours, text = self.palette, {"labelFont": FONT, "titleFont": FONT}
        axis = text | {
            "labelColor": ours.quiet,
            "titleColor": ours.quiet,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "gridColor": ours.faint,
            "domainColor": ours.quiet,
            "tickColor": ours.quiet,
            "labelLimit": 160,
        }
        legend = text | {"labelColor": ours.ink, "labelFontSize": 12, "symbolSize": 90, "symbolStrokeWidth": 2, "labelLimit": 150}
        return {
            "background": ours.ground,
            "font": FONT,
            "padding": 10,
            "view": {"stroke": None},
            "axis": axis,
            "axisX": {"labelSeparation": 6},
            "legend": legend | {"orient": "top", "direction": "horizontal", "title": None, "columns": 2 if self.narrow else 4},
            "title": {
                "anchor": "start",
                "frame": "bounds",
                "font": FONT,
                "subtitleFont": FONT,
                "fontSize": 15,
                "subtitleFontSize": 12,
                "color": ours.ink,
                "subtitleColor": ours.quiet,
                "offset": 12,
            },
            "locale": {"number": self._numbers(), "time": self._times()},
        }

    def _numbers(self) -> dict[str, Any]:
        """As d3-format wants them."""
        language = self.reader.language
        percent = "\u202f%" if language == "fr" else "%"
        return {
            "decimal": _POINT[language],
            "thousands": _GROUPS[language],
            "grouping": [3],
            "currency": ["", ""],
            "percent": percent,
        }

    def _times(self) -> dict[str, Any]:
        """As d3-time-format wants them."""
        locale = self.reader.locale
        days = {form: [locale.days["format"][form][(number - 1) % 7] for number in range(7)] for form in ("wide", "abbreviated")}
        months = {form: [locale.months["format"][form][number] for number in range(1, 13)] for form in ("wide", "abbreviated")}
        return {
            "dateTime": "%A %e %B %Y %X",
            "date": "%d/%m/%Y",
            "time": "%H:%M:%S",
            "periods": ["", ""],
            "days": days["wide"],
            "shortDays": days["abbreviated"],
            "months": months["wide"],
            "shortMonths": months["abbreviated"],
        }
