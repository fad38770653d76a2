"""What all commands share: which configuration, which store, who is typing, and how things are shown.

What takes long to import is imported where it is needed: `tocsin --help` must not wait for a database driver.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.domain.clock import SystemClock
from monitor.domain.errors import CannotCreateError, UsageError

if TYPE_CHECKING:
    from monitor.pipeline.operations import Actor
    from monitor.settings import Outline, Settings
    from monitor.storage import Store, UnitOfWork

ConfigDir = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="TOCSIN_CONFIG", help="The folder that holds monitor.yaml.", show_default="config"),
]
By = Annotated[str, typer.Option("--by", help="Who you are, for the timeline.", show_default="your login")]
Note = Annotated[str, typer.Option(help="A word for the timeline.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DEFAULT_CONFIG = Path("config")

clock = SystemClock()
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_LONG = 1_000  # characters: more of one post or one reason is no help on a terminal


def me() -> str:
    """The login of whoever types."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def actor(by: str) -> Actor:
    """Who acts, from the command line."""
    from monitor.pipeline.operations import Actor

    return Actor(by or me(), "cli")


def loaded(config: Path) -> Settings:
    """The settings in a folder. Raises `ConfigError` with every problem."""
    from monitor.settings import load

    return load(config)


def outlined(config: Path, *, rules: bool = False) -> Outline:
    """What a command about the store goes by. Secrets that only the service has, and faults elsewhere, are told and no more."""
    from monitor.settings import outline
    from monitor.telemetry import one_line

    known, elsewhere = outline(config, rules=rules)
    for problem in elsewhere:
        typer.echo(one_line(f"warning: {problem}"), err=True)
    return known


@asynccontextmanager
async def opened(config: Path, *, rules: bool = False) -> AsyncIterator[tuple[Outline, Store]]:
    """An outline, and the store it names. Only what listens makes one: an empty store would say that nothing rings."""
    from monitor.storage import Store

    known = outlined(config, rules=rules)
    store = await Store.open(known.storage, create=False)
    try:
        yield known, store
    finally:
        await store.close()


@contextmanager
def creating(path: Path) -> Iterator[None]:
    """Turn what the system says while files are written below `path` into words and the exit code 73."""
    try:
        yield
    except OSError as error:
        raise CannotCreateError(f"{path} cannot be written: {error.strerror or error}. Choose another folder.") from None


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run one command's work to its end. What it logs on the way is the daemon's affair, unless something is wrong."""
    from monitor.telemetry import configure_logging

    configure_logging("console", "error")
    asyncio.run(work())


def unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that does not exist: it says what was probably meant, or what there is."""
    from rules.base import suggest

    return UsageError(f"there is no {what} `{name}`; {suggest(name, known)}")


def show_json(data: Any) -> None:
    """Print JSON as one document. Times are ISO 8601."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=_plain) + "\n")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def said(words: str | None, longest: int = _LONG) -> str:
    """Other people's words on one line, without anything that could move the cursor or change a colour."""
    from notifiers.safe import one_line

    return one_line(words or "", longest)


def say(*parts: str | tuple[str, str], style: str = "") -> None:
    """Print one line; a part may come with its style. Nothing in it is markup, and no line is broken at a made-up width."""
    from monitor.telemetry import one_line

    clean = (one_line(part) if isinstance(part, str) else (one_line(part[0]), part[1]) for part in parts)
    out.print(Text.assemble(*clean, style=style), soft_wrap=True)


def local(moment: datetime | None, settings: Settings | Outline) -> str:
    """A time as the team reads it, or a dash."""
    return moment.astimezone(ZoneInfo(settings.timezone)).strftime("%Y-%m-%d %H:%M") if moment else "–"


def typed_moment(option: str, written: str, zone: str, *, ends: bool = False, now: datetime | None = None) -> datetime:
    """The moment that an option names, as `settings/moments.py` reads it. Raises UsageError."""
    from monitor.settings.moments import moment

    try:
        return moment(written, ZoneInfo(zone), ends=ends, now=now)
    except ValueError as error:
        raise UsageError(f"{option} {written}: {error}") from None


def table(*columns: str) -> Table:
    """A plain table that survives 80 columns."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def row(to: Table, *cells: str | tuple[str, str]) -> None:
    """Add a row; a cell may come with its style. Nothing in a cell is markup."""
    to.add_row(*(Text(said(each)) if isinstance(each, str) else Text(said(each[0]), style=each[1]) for each in cells))


def plural(number: int, thing: str) -> str:
    """`1 plan`, `2 plans`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


async def handles(tx: UnitOfWork, keys: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Who the authors in the keys of alerts are."""
    return await tx.authors.called(key["author"] for key in keys if "author" in key)


def about(labels: Mapping[str, str], key: Mapping[str, str], settings: Settings | Outline, authors: Mapping[str, str]) -> str:
    """What an alert is about, for a table: the subject as people call it, and what else tells it from others.

    `authors` are the handles by our numbers for them, as `handles` gives them.
    """
    subject = labels.get("subject")
    named = [settings.subjects[subject].names[0] if subject in settings.subjects else subject] if subject else []
    others = {
        name: authors.get(value) or f"author {value}" if name == "author" else f"{name} {value}" for name, value in key.items()
    }
    return ", ".join([*named, *(said for name, said in others.items() if name != "subject")])
