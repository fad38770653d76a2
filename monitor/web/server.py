"""Serves the endpoints on one address until told to stop."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from monitor.domain.errors import ExitCode, TocsinError
from monitor.web.app import WebDeps, build_app
from monitor.web.protection import AccessLog, server_log

log = structlog.get_logger(__name__)

GRACE: Final = 3.0  # seconds for requests under way when the end comes
IDLE: Final = 30.0  # seconds that a connection may stay open without a request


class CannotListenError(TocsinError):
    """The address to serve on is taken or not ours."""

    exit_code = ExitCode.UNAVAILABLE


@asynccontextmanager
async def serve(deps: WebDeps, host: str, port: int) -> AsyncGenerator[str]:
    """Serves while inside; gives the address, "http://127.0.0.1:8080" (port 0 takes a free one). Raises `CannotListenError`."""
    runner = web.AppRunner(
        build_app(deps),
        handle_signals=False,
        access_log_class=AccessLog,
        logger=server_log(),
        auto_decompress=False,
        keepalive_timeout=IDLE,
        shutdown_timeout=GRACE,
    )
    await runner.setup()
    try:
        yield await _listen(runner, host, port)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> str:
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        raise CannotListenError(
            f"cannot serve on {host}:{port} ({error}). Set `web: {{host: …, port: …}}` in monitor.yaml to an address of this"
            " machine and a port that nothing else uses."
        ) from error
    host, port = runner.addresses[0][:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    log.info("web.listening", address=address)
    return address
