"""What all tests share: a clock that stands still, the real data when it is there, and no silent skips in CI."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
import structlog
from hypothesis import HealthCheck, is_hypothesis_test, settings
from pydantic import SecretStr
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from monitor.domain.clock import ManualClock
from monitor.packaged import shipped
from monitor.settings.load import _Reader
from monitor.storage import StorageSettings, Store, engine
from monitor.storage.migrate import migrate
from monitor.storage.tables import metadata
from tests.bluesky import Bluesky
from tests.bluesky import running as running_bluesky
from tests.dovecot import Dovecot, running
from tests.faults.forging import installed, lit
from tests.followed import is_followed
from tests.tracing import look_away_in_greenlets

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Deadlines would measure the machine, not the code.
# In CI each property is tried half as often as by hand: it runs many times a day, and tries other examples each time.
EXAMPLES = 50 if os.environ.get("TOCSIN_NO_SKIPS") == "1" else 100
settings.register_profile(
    "tocsin", deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("tocsin")

look_away_in_greenlets()

# By default structlog draws tracebacks for a terminal: that takes up to a second each, in which the event loop stands still.
_PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])


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


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """The URL of an empty database on the PostgreSQL of TOCSIN_TEST_POSTGRES (else the local one), while it lasts."""
    server = os.environ.get("TOCSIN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"tocsin_{kind}_{uuid4().hex[:12]}"
    try:
        # Our processes are killed here, never this server: no commit needs to wait for its disk.
        _apart(_execute(server, f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET synchronous_commit TO off"))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        pytest.skip(f"no PostgreSQL to test against ({type(error).__name__}): start one or set TOCSIN_TEST_POSTGRES")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        _apart(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a database of this session's own."""
    with _database("test") as url:
        yield url


@pytest.fixture(scope="session")
def bluesky() -> Iterator[Bluesky]:
    """Bluesky's own servers, that all tests share."""
    with _database("bluesky") as url, running_bluesky(url) as servers:
        yield servers


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A real IMAP server that all tests share."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def smithy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The address of a forge that all tests share: it has imported everything, once."""
    with lit(tmp_path_factory.mktemp("smithy")) as address:
        yield address


@pytest.fixture(scope="session")
def typed_program(smithy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `tocsin` that starts in hundredths of a second. The true one starts in the tests of the daemon and of the packages."""
    return installed(smithy, tmp_path_factory.mktemp("bin"))


def _emptied() -> str:
    """Empties every table of ours and counts from 1 again: many times faster than TRUNCATE, which makes new files."""
    deletes = "".join(f'DELETE FROM "{table.name}"; ' for table in reversed(metadata.sorted_tables))
    return f"""DO $$ DECLARE counter regclass; BEGIN
        IF to_regclass('alembic_version') IS NOT NULL THEN
            {deletes}
            FOR counter IN SELECT oid FROM pg_class WHERE relkind = 'S' LOOP PERFORM setval(counter, 1, false); END LOOP;
        END IF;
    END $$"""


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Every engine of a kind speaks one dialect and has one cache: a statement is compiled once, not once for every store."""
    known: dict[tuple[object, ...], Engine] = {}

    def create(url: URL, **options: Any) -> AsyncEngine:
        made = create_async_engine(url, **options)
        sync, kind = made.sync_engine, (made.dialect.name, options.get("json_serializer"))
        if (first := known.get(kind)) is not None:
            sync.dialect = sync.pool._dialect = first.dialect
            sync._compiled_cache = first._compiled_cache
        else:  # its first connection teaches a dialect which server it speaks to
            event.listen(sync, "connect", lambda *_: known.setdefault(kind, sync))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_async_engine", create)
        yield


@pytest.fixture(scope="session", autouse=True)
def shipped_read_once() -> Iterator[None]:
    """The shipped rules and plans, which every small configuration falls back on, are read once and not for every test."""
    known: dict[tuple[Path, type], Any] = {}
    read = _Reader._file

    def remembered(self: Any, path: Path, model: Any) -> Any:
        if path.parent.parent != shipped():
            return read(self, path, model)
        if (path, model) not in known:
            known[path, model] = read(self, path, model)
        return known[path, model]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Reader, "_file", remembered)
        yield


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables of this version and nothing in them, for copying."""
    path = tmp_path_factory.mktemp("empty") / "tocsin.db"
    _apart(migrate(make_url(f"sqlite+aiosqlite:///{path}")))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> StorageSettings:
    """Settings of an empty store, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copyfile(empty_database, tmp_path / "tocsin.db")
        return StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}"))
    url: str = request.getfixturevalue("postgresql")
    _apart(_execute(url, _emptied()))
    return StorageSettings(url=SecretStr(url)).beginning_at(tmp_path)


@pytest.fixture
async def store(storage: StorageSettings) -> AsyncIterator[Store]:
    """An empty store, once on SQLite and once on PostgreSQL."""
    opened = await Store.open(storage)
    yield opened
    await opened.close()


_ONCE = SimpleNamespace(params={})  # of a test without parameters
# Stages that claim rows, or race for them. What the others ask of the store, the tests of the store ask of either database.
_STAGES = ROOT / "tests" / "monitor" / "pipeline"
_RACING = frozenset({"called_over", "delivery", "evaluate", "intake", "operations", "plan_runs"})


def _put_late(items: list[pytest.Item]) -> None:
    """What needs Bluesky's servers, which CI installs beside the tests: halfway through what the third of four workers is given.

    At the very end what is left is divided among all workers, and each would start its own servers.
    """
    late = [item for item in items if "bluesky" in getattr(item, "fixturenames", ())]
    others = [item for item in items if "bluesky" not in getattr(item, "fixturenames", ())]
    begin = len(others) * 5 // 8
    items[:] = [*others[:begin], *late, *others[begin:]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Which lines are reached is for the tests that mirror the code to show: following the others would double their time.

    What runs once on each database is followed on SQLite alone; the stages that race for nothing go through PostgreSQL in the
    long tier.
    """
    _put_late(items)
    for item in items:
        at_length = is_hypothesis_test(getattr(item, "obj", None)) or not is_followed(item.path)
        on_server = "postgresql" in getattr(item, "callspec", _ONCE).params.values()
        if at_length or on_server:
            item.add_marker("no_cover")
        if (
            on_server
            and item.path.is_relative_to(_STAGES)
            and item.path.stem.removeprefix("test_").removesuffix("_stage") not in _RACING
        ):
            item.add_marker("soak")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With TOCSIN_NO_SKIPS=1 (CI) a skipped test is a failed one: what should have run there did not."""
    report = yield
    if report.skipped and os.environ.get("TOCSIN_NO_SKIPS") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and here no test may be: {report.longrepr}"
    return report
