"""The endpoints, asked over a real connection on loopback."""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from monitor.domain.errors import ExitCode, StorageError, TocsinError
from monitor.telemetry import metrics
from monitor.web import Reloaded, Verify, private_app, public_app, serve
from monitor.web.app import Challenge
from monitor.web.desk import Desk
from monitor.web.reading import BODIES, LARGEST_BODY
from monitor.web.room import lone
from monitor.web.server import CannotListenError, Door

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Fake:
    """A daemon behind the endpoints: one source `shop` whose calls are signed by the word "good"."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.stored: dict[str, bytes] = {}
        self.failure: Exception | None = None
        self.seen_at: datetime | None = None
        self.reloaded = Reloaded("in_force")
        self.reloads = 0

    async def reload(self) -> Reloaded:
        self.reloads += 1
        return self.reloaded

    def now(self) -> datetime:
        return NOW

    async def troubles(self) -> Sequence[str]:
        if self.failure:
            raise self.failure
        return self.reasons

    def desk(self) -> Desk:
        raise web.HTTPServiceUnavailable(text="the daemon is starting")

    def hook(self, source: str) -> Verify | None:
        return self._verify if source == "shop" else None

    def challenge(self, source: str) -> Challenge | None:
        return self._challenge if source == "shop" else None

    def _challenge(self, query: Mapping[str, str]) -> str:
        if query.get("token") != "good":
            raise TocsinError("the token is not secret-hint")
        return query["say"]

    def _verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        self.seen_at = now
        if headers.get("x-signature") != "good":
            raise TocsinError("the signature does not fit secret-hint")
        return headers["X-Delivery"]

    async def accept(self, source: str, delivery_id: str, body: bytes) -> bool:
        assert source == "shop"
        if self.failure:
            raise self.failure
        new = delivery_id not in self.stored
        self.stored.setdefault(delivery_id, body)
        return new


@pytest.fixture
def daemon() -> Fake:
    """What stands behind the endpoints."""
    return Fake()


@pytest_asyncio.fixture
async def client(daemon: Fake) -> AsyncIterator[aiohttp.ClientSession]:
    """A client at the public door."""
    async with serve(daemon, "public", "127.0.0.1", 0) as address, aiohttp.ClientSession(address) as session:
        yield session


@pytest_asyncio.fixture
async def operator(daemon: Fake) -> AsyncIterator[aiohttp.ClientSession]:
    """A client at the private door."""
    async with serve(daemon, "private", "127.0.0.1", 0) as address, aiohttp.ClientSession(address) as session:
        yield session


SIGNED = {"X-Signature": "good", "X-Delivery": "d1"}


async def test_health_is_asked_of_the_process_alone(operator: aiohttp.ClientSession, daemon: Fake) -> None:
    """A daemon that lives is healthy, whatever troubles it has: restarting it would mend none of them."""
    daemon.reasons = ["the store does not answer"]
    async with operator.get("/-/healthy") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "healthy"})


async def test_ready_says_why_not(operator: aiohttp.ClientSession, daemon: Fake) -> None:
    """503 with the reasons until the work is being done, then 200."""
    daemon.reasons = ["the store does not answer"]
    async with operator.get("/-/ready") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert await answer.json() == {"status": "unavailable", "reasons": ["the store does not answer"]}
    daemon.reasons = []
    async with operator.get("/-/ready") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ready"})


async def test_metrics_are_prometheus_text(operator: aiohttp.ClientSession) -> None:
    """The body parses as Prometheus' own format, and its type says so."""
    async with operator.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        names = {family.name for family in text_string_to_metric_families(await answer.text())}
    assert {"tocsin_polls", "tocsin_build_info", "tocsin_hooks"} <= names


async def test_a_signed_call_is_stored_and_then_accepted(client: aiohttp.ClientSession, daemon: Fake) -> None:
    """202 once the raw body is committed; the same delivery again is a duplicate, and stored once."""
    before = metrics.registry.get_sample_value("tocsin_hooks_total", {"source": "shop", "outcome": "accepted"}) or 0
    async with client.post("/hooks/shop", data=b'{"raw": "\xc3\xa9"}', headers=SIGNED) as answer:
        assert (answer.status, await answer.json()) == (202, {"status": "accepted"})
    async with client.post("/hooks/shop", data=b"other", headers=SIGNED) as answer:
        assert (answer.status, await answer.json()) == (202, {"status": "duplicate"})
    assert daemon.stored == {"d1": b'{"raw": "\xc3\xa9"}'}
    assert daemon.seen_at == NOW
    assert metrics.registry.get_sample_value("tocsin_hooks_total", {"source": "shop", "outcome": "accepted"}) == before + 1


async def test_an_unsigned_call_is_refused_without_a_hint(client: aiohttp.ClientSession, daemon: Fake) -> None:
    """401 tells the caller nothing that helps to forge; the log says why."""
    with capture_logs() as said:
        async with client.post("/hooks/shop", data=b"x", headers={"X-Signature": "bad"}) as answer:
            assert (answer.status, await answer.json()) == (401, {"error": "the call is not signed as agreed"})
    assert daemon.stored == {}
    assert [event["why"] for event in said if event["event"] == "hook.refused"] == ["the signature does not fit secret-hint"]


async def test_a_challenge_is_answered(client: aiohttp.ClientSession) -> None:
    """Whoever asks as agreed hears its word again, as plain text; others are refused without a hint, and the log says why."""
    async with client.get("/hooks/shop?token=good&say=1158201444") as answer:
        assert (answer.status, await answer.text(), answer.content_type) == (200, "1158201444", "text/plain")
    with capture_logs() as said:
        async with client.get("/hooks/shop?token=bad&say=1") as answer:
            assert (answer.status, await answer.json()) == (403, {"error": "the challenge is not as agreed"})
    assert [event["why"] for event in said if event["event"] == "hook.challenge_refused"] == ["the token is not secret-hint"]


@pytest.mark.parametrize("failure", [StorageError("the disk is full"), RuntimeError("a bug")])
async def test_what_could_not_be_stored_is_asked_for_again(
    client: aiohttp.ClientSession, daemon: Fake, failure: Exception
) -> None:
    """Nothing is acknowledged that is not committed: 503, so that the caller sends it again."""
    daemon.failure = failure
    with capture_logs():
        async with client.post("/hooks/shop", data=b"x", headers=SIGNED) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            assert "send it again" in (await answer.json())["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("POST", "/hooks/unknown", 404, "there is no source by this name that takes calls"),
        ("PUT", "/hooks/shop", 405, "method not allowed"),
        ("GET", "/hooks/unknown", 404, "there is no source by this name that answers a challenge"),
        ("GET", "/nothing", 404, "not found"),
        ("GET", "/-/healthy", 404, "not found"),
        ("GET", "/-/ready", 404, "not found"),
        ("GET", "/metrics", 404, "not found"),
        ("POST", "/-/reload", 404, "not found"),
    ],
)
async def test_wrong_turns_are_answered_in_json(
    client: aiohttp.ClientSession, method: str, path: str, status: int, words: str
) -> None:
    """An unknown source, path or method is named; 405 lists what is allowed. Nothing of the private door is behind the public."""
    async with client.request(method, path) as answer:
        assert (answer.status, await answer.json()) == (status, {"error": words})
        assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_cap_is_refused(client: aiohttp.ClientSession, daemon: Fake, chunked: bool) -> None:
    """A mebibyte is taken, one byte more is 413, whether or not its length was announced."""

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 65_536):
            yield b"x" * min(65_536, size - start)

    async def send(size: int, delivery: str) -> int:
        body = pieces(size) if chunked else io.BytesIO(b"x" * size)
        async with client.post("/hooks/shop", data=body, headers={**SIGNED, "X-Delivery": delivery}) as answer:
            return answer.status

    assert await send(LARGEST_BODY, "fits") == 202
    assert await send(LARGEST_BODY + 1, "too large") == 413
    assert daemon.stored.keys() == {"fits"}


async def test_a_compressed_body_is_refused_unread(client: aiohttp.ClientSession, daemon: Fake) -> None:
    """What is signed is what is sent: a body that would unpack to something else is 415."""
    bomb = gzip.compress(b"0" * 10_000_000)
    async with client.post("/hooks/shop", data=bomb, headers={**SIGNED, "Content-Encoding": "gzip"}) as answer:
        assert answer.status == 415
    assert daemon.stored == {}


async def test_a_trickled_body_is_sent_away(daemon: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that announces a body and never sends it is not waited for."""
    monkeypatch.setattr("monitor.web.reading.SLOWEST_BODY", 0.01)
    async with serve(daemon, "public", "127.0.0.1", 0) as address:
        head = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12"
        assert (await raw(address, head)).startswith(b"HTTP/1.1 408 ")


async def raw(address: str, request: bytes) -> bytes:
    """What the server answers to bytes, up to the end of the headers."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("path", ["/-/healthy", "/metrics", "/nothing", "/hooks/shop"])
@pytest.mark.parametrize("door", ["public", "private"])
async def test_every_answer_protects_and_names_no_server(daemon: Fake, door: Door, path: str) -> None:
    """Errors too carry the protecting headers, and nothing says which server answers."""
    async with serve(daemon, door, "127.0.0.1", 0) as address, aiohttp.request("GET", address + path) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers


async def test_what_is_no_http_gets_no_banner(daemon: Fake, caplog: pytest.LogCaptureFixture) -> None:
    """A request that cannot be parsed is 400, without a word about our software or a traceback in our log."""
    with caplog.at_level(logging.DEBUG):
        async with serve(daemon, "public", "127.0.0.1", 0) as address:
            answer = await raw(address, b"GET / HTTP/9.9\r\n\x00\r\n\r\n")
    assert "Traceback" not in caplog.text
    assert answer.startswith(b"HTTP/1.")
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert b"aiohttp" not in answer.lower()
    assert b"python" not in answer.lower()


async def test_a_bug_of_ours_is_not_shown(operator: aiohttp.ClientSession, daemon: Fake) -> None:
    """500 says that the log says more, and the log does."""
    daemon.failure = RuntimeError("inner workings")
    with capture_logs() as said:
        async with operator.get("/-/ready") as answer:
            assert answer.status == 500
            assert "inner workings" not in await answer.text()
    assert any(event["event"] == "web.failed" and event.get("exc_info") for event in said)


async def test_requests_are_logged_without_their_query(daemon: Fake) -> None:
    """Tokens stand in query strings; what machines ask every few seconds is logged quietly."""
    with capture_logs() as said:
        async with serve(daemon, "public", "127.0.0.1", 0) as public, serve(daemon, "private", "127.0.0.1", 0) as private:
            async with aiohttp.request("POST", f"{public}/hooks/shop?token=abc", data=b"x", headers=SIGNED):
                pass
            async with aiohttp.request("GET", f"{private}/-/healthy?token=abc"):
                pass
    events = [(event["log_level"], event["path"], event["status"]) for event in said if event["event"] == "web.request"]
    assert events == [("info", "/hooks/shop", 202), ("debug", "/-/healthy", 200)]
    assert "abc" not in repr(said)


async def test_a_taken_port_is_said_in_words(daemon: Fake) -> None:
    """Two daemons on one port: the second says what to change, with the exit code for "unavailable"."""
    async with serve(daemon, "public", "127.0.0.1", 0) as address:
        port = int(address.rpartition(":")[2])
        with pytest.raises(CannotListenError, match=rf"cannot serve on 127.0.0.1:{port} .*Set `web:") as caught:
            async with serve(daemon, "public", "127.0.0.1", port):
                pass
    assert caught.value.exit_code == ExitCode.UNAVAILABLE


async def test_the_address_of_version_six_can_be_opened(daemon: Fake) -> None:
    """The address given back is one that a client understands."""
    async with serve(daemon, "private", "::1", 0) as address, aiohttp.ClientSession(address) as client:
        assert address.startswith("http://[::1]:")
        answer = await client.get("/-/healthy")
        assert await answer.json() == {"status": "healthy"}


async def test_a_request_under_way_is_finished_at_the_end(daemon: Fake) -> None:
    """The end waits a little for a call whose body is being committed."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(source: str, delivery_id: str, body: bytes) -> bool:
        begun.set()
        await go_on.wait()
        return True

    daemon.accept = slowly  # type: ignore[method-assign]
    async with aiohttp.ClientSession() as client:
        async with serve(daemon, "public", "127.0.0.1", 0) as address:
            call = asyncio.ensure_future(client.post(f"{address}/hooks/shop", data=b"x", headers=SIGNED))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.01, go_on.set)
        assert (await call).status == 202


@pytest.mark.parametrize(
    ("done", "status", "told"),
    [
        (Reloaded("in_force", ["sources.news"], ["web"]), 200, {"changed": ["sources.news"], "not_before_a_restart": ["web"]}),
        (Reloaded("refused", problems=["monitor.yaml:3: no"]), 422, {"problems": ["monitor.yaml:3: no"]}),
        (
            Reloaded("failed", problems=["no certificates"]),
            500,
            {"problems": ["no certificates"]},
        ),
        (Reloaded("waiting"), 202, {}),
    ],
)
async def test_a_reload_says_what_became_of_it(
    operator: aiohttp.ClientSession, daemon: Fake, done: Reloaded, status: int, told: dict[str, list[str]]
) -> None:
    """200 with what changed once it is at work; 422 for a bad file, 500 for one that cannot work, 202 when it takes longer."""
    daemon.reloaded = done
    async with operator.post("/-/reload") as answer:
        assert (answer.status, await answer.json()) == (status, {"status": done.status, **told})
    assert daemon.reloads == 1


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://127.0.0.1"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
async def test_no_page_in_a_browser_reloads(operator: aiohttp.ClientSession, daemon: Fake, headers: dict[str, str]) -> None:
    """Whoever reads a hostile page on the operator's machine reloads nothing by it."""
    async with operator.post("/-/reload", headers=headers) as answer:
        assert answer.status == 403
    assert daemon.reloads == 0


async def test_a_link_does_not_reload(operator: aiohttp.ClientSession, daemon: Fake) -> None:
    """GET changes nothing anywhere."""
    async with operator.get("/-/reload") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert daemon.reloads == 0


async def test_nothing_of_the_public_door_is_behind_the_private(operator: aiohttp.ClientSession, daemon: Fake) -> None:
    """A call that is signed as agreed is 404 there, and stored nowhere."""
    async with operator.post("/hooks/shop", data=b"x", headers=SIGNED) as answer:
        assert answer.status == 404
    assert daemon.stored == {}


@pytest.mark.parametrize("head", [b"", b"GET /metrics HTTP/1.1\r\n"], ids=["silent", "trickling"])
async def test_a_head_that_never_ends_is_cut_off(daemon: Fake, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    """However steadily it trickles: the whole head has one time, and it is not prolonged."""
    monkeypatch.setattr("monitor.web.server.IDLE", 0.2)
    async with serve(daemon, "public", "127.0.0.1", 0) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))

        async def trickle() -> None:
            while head and not writer.is_closing():
                writer.write(b"X: y\r\n")
                await asyncio.sleep(0.02)

        writer.write(head)
        dripping = asyncio.create_task(trickle())
        with suppress(ConnectionError):  # who still sends when it is cut off hears of it this way
            assert await asyncio.wait_for(reader.read(), 10) == b""
        dripping.cancel()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_one_more_connection_than_there_is_room_for_is_turned_away(daemon: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors are kept for sources, receivers and the store; when one leaves there is room again."""
    monkeypatch.setattr("monitor.web.server.MOST", 1)
    async with serve(daemon, "public", "127.0.0.1", 0) as address:
        port = int(address.rpartition(":")[2])
        async with connection(port) as inside:
            assert b" 404 " in await asked(inside)
            async with connection(port) as outside:
                assert await asked(outside) == b""
        async with asyncio.timeout(20):
            while not await visited(port):
                pass


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[Connection]:
    """An open connection, closed afterwards."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def asked(where: Connection) -> bytes:
    """The first line of an answer; nothing from a connection that is cut off."""
    try:
        where[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return await asyncio.wait_for(where[0].readline(), 10)
    except ConnectionError:
        return b""


async def visited(port: int) -> bytes:
    """`asked`, on a connection of its own."""
    async with connection(port) as where:
        return await asked(where)


async def test_only_so_many_bodies_are_read_at_once(daemon: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers cannot fill the memory with bodies that nobody verified yet: the next caller waits for a place."""
    monkeypatch.setattr("monitor.web.app.BODIES", 1)
    async with (
        AsyncExitStack() as stack,
        serve(daemon, "public", "127.0.0.1", 0) as address,
        aiohttp.ClientSession(address) as client,
    ):
        reader, writer = await stack.enter_async_context(connection(int(address.rpartition(":")[2])))
        writer.write(b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n12")
        assert b" 100 " in await asyncio.wait_for(reader.readline(), 10)  # its body is being read from here on
        other = asyncio.ensure_future(client.post("/hooks/shop", data=b"x", headers=SIGNED))
        done, _ = await asyncio.wait({other}, timeout=0.2)
        assert not done
        writer.close()
        async with await other as answer:
            assert answer.status == 202


async def strangers(stack: AsyncExitStack, address: str, number: int, *, at: str = "127.0.0.1") -> None:
    """So many connections on which a body without a signature has begun, and goes on for ever."""
    for _ in range(number):
        port = int(address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(at, 0))
        stack.callback(writer.close)
        writer.write(b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n12")
        assert b" 100 " in await asyncio.wait_for(reader.readline(), 10)  # its body is being read from here on, if there is room


@pytest.mark.fault("network", "strangers trickle bodies that nobody signed, as many as are read at once")
async def test_who_finds_no_room_hears_so_soon(daemon: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed call is told so soon, with 503 and when to come back: it does not wait until the time for its own body is over."""
    monkeypatch.setattr("monitor.web.room.PATIENCE", 0.1)
    async with (
        AsyncExitStack() as stack,
        serve(daemon, "public", "127.0.0.1", 0) as address,
        aiohttp.ClientSession(address) as client,
    ):
        await strangers(stack, address, BODIES)
        async with client.post("/hooks/shop", data=b"x", headers=SIGNED) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert daemon.stored == {}


@pytest.mark.fault("network", "one stranger trickles bodies, twice as many as are read at once")
async def test_one_stranger_does_not_shut_the_door(daemon: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """One address of the open internet has a quarter of the room; whoever calls from elsewhere is served at once."""
    monkeypatch.setattr("monitor.web.room.lone", lambda remote: remote)  # as if 127.0.0.2 were such an address
    async with (
        AsyncExitStack() as stack,
        serve(daemon, "public", "127.0.0.1", 0) as address,
        aiohttp.ClientSession(address) as client,
    ):
        await strangers(stack, address, 2 * BODIES, at="127.0.0.2")
        async with asyncio.timeout(10), client.post("/hooks/shop", data=b"x", headers=SIGNED) as answer:
            assert answer.status == 202


@pytest.mark.parametrize(
    ("remote", "who"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("2a00:1450:4007::1", "2a00:1450:4007::/64"),
        ("127.0.0.1", None),
        ("10.88.0.1", None),
        ("::1", None),
        (None, None),
    ],
)
def test_whoever_may_be_a_proxy_has_no_share(remote: str | None, who: str | None) -> None:
    """Behind an address of this machine or of a private network there may be many callers; others stand for themselves."""
    assert lone(remote) == who


def test_the_applications_stand_alone(daemon: Fake) -> None:
    """They can be built without a server, for another's."""
    assert all(isinstance(build(daemon), web.Application) for build in (public_app, private_app))
