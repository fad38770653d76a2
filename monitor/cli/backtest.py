"""`tocsin backtest`: what these rules would have done, in a recording or in what the store holds."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from monitor.cli.app import LISTENS, app
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigDir,
    about,
    clock,
    creating,
    err,
    loaded,
    local,
    out,
    plural,
    row,
    run,
    said,
    say,
    show_json,
    table,
    unknown,
)
from monitor.domain.errors import InputError, UsageError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from monitor.backtest import Backtest, Progress, Rang, Read, Span, Suggestion
    from monitor.settings import Settings
    from monitor.storage import Store
    from rules import Rule

STORE = "store"
_LAST = timedelta(days=7)
_SHOWN = 20  # alerts of one rule
_EXPLAINED = 10  # alerts of one rule
_WIDTH = 80
_SELDOM = 0.1  # alerts a week


@dataclass(frozen=True)
class _Asked:
    """What was typed."""

    data: str
    since: str
    until: str
    wanted: float | None

    @property
    def is_store(self) -> bool:
        return self.data == STORE


@app.command(rich_help_panel=LISTENS)
def backtest(
    rules: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files of rules, or a folder of them, as a changed copy of your own; and ids, where only some rules are meant."
            " Without any, all configured rules.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str, typer.Argument(help=f"A recording (JSON Lines or CSV), or `{STORE}`: what was heard.", show_default=False)
    ] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[
        str,
        typer.Option(
            "--from", help="A day or a moment, as 2026-03-02 or 2026-03-02T14:30.", show_default="7 days before the end"
        ),
    ] = "",
    until: Annotated[str, typer.Option("--to", help="The same; a day is meant whole.", show_default="now")] = "",
    wanted: Annotated[
        float | None, typer.Option(help="Suggest thresholds with which each rule rings at most so often a week.", min=0.0)
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help="Also draw what was seen, what was usual and what rang: a .svg, .html or .png file.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=f"List every alert, not only {_SHOWN} of each rule.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what rules would have done in the past: every alert, how many a week, and which threshold would ring less.

    A threshold that is suggested is a round one, amid those that ring as often; what it would miss is said with it.

    Nothing is sent and nothing is stored; the store is only read. Mentions are judged as if each had arrived when it was
    written. What was said before `--from` teaches the rules what is usual. A recording is read whole, from its first mention
    unless told otherwise, and is scored first, which takes a second for some thousand mentions; what the store holds has its
    scores.
    """
    from monitor.backtest.chart import chart as drawn
    from monitor.backtest.chart import check_ending

    asked = _Asked(data, since, until, wanted)
    _refuse(asked)
    if chart is not None:
        check_ending(chart)
    settings = _settings(config, rules or [])

    async def work() -> None:
        found = await _found(settings, asked)
        if chart is not None:
            content = drawn(found, settings, chart.suffix.lower())
            with creating(chart):
                chart.write_bytes(content)
        if as_json:
            show_json(facts(found))
        else:
            _show(found, settings, everything=everything)
        if chart is not None:
            err.print(Text(f"wrote {chart}"), soft_wrap=True)

    run(work)


def _refuse(asked: _Asked) -> None:
    if asked.wanted is not None and not asked.wanted > 0:
        raise UsageError("--wanted 0: to be told of nothing, remove the rule; else say how many alerts a week, as 2 or 0.5")
    if not asked.data:
        raise UsageError(f"say on what: tocsin backtest RULES… DATA, where DATA is a recording or the word `{STORE}`")
    if not asked.is_store and not Path(asked.data).is_file():
        last = f"the last word is the recording, or `{STORE}` for what was heard"
        raise InputError(f"{asked.data}: there is no such file; {last}")


def _settings(config: Path, rules: Sequence[str]) -> Settings:
    """The configuration with the rules that are asked for: by id, among those of the files that are given, or its own."""
    from monitor.settings import load
    from monitor.settings.load import rule_files

    paths = [Path(each) for each in rules if Path(each).exists() or Path(each).suffix in {".yaml", ".yml"}]
    ids = [each for each in rules if Path(each) not in paths]
    files = [file for path in paths for file in rule_files(path)]
    if paths and not files:
        raise UsageError(f"{', '.join(map(str, paths))}: there is no rule file in it (NAME.yaml)")
    settings = load(config, rules=files) if files else loaded(config)
    known = {rule.id: rule for rule in settings.rules}
    for each in ids:
        if each not in known:
            raise unknown("rule, nor file of rules,", each, known)
    return settings.model_copy(update={"rules": tuple(known[each] for each in ids)}) if ids else settings


async def _found(settings: Settings, asked: _Asked) -> Backtest:
    from monitor.backtest import backtest as tried

    with tempfile.TemporaryDirectory(prefix="tocsin-") as name, _progress() as progress:
        folder = Path(name)
        async with _past(settings, asked, folder, progress) as store:
            span = await _span(settings, asked, store)
            found = await tried(settings, store, span, folder, wanted=asked.wanted, progress=progress)
    if not found.past.mentions:
        ends = " to ".join(local(each, settings) for each in (span.since, span.until))
        raise UsageError(f"nothing was said from {ends}: choose another --from and --to")
    return found


@asynccontextmanager
async def _past(settings: Settings, asked: _Asked, folder: Path, progress: Progress) -> AsyncIterator[Store]:
    """Where the past is read from: the store, or one that a recording was read into."""
    from monitor.backtest import read_recording, storage
    from monitor.replay import recording
    from monitor.storage import Store

    if asked.is_store:
        store = await Store.open(settings.storage, create=False)
    else:
        _tell(await read_recording(recording(settings, Path(asked.data)), folder / "recording.db", progress), asked.data)
        store = await Store.open(storage(folder / "recording.db"), in_place=True)
    try:
        yield store
    finally:
        await store.close()


def _tell(read: Read, data: str) -> None:
    """Why some of a recording was not understood. Raises `InputError` where that is all of it."""
    for reason in read.reasons:
        err.print(Text(f"not understood: {said(reason.where)}: {said(reason.why)}", style="yellow"), soft_wrap=True)
    if not read.mentions:
        why = "nothing in it could be understood" if read.rejected else "there is nothing in it"
        raise InputError(f"{data}: {why}, so nothing was judged")


async def _span(settings: Settings, asked: _Asked, store: Store) -> Span:
    """The stretch that is meant: of the store the last seven days, of a recording all of it."""
    from monitor.backtest import Span, warm_up, written

    ends = await written(store)
    if ends is None:
        raise UsageError("nothing was heard yet: there is no mention in the store")
    first, last = ends
    until = _moment(asked.until, "--to", settings, whole=True) or (clock.now() if asked.is_store else last + timedelta(seconds=1))
    since = _moment(asked.since, "--from", settings) or (until - _LAST if asked.is_store else min(first, until))
    if since >= until:
        raise UsageError(f"--from {local(since, settings)} is not before --to {local(until, settings)}")
    if until <= first or since > last:
        heard = f"what there is was written from {local(first, settings)} to {local(last, settings)}"
        raise UsageError(
            f"nothing was said from {local(since, settings)} to {local(until, settings)}: {heard}; choose --from and --to"
        )
    return Span(since, until, warm_up(settings.rules))


def _moment(typed: str, option: str, settings: Settings, *, whole: bool = False) -> datetime | None:
    """A day or a moment on the team's clock, unless it names another; a day that ends something is meant whole."""
    if not typed:
        return None
    zone = ZoneInfo(settings.timezone)
    try:
        if len(typed) == len("2026-03-02"):
            day = date.fromisoformat(typed) + timedelta(days=1 if whole else 0)
            return datetime.combine(day, time(), zone)
        found = datetime.fromisoformat(typed)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {typed}: write a day or a moment, as 2026-03-02 or 2026-03-02T14:30") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on standard error for what is being done, where somebody watches."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:

        def tell(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = bar.add_task(what, total=total)
            bar.update(bars[what], completed=done, total=total)
            for name, task in bars.items():
                bar.update(task, visible=name == what)

        bars: dict[str, TaskID] = {}
        yield tell


def _show(found: Backtest, settings: Settings, *, everything: bool) -> None:
    for rule in found.rules:
        alerts = found.judged.of(rule.id)
        if alerts:
            say((rule.id, "bold"), f": {plural(len(alerts), 'alert')}")
            _list(alerts if everything else alerts[:_SHOWN], found, settings, everything=everything)
            if len(alerts) > _SHOWN and not everything:
                say(f"… and {len(alerts) - _SHOWN} more; --all lists them.", style="dim")
            say("")
    _summary(found, settings)
    _facts_of(found, settings)


def _list(alerts: Sequence[Rang], found: Backtest, settings: Settings, *, everything: bool) -> None:
    rows = table("rang at", "about", "severity", "seen", "usual", "lasted", "told")
    for each in alerts:
        row(
            rows,
            local(each.at, settings),
            about(each.labels, each.key, settings, found.judged.authors),
            each.severity,
            _amount(each.observed, each.measure),
            "–" if each.expected is None else _amount(each.expected, each.measure),
            _lasted(each, found.span),
            str(each.notifications),
        )
    out.print(rows)
    for each in alerts if len(alerts) <= _EXPLAINED or everything else ():
        why = f"{local(each.at, settings)}  {'; '.join(map(said, each.reasons))}"
        for line in textwrap.wrap(why, _WIDTH, subsequent_indent=" " * 18, break_on_hyphens=False):
            say(line, style="dim")


def _summary(found: Backtest, settings: Settings) -> None:
    suggests = found.wanted is not None
    rows = table("rule", "alerts", "a week", *([f"for at most {found.wanted:g} a week"] if suggests else []))
    for rule in found.rules:
        alerts = len(found.judged.of(rule.id))
        own = [_suggested(each) for each in found.suggestions if each.rule == rule.id]
        also = [own[0] if own else _none_suggested(rule)] if suggests else []
        row(rows, rule.id, str(alerts), _a_week(found.a_week(alerts)), *also)
        for each in own[1:]:
            row(rows, "", "", "", f"or {each}")
    out.print(rows)
    told = [words for each in found.suggestions if (words := _beside(each, found, settings))]
    for words in ["", *told] if told else []:
        for line in textwrap.wrap(words, _WIDTH, subsequent_indent="  ", break_on_hyphens=False) or [""]:
            say(line, style="dim")


def _none_suggested(rule: Rule) -> str:
    """Why a rule has no suggestion."""
    from rules.thresholds import has_thresholds, thresholds

    if not has_thresholds(rule):
        return "(no suggestion for this kind yet)"
    return "(nothing to try it on)" if thresholds(rule) else "(no single threshold to set)"


def _a_week(alerts: float) -> str:
    return f"{alerts:.1f}" if alerts >= _SELDOM or not alerts else f"< {_SELDOM}"


def _suggested(each: Suggestion) -> str:
    if each.value is None:
        return f"{each.threshold.name}: rings {each.alerts} times whatever it is"
    now = " (as it is)" if each.value == each.threshold.value else ""
    return f"{each.threshold.name}: {each.value:.10g}{now} rang {plural(each.alerts, 'time')}"


def _beside(each: Suggestion, found: Backtest, settings: Settings) -> str:
    """Between which numbers a suggested one lies, and what it would miss."""
    named = f"{each.rule}, {each.threshold.name}"
    alike = f" from {each.low:.10g} to {each.high:.10g} it rings as often." if each.alerts and each.low < each.high else ""
    missed = f" {_missed(each, found, settings)}" if each.missed else ""
    return f"{named}:{alike}{missed}" if alike or missed else ""


def _missed(each: Suggestion, found: Backtest, settings: Settings) -> str:
    gravest, *others = each.missed
    whom = about(gravest.labels, gravest.key, settings, found.judged.authors)
    first = f"{local(gravest.at, settings)} {whom}, {gravest.severity}"
    more = f", and {len(others)} more" if others else ""
    return f"{each.value:.10g} misses {len(each.missed)} of {plural(len(found.judged.of(each.rule)), 'alert')}: {first}{more}."


def _facts_of(found: Backtest, settings: Settings) -> None:
    span, past = found.span, found.past
    say("")
    say(f"{local(span.since, settings)} to {local(span.until, settings)} ({settings.timezone}), {past.mentions} mentions.")
    say(f"Learnt from the {past.before} that came before." if past.before else "Nothing came before to learn from.")
    if span.is_short:
        say("Less than a week is counted as one.")
    if any(each.over is None for each in found.judged.alerts):
        say("+ is what was not over at the end.")
    if found.wanted is None:
        say("`--wanted 2` suggests thresholds for two alerts a week.", style="dim")
        say("`--chart FILE.html` draws what was seen.", style="dim")


def _lasted(each: Rang, span: Span) -> str:
    told = _minutes(each.lasted(span.until))
    return told if each.over else f"{told} +"


def _minutes(length: timedelta) -> str:
    """A length of time in whole minutes, one at least."""
    from rules.duration import format_duration

    minute = timedelta(minutes=1)
    return format_duration(max(length - length % minute, minute))


def _amount(value: float, measure: str) -> str:
    if measure == "share":
        return f"{value:.0%}"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def facts(found: Backtest) -> dict[str, Any]:
    """For scripts. Durations are in seconds, authors are numbers."""
    span = found.span
    return {
        "from": span.since,
        "to": span.until,
        "mentions": found.past.mentions,
        "learnt_from": found.past.before,
        "wanted": found.wanted,
        "rules": [
            {
                "rule": rule.id,
                "alerts": len(found.judged.of(rule.id)),
                "per_week": round(found.a_week(len(found.judged.of(rule.id))), 3),
                "suggestions": [_suggestion(each) for each in found.suggestions if each.rule == rule.id],
            }
            for rule in found.rules
        ],
        "alerts": [_alert(each, span) for each in found.judged.alerts],
    }


def _suggestion(each: Suggestion) -> dict[str, Any]:
    now = {"threshold": each.threshold.name, "now": each.threshold.value, "value": each.value}
    missed = [{"key": dict(alert.key), "severity": alert.severity, "at": alert.at} for alert in each.missed]
    return {**now, "low": each.low, "high": each.high, "alerts": each.alerts, "missed": missed}


def _alert(each: Rang, span: Span) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "key": dict(each.key),
        "severity": each.severity,
        "at": each.at,
        "over": each.over,
        "lasted": round(each.lasted(span.until).total_seconds()),
        "observed": each.observed,
        "expected": each.expected,
        "measure": each.measure,
        "learning": each.learning,
        "reasons": list(each.reasons),
        "notifications": each.notifications,
    }
