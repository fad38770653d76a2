"""The rules: what each says and where, how it did, and what it would have done on the last days with another threshold."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from monitor.backtest.trial import Asked, Trial
from monitor.charts.chart import Chart
from monitor.charts.expectation import observed_expected
from monitor.charts.look import Look
from monitor.console.charting import Figure, rows
from monitor.console.page import reader_of, show
from monitor.console.route import VISITOR, Route
from monitor.console.rules.trying import DAYS, TRIALS, BusyError, asked_of
from monitor.console.rules.view import called, line, lines, written
from monitor.console.tongue import N_
from monitor.domain.account import Permission
from monitor.domain.alert import Alert
from monitor.storage import UnitOfWork
from monitor.web.desk import DESK
from monitor.workshop.pool import TooSlowError, WorkError
from rules import Rule
from rules.thresholds import thresholds

_LOOK_BACK: Final = 1_000  # alerts
_SHOWN: Final = 20
_BUSY: Final = N_("Others are trying rules. Try again in a moment.")
_SLOW: Final = N_("That takes too long here: choose fewer days, or use “tocsin backtest” where Tocsin runs.")
_FAILED: Final = N_("It could not be tried. The log says why.")


async def listing(request: web.Request) -> web.Response:
    """All of them, in the order of their files."""
    desk = request.app[DESK]()
    async with desk.store.read() as tx:
        alerts = await tx.alerts.list(limit=_LOOK_BACK)
        false = await tx.timeline.called_false([each.id for each in alerts])
        silences = await tx.silences.active(desk.now())
    found = lines(desk.settings, alerts, false, silences, reader_of(request).language)
    return show(request, "rules/listing", rules=found, observing=desk.settings.observes_all(desk.now()))


async def one(request: web.Request) -> web.Response:
    """One of them; with `days` in the address, what it would have done on these."""
    desk, rule, visitor = request.app[DESK](), _rule(request), request[VISITOR]
    may_try = visitor.may(Permission.HANDLE)
    asked = asked_of(rule, request.query, desk.now()) if may_try else None
    async with desk.store.read() as tx:
        alerts, false = await _record(tx, rule)
        silences = [each for each in await tx.silences.active(desk.now()) if each.matcher.get("rule") == rule.id]
    trial, why_not = await _tried(request, asked)
    reader = reader_of(request)
    return show(
        request,
        "rules/one",
        status=HTTPStatus.SERVICE_UNAVAILABLE if why_not else HTTPStatus.OK,
        rule=line(desk.settings, rule, alerts, false, next(iter(silences), None), reader.language),
        written=written(rule),
        alerts=[(each, each.id in false) for each in alerts[:_SHOWN]],
        silences=silences,
        thresholds=thresholds(rule),
        days=DAYS,
        asked=asked,
        trial=trial,
        wrong=[each for each in alerts if asked and each.id in false and asked.since <= each.fired_at < asked.until],
        chart=_figure(request, asked) if asked is not None and trial is not None and trial.seen else None,
        why_not=why_not,
        may_try=may_try,
        most=_SHOWN,
    )


async def _record(tx: UnitOfWork, rule: Rule) -> tuple[list[Alert], set[int]]:
    alerts = await tx.alerts.of_rule(rule.id, _LOOK_BACK)
    return alerts, await tx.timeline.called_false([each.id for each in alerts])


async def _tried(request: web.Request, asked: Asked | None) -> tuple[Trial | None, str]:
    """What came of it, or why nothing did, as a msgid."""
    if asked is None:
        return None, ""
    try:
        return await request.app[TRIALS].of(request.app[DESK]().settings, asked), ""
    except BusyError:
        return None, _BUSY
    except TooSlowError:
        return None, _SLOW
    except WorkError:
        return None, _FAILED


async def _drawn(request: web.Request, look: Look) -> Chart:
    rule = _rule(request)
    asked = asked_of(rule, request.query, request.app[DESK]().now())
    if asked is None:
        raise web.HTTPNotFound(text="say how many days")
    trial, why_not = await _tried(request, asked)
    if trial is None:
        raise web.HTTPServiceUnavailable(text=why_not)
    rang = trial.rang if trial.instead is None else trial.instead
    return observed_expected(trial.seen, [each.at for each in rang], look, title=called(rule, look.reader.language))


def _figure(request: web.Request, asked: Asked) -> Figure:
    """The chart of the very trial that the page shows, however long it stays open."""
    rule = asked.rule
    query = request.rel_url.update_query(until=str(int(asked.until.timestamp()))).raw_query_string
    return Figure(f"/rules/{rule.id}/trial", called(rule, reader_of(request).language), query)


def _rule(request: web.Request) -> Rule:
    for rule in request.app[DESK]().settings.rules:
        if rule.id == request.match_info["rule"]:
            return rule
    raise web.HTTPNotFound(text="there is no such rule")


ROUTES: Final = (
    Route("GET", "/rules", listing, Permission.LOOK),
    Route("GET", "/rules/{rule}", one, Permission.LOOK),
    *rows("/rules/{rule}/trial", _drawn, Permission.HANDLE),
)
