"""What the daemon costs while nothing happens: fifty sources, asked every two minutes, with nothing new to say."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from aiohttp import web

from bench.daemon import running
from bench.figure import Figure

SOURCES = 50
SETTLE = 20.0  # seconds: the first polls, which find everything new
WATCH = 120.0  # seconds: every source is asked once


def measure() -> list[Figure]:
    """Start the daemon on fifty feeds, let it settle, and watch it for as long as one round of polls takes."""
    ready, memory, load = asyncio.run(_watch())
    how = f"{SOURCES} feeds on loopback, `every: 2m`, watched for {WATCH:.0f} s"
    return [
        Figure("idle", "memory of the main process (RSS)", memory, "MB", 180, how=how),
        Figure("idle", "processor", load, "%", 2),
        Figure("idle", "  from start to ready", ready, "s"),
    ]


async def _watch() -> tuple[float, float, float]:
    runner = web.AppRunner(_feeds())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    settings = {
        "subjects": {"lumora": {"names": ["Lumora"]}},
        "sources": {f"feed-{n}": {"kind": "feed", "url": f"http://127.0.0.1:{port}/{n}", "every": "2m"} for n in range(SOURCES)},
        "receivers": {"out": {"kind": "webhook", "url": "https://never-called.invalid/"}},
        "routing": {"default": "out"},
    }
    try:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            async with running(Path(folder), settings) as daemon:
                await asyncio.sleep(SETTLE)
                before = daemon.processor
                await asyncio.sleep(WATCH)
                return daemon.ready_after, daemon.memory, (daemon.processor - before) / WATCH * 100
    finally:
        await runner.cleanup()


def _feeds() -> web.Application:
    """Fifty feeds of ten calm entries each. Like many servers they know nothing of conditional requests."""

    async def feed(request: web.Request) -> web.Response:
        number = request.match_info["number"]
        newest = datetime.now(UTC) - timedelta(minutes=10 * int(number))  # spread over a day: fifty at once would be a storm
        items = "".join(
            f"<item><title>Lumora shows lamp {n}</title><link>https://news.example/{number}/{n}</link>"
            f"<pubDate>{format_datetime(newest - timedelta(days=n))}</pubDate>"
            f"<description>Quiet news of Lumora, number {n}.</description></item>"
            for n in range(10)
        )
        body = f'<rss version="2.0"><channel><title>Feed {number}</title>{items}</channel></rss>'
        return web.Response(text=body, content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/{number}", feed)
    return app
