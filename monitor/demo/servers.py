"""The other side of the demo: an SMTP server that saves what it is sent, and a webhook receiver that checks signatures."""

from __future__ import annotations

import asyncio
import email.policy
import re
import socket
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope

from monitor.domain.clock import SystemClock
from notifiers.signing import SignatureError, verify

_NUMBER = re.compile(r"\d+")

Shown = Callable[[Path, EmailMessage], None]


class Postbox:
    """A real SMTP server on loopback, on a free port unless told which. Each e-mail becomes a .eml, and its HTML part a .html.

    It is `emptied` before, or goes on behind what lies there; `shown` is called with each e-mail once it is kept.
    """

    def __init__(self, folder: Path, *, port: int = 0, emptied: bool = True, shown: Shown | None = None) -> None:
        self._folder, self._emptied, self._shown = folder, emptied, shown
        self._server: asyncio.Server | None = None
        self._before = 0  # e-mails that lay there
        self.port = port
        self.saved: list[Path] = []

    async def __aenter__(self) -> Self:
        if self._emptied:
            _empty(self._folder, "*.eml", "*.html")
        self._before = max(
            (int(found[0]) for path in self._folder.glob("*.eml") if (found := _NUMBER.match(path.name))), default=0
        )
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Take one e-mail."""
        del server, session
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        mail = message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        who = re.sub(r"[^a-z0-9-]+", "-", str(envelope.rcpt_tos[0]).partition("@")[0].lower())
        path = self._folder / f"{self._before + len(self.saved) + 1:02d}-{who}.eml"
        path.write_bytes(content)
        html = mail.get_body(("html",))
        if html is not None:
            path.with_suffix(".html").write_text(html.get_content(), encoding="utf-8")
        self.saved.append(path)
        if self._shown is not None:
            self._shown(path, mail)
        return "250 taken"


class Wall:
    """A real webhook receiver on a free port of loopback. It verifies every signature and deduplicates by id."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._folder = folder
        self._secret = secret
        self._runner: web.AppRunner | None = None
        self.url = ""
        self.verified: dict[str, Path] = {}

    async def __aenter__(self) -> Self:
        _empty(self._folder, "*.json")
        app = web.Application()
        app.router.add_post("/tocsin", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/tocsin"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            name = verify([self._secret], request.headers, body, now=SystemClock().wall())
        except SignatureError as error:
            return web.Response(status=401, text=str(error))
        if name not in self.verified:
            self.verified[name] = self._folder / f"{len(self.verified) + 1:02d}.json"
            self.verified[name].write_bytes(body)
        return web.Response(status=204)


def free_port() -> int:
    """A port of loopback that nobody uses at this moment: links are written before the door that they lead to is open."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _empty(folder: Path, *patterns: str) -> None:
    """Make the folder, without what an earlier demo left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        for old in folder.glob(pattern):
            old.unlink()
