"""Chat services through the real Apprise, with a real server on loopback at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from notifiers import samples
from notifiers.base import DeliveryError, Errand, Errands, Reason, Receipt
from notifiers.chat import AppriseSettings, Chat, notify, problems

TOKEN = "t0ken-very-secret"


@contextlib.asynccontextmanager
async def service(*statuses: int, moved_to: str = "") -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A chat service on loopback: its Apprise address and what it was told; it answers the statuses in turn."""
    told: list[dict[str, Any]] = []
    answers = iter(statuses)

    async def take(request: web.Request) -> web.Response:
        if moved_to:
            raise web.HTTPTemporaryRedirect(moved_to)
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


class Here:
    """Errands in a thread of this process: it keeps from nothing."""

    refused = ""

    async def apart(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand:
        """What the function gives."""
        return Errand(await asyncio.to_thread(function, *args), self.refused)


class Nowhere:
    """Errands that come to no end."""

    async def apart(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand:
        """Ended by its deadline."""
        raise DeliveryError(Reason.TIMEOUT, "no answer within 30 s")


def chat(*urls: str, errands: Errands | None = None, **changes: Any) -> Chat:
    """One receiver with these services."""
    return Chat(AppriseSettings.model_validate({"kind": "apprise", "urls": list(urls)} | changes), errands or Here())


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


@pytest.mark.parametrize("way", ["", "?redirect=yes"])
async def test_a_redirect_is_followed_only_when_asked_for(way: str) -> None:
    """What is sent holds posts, and often a token: it goes where it was meant to."""
    async with service(200) as (there, told), service(200, moved_to=there.replace("json://", "http://")) as (here, _):
        receiver = chat(here + way)
        if way:
            await receiver.send(samples.crisis("fr"), attempted_at=samples.NOW)
        else:
            error = await failing(receiver)
            assert (error.reason, "?redirect=yes" in error.detail) == (Reason.MISCONFIGURED, True)
    assert bool(told) is bool(way)


async def test_a_service_inside_is_a_wrong_setting() -> None:
    """What to allow is said, and the message goes to somebody else at once."""
    here = Here()
    here.refused = "10.1.2.3"
    async with service(500) as (url, _):
        error = await failing(chat(url, errands=here))
    assert error.reason is Reason.MISCONFIGURED
    assert error.detail == "json: it leads to 10.1.2.3, which is private; if it is yours to call, name it under `http.allow`"


async def test_what_is_refused_on_the_way_to_success_is_no_trouble() -> None:
    """A name with two addresses, one of which is private."""
    here = Here()
    here.refused = "10.1.2.3"
    async with service(200) as (url, _):
        assert (await send(chat(url, errands=here))).detail == "json"


async def test_a_service_that_was_ended_has_not_answered() -> None:
    """Its name is said, and its address is not."""
    error = await failing(chat(f"json://{TOKEN}", errands=Nowhere()))
    assert (error.reason, error.detail) == (Reason.TIMEOUT, "json: no answer within 30 s")


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


async def test_a_receiver_has_few_messages_under_way() -> None:
    """What hangs leaves room for all others."""
    gate = asyncio.Event()
    under_way = 0

    class Hanging:
        async def apart(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand:
            nonlocal under_way
            under_way += 1
            await gate.wait()
            return Errand(None)

    receiver = chat("json://a", errands=Hanging())
    sending = [asyncio.create_task(send(receiver)) for _ in range(4)]
    await asyncio.wait(sending, timeout=0)
    assert under_way == 2
    gate.set()
    await asyncio.gather(*sending)
    assert under_way == 4


async def test_to_wait_for_a_process_is_no_silence_of_the_service() -> None:
    """Its deadline counts from the moment it is called."""

    class Busy(Here):
        async def apart(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand:
            await asyncio.to_thread(len, "others have their turn")
            return Errand(None)

    settings = AppriseSettings.model_validate({"kind": "apprise", "urls": "json://a"})
    assert (await send(Chat(settings.model_copy(update={"timeout": timedelta(0)}), Busy()))).detail == "json"


async def test_a_plugin_that_crashes_keeps_its_words_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error quotes the address."""

    def crash(url: str) -> None:
        raise RuntimeError(url)

    monkeypatch.setattr("notifiers.chat._service", crash)
    error = await failing(chat(f"json://{TOKEN}"))
    assert (error.reason, error.detail) == (Reason.INTERNAL, "json failed: RuntimeError")


def test_want_of_memory_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs it apart says what that means."""

    def starve(url: str) -> None:
        raise MemoryError

    monkeypatch.setattr("notifiers.chat._service", starve)
    with pytest.raises(MemoryError):
        notify("json://a", "words", "info")


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
