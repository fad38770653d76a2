"""A mail server that fails in every way it can: the mail is kept, its reason told, others are served, and ops hear of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from notifiers import EmailSettings, SmtpSettings
from notifiers.email import Email
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS, configure, hut, lite

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "hut", "lite"]  # fixtures
SECOND = timedelta(seconds=1)
PATIENCE = timedelta(milliseconds=400)  # real time, of the client
HANG, DROP = "hang", "drop"


@dataclass
class Post:
    """A mail server that answers each command as `says` has it (a list: one answer a time, the last for ever)."""

    says: dict[str, Any] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    port: int = 0
    talks: int = 0
    taken: list[bytes] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def _answer(self, command: str, usual: str) -> str:
        said = self.says.get(command, usual)
        if isinstance(said, list):
            return str(said.pop(0) if len(said) > 1 else said[0])
        return str(said)

    async def _say(self, writer: asyncio.StreamWriter, command: str, usual: str) -> bool:
        """Whether the conversation goes on."""
        answer = self._answer(command, usual)
        if answer == HANG:
            await self.ended.wait()
        if answer in {HANG, DROP}:
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""
        self.talks += 1
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever called hung up
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        going = await self._say(writer, "banner", "220 mail.example.org")
        while going and (line := (await reader.readuntil(b"\n")).decode().strip()):
            command = line.split(maxsplit=1)[0].upper().split(":")[0]
            if command == "EHLO":
                lines = ["mail.example.org", *self.offers]
                going = await self._say(
                    writer,
                    "EHLO",
                    "\r\n".join(f"250-{each}" for each in lines[:-1]) + f"\r\n250 {lines[-1]}"
                    if self.offers
                    else "250 mail.example.org",
                )
            elif command == "DATA":
                going = await self._say(writer, "DATA", "354 go on")
                if going and self.says.get("DATA", "354").startswith("354"):
                    self.taken.append(await reader.readuntil(b"\r\n.\r\n"))
                    going = await self._say(writer, ".", "250 taken")
            else:
                key = line if line in self.says else command
                going = await self._say(writer, key, "221 bye" if command == "QUIT" else "250 OK") and command != "QUIT"

    def ids(self) -> set[str]:
        """The Message-IDs of what was taken."""
        lines = [line for mail in self.taken for line in mail.decode().splitlines()]
        return {line for line in lines if line.lower().startswith("message-id:")}


@asynccontextmanager
async def listening(post: Post, tls: ssl.SSLContext | None = None) -> AsyncIterator[Post]:
    """The server, on loopback."""
    server = await asyncio.start_server(post.talk, "127.0.0.1", 0, ssl=tls)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        post.ended.set()
        server.close()
        await server.wait_closed()


async def mailed(build: Build, port: int, *to: str, **smtp: Any) -> House:
    """A house that owes the room an emergency by e-mail, and the desk a complaint by something that works."""
    home = build(rules=[COMPLAINT, CRISIS])
    server = SmtpSettings(
        host="127.0.0.1", port=port, sender="bell@example.org", timeout=PATIENCE, **{"security": "none", **smtp}
    )
    home.doors["room"] = Email(EmailSettings(kind="email", to=to or ("room@example.org",)), server)  # type: ignore[assignment]
    home.restart()
    await home.hears("Globex broken", by="bob")
    await home.storm()
    return home


async def pass_a_minute(home: House, look: Callable[[], Awaitable[None]]) -> None:
    """Let 65 s pass as the daemon sees them."""
    for _ in range(13):
        home.clock.advance(5 * SECOND)
        await home.act()
        await look()


async def stays_owed(home: House, post: Post | None, reason: str) -> None:
    """What is promised of every failure that may pass.

    It is tried five times in a minute, its reason is told, others are served at once, somebody else is told of the emergency,
    and ops of the receiver.
    """
    await home.act()
    assert home.kinds("desk") == ["first"]
    await pass_a_minute(home, home.stages.evaluate.tick)
    await home.act()
    (record,) = [each for each in await home.deliveries() if each.receiver == "room"]
    assert (record.state, record.reason, record.attempts) == ("pending", reason, 5)
    assert record.detail
    assert "127.0.0.1" in record.detail
    assert post is None or post.talks == 5
    rules = {facts.rule for message in home.told("tech") for facts in message.alerts}
    assert rules == {"receiver-health"}
    assert "crisis" in {facts.rule for message in home.told("desk") for facts in message.alerts}


@pytest.mark.fault("network", "a mail server that refuses connections")
async def test_a_refused_connection(hut: Build) -> None:
    """The mail stays owed and is tried by the schedule; others are served, the next channel and ops are told."""
    async with listening(Post()) as post:
        port = post.port
    await stays_owed(await mailed(hut, port), None, "unavailable")


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        pytest.param({"banner": HANG}, "timeout", marks=pytest.mark.fault("network", "a mail server that hangs at its banner")),
        pytest.param(
            {"banner": "421 too busy"}, "unavailable", marks=pytest.mark.fault("network", "a mail server too busy to talk")
        ),
        pytest.param({".": HANG}, "timeout", marks=pytest.mark.fault("network", "a mail server that hangs after DATA")),
        pytest.param({"DATA": DROP}, "unavailable", marks=pytest.mark.fault("network", "a mail server that hangs up at DATA")),
        pytest.param(
            {"RCPT": "450 greylisted"}, "unavailable", marks=pytest.mark.fault("network", "a mail server that defers for ever")
        ),
        pytest.param({".": "452 disk full"}, "throttled", marks=pytest.mark.fault("network", "a mail server whose disk is full")),
    ],
    ids=["banner hangs", "busy", "data hangs", "data drops", "greylisted", "full"],
)
async def test_a_server_that_may_come_back(hut: Build, says: dict[str, Any], reason: str) -> None:
    """The mail stays owed and is tried by the schedule; others are served, the next channel and ops are told."""
    async with listening(Post(says)) as post:
        await stays_owed(await mailed(hut, post.port), post, reason)


@pytest.mark.fault("network", "a mail server that defers the first try (greylisting)")
async def test_greylisting_costs_five_seconds(hut: Build) -> None:
    """The second try, five seconds later, is taken; nothing is sent twice."""
    async with listening(Post({"RCPT": ["450 greylisted, come back", "250 OK"]})) as post:
        home = await mailed(hut, post.port)
        await home.act()
        assert not post.taken
        home.clock.advance(5 * SECOND)
        await home.act()
    assert len(post.taken) == 1
    assert ("room", "delivered", 2) in {(each.receiver, each.state, each.attempts) for each in await home.deliveries()}


@pytest.mark.fault("network", "a mail server that hangs up after DATA, before it answers")
async def test_what_may_have_arrived_is_sent_again_under_the_same_id(hut: Build) -> None:
    """The server has the mail and we do not know: it is sent once more, with the Message-ID it had, and never a third time."""
    async with listening(Post({".": [DROP, "250 taken"]})) as post:
        home = await mailed(hut, post.port)
        await home.act()
        home.clock.advance(5 * SECOND)
        await home.act()
        home.clock.advance(timedelta(hours=1))
        await home.act()
    assert len(post.taken) == 2
    assert len(post.ids()) == 1


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        pytest.param(
            {".": "554 we take this for spam"},
            "rejected",
            marks=pytest.mark.fault("network", "a mail server that refuses the mail for ever"),
        ),
        pytest.param(
            {"RCPT": "550 no such user"}, "unknown_recipient", marks=pytest.mark.fault("network", "a mailbox that does not exist")
        ),
    ],
    ids=["rejected", "unknown"],
)
async def test_what_is_refused_for_ever_is_told_to_somebody_else(hut: Build, says: dict[str, Any], reason: str) -> None:
    """It is tried once, ends as failed with the server's words in the timeline, and the default is told at once instead."""
    async with listening(Post(says)) as post:
        home = await mailed(hut, post.port)
        await home.act()
        await home.act()
    assert post.talks == 1
    (record,) = [each for each in await home.deliveries() if each.receiver == "room"]
    assert (record.state, record.reason) == ("failed", reason)
    (event,) = await home.timeline("delivery.failed")
    assert event.detail is not None
    assert says[next(iter(says))].split(maxsplit=1)[1] in str(event.detail["detail"])
    assert [facts.rule for message in home.told("desk") for facts in message.alerts] == ["complaint", "crisis"]


@pytest.mark.fault("network", "a mail server that defers a mail, and then refuses it for ever")
async def test_what_was_deferred_may_still_be_refused(hut: Build) -> None:
    """It is tried once more, ends as failed then, and somebody else is told of the emergency one time."""
    async with listening(Post({"RCPT": ["450 greylisted, come back", "550 no such user"]})) as post:
        home = await mailed(hut, post.port)
        await pass_a_minute(home, home.stages.evaluate.tick)
    assert (post.talks, post.taken) == (2, [])
    (record,) = [each for each in await home.deliveries() if each.receiver == "room"]
    assert (record.state, record.reason, record.attempts) == ("failed", "unknown_recipient", 2)
    assert [facts.rule for message in home.told("desk") for facts in message.alerts].count("crisis") == 1


@pytest.mark.fault("network", "a mail server that refuses one of several recipients")
async def test_the_others_get_theirs(hut: Build) -> None:
    """Delivered to those whom the server takes; the record names the one it does not."""
    async with listening(Post({"RCPT TO:<gone@example.org>": "550 no such user"})) as post:
        home = await mailed(hut, post.port, "gone@example.org", "here@example.org")
        await home.act()
    (record,) = [each for each in await home.deliveries() if each.receiver == "room"]
    assert record.state == "delivered"
    assert record.detail
    assert "gone@example.org (550)" in record.detail
    assert len(post.taken) == 1


@pytest.mark.fault("network", "a mail server that refuses our password")
async def test_a_refused_password_rings(hut: Build) -> None:
    """The mail stays owed, the password is in no record, and ops learn within a minute that somebody must change a setting."""
    post = Post({"AUTH": "535 5.7.8 authentication failed"}, offers=("AUTH PLAIN LOGIN",))
    async with listening(post):
        home = await mailed(hut, post.port, username="bell", password="hunter2")
        await stays_owed(home, post, "credentials")
    assert not any("hunter2" in repr(each) for each in (*await home.deliveries(), *await home.timeline()))


@pytest.mark.fault("network", "a mail server without the STARTTLS it should have")
async def test_no_mail_leaves_in_clear(hut: Build) -> None:
    """Nothing is sent without the encryption that was asked for; the record says what to check."""
    async with listening(Post()) as post:
        await stays_owed(await mailed(hut, post.port, security="starttls"), post, "tls")
    assert post.taken == []


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param(
            {"not_after": datetime(2020, 1, 1, tzinfo=UTC)},
            marks=pytest.mark.fault("network", "a mail server whose certificate has expired"),
        ),
        pytest.param(
            {"name": "other.example.org"}, marks=pytest.mark.fault("network", "a mail server with another server's certificate")
        ),
    ],
    ids=["expired", "wrong name"],
)
async def test_a_certificate_that_proves_nothing(hut: Build, tmp_path: Path, certificate: dict[str, Any]) -> None:
    """Nothing is sent to a server that cannot prove who it is; the mail stays owed, and others are told."""
    authority = trustme.CA()
    name = certificate.pop("name", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name, **certificate).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with listening(Post(), context) as post:
        await stays_owed(await mailed(hut, post.port, security="tls", ca_file=tmp_path / "ca.pem"), None, "tls")
    assert post.taken == []
