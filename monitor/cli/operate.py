"""Commands for whoever keeps it running: back up, restore, upgrade."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import KEEPS, app
from monitor.cli.context import DEFAULT_CONFIG, AsJson, ConfigDir, clock, outlined, plural, run, say, show_json
from monitor.domain.errors import ExitCode, StorageError, UsageError

if TYPE_CHECKING:
    from monitor.storage import StorageSettings
    from monitor.storage.backup import Backup
    from monitor.storage.contents import Contents
    from monitor.storage.migrate import Migration

_TOLD = ("mention", "alert", "notification")
_SHORT = 10.0  # seconds, below which a tenth is of interest


@app.command(rich_help_panel=KEEPS)
def backup(
    target: Annotated[
        Path | None,
        typer.Argument(help="A new file, or a folder that exists; without it, beside the store.", show_default=False),
    ] = None,
    config: ConfigDir = DEFAULT_CONFIG,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Then remove all but so many, the newest, of what this command made there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the store into one file while the daemon runs, and read the copy to its last row before it gets its name."""
    from monitor.storage.backup import back_up, default_folder, default_name, remove_old

    storage = outlined(config).storage
    into = default_folder(storage) if target is None else target
    named = into.is_dir()
    if keep is not None and not named:
        raise UsageError(f"--keep is about a folder of backups, and {into} is none: create it, or leave out --keep")
    began = time.perf_counter()
    made = back_up(storage, into / default_name(storage, clock.wall()) if named else into)
    seconds = time.perf_counter() - began
    removed = remove_old(made, storage, keep) if keep else []
    if as_json:
        show_json(_as_json(made, seconds, removed))
    else:
        _show(made, seconds, removed)


def _as_json(made: Backup, seconds: float, removed: Sequence[Path]) -> dict[str, object]:
    return {
        "path": str(made.path.absolute()),
        "bytes": made.size,
        "seconds": round(seconds, 3),
        "tables": made.holds.revision,
        "rows": made.holds.rows,
        "removed": [str(path.absolute()) for path in removed],
    }


def _show(made: Backup, seconds: float, removed: Sequence[Path]) -> None:
    say(f"Backed up {_held(made.holds)}: {_size(made.size)} in {_took(seconds)}, read back whole.")
    say(str(made.path))
    if removed:
        say(f"Removed {plural(len(removed), 'older backup')}.")


@app.command(rich_help_panel=KEEPS)
def restore(
    file: Annotated[Path, typer.Argument(help="What `tocsin backup` or an upgrade made.")],
    config: ConfigDir = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a backup in the place of the store, which is kept under another name. Stop the daemon first.

    On PostgreSQL the database must be an empty one.
    """
    from monitor.storage import restore as restoring

    storage = outlined(config).storage
    if not yes:
        typer.confirm(f"Put {file} in the place of the store at {storage.place}?", abort=True)
    restored = restoring.restore(storage, file, clock.wall())
    say(f"Restored {_held(restored.holds)}, with the tables of version {restored.holds.revision}, to {storage.place}")
    if restored.aside:
        say(f"The store as it was: {restored.aside}")
    say("Now start the daemon. What it told after the backup it may tell again, under new numbers.")
    if storage.erased_list and storage.erased_list.exists():
        say(f"Whoever was erased after the backup is erased anew then: {storage.erased_list} remembers them.")
    else:
        say(
            "No list of erasures is beside the store: whoever was erased after the backup is back, erase them again.",
            style="yellow",
        )


@app.command(rich_help_panel=KEEPS)
def migrate(
    config: ConfigDir = DEFAULT_CONFIG,
    check: Annotated[bool, typer.Option("--check", help="Only say what would be done: exit code 0, or 1 if anything.")] = False,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Change the tables without a backup of ours.")] = False,
) -> None:
    """Bring the store up to this version of tocsin, after a backup. Stop the daemon first.

    The daemon does the same when it starts, unless `storage.migrate` is false.
    """

    async def work() -> None:
        from monitor.storage import look, upgrade
        from monitor.storage.migrate import pending

        storage = outlined(config).storage
        found = await look(storage, clock.wall())
        steps = pending(found.revision)
        if not steps:
            say(f"{storage.place} has the tables of this version ({found.revision}): nothing to do.")
            return
        _announce(storage, found.revision, steps)
        if check:
            raise typer.Exit(ExitCode.FAILED)
        _refuse_while_at_work(found.evaluating)
        began = time.perf_counter()
        await upgrade(storage, None if no_backup else lambda revision: _back_up_first(storage, revision))
        say(f"Done in {_took(time.perf_counter() - began)}. Start the daemon.")

    run(work)


def _announce(storage: StorageSettings, found: str | None, steps: Sequence[Migration]) -> None:
    say(f"{storage.place} has {f'the tables of version {found}' if found else 'no tables yet'}. To do:")
    for step in steps:
        say(f"  {step.revision}  {step.does}")


def _refuse_while_at_work(holder: str | None) -> None:
    from monitor.pipeline import leases

    if holder is not None and not leases.is_dead(holder):
        raise StorageError(
            f"a daemon is at work on the store ({holder}): stop it first (systemctl stop tocsin)."
            " One that died on another machine holds it for a minute at most"
        )


def _back_up_first(storage: StorageSettings, revision: str) -> None:
    from monitor.storage.backup import back_up_before_upgrade

    began = time.perf_counter()
    _show(back_up_before_upgrade(storage, revision), time.perf_counter() - began, ())


def _held(holds: Contents) -> str:
    parts = [plural(holds.rows.get(table, 0), table) for table in _TOLD]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _SHORT else f"{seconds:.0f} s"
