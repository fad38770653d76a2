"""The only way out is a proxy, and a private authority signs what is behind it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from monitor.domain.clock import ManualClock
from monitor.testing import Site, serving
from tests.faults.forward_proxy import forwarding
from tests.faults.listening import listening, publish
from tests.jetstream import FakeJetstream, event, micros, record

LOGIN = "tocsin:hunter2"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A feed that only the proxy can reach."""
    async with serving() as made:
        publish(made, "Acme news")
        yield made


@asynccontextmanager
async def with_tls(site: Site, certificate: trustme.LeafCert) -> AsyncIterator[int]:
    """The port on which the same site speaks TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    app = web.Application()
    app.router.add_get("/{path:.*}", site.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.fault("network", "the way out is a proxy with a password")
async def test_a_proxy(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """Everything goes through `http.proxy`, which looks the names up; its own private address needs no permission."""
    async with (
        forwarding({"news.example": site.port}, LOGIN) as proxy,
        listening(tmp_path, clock, {"news": "http://news.example/feed"}, allow="", proxy=proxy.url) as monitor,
    ):
        assert (await monitor.poll()).stored == 1
        assert proxy.asked == ["GET http://news.example/feed HTTP/1.1"]


@pytest.mark.fault("network", "TLS through a proxy, with a private authority")
async def test_a_tunnel(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """The proxy tunnels and reads nothing; the certificate is the site's, checked against `http.ca_bundle`."""
    ca = trustme.CA()
    bundle = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    async with (
        with_tls(site, ca.issue_cert("news.example")) as port,
        forwarding({"news.example": port, "other.example": port}, LOGIN) as proxy,
        listening(
            tmp_path,
            clock,
            {"news": "https://news.example/feed", "other": "https://other.example/feed"},
            allow="",
            proxy=proxy.url,
            ca_bundle=str(bundle),
            retries=0,
        ) as monitor,
    ):
        assert (await monitor.poll()).stored == 1
        assert proxy.asked == ["CONNECT news.example:443 HTTP/1.1"]
        assert (await monitor.poll("other")).stored == 0
        assert "certificate" in ((await monitor.state("other")).detail or "")


@pytest.mark.fault("network", "a stream over TLS through a proxy")
async def test_a_stream_through_a_tunnel(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """It leaves as every request does: by the proxy, and only to a server whose certificate is good."""
    ca, jetstream, now = trustme.CA(), FakeJetstream(), micros(clock.now())
    bundle = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    site.answer = jetstream.answer
    await jetstream.add((now, event(now, record("Acme news"), rkey="1")))
    stream = {"kind": "jetstream", "terms": ["acme"], "profiles": None}
    async with (
        with_tls(site, ca.issue_cert("news.example")) as port,
        forwarding({"news.example": port, "other.example": port}, LOGIN) as proxy,
        listening(
            tmp_path,
            clock,
            {"news": {**stream, "url": "https://news.example"}, "other": {**stream, "url": "https://other.example"}},
            allow="",
            proxy=proxy.url,
            ca_bundle=str(bundle),
        ) as monitor,
    ):
        assert (await monitor.poll()).stored == 1
        assert proxy.asked == ["CONNECT news.example:443 HTTP/1.1"]
        assert (await monitor.poll("other")).stored == 0
        assert "certificate" in ((await monitor.state("other")).detail or "")


@pytest.mark.fault("network", "the proxy refuses us, or is down")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_refuses(tmp_path: Path, clock: ManualClock, site: Site, scheme: str) -> None:
    """The trouble names the proxy and the setting, and never its password."""
    async with forwarding({"news.example": site.port}, LOGIN) as proxy:
        wrong = proxy.url.replace("hunter2", "hunter3")
        feeds = {"news": f"{scheme}://news.example/feed"}
        async with listening(tmp_path, clock, feeds, allow="", proxy=wrong, retries=0) as monitor:
            await monitor.poll()
            state = await monitor.state()
            assert state.trouble == "unavailable"
            assert "check `proxy`" in (state.detail or "")
            assert "hunter" not in (state.detail or "")
            assert not state.stopped


@pytest.mark.fault("network", "a private address is asked of the proxy")
async def test_addresses_written_out_are_judged_all_the_same(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """The proxy is not sent to a private address that a redirect writes out; which names it may reach is its own affair."""
    site.says(302, "", Location="http://0xa9fea9fe/latest/meta-data/")
    async with (
        forwarding({"news.example": site.port}) as proxy,
        listening(tmp_path, clock, {"news": "http://news.example/feed"}, allow="", proxy=proxy.url) as monitor,
    ):
        await monitor.poll()
        assert (await monitor.state()).trouble == "refused"
        assert len(proxy.asked) == 1
