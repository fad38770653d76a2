"""What all tests share: a clock that stands still, the real data when it is there, and no silent skips in CI."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, settings
from pydantic import SecretStr

from monitor.domain.clock import ManualClock
from monitor.storage import StorageSettings, Store
from monitor.storage.tables import metadata

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Deadlines would measure the machine, not the code.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("tocsin")


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until a test moves it."""
    return ManualClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; its tests skip, with this reason, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the real data (../shared) is not here")
    return SHARED


def _apart(work: Awaitable[None]) -> None:
    """Carry out asynchronous work from a synchronous fixture, without touching the tests' own event loop."""

    async def carry_out() -> None:
        await work

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(carry_out())).result()


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a database of this session's own, on the PostgreSQL of TOCSIN_TEST_POSTGRES (else the local one)."""
    server = os.environ.get("TOCSIN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"tocsin_test_{uuid4().hex[:12]}"
    try:
        _apart(_execute(server, f"CREATE DATABASE {name}"))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        pytest.skip(f"no PostgreSQL to test against ({type(error).__name__}): start one or set TOCSIN_TEST_POSTGRES")
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    _apart(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


def _emptied() -> str:
    """Empties every table of ours and counts from 1 again: many times faster than TRUNCATE, which makes new files."""
    deletes = "".join(f'DELETE FROM "{table.name}"; ' for table in reversed(metadata.sorted_tables))
    return f"""DO $$ DECLARE counter regclass; BEGIN
        IF to_regclass('alembic_version') IS NOT NULL THEN
            {deletes}
            FOR counter IN SELECT oid FROM pg_class WHERE relkind = 'S' LOOP PERFORM setval(counter, 1, false); END LOOP;
        END IF;
    END $$"""


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageSettings:
    """Settings of an empty store, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}"))
    url: str = request.getfixturevalue("postgresql")
    _apart(_execute(url, _emptied()))
    return StorageSettings(url=SecretStr(url))


@pytest.fixture
async def store(storage: StorageSettings) -> AsyncIterator[Store]:
    """An empty store, once on SQLite and once on PostgreSQL."""
    opened = await Store.open(storage)
    yield opened
    await opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With TOCSIN_NO_SKIPS=1 (CI) a skipped test is a failed one: what should have run there did not."""
    report = yield
    if report.skipped and os.environ.get("TOCSIN_NO_SKIPS") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and here no test may be: {report.longrepr}"
    return report
