"""The one way out to the web: limits per host, total times, capped bodies, few retries, and errors that say what to do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal, NoReturn, Self

import aiohttp
from pydantic import SecretStr
from yarl import URL

from monitor.domain.clock import Clock, SystemClock
from monitor.domain.errors import SourceError, Trouble
from monitor.sources import strict_json
from monitor.sources.breaker import Breaker, LeftAloneError
from monitor.sources.connecting import HttpSettings, trust
from monitor.sources.errands import ErrandRunner
from monitor.sources.guard import Guard
from monitor.sources.limits import retry_after
from monitor.sources.mapping import at
from monitor.sources.meaning import advice, meaning, reason, trouble_of_status
from monitor.sources.request import Request, asked, redirected
from monitor.sources.signing import InHeader, Signer
from monitor.telemetry import safe_address
from notifiers.base import DeliveryError, Errand, HttpAnswer, Reason

MAX_REDIRECTS = 5
MAX_LANES = 2_000  # hosts remembered at the same time: a redirect may lead to any
_CHUNK = 64 * 1024
_WORTH_WAITING = 5.0  # seconds; a longer wait is the scheduler's business
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT_MOVES = frozenset({301, 308})
_UPGRADED = 101
_PING = 30.0  # seconds of silence until a WebSocket's server is pinged; it has half of them to answer
_FAREWELL = 1.0  # seconds that a WebSocket's server has to answer our goodbye
_AGAIN = frozenset({Trouble.UNAVAILABLE, Trouble.THROTTLED, Trouble.MALFORMED})

Means = Callable[[int, Mapping[str, str], Any], SourceError | None]
"""What an answer means on one network, by its status, its headers (names in lower case) and the JSON in it (None where there is
none): an error for one that looks well and is not, or that says more than its status. None: it means what its status says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. Header names are in lower case; `moved_to` is set when every redirect on the way was permanent."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    moved_to: str | None = field(default=None, repr=False)
    document: Any = field(default=None, repr=False)  # the JSON in it, where somebody has understood it already

    def json(self) -> Any:
        """The body as strict JSON. Raises `SourceError(MALFORMED)`."""
        if self.document is not None:
            return self.document
        try:
            return strict_json.loads(self.body)
        except strict_json.NotJsonError as error:
            raise SourceError(Trouble.MALFORMED, f"{safe_address(self.url)} did not answer with JSON: {error}") from None

    def objects(self, *paths: str) -> list[Mapping[str, Any]]:
        """The list of objects at the first of these dotted paths that is there; without one, the answer itself.

        Raises `SourceError(MALFORMED)` for anything else.
        """
        document = self.json()
        found = next((each for path in paths or ("",) if (each := at(document, path)) is not None), None)
        if isinstance(found, list) and all(isinstance(each, Mapping) for each in found):
            return found
        where = f" at {' or '.join(paths)}" if any(paths) else ""
        raise SourceError(
            Trouble.MALFORMED, f"{safe_address(self.url)} did not answer with a list of objects{where}; is it the right API?"
        )


class _Lane:
    """One host: so many requests at a time, started so far apart, and none for a while after many failures."""

    def __init__(self, host: str, settings: HttpSettings, clock: Clock) -> None:
        self.breaker = Breaker(host, settings.breaker_failures, settings.breaker_rest, clock)
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
        self.guard = Guard(settings.allow, proxied=settings.proxy is not None)
        self._trust = trust(settings)
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._session: aiohttp.ClientSession | None = None
        self.errands = ErrandRunner(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Safe to call twice."""
        await self.errands.close()
        if self._session is not None:
            await self._session.close()
            self._session = None
        for lane in self._lanes.values():
            lane.breaker.end()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made on first use, within the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                ssl=self._trust, limit=100, limit_per_host=0, ttl_dns_cache=60, socket_factory=self.guard.socket
            )
            self._session = self._made(connector, timeout=aiohttp.ClientTimeout(total=self.settings.timeout.total_seconds()))
        return self._session

    def _made(self, connector: aiohttp.BaseConnector, **how: Any) -> aiohttp.ClientSession:
        proxy = self.settings.proxy
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self.settings.user_agent, "Accept-Encoding": "gzip, deflate"},
            proxy=proxy.get_secret_value() if proxy else None,
            trust_env=False,
            **how,
        )

    async def get(
        self,
        url: str,
        *,
        within: timedelta,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        token: SecretStr | None = None,
        signer: Signer | None = None,
        means: Means | None = None,
    ) -> Answer:
        """GET with retries, all of them within `within`. Answers 2xx and 304; raises `SourceError` for all else.

        `token` is sent as a bearer token, `signer` signs in other ways; both only to the host of `url`. `means` knows what an
        answer of this network means.
        """
        request = asked(url, params=params, headers=headers)
        return await self._ask(request, within, signer or (InHeader(token) if token else None), means)

    async def post(
        self,
        url: str,
        *,
        within: timedelta,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        document: Any = None,
        signer: Signer | None = None,
        means: Means | None = None,
    ) -> Answer:
        """The same by POST, for questions that are asked so (a token, GraphQL): it is repeated like a GET, and never redirected.

        Sends `form`, or `document` as JSON, or an empty form.
        """
        sent = {} if form is None and document is None else form
        request = asked(url, params=params, headers=headers, form=sent, document=document)
        return await self._ask(request, within, signer, means)

    async def connect(
        self,
        url: str,
        *,
        within: timedelta,
        most_bytes: int,
        silence: timedelta | None = None,
        signer: Signer | None = None,
        means: Means | None = None,
        led_by: str | None = None,
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket at `url` (http, https), opened at the first attempt and never by way of a redirect. Raises `SourceError`.

        Messages beyond `most_bytes` end it; so does a `silence` of its server, or, where that may be silent, a ping without an
        answer. `led_by` is the server that named `url`. Whoever reads it closes it.
        """
        request = asked(url)
        try:
            async with asyncio.timeout(within.total_seconds()):
                signed = await signer.sign(request) if signer else request
                lane = self._lane(signed.url)
                async with lane.enter():
                    with lane.breaker.watch(), self.guard.asking(signed.url, led_by=URL(led_by) if led_by else None):
                        return await self._upgrade(signed, most_bytes, silence, means)
        except TimeoutError:
            raise SourceError(Trouble.TIMEOUT, f"{safe_address(str(request.url))} did not answer in time") from None
        except OSError as error:  # the guard's refusal
            _translate(request.url, error)

    async def _upgrade(
        self, request: Request, most_bytes: int, silence: timedelta | None, means: Means | None
    ) -> aiohttp.ClientWebSocketResponse:
        async def answered(sent: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            answer = await ask(sent)
            if answer.status != _UPGRADED:
                async with answer:
                    await self._refused(request.url, answer, means or _as_it_says)
            return answer

        connector = self.session.connector
        assert connector is not None
        # A session of its own: its middleware alone sees what a refusal says, and keeps redirects from being followed.
        async with self._made(connector, connector_owner=False, middlewares=(answered,)) as session:
            try:
                return await session.ws_connect(
                    request.url,
                    headers=request.headers,
                    heartbeat=_PING if silence is None else None,
                    timeout=aiohttp.ClientWSTimeout(
                        ws_receive=silence.total_seconds() if silence is not None else None, ws_close=_FAREWELL
                    ),
                    max_msg_size=most_bytes,
                )
            except TimeoutError:
                raise SourceError(Trouble.TIMEOUT, f"{safe_address(str(request.url))} did not answer in time") from None
            except (aiohttp.ClientError, ValueError, OSError) as error:
                _translate(request.url, error)

    async def _refused(self, url: URL, answer: aiohttp.ClientResponse, means: Means) -> NoReturn:
        """Raise the `SourceError` that stands behind an answer which opens no WebSocket."""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        self._understood(url, answer.status, headers, await self._body(answer, url), means)
        raise SourceError(
            Trouble.MALFORMED,
            f"{safe_address(str(url))} answered {answer.status} and opened no WebSocket; check the address",
        )

    async def _ask(self, request: Request, within: timedelta, signer: Signer | None, means: Means | None) -> Answer:
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._as_us(request, signer, means)
        except TimeoutError:
            raise SourceError(Trouble.TIMEOUT, f"{safe_address(str(request.url))} did not answer in time") from None

    async def _as_us(self, request: Request, signer: Signer | None, means: Means | None) -> Answer:
        """Ask, signed; once more where our credentials were refused and there are others."""
        if signer is None:
            return await self._persist(request, means)
        signed = await signer.sign(request)
        try:
            return await self._persist(signed, means)
        except SourceError as error:
            if error.trouble is not Trouble.CREDENTIALS or not await signer.renew(signed):
                raise
        return await self._persist(await signer.sign(request), means)

    async def _persist(self, request: Request, means: Means | None) -> Answer:
        for attempt in range(self.settings.retries):
            try:
                return await self._follow(request, means)
            except SourceError as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
        return await self._follow(request, means)

    def _wait(self, error: SourceError, attempt: int) -> float | None:
        """How long to wait before the next attempt; None: do not try again now."""
        told = error.retry_after
        if isinstance(error, LeftAloneError) or error.trouble not in _AGAIN:
            return None
        if (told or 0) > _WORTH_WAITING or (error.trouble is Trouble.THROTTLED and told is None):
            return None
        spread = self._pause * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - jitter, not secrecy
        return float((told or 0) + spread)

    async def _follow(self, request: Request, means: Means | None) -> Answer:
        permanent, url, led_by = True, request.url, None
        for hop in range(MAX_REDIRECTS + 1):
            answer = await self._once(request, url, led_by, means)
            if answer.status not in _REDIRECTS:
                return replace(answer, moved_to=str(url) if hop and permanent else None)
            permanent = permanent and answer.status in _PERMANENT_MOVES
            url, led_by = redirected(request, url, answer.headers.get("location", "")), url
        raise SourceError(Trouble.REFUSED, f"{safe_address(str(request.url))} redirects more than {MAX_REDIRECTS} times")

    async def _once(self, request: Request, url: URL, led_by: URL | None, means: Means | None) -> Answer:
        lane = self._lane(url)  # of the host that is asked: the one that led to it has answered
        async with lane.enter():
            with lane.breaker.watch():
                return await self._send(request, url, led_by, means)

    async def _send(self, request: Request, url: URL, led_by: URL | None, means: Means | None) -> Answer:
        try:
            with self.guard.asking(url, led_by=led_by):
                async with self.session.request(
                    request.method, url, headers=request.headers, data=request.body, allow_redirects=False
                ) as response:
                    headers = {name.lower(): value for name, value in response.headers.items()}
                    if response.status in _REDIRECTS:
                        return Answer(response.status, headers, b"", str(url))
                    if means is None:
                        self._check(url, response.status, headers)
                        return Answer(response.status, headers, await self._body(response, url), str(url))
                    body = await self._body(response, url)
                    document = self._understood(url, response.status, headers, body, means)
                    return Answer(response.status, headers, body, str(url), document=document)
        except TimeoutError:
            raise SourceError(
                Trouble.TIMEOUT,
                f"{safe_address(str(url))} did not answer within {self.settings.timeout.total_seconds():g} s",
            ) from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            _translate(url, error)

    def _lane(self, url: URL) -> _Lane:
        """That of a host, which is then the last to be forgotten."""
        place = url.host or "", url.port or 0
        lane = self._lanes.pop(place, None) or _Lane(f"{place[0]}:{place[1]}", self.settings, self._clock)
        self._lanes[place] = lane
        if len(self._lanes) > MAX_LANES:
            self._lanes.pop(next(iter(self._lanes))).breaker.end()
        return lane

    async def _body(self, response: aiohttp.ClientResponse, url: URL) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self.settings.max_bytes:
                response.close()
                raise SourceError(
                    Trouble.TOO_LARGE,
                    f"{safe_address(str(url))} answered with more than {self.settings.max_bytes} bytes; see `max_bytes`",
                )
        return bytes(body)

    def _understood(self, url: URL, status: int, headers: Mapping[str, str], body: bytes, means: Means) -> Any:
        """The JSON of an answer. Raises the `SourceError` that it stands for on its network, else that of its status."""
        try:
            document = strict_json.loads(body) if body else None
        except strict_json.NotJsonError:
            document = None
        told = means(status, headers, document)
        if told is None:
            self._check(url, status, headers)
            return document
        wait = retry_after(headers, self._clock.wall()) if told.retry_after is None else told.retry_after
        limited = told.trouble in {Trouble.THROTTLED, Trouble.UNAVAILABLE, Trouble.SPENT}
        detail = f"{safe_address(str(url))} answered {status}: {told.detail}"
        raise SourceError(told.trouble, detail, retry_after=wait if limited else None)

    def _check(self, url: URL, status: int, headers: Mapping[str, str]) -> None:
        """Raise the `SourceError` that a status stands for."""
        if status < 300 or status in _REDIRECTS or status == 304:  # noqa: PLR2004 - HTTP's own numbers
            return
        wait = retry_after(headers, self._clock.wall())
        trouble = trouble_of_status(status, headers)
        told = wait if trouble in {Trouble.THROTTLED, Trouble.UNAVAILABLE} else None
        raise SourceError(trouble, f"{safe_address(str(url))} answered {status}{advice(status, trouble)}", retry_after=told)


def _as_it_says(status: int, headers: Mapping[str, str], document: Any) -> None:
    """`Means` of a network whose statuses say everything."""
    del status, headers, document


def _translate(url: URL, error: Exception) -> NoReturn:
    """Raise the `SourceError` for what aiohttp met. Its own words are left out: they may quote the address."""
    trouble, words = meaning(error)
    raise SourceError(trouble, f"{safe_address(str(url))}: {words}") from None


class GuardedClient:
    """What notifiers are given: one request, no redirects, no retries, a total time, a capped answer.

    What has an HTTP client of its own goes out `apart`, by the same rules.
    """

    def __init__(self, client: HttpClient, *, max_answer: int = 64 * 1024) -> None:
        self._client = client
        self._cap = max_answer

    async def request(self, method: Literal["POST", "GET"], url: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Send once and report what came back, redirects included. Raises `DeliveryError` when nothing usable did."""
        host = _host(url)
        try:
            with self._client.guard.asking(URL(url)):
                async with self._client.session.request(
                    method, URL(url), headers=headers, data=body, allow_redirects=False
                ) as response:
                    lower = {name.lower(): value for name, value in response.headers.items()}
                    return HttpAnswer(response.status, lower, await self._start(response))
        except TimeoutError:
            raise DeliveryError(Reason.TIMEOUT, f"{host} did not answer in time") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise DeliveryError(reason(error), f"{host}: {meaning(error)[1]}") from None

    async def apart(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand:
        """Run a module's function in a process of its own, where it dials nobody whom `http.allow` does not name."""
        return await self._client.errands.run(function, *args, within=within)

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


__all__ = ["MAX_REDIRECTS", "Answer", "GuardedClient", "HttpClient", "HttpSettings"]
