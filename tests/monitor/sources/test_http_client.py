"""The HTTP client, against servers that misbehave in every way we know."""

from __future__ import annotations

import asyncio
import base64
import gzip
import ssl
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr
from yarl import URL

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, TocsinError, Trouble
from monitor.sources.breaker import LeftAloneError
from monitor.sources.http import Answer, GuardedClient, HttpClient, HttpSettings
from monitor.telemetry import metrics
from monitor.testing import Site, loopback, raw_server, serving, trouble_of
from notifiers.base import DeliveryError, Reason

WITHIN = timedelta(seconds=20)
TOKEN = SecretStr("tok-123")


@pytest.mark.parametrize(
    ("status", "trouble", "permanent"),
    [
        (401, Trouble.CREDENTIALS, True),
        (403, Trouble.CREDENTIALS, True),
        (404, Trouble.REFUSED, False),
        (400, Trouble.REFUSED, False),
        (410, Trouble.GONE, True),
        (429, Trouble.THROTTLED, False),
        (408, Trouble.UNAVAILABLE, False),
        (500, Trouble.UNAVAILABLE, False),
        (503, Trouble.UNAVAILABLE, False),
        (305, Trouble.REFUSED, False),
    ],
)
async def test_a_status_says_what_to_do(site: Site, http: HttpClient, status: int, trouble: Trouble, *, permanent: bool) -> None:
    """Credentials refused stop a source; a server in trouble is asked again later."""
    site.says(status)
    error = await trouble_of(http.get(site.url, within=WITHIN))
    assert (error.trouble, error.permanent) == (trouble, permanent)
    assert str(status) in error.detail


@pytest.mark.parametrize("form", ["seconds", "date", "epoch", "iso", "left"])
async def test_every_reset_header_is_understood(site: Site, http: HttpClient, clock: ManualClock, form: str) -> None:
    """However a server says "in two minutes", it is two minutes."""
    until = clock.now() + timedelta(seconds=120)
    headers = {
        "seconds": {"Retry_After": "120"},
        "date": {"Retry_After": format_datetime(until, usegmt=True)},
        "epoch": {"X_RateLimit_Reset": str(int(until.timestamp()))},
        "iso": {"X_RateLimit_Reset": until.isoformat().replace("+00:00", "Z")},
        "left": {"RateLimit_Reset": "120"},
    }[form]
    site.says(429, **headers)
    error = await trouble_of(http.get(site.url, within=WITHIN))
    assert (error.trouble, error.retry_after) == (Trouble.THROTTLED, 120)


async def test_a_403_that_says_when_to_come_back_is_a_limit(site: Site, http: HttpClient) -> None:
    """A secondary limit must not stop the source as refused credentials do."""
    site.says(403, Retry_After="60")
    assert (await trouble_of(http.get(site.url, within=WITHIN))).trouble is Trouble.THROTTLED


async def test_a_passing_fault_is_not_seen(site: Site, http: HttpClient) -> None:
    """A GET is repeated a few times before anybody hears of trouble."""

    async def second_time_lucky(request: web.Request) -> web.Response:
        return web.Response(status=503 if len(site.asked) < 3 else 200, text="at last")

    site.answer = second_time_lucky
    assert (await http.get(site.url, within=WITHIN)).body == b"at last"
    assert len(site.asked) == 3


async def test_a_short_wait_is_kept_within_the_poll(site: Site, http: HttpClient) -> None:
    """A limit that ends at once is waited for, not reported."""

    async def once_limited(request: web.Request) -> web.Response:
        return web.Response(status=429 if len(site.asked) == 1 else 200, headers={"Retry-After": "0"})

    site.answer = once_limited
    assert (await http.get(site.url, within=WITHIN)).status == 200


@pytest.mark.parametrize("status", [401, 404, 410, 429])
async def test_a_refusal_is_not_repeated(site: Site, http: HttpClient, status: int) -> None:
    """Asking again at once would change nothing, or make a limit worse."""
    site.says(status)
    await trouble_of(http.get(site.url, within=WITHIN))
    assert len(site.asked) == 1


async def test_retries_end(site: Site, http: HttpClient) -> None:
    """Two repetitions, then the trouble is told."""
    site.says(500)
    await trouble_of(http.get(site.url, within=WITHIN))
    assert len(site.asked) == 3


async def test_a_server_that_hangs_times_out(http: HttpClient) -> None:
    """The poll's time limit holds whatever the server does."""
    async with raw_server(b"", hang=True) as url:
        error = await trouble_of(http.get(url, within=timedelta(seconds=0.05)))
    assert error.trouble is Trouble.TIMEOUT


async def test_a_trickling_body_times_out(clock: ManualClock) -> None:
    """A request's total time counts, not the time between two bytes."""
    async with (
        raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx", hang=True) as url,
        HttpClient(loopback(timeout=timedelta(seconds=0.05), retries=0), clock) as http,
    ):
        error = await trouble_of(http.get(url, within=WITHIN))
    assert error.trouble is Trouble.TIMEOUT


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this", Trouble.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Trouble.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", Trouble.MALFORMED),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Trouble.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", Trouble.MALFORMED),
        (b"", Trouble.UNAVAILABLE),
    ],
)
async def test_a_broken_answer_is_named(http: HttpClient, reply: bytes, trouble: Trouble) -> None:
    """Half an answer is never taken for a whole one."""
    async with raw_server(reply) as url:
        assert (await trouble_of(http.get(url, within=WITHIN))).trouble is trouble


async def test_a_gzip_bomb_is_dropped(site: Site, http: HttpClient) -> None:
    """The cap is on what comes out of the decompression."""
    site.says(200, gzip.compress(bytes(64 * 2**20)), Content_Encoding="gzip")
    error = await trouble_of(http.get(site.url, within=WITHIN))
    assert error.trouble is Trouble.TOO_LARGE
    assert len(site.asked) == 1


async def test_nobody_listening(http: HttpClient) -> None:
    """A refused connection is temporary."""
    async with raw_server(b"") as url:
        pass
    assert (await trouble_of(http.get(url, within=WITHIN))).trouble is Trouble.UNAVAILABLE


async def test_an_unknown_name(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve is temporary too, and the error says that it is the name."""

    async def unknown(*_: object, **__: object) -> None:
        raise OSError("no such name")

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", unknown)
    error = await trouble_of(http.get("http://nowhere.invalid/", within=WITHIN))
    assert (error.trouble, "name" in error.detail) == (Trouble.UNAVAILABLE, True)


async def test_a_server_without_tls(http: HttpClient, site: Site) -> None:
    """What does not speak TLS is not spoken to."""
    error = await trouble_of(http.get(site.url.replace("http:", "https:"), within=WITHIN))
    assert (error.trouble, "TLS" in error.detail) == (Trouble.UNAVAILABLE, True)


@pytest.mark.parametrize("url", ["ftp://host/x", "not an address", "http://", "http://[::1", "/relative"])
async def test_an_address_that_is_none(http: HttpClient, url: str) -> None:
    """The settings are wrong, and the error says so."""
    assert (await trouble_of(http.get(url, within=WITHIN))).trouble is Trouble.REFUSED


@pytest.mark.parametrize("body", ["{", '{"a": NaN}', "<html>", '{"a": 1e999}', "[" * 9000 + "]" * 9000, "\ufeff\ufeff1"])
async def test_what_is_not_json_is_malformed(site: Site, http: HttpClient, body: str) -> None:
    """Only JSON as the standard means it is taken."""
    site.says(200, body)
    answer = await http.get(site.url, within=WITHIN)
    with pytest.raises(SourceError) as error:
        answer.json()
    assert error.value.trouble is Trouble.MALFORMED


async def test_a_secret_never_shows(site: Site, http: HttpClient) -> None:
    """Neither the token, nor a password or a key in the address, is in an error, its repr or its chain."""
    site.says(401)
    url = site.url.replace("http://", "http://user:hunter2@") + "/feed?access_token=abc987"
    error = await trouble_of(http.get(url, within=WITHIN, token=TOKEN, params={"key": "k55"}))
    shown = f"{error} {error!r} {error.detail} {error.__cause__!r}"
    assert not any(secret in shown for secret in ("hunter2", "abc987", "k55", "tok-123"))
    assert "/feed" in shown


def test_answers_and_settings_keep_secrets() -> None:
    """A proxy's password and a body are in no repr."""
    settings = HttpSettings(proxy=SecretStr("http://u:hunter2@proxy:3128"))
    answer = Answer(200, {}, b"hunter2", "http://x/?k=hunter2")
    assert "hunter2" not in f"{settings!r} {answer!r}"


async def test_a_token_is_sent_as_bearer(site: Site, http: HttpClient) -> None:
    """The token, our name and the parameters arrive."""
    site.says(200, "ok")
    await http.get(f"{site.url}/x?a=1", within=WITHIN, token=TOKEN, params={"limit": "40"}, headers={"If-None-Match": "e"})
    asked = site.asked[0]
    assert asked.headers["Authorization"] == "Bearer tok-123"
    assert asked.headers["If-None-Match"] == "e"
    assert asked.headers["User-Agent"].startswith("Tocsin/")
    assert dict(asked.query) == {"a": "1", "limit": "40"}


def redirecting(site: Site, *hops: tuple[int, str]) -> None:
    """Lead through these hops, then answer."""

    async def lead(request: web.Request) -> web.Response:
        step = len(site.asked) - 1
        if step < len(hops):
            return web.Response(status=hops[step][0], headers={"Location": hops[step][1]})
        return web.Response(text="there")

    site.answer = lead


async def test_permanent_redirects_are_remembered(site: Site, http: HttpClient) -> None:
    """301 and 308 move the address."""
    redirecting(site, (301, "/b"), (308, "/c"))
    answer = await http.get(f"{site.url}/a", within=WITHIN)
    assert (answer.body, answer.moved_to) == (b"there", f"{site.url}/c")


async def test_temporary_redirects_are_followed_and_forgotten(site: Site, http: HttpClient) -> None:
    """One temporary hop on the way, and the old address stays."""
    redirecting(site, (301, "/b"), (302, "/c"))
    answer = await http.get(f"{site.url}/a", within=WITHIN)
    assert (answer.body, answer.moved_to) == (b"there", None)


async def test_redirects_in_circles_end(site: Site, http: HttpClient) -> None:
    """Five hops are enough."""
    redirecting(site, *[(302, "/again")] * 20)
    assert (await trouble_of(http.get(site.url, within=WITHIN))).trouble is Trouble.REFUSED
    assert len(site.asked) == 6


@pytest.mark.parametrize("location", ["", "javascript:alert(1)", "http://[::1"])
async def test_a_redirect_to_nowhere(site: Site, http: HttpClient, location: str) -> None:
    """A redirect without a usable address is an error of the server."""
    redirecting(site, *[(302, location)] * 9)
    assert (await trouble_of(http.get(site.url, within=WITHIN))).trouble is Trouble.MALFORMED


async def test_a_token_never_goes_to_another_host(site: Site, http: HttpClient) -> None:
    """Neither to another name nor to another port; without a token the redirect is followed."""
    there = site.url.replace("127.0.0.1", "localhost")
    redirecting(site, (302, f"{there}/x"))
    error = await trouble_of(http.get(site.url, within=WITHIN, token=TOKEN))
    assert (error.trouble, len(site.asked)) == (Trouble.REFUSED, 1)
    site.asked.clear()
    redirecting(site, (302, "http://127.0.0.1:1/x"))
    assert (await trouble_of(http.get(site.url, within=WITHIN, token=TOKEN))).trouble is Trouble.REFUSED
    site.asked.clear()
    redirecting(site, (302, f"{there}/x"))
    assert (await http.get(site.url, within=WITHIN)).body == b"there"


async def test_a_password_in_the_address_stays_with_its_host(site: Site, http: HttpClient) -> None:
    """User and password follow a redirect on their own host, and go nowhere else."""
    redirecting(site, (302, "/inside"))
    await http.get(site.url.replace("http://", "http://me:pw@"), within=WITHIN)
    expected = "Basic " + base64.b64encode(b"me:pw").decode()
    assert [request.headers.get("Authorization") for request in site.asked] == [expected, expected]
    site.asked.clear()
    redirecting(site, (302, site.url.replace("127.0.0.1", "localhost")))
    error = await trouble_of(http.get(site.url.replace("http://", "http://me:pw@"), within=WITHIN))
    assert error.trouble is Trouble.REFUSED


async def test_a_redirect_never_gives_up_tls(site: Site, http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """From https nothing leads to http."""

    async def secure(self: HttpClient, request: object, url: URL, led_by: object, means: object) -> Answer:
        return Answer(301, {"location": site.url}, b"", str(url))

    monkeypatch.setattr(HttpClient, "_once", secure)
    error = await trouble_of(http.get("https://127.0.0.1/", within=WITHIN))
    assert (error.trouble, "plain http" in error.detail) == (Trouble.REFUSED, True)


async def test_one_host_is_asked_a_few_at_a_time(site: Site, clock: ManualClock) -> None:
    """No more than `per_host` requests are under way at once."""
    inside, most = 0, 0

    async def count(request: web.Request) -> web.Response:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        return web.Response()

    site.answer = count
    async with HttpClient(loopback(per_host=2), clock) as http:
        await asyncio.gather(*(http.get(site.url, within=WITHIN) for _ in range(8)))
    assert most <= 2


async def test_requests_to_one_host_keep_apart(site: Site, clock: ManualClock) -> None:
    """The second request to a host starts `interval` after the first: within less than that only one is made."""
    site.says(200)
    async with HttpClient(loopback(interval=timedelta(hours=1)), clock) as http:
        await http.get(site.url, within=WITHIN)
        error = await trouble_of(http.get(site.url, within=timedelta(seconds=0.05)))
    assert (error.trouble, len(site.asked)) == (Trouble.TIMEOUT, 1)


@pytest.mark.fault("network", "a host to which others redirect is down")
async def test_a_dead_host_is_left_alone_however_one_gets_there(site: Site, clock: ManualClock) -> None:
    """It is asked five times and then left alone, as if it had been asked directly; the host that redirects is not to blame."""
    async with serving() as dead, HttpClient(loopback(retries=0), clock) as http:
        dead.says(503)
        site.says(302, Location=f"{dead.url}/feed")
        troubles = [await trouble_of(http.get(f"{site.url}/feed", within=WITHIN)) for _ in range(30)]
        assert (type(troubles[-1]), len(dead.asked), len(site.asked)) == (LeftAloneError, 5, 30)


async def test_requests_keep_apart_from_those_that_were_redirected(site: Site, clock: ManualClock) -> None:
    """Whoever is led to a host takes its turn there, like everybody who asks it."""
    async with serving() as door, HttpClient(loopback(interval=timedelta(hours=1)), clock) as http:
        door.says(302, Location=f"{site.url}/feed")
        site.says(200)
        await http.get(f"{door.url}/feed", within=WITHIN)
        error = await trouble_of(http.get(f"{site.url}/feed", within=timedelta(seconds=0.05)))
    assert (error.trouble, len(site.asked)) == (Trouble.TIMEOUT, 1)


async def test_hosts_without_end_are_not_all_remembered(site: Site, http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that leads to another host each time fills no memory: whom nobody asks is forgotten, metric included."""
    monkeypatch.setattr("monitor.sources.http.MAX_LANES", 1)
    async with serving() as other:
        for each in (site, other):
            each.says(200)
            await http.get(each.url, within=WITHIN)
        shown = [
            metrics.registry.get_sample_value("tocsin_http_circuit_open", {"host": f"127.0.0.1:{each.port}"})
            for each in (site, other)
        ]
    assert shown == [None, 0]


async def test_the_proxy_is_used(site: Site, clock: ManualClock) -> None:
    """Requests go through the configured proxy, and an environment variable changes nothing."""
    site.says(200, "by proxy")
    async with HttpClient(loopback(proxy=SecretStr(site.url)), clock) as http:
        assert (await http.get("http://127.0.0.1:1/feed", within=WITHIN)).body == b"by proxy"


async def test_the_environment_is_no_setting(site: Site, http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY in the environment redirects nothing."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    site.says(200, "direct")
    assert (await http.get(site.url, within=WITHIN)).body == b"direct"


async def test_own_certificates(tmp_path: Path) -> None:
    """A CA bundle is read at start; one that is not there is told in words."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ssl.DER_cert_to_PEM_cert(ssl.create_default_context().get_ca_certs(binary_form=True)[0]))
    await HttpClient(HttpSettings(ca_bundle=bundle)).close()
    for unreadable, text in (("missing.pem", None), ("empty.pem", "no certificate")):
        if text:
            (tmp_path / unreadable).write_text(text)
        with pytest.raises(TocsinError, match="ca_bundle"):
            HttpClient(HttpSettings(ca_bundle=tmp_path / unreadable))


async def test_closing_twice(http: HttpClient, site: Site) -> None:
    """A client can be closed again."""
    site.says(200)
    await http.get(site.url, within=WITHIN)
    await http.close()
    await http.close()


async def test_the_guarded_client_posts(site: Site, http: HttpClient) -> None:
    """A notifier's request arrives as it is, and the answer's header names are in lower case."""
    site.says(202, "taken", X_Seen="yes")
    answer = await GuardedClient(http).request("POST", f"{site.url}/hook", headers={"X-A": "1"}, body=b"{}")
    assert (answer.status, answer.body, answer.headers["x-seen"]) == (202, b"taken", "yes")
    assert (site.asked[0].method, site.asked[0].headers["X-A"]) == ("POST", "1")


async def test_the_guarded_client_neither_follows_nor_repeats(site: Site, http: HttpClient) -> None:
    """A redirect and a failure are the notifier's to judge."""
    redirecting(site, (302, "/elsewhere"))
    assert (await GuardedClient(http).request("POST", site.url, headers={}, body=b"")).status == 302
    assert len(site.asked) == 1


async def test_the_guarded_client_reads_little(site: Site, http: HttpClient) -> None:
    """A receiver cannot fill our memory with its answer."""
    site.says(200, bytes(2**20))
    assert len((await GuardedClient(http, max_answer=10).request("POST", site.url, headers={}, body=b"")).body) == 10


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://x/secret", Reason.MISCONFIGURED),
        ("http://[::1/secret", Reason.MISCONFIGURED),
        ("http://127.0.0.1:1/secret", Reason.UNAVAILABLE),
    ],
)
async def test_the_guarded_client_says_why_not(http: HttpClient, url: str, reason: Reason) -> None:
    """What fails is a `DeliveryError` that never shows the path: it is often the secret."""
    with pytest.raises(DeliveryError) as error:
        await GuardedClient(http).request("POST", url, headers={}, body=b"")
    assert error.value.reason is reason
    assert "secret" not in f"{error.value} {error.value!r}"


async def test_the_guarded_client_waits_only_so_long(clock: ManualClock) -> None:
    """A receiver that hangs is a time-out."""
    async with raw_server(b"", hang=True) as url, HttpClient(loopback(timeout=timedelta(seconds=0.05)), clock) as http:
        with pytest.raises(DeliveryError) as error:
            await GuardedClient(http).request("POST", url, headers={}, body=b"")
    assert error.value.reason is Reason.TIMEOUT


async def test_the_guarded_client_insists_on_tls(site: Site, http: HttpClient) -> None:
    """A receiver without a good certificate is told as such."""
    with pytest.raises(DeliveryError) as error:
        await GuardedClient(http).request("POST", site.url.replace("http:", "https:"), headers={}, body=b"")
    assert error.value.reason is Reason.TLS
