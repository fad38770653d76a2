"""Real SMTP conversations on loopback: what is accepted, refused, encrypted, hung up on, and what each failure means."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError

from notifiers import samples
from notifiers.base import DeliveryError, Reason, Receipt
from notifiers.email import Email, EmailSettings
from notifiers.smtp import SmtpSettings

# The test server is on loopback and says so itself.
needless_warning = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
TO = ("lea@example.org", "max@example.org")


class Mailbox:
    """An SMTP handler that answers as a test tells it, and keeps what it took."""

    def __init__(self, *, mail: str = "250 OK", rcpt: dict[str, str] | None = None, data: str = "250 taken") -> None:
        self.taken: list[Envelope] = []
        self._mail, self._rcpt, self._data = mail, rcpt or {}, data

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802 aiosmtpd's name
        envelope.mail_from = address
        return self._mail

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802 likewise
        answer = self._rcpt.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 likewise
        if self._data.startswith("250"):
            self.taken.append(envelope)
        return self._data


@contextlib.asynccontextmanager
async def serving(handler: Mailbox, *, ssl_context: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """A real server on loopback, in this very loop; gives its port."""
    loop = asyncio.get_running_loop()
    talks: list[SMTP] = []

    def talk() -> SMTP:
        talks.append(SMTP(handler, hostname="mail.example.org", loop=loop, **options))
        return talks[-1]

    server = await loop.create_server(talk, "127.0.0.1", 0, ssl=ssl_context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in talks:
            if each.transport is not None:
                each.transport.close()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def raw(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[int]:
    """A server that talks as no mail server should; gives its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def settings(port: int, **changes: Any) -> SmtpSettings:
    """A server on loopback, unencrypted unless a test says otherwise."""
    return SmtpSettings(
        **{"host": "127.0.0.1", "port": port, "security": "none", "sender": "tocsin@example.org", "timeout": "10s"} | changes
    )


async def send(smtp: SmtpSettings, to: tuple[str, ...] = TO) -> Receipt:
    """One crisis, sent."""
    return await Email(EmailSettings(kind="email", to=to), smtp).send(samples.crisis("fr"), attempted_at=samples.NOW)


async def failing(smtp: SmtpSettings, to: tuple[str, ...] = TO) -> DeliveryError:
    """The error of one crisis that cannot be sent."""
    with pytest.raises(DeliveryError) as caught:
        await send(smtp, to)
    return caught.value


async def test_a_mail_is_taken_whole() -> None:
    """One conversation, both recipients, the bytes as they were composed."""
    box = Mailbox()
    async with serving(box) as port:
        receipt = await send(settings(port))
    assert receipt.detail == "taken"
    (envelope,) = box.taken
    assert envelope.mail_from == "tocsin@example.org"
    assert envelope.rcpt_tos == list(TO)
    assert isinstance(envelope.content, bytes)
    assert b"Message-ID: <note-15@example.org>" in envelope.content


@pytest.mark.parametrize(
    ("code", "reason", "permanent"),
    [
        ("421", Reason.UNAVAILABLE, False),
        ("450", Reason.UNAVAILABLE, False),
        ("451", Reason.THROTTLED, False),
        ("452", Reason.THROTTLED, False),
        ("550", Reason.UNKNOWN_RECIPIENT, True),
        ("551", Reason.UNKNOWN_RECIPIENT, True),
        ("553", Reason.UNKNOWN_RECIPIENT, True),
        ("530", Reason.CREDENTIALS, False),
        ("554", Reason.REJECTED, True),
    ],
)
async def test_refused_recipients_by_code(code: str, reason: Reason, *, permanent: bool) -> None:
    """4xx are tried again, 5xx are not; who has to act differs."""
    box = Mailbox(rcpt=dict.fromkeys(TO, f"{code} no"))
    async with serving(box) as port:
        error = await failing(settings(port))
    assert (error.reason, error.permanent) == (reason, permanent)
    assert code in error.detail or code == "421"  # after 421 the line is closed
    assert box.taken == []


@pytest.mark.parametrize(("code", "reason"), [("451", Reason.THROTTLED), ("552", Reason.REJECTED), ("554", Reason.REJECTED)])
async def test_refused_after_data_by_code(code: str, reason: Reason) -> None:
    """Too large or taken for spam: the same message will never pass; busy: later."""
    async with serving(Mailbox(data=f"{code} not this one")) as port:
        error = await failing(settings(port))
    assert error.reason is reason
    assert "not this one" in error.detail


async def test_a_refused_sender_is_rejected() -> None:
    """The server says why, and we pass it on."""
    async with serving(Mailbox(mail="553 not allowed to send as tocsin@example.org")) as port:
        error = await failing(settings(port))
    assert error.permanent
    assert "not allowed" in error.detail


async def test_one_refused_recipient_does_not_stop_the_others() -> None:
    """Some accepted: delivered, and the detail names who was not."""
    box = Mailbox(rcpt={"max@example.org": "550 nobody here"})
    async with serving(box) as port:
        receipt = await send(settings(port))
    assert box.taken[0].rcpt_tos == ["lea@example.org"]
    assert receipt.detail == "taken; not taken for max@example.org (550)"


async def test_a_refusal_for_now_beats_one_for_ever() -> None:
    """If any recipient may work later, the message is tried again."""
    box = Mailbox(rcpt={"lea@example.org": "550 nobody", "max@example.org": "450 later"})
    async with serving(box) as port:
        error = await failing(settings(port))
    assert error.reason is Reason.UNAVAILABLE
    assert not error.permanent


def _login(answer: AuthResult) -> Callable[..., AuthResult]:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"tocsin", b"correct horse")
        return AuthResult(success=True) if right else answer

    return check


@needless_warning
@pytest.mark.parametrize(("said", "reason"), [(None, Reason.CREDENTIALS), ("454 4.7.0 later", Reason.UNAVAILABLE)])
async def test_a_wrong_password_is_told_without_showing_it(said: str | None, reason: Reason) -> None:
    """535 asks for a person, 454 for patience; neither repeats the password."""
    answer = AuthResult(success=False, handled=False, message=said)
    async with serving(Mailbox(), authenticator=_login(answer), auth_required=True, auth_require_tls=False) as port:
        error = await failing(settings(port, username="tocsin", password="hunter2-secret"))
        assert error.reason is reason
        assert "hunter2" not in str(error)
        await send(settings(port, username="tocsin", password="correct horse"))


@needless_warning
async def test_a_server_that_wants_a_password_says_so() -> None:
    """530 before MAIL: credentials are missing."""
    async with serving(
        Mailbox(), authenticator=_login(AuthResult(success=False)), auth_required=True, auth_require_tls=False
    ) as port:
        error = await failing(settings(port))
    assert error.reason is Reason.CREDENTIALS


async def test_a_server_without_login_is_a_wrong_setting() -> None:
    """A username for a server that offers no AUTH: somebody has to change the file."""
    async with serving(Mailbox(), auth_exclude_mechanism=["LOGIN", "PLAIN"]) as port:
        error = await failing(settings(port, username="tocsin", password="x"))
    assert error.reason is Reason.CREDENTIALS


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    """A certificate authority of our own, and its PEM file."""
    ca = trustme.CA()
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


def _server_tls(ca: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    return context


async def test_starttls_and_login_with_our_own_authority(authority: tuple[trustme.CA, Path]) -> None:
    """The certificate is checked against `ca_file`, then the password goes through the tunnel."""
    ca, path = authority
    box = Mailbox()
    login = _login(AuthResult(success=False))
    async with serving(box, tls_context=_server_tls(ca, "127.0.0.1"), require_starttls=True, authenticator=login) as port:
        await send(settings(port, security="starttls", ca_file=path, username="tocsin", password="correct horse"))
    assert len(box.taken) == 1


async def test_tls_from_the_first_byte(authority: tuple[trustme.CA, Path]) -> None:
    """As on port 465."""
    ca, path = authority
    box = Mailbox()
    async with serving(box, ssl_context=_server_tls(ca, "127.0.0.1")) as port:
        await send(settings(port, security="tls", ca_file=path))
    assert len(box.taken) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_unknown_certificate_is_refused(authority: tuple[trustme.CA, Path], security: str) -> None:
    """Nothing is sent to somebody who only says that they are the server."""
    ca, _ = authority
    box = Mailbox()
    option = {"tls_context" if security == "starttls" else "ssl_context": _server_tls(ca, "127.0.0.1")}
    async with serving(box, **option) as port:
        error = await failing(settings(port, security=security))
    assert error.reason is Reason.TLS
    assert not error.permanent
    assert box.taken == []


async def test_a_certificate_for_another_name_is_refused(authority: tuple[trustme.CA, Path]) -> None:
    """A good certificate of somebody else is no good."""
    ca, path = authority
    async with serving(Mailbox(), tls_context=_server_tls(ca, "mail.example.org")) as port:
        assert (await failing(settings(port, security="starttls", ca_file=path))).reason is Reason.TLS


async def test_a_server_without_starttls_gets_nothing() -> None:
    """Encryption that was asked for is never silently left out."""
    box = Mailbox()
    async with serving(box) as port:
        error = await failing(settings(port, security="starttls"))
    assert error.reason is Reason.TLS
    assert not error.permanent
    assert box.taken == []


async def test_tls_to_a_plain_port_is_a_tls_failure() -> None:
    """The commonest mistake of all gets a detail that helps."""
    async with serving(Mailbox()) as port:
        error = await failing(settings(port, security="tls"))
    assert error.reason is Reason.TLS
    assert "the port and `security`" in error.detail


async def test_an_unreadable_authority_is_a_wrong_setting(tmp_path: Path) -> None:
    """The path is named."""
    bad = tmp_path / "nothing.pem"
    error = await failing(settings(1, security="tls", ca_file=bad))
    assert error.reason is Reason.MISCONFIGURED
    assert str(bad) in error.detail


async def test_nobody_there_is_unavailable() -> None:
    """Connection refused: later."""
    async with raw(_refuse_starttls) as port:
        pass
    error = await failing(settings(port))
    assert error.reason is Reason.UNAVAILABLE


async def _refuse_starttls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    while line := await reader.readline():
        if line.upper().startswith(b"EHLO"):
            writer.write(b"250-me\r\n250 STARTTLS\r\n")
        else:
            writer.write(b"554 no TLS today\r\n")


async def test_a_refused_starttls_is_tried_again() -> None:
    """A 5xx about the line, not about the message, is not for ever."""
    async with raw(_refuse_starttls) as port:
        error = await failing(settings(port, security="starttls"))
    assert (error.reason, error.permanent) == (Reason.TLS, False)


@pytest.mark.parametrize("code", ["421", "554"])
async def test_a_server_that_does_not_want_us_now_is_tried_again(code: str) -> None:
    """A refused greeting (a block list, too many calls) says nothing about this message."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{code} go away\r\n".encode())
        await writer.drain()

    async with raw(refuse) as port:
        error = await failing(settings(port))
    assert (error.reason, error.permanent) == (Reason.UNAVAILABLE, False)


async def test_a_server_that_says_nothing_times_out() -> None:
    """The time limit is for the whole conversation."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw(hang) as port:
        error = await failing(settings(port, timeout="1s"))
    assert error.reason is Reason.TIMEOUT
    assert "1 s" in error.detail


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer_data: bool) -> None:
    """A bare server that hangs up after the message: before the answer, or before QUIT's."""
    writer.write(b"220 hello\r\n")
    body = False
    while line := await reader.readline():
        if body:
            if line != b".\r\n":
                continue
            if answer_data:
                writer.write(b"250 taken\r\n")
                await reader.readline()  # QUIT, never answered
            return
        body = line.upper().startswith(b"DATA")
        writer.write(b"354 go\r\n" if body else b"250 OK\r\n")


async def test_dropped_after_data_may_have_been_taken() -> None:
    """Nobody knows: it is tried again, under the same Message-ID."""
    async with raw(lambda reader, writer: _talk(reader, writer, answer_data=False)) as port:
        error = await failing(settings(port))
    assert error.reason is Reason.UNAVAILABLE
    assert not error.permanent


async def test_dropped_at_the_goodbye_is_delivered() -> None:
    """Once the server has said 250 the message is its own: sending again would be a duplicate."""
    async with raw(lambda reader, writer: _talk(reader, writer, answer_data=True)) as port:
        receipt = await send(settings(port))
    assert receipt.detail == "taken"


async def test_nonsense_from_the_server_is_a_delivery_error() -> None:
    """`send` raises nothing but DeliveryError."""

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\xff\xfe not smtp at all\r\n" * 3)
        await writer.drain()
        await reader.read()

    async with raw(nonsense) as port:
        error = await failing(settings(port, timeout="5s"))
    assert not error.permanent


async def test_a_bug_in_the_library_is_internal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised, its words stay inside: they may quote what was sent."""
    monkeypatch.setattr("aiosmtplib.SMTP.connect", lambda self: (_ for _ in ()).throw(ValueError("hunter2")))
    error = await failing(settings(1))
    assert error.reason is Reason.INTERNAL
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": "x"}, "go together"),
        ({"host": "mail.example.org", "username": "x", "password": "y"}, "in clear"),
        ({"sender": "not an address"}, "name@example.org"),
        ({"sender": "a@b..example"}, "name@example.org"),
        ({"sender": "a@b.example\r\nBcc: x@y.example"}, "name@example.org"),
        ({"timeout": "soon"}, "10s, 2m or 1h"),
        ({"timeout": "2h"}, "less than or equal"),
        ({"host": ""}, "at least 1 character"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    """What, and what to do; the password is in no error."""
    with pytest.raises(ValidationError, match=words) as caught:
        settings(25, **changes)
    assert "hunter2" not in str(caught.value)


def test_the_password_is_in_no_repr() -> None:
    """Neither whole nor in part."""
    secret = settings(25, username="x", password="hunter2-secret")
    assert "hunter2" not in repr(secret)
    assert "hunter2" not in str(Email(EmailSettings(kind="email", to=TO), secret).__dict__)


def test_localhost_may_have_a_password_in_clear() -> None:
    """A relay on the same machine is no network."""
    assert settings(25, host="localhost", username="x", password="y").username == "x"
