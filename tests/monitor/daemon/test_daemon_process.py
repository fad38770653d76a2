"""`tocsin run` as people start it: a process that is told by signals, watched by systemd, and heard through its endpoints."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from monitor.demo.servers import Postbox, Wall
from monitor.testing import serving
from tests.monitor.daemon.conftest import SECRET, Hanging, call_in, notify_socket

Folder = Any
Launch = Any
Patiently = Callable[..., Awaitable[Any]]
MAIL = "smtp: {host: 127.0.0.1, port: PORT, security: none, sender: tocsin@acme.example}\n"
READY = "tocsin_config_last_reload_successful"


async def test_a_day_in_the_life_of_a_process(folder: Folder, launched: Launch, patiently: Patiently, tmp_path: Path) -> None:
    """Ready; rings by e-mail and webhook; reloads a good file, keeps the old one at a bad one; ends cleanly on SIGTERM."""
    async with Postbox(tmp_path / "mail") as postbox, Wall(tmp_path / "hooks", SECRET) as wall:
        text = folder.base.replace("receivers:", "receivers:\n  care: {kind: email, to: care@acme.example}")
        text = text.replace("default: hub", "default: [hub, care]") + MAIL.replace("PORT", str(postbox.port))
        folder.write(text, hub=wall.url)
        with notify_socket(tmp_path) as (notify, said):
            async with launched(NOTIFY_SOCKET=notify, WATCHDOG_USEC="400000") as daemon:
                assert said()[0] == "EXTEND_TIMEOUT_USEC=60000000"  # for a migration, should there be one
                assert "READY=1" in said()
                await call_in(daemon.address, 1, "My Acme is broken")

                async def both(count: int) -> bool:
                    return len(wall.verified) >= count and len(postbox.saved) >= count

                await patiently(lambda: both(1), "webhook and e-mail arrive")

                folder.write(text, hub=wall.url, rules=folder.rules.replace("broken", "late"))
                daemon.process.send_signal(signal.SIGHUP)

                async def heard(*words: str) -> bool:
                    return [each for each in said() if each in {"READY=1", "RELOADING=1", "STOPPING=1"}] == list(words)

                await patiently(lambda: heard("READY=1", "RELOADING=1", "READY=1"), "the reload is begun and done")
                await patiently(daemon.ready, "the endpoints say ready again")
                await call_in(daemon.address, 2, "My Acme is late")
                await patiently(lambda: both(2), "the new rule rings")

                (folder.path / "rules" / "acme.yaml").write_text("version: 1\nruels: []\n")
                daemon.process.send_signal(signal.SIGHUP)
                await patiently(lambda: daemon.metric(f"{READY} 0.0"), "the metric says that the file was refused")
                assert "ruels" in str(daemon.logged("config.refused")[0]["problems"])
                assert any(each.startswith("STATUS=refused") for each in said())
                assert await daemon.ready()

                await patiently(lambda: _said(said, "WATCHDOG=1"), "the watchdog is fed")
                assert await daemon.end() == 0
                assert "STOPPING=1" in said()
    assert daemon.logged("daemon.stopped")
    assert not [each for each in daemon.events if each.get("level") == "error" and each["event"] != "config.refused"]


async def _said(said: Callable[[], list[str]], words: str) -> bool:
    return words in said()


async def test_sigterm_ends_within_ten_seconds_while_a_receiver_hangs(
    folder: Folder, launched: Launch, patiently: Patiently
) -> None:
    """The hanging message is cut off and stays owed: the next process sends it at once, under the same id."""
    hanging = Hanging()
    async with serving() as hub:
        hub.answer = hanging
        folder.write(hub=f"{hub.url}/in")
        async with launched() as daemon:
            await call_in(daemon.address, 1, "My Acme is broken")
            await asyncio.wait_for(hanging.begun.wait(), 30)
            asked = time.monotonic()
            assert await daemon.end() == 0
            assert time.monotonic() - asked < 10
        first = hub.asked[0].headers["webhook-id"]
        hub.says(204)
        async with launched():

            async def again() -> bool:
                return len(hub.asked) > 1

            await patiently(again, "the message is sent again")
        assert {each.headers["webhook-id"] for each in hub.asked} == {first}


async def test_a_killed_daemons_work_goes_on_at_once(folder: Folder, launched: Launch, patiently: Patiently) -> None:
    """After SIGKILL in the middle of a delivery the next process leads and sends without waiting for any lease."""
    hanging = Hanging()
    async with serving() as hub:
        hub.answer = hanging
        folder.write(hub=f"{hub.url}/in")
        async with launched() as daemon:
            await call_in(daemon.address, 1, "My Acme is broken")
            await asyncio.wait_for(hanging.begun.wait(), 30)
            assert await daemon.end(signal.SIGKILL) == -signal.SIGKILL
        hub.says(204)
        async with launched() as daemon:
            await call_in(daemon.address, 2, "This Acme is broken too")

            async def all_told() -> bool:
                return len({each.headers["webhook-id"] for each in hub.asked}) == 2

            await patiently(all_told, "both messages arrive", within=30)
            assert daemon.logged("lease.freed")


async def test_a_port_that_is_taken_ends_the_daemon_with_69(folder: Folder) -> None:
    """In words, not in a traceback."""
    async with serving() as site:
        folder.write(folder.base.replace("port: 0", f"port: {site.port}"))
        command = [str(Path(sys.executable).parent / "tocsin"), "run", "--config", str(folder.path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 69
    assert f"cannot serve on 127.0.0.1:{site.port}" in done.stderr
    assert "Traceback" not in done.stderr


class Mock:
    """mastodon_mock, as the fediverse and as its stage hand."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, path: str, body: object = None, token: str = "grace_token") -> Any:
        """One request of its API."""
        data = json.dumps(body).encode() if body is not None else None
        named = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        with urlopen(Request(self.url + path, data=data, headers=named), timeout=20) as answer:
            return json.load(answer)

    async def up(self) -> bool:
        """Whether it answers."""
        try:
            return bool(await asyncio.to_thread(self.call, "/api/v1/instance"))
        except (URLError, ConnectionError):
            return False


@asynccontextmanager
async def mastodon(patiently: Patiently) -> AsyncIterator[Mock]:
    """An independent implementation of the Mastodon API, as a process of its own."""
    pytest.importorskip("mastodon_mock", reason="mastodon_mock is not installed (make test installs it)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = (sys.executable, "-m", "mastodon_mock", "serve", "--in-memory", "--demo", "--port", str(port))
    process = await asyncio.create_subprocess_exec(
        *command, "--log-level", "error", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        mock = Mock(f"http://127.0.0.1:{port}")
        await patiently(mock.up, "mastodon_mock starts")
        yield mock
    finally:
        process.kill()
        await process.wait()


async def test_a_post_under_a_hashtag_becomes_an_email_through_trouble(
    folder: Folder, launched: Launch, patiently: Patiently, tmp_path: Path
) -> None:
    """A server that fails for a while raises the alarm about itself; when it answers again, the post of meanwhile rings."""
    async with mastodon(patiently) as mock, Postbox(tmp_path / "mail") as postbox:
        fediverse = (
            f"  fediverse: {{kind: mastodon, url: {mock.url}, token: ada_token, hashtags: [acme], every: 1s, silent_after: 1s}}\n"
        )
        text = folder.base.replace("receivers:", f"{fediverse}receivers:\n  care: {{kind: email, to: care@acme.example}}")
        text = text.replace("default: hub, ops: hub", "default: care, ops: care") + MAIL.replace("PORT", str(postbox.port))
        folder.write(text.replace("http: {", "http: {retries: 0, "))

        async def polled(outcome: str) -> bool:
            metrics = (await daemon.get("/metrics"))[1]
            return f'tocsin_polls_total{{outcome="{outcome}",source="fediverse"}}' in metrics

        async def mailed(words: str) -> bool:
            return any(words in path.with_suffix(".html").read_text() for path in postbox.saved)

        async with launched() as daemon:
            await patiently(lambda: polled("ok"), "the hashtag is watched")
            await asyncio.to_thread(mock.call, "/api/v1/_mock/faults", {"effect": {"type": "status", "status": 503}, "count": 1})
            await patiently(lambda: polled("unavailable"), "the fault is met")
            await asyncio.to_thread(mock.call, "/api/v1/statuses", {"status": "My Acme kettle is broken #acme"})
            await patiently(lambda: mailed("kettle is broken"), "the post rings once the server answers again", within=60)
            assert await daemon.end() == 0
