"""A report as a file: a page that stands alone, Markdown, or JSON. Whatever people wrote is escaped in each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from monitor.report.telling import Telling
from monitor.report.value import Report
from notifiers.reader import Reader

_ALIKE: Final[dict[str, Any]] = {
    "loader": PackageLoader("monitor.report"),
    "undefined": StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}
_SPECIAL = re.compile(r"[\\`*_\[\]#|~!$@]")
_LINK = re.compile(r"://|\bwww\.", re.IGNORECASE)
_BEGINS_A_BLOCK = re.compile(r"^([-+=]|\d+(?=[.)]))")


def render(report: Report, reader: Reader, form: str) -> str:
    """The content of a file. `form` is one of `FORMATS`."""
    return FORMATS[form](report, reader)


def _html(report: Report, reader: Reader) -> str:
    telling = Telling(report, reader)
    return _page().get_template("report.html.j2").render(it=telling, chart=Markup(telling.chart))  # noqa: S704 escaped by ElementTree


def _markdown(report: Report, reader: Reader) -> str:
    return _text().get_template("report.md.j2").render(it=Telling(report, reader))


def _json(report: Report, reader: Reader) -> str:
    del reader
    return json.dumps(asdict(report), ensure_ascii=False, indent=2, default=_plain) + "\n"


FORMATS: Final[Mapping[str, Callable[[Report, Reader], str]]] = {"html": _html, "markdown": _markdown, "json": _json}


def _plain(value: Any) -> Any:
    """Moments as ISO 8601, durations in seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date) else str(value)


def escaped(said: object) -> object:
    """A text of which Markdown makes nothing: no emphasis, link, table, tag or mention, wherever on a line it stands."""
    if isinstance(said, Markup):
        return said
    plain = " ".join(str(said).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = _LINK.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", _SPECIAL.sub(r"\\\g<0>", plain))
    return _BEGINS_A_BLOCK.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", plain)


@lru_cache(maxsize=1)
def _page() -> SandboxedEnvironment:
    return SandboxedEnvironment(autoescape=True, **_ALIKE)


@lru_cache(maxsize=1)
def _text() -> SandboxedEnvironment:
    """Markdown has no tags to escape: each value goes through `escaped` on its way out, so that none is forgotten."""
    return SandboxedEnvironment(autoescape=False, finalize=escaped, **_ALIKE)
