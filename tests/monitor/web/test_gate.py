"""The door between the web and a configuration at work, with a real store behind it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy.pool import AsyncAdaptedQueuePool
from structlog.testing import capture_logs

from monitor.domain.clock import ManualClock
from monitor.domain.errors import StorageError
from monitor.settings import Settings
from monitor.sources import HttpClient, HttpSettings, Kit
from monitor.sources.facebook import Facebook, FacebookSettings
from monitor.sources.webhook import WebhookSource, WebhookSourceSettings
from monitor.storage import StorageSettings, Store, StoreAwayError
from monitor.testing.servers import AtOnce
from monitor.web import Gate, Reloaded, serve

SETTINGS = Settings.model_construct(version=1, subjects={})
KEY = b"a key of thirty-two bytes, honest"


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store of its own."""
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}")))
    yield store
    await store.close()


@pytest.fixture
def source(clock: ManualClock, store: Store) -> WebhookSource:
    """A webhook source that checks signatures."""
    secret = SecretStr("whsec_" + base64.b64encode(KEY).decode())
    return WebhookSource("shop", WebhookSourceSettings(kind="webhook", secret=secret), clock, store)  # type: ignore[arg-type]


@pytest.fixture
def gate(clock: ManualClock) -> Gate:
    """A gate that was never opened."""
    return Gate(clock, reloading)


async def reloading() -> Reloaded:
    """Nothing is at work yet."""
    return Reloaded("waiting")


async def test_a_reload_is_asked_for_whether_open_or_closed(gate: Gate) -> None:
    """A configuration that does not come to work is mended by another one: the way there is never shut."""
    assert await gate.reload() == Reloaded("waiting")


def signed(clock: ManualClock, body: bytes) -> dict[str, str]:
    """Standard Webhooks headers for a body."""
    stamp = str(int(clock.wall().timestamp()))
    mac = hmac.digest(KEY, f"msg_1.{stamp}.".encode() + body, hashlib.sha256)
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": "v1," + base64.b64encode(mac).decode()}


async def test_a_signed_call_is_in_the_store_and_rings(
    gate: Gate, store: Store, source: WebhookSource, clock: ManualClock
) -> None:
    """From the socket to the committed row: once, and its reader is woken once."""
    rung: list[str] = []
    gate.open(SETTINGS, {"shop": source}, store, rung.append)
    body = b'{"text": "hello"}'
    async with serve(gate, "public", "127.0.0.1", 0) as address, aiohttp.ClientSession(address) as client:
        for _ in range(2):
            async with client.post("/hooks/shop", data=body, headers=signed(clock, body)) as answer:
                assert answer.status == 202
        async with client.post("/hooks/shop", data=b"forged", headers=signed(clock, body)) as answer:
            assert answer.status == 401
    assert await gate.troubles() == []
    async with store.read() as tx:
        items = await tx.inbox.pending("shop", 10)
    assert [(item.body, item.received_at) for item in items] == [(body, clock.now())]
    assert rung == ["shop"]


async def test_before_the_first_opening_nobody_is_turned_away_for_good(gate: Gate) -> None:
    """While the daemon starts every call is 503: a 404 would make the caller give up."""
    async with (
        serve(gate, "public", "127.0.0.1", 0) as address,
        aiohttp.request("POST", f"{address}/hooks/shop", data=b"x") as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "starting" in (await gate.troubles())[0]


async def test_closed_it_still_takes_calls(gate: Gate, store: Store, source: WebhookSource) -> None:
    """During a reload a call is stored and nobody is rung for; readiness says that the workers rest."""
    rung: list[str] = []
    gate.open(SETTINGS, {"shop": source}, store, rung.append)
    gate.close()
    assert gate.hook("shop") is not None
    assert await gate.accept("shop", "d1", b"x") is True
    assert rung == []
    assert "not running" in (await gate.troubles())[0]


async def test_only_webhook_sources_have_a_hook(gate: Gate, store: Store, source: WebhookSource) -> None:
    """A name that is no webhook source has none, and a reload that drops one closes its hook."""
    gate.open(SETTINGS, {"shop": source, "news": object()}, store, print)  # type: ignore[dict-item]
    assert gate.hook("shop") is not None
    assert gate.hook("news") is None
    gate.open(SETTINGS, {}, store, print)
    assert gate.hook("shop") is None


async def test_metas_calls_come_through_the_door(gate: Gate, store: Store, clock: ManualClock) -> None:
    """The challenge, a call, and the same call again: stored once, and read when the source is next polled."""
    settings = FacebookSettings(
        kind="facebook", page="acme", token=SecretStr("t"), app_secret=SecretStr("s"), verify_token=SecretStr("v")
    )
    async with HttpClient(HttpSettings(), clock) as http:
        source = Facebook(settings, Kit("page", http, clock, store, AtOnce()))  # type: ignore[arg-type]
        rung: list[str] = []
        gate.open(SETTINGS, {"page": source}, store, rung.append)
        body = b'{"object": "page", "entry": []}'
        signed = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"s", body, hashlib.sha256).hexdigest()}
        async with serve(gate, "public", "127.0.0.1", 0) as address, aiohttp.ClientSession(address) as session:
            asked = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "v"}
            async with session.get("/hooks/page", params=asked) as answer:
                assert (answer.status, await answer.text()) == (200, "42")
            async with session.get("/hooks/page", params={**asked, "hub.verify_token": "w"}) as answer:
                assert answer.status == 403
            async with session.get("/hooks/shop", params=asked) as answer:
                assert answer.status == 404
            for headers, status in ((signed, 202), (signed, 202), ({}, 401)):
                async with session.post("/hooks/page", data=body, headers=headers) as answer:
                    assert answer.status == status
    assert rung == ["page"]
    async with store.read() as tx:
        assert await tx.inbox.waiting() == {"page": 1}


class Broken:
    """A store that fails to answer, or never does."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def answers(self) -> None:
        """Fails at once, or waits for ever."""
        if self._hangs:
            await asyncio.Event().wait()
        raise StorageError("the disk is gone")


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_store_that_is_silent_is_a_trouble(gate: Gate, monkeypatch: pytest.MonkeyPatch, hangs: bool) -> None:
    """Not ready when the store fails or hangs: the answer comes all the same, and the log says why."""
    monkeypatch.setattr("monitor.web.gate.PATIENCE", 0.01)
    gate.open(SETTINGS, {}, Broken(hangs=hangs), print)  # type: ignore[arg-type]
    with capture_logs() as said:
        assert await gate.troubles() == ["the store does not answer; the log says why"]
    assert [event["event"] for event in said] == ["web.store_silent"]


async def test_readers_cannot_make_it_look_silent(gate: Gate, monkeypatch: pytest.MonkeyPatch, storage: StorageSettings) -> None:
    """All connections are lent out, as when hundreds of sources ask for their first time: the store answers all the same."""
    monkeypatch.setattr("monitor.web.gate.PATIENCE", 1.0)
    store = await Store.open(storage)
    gate.open(SETTINGS, {}, store, print)
    async with AsyncExitStack() as busy:
        for _ in range(_connections(store)):
            await (await busy.enter_async_context(store.read())).evaluator.offset()
        assert await gate.troubles() == []
    await store.close()


def _connections(store: Store) -> int:
    """How many readers there may be at a time: all that are left would wait."""
    pool = store._engines.reader.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    return pool.size() + pool._max_overflow


async def test_a_store_that_takes_no_changes_is_a_trouble(gate: Gate, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be read, and calls are turned away all the same: the answer says why."""

    async def refuses(_: Store) -> StoreAwayError:
        return StoreAwayError("the disk is read-only")

    monkeypatch.setattr(Store, "refuses", refuses)
    gate.open(SETTINGS, {}, store, print)
    assert await gate.troubles() == ["nothing new is taken in: the disk is read-only"]


async def test_a_worker_that_fails_again_and_again_is_a_trouble(gate: Gate, store: Store) -> None:
    """It is named for as long as it fails; a store that answers is not enough."""
    failing = ["evaluate"]
    gate.open(SETTINGS, {}, store, print, lambda: failing)
    assert await gate.troubles() == ["the worker `evaluate` fails again and again; the log says why"]
    failing.clear()
    assert await gate.troubles() == []
