"""Commands that do the main job: run the daemon, replay a recording, play the demo."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from monitor.cli.app import BEGIN, LISTENS, app
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigDir,
    about,
    clock,
    creating,
    err,
    loaded,
    out,
    plural,
    row,
    said,
    say,
    table,
)
from monitor.domain.errors import ExitCode, InputError, UsageError

if TYPE_CHECKING:
    from monitor.pipeline.outcome import Outcome
    from monitor.settings import Settings
    from monitor.storage import StorageSettings


@app.command(rich_help_panel=BEGIN)
def run(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Run the daemon, until SIGTERM. SIGHUP reads the configuration anew; a bad one changes nothing."""
    import resource

    from monitor import heaps
    from monitor.daemon import Daemon

    heaps.share()
    # Our memory holds every secret, and what people said: it is not left in a file, whatever kills us.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    async def work() -> None:
        await Daemon(_configured(config), clock, reload=lambda: _configured(config), built=heaps.settle).run()

    asyncio.run(work())


def _configured(config: Path) -> Settings:
    """The settings of a folder, with the logging they ask for in force."""
    from monitor.telemetry import configure_logging

    settings = loaded(config)
    configure_logging(settings.logging.format, settings.logging.level)
    return settings


@app.command(rich_help_panel=LISTENS)
def replay(
    file: Annotated[Path, typer.Argument(help="A recording: JSON Lines or CSV, oldest first.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The folder that holds monitor.yaml; without it, the shipped rules."),
    ] = None,
    brand: Annotated[str, typer.Option(help="Without --config: whom the recording is about.")] = "",
    deliver: Annotated[bool, typer.Option("--deliver", help="Really send the messages. Only recorded otherwise.")] = False,
    database: Annotated[
        str, typer.Option(help="Keep the store here (sqlite:///path or postgresql://…); an interrupted replay goes on.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Judge a recording as if it were happening, and say what would have rung.

    With --database, `stored` and all that rang are of the store's whole recording, an interrupted replay's part included;
    `read`, `duplicates` and `rejected` are of this run.
    """
    from monitor.replay import recording
    from monitor.telemetry import configure_logging

    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    if deliver and config is None:
        raise UsageError("--deliver needs --config: without one there is nobody to deliver to")
    if brand and config is not None:
        raise UsageError("--brand is for a replay without --config: monitor.yaml says what it listens for")
    configure_logging("console", "error")
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        settings = recording(loaded(config) if config else _embedded(brand or file.stem, file, Path(folder)), file)
        storage = _storage(database or f"sqlite:///{folder}/replay.db")
        settings = settings.model_copy(update={"storage": storage})
        outcome = asyncio.run(_judge(settings, file, file.stat().st_size, deliver=deliver))
    _show(outcome, settings, as_json=as_json)
    if _nothing_understood(outcome):
        raise typer.Exit(ExitCode.INPUT_OUTPUT)


def _storage(url: str) -> StorageSettings:
    from pydantic import SecretStr, ValidationError

    from monitor.storage import StorageSettings

    try:
        return StorageSettings(url=SecretStr(url))
    except ValidationError as error:
        raise UsageError(f"--database: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _embedded(brand: str, file: Path, folder: Path) -> Settings:
    """The shipped rules, for a recording that is all about one brand."""
    from monitor.settings import scaffold

    scaffold(folder, brand, str(file.resolve()), "nobody@nowhere.invalid")
    settings = loaded(folder)
    about = next(iter(settings.subjects))
    sources = {name: each.model_copy(update={"subject": about}) for name, each in settings.sources.items()}
    return settings.model_copy(update={"sources": sources})


async def _judge(settings: Settings, file: Path, size: int, *, deliver: bool) -> Outcome:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    from monitor.replay import replay as judge

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(file.name, total=size)
        return await judge(settings, deliver=deliver, progress=lambda position: bar.update(task, completed=position))


def _nothing_understood(outcome: Outcome) -> bool:
    return outcome.rejected > 0 and not outcome.stored


def _show(outcome: Outcome, settings: Settings, *, as_json: bool) -> None:
    _show_reasons(outcome)
    if as_json:
        sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
        return
    rows = table("rang at", "rule", "severity", "about", "over at")
    for alert in outcome.alerts:
        over = f"{alert.resolved_at:%Y-%m-%d %H:%M}" if alert.resolved_at else "–"
        what = about(alert.labels, alert.key, settings, outcome.authors)
        row(rows, f"{alert.fired_at:%Y-%m-%d %H:%M}", alert.rule, alert.severity, what, over)
    if outcome.alerts:
        out.print(rows)
    elif not _nothing_understood(outcome):
        out.print("Nothing would have rung.")
    say("")
    earlier = ", an interrupted replay's included" if outcome.stored > outcome.read - outcome.rejected else ""
    say(
        f"{outcome.read} read, {outcome.stored} stored{earlier}, {outcome.duplicates} seen before,"
        f" {outcome.rejected} not understood in {outcome.seconds:.1f} s."
    )
    messages, plans = plural(len(outcome.deliveries), "message"), plural(len(outcome.plan_runs), "plan")
    say(f"{plural(len(outcome.alerts), 'alert')}, {messages}, {plans} opened. Times are UTC.")


def _show_reasons(outcome: Outcome) -> None:
    """Why the first were not understood, on standard error: what follows may be JSON for a script."""
    for reason in outcome.reasons:
        err.print(Text(f"not understood: {said(reason.where)}: {said(reason.why)}", style="yellow"), soft_wrap=True)
    if _nothing_understood(outcome):
        err.print(
            "Nothing in the file could be understood, so nothing was judged. The `mapping:` belongs to a source of kind `file` in"
            " monitor.yaml; then give its folder with --config.",
            soft_wrap=True,
        )


def _looks(as_json: bool) -> bool:
    """Whether somebody sits before a terminal and looks."""
    return sys.stdout.isatty() and not as_json


@app.command(rich_help_panel=BEGIN)
def demo(
    as_json: AsJson = False,
    folder: Annotated[Path, typer.Option("--out", help="Where the e-mails are saved.")] = Path("demo-output"),
    seconds: Annotated[float, typer.Option(help="How long the day takes.", min=5.0, max=600.0)] = 35.0,
    stay: Annotated[
        bool | None,
        typer.Option(
            help="Go on from the middle of the crisis with the console open, until Ctrl+C: on a terminal, unless told otherwise."
        ),
    ] = None,
) -> None:
    """A fictional brand's bad day, through the real daemon: complaints, a storm, the crisis, the plan, the e-mails."""
    from monitor.demo import demo as play
    from monitor.telemetry import configure_logging

    configure_logging("console", "error")
    with creating(folder):
        folder.mkdir(parents=True, exist_ok=True)
    outcome = asyncio.run(play(folder, seconds=seconds, quiet=as_json, stay=_looks(as_json) if stay is None else stay))
    if as_json:
        sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
