"""The connection to a mailbox, against a real server: what is new is brought once, nothing is changed, and trouble has a name."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.domain.errors import SourceError, Trouble
from monitor.mailbox import Mailbox, MailboxSettings
from monitor.mailbox.connection import AT_ONCE
from tests.dovecot import PASSWORD

if TYPE_CHECKING:
    from tests.dovecot import Dovecot

LONG_AGO = date(2020, 1, 1)


def letter(subject: str, body: str = "OK") -> bytes:
    """A small letter."""
    return f"From: julie@brand.example\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


def wanted(head: bytes) -> bool:
    """Letters whose subject says that they are for us."""
    return b"for us" in head


@asynccontextmanager
async def opened(settings: MailboxSettings) -> AsyncIterator[Mailbox]:
    """A mailbox that is closed in the end."""
    mailbox = Mailbox(settings)
    try:
        yield mailbox
    finally:
        await mailbox.close()


async def test_what_is_wanted_is_brought_once_and_nothing_is_changed(dovecot: Dovecot) -> None:
    """Oldest first; what is for somebody else stays as it is, unread; the next look brings what came since."""
    dovecot.post("reader", letter("for us: 1"), letter("for others"), letter("for us: 2"))
    async with opened(dovecot.settings("reader")) as mailbox:
        first = await mailbox.new(None, wanted, LONG_AGO)
        assert [b"for us: 1" in first.letters[0].raw, b"for us: 2" in first.letters[1].raw, first.more] == [True, True, False]
        assert (await mailbox.new(first.cursor, wanted, LONG_AGO)).letters == []
        dovecot.post("reader", letter("for us: 3"))
        third = await mailbox.new(first.cursor, wanted, LONG_AGO)
        assert len(third.letters) == 1
        assert (await mailbox.look_in()).letters == 4
    names = [each.name for each in (dovecot.home / "mail" / "reader").rglob("*.tocsin*") if ":2," in each.name]
    assert all("S" not in name.partition(":2,")[2] for name in names)


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_it_is_entered_by_tls(dovecot: Dovecot, security: str) -> None:
    """With a certificate that is checked, from the first byte on or after STARTTLS; a password may have accents."""
    port = dovecot.tls if security == "tls" else dovecot.plain
    async with opened(dovecot.settings(security, security=security, port=port, ca_file=dovecot.authority)) as mailbox:
        found = await mailbox.look_in()
        assert (found.letters, found.tells) == (0, True)
        empty = await mailbox.new(None, wanted, LONG_AGO)
        dovecot.post(security, letter("for us"))
        assert len((await mailbox.new(empty.cursor, wanted, LONG_AGO)).letters) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_that_nobody_vouches_for(dovecot: Dovecot, security: str) -> None:
    """The password is not given to whoever answers."""
    port = dovecot.tls if security == "tls" else dovecot.plain
    async with opened(dovecot.settings("reader", security=security, port=port)) as mailbox:
        with pytest.raises(SourceError, match="check the certificate") as caught:
            await mailbox.look_in()
    assert caught.value.trouble is Trouble.REFUSED


async def test_the_server_says_at_once_what_comes(dovecot: Dovecot) -> None:
    """By IDLE: the bell rings once, and the next look finds it."""
    rung = asyncio.Event()
    async with opened(dovecot.settings("idler")) as mailbox:
        before = await mailbox.new(None, wanted, LONG_AGO)
        await mailbox.listen(rung.set)
        dovecot.post("idler", letter("for us"))
        async with asyncio.timeout(5):
            await rung.wait()
        assert len((await mailbox.new(before.cursor, wanted, LONG_AGO)).letters) == 1


async def test_a_thousand_letters_wait(dovecot: Dovecot) -> None:
    """They are gone through a few at a time, and only what is wanted is read whole."""
    dovecot.post("many", *(letter(f"{'for us' if number % 100 == 0 else 'other'} {number}") for number in range(1000)))
    looks, letters, cursor = 0, 0, None
    async with opened(dovecot.settings("many")) as mailbox:
        while True:
            batch = await mailbox.new(cursor, wanted, LONG_AGO)
            looks, letters, cursor = looks + 1, letters + len(batch.letters), batch.cursor
            if not batch.more:
                break
    assert (looks, letters) == (1000 // AT_ONCE, 10)


async def test_of_a_huge_letter_the_beginning_is_read(dovecot: Dovecot) -> None:
    """A quarter of a megabyte: what people type stands before what they attach."""
    dovecot.post("huge", letter("for us", "OK\r\n" + "A" * 5_000_000))
    async with opened(dovecot.settings("huge")) as mailbox:
        (read,) = (await mailbox.new(None, wanted, LONG_AGO)).letters
    assert len(read.raw) == 256 * 1024
    assert b"\r\n\r\nOK\r\n" in read.raw


async def test_a_folder_that_was_made_anew(dovecot: Dovecot) -> None:
    """Its numbers mean other letters now (UIDVALIDITY): a cursor of elsewhere is none, and the last day is looked at."""
    dovecot.post("made-anew", letter("for us: 1"))
    async with opened(dovecot.settings("made-anew")) as mailbox:
        first = await mailbox.new("another-folder.7", wanted, LONG_AGO)
        assert len(first.letters) == 1
        assert (await mailbox.new("nonsense", wanted, date(2100, 1, 1))).cursor == first.cursor


async def test_a_folder_that_is_not_there(dovecot: Dovecot) -> None:
    """The folder is named: somebody has to look at the settings."""
    async with opened(dovecot.settings("reader", folder="Réponses")) as mailbox:
        with pytest.raises(SourceError, match="`Réponses`") as caught:
            await mailbox.new(None, wanted, LONG_AGO)
    assert caught.value.trouble is Trouble.REFUSED


async def test_a_wrong_password(dovecot: Dovecot, caplog: pytest.LogCaptureFixture) -> None:
    """That is for good. It is said without the password, which reaches no log, whatever is logged."""
    caplog.set_level(logging.DEBUG)
    async with opened(dovecot.settings("reader", password="wrong-and-secret")) as mailbox:
        with pytest.raises(SourceError) as caught:
            await mailbox.new(None, wanted, LONG_AGO)
    assert caught.value.permanent
    assert "wrong-and-secret" not in str(caught.value) + caplog.text
    async with opened(dovecot.settings("reader")) as mailbox:
        await mailbox.new(None, wanted, LONG_AGO)
    encoded = base64.b64encode(f"\0reader\0{PASSWORD}".encode()).decode()
    assert all(each not in caplog.text for each in (PASSWORD, encoded))


@pytest.mark.fault("network", "the IMAP server of the mailbox with answers is gone")
async def test_a_server_that_is_gone() -> None:
    """It is named as unavailable, and the next look connects anew."""
    async with opened(MailboxSettings(host="127.0.0.1", port=1, security="none", username="u", password="p")) as mailbox:
        for _ in range(2):
            with pytest.raises(SourceError) as caught:
                await mailbox.new(None, wanted, LONG_AGO)
            assert caught.value.trouble is Trouble.UNAVAILABLE


@pytest.mark.parametrize(
    ("says", "trouble"),
    [
        (b"", Trouble.UNAVAILABLE),
        (b"* BYE overloaded\r\n", Trouble.UNAVAILABLE),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Trouble.UNAVAILABLE),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n* CAPABILITY IMAP4rev1\r\n", Trouble.UNAVAILABLE),
        (b"\xff" * 2_000_000, Trouble.UNAVAILABLE),
    ],
)
async def test_servers_that_answer_something_else(says: bytes, trouble: Trouble) -> None:
    """Whatever is at that port: a name for the trouble, and no traceback."""
    async with _server(says) as port, opened(_at(port)) as mailbox:
        with pytest.raises(SourceError) as caught:
            await mailbox.new(None, wanted, LONG_AGO)
    assert caught.value.trouble is trouble


async def test_a_server_that_lets_nobody_in_for_now() -> None:
    """That is no wrong password: it is tried again."""
    answers = b"* OK [CAPABILITY IMAP4rev1] ready\r\n", {b"LOGIN": b"NO [UNAVAILABLE] try later"}
    async with _scripted(*answers) as port, opened(_at(port)) as mailbox:
        with pytest.raises(SourceError) as caught:
            await mailbox.new(None, wanted, LONG_AGO)
    assert caught.value.trouble is Trouble.UNAVAILABLE


async def test_a_server_that_says_nothing() -> None:
    """It is left after the time-out, and holds up nobody who stops."""
    async with _server(b"", hang=True) as port, opened(_at(port, timeout=timedelta(milliseconds=300))) as mailbox:
        with pytest.raises(SourceError) as caught:
            await mailbox.new(None, wanted, LONG_AGO)
        assert caught.value.trouble is Trouble.TIMEOUT
        looking = asyncio.create_task(Mailbox(_at(port, timeout=timedelta(seconds=1))).new(None, wanted, LONG_AGO))
        await asyncio.sleep(0.05)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking


async def test_a_server_without_idle() -> None:
    """Nobody rings: whoever waits looks now and then."""
    answers = {
        b"LOGIN": b"OK in",
        b"EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 1] x\r\n%s OK done",
        b"UID": b"* SEARCH\r\n%s OK done",
    }
    async with _scripted(b"* OK [CAPABILITY IMAP4rev1] ready\r\n", answers) as port, opened(_at(port)) as mailbox:
        assert (await mailbox.new(None, wanted, LONG_AGO)).letters == []
        await mailbox.listen(lambda: pytest.fail("nobody can know"))


def _at(port: int, **more: object) -> MailboxSettings:
    given = {"host": "127.0.0.1", "port": port, "security": "none", "username": "u", "password": "p"}
    return MailboxSettings.model_validate(given | more)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _answering(handler: Handler) -> AsyncIterator[int]:
    """The port of a server that is at work for as long as somebody is there."""
    talks: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        with suppress(OSError):
            await handler(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*(talk for talk in talks if talk is not None))


def _server(says: bytes, *, hang: bool = False) -> AbstractAsyncContextManager[int]:
    """A server that says this to whoever comes, and hangs up, or says no more."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        if hang:
            await reader.read()

    return _answering(answer)


def _scripted(greeting: bytes, answers: dict[bytes, bytes]) -> AbstractAsyncContextManager[int]:
    """A server that answers each command as it is told; `%s` stands for the command's tag."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := await reader.readline():
            tag, command = line.split()[:2]
            said = answers.get(command, b"* CAPABILITY IMAP4rev1\r\n%s OK done")
            writer.write((said if b"%s" in said else b"%s " + said).replace(b"%s", tag) + b"\r\n")

    return _answering(answer)
