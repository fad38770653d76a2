"""Mastodon's stream: it says when to look, looking brings the posts, and nothing hangs on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from monitor.domain.clock import ManualClock
from monitor.sources import KINDS, Kit, MastodonSettings, mastodon_stream
from monitor.sources.http import HttpClient
from monitor.sources.mastodon_stream import MastodonStream
from monitor.testing import AtOnce, Site
from tests.inbox import Inbox

if TYPE_CHECKING:
    from tests.monitor.sources.conftest import MockServer

TOKEN = "ada_token"
Rung = Callable[[], Awaitable[None]]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server on loopback minds how often it is asked."""
    monkeypatch.setattr(mastodon_stream, "PACE", 0.0)


@pytest.fixture
async def watching(http: HttpClient) -> AsyncIterator[Callable[..., tuple[MastodonStream, Rung]]]:
    """Makes sources, each with how to wait until it rings; their connections are closed before the server stops."""
    sources: list[MastodonStream] = []

    def make(url: str, **asked: Any) -> tuple[MastodonStream, Rung]:
        settings = MastodonSettings.model_validate(
            {"kind": "mastodon", "url": url, "token": SecretStr(TOKEN), "stream": True} | asked
        )
        source = KINDS["mastodon"].build(
            settings, Kit("fediverse", http, ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), Inbox(), AtOnce())
        )
        assert isinstance(source, MastodonStream)
        sources.append(source)

        async def rung() -> None:
            heard = asyncio.Event()
            await source.listen(heard.set)
            await heard.wait()

        return source, rung

    yield make
    for source in sources:
        await source.close()


@dataclass
class FakeMastodon:
    """Lists are empty, but for `posts`; `streams` says where the stream is, and whoever subscribes is remembered."""

    streams: str | None = None
    instance: int = 200
    refusal: int | None = None
    posts: list[dict[str, Any]] = field(default_factory=list)
    subscribed: list[dict[str, str]] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The API, as far as it is asked."""
        if request.path == "/api/v2/instance":
            return web.json_response(
                {"configuration": {"urls": {"streaming": self.streams}}} if self.streams else {}, status=self.instance
            )
        if request.path != "/api/v1/streaming":
            return web.json_response(self.posts)
        if self.refusal is not None:
            return web.Response(status=self.refusal)
        self.tokens.append(request.query.get("access_token"))
        self.subscribed.append({name: value for name, value in request.query.items() if name != "access_token"})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            self.subscribed.append(json.loads(message.data))
            self.heard.set()
        return socket


@pytest.fixture
def mastodon(site: Site) -> FakeMastodon:
    """The server."""
    fake = FakeMastodon()
    site.answer = fake.answer
    return fake


async def test_a_post_rings_and_the_look_brings_it(
    mastodon_mock: MockServer, watching: Callable[..., tuple[MastodonStream, Rung]]
) -> None:
    """Against an independent server: the post comes by the poll that the stream asked for, and what it missed comes, too."""
    source, rung = watching(mastodon_mock.url, hashtags=["streamed"])
    await asyncio.to_thread(mastodon_mock.post, "before #streamed")
    first = await source.poll(None)
    assert [mention.text for mention in first.mentions] == ["before #streamed"]
    await asyncio.to_thread(mastodon_mock.post, "now #streamed")
    await rung()
    second = await source.poll(first.cursor)
    assert [mention.text for mention in second.mentions] == ["now #streamed"]
    await source.close()
    await asyncio.to_thread(mastodon_mock.post, "unheard #streamed")
    third = await source.poll(second.cursor)
    assert [mention.text for mention in third.mentions] == ["unheard #streamed"]
    assert third.rejected == []


async def test_a_mention_rings(mastodon_mock: MockServer, watching: Callable[..., tuple[MastodonStream, Rung]]) -> None:
    """A notification of the token's account asks for a look, which brings who mentioned us."""
    source, rung = watching(mastodon_mock.url, mentions=True)
    first = await source.poll(None)
    await asyncio.to_thread(mastodon_mock.post, "@ada it is broken")
    await rung()
    assert "it is broken" in (await source.poll(first.cursor)).mentions[-1].text


async def test_one_connection_for_every_list(
    mastodon: FakeMastodon, site: Site, watching: Callable[..., tuple[MastodonStream, Rung]]
) -> None:
    """The first list stands in the address, the others are subscribed to; the stream may be on another host of the server's."""
    mastodon.streams = f"ws://127.0.0.1:{site.port}"
    source, _ = watching(site.url, hashtags=["a", "b"], mentions=True)
    batch = await source.poll(None)
    while len(mastodon.subscribed) < 3:
        await asyncio.wait_for(mastodon.heard.wait(), 20)
        mastodon.heard.clear()
    await source.poll(batch.cursor)
    assert mastodon.subscribed == [
        {"stream": "hashtag", "tag": "a"},
        {"type": "subscribe", "stream": "hashtag", "tag": "b"},
        {"type": "subscribe", "stream": "user"},
    ]
    assert mastodon.tokens == [TOKEN]


@pytest.mark.parametrize(
    ("said", "rings"),
    [
        ({"stream": ["hashtag", "a"], "event": "update", "payload": "{}"}, True),
        ({"stream": ["user"], "event": "notification", "payload": "{}"}, True),
        ({"event": "update", "payload": "{}"}, True),
        ({"stream": ["user"], "event": "update", "payload": "{}"}, False),
        ({"stream": ["hashtag", "a"], "event": "delete", "payload": "1"}, False),
        ([], False),
    ],
)
async def test_what_is_worth_a_look(
    mastodon: FakeMastodon,
    site: Site,
    watching: Callable[..., tuple[MastodonStream, Rung]],
    said: object,
    *,
    rings: bool,
) -> None:
    """Posts with the hashtag and notifications; not what the account's friends write, and no rubbish."""
    source, _ = watching(site.url, hashtags=["a"])
    await source.poll(None)
    (socket,) = mastodon.sockets
    await socket.send_str("rubbish")
    await socket.send_json(said)
    await socket.close()
    stream = source._stream
    assert stream is not None
    stream._ring = lambda: None  # what its end would ring is no part of this
    await asyncio.wait([stream._reading])
    assert (source._soon is not None) is rings


async def test_without_a_stream_it_looks_as_ever(
    mastodon: FakeMastodon, site: Site, watching: Callable[..., tuple[MastodonStream, Rung]]
) -> None:
    """A server that does not stream is told once, until it does; the polls go on."""
    mastodon.refusal = 401
    source, rung = watching(site.url, hashtags=["a"])
    first = await source.poll(None)
    second = await source.poll(first.cursor)
    assert [each.where for each in first.rejected] == ["the stream"]
    assert TOKEN not in first.rejected[0].why
    assert second.rejected == []
    mastodon.refusal = None
    third = await source.poll(second.cursor)
    await mastodon.sockets[0].close()
    await rung()  # a stream that ends asks for a look, which opens another
    fourth = await source.poll(third.cursor)
    assert third.rejected == fourth.rejected == []
    assert len(mastodon.sockets) == 2


@pytest.mark.parametrize(("instance", "streams"), [(404, True), (503, False)])
async def test_a_server_that_does_not_say_where_it_streams(
    mastodon: FakeMastodon,
    site: Site,
    watching: Callable[..., tuple[MastodonStream, Rung]],
    instance: int,
    *,
    streams: bool,
) -> None:
    """An old one streams where it answers; one that is in trouble is asked again at the next look."""
    mastodon.instance = instance
    source, _ = watching(site.url, hashtags=["a"])
    batch = await source.poll(None)
    assert bool(mastodon.sockets) is streams
    assert bool(batch.rejected) is not streams
    mastodon.instance = 200
    await source.poll(batch.cursor)
    assert len(mastodon.sockets) == 1


async def test_a_server_is_not_asked_too_often(
    mastodon: FakeMastodon,
    site: Site,
    watching: Callable[..., tuple[MastodonStream, Rung]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many posts come, two looks are some seconds apart, with a random part: its limit is 300 calls in five minutes."""
    monkeypatch.setattr(mastodon_stream, "PACE", 200.0)
    source, _ = watching(site.url, hashtags=["a", "b"], look_again=0)
    await source.poll(None)
    for _ in range(5):
        source._rouse()
    assert source._soon is not None
    wait = source._soon.when() - asyncio.get_running_loop().time()
    assert 390 < wait <= 600


async def test_a_server_cannot_send_us_inward(
    mastodon: FakeMastodon, site: Site, watching: Callable[..., tuple[MastodonStream, Rung]]
) -> None:
    """Where the stream is, the server says; into our own network it leads nobody."""
    mastodon.streams = "ws://10.0.0.1"
    source, _ = watching(site.url, hashtags=["a"])
    (told,) = (await source.poll(None)).rejected
    assert "private address" in told.why
    assert mastodon.tokens == []


@pytest.mark.parametrize(
    ("told", "server", "address"),
    [
        ("wss://stream.example/", "https://m.example", "https://stream.example"),
        ("ws://127.0.0.1:4000", "http://127.0.0.1:3000", "http://127.0.0.1:4000"),
        ("ws://stream.example", "https://m.example", "https://m.example"),
        ("gopher://stream.example", "https://m.example", "https://m.example"),
        (None, "https://m.example", "https://m.example"),
    ],
)
def test_where_the_stream_is(told: str | None, server: str, address: str) -> None:
    """Where the server says, but never without TLS when the server has it: our token goes there."""
    assert mastodon_stream._address(told, server) == address


@pytest.mark.parametrize("lacks", ["token", "hashtags"])
def test_what_a_stream_needs(lacks: str) -> None:
    """A token, and something that servers stream."""
    given = {"token": SecretStr(TOKEN), "hashtags": ("a",), "accounts": ("@ann@m.example",)}
    asked = {name: value for name, value in given.items() if name != lacks}
    with pytest.raises(ValidationError, match=f"needs (a )?`{lacks}`"):
        MastodonSettings.model_validate({"kind": "mastodon", "url": "https://m.example", "stream": True, **asked})
