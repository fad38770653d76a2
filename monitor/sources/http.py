"""The one way out to the web: limits per host, total times, capped bodies, few retries, and errors that say what to do."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn, Self

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from yarl import URL

from monitor.domain.clock import Clock, SystemClock
from monitor.domain.errors import SourceError, TocsinError, Trouble
from monitor.sources import strict_json
from monitor.sources.limits import retry_after
from monitor.sources.meaning import ADVICE, meaning, reason, trouble_of_status
from notifiers.base import DeliveryError, HttpAnswer, Reason

MAX_REDIRECTS = 5
_CHUNK = 64 * 1024
_WORTH_WAITING = 5.0  # seconds; a longer wait is the scheduler's business
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT_MOVES = frozenset({301, 308})
_AGAIN = frozenset({Trouble.UNAVAILABLE, Trouble.THROTTLED, Trouble.MALFORMED})


class HttpSettings(BaseModel):
    """How this installation reaches the web."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout: timedelta = Field(
        timedelta(seconds=30), gt=timedelta(0), description="the longest one request may take, body included"
    )
    per_host: int = Field(4, ge=1, le=64, description="requests to one host at the same time")
    interval: timedelta = Field(
        timedelta(0), ge=timedelta(0), description="least time between the starts of two requests to one host"
    )
    retries: int = Field(
        2, ge=0, le=5, description="how often a failed GET is repeated within one poll, after a short random wait"
    )
    max_bytes: int = Field(8 * 2**20, ge=1024, le=2**30, description="the largest body taken, in bytes after decompression")
    proxy: SecretStr | None = Field(
        None, description="an HTTP proxy for all requests, for instance http://user:password@proxy:3128"
    )
    ca_bundle: Path | None = Field(None, description="a PEM file of certificate authorities to trust instead of the system's")
    user_agent: str = Field("Tocsin/0.1 (brand monitoring)", min_length=1, description="how we introduce ourselves to servers")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. Header names are in lower case; `moved_to` is set when every redirect on the way was permanent."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    moved_to: str | None = field(default=None, repr=False)

    def json(self) -> Any:
        """The body as strict JSON. Raises `SourceError(MALFORMED)`."""
        try:
            return strict_json.loads(self.body)
        except strict_json.NotJsonError as error:
            raise SourceError(Trouble.MALFORMED, f"{safe(URL(self.url))} did not answer with JSON: {error}") from None


def connector(settings: HttpSettings) -> aiohttp.TCPConnector:
    """Where every connection of the daemon is made: the one place to guard which addresses may be dialled."""
    return aiohttp.TCPConnector(ssl=_trust(settings), limit=100, limit_per_host=0, ttl_dns_cache=60)


def _trust(settings: HttpSettings) -> ssl.SSLContext | bool:
    if settings.ca_bundle is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(settings.ca_bundle))
    except OSError as error:
        raise TocsinError(
            f"cannot read the certificates in {settings.ca_bundle}: {error.strerror or error}; check `ca_bundle`"
        ) from None


def safe(url: URL) -> str:
    """The address without anything secret: no user, no password, no query, no fragment."""
    shown = url.with_user(None).with_query(None).with_fragment(None)
    return f"{shown}?…" if url.query_string else str(shown)


class _Lane:
    """One host: so many requests at a time, started so far apart."""

    def __init__(self, settings: HttpSettings) -> None:
        self._room = asyncio.Semaphore(settings.per_host)
        self._turn = asyncio.Lock()
        self._apart = settings.interval.total_seconds()

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        async with self._room:
            await self._turn.acquire()
            if self._apart:
                asyncio.get_running_loop().call_later(self._apart, self._turn.release)
            else:
                self._turn.release()
            yield


class HttpClient:
    """One session for all sources. Use as an async context manager, or call `close`.

    `pause` is the first wait before a retry, in seconds; each further one doubles it, and a random part is taken off.
    """

    def __init__(self, settings: HttpSettings, clock: Clock | None = None, *, pause: float = 0.5) -> None:
        self.settings = settings
        self._clock = clock or SystemClock()
        self._pause = pause
        self._lanes: dict[tuple[str | None, int | None], _Lane] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Safe to call twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made on first use, within the running loop."""
        if self._session is None:
            proxy = self.settings.proxy
            self._session = aiohttp.ClientSession(
                connector=connector(self.settings),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self.settings.user_agent, "Accept-Encoding": "gzip, deflate"},
                proxy=proxy.get_secret_value() if proxy else None,
                timeout=aiohttp.ClientTimeout(total=self.settings.timeout.total_seconds()),
                trust_env=False,
            )
        return self._session

    async def get(
        self,
        url: str,
        *,
        within: timedelta,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        token: SecretStr | None = None,
    ) -> Answer:
        """GET with retries, all of them within `within`. Answers 2xx and 304; raises `SourceError` for all else.

        `token` is sent as a bearer token, and then only to the host of `url`.
        """
        request = _Request(_address(url, params), dict(headers or {}), token)
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._persist(request)
        except TimeoutError:
            raise SourceError(Trouble.TIMEOUT, f"{safe(request.url)} did not answer in time") from None

    async def _persist(self, request: _Request) -> Answer:
        for attempt in range(self.settings.retries):
            try:
                return await self._follow(request)
            except SourceError as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
        return await self._follow(request)

    def _wait(self, error: SourceError, attempt: int) -> float | None:
        """How long to wait before the next attempt; None: do not try again now."""
        told = error.retry_after
        if error.trouble not in _AGAIN or (told or 0) > _WORTH_WAITING or (error.trouble is Trouble.THROTTLED and told is None):
            return None
        spread = self._pause * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - jitter, not secrecy
        return float((told or 0) + spread)

    async def _follow(self, request: _Request) -> Answer:
        permanent, url = True, request.url
        for hop in range(MAX_REDIRECTS + 1):
            answer = await self._once(request, url)
            if answer.status not in _REDIRECTS:
                moved = str(url) if hop and permanent else None
                return Answer(answer.status, answer.headers, answer.body, str(url), moved)
            permanent = permanent and answer.status in _PERMANENT_MOVES
            url = _redirected(request, url, answer.headers.get("location", ""))
        raise SourceError(Trouble.REFUSED, f"{safe(request.url)} redirects more than {MAX_REDIRECTS} times")

    async def _once(self, request: _Request, url: URL) -> Answer:
        try:
            async with (
                self._lane(request.url).enter(),
                self.session.get(url, headers=request.signed, allow_redirects=False) as response,
            ):
                headers = {name.lower(): value for name, value in response.headers.items()}
                self._check(url, response.status, headers)
                body = await self._body(response, url) if response.status not in _REDIRECTS else b""
                return Answer(response.status, headers, body, str(url))
        except TimeoutError:
            raise SourceError(
                Trouble.TIMEOUT, f"{safe(url)} did not answer within {self.settings.timeout.total_seconds():g} s"
            ) from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            _translate(url, error)

    def _lane(self, url: URL) -> _Lane:
        return self._lanes.setdefault((url.host, url.port), _Lane(self.settings))

    async def _body(self, response: aiohttp.ClientResponse, url: URL) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self.settings.max_bytes:
                response.close()
                raise SourceError(
                    Trouble.TOO_LARGE, f"{safe(url)} answered with more than {self.settings.max_bytes} bytes; see `max_bytes`"
                )
        return bytes(body)

    def _check(self, url: URL, status: int, headers: Mapping[str, str]) -> None:
        """Raise the `SourceError` that a status stands for."""
        if status < 300 or status in _REDIRECTS or status == 304:  # noqa: PLR2004 - HTTP's own numbers
            return
        wait = retry_after(headers, self._clock.wall())
        trouble = trouble_of_status(status, headers)
        told = wait if trouble in {Trouble.THROTTLED, Trouble.UNAVAILABLE} else None
        raise SourceError(trouble, f"{safe(url)} answered {status}{ADVICE.get(trouble, '')}", retry_after=told)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked, with the secret it may carry."""

    url: URL
    headers: Mapping[str, str] = field(repr=False)
    token: SecretStr | None

    @property
    def signed(self) -> dict[str, str]:
        """The headers, secret included."""
        said = dict(self.headers)
        if self.token is not None:
            said["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        return said

    @property
    def confidential(self) -> bool:
        """Whether it carries something that no other host may see."""
        return self.token is not None or bool(self.url.user or self.url.password)


def _address(url: str, params: Mapping[str, str] | None) -> URL:
    try:
        address = URL(url)
        if address.scheme in {"http", "https"} and address.host:
            return address.update_query(params) if params else address
    except ValueError:
        pass
    raise SourceError(Trouble.REFUSED, "the address is not a complete http(s) URL; check the settings of the source")


def _redirected(request: _Request, url: URL, location: str) -> URL:
    """Where a redirect leads, if it may be followed. Raises `SourceError(REFUSED)`."""
    try:
        target = url.join(URL(location))
    except ValueError:
        target = URL()
    if not location or target.scheme not in {"http", "https"} or not target.host:
        raise SourceError(Trouble.MALFORMED, f"{safe(url)} redirects to no address")
    if url.scheme == "https" and target.scheme != "https":
        raise SourceError(Trouble.REFUSED, f"{safe(url)} redirects to plain http, which is not followed")
    if not request.confidential:
        return target.with_user(None)
    if target.host != request.url.host or (
        target.port != request.url.port and not (target.is_default_port() and url.is_default_port())
    ):
        raise SourceError(
            Trouble.REFUSED, f"{safe(url)} redirects to another host ({target.host}), and our credentials must not go there"
        )
    return target.with_user(request.url.user).with_password(request.url.password)


def _translate(url: URL, error: Exception) -> NoReturn:
    """Raise the `SourceError` for what aiohttp met. Its own words are left out: they may quote the address."""
    trouble, words = meaning(error)
    raise SourceError(trouble, f"{safe(url)}: {words}") from None


class GuardedClient:
    """What notifiers are given: one request, no redirects, no retries, a total time, a capped answer."""

    def __init__(self, client: HttpClient, *, max_answer: int = 64 * 1024) -> None:
        self._client = client
        self._cap = max_answer

    async def request(self, method: Literal["POST", "GET"], url: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Send once and report what came back, redirects included. Raises `DeliveryError` when nothing usable did."""
        host = _host(url)
        try:
            async with self._client.session.request(
                method, URL(url), headers=headers, data=body, allow_redirects=False
            ) as response:
                lower = {name.lower(): value for name, value in response.headers.items()}
                return HttpAnswer(response.status, lower, await self._start(response))
        except TimeoutError:
            raise DeliveryError(Reason.TIMEOUT, f"{host} did not answer in time") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise DeliveryError(reason(error), f"{host}: {meaning(error)[1]}") from None

    async def _start(self, response: aiohttp.ClientResponse) -> bytes:
        """The first bytes of the body: enough to show; the rest is not waited for."""
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) >= self._cap:
                response.close()
                break
        return bytes(body[: self._cap])


def _host(url: str) -> str:
    """Only the host: the paths of webhooks are often secrets themselves."""
    try:
        address = URL(url)
    except ValueError:
        address = URL()
    if address.scheme not in {"http", "https"} or not address.host:
        raise DeliveryError(Reason.MISCONFIGURED, "the webhook's address is not a complete http(s) URL")
    return address.host
