"""Somebody outside tries to make us call what is inside: by spelling, by name, by redirect."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.sources import guard
from monitor.sources.http import GuardedClient, HttpClient, HttpSettings
from monitor.telemetry import metrics
from monitor.testing import Site, loopback, serving, trouble_of
from notifiers.base import DeliveryError, Reason
from tests.faults.listening import MINUTE, listening, publish

WITHIN = timedelta(seconds=20)
LOOPBACK = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127。0。0。1", "localhost", "LOCALHOST.",
    "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
]  # fmt: skip
METADATA = ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "2852039166", "10.0.0.1", "192.168.0.1"]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """What nobody outside should reach."""
    async with serving() as made:
        publish(made, "Acme news")
        yield made


def resolving(monkeypatch: pytest.MonkeyPatch, address: list[str]) -> None:
    """Let every name of `*.example` lead to the addresses in the list, which may change."""
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *args, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in address]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.fault("network", "a private address, in every spelling")
@pytest.mark.parametrize("host", LOOPBACK + METADATA)
async def test_every_spelling(site: Site, clock: ManualClock, host: str) -> None:
    """No connection is made, and the error says which address it is and which setting allows it."""
    async with HttpClient(HttpSettings(), clock, pause=0) as http:
        error = await trouble_of(http.get(f"http://{host}:{site.port}/", within=WITHIN))
        with pytest.raises(DeliveryError) as told:
            await GuardedClient(http).request("POST", f"http://{host}:{site.port}/hooks/s3cr3t", headers={}, body=b"")
    assert (error.trouble, "http.allow" in error.detail) == (Trouble.REFUSED, True)
    assert (told.value.reason, "http.allow" in told.value.detail) == (Reason.MISCONFIGURED, True)
    assert "s3cr3t" not in told.value.detail
    assert site.asked == []


@pytest.mark.fault("network", "a name that led outside leads inside now (DNS rebinding)")
async def test_rebinding(tmp_path: Path, clock: ManualClock, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that is dialled counts, each time anew: nothing is asked, and health rings."""
    address = ["127.0.0.1"]
    resolving(monkeypatch, address)
    feeds = {"news": f"http://news.example:{site.port}/feed"}
    async with listening(tmp_path, clock, feeds, allow="127.0.0.1/32") as monitor:
        assert (await monitor.poll()).stored == 1
        address[:] = ["10.0.0.5", "127.0.0.9"]
        await monitor.http.close()  # as when the server closes the connection
        before = metrics.registry.get_sample_value("tocsin_http_inward_refused_total") or 0
        await monitor.live(timedelta(minutes=15), step=MINUTE)
        state = await monitor.state()
        assert (state.trouble, "private address" in (state.detail or "")) == ("refused", True)
        assert [alert.rule for alert in await monitor.alerts()] == ["source-health"]
        assert (metrics.registry.get_sample_value("tocsin_http_inward_refused_total") or 0) > before
        assert len(site.asked) == 1
        address[:] = ["127.0.0.1"]
        await monitor.http.close()
        await monitor.live(timedelta(minutes=20), step=MINUTE)
        assert (await monitor.state()).trouble is None


@pytest.mark.fault("network", "a redirect inward")
@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:10.0.0.1]", "inside.example"])
async def test_a_redirect_inward(
    tmp_path: Path, clock: ManualClock, site: Site, monkeypatch: pytest.MonkeyPatch, host: str, status: int
) -> None:
    """A redirect to a private address is not followed, nor remembered as the feed's new home."""
    resolving(monkeypatch, ["10.0.0.1"])
    site.says(status, "", Location=f"http://{host}/latest/meta-data/")
    async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
        assert (await monitor.poll()).stored == 0
        state = await monitor.state()
        assert (state.trouble, state.cursor, len(site.asked)) == ("refused", None, 1)
        publish(site, "Acme news")
        await monitor.rested()
        assert (await monitor.poll()).stored == 1


@pytest.mark.fault("network", "a redirect from outside to what the operator allowed inside")
@pytest.mark.parametrize("form", ["127.0.0.2", "2130706434", "inside.example"])
async def test_a_redirect_to_what_is_allowed(clock: ManualClock, site: Site, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """What `http.allow` opens is open to our own settings alone, not to a stranger who sends us there."""
    monkeypatch.setattr(guard, "_PRIVATE_4", (IPv4Network("127.0.0.2/32"),))  # the site on 127.0.0.1 plays the internet
    resolving(monkeypatch, ["127.0.0.2"])
    site.says(302, "", Location=f"http://{form}:{site.port}/hooks")
    async with HttpClient(HttpSettings(allow=("127.0.0.0/8", "inside.example")), clock, pause=0) as http:
        error = await trouble_of(http.get(f"{site.url}/feed", within=WITHIN))
    assert (error.trouble, len(site.asked)) == (Trouble.REFUSED, 1)


@pytest.mark.fault("network", "a receiver's name leads inside")
async def test_a_receiver_inside(clock: ManualClock, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Webhooks go through the same guard: one that is allowed by name is called, any other is not."""
    resolving(monkeypatch, ["127.0.0.1"])
    site.says(204)
    url = f"http://hook.example:{site.port}/hooks/s3cr3t"
    async with HttpClient(HttpSettings(allow=("other.example",)), clock) as http:
        with pytest.raises(DeliveryError, match=r"hook\.example: it leads to 127\.0\.0\.1"):
            await GuardedClient(http).request("POST", url, headers={}, body=b"")
    assert site.asked == []
    async with HttpClient(HttpSettings(allow=(f"hook.example:{site.port}",)), clock) as http:
        assert (await GuardedClient(http).request("POST", url, headers={}, body=b"")).status == 204


@pytest.mark.fault("network", "a receiver redirects")
async def test_a_receiver_redirects_inward(clock: ManualClock, site: Site) -> None:
    """A webhook's redirect is never followed: the signed body goes nowhere but where it was meant to go."""
    site.says(307, "", Location="http://169.254.169.254/")
    async with HttpClient(loopback(), clock) as http:
        assert (await GuardedClient(http).request("POST", site.url, headers={}, body=b"")).status == 307
    assert len(site.asked) == 1
