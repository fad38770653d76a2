"""An erasure beside everybody else who writes on PostgreSQL: they wait for one another, and none of them for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import select, text

from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.storage import StorageSettings, Store
from monitor.storage.tables import alert, mention
from tests.monitor.pipeline.conftest import configure, house

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "house"]  # fixtures
DPO = Actor("dpo", "cli")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

pytestmark = pytest.mark.parametrize("storage", ["postgresql"], indirect=True)


@pytest.fixture
async def server(storage: StorageSettings) -> AsyncIterator[Any]:
    """A connection of somebody who only watches."""
    connection = await asyncpg.connect(storage.url.get_secret_value())
    yield connection
    await connection.close()


async def erasing(home: House, server: Any) -> asyncio.Task[Any]:
    """Somebody erases Ada at this moment, and has come as far as they can."""
    task = asyncio.create_task(operations.erase(home.store, "mastodon", "ada", DPO, home.clock.now()))
    while not task.done() and not await server.fetchval(WAITING):
        pass
    return task


@pytest.mark.fault("respect", "somebody is erased at the very moment in which judging writes about them, on PostgreSQL")
async def test_an_erasure_waits_for_judging(house: Build, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The erasure waits until what is being judged is committed, and erases that, too: neither fails for the other's sake."""
    home = house()
    await home.hears("Acme broken", by="ada", parent="https://social.example/thread")
    await home.brings(home.mention("Acme broken again", by="ada", parent="https://social.example/thread"))
    tasks: list[asyncio.Task[Any]] = []
    save = home.stages.evaluate._alerting.save

    async def meanwhile(tx: Any) -> None:
        await save(tx)
        tasks.append(await erasing(home, server))

    monkeypatch.setattr(home.stages.evaluate._alerting, "save", meanwhile)
    assert await home.stages.evaluate.step() == 1
    (erased, _) = await tasks[0]
    assert erased.mentions == 2
    async with home.store.read() as tx:
        assert [each.text for each in await tx.mentions.after(0, 10)] == ["", ""]


@pytest.mark.fault("respect", "an erasure and another transaction wait for one another, on PostgreSQL")
async def test_an_erasure_that_the_server_broke_off_begins_anew(house: Build, server: Any, storage: StorageSettings) -> None:
    """Whoever the server chooses to end the deadlock, the erasure is carried out, and is written down once."""
    home = house()
    await home.hears("Acme broken", by="ada")
    other = await Store.open(storage)
    async with other.begin() as tx:
        await tx.timeline._session.run(text("SET LOCAL deadlock_timeout = '1h'"))  # only the erasure finds that it waits in vain
        await tx.timeline._session.run(select(alert.c.id).with_for_update())
        task = await erasing(home, server)
        await tx.timeline._session.run(select(mention.c.id).with_for_update())
        await tx.commit()
    (erased, _) = await task
    assert erased.mentions == 1
    assert len(await home.timeline("author.erased")) == 1
    await other.close()
