"""What all commands share: which configuration, which store, who is typing, and how things are shown."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from monitor.domain.clock import SystemClock
from monitor.pipeline.operations import Actor
from monitor.settings import Settings, load
from monitor.storage import Store

ConfigDir = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="TOCSIN_CONFIG", help="The folder that holds monitor.yaml.", show_default="config"),
]
By = Annotated[str, typer.Option("--by", help="Who you are, for the timeline.", show_default="your login")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DEFAULT_CONFIG = Path("config")

clock = SystemClock()
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def me() -> str:
    """The login of whoever types."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def actor(by: str) -> Actor:
    """Who acts, from the command line."""
    return Actor(by or me(), "cli")


@asynccontextmanager
async def opened(config: Path) -> AsyncIterator[tuple[Settings, Store]]:
    """The settings, and the store they name."""
    settings = load(config)
    store = await Store.open(settings.storage)
    try:
        yield settings, store
    finally:
        await store.close()


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run one command's work to its end."""
    asyncio.run(work())


def show_json(data: Any) -> None:
    """Print JSON as one document."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")


def local(moment: datetime | None, settings: Settings) -> str:
    """A time as the team reads it, or a dash."""
    return moment.astimezone(ZoneInfo(settings.timezone)).strftime("%Y-%m-%d %H:%M") if moment else "–"


def table(*columns: str) -> Table:
    """A plain table that survives 80 columns."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def about(labels: Mapping[str, str], key: Mapping[str, str], settings: Settings) -> str:
    """What an alert is about, for a table: the subject as people call it, and what else tells it from others."""
    subject = labels.get("subject")
    named = [settings.subjects[subject].names[0] if subject in settings.subjects else subject] if subject else []
    return ", ".join([*named, *(f"{name} {value}" for name, value in key.items() if name != "subject")])
