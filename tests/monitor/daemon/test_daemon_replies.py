"""The daemon between two real mail servers: an e-mail goes out, « OK » comes back, and it is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import Message
from typing import TYPE_CHECKING, Any

from monitor.domain.clock import SystemClock
from monitor.domain.source import MAIL_REPLIES
from monitor.storage import Store
from tests.dovecot import PASSWORD
from tests.monitor.daemon.conftest import BASE, SECRET, call_in
from tests.post import delivering

if TYPE_CHECKING:
    from tests.dovecot import Dovecot

Folder = Any
Start = Any
Patiently = Callable[..., Awaitable[Any]]


async def test_ok_comes_back(dovecot: Dovecot, folder: Folder, at_work: Start, patiently: Patiently) -> None:
    """By IDLE within moments, though the mailbox is looked at only every hour: the alert is taken by whoever answered."""
    async with delivering() as (post, port):
        box = {"host": "127.0.0.1", "port": dovecot.plain, "security": "none", "username": "daemon", "password": PASSWORD}
        mail = {
            "smtp": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "tocsin@brand.example"},
            "replies": box | {"every": "1h", "address": "ok@brand.example"},
        }
        hub = "hub: {kind: email, to: julie@brand.example}"
        written = BASE.replace("hub: {kind: webhook, url: HUB, secret: SECRET, timeout: 20s}", hub)
        folder.write(written + "".join(f"{name}: {json.dumps(each)}\n" for name, each in mail.items()).replace("SECRET", SECRET))
        async with at_work() as daemon, _stored(folder) as store:

            async def listens() -> bool:
                async with store.read() as tx:
                    return (await tx.sources.get(MAIL_REPLIES)).last_success_at is not None

            await patiently(listens, "the mailbox is read")
            await call_in(daemon.address, 1)
            await patiently(_done(lambda: bool(post.taken)), "the e-mail arrives")
            assert post.taken[0]["Reply-To"] == "ok@brand.example"
            assert "answering OK to this e-mail" in post.taken[0].as_string()
            dovecot.post("daemon", _answer(post.taken[0]))

            async def taken() -> str | None:
                async with store.read() as tx:
                    return (await tx.alerts.list(limit=1))[0].acknowledged_by

            assert await patiently(taken, "the answer is read") == "julie@brand.example"


def _done(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return condition()

    return ask


@asynccontextmanager
async def _stored(folder: Folder) -> AsyncIterator[Store]:
    store = await Store.open(folder.settings().storage, clock=SystemClock())
    try:
        yield store
    finally:
        await store.close()


def _answer(to: Message) -> bytes:
    """What Gmail makes of « OK »."""
    head = (
        "From: Julie <julie@brand.example>",
        f"To: {to['Reply-To']}",
        f"Subject: Re: {to['Subject']}",
        f"In-Reply-To: {to['Message-ID']}",
        f"References: {' '.join(to['References'].split())} {to['Message-ID']}",
        "Content-Type: text/plain; charset=utf-8",
    )
    body = (
        "Ok merci\r\n\r\nLe mar. 24 nov. 2026 à 10:12, Tocsin <tocsin@brand.example> a\r\nécrit :\r\n\r\n> Someone complains\r\n"
    )
    return "\r\n".join((*head, "", body)).encode()
