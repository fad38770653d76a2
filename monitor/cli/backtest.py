"""`tocsin backtest`: what these rules would have done, in a recording or in what the store holds."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from monitor.cli.app import LISTENS, app
from monitor.cli.backtest_report import SHOWN, facts, show
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigDir,
    clock,
    creating,
    err,
    loaded,
    local,
    run,
    said,
    show_json,
    typed_moment,
    unknown,
)
from monitor.domain.errors import InputError, UsageError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from monitor.backtest import Backtest, Progress, Read, Span
    from monitor.settings import Settings
    from monitor.storage import Store

STORE = "store"
_LAST = timedelta(days=7)


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
    everything: Annotated[bool, typer.Option("--all", help=f"List every alert, not only {SHOWN} of each rule.")] = False,
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
            show(found, settings, everything=everything)
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
    zone = settings.timezone
    ends_at = clock.now() if asked.is_store else last + timedelta(seconds=1)
    until = typed_moment("--to", asked.until, zone, ends=True) if asked.until else ends_at
    begins = until - _LAST if asked.is_store else min(first, until)
    since = typed_moment("--from", asked.since, zone) if asked.since else begins
    if since >= until:
        raise UsageError(f"--from {local(since, settings)} is not before --to {local(until, settings)}")
    if until <= first or since > last:
        heard = f"what there is was written from {local(first, settings)} to {local(last, settings)}"
        raise UsageError(
            f"nothing was said from {local(since, settings)} to {local(until, settings)}: {heard}; choose --from and --to"
        )
    return Span(since, until, warm_up(settings.rules))


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
