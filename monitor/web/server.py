"""Serves one of the two doors on its address until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, Literal

import structlog
from aiohttp import web
from yarl import URL

from monitor.domain.errors import ExitCode, TocsinError
from monitor.web.app import Furnish, WebDeps, private_app, public_app
from monitor.web.protection import AccessLog, server_log

log = structlog.get_logger(__name__)

Door = Literal["public", "private"]

GRACE: Final = 3.0  # seconds for requests under way when the end comes
# Seconds for the whole head of a request, however it trickles in, and for a connection to stay open without one.
IDLE: Final = 20.0
# Connections at the same time: more would take the descriptors that sources, receivers and the store need.
MOST: Final = 256


class CannotListenError(TocsinError):
    """The address to serve on is taken or not ours."""

    exit_code = ExitCode.UNAVAILABLE


@asynccontextmanager
async def serve(deps: WebDeps, door: Door, host: str, port: int, *, furnish: Furnish = lambda _: None) -> AsyncGenerator[str]:
    """Serves while inside; gives the address, "http://127.0.0.1:8080" (port 0 takes a free one). Raises `CannotListenError`."""
    runner = web.AppRunner(
        public_app(deps, furnish) if door == "public" else private_app(deps),
        handle_signals=False,
        access_log_class=AccessLog,
        logger=server_log(),
        auto_decompress=False,
        keepalive_timeout=IDLE,
        shutdown_timeout=GRACE,
    )
    await runner.setup()
    try:
        yield await _listen(runner, door, host, port)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, door: Door, host: str, port: int) -> str:
    try:
        await _Site(runner, host, port).start()
    except (OSError, OverflowError) as error:
        setting = "{host: …, port: …}" if door == "public" else "{private: {host: …, port: …}}"
        raise CannotListenError(
            f"cannot serve on {host}:{port} ({error}). Set `web: {setting}` in monitor.yaml to an address of this machine and a"
            " port that nothing else uses."
        ) from error
    host, port = runner.addresses[0][:2]
    address = str(URL.build(scheme="http", host=host, port=port))
    log.info("web.listening", address=address, door=door)
    return address


class _Site(web.BaseSite):
    """A listening socket that turns away whoever comes when there are too many: aiohttp itself takes everybody."""

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        super().__init__(runner)
        self._host = host
        self._port = port

    @property
    def name(self) -> str:
        return f"{self._host}:{self._port}"

    async def start(self) -> None:
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(self._protocol, self._host, self._port)

    def _protocol(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None, "it was set up before it listens"
        return server() if len(server.connections) < MOST else _TurnedAway()


class _TurnedAway(asyncio.Protocol):
    """Nobody answers this connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
