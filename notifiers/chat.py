"""Chats, SMS and push through Apprise, which speaks to more than a hundred services.

Apprise is heavy, and dials by itself: each service is told in a process of its own, which is watched and can be ended. It logs
addresses with their tokens, so its log goes nowhere: only the status numbers in it are read. It answers yes or no, so a no is
"unavailable" unless one of those numbers says more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from notifiers.base import DeliveryError, Errands, Reason, Receipt, ReceiverSettings
from notifiers.duration import Duration
from notifiers.message import Message
from notifiers.render import short
from notifiers.voice import Voice

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=://)", re.IGNORECASE)
_STATUS = re.compile(r"\berror=(\d{3})\b")
_STATUSES = {"401": Reason.CREDENTIALS, "403": Reason.CREDENTIALS, "410": Reason.GONE, "429": Reason.THROTTLED}
# Both name addresses, and addresses hold tokens.
_TALKATIVE = ("apprise", "urllib3")
# Messages of one receiver that are under way at once: one whose services hang must leave processes for all others.
BESIDE = 2
_loading = threading.Lock()
_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class AppriseSettings(ReceiverSettings):
    """People who are told by a chat, an SMS or a push service."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["apprise"]
    urls: tuple[SecretStr, ...] = Field(
        min_length=1,
        description="Apprise addresses (https://github.com/caronc/apprise/wiki); they hold tokens, so they are secrets."
        " One service per receiver is best: with several, one that answers counts as delivered",
    )
    timeout: Duration = Field(timedelta(seconds=30), description="the longest each of the services may take")

    @field_validator("urls", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, (str, SecretStr)) else value

    @field_validator("urls")
    @classmethod
    def _addresses(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(_SCHEME.match(url.get_secret_value()) for url in urls):
            raise ValueError("write Apprise addresses, like slack://… or ntfys://host/topic")
        return urls


class Chat:
    """One configured Apprise receiver."""

    def __init__(self, settings: AppriseSettings, errands: Errands) -> None:
        self._urls = [url.get_secret_value() for url in settings.urls]
        self._within = settings.timeout
        self._errands = errands
        self._room = asyncio.Semaphore(BESIDE)

    async def send(self, message: Message, *, attempted_at: datetime) -> Receipt:
        """Send once to every service. Raises `DeliveryError`, and nothing else, when none of them took it."""
        del attempted_at
        body, level = short(message), _level(message)
        async with self._room:
            troubles = await asyncio.gather(*(self._tell(url, body, level) for url in self._urls))
        failed = [trouble for trouble in troubles if trouble]
        if len(failed) == len(troubles):
            # The least hopeless trouble decides: one service that may yet answer is worth another try.
            raise min(failed, key=lambda trouble: trouble.permanent)
        told = len(troubles) - len(failed)
        return Receipt(f"{told} of {len(troubles)} services" if failed else _names(self._urls))

    async def _tell(self, url: str, body: str, level: str) -> DeliveryError | None:
        """The trouble, or None when the service took the message."""
        try:
            errand = await self._errands.apart(notify, url, body, level, within=self._within)
        except DeliveryError as error:
            return DeliveryError(error.reason, f"{_name(url)}: {error.detail}")
        if errand.value is None:
            return None
        if errand.refused:
            words = f"it leads to {errand.refused}, which is private; if it is yours to call, name it under `http.allow`"
            return DeliveryError(Reason.MISCONFIGURED, f"{_name(url)}: {words}")
        return DeliveryError(*errand.value)


def problems(settings: AppriseSettings) -> list[str]:
    """What Apprise cannot understand in these settings, in words that hold no token. Imports Apprise: for `tocsin check`."""
    urls = [url.get_secret_value() for url in settings.urls]
    with _listening():
        return [
            f"Apprise does not understand the {_name(url)}:// address: check it against its wiki page"
            for url in urls
            if not _service(url)
        ]


def names_a_host(url: str) -> bool:
    """Whether an address of Apprise surely has a host in its place: for many services it is a token, perhaps of digits alone."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or "." in host or ":" in host


def _level(message: Message) -> str:
    if message.kind in {"resolved", "over"}:
        return "warning" if Voice(message).unfinished else "success"
    return {"info": "info", "warning": "warning", "critical": "failure"}[message.severity]


def _name(url: str) -> str:
    """The service's scheme: the only part of an address that is no secret."""
    found = _SCHEME.match(url)
    return found[0].lower() if found else "apprise"


def _names(urls: Sequence[str]) -> str:
    return ", ".join(sorted({_name(url) for url in urls}))


def notify(url: str, body: str, level: str) -> tuple[Reason, str] | None:
    """Blocking, and dials: run it apart. The trouble, or None when the service took the message."""
    name = _name(url)
    with _listening() as heard:
        try:
            service = _service(url)
            if service is None:
                return Reason.MISCONFIGURED, f"Apprise does not understand the {name}:// address"
            if service.notify(body=body, notify_type=level, body_format="text"):
                return None
        except MemoryError:
            raise  # whoever ran us tells that from a bug
        except Exception as error:  # noqa: BLE001 a plugin's own errors quote its address
            return Reason.INTERNAL, f"{name} failed: {type(error).__name__}"
    status = next(iter(heard), "")
    if status.startswith("3"):
        return (
            Reason.MISCONFIGURED,
            f"{name} answered {status}: redirects are not followed, unless the address ends in ?redirect=yes",
        )
    said = f"{name} did not take the message" + (f" ({status})" if status else "")
    return _STATUSES.get(status, Reason.UNAVAILABLE), said


def _service(url: str) -> Any:
    """An Apprise object with this one service, or None when it does not understand the address.

    Redirects are followed only where the address says `redirect=yes`: what is sent holds posts, and often a token.
    """
    apprise = _apprise()
    service = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
    return service if service.add(url) else None


def _apprise() -> ModuleType:
    """The library, loaded with all its services at the first call."""
    with _loading:
        return _load()


@lru_cache(maxsize=1)
def _load() -> ModuleType:
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.addHandler(_Ear())
    with warnings.catch_warnings():
        # Some of its services import modules that Python will drop one day: that is no news to our users.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise  # noqa: PLC0415 half a second and 20 MB that only chat receivers need

        apprise.Apprise().add("json://localhost")  # the services themselves are loaded by the first use
    return apprise


class _Ear(logging.Handler):
    """Takes every record, keeps the status numbers for who listens in this thread, and lets nothing else out."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _heard.get()
        if heard is not None:
            heard.extend(_STATUS.findall(record.getMessage()))


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)
