"""The migrations make exactly the tables of the code, once, whoever else is starting."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from monitor.domain.errors import StorageError
from monitor.domain.tally import Tally
from monitor.plans import Why
from monitor.storage import StorageSettings, Store
from monitor.storage import migrate as migrations
from monitor.storage.migrate import HEAD
from monitor.storage.tables import metadata

T = TypeVar("T")


async def _with_connection(storage: StorageSettings, work: Callable[[Connection], T]) -> T:
    engine = create_async_engine(storage.parsed())
    async with engine.begin() as connection:
        result = await connection.run_sync(work)
    await engine.dispose()
    return result


def _is_a_table_of_ours(name: str | None, kind: str, parents: object) -> bool:
    """All but the index of words, which SQLAlchemy cannot describe: the words of SQLite and the tests of plans compare it."""
    return not (name or "").startswith(("mention_search", "ix_mention_words"))


async def test_the_migrated_database_is_the_tables_of_the_code(store: Store, storage: StorageSettings) -> None:
    """Alembic's autogenerate finds nothing to do, types included."""

    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "include_name": _is_a_table_of_ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert await _with_connection(storage, differences) == []


def _described(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """What SQLite was told to make; the order in which constraints were named means nothing."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    plain = {name: re.sub(r"\s+", " ", re.sub(r"\s*\)\s*$|\s+(?=,)", "", sql)) for name, sql in rows}
    return {name: sorted(re.split(r",? CONSTRAINT ", sql)) for name, sql in plain.items()}


async def test_on_sqlite_even_the_words_are_the_same(tmp_path: Path) -> None:
    """AUTOINCREMENT, ON DELETE and defaults, which autogenerate does not compare."""
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    engine = create_engine(f"sqlite:///{made}")
    metadata.create_all(engine)
    engine.dispose()
    await (await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{migrated}")))).close()
    described = []
    for path in (made, migrated):
        connection = sqlite3.connect(path)
        described.append(_described(connection))
        connection.close()
    assert described[0] == described[1]


async def test_a_figure_of_later_is_no_column_of_an_older_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one day is counted besides comes with a migration of its own, which would find its column there."""
    counted = Tally._fields
    monkeypatch.setattr(Tally, "_fields", (*counted, "later"))
    path = tmp_path / "tocsin.db"
    await (await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}")))).close()
    connection = sqlite3.connect(path)
    for table in ("tally", "tally_day"):
        assert [row[1] for row in connection.execute(f"PRAGMA table_info({table})")][4:] == [*counted]
    connection.close()


async def test_a_downgrade_takes_everything_away(store: Store, storage: StorageSettings) -> None:
    """Down to nothing, and up again."""

    def down_and_up(connection: Connection) -> tuple[str | None, str | None]:
        from alembic import command  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        empty = migrations.revision(connection)
        migrations.upgrade(connection)
        return empty, migrations.revision(connection)

    await store.close()
    assert await _with_connection(storage, down_and_up) == (None, migrations.HEAD)


def test_the_newest_revision_is_the_one_the_code_names() -> None:
    """Revisions are numbered 0001, 0002 …; the start compares one string instead of importing Alembic."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).with_name("migrations")))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrations.HEAD]
    known = sorted(script.revision for script in scripts.walk_revisions())
    assert known == [f"{number:04}" for number in range(1, len(known) + 1)]


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_newer_database_is_refused_in_words(store: Store, storage: StorageSettings, migrate: bool) -> None:
    """Going back to an older version must not damage what the newer one wrote."""
    await store.close()
    await _with_connection(
        storage, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(StorageError, match=rf"newer tocsin .*9999.*knows up to {HEAD}.*tocsin restore. the backup"):
        await Store.open(storage.model_copy(update={"migrate": migrate}))
    await _with_connection(
        storage, lambda connection: connection.execute(text(f"UPDATE alembic_version SET version_num = '{HEAD}'"))
    )


async def test_an_older_database_waits_for_permission(
    store: Store, storage: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`migrate: false` says which version is missing, and what to type."""
    await store.close()
    monkeypatch.setattr(migrations, "HEAD", "9998")
    with pytest.raises(StorageError, match=rf"version {HEAD}, this tocsin needs 9998: `tocsin migrate` makes a backup"):
        await Store.open(storage.model_copy(update={"migrate": False}))


async def test_a_command_that_looks_something_up_is_no_upgrade(
    store: Store, storage: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever `migrate` says, only what listens changes the tables; everybody else is told what to type."""
    await store.close()
    monkeypatch.setattr(migrations, "HEAD", "9998")
    with pytest.raises(StorageError, match=rf"version {HEAD}, this tocsin needs 9998: `tocsin migrate`"):
        await Store.open(storage, create=False)
    assert await _with_connection(storage, migrations.revision) == HEAD


async def test_an_empty_database_waits_for_permission(tmp_path: Path) -> None:
    """`migrate: false` creates nothing."""
    path = tmp_path / "empty.db"
    with pytest.raises(StorageError, match=r"cannot open .*the database is empty: `tocsin migrate` makes the tables"):
        await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}"), migrate=False))


async def test_a_database_that_is_behind_is_brought_up_to_date(
    store: Store, storage: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version of ours is no stranger: what is missing is run, and nothing else."""
    await store.close()
    monkeypatch.setattr(migrations, "HEAD", "9998")
    await _with_connection(storage, migrations.upgrade)
    assert await _with_connection(storage, migrations.revision) == HEAD


async def test_what_was_under_legal_hold_stays_so(store: Store, storage: StorageSettings) -> None:
    """Holds were a mark on the author once; each becomes a hold that says that nobody recorded why."""
    await store.close()
    said = """
        INSERT INTO author (id, network, external_id, handle, name, own, first_seen_at, last_seen_at, legal_hold) VALUES
            (1, 'mastodon', 'ada', '@ada', 'Ada', false, '2026-03-01 08:00:00', '2026-03-02 08:00:00', true),
            (2, 'mastodon', 'bob', '@bob', 'Bob', false, '2026-03-01 08:00:00', '2026-03-02 08:00:00', false)
    """

    def as_it_was(connection: Connection) -> None:
        from alembic import command  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.execute(text(said))

    await _with_connection(storage, as_it_was)
    await (await Store.open(storage)).close()
    held = "SELECT author_id, reason, released_at FROM legal_hold"
    rows = await _with_connection(storage, lambda connection: connection.execute(text(held)).all())
    assert rows == [(1, "placed before reasons were recorded", None)]
    authors = await _with_connection(storage, lambda connection: connection.execute(text("SELECT handle FROM author")).all())
    assert sorted(authors) == [("@ada",), ("@bob",)]


async def test_an_older_version_finds_no_word_that_it_does_not_know(store: Store, storage: StorageSettings) -> None:
    """Neither in what was told of a plan run, nor in what people's acts in it still ask to be told. The rest stays."""
    await store.close()
    run = (
        "INSERT INTO plan_run (plan, incident_id, state, snapshot, opened_at, owed)"
        " VALUES ('storm', 1, 'closed', '{}', '2026-03-01 08:00:00', '[1]')"
    )
    told = (
        "INSERT INTO notification (receiver, sequence, kind, events, created_at, due_at, plan_why)"
        " VALUES ('hub', 1, 'over', '[]', '2026-03-01 08:00:00', '2026-03-01 08:00:00', :why)"
    )

    def down(connection: Connection) -> tuple[Any, set[Any]]:
        from alembic import command  # noqa: PLC0415

        connection.execute(text("INSERT INTO incident (id, severity, opened_at) VALUES (1, 'critical', '2026-03-01 08:00:00')"))
        connection.execute(text(run))
        connection.execute(text(told), [{"why": each} for each in Why])
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
        owed = connection.execute(text("SELECT owed FROM plan_run")).scalar_one()
        return owed, {*connection.execute(text("SELECT plan_why FROM notification")).scalars()}

    owed, known = await _with_connection(storage, down)
    await _with_connection(storage, migrations.upgrade)  # the tests after this one share the database
    assert owed is None
    assert {*Why} - known == {"handover", "waiting", "false_alarm", "report", "unsigned", "drilled", "read"}


async def test_somebody_elses_tables_are_left_alone(tmp_path: Path) -> None:
    """A database with an `author` table of another program is not ours to change."""
    path = tmp_path / "blog.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE author (id INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match=r"tables that tocsin did not make \(author\)"):
        await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}")))


async def test_several_that_start_at_once_migrate_once(storage: StorageSettings) -> None:
    """Four stores open one empty database together: one identity, no error."""
    stores = await asyncio.gather(*(Store.open(storage) for _ in range(4)))
    assert len({store.installation for store in stores}) == 1
    for store in stores:
        await store.close()


async def test_a_migration_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are made in one transaction: after a crash half-way the next start begins anew."""
    settings = StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}"))
    whole = migrations.upgrade

    def half(connection: Connection, before: migrations.Before | None) -> None:
        whole(connection, before)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "upgrade", half)
        with pytest.raises(KeyboardInterrupt):
            await Store.open(settings)
    connection = sqlite3.connect(tmp_path / "tocsin.db")
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    await (await Store.open(settings)).close()
