"""Chat services through the real Apprise, with a real server on loopback at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from notifiers import samples
from notifiers.base import DeliveryError, Reason, Receipt
from notifiers.chat import AppriseSettings, Chat, problems

TOKEN = "t0ken-very-secret"


@contextlib.asynccontextmanager
async def service(*statuses: int) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A chat service on loopback: its Apprise address and what it was told; it answers the statuses in turn."""
    told: list[dict[str, Any]] = []
    answers = iter(statuses)

    async def take(request: web.Request) -> web.Response:
        told.append(json.loads(await request.read()))
        return web.Response(status=next(answers, statuses[-1]))

    app = web.Application()
    app.router.add_post("/{any:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"json://user:{TOKEN}@127.0.0.1:{runner.addresses[0][1]}/{TOKEN}", told
    finally:
        await runner.cleanup()


def chat(*urls: str, **changes: Any) -> Chat:
    """One receiver with these services."""
    return Chat(AppriseSettings.model_validate({"kind": "apprise", "urls": list(urls)} | changes))


async def send(receiver: Chat) -> Receipt:
    """One crisis, sent."""
    return await receiver.send(samples.crisis("fr"), attempted_at=samples.NOW)


async def failing(receiver: Chat) -> DeliveryError:
    """The error of a message that nobody takes; it never shows a token."""
    with pytest.raises(DeliveryError) as caught:
        await send(receiver)
    assert TOKEN not in str(caught.value)
    return caught.value


async def test_a_message_arrives_as_it_was_written() -> None:
    """The short text, with the level of its severity."""
    async with service(200) as (url, told):
        receipt = await send(chat(url))
    assert receipt.detail == "json"
    assert told[0]["message"].startswith("🔴 23 personnes se plaignent d’Acme")
    assert told[0]["message"].endswith("tocsin ack 15")
    assert told[0]["type"] == "failure"


async def test_calm_is_a_success() -> None:
    """Services colour their messages by the level."""
    async with service(200) as (url, told):
        await chat(url).send(samples.resolved("en"), attempted_at=samples.NOW)
    assert told[0]["type"] == "success"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(500, Reason.UNAVAILABLE), (401, Reason.CREDENTIALS), (429, Reason.THROTTLED), (410, Reason.GONE)],
)
async def test_the_services_answer_is_understood(status: int, reason: Reason) -> None:
    """Apprise only says no; the status in its log says why."""
    async with service(status) as (url, _):
        error = await failing(chat(url))
    assert error.reason is reason
    assert error.detail == f"json did not take the message ({status})"


async def test_nobody_there_is_unavailable() -> None:
    """Connection refused: later."""
    async with service(200) as (url, _):
        pass
    error = await failing(chat(url))
    assert error.reason is Reason.UNAVAILABLE
    assert error.detail == "json did not take the message"


async def test_one_service_of_two_is_delivered() -> None:
    """Sending again would tell the first one twice; the detail says how many."""
    async with service(200) as (good, told), service(500) as (bad, _):
        receipt = await send(chat(good, bad))
    assert receipt.detail == "1 of 2 services"
    assert len(told) == 1


async def test_of_two_failures_the_hopeful_one_decides() -> None:
    """As long as one may yet answer, the message is tried again."""
    async with service(410) as (gone, _), service(503) as (busy, _):
        error = await failing(chat(gone, busy))
    assert not error.permanent


async def test_a_service_apprise_does_not_know_is_a_wrong_setting() -> None:
    """The scheme is named, the rest of the address is not."""
    error = await failing(chat(f"nonsense://{TOKEN}"))
    assert error.reason is Reason.MISCONFIGURED
    assert "nonsense://" in error.detail


async def test_a_service_that_hangs_times_out() -> None:
    """The limit is ours, whatever the plugin's."""
    gate = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        error = await failing(chat(f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/{TOKEN}", timeout="1s"))
        assert error.reason is Reason.TIMEOUT
    finally:
        gate.set()
        server.close()
        await server.wait_closed()


async def test_a_plugin_that_crashes_keeps_its_words_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error quotes the address."""

    def crash(url: str) -> None:
        raise RuntimeError(url)

    monkeypatch.setattr("notifiers.chat._service", crash)
    error = await failing(chat(f"json://{TOKEN}"))
    assert (error.reason, error.detail) == (Reason.INTERNAL, "json failed: RuntimeError")


class Journal(logging.Handler):
    """What a daemon's own handler, at the root, would write."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()}")


async def test_nothing_of_apprise_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """It logs addresses with their tokens: none reaches our log or the console, not even at debug level."""
    journal, root = Journal(), logging.getLogger()
    level = root.level
    root.addHandler(journal)
    root.setLevel(logging.DEBUG)
    try:
        async with service(401) as (url, _):
            await failing(chat(url))
            await failing(chat(f"nonsense://{TOKEN}"))
    finally:
        root.removeHandler(journal)
        root.setLevel(level)
    logging.getLogger("apprise").warning("nobody listens here: error=500")
    assert not [line for line in journal.lines if TOKEN in line or line.startswith(("apprise", "urllib3"))]
    assert TOKEN not in "".join(capfd.readouterr())


def test_check_names_what_apprise_does_not_understand() -> None:
    """Before anybody relies on it, and without the token."""
    settings = AppriseSettings.model_validate({"kind": "apprise", "urls": ["json://localhost", f"nonsense://{TOKEN}"]})
    (problem,) = problems(settings)
    assert "nonsense://" in problem
    assert TOKEN not in problem


@pytest.mark.parametrize("urls", [[], "", [f"{TOKEN}"], ["json://ok", f"//{TOKEN}"]])
def test_wrong_settings_are_refused_without_being_shown(urls: object) -> None:
    """An address begins with its scheme."""
    with pytest.raises(ValidationError) as caught:
        AppriseSettings.model_validate({"kind": "apprise", "urls": urls})
    assert TOKEN not in str(caught.value)


def test_one_address_needs_no_list() -> None:
    """And no address is in a repr."""
    settings = AppriseSettings.model_validate({"kind": "apprise", "urls": f"json://{TOKEN}"})
    assert len(settings.urls) == 1
    assert TOKEN not in repr(settings)


def test_apprise_is_not_imported_before_it_is_needed() -> None:
    """It costs 0.4 s and 20 MB; most installations have no chat receiver."""
    probe = "import sys, notifiers; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
