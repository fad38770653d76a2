"""What whoever keeps it running types: back up, restore, migrate."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.errors import CannotCreateError, InputError, StorageError, UsageError
from monitor.pipeline import leases
from monitor.storage import migrate as migrations

Tocsin = Any


def test_a_backup_says_what_it_holds_and_where_it_is(rung: Tocsin, tmp_path: Path) -> None:
    """Without a target it lies beside the store, and its name says when it was made."""
    done = rung.at("backup")
    assert done.exit_code == 0
    first, path = done.output.splitlines()
    assert re.fullmatch(r"Backed up 8 mentions, 9 alerts and \d+ notifications: \d\.\d MB in \d+\.\d s, read back whole\.", first)
    assert re.fullmatch(rf"{tmp_path}/tocsin-\d{{8}}T\d{{6}}Z\.db", path)
    assert Path(path).stat().st_mode & 0o777 == 0o600


def test_a_backup_as_json_counts_every_table(rung: Tocsin, tmp_path: Path) -> None:
    """For scripts: where, how large, how long, and the rows by table."""
    found = json.loads(rung.at("backup", str(tmp_path / "copy.db"), "--json").output)
    assert found["path"] == str(tmp_path / "copy.db")
    assert found["bytes"] == (tmp_path / "copy.db").stat().st_size
    assert (found["rows"]["mention"], found["rows"]["alert"]) == (8, 9)
    assert found["tables"] == migrations.HEAD
    assert found["seconds"] > 0
    assert found["removed"] == []


def test_a_folder_keeps_as_many_as_it_is_told(rung: Tocsin, tmp_path: Path) -> None:
    """The older ones go, by name."""
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"tocsin-2026030{day}T030000Z.db").touch()
    done = rung.at("backup", str(folder), "--keep", "2")
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "Removed 2 older backups."
    assert len(list(folder.iterdir())) == 2
    assert (folder / "tocsin-20260303T030000Z.db").exists()


def test_keep_wants_a_folder(rung: Tocsin, tmp_path: Path) -> None:
    """A folder that is not there must not become a file of that name."""
    done = rung.at("backup", str(tmp_path / "backups"), "--keep", "2")
    assert isinstance(done.exception, UsageError)
    assert "create it, or leave out --keep" in str(done.exception)
    assert not (tmp_path / "backups").exists()


def test_a_name_that_is_taken_ends_with_73(rung: Tocsin, tmp_path: Path) -> None:
    """And the file stays."""
    (tmp_path / "copy.db").write_text("mine")
    done = rung.at("backup", str(tmp_path / "copy.db"))
    assert isinstance(done.exception, CannotCreateError)
    assert done.exception.exit_code == 73
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_no_store_no_backup(tocsin: Tocsin, tmp_path: Path) -> None:
    """With 69, and the place where it was looked for."""
    (tmp_path / "tocsin.db").unlink()
    done = tocsin.at("backup")
    assert isinstance(done.exception, StorageError)
    assert f"there is no store at {tmp_path}/tocsin.db" in str(done.exception)


def test_a_restore_is_asked_for_and_says_what_is_next(rung: Tocsin, tmp_path: Path) -> None:
    """Nothing is moved before a person says yes; then it says where the store before went."""
    rung.at("backup", str(tmp_path / "copy.db"))
    refused = rung.at("restore", str(tmp_path / "copy.db"), typed="n\n")
    assert refused.exit_code == 1
    assert not list(tmp_path.glob("*before-restore*"))
    done = rung.at("restore", str(tmp_path / "copy.db"), typed="y\n")
    assert done.exit_code == 0
    (aside,) = tmp_path.glob("tocsin-before-restore-*.db")
    assert f"The store as it was: {aside}" in done.output
    assert "Now start the daemon." in done.output
    assert "8 mentions stored" in rung.at("status").output


def test_a_restore_says_what_becomes_of_erasures(rung: Tocsin, tmp_path: Path) -> None:
    """With the list beside the store they are carried out anew; without one a person must."""
    rung.at("backup", str(tmp_path / "copy.db"))
    assert "No list of erasures is beside the store" in rung.at("restore", str(tmp_path / "copy.db"), "--yes").output
    (tmp_path / "tocsin.db.erased").touch()
    next(tmp_path.glob("*before-restore*")).unlink()
    assert f"{tmp_path}/tocsin.db.erased remembers them" in rung.at("restore", str(tmp_path / "copy.db"), "--yes").output


def test_what_is_no_backup_ends_with_74(rung: Tocsin) -> None:
    """The store stays as it is."""
    done = rung.at("restore", str(rung.config / "posts.jsonl"), "--yes")
    assert isinstance(done.exception, InputError)
    assert "is no backup that tocsin made" in str(done.exception)
    assert "8 mentions stored" in rung.at("status").output


def test_a_store_that_is_up_to_date_needs_no_migration(tocsin: Tocsin, tmp_path: Path) -> None:
    """With or without --check: 0, and nothing is done."""
    for words in (["migrate"], ["migrate", "--check"]):
        done = tocsin.at(*words)
        assert (done.exit_code, done.output) == (
            0,
            f"{tmp_path}/tocsin.db has the tables of this version ({migrations.HEAD}): nothing to do.\n",
        )


def test_migrate_makes_the_first_tables(tocsin: Tocsin, tmp_path: Path) -> None:
    """--check says so and ends with 1; then a store is made that its owner alone can read."""
    (tmp_path / "tocsin.db").unlink()
    check = tocsin.at("migrate", "--check")
    assert check.exit_code == 1
    assert "has no tables yet. To do:\n  0001  The first tables: every record of the daemon\n" in check.output
    assert not (tmp_path / "tocsin.db").exists()
    done = tocsin.at("migrate")
    assert done.exit_code == 0
    assert "Start the daemon." in done.output
    assert (tmp_path / "tocsin.db").stat().st_mode & 0o777 == 0o600
    assert "0 mentions stored" in tocsin.at("status").output


@pytest.fixture
def older(rung: Tocsin, monkeypatch: pytest.MonkeyPatch) -> Tocsin:
    """A store that a version before made: this one has a migration that adds nothing."""
    ahead = f"{int(migrations.HEAD) + 1:04}"
    scripts = rung.config / "migrations"
    (scripts / "versions").mkdir(parents=True)
    there = Path(migrations.__file__).with_name("migrations")
    for path in (*there.glob("*.py"), *there.glob("versions/*.py")):
        (scripts / path.relative_to(there)).write_bytes(path.read_bytes())
    header = f'"""Nothing, with care."""\nrevision = "{ahead}"\ndown_revision = "{migrations.HEAD}"\n'
    (scripts / "versions" / f"{ahead}_nothing.py").write_text(f"{header}\n\ndef upgrade():\n    pass\n")
    monkeypatch.setattr(migrations, "HEAD", ahead)
    monkeypatch.setattr(migrations, "_SCRIPTS", scripts)
    return rung


def test_an_older_store_is_backed_up_and_brought_up_to_date(older: Tocsin, tmp_path: Path) -> None:
    """It says what it will do, what it saved, and then does it; what was there is there."""
    before = f"{int(migrations.HEAD) - 1:04}"
    done = older.at("migrate")
    assert done.exit_code == 0
    assert f"has the tables of version {before}. To do:\n  {migrations.HEAD}  Nothing, with care.\n" in done.output
    assert "Backed up 8 mentions, 9 alerts" in done.output
    assert (tmp_path / f"tocsin-before-upgrade-from-{before}.db").exists()
    assert "8 mentions stored" in older.at("status").output


@pytest.mark.parametrize("command", ["status", "alerts", "backup"])
def test_commands_that_look_at_an_older_store_change_nothing(older: Tocsin, tmp_path: Path, command: str) -> None:
    """They name the command that would; only a backup needs none."""
    done = older.at(command)
    if command == "backup":
        assert done.exit_code == 0
    else:
        assert isinstance(done.exception, StorageError)
        assert "`tocsin migrate` makes a backup and brings it up to date" in str(done.exception)
    assert older.at("migrate", "--check").exit_code == 1
    assert not list(tmp_path.glob("*before-upgrade*"))


def test_without_a_backup_if_a_person_says_so(older: Tocsin, tmp_path: Path) -> None:
    """For those who have made one by other means."""
    assert older.at("migrate", "--no-backup").exit_code == 0
    assert not list(tmp_path.glob("*before-upgrade*"))


def test_a_daemon_at_work_is_not_migrated_under(older: Tocsin, tmp_path: Path) -> None:
    """Whoever holds the lease is named; a dead process of this machine holds nothing."""

    def leased(owner: str) -> None:
        with sqlite3.connect(tmp_path / "tocsin.db") as store:
            store.execute("UPDATE evaluator SET lease_owner = ?, lease_until = '2999-01-01 00:00:00'", [owner])
        store.close()

    leased("elsewhere:1:aaaa")
    done = older.at("migrate")
    assert isinstance(done.exception, StorageError)
    assert "a daemon is at work on the store (elsewhere:1:aaaa): stop it first" in str(done.exception)
    assert not list(tmp_path.glob("*before-upgrade*"))

    machine = leases.owner().partition(":")[0]
    with subprocess.Popen(["true"]) as dead:
        pass
    leased(f"{machine}:{dead.pid}:aaaa")
    assert older.at("migrate").exit_code == 0
