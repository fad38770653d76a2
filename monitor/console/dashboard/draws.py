"""The charts of the dashboard: each asks one question of the store, for the days and the subject that its address says."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from aiohttp import web

from monitor.charts.bars import emerging_terms, share_of_voice
from monitor.charts.chart import Chart
from monitor.charts.courses import net_sentiment, volume
from monitor.charts.flights import engagement
from monitor.charts.hours import week_map
from monitor.charts.look import Look
from monitor.charts.speed import response_times
from monitor.console.charting import rows
from monitor.console.dashboard.asked import Asked, asked
from monitor.console.page import reader_of
from monitor.domain.tally import ALL
from monitor.figures.answers import speeds
from monitor.figures.course import Point, course
from monitor.figures.engagement import own_posts
from monitor.figures.terms import terms
from monitor.figures.voice import share_of_voice as voices
from monitor.figures.week import week
from monitor.settings import Settings
from monitor.storage import UnitOfWork
from monitor.web.desk import DESK

_NEW: Final = timedelta(days=7)  # what was new before that is not


def asked_of(request: web.Request) -> Asked:
    """What the address says, in the reader's days."""
    desk = request.app[DESK]()
    return asked(request.query, desk.settings.subjects, desk.now(), reader_of(request).zone)


def called(settings: Settings) -> dict[str, str]:
    """The subjects' names for people."""
    return {name: each.names[0] if each.names else name for name, each in settings.subjects.items()}


def rivals(settings: Settings) -> list[str]:
    """Those whose voices are compared: the brand, which comes first, and its competitors."""
    names = list(settings.subjects)
    return names[:1] + [name for name in names[1:] if settings.subjects[name].competitor]


async def _points(tx: UnitOfWork, settings: Settings, what: Asked) -> list[Point]:
    about = [what.subject]
    match what.by:
        case "subject":
            return await course(tx, what.span, "subject", subjects=[*settings.subjects] if what.subject == ALL else about)
        case "network":
            return await course(tx, what.span, "network", subjects=about)
        case "topic":
            pieces = list(what.span.pieces())
            names = await tx.figures.topics(pieces[0].since, pieces[-1].until, what.subject)
            return await course(tx, what.span, "topic", subjects=about, topics=names) if names else []


async def _volume(request: web.Request, look: Look) -> Chart:
    desk = request.app[DESK]()
    async with desk.store.read() as tx:
        points = await _points(tx, desk.settings, asked_of(request))
    return volume(points, look, called(desk.settings))


async def _net(request: web.Request, look: Look) -> Chart:
    desk = request.app[DESK]()
    async with desk.store.read() as tx:
        points = await _points(tx, desk.settings, asked_of(request))
    return net_sentiment(points, look, called(desk.settings))


async def _voice(request: web.Request, look: Look) -> Chart:
    desk = request.app[DESK]()
    async with desk.store.read() as tx:
        shares = await voices(tx, asked_of(request).span, rivals(desk.settings))
    return share_of_voice(shares, look, called(desk.settings))


async def _terms(request: web.Request, look: Look) -> Chart:
    """Of one subject: of all together the words would be those of the loudest."""
    desk, what = request.app[DESK](), asked_of(request)
    subject = what.subject or next(iter(desk.settings.subjects), ALL)
    until = what.span.ends
    found = await terms(desk.store, subject, max(what.span.begins, until - _NEW), until)
    return emerging_terms(found, look)


async def _answers(request: web.Request, look: Look) -> Chart:
    desk, what = request.app[DESK](), asked_of(request)
    async with desk.store.read() as tx:
        found = await speeds(tx, what.span, subjects=[what.subject])
    return response_times(found, look)


async def _week(request: web.Request, look: Look) -> Chart:
    desk, what, network = request.app[DESK](), asked_of(request), request.match_info["network"]
    async with desk.store.read() as tx:
        weeks = await week(tx, what.span, what.subject)
    return week_map(network, weeks.get(network, [[0.0] * 24 for _ in range(7)]), look)


async def _posts(request: web.Request, look: Look) -> Chart:
    desk = request.app[DESK]()
    async with desk.store.read() as tx:
        found = await own_posts(tx, asked_of(request).span)
    return engagement(found, look)


ROUTES: Final = (
    *rows("/dashboard/volume", _volume),
    *rows("/dashboard/net", _net),
    *rows("/dashboard/voice", _voice),
    *rows("/dashboard/terms", _terms),
    *rows("/dashboard/answers", _answers),
    *rows("/dashboard/posts", _posts),
    *rows("/dashboard/week/{network}", _week),
)
