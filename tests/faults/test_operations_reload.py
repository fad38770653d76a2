"""The configuration is reloaded, well and badly, and strangers crowd the public door: what works goes on working."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from monitor.testing import serving
from monitor.web import server
from tests.monitor.daemon.conftest import Folder, Launch, Start, call_in

Patiently = Callable[..., Awaitable[Any]]
SUCCESSFUL = "tocsin_config_last_reload_successful"


async def posted(address: str, **headers: str) -> tuple[int, Any]:
    """What a reload by POST is answered."""
    async with aiohttp.request("POST", f"{address}/-/reload", headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.mark.fault("operations", "the configuration is reloaded with a faulty file")
@pytest.mark.parametrize("by", ["POST", "SIGHUP"])
async def test_a_faulty_file_keeps_the_configuration_in_force(
    folder: Folder, launched: Launch, patiently: Patiently, by: str
) -> None:
    """Every fault is named, the metric says so, the old rules ring on; the mended file is at work at once."""
    async with serving() as hub:
        hub.says(204)
        folder.write(hub=f"{hub.url}/in")
        async with launched() as daemon:
            folder.write(hub=f"{hub.url}/in", rules=folder.rules.replace("kind: mention", "kind: mentoin"))
            if by == "POST":
                status, told = await posted(daemon.private)
                assert (status, told["status"]) == (422, "refused")
                assert "mentoin" in str(told["problems"])
            else:
                daemon.process.send_signal(signal.SIGHUP)
            await patiently(lambda: daemon.metric(f"{SUCCESSFUL} 0.0"), "the metric says that the file was refused")
            assert await daemon.ready()
            await call_in(daemon.address, 1)

            async def rang() -> bool:
                return len(hub.asked) == 1

            await patiently(rang, "the old rule rings")
            folder.write(hub=f"{hub.url}/in", rules=folder.rules.replace("broken", "late"))
            assert await posted(daemon.private) == (200, {"status": "in_force", "changed": ["rules.complaint"]})
            assert await daemon.metric(f"{SUCCESSFUL} 1.0")
            assert await daemon.end() == 0
        assert len(daemon.logged("config.refused")) == 1


def _dangle(file: Path) -> None:
    file.unlink()
    file.symlink_to("moved-away.yaml")


def _replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _garble(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")


@pytest.mark.fault("operations", "a rule file cannot be read any more when the configuration is reloaded")
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_dangle, "acme.yaml: no such file."),
        (_replace_by_folder, "acme.yaml: cannot be read: Is a directory."),
        (_garble, "acme.yaml:1: holds a NUL byte"),
    ],
)
async def test_a_rule_file_that_cannot_be_read_keeps_the_old_rules(
    folder: Folder, at_work: Start, spoil: Callable[[Path], None], says: str
) -> None:
    """The answer names the file and the reason, and nothing changes until it can be read again."""
    folder.write()
    file = folder.path / "rules" / "acme.yaml"
    async with at_work() as daemon:
        spoil(file)
        status, told = await posted(daemon.private_address)
        assert (status, told["status"]) == (422, "refused")
        assert says in str(told["problems"])
        if file.is_dir():
            file.rmdir()
        file.unlink(missing_ok=True)
        folder.write()
        assert await posted(daemon.private_address) == (200, {"status": "in_force"})


@pytest.mark.fault("operations", "a rule file is renamed, or removed, and the configuration reloaded")
async def test_a_rule_file_that_is_moved_changes_nothing_and_one_that_is_gone_is_named(folder: Folder, at_work: Start) -> None:
    """Whoever asks hears which rules are gone."""
    folder.write()
    file = folder.path / "rules" / "acme.yaml"
    async with at_work() as daemon:
        renamed = file.rename(file.with_name("zeta.yaml"))
        assert await posted(daemon.private_address) == (200, {"status": "in_force"})
        renamed.unlink()
        assert await posted(daemon.private_address) == (200, {"status": "in_force", "changed": ["rules.complaint"]})


@pytest.mark.fault("operations", "two reloads are asked for at once")
async def test_reloads_asked_for_at_once_end_with_the_newest(folder: Folder, at_work: Start) -> None:
    """Each is answered, and what lies there last is what works."""
    folder.write()
    async with at_work() as daemon:
        folder.write(folder.base + "brand: The Acme Group\n")
        answers = await asyncio.gather(*(posted(daemon.private_address) for _ in range(3)))
        assert {status for status, _ in answers} == {200}
        assert ["brand"] in [told.get("changed") for _, told in answers]
        assert await posted(daemon.private_address) == (200, {"status": "in_force"})


@pytest.mark.fault("operations", "a web page asks the operator's browser to reload")
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_no_web_page_reloads(folder: Folder, at_work: Start, headers: dict[str, str]) -> None:
    """It is refused, and nothing is read."""
    folder.write()
    async with at_work() as daemon:
        folder.write(folder.base + "brand: The Acme Group\n")
        assert (await posted(daemon.private_address, **headers))[0] == 403
        assert (await posted(daemon.private_address))[1]["changed"] == ["brand"]


@pytest.mark.fault("operations", "strangers look for the operator's pages at the public door")
async def test_nothing_of_the_operators_is_at_the_public_door(folder: Folder, at_work: Start) -> None:
    """Health, metrics and reload do not exist there, by whatever spelling or method."""
    folder.write()
    spellings = ("/metrics", "/metrics/", "//metrics", "/-/healthy", "/-/ready", "/-/reload", "/%2D/reload", "/hooks/../metrics")
    async with at_work() as daemon, aiohttp.ClientSession() as stranger:
        for path in spellings:
            for method in ("GET", "POST", "HEAD", "OPTIONS"):
                async with stranger.request(method, URL(daemon.address + path, encoded=True)) as answer:
                    assert answer.status in {404, 405}, (method, path)


@pytest.mark.fault("operations", "strangers hold every connection of the public door open")
async def test_a_crowd_at_the_public_door_stops_nothing_else(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's door answers, and calls come in again as soon as the crowd is cut off, which it is in time."""
    monkeypatch.setattr(server, "IDLE", 3.0)
    async with serving() as hub:
        hub.says(204)
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as daemon:
            async with crowd(int(daemon.address.rpartition(":")[2]), server.MOST + 20):
                async with aiohttp.request("GET", f"{daemon.private_address}/-/ready") as answer:
                    assert answer.status == 200

                async def let_in() -> bool:
                    try:
                        await call_in(daemon.address, 1)
                    except aiohttp.ClientError:
                        return False
                    return True

                await patiently(let_in, "a call comes in though the crowd never leaves")

            async def rang() -> bool:
                return bool(hub.asked)

            await patiently(rang, "and rings")


@asynccontextmanager
async def crowd(port: int, size: int) -> AsyncIterator[None]:
    """So many connections that say nothing, and are never closed from their side."""
    writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(size)]
    try:
        yield
    finally:
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
