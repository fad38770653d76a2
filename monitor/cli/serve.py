"""Commands that do the main job: run the daemon, replay a recording, play the demo."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from monitor import settings as configuration
from monitor.cli.app import app
from monitor.cli.context import DEFAULT_CONFIG, AsJson, ConfigDir, about, clock, err, out, table
from monitor.daemon import Daemon
from monitor.demo import demo as play
from monitor.domain.errors import InputError, UsageError
from monitor.pipeline.outcome import Outcome
from monitor.replay import recording
from monitor.replay import replay as judge
from monitor.settings import Settings, load
from monitor.storage import StorageSettings
from monitor.telemetry import configure_logging


@app.command()
def run(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Run the daemon, until SIGTERM. SIGHUP reads the configuration anew; a bad one changes nothing."""
    settings = load(config)
    configure_logging(settings.logging.format, settings.logging.level)
    asyncio.run(_serve(settings, config))


async def _serve(settings: Settings, config: Path) -> None:
    await Daemon(settings, clock, reload=lambda: load(config)).run()


@app.command()
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
    """Judge a recording as if it were happening, and say what would have rung."""
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    configure_logging("console", "error")
    if deliver and config is None:
        raise UsageError("--deliver needs --config: without one there is nobody to deliver to")
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        settings = recording(load(config) if config else _embedded(brand or file.stem, file, Path(folder)), file)
        url = database or f"sqlite:///{folder}/replay.db"
        settings = settings.model_copy(update={"storage": StorageSettings(url=SecretStr(url))})
        outcome = asyncio.run(_judge(settings, file, file.stat().st_size, deliver=deliver))
    _show(outcome, settings, as_json=as_json)


def _embedded(brand: str, file: Path, folder: Path) -> Settings:
    """The shipped rules, for a recording that is all about one brand."""
    configuration.scaffold(folder, brand, str(file.resolve()), "nobody@nowhere.invalid")
    settings = load(folder)
    about = next(iter(settings.subjects))
    sources = {name: each.model_copy(update={"subject": about}) for name, each in settings.sources.items()}
    return settings.model_copy(update={"sources": sources})


async def _judge(settings: Settings, file: Path, size: int, *, deliver: bool) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(file.name, total=size)
        return await judge(settings, deliver=deliver, progress=lambda position: bar.update(task, completed=position))


def _show(outcome: Outcome, settings: Settings, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
        return
    rows = table("rang at", "rule", "severity", "about", "over at")
    for alert in outcome.alerts:
        over = f"{alert.resolved_at:%Y-%m-%d %H:%M}" if alert.resolved_at else "–"
        rows.add_row(
            f"{alert.fired_at:%Y-%m-%d %H:%M}", alert.rule, alert.severity, about(alert.labels, alert.key, settings), over
        )
    out.print(rows if outcome.alerts else "Nothing would have rung.")
    out.print(
        f"\n{outcome.read} read, {outcome.stored} stored, {outcome.duplicates} seen before, {outcome.rejected} not understood"
        f" in {outcome.seconds:.1f} s. {len(outcome.deliveries)} messages, {len(outcome.plan_runs)} plans opened. Times are UTC."
    )


@app.command()
def demo(
    as_json: AsJson = False,
    folder: Annotated[Path, typer.Option("--out", help="Where the e-mails are saved.")] = Path("demo-output"),
    seconds: Annotated[float, typer.Option(help="How long the day takes.", min=5.0, max=600.0)] = 35.0,
) -> None:
    """A fictional brand's bad day, through the real daemon: complaints, a storm, the crisis, the plan, the e-mails."""
    configure_logging("console", "error")
    outcome = asyncio.run(play(folder, seconds=seconds, quiet=as_json))
    if as_json:
        sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
