"""`tocsin replies`: whether the mailbox can be opened is seen before anybody relies on it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from monitor.domain.errors import ExitCode
from monitor.domain.source import MAIL_REPLIES
from monitor.storage import StorageSettings, Store
from tests.dovecot import PASSWORD
from tests.monitor.cli.conftest import MORNING

if TYPE_CHECKING:
    from tests.dovecot import Dovecot
    from tests.monitor.cli.conftest import Tocsin


def reads(tocsin: Tocsin, **more: Any) -> None:
    """The configuration has a mailbox."""
    box = {"host": "127.0.0.1", "port": 1, "security": "none", "username": "tried", "password": "wrong-and-secret"} | more
    before = (tocsin.config / "monitor.yaml").read_text().partition("replies:")[0]
    tocsin.write("monitor.yaml", f"{before}replies: {json.dumps(box)}\n")


def test_the_mailbox_is_tried(tocsin: Tocsin, dovecot: Dovecot) -> None:
    """What is in it, how soon we know of more, and where answers go; or what is wrong, without the password."""
    reads(tocsin, port=dovecot.plain, password=PASSWORD, username="tried", address="ok@brand.example")
    said = tocsin.at("replies", "try").output
    assert said.splitlines() == [
        "INBOX: 0 letters. Nothing was changed.",
        "The server says at once what comes. Answers go to ok@brand.example.",
    ]
    reads(tocsin, port=dovecot.plain)
    refused = tocsin.at("replies", "try")
    assert refused.exit_code == ExitCode.UNAVAILABLE
    assert "refused to log in: check `username` and `password`" in refused.output
    assert "wrong-and-secret" not in refused.output


def test_without_a_mailbox(tocsin: Tocsin) -> None:
    """It says what to add."""
    assert "add `replies:`" in str(tocsin.at("replies", "try").exception)


def test_status_says_how_the_mailbox_stands(tocsin: Tocsin) -> None:
    """Read, or not and why; nothing where there is none."""
    assert "Answers to e-mails" not in tocsin.at("status").output
    reads(tocsin)
    assert "Answers to e-mails: not read yet." in tocsin.at("status").output
    asyncio.run(_recorded(tocsin, well=True))
    assert "Answers to e-mails: read 2026-03-02 09:00." in tocsin.at("status").output
    asyncio.run(_recorded(tocsin, well=False))
    assert "Answers to e-mails: not read (credentials): imap.example refused to log in." in tocsin.at("status").output
    assert json.loads(tocsin.at("status", "--json").output)["mailbox"]["stopped"] is True


async def _recorded(tocsin: Tocsin, *, well: bool) -> None:
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tocsin.config.parent}/tocsin.db")))
    async with store.begin() as tx:
        if well:
            await tx.sources.succeeded(MAIL_REPLIES, cursor="x.1", watermark=None, at=MORNING)
        else:
            said = "imap.example refused to log in"
            await tx.sources.failed(
                MAIL_REPLIES, trouble="credentials", detail=said, at=MORNING, backoff_until=None, stopped=True
            )
        await tx.commit()
    await store.close()
