"""A connection to one mailbox: brings what is new in it, and says when the server has something. It changes nothing there.

The library speaks IMAP and blocks, so it works in a thread; time limits are kept here, by cutting the connection off.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from monitor.domain.errors import SourceError, Trouble
from monitor.mailbox.settings import MailboxSettings

T = TypeVar("T")

# Whoever asks for our own debug log does not ask for passwords and letters in it.
logging.getLogger("imapclient").setLevel(logging.WARNING)

AT_ONCE = 50  # letters that one look goes through
_HEAD = 64 * 1024  # bytes of a letter's head that are read …
_LETTER = 256 * 1024  # … and of a letter: what people type stands before what they attach
# What a server says of a login that may work later, though name and password are right (RFC 5530).
_FOR_NOW = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[ALERT] Too many")


@dataclass(frozen=True, slots=True)
class Arrived:
    """A letter as it came: its number in the folder, when the server took it in (aware, where it says so), and its beginning."""

    uid: int
    at: datetime | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look brought: the letters that were wanted, oldest first; where the next look begins; whether more waits."""

    letters: Sequence[Arrived]
    cursor: str
    more: bool

    def first(self, count: int) -> Batch:
        """So many of its letters alone: the next look begins behind them."""
        if count >= len(self.letters):
            return self
        which, _, _ = self.cursor.partition(".")
        return Batch(self.letters[:count], f"{which}.{self.letters[count].uid - 1}", more=True)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it stands. `tells` says whether the server tells at once what comes (IDLE)."""

    letters: int
    tells: bool


class Mailbox:
    """One mailbox. The cursor names the folder, UIDVALIDITY included, and the last UID that was looked at."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._session: _Session | None = None
        self._bell: tuple[asyncio.AbstractEventLoop, int] | None = None  # who watches which socket

    async def new(self, cursor: str | None, wanted: Callable[[bytes], bool], since: date) -> Batch:
        """The letters behind the cursor whose head is `wanted`; without one that still holds, those of `since` and later.

        Raises `SourceError`, and nothing else; the next look then connects anew.
        """
        self._stop_watching()
        if self._session is not None:
            with suppress(SourceError):  # what is kept open may have been hung up on meanwhile
                return await self._look(cursor, wanted, since)
        return await self._look(cursor, wanted, since)

    async def _look(self, cursor: str | None, wanted: Callable[[bytes], bool], since: date) -> Batch:
        session = self._session = self._session or _Session(self._settings)
        return await self._within_its_time(lambda: session.new(cursor, wanted, since))

    async def look_in(self) -> Folder:
        """What is there, for whoever tries the settings. Raises `SourceError`, and nothing else."""
        session = self._session = self._session or _Session(self._settings)
        return await self._within_its_time(session.look_in)

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` once, as soon as the server says something, if it can. Whoever waits looks now and then all the same."""
        session = self._session
        if session is None or not await self._within_its_time(session.listen):
            return
        loop, number = asyncio.get_running_loop(), session.number

        def heard() -> None:
            self._stop_watching()
            ring()

        loop.add_reader(number, heard)
        self._bell = loop, number

    async def close(self) -> None:
        """Hang up."""
        self._stop_watching()
        session, self._session = self._session, None
        if session is not None:
            session.cut()

    def _stop_watching(self) -> None:
        if self._bell is not None:
            loop, number = self._bell
            loop.remove_reader(number)
            self._bell = None

    async def _within_its_time(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                return await _apart(work)
        except Exception as error:  # noqa: BLE001 a library's own errors may quote what was sent
            await self.close()
            raise _trouble(self._settings, error) from None
        except BaseException:  # we are stopping
            await self.close()
            raise


async def _apart(work: Callable[[], T]) -> T:
    """Work in a thread of its own, for which nobody waits in the end: a server's silence must not keep us from stopping."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # whoever stops waiting does not undo it

    def carry_out() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 it is raised where somebody waits for it
            done.set_exception(error)

    threading.Thread(target=carry_out, name="mailbox", daemon=True).start()
    return await asyncio.wrap_future(done)


class _Session:
    """One connection, from its greeting to its end: all that blocks. Only `cut` may be called beside something else."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._client: IMAPClient | None = None
        self._idling = False
        self._cut = False
        self._turn = threading.Lock()

    @property
    def number(self) -> int:
        """The number of its socket."""
        assert self._client is not None
        return int(self._client.socket().fileno())

    @contextmanager
    def _at_work(self) -> Iterator[IMAPClient]:
        with self._turn:
            try:
                yield self._client or self._enter()
            finally:
                if self._cut:
                    self._hang_up()

    def new(self, cursor: str | None, wanted: Callable[[bytes], bool], since: date) -> Batch:
        with self._at_work() as client:
            if self._idling:
                self._idling = False
                client.idle_done()
            return self._news(client, cursor, wanted, since)

    def _news(self, client: IMAPClient, cursor: str | None, wanted: Callable[[bytes], bool], since: date) -> Batch:
        folder = self._folder(client)
        which = _which(self._settings, int(folder[b"UIDVALIDITY"]))
        last = _last(cursor, which)
        found = client.search(["SINCE", since] if last is None else ["UID", f"{last + 1}:*"])
        fresh = sorted(each for each in found if last is None or each > last)
        now = fresh[:AT_ONCE]
        reached = now[-1] if now else last if last is not None else int(folder.get(b"UIDNEXT", 1)) - 1
        return Batch(self._read(client, now, wanted), f"{which}.{reached}", more=len(fresh) > len(now))

    def _folder(self, client: IMAPClient) -> dict[bytes, Any]:
        """The folder, opened so that nothing in it can change."""
        try:
            return dict(client.select_folder(self._settings.folder, readonly=True))
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            detail = f"{self._settings.host} does not open the folder `{self._settings.folder}`: check its name"
            raise SourceError(Trouble.REFUSED, detail) from None

    @staticmethod
    def _read(client: IMAPClient, numbers: Sequence[int], wanted: Callable[[bytes], bool]) -> list[Arrived]:
        if not numbers:
            return []
        heads = client.fetch(numbers, [f"BODY.PEEK[HEADER]<0.{_HEAD}>"])
        chosen = [each for each in numbers if wanted(heads.get(each, {}).get(b"BODY[HEADER]<0>") or b"")]
        asked = ["INTERNALDATE", f"BODY.PEEK[]<0.{_LETTER}>"]
        letters = ((each, client.fetch([each], asked).get(each, {})) for each in chosen)
        return [Arrived(uid, told.get(b"INTERNALDATE"), told[b"BODY[]<0>"]) for uid, told in letters if told.get(b"BODY[]<0>")]

    def look_in(self) -> Folder:
        with self._at_work() as client:
            folder = self._folder(client)
            return Folder(int(folder[b"EXISTS"]), bool(client.has_capability("IDLE")))

    def listen(self) -> bool:
        """Ask to be told of what comes. False: the server does not offer that."""
        with self._at_work() as client:
            if not client.has_capability("IDLE"):
                return False
            if not self._idling:
                client.idle()
                self._idling = True
            return True

    def _enter(self) -> IMAPClient:
        settings, seconds = self._settings, self._settings.timeout.total_seconds()
        secure = ssl.create_default_context(cafile=settings.ca_file) if settings.security != "none" else None
        client = IMAPClient(
            settings.host,
            settings.port,
            ssl=settings.security == "tls",
            ssl_context=secure,
            timeout=seconds,
        )
        client.normalise_times = False  # else they would lose their zones
        self._client = client
        if self._cut:  # while we were connecting
            raise ConnectionAbortedError
        if settings.security == "starttls":
            client.starttls(secure)
        _log_in(client, settings)
        return client

    def cut(self) -> None:
        """End the connection at once. Whoever waits for an answer on it gets an error, and hangs up."""
        self._cut = True
        if self._client is not None:
            with suppress(OSError):
                self._client.socket().shutdown(socket.SHUT_RDWR)
        if self._turn.acquire(blocking=False):
            self._hang_up()
            self._turn.release()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError, IMAPClientError):
                client.shutdown()


def _log_in(client: IMAPClient, settings: MailboxSettings) -> None:
    """By SASL where it is offered: LOGIN takes no password beyond ASCII."""
    enter = client.plain_login if client.has_capability("AUTH=PLAIN") else client.login
    enter(settings.username, settings.password.get_secret_value())


def _which(settings: MailboxSettings, validity: int) -> str:
    """A short name for a folder as it is now: made anew, its numbers mean something else."""
    place = "\n".join((settings.host, settings.username, settings.folder, str(validity)))
    return hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _last(cursor: str | None, which: str) -> int | None:
    """The last UID looked at; None when that was in another folder."""
    known, _, last = (cursor or "").partition(".")
    return int(last) if known == which and last.isdigit() else None


def _trouble(settings: MailboxSettings, error: Exception) -> SourceError:
    """What went wrong, in words. The server's own are left out where they may quote what it was given."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, SourceError):
        return error
    if isinstance(error, LoginError):
        return _not_let_in(where, error)
    if isinstance(error, ssl.SSLError):
        return SourceError(
            Trouble.REFUSED, f"{where}: {settings.security} failed: check the certificate, the port and `security`"
        )
    if isinstance(error, TimeoutError):
        return SourceError(Trouble.TIMEOUT, f"{where} did not answer within {settings.timeout.total_seconds():g} s")
    if isinstance(error, OSError | IMAPClientError):
        return SourceError(Trouble.UNAVAILABLE, f"{where} cannot be reached, or hung up ({type(error).__name__})")
    return SourceError(Trouble.MALFORMED, f"{where} answered what cannot be understood ({type(error).__name__})")


def _not_let_in(where: str, error: LoginError) -> SourceError:
    if any(word in str(error) for word in _FOR_NOW):
        return SourceError(Trouble.UNAVAILABLE, f"{where} lets nobody in for now")
    return SourceError(Trouble.CREDENTIALS, f"{where} refused to log in: check `username` and `password`")
