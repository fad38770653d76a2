"""Signed calls to a real server on loopback: what arrives, what counts as success, and what each answer means."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from notifiers import samples
from notifiers.base import DeliveryError, HttpAnswer, Reason, Receipt
from notifiers.signing import new_secret, verify
from notifiers.webhook import Webhook, WebhookSettings, retry_after

AT = datetime(2026, 3, 2, 17, 6, tzinfo=UTC)
SECRET, OLD = new_secret(), new_secret()
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Client:
    """The smallest client that keeps the promise of `notifiers.base.HttpClient`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: Literal["POST", "GET"], url: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        async with self._session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
            return HttpAnswer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read())


class Server:
    """What was received, and the address to call."""

    def __init__(self) -> None:
        self.calls: list[tuple[Mapping[str, str], bytes]] = []
        self.url = ""


@contextlib.asynccontextmanager
async def answering(answer: Answer | None = None, **fields: Any) -> AsyncIterator[tuple[Server, Client]]:
    """A real receiver and a real client; `fields` make a plain answer (status, headers)."""
    seen = Server()

    async def take(request: web.Request) -> web.StreamResponse:
        seen.calls.append((dict(request.headers), await request.read()))
        return await answer(request) if answer else web.Response(**fields)

    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{any:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    seen.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/token-s3cret?key=s3cret"
    async with aiohttp.ClientSession() as session:
        try:
            yield seen, Client(session)
        finally:
            await runner.cleanup()


def webhook(url: str, client: Any, **changes: Any) -> Webhook:
    """A webhook that signs with one secret unless a test says otherwise."""
    return Webhook(WebhookSettings.model_validate({"kind": "webhook", "url": url, "secret": SECRET} | changes), client)


async def send(hook: Webhook, at: datetime = AT) -> Receipt:
    """One crisis, sent."""
    return await hook.send(samples.crisis("fr"), attempted_at=at)


async def failing(hook: Webhook) -> DeliveryError:
    """The error of a call that does not succeed; it never shows the token in the address."""
    with pytest.raises(DeliveryError) as caught:
        await send(hook)
    assert "s3cret" not in str(caught.value)
    return caught.value


async def test_a_call_is_signed_over_the_bytes_that_arrive() -> None:
    """A receiver with the secret verifies it and reads what happened."""
    async with answering(status=204) as (server, client):
        receipt = await send(webhook(server.url, client))
    ((headers, body),) = server.calls
    assert verify([SECRET], headers, body, now=AT) == "note-15"
    assert receipt.detail == "HTTP 204"
    told = json.loads(body)
    assert (told["type"], told["data"]["alerts"][0]["observed"]) == ("alert.first", 23)
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["User-Agent"].startswith("Tocsin-Webhook/")


async def test_a_repeat_has_the_same_id_and_body_and_a_new_time() -> None:
    """The receiver deduplicates by the id; the timestamp is the attempt's."""
    async with answering(status=200) as (server, client):
        hook = webhook(server.url, client)
        await send(hook)
        await send(hook, AT + timedelta(minutes=10))
    (first, body), (second, again) = server.calls
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 600
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_two_secrets_give_two_signatures() -> None:
    """Either end can change its secret first."""
    async with answering(status=200) as (server, client):
        await send(webhook(server.url, client, secret=[SECRET, OLD]))
    ((headers, body),) = server.calls
    assert verify([OLD], headers, body, now=AT) == verify([SECRET], headers, body, now=AT)


async def test_without_a_secret_the_call_is_not_signed() -> None:
    """Some services take no signature; the id is there all the same."""
    async with answering(status=200) as (server, client):
        await send(webhook(server.url, client, secret=[]))
    assert "webhook-signature" not in server.calls[0][0]
    assert server.calls[0][0]["webhook-id"] == "note-15"


@pytest.mark.parametrize(
    ("status", "reason", "permanent"),
    [
        (301, Reason.UNAVAILABLE, False),
        (302, Reason.UNAVAILABLE, False),
        (304, Reason.UNAVAILABLE, False),
        (400, Reason.UNAVAILABLE, False),
        (401, Reason.CREDENTIALS, False),
        (403, Reason.CREDENTIALS, False),
        (404, Reason.UNAVAILABLE, False),
        (408, Reason.TIMEOUT, False),
        (410, Reason.GONE, True),
        (413, Reason.REJECTED, True),
        (429, Reason.THROTTLED, False),
        (500, Reason.UNAVAILABLE, False),
        (502, Reason.UNAVAILABLE, False),
        (503, Reason.UNAVAILABLE, False),
        (504, Reason.UNAVAILABLE, False),
    ],
)
async def test_only_2xx_is_success(status: int, reason: Reason, *, permanent: bool) -> None:
    """410 disables, 413 is for ever, all else is tried again: an emergency outlives a bad deployment."""
    async with answering(status=status, headers={"Location": "http://127.0.0.1:1/elsewhere"}) as (server, client):
        error = await failing(webhook(server.url, client))
    assert (error.reason, error.permanent) == (reason, permanent)
    assert str(status) in error.detail
    assert len(server.calls) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_retry_after_is_honoured(status: int) -> None:
    """The server says how long to wait."""
    async with answering(status=status, headers={"Retry-After": "120"}) as (server, client):
        error = await failing(webhook(server.url, client))
    assert error.retry_after == 120


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0.0),
        ("1.5", 1.5),
        ("99999999", 3600.0),
        ("9" * 400, 3600.0),
        (format_datetime(AT + timedelta(seconds=90)), 90.0),
        (format_datetime(AT + timedelta(days=9)), 3600.0),
        (format_datetime(AT - timedelta(days=1)), 0.0),
        ("Mon, 02 Mar 2026 17:07:00 -0000", 60.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("٣", None),
        ("nan", None),
    ],
)
def test_every_form_of_retry_after(written: str, seconds: float | None) -> None:
    """Seconds or a date; absurd ones are an hour, odd ones are none."""
    assert retry_after({"retry-after": written}, AT) == seconds


async def test_an_answer_that_never_comes_times_out() -> None:
    """The limit is total."""

    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3600)
        return web.Response()

    async with answering(hang) as (server, client):
        error = await failing(webhook(server.url, client, timeout="1s"))
    assert error.reason is Reason.TIMEOUT


class Broken:
    """A client that fails as a test tells it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        raise self._error


async def test_the_clients_own_error_is_passed_on() -> None:
    """The guarded client says why in our words already."""
    error = await failing(webhook("https://x.example/s3cret", Broken(DeliveryError(Reason.TLS, "no certificate"))))
    assert (error.reason, error.detail) == (Reason.TLS, "no certificate")


async def test_any_other_error_keeps_its_words_to_itself() -> None:
    """They may hold the address, and the address a token."""
    error = await failing(webhook("https://x.example/s3cret", Broken(RuntimeError("https://x.example/s3cret"))))
    assert error.reason is Reason.INTERNAL
    assert "RuntimeError" in error.detail


@pytest.mark.parametrize("odd", ["a\r\nx-evil: 1", "é\ud800", "a\0b"])
async def test_an_odd_id_injects_no_header(odd: str) -> None:
    """Whatever our id is, a header value is one line."""
    hook = webhook("https://x.example", Broken(DeliveryError(Reason.TLS, "")))
    headers = hook._headers(samples.complaint(id=odd), AT, b"x")
    assert not {"\r", "\n", "\0"} & set("".join(headers.values()))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://x.example",
        "https://",
        "https://x.example:0",
        "https://x.example:99999",
        "https://[::1",
        "https://a b",
    ],
)
def test_an_odd_address_is_refused_without_being_shown(url: str) -> None:
    """It may hold a token even when it is wrong."""
    with pytest.raises(ValidationError, match="whole address") as caught:
        webhook(url + "?s3cret", None)
    assert "s3cret" not in str(caught.value)


def test_an_odd_secret_is_refused_without_being_shown() -> None:
    """The words say what a secret looks like."""
    with pytest.raises(ValidationError, match="24 to 64 bytes") as caught:
        webhook("https://x.example", None, secret="hunter2-secret")
    assert "hunter2" not in str(caught.value)


def test_no_secret_in_a_repr() -> None:
    """Neither the address nor the key."""
    settings = WebhookSettings.model_validate({"kind": "webhook", "url": "https://x.example/s3cret", "secret": SECRET})
    assert "s3cret" not in repr(settings)
    assert SECRET not in repr(settings)


async def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A notifier reports by its result."""
    with caplog.at_level(logging.WARNING):
        await failing(webhook("https://x.example/s3cret", Broken(RuntimeError("s3cret"))))
    assert caplog.text == ""
