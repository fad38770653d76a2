"""What a library dials by itself: watched at the socket in a process of its own, and ended in time."""

from __future__ import annotations

import asyncio
import os
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.sources import errands
from monitor.sources.connecting import HttpSettings
from monitor.sources.errands import ErrandRunner, Route, go
from monitor.sources.guard import InwardError
from monitor.sources.http import GuardedClient, HttpClient
from monitor.telemetry import metrics
from monitor.testing import Site
from notifiers import AppriseSettings, DeliveryError, Reason, samples
from notifiers.chat import Chat

SOON = timedelta(seconds=20)


@pytest.fixture(autouse=True)
def _watched_no_more(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the worker's side is tried in this process, the watch ends with the test."""
    environ = dict(os.environ)
    monkeypatch.setattr(errands, "_watch", errands._watch)
    monkeypatch.setattr(sys, "addaudithook", _once(sys.addaudithook))
    yield
    os.environ.clear()
    os.environ.update(environ)


_HOOKED: list[Any] = []


def _once(add: Any) -> Any:
    """A hook can't be taken back: this process gets one, however many tests there are."""

    def added(hook: Any) -> None:
        if not _HOOKED:
            _HOOKED.append(hook)
            add(hook)

    return added


@pytest.fixture
async def way(request: pytest.FixtureRequest) -> AsyncIterator[HttpClient]:
    """The way out of an installation with these settings."""
    async with HttpClient(HttpSettings(**getattr(request, "param", {}))) as client:
        yield client


@pytest.mark.fault("network", "a chat's address leads inside")
async def test_a_chat_never_leads_inside(site: Site, way: HttpClient) -> None:
    """Apprise dials no private address that `http.allow` does not name; the message goes to somebody else, and it is counted."""
    site.says(200)
    before = metrics.http_inward._value.get()
    settings = AppriseSettings.model_validate({"kind": "apprise", "urls": f"json://127.0.0.1:{site.port}/"})
    with pytest.raises(DeliveryError, match=r"it leads to 127\.0\.0\.1, which is private") as caught:
        await Chat(settings, GuardedClient(way)).send(samples.crisis(), attempted_at=samples.NOW)
    assert caught.value.reason is Reason.MISCONFIGURED
    assert site.asked == []
    assert metrics.http_inward._value.get() == before + 1


@pytest.mark.parametrize("way", [{"allow": ("127.0.0.1",)}], indirect=True)
async def test_a_chat_inside_that_is_allowed_is_told(site: Site, way: HttpClient) -> None:
    """As any webhook."""
    site.says(200)
    settings = AppriseSettings.model_validate({"kind": "apprise", "urls": f"json://127.0.0.1:{site.port}/"})
    assert (await Chat(settings, GuardedClient(way)).send(samples.crisis(), attempted_at=samples.NOW)).detail == "json"
    assert len(site.asked) == 1


@pytest.mark.fault("network", "a chat's service hangs for ever, whatever time-outs its library has")
async def test_what_hangs_is_ended() -> None:
    """The process is ended with the deadline, so that it holds up nobody and nothing of it stays."""
    out = ErrandRunner(HttpSettings())
    with pytest.raises(DeliveryError, match=r"no answer within 0\.3 s") as caught:
        await out.run(time.sleep, 3600, within=timedelta(seconds=0.3))
    assert caught.value.reason is Reason.TIMEOUT
    assert (await out.run(abs, -1, within=SOON)).value == 1
    await out.close()


@pytest.mark.fault("delivery", "a chat's service hangs, and many messages wait for it")
async def test_who_hangs_leaves_processes_for_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another receiver is told meanwhile: none takes all the processes that go out."""
    monkeypatch.setattr(errands, "SIZE", 3)
    site.says(200)
    called: asyncio.Queue[None] = asyncio.Queue()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.put_nowait(None)
        await reader.read()
        writer.close()

    def chat(client: HttpClient, port: int) -> Chat:
        settings = AppriseSettings.model_validate({"kind": "apprise", "urls": f"json://127.0.0.1:{port}/?rto=600"})
        return Chat(settings.model_copy(update={"timeout": timedelta(minutes=5)}), GuardedClient(client))

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server, HttpClient(HttpSettings(allow=("127.0.0.1",))) as client:
        silent = chat(client, server.sockets[0].getsockname()[1])
        waiting = [asyncio.create_task(silent.send(samples.crisis(), attempted_at=samples.NOW)) for _ in range(4)]
        await called.get()
        await called.get()
        receipt = await chat(client, site.port).send(samples.crisis(), attempted_at=samples.NOW)
        assert (receipt.detail, [task.done() for task in waiting]) == ("json", [False] * 4)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


@pytest.mark.fault("delivery", "a chat's process is killed in the middle of its message")
async def test_what_was_cut_off_is_begun_once(tmp_path: Path) -> None:
    """It may have been sent: whoever delivers decides when to try again, and counts it."""
    begun = tmp_path / "begun"
    out = ErrandRunner(HttpSettings())
    with pytest.raises(DeliveryError):
        await out.run(exec, f"import os; open({str(begun)!r}, 'a').write('x'); os._exit(3)", within=SOON)
    assert begun.read_text() == "x"
    await out.close()


@pytest.mark.parametrize(
    ("function", "argument", "said"),
    [
        (os._exit, 3, "it ended the process that worked on it (exit code 3)"),
        (bytearray, 2**30, "it needed more than 256 MB of memory"),
    ],
)
async def test_what_ends_its_process_is_tried_again_later(function: Any, argument: int, said: str) -> None:
    """A machine out of memory passes: that is no bug, which would be given up after three tries."""
    out = ErrandRunner(HttpSettings())
    with pytest.raises(DeliveryError) as caught:
        await out.run(function, argument, within=SOON)
    assert (caught.value.reason, caught.value.detail) == (Reason.UNAVAILABLE, said)
    await out.close()


async def test_a_cancelled_errand_leaves_nothing_behind() -> None:
    """The daemon stops, and waits for nobody."""
    out = ErrandRunner(HttpSettings())
    task = asyncio.create_task(out.run(time.sleep, 3600, within=SOON))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await out.close()
    assert task.cancelled()


async def test_the_way_is_that_of_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy and the authorities of `http` are handed on; the daemon's own environment is not."""
    monkeypatch.setenv("NO_PROXY", "*")
    proxy = "http://u:p@proxy.example:3128"
    out = ErrandRunner(HttpSettings(proxy=SecretStr(proxy), ca_bundle=Path("/company.pem")))
    given = {"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": "/company.pem", "SSL_CERT_FILE": "/company.pem", "NO_PROXY": None}
    assert {name: (await out.run(os.getenv, name, within=SOON)).value for name in given} == given
    await out.close()


async def test_every_spelling_and_every_protocol_is_watched() -> None:
    """Whatever Python dials: what is refused never leaves the process."""
    out = ErrandRunner(HttpSettings())
    for host in ("10.1.2.3", "127.1", "169.254.169.254"):
        with pytest.raises(InwardError):
            await out.run(socket.create_connection, (host, 9), within=SOON)
        with pytest.raises(InwardError):
            await out.run(smtplib.SMTP, host, 9, within=SOON)
    await out.close()


@pytest.mark.parametrize("event", ["socket.connect", "socket.sendto", "socket.sendmsg"])
@pytest.mark.parametrize("host", ["10.1.2.3", "0x7f000001", "::ffff:127.0.0.1", "fe80::1%eth0", "hook.corp.example"])
def test_all_that_leaves_is_watched(event: str, host: str) -> None:
    """With a connection or without; also a name, which the system would look up behind our back."""
    with pytest.raises(InwardError):
        go(Route(()), errands._look, (event, (None, (host, 9))))


def test_a_socket_of_this_machine_is_refused(tmp_path: Path) -> None:
    """It leads to the bus, the log or a container's engine."""
    with pytest.raises(InwardError):
        go(Route(()), errands._look, ("socket.connect", (None, str(tmp_path / "docker.sock"))))


def leading(monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
    """Let names lead somewhere; Python tells of each look-up."""

    def getaddrinfo(host: str, port: object, *_: object, **__: object) -> list[Any]:
        sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names.get(host.partition(".")[0], host), port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_name_may_be_allowed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it leads; what another name leads to is not meant."""
    leading(monkeypatch, hook="10.1.2.3", evil="10.1.2.4")
    allowed = Route(("hook.corp.example",))

    def dial(host: str, address: str) -> None:
        socket.getaddrinfo(host, 9)
        errands._look("socket.connect", (None, (address, 9)))

    assert go(allowed, dial, ("hook.corp.example", "10.1.2.3")).refused == ""
    with pytest.raises(InwardError):
        go(allowed, dial, ("hook.corp.example", "10.1.2.4"))
    with pytest.raises(InwardError):
        go(allowed, dial, ("evil.example", "10.1.2.3"))


def test_the_proxy_needs_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address alone is dialled, at its port."""
    leading(monkeypatch, proxy="10.0.0.1")
    route = Route((), "http://u:p@proxy.corp.example:3128")
    go(route, errands._look, ("socket.connect", (None, ("10.0.0.1", 3128))))
    with pytest.raises(InwardError):
        go(route, errands._look, ("socket.connect", (None, ("10.0.0.1", 22))))
    assert "u:p" not in repr(route)


def test_what_python_does_for_itself_is_not_watched() -> None:
    """Nobody is watched before there is an errand, and nothing but sockets."""
    errands._watch = None
    errands._look("socket.connect", (None, ("10.1.2.3", 9)))
    go(Route(()), errands._look, ("socket.sendmsg", (None, None)))
    go(Route(()), subprocess.run, (["true"],))
