"""A backup is whole and read back, or there is none; nobody waits for it, and nobody else can read it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.domain.errors import CannotCreateError, InputError, StorageError
from monitor.domain.mention import Enriched
from monitor.storage import NoStoreError, StorageSettings, Store, contents, look
from monitor.storage import postgresql_programs as programs
from monitor.storage.backup import back_up, back_up_before_upgrade, default_name, new_file, remove_old
from monitor.storage.migrate import HEAD
from monitor.storage.restore import restore

Said = Callable[..., Enriched]
AT = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
SECRET = "p@ss word/%"


async def fill(store: Store, said: Said, now: datetime, number: int, word: str = "kettle") -> None:
    """Store some mentions, each by an author of its own."""
    async with store.begin() as tx:
        posts = [said(f"https://posts.example/{word}/{n}", by=f"{word}{n}", text=f"The {word} is broken") for n in range(number)]
        await tx.mentions.add(posts, source="posts", seen_at=now)
        await tx.commit()


def beside(path: Path) -> set[str]:
    """The names in the folder of a file."""
    return {each.name for each in path.parent.iterdir()}


async def test_a_backup_holds_every_row(
    store: Store, storage: StorageSettings, said: Said, now: datetime, tmp_path: Path
) -> None:
    """What was committed before is in it, counted by reading it back; it is readable by its owner alone."""
    await fill(store, said, now, 7)
    made = await asyncio.to_thread(back_up, storage, tmp_path / "copy")
    assert made.holds.revision == HEAD
    assert {name: made.holds.rows[name] for name in ("mention", "author", "sighting", "installation", "alert")} == {
        "mention": 7,
        "author": 7,
        "sighting": 7,
        "installation": 1,
        "alert": 0,
    }
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.size == made.path.stat().st_size > 0
    assert "copy.tocsin-partial" not in beside(made.path)


async def test_nothing_is_overwritten(store: Store, storage: StorageSettings, tmp_path: Path) -> None:
    """A name that is taken is refused with exit code 73, and the file stays as it is."""
    (tmp_path / "copy").write_text("the only photograph of my grandmother")
    with pytest.raises(CannotCreateError, match=r"copy exists already: nothing is overwritten"):
        back_up(storage, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "the only photograph of my grandmother"


async def test_a_folder_that_is_not_there_is_told(store: Store, storage: StorageSettings, tmp_path: Path) -> None:
    """In words, with the path."""
    with pytest.raises(CannotCreateError, match=r"nowhere/copy cannot be written: No such file"):
        back_up(storage, tmp_path / "nowhere" / "copy")


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Looking for it makes neither a store nor a backup."""
    with pytest.raises(NoStoreError):
        back_up(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path}/tocsin.db")), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_memory_has_no_backup() -> None:
    """It ends with its process."""
    with pytest.raises(StorageError, match="in memory"):
        back_up(StorageSettings(url=SecretStr("sqlite:///:memory:")), Path("copy"))


@pytest.fixture
def lite(tmp_path: Path) -> StorageSettings:
    """Settings of a store in a file."""
    return StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}"))


@pytest.fixture
async def filled(lite: StorageSettings, said: Said, now: datetime) -> StorageSettings:
    """A store in a file, with a few hundred mentions, closed."""
    store = await Store.open(lite)
    await fill(store, said, now, 300)
    await store.close()
    return lite


def damage(path: Path, words: bytes) -> None:
    """Overwrite the page of a database in which these words stand."""
    whole = bytearray(path.read_bytes())
    page = whole.index(words) // 4096 * 4096
    whole[page : page + 4096] = b"\xff" * 4096
    path.write_bytes(whole)


@pytest.mark.fault("storage", "a page of the database is damaged when it is backed up")
def test_a_damaged_store_makes_no_backup(filled: StorageSettings, tmp_path: Path) -> None:
    """A store with a damaged page ends the backup with an error; no file takes the place of the good ones."""
    damage(tmp_path / "tocsin.db", b"The kettle is broken")
    with pytest.raises(StorageError, match="damaged"):
        back_up(filled, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tocsin.db"]


def test_what_was_forgotten_is_not_in_the_backup(filled: StorageSettings, tmp_path: Path) -> None:
    """A copy of the pages would still hold the words of rows that were deleted."""
    with closing(sqlite3.connect(tmp_path / "tocsin.db")) as other:
        other.execute("PRAGMA secure_delete = OFF")
        other.execute("DELETE FROM sighting")
        other.execute("DELETE FROM mention")
        other.commit()
    assert b"The kettle is broken" in (tmp_path / "tocsin.db").read_bytes()
    assert b"The kettle is broken" not in back_up(filled, tmp_path / "copy").path.read_bytes()


def test_what_a_dead_process_left_is_removed(filled: StorageSettings, tmp_path: Path) -> None:
    """The next backup into that folder takes it away."""
    left = tmp_path / "yesterday.db.tocsin-partial"
    left.write_bytes(b"half of it")
    back_up(filled, tmp_path / "copy")
    assert not left.exists()


def test_what_another_process_is_writing_is_left_alone(filled: StorageSettings, tmp_path: Path) -> None:
    """Two backups of the same name: the second is refused, the first goes on."""
    busy = tmp_path / "copy.tocsin-partial"
    with busy.open("wb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        with pytest.raises(CannotCreateError, match="being written by another process"):
            back_up(filled, tmp_path / "copy")
        back_up(filled, tmp_path / "another")
        assert busy.exists()


def test_a_partial_file_that_was_finished_meanwhile_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking, the other process may have given the file its name: it is theirs."""
    partial, target = tmp_path / "copy.tocsin-partial", tmp_path / "copy"
    lock = fcntl.flock

    def too_late(handle: int, how: int) -> None:
        partial.rename(target)
        target.write_text("whole")
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", too_late)
    with pytest.raises(CannotCreateError), new_file(target, replace=True):
        raise AssertionError
    assert target.read_text() == "whole"


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Neither the file nor its beginnings."""

    def interrupted() -> None:
        with new_file(tmp_path / "copy") as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_root_makes_belongs_to_the_service(filled: StorageSettings, tmp_path: Path) -> None:
    """A backup typed by root in the service's folder can be read and removed by the service."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    folder = tmp_path / "of-the-service"
    folder.mkdir()
    os.chown(folder, 4711, 4712)
    made = back_up(filled, folder / "copy").path.stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (4711, 4712, 0o600)


def test_old_backups_go_and_nothing_else(filled: StorageSettings, tmp_path: Path) -> None:
    """The newest stay, the one just made among them even if the clock was set back; what is not ours is not touched."""
    folder = tmp_path / "backups"
    folder.mkdir()
    for days in range(1, 6):
        (folder / default_name(filled, AT + timedelta(days=days))).touch()
    others = ["tocsin-before-upgrade-from-0001.db", "tocsin-20260101T000000Z.db.gz", "shop-20260101T000000Z.db", "tocsin.db"]
    for name in others:
        (folder / name).touch()
    made = back_up(filled, folder / default_name(filled, AT))
    gone = remove_old(made, filled, 3)
    assert [path.name for path in gone] == [default_name(filled, AT + timedelta(days=days)) for days in (1, 2, 3)]
    left = {default_name(filled, AT + timedelta(days=days)) for days in (0, 4, 5)}
    assert {path.name for path in folder.iterdir()} == left | set(others)


def test_an_old_backup_that_cannot_be_removed_is_told(filled: StorageSettings, tmp_path: Path) -> None:
    """The new one is well all the same, and the error says so."""
    (tmp_path / default_name(filled, AT)).mkdir()
    made = back_up(filled, tmp_path / default_name(filled, AT + timedelta(days=1)))
    with pytest.raises(CannotCreateError, match=r"T081500Z\.db cannot be removed: .*T081500Z\.db is well"):
        remove_old(made, filled, 1)


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """From now on an account that may look at nothing of ours."""
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    for path in tmp_path.parents[:3]:
        path.chmod(path.stat().st_mode | 0o055)
    tmp_path.chmod(0o700)
    (tmp_path.parent / f"{tmp_path.name}.backup").write_bytes(b"SQLite format 3\x00")
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_another_account_is_told_which_one_to_use(filled: StorageSettings, tmp_path: Path, as_nobody: None) -> None:
    """An administrator who forgot `sudo -u tocsin` reads so, and no traceback, whatever was typed."""
    backup = tmp_path.parent / f"{tmp_path.name}.backup"
    for work in (
        lambda: back_up(filled, tmp_path.parent / "copy"),
        lambda: restore(filled, backup, AT),
        lambda: asyncio.run(look(filled, AT)),
    ):
        with pytest.raises(StorageError, match="use the account that the daemon runs as"):
            work()


def test_the_copy_before_an_upgrade_is_one_for_each_version(filled: StorageSettings, tmp_path: Path) -> None:
    """A daemon that tries again and again fills no disk."""
    first = back_up_before_upgrade(filled, "0001").path
    assert first == tmp_path / "tocsin-before-upgrade-from-0001.db"
    assert back_up_before_upgrade(filled, "0001").path == first
    assert len(list(tmp_path.glob("tocsin-before*"))) == 1


def test_without_a_backup_there_is_no_upgrade(filled: StorageSettings, tmp_path: Path) -> None:
    """And the error says how to upgrade without one."""
    damage(tmp_path / "tocsin.db", b"The kettle is broken")
    with pytest.raises(StorageError, match=r"nothing was changed, because no backup .*tocsin migrate --no-backup"):
        back_up_before_upgrade(filled, "0001")


async def test_a_backup_cut_short_is_no_backup(
    store: Store, storage: StorageSettings, said: Said, now: datetime, tmp_path: Path
) -> None:
    """Whatever it lost, reading it to the end finds out."""
    await fill(store, said, now, 300)
    made = await asyncio.to_thread(back_up, storage, tmp_path / "copy")
    for part in (0.98, 0.5, 0.05):
        short = tmp_path / "short"
        short.write_bytes(made.path.read_bytes()[: int(made.size * part)])
        with pytest.raises((StorageError, InputError), match="damaged"):
            contents.read(short)


@pytest.mark.parametrize(
    ("said_by", "words"),
    [(b"", "is no backup"), (b"SQLite format 2\x00", "is no backup"), (b"PGDMP and no more", "is damaged")],
)
def test_other_files_are_no_backups(tmp_path: Path, said_by: bytes, words: str) -> None:
    """They are told from backups by how they begin."""
    (tmp_path / "file").write_bytes(said_by)
    with pytest.raises(InputError, match=words):
        contents.read(tmp_path / "file")


def test_somebody_elses_database_is_no_backup(tmp_path: Path) -> None:
    """SQLite, and yet not ours."""
    with closing(sqlite3.connect(tmp_path / "file")) as other:
        other.execute("CREATE TABLE author (id INTEGER)")
        other.commit()
    with pytest.raises(InputError, match="holds no store of tocsin"):
        contents.read(tmp_path / "file")


def test_rows_are_counted_in_the_script_of_a_dump() -> None:
    """Rows that look like the end of a table, or like the beginning of one, are rows: PostgreSQL writes them otherwise."""
    script = [
        b"SET statement_timeout = 0;\n",
        b"COPY public.alembic_version (version_num) FROM stdin;\n",
        b"0001\n",
        b"\\.\n",
        b"COPY public.author (id, name) FROM stdin;\n",
        b"1\tCOPY public.mention FROM stdin;\n",
        b"2\t\\\\.\n",
        b"\\.\n",
        b"COPY other.recipes (id) FROM stdin;\n",
        b"1\n",
        b"\\.\n",
    ]
    assert contents.counted(script) == ("0001", {"author": 2})


@pytest.fixture
def server() -> StorageSettings:
    """Settings of a server that nobody asks: its programs are ours."""
    return StorageSettings(url=SecretStr("postgresql://tocsin:p%40ss%20word%2F%25@db.example:5433/brand?sslmode=require"))


Fake = Callable[[str], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a program in the place of pg_dump; what it writes to `seen` is where this returns."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(script: str) -> Path:
        program, seen = folder / "pg_dump", tmp_path / "seen"
        program.write_text(f"#!/bin/sh\nseen={seen}\n{script}\n")
        program.chmod(0o755)
        return seen

    return put


@pytest.mark.fault("respect", "a password of the database while pg_dump runs")
def test_the_password_stands_in_no_list_of_processes(server: StorageSettings, fake: Fake, tmp_path: Path) -> None:
    """pg_dump gets the password by its environment: neither its arguments nor any error hold it."""
    seen = fake('echo "$@" > $seen; env >> $seen; echo "pg_dump: error: no such server" >&2; exit 1')
    with pytest.raises(StorageError) as raised:
        back_up(server, tmp_path / "copy")
    arguments, *environment = seen.read_text().splitlines()
    assert SECRET not in arguments
    assert SECRET not in str(raised.value)
    wanted = {"PGHOST=db.example", "PGPORT=5433", "PGUSER=tocsin", "PGDATABASE=brand", "PGSSLMODE=require"}
    assert wanted | {f"PGPASSWORD={SECRET}"} <= set(environment)
    assert str(raised.value) == "pg_dump failed (pg_dump: error: no such server)"


def test_an_older_pg_dump_says_what_to_install(server: StorageSettings, fake: Fake, tmp_path: Path) -> None:
    """PostgreSQL's words, and Debian's package."""
    fake(
        'echo "pg_dump: error: aborting because of server version mismatch" >&2;'
        ' echo "pg_dump: detail: server version: 17.2; pg_dump version: 15.20" >&2; exit 1'
    )
    with pytest.raises(StorageError, match=r"server version: 17\.2; pg_dump version: 15\.20\): install .*postgresql-client-NN"):
        back_up(server, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_missing_pg_dump_says_what_to_install(server: StorageSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the daemon alone has none of PostgreSQL's programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match=r"pg_dump is not there: install .*apt-get install postgresql-client"):
        back_up(server, tmp_path / "copy")


def test_what_programs_quote_of_the_rows_is_kept_quiet(server: StorageSettings, fake: Fake, tmp_path: Path) -> None:
    """Only the lines that name the error are repeated: the others may hold what people said."""
    fake('echo "ERROR:  duplicate key" >&2; echo "DETAIL:  Key (name)=(Ada Lovelace) already exists." >&2; exit 3')
    with pytest.raises(StorageError) as raised:
        back_up(server, tmp_path / "copy")
    assert "Ada" not in str(raised.value)
    assert "duplicate key" in str(raised.value)


def test_a_socket_is_a_host() -> None:
    """`?host=/run/postgresql` is how SQLAlchemy writes it."""
    url = StorageSettings(url=SecretStr("postgresql:///brand?host=/run/postgresql")).parsed()
    told: dict[str, Any] = programs.environment(url)
    assert told["PGHOST"] == "/run/postgresql"
    assert "PGPASSWORD" not in told


@pytest.mark.fault("storage", "the disk is full while a backup is written")
def test_a_full_disk_leaves_no_half_backup(filled: StorageSettings, small_disk: Path) -> None:
    """A backup that runs out of room says so and leaves neither a file nor its beginnings; the store goes on."""
    with pytest.raises((StorageError, CannotCreateError), match=r"disk is full|No space left"):
        back_up(filled, small_disk / "copy")
    assert list(small_disk.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a disk of 64 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
