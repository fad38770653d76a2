"""What every page behind a link begins with: the link is read, or refused in words that say what to do and nothing else."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from aiohttp import web

from monitor.domain.errors import StorageError
from monitor.pipeline.links import ExpiredLinkError, ForeignLinkError, Link, LinkError, Purpose
from monitor.web.desk import Desk
from monitor.web.pages import page, preferred
from monitor.web.reading import TRY_AGAIN
from notifiers.message import Language

log = structlog.get_logger(__name__)


def follow(desk: Desk, request: web.Request, purpose: Purpose) -> Link | web.Response:
    """The link of an address; or the page that refuses it."""
    try:
        return desk.links.read(purpose, request.query.get("link", ""), desk.now())
    except LinkError as refusal:
        log.info("link.refused", why=str(refusal), path=request.path, remote=request.remote)
        return _refused(desk, request, refusal)


def _refused(desk: Desk, request: web.Request, refusal: LinkError) -> web.Response:
    language = preferred(request, desk.settings.language)
    if isinstance(refusal, ExpiredLinkError):
        receiver = desk.settings.receivers.get(refusal.link.receiver)
        return _said("expired", (receiver and receiver.language) or language, HTTPStatus.GONE)
    if isinstance(refusal, ForeignLinkError):
        return _said("foreign", language, HTTPStatus.NOT_FOUND)
    return _said("altered", language, HTTPStatus.FORBIDDEN)


def not_here(desk: Desk, request: web.Request) -> web.Response:
    """What a link is about is gone."""
    return _said("gone", preferred(request, desk.settings.language), HTTPStatus.GONE)


def unread(language: Language) -> web.Response:
    """A run that another version of Tocsin opened."""
    return _said("unread", language, HTTPStatus.CONFLICT)


def unavailable(desk: Desk, request: web.Request, error: StorageError) -> web.Response:
    """The store is away: nothing was done, and the same works again in a moment."""
    log.error("link.store_away", problem=str(error))
    answer = _said("away", preferred(request, desk.settings.language), HTTPStatus.SERVICE_UNAVAILABLE)
    answer.headers.update(TRY_AGAIN)
    return answer


def _said(key: str, language: Language, status: HTTPStatus) -> web.Response:
    return page("said", language, status=status, key=key)
