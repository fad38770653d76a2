"""The network between us and a source breaks in every way it can; what was said is stored all the same, once it is mended."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from monitor.domain.clock import ManualClock
from monitor.testing import Site, serving
from tests.faults.listening import Monitor, listening, publish
from tests.faults.proxy import BLACK_HOLE, WELL, Fault, FaultProxy, delay, hang, reset, trickle, truncate, wrong

SAID = [f"Acme news {number}" for number in range(40)]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A feed that works."""
    async with serving() as made:
        publish(made, *SAID)
        yield made


@pytest.fixture
async def proxy(site: Site) -> AsyncIterator[FaultProxy]:
    """The way to it, which does not."""
    async with FaultProxy("127.0.0.1", site.port) as made:
        yield made


async def trouble(monitor: Monitor, name: str = "news") -> tuple[str | None, str]:
    """What a poll that fails leaves behind. The cursor must be what it was."""
    before = (await monitor.state(name)).cursor
    polled = await monitor.poll(name)
    state = await monitor.state(name)
    assert (polled.stored, state.cursor, state.stopped) == (0, before, False)
    assert polled.again_after is not None
    return state.trouble, state.detail or ""


async def mended(monitor: Monitor, name: str = "news") -> None:
    """Once the fault is gone all that was said is there, and each thing once."""
    await monitor.rested(name)
    assert (await monitor.poll(name)).stored == len(SAID)
    assert await monitor.texts() == sorted(SAID)
    assert (await monitor.state(name)).trouble is None


async def broken(folder: Path, clock: ManualClock, proxy: FaultProxy, fault: Fault, **http: Any) -> tuple[str | None, str]:
    """One poll through a fault, and one after it; the trouble of the first."""
    async with listening(folder, clock, {"news": f"{proxy.url}/feed"}, **http) as monitor:
        proxy.fault = fault
        said = await trouble(monitor)
        proxy.fault = WELL
        await mended(monitor)
    return said


@pytest.mark.fault("network", "the connection is refused")
async def test_a_refused_connection(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """The source is asked again later, its cursor stays, and nothing that was said meanwhile is lost."""
    async with listening(tmp_path, clock, {"news": f"{proxy.url}/feed"}) as monitor:
        await proxy.refuse()
        said, words = await trouble(monitor)
        assert (said, "connection refused" in words) == ("unavailable", True)
        await proxy.listen()
        await mended(monitor)


@pytest.mark.fault("network", "the server takes the connection and never answers")
async def test_a_black_hole(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """The request ends at `http.timeout` and is named a timeout; nothing is lost."""
    assert (await broken(tmp_path, clock, proxy, BLACK_HOLE, patience=0.2, retries=0))[0] == "timeout"


@pytest.mark.fault("network", "the server stops in the middle of a body")
async def test_a_server_that_freezes(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """The limit is for the whole answer, not for its beginning."""
    assert (await broken(tmp_path, clock, proxy, hang(after=700), patience=0.3, retries=0))[0] == "timeout"


@pytest.mark.fault("network", "an idle connection is cut between two polls")
async def test_an_idle_connection_is_cut(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """A firewall that forgets connections costs nothing but a new one."""
    async with listening(tmp_path, clock, {"news": f"{proxy.url}/feed"}) as monitor:
        assert (await monitor.poll()).stored == len(SAID)
        proxy.cut()
        assert (await monitor.poll()).read == len(SAID)
        assert (proxy.opened, (await monitor.state()).trouble) == (2, None)


@pytest.mark.fault("network", "the connection is never made: packets are dropped")
async def test_a_connection_that_is_never_made(tmp_path: Path, clock: ManualClock) -> None:
    """The time to connect counts into `http.timeout`."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # nobody accepts, and there is room for one: from now on the kernel drops what comes
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        async with listening(tmp_path, clock, {"news": url}, patience=0.2, retries=0) as monitor:
            assert (await trouble(monitor))[0] == "timeout"


@pytest.mark.fault("network", "one source hangs while others answer")
async def test_others_are_not_held_up(tmp_path: Path, clock: ManualClock, site: Site, proxy: FaultProxy) -> None:
    """A source that hangs delays no other."""
    feeds = {"dead": f"{proxy.url}/feed", "news": f"{site.url}/feed"}
    proxy.fault = BLACK_HOLE
    async with listening(tmp_path, clock, feeds) as monitor:
        hanging = asyncio.create_task(monitor.poll("dead"))
        assert (await monitor.poll("news")).stored == len(SAID)
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)


@pytest.mark.fault("network", "the connection is reset in the middle of a body")
async def test_a_reset_in_the_body(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """Half an answer is no answer: nothing of it is stored, and the next poll reads the whole."""
    said, _ = await broken(tmp_path, clock, proxy, reset(after=700))
    assert said in {"malformed", "unavailable"}


@pytest.mark.fault("network", "the connection is reset at once")
async def test_a_reset_at_once(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """The source is asked again later; nothing is lost."""
    assert (await broken(tmp_path, clock, proxy, reset()))[0] == "unavailable"


@pytest.mark.fault("network", "the body ends early")
async def test_a_truncated_body(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """A feed cut in the middle is never taken for the whole feed, though its first entries could be read."""
    said, words = await broken(tmp_path, clock, proxy, truncate(after=1500))
    assert (said, "broke off" in words) == ("malformed", True)


@pytest.mark.fault("network", "a body without a length ends early")
async def test_a_truncated_body_of_unknown_length(tmp_path: Path, clock: ManualClock, site: Site, proxy: FaultProxy) -> None:
    """Where HTTP cannot know, the feed's parser does: the entries that came are stored, and the feed is read again in full."""
    half = b"<rss version='2.0'><channel><item><title>Acme news 0</title><link>https://news.example/Acme-news-0</link></item><item><ti"
    async with listening(tmp_path, clock, {"news": f"{proxy.url}/feed"}) as monitor:
        proxy.fault = wrong(b'HTTP/1.1 200 OK\r\nETag: "half"\r\nConnection: close\r\n\r\n' + half)
        assert (await monitor.poll()).stored >= 1
        proxy.fault = WELL
        await monitor.poll()
        assert "If-None-Match" not in site.asked[-1].headers
        assert set(SAID) <= set(await monitor.texts())


@pytest.mark.fault("network", "the body trickles in, a byte at a time")
async def test_a_trickle(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """The whole request has one limit, `http.timeout`: a server that is never silent and never done meets it, too."""
    assert (await broken(tmp_path, clock, proxy, trickle(after=300), patience=0.3, retries=0))[0] == "timeout"


@pytest.mark.fault("network", "a slow answer")
async def test_a_slow_answer(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """What comes within `http.timeout` is taken."""
    async with listening(tmp_path, clock, {"news": f"{proxy.url}/feed"}) as monitor:
        proxy.fault = delay(0.2)
        assert (await monitor.poll()).stored == len(SAID)


@pytest.mark.fault("network", "another protocol answers")
async def test_another_protocol(tmp_path: Path, clock: ManualClock, proxy: FaultProxy) -> None:
    """What does not speak HTTP is told as such."""
    said, words = await broken(tmp_path, clock, proxy, wrong(b"220 mail.example ESMTP\r\n"))
    assert (said, "does not speak HTTP" in words) == ("malformed", True)


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, lookup: Any) -> Iterator[None]:
    """Within, `*.example` is looked up by the test."""
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        return lookup(port) if str(host).endswith(".example") else real(host, port, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", answer)
        yield


@pytest.mark.fault("network", "the name server is down")
async def test_names_cannot_be_resolved(tmp_path: Path, clock: ManualClock, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trouble says that it is the name; sources that need no name go on; nothing is lost."""
    up = False

    def lookup(port: int) -> Any:
        if not up:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    feeds = {"news": f"http://news.example:{site.port}/feed", "local": f"{site.url}/other"}
    with names(monkeypatch, lookup):
        async with listening(tmp_path, clock, feeds) as monitor:
            said, words = await trouble(monitor)
            assert (said, "name cannot be resolved" in words) == ("unavailable", True)
            assert (await monitor.poll("local")).read == len(SAID)
            up = True
            await monitor.rested()
            assert (await monitor.poll()).read == len(SAID)
            assert await monitor.texts() == sorted(SAID)


@pytest.mark.fault("network", "the name server never answers")
async def test_names_are_looked_up_for_ever(
    tmp_path: Path, clock: ManualClock, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking up the name counts into `http.timeout`, and other sources do not wait for it."""
    answered = threading.Event()

    def lookup(port: int) -> Any:
        answered.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    feeds = {"news": "http://news.example/feed", "local": f"{site.url}/feed"}
    with names(monkeypatch, lookup):
        async with listening(tmp_path, clock, feeds, patience=0.3, retries=0) as monitor:
            try:
                assert (await trouble(monitor))[0] == "timeout"
                assert (await monitor.poll("local")).stored == len(SAID)
            finally:
                answered.set()


async def tls_trouble(folder: Path, clock: ManualClock, certificate: trustme.LeafCert, authority: trustme.CA) -> str:
    """What is said of a server with this certificate, while only `authority` is trusted."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    async with serving() as site:
        runner = web.AppRunner(_app(site))
        await runner.setup()
        try:
            listener = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await listener.start()
            port = runner.addresses[0][1]
            async with listening(
                folder, clock, {"news": f"https://127.0.0.1:{port}/feed"}, ca_bundle=str(bundle), retries=0
            ) as monitor:
                polled = await monitor.poll()
                state = await monitor.state()
                assert bool(polled.stored) == (state.trouble is None)
                return f"{state.trouble}: {state.detail}" if state.trouble else "well"
        finally:
            await runner.cleanup()


def _app(site: Site) -> web.Application:
    publish(site, *SAID)
    app = web.Application()
    app.router.add_get("/feed", site.handle)
    return app


@pytest.mark.fault("network", "the server's certificate has expired")
async def test_an_expired_certificate(tmp_path: Path, clock: ManualClock) -> None:
    """Nothing is read over a connection that cannot be trusted, and the trouble says that it is the certificate."""
    ca = trustme.CA()
    expired = ca.issue_cert("127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2020, 2, 1, tzinfo=UTC))
    said = await tls_trouble(tmp_path, clock, expired, ca)
    assert said.startswith("unavailable")
    assert "certificate" in said


@pytest.mark.fault("network", "the server's certificate is another host's")
async def test_a_certificate_of_another_host(tmp_path: Path, clock: ManualClock) -> None:
    """A good certificate for another name is no certificate."""
    ca = trustme.CA()
    assert "certificate" in await tls_trouble(tmp_path, clock, ca.issue_cert("other.example"), ca)


@pytest.mark.fault("network", "the server's certificate is by an authority that nobody named")
async def test_a_certificate_by_a_stranger(tmp_path: Path, clock: ManualClock) -> None:
    """`http.ca_bundle` says whom to trust: nobody else is."""
    assert "certificate" in await tls_trouble(tmp_path, clock, trustme.CA().issue_cert("127.0.0.1"), trustme.CA())


@pytest.mark.fault("network", "the servers inside have certificates of a private authority")
async def test_a_private_authority(tmp_path: Path, clock: ManualClock) -> None:
    """With `http.ca_bundle` a server whose certificate the company signed itself is read like any other."""
    ca = trustme.CA()
    assert await tls_trouble(tmp_path, clock, ca.issue_cert("127.0.0.1"), ca) == "well"
