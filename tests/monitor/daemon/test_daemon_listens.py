"""The daemon and a source whose network says at once that something came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.clock import SystemClock
from monitor.sources.imap import Imap
from monitor.storage import Store
from monitor.testing.contract import SECRET as PASSWORD
from tests.monitor.daemon.conftest import BASE, PATIENCE

if TYPE_CHECKING:
    from tests.dovecot import Dovecot


async def test_a_letter_is_seen_at_once(
    dovecot: Dovecot, folder: Any, at_work: Any, patiently: Callable[..., Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within moments, though the mailbox is looked at only every 25 minutes."""
    listening, listen = asyncio.Event(), Imap.listen

    async def listened(self: Imap, ring: Callable[[], None]) -> None:
        await listen(self, ring)
        listening.set()

    monkeypatch.setattr(Imap, "listen", listened)
    user = dovecot.fresh()
    box = {"kind": "imap", "host": "127.0.0.1", "port": dovecot.plain, "security": "none", "username": user, "password": PASSWORD}
    folder.write(BASE.replace("sources:\n", f"sources:\n  box: {json.dumps(box | {'every': '25m'})}\n"))
    async with at_work():
        store = await Store.open(folder.settings().storage, clock=SystemClock())
        try:

            async def stored() -> bool:
                async with store.read() as tx:
                    return "My Acme is slow" in [each.text for each in await tx.mentions.after(0, 10)]

            async with asyncio.timeout(PATIENCE):
                await listening.wait()
            dovecot.post(user, b"From: ann@x.example\r\nSubject: hello\r\n\r\nMy Acme is slow\r\n")
            await patiently(stored, "the letter is stored")
        finally:
            await store.close()
