"""Turns what is to be seen into pages: plain HTML that is escaped, styled without fetching anything, and runs no script."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.web.words import Words
from notifiers.message import Language


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = PackageLoader("monitor.web")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    style, _, _ = loader.get_source(environment, "style.css")
    environment.globals["style"] = style
    return environment


@lru_cache(maxsize=1)
def _policy() -> str:
    """Nothing is fetched, framed or run; the one style is the one that we wrote."""
    style = str(_environment().globals["style"])
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def page(name: str, language: Language, *, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> web.Response:
    """One page, in one language. Whatever is in `values` is escaped."""
    text = _environment().get_template(f"{name}.html.j2").render(language=language, say=Words(language), **values)
    headers = {"Content-Security-Policy": _policy(), "X-Robots-Tag": "noindex, nofollow"}
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)


def preferred(request: web.Request, default: Language) -> Language:
    """The language of a reader of whom nothing else is known: the one their browser names first, of those that we have."""
    for part in request.headers.get(hdrs.ACCEPT_LANGUAGE, "").split(",")[:10]:
        named = part.partition(";")[0].strip().lower()[:2]
        if named in {"fr", "en"}:
            return "fr" if named == "fr" else "en"
    return default
