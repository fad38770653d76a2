"""What every notifier is: it sends one message once. Retrying, recording and choosing whom to tell are the delivery stage's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from notifiers.message import Language, Message


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class ReceiverSettings(BaseModel):
    """What all receivers have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Language | None = Field(None, description="fr or en; the default is `language` at the top of monitor.yaml")
    timezone: str | None = Field(None, description="IANA name; the default is `timezone` at the top of monitor.yaml")
    fallback: Annotated[tuple[str, ...], BeforeValidator(_one_or_many, json_schema_input_type=str | list[str])] = Field(
        (),
        description="the next channel: receivers, people or roles that are told of what is critical as soon as this receiver"
        " fails to take it, or says nothing for 30 s",
    )
    posts: int = Field(5, ge=0, le=50, description="how many posts to show in a message")


class Reason(StrEnum):
    """Why a message was not delivered: decides whether to try again, and labels the metric."""

    CREDENTIALS = "credentials"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    REJECTED = "rejected"  # the other side will never take this message
    GONE = "gone"  # the other side asks never to be called again: the receiver is disabled
    MISCONFIGURED = "misconfigured"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    TLS = "tls"
    INTERNAL = "internal"  # a bug of ours: kept and tried again


_PERMANENT = frozenset({Reason.UNKNOWN_RECIPIENT, Reason.REJECTED, Reason.GONE, Reason.MISCONFIGURED})


class DeliveryError(Exception):
    """The message was not taken. `retry_after` is in seconds, when the other side said how long to wait.

    `detail` is safe to show and to log: it never holds a secret, an address's password or a token.
    """

    def __init__(self, reason: Reason, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after

    @property
    def permanent(self) -> bool:
        """Whether trying the same message again is pointless."""
        return self.reason in _PERMANENT


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took the message. `detail` is what it answered, shortened, safe to show."""

    detail: str = ""


class Notifier(Protocol):
    """One configured receiver. `attempted_at` is the real time of this attempt (signatures need it)."""

    async def send(self, message: Message, *, attempted_at: datetime) -> Receipt:
        """Send once. Raises `DeliveryError`, and nothing else, when it cannot."""
        ...


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer to a guarded request: the body is capped, the header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """The guarded client a notifier is given: no redirects, time limits, size caps. Raises `DeliveryError` on trouble."""

    async def request(
        self, method: Literal["POST", "GET"], url: str, *, headers: Mapping[str, str], body: bytes
    ) -> HttpAnswer: ...


@dataclass(frozen=True, slots=True)
class Errand:
    """What a function gave that was run apart; `refused` is a private address that it was kept from dialling, if any."""

    value: Any
    refused: str = ""


class Errands(Protocol):
    """Where a library may dial by itself: in a process of its own, which is watched, and ended in time.

    The function is a module's, and what goes in and comes out can be pickled. `within` counts from the moment a process is
    free for it. Raises `DeliveryError` when it comes to no end.
    """

    async def apart(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand: ...


class Way(HttpClient, Errands, Protocol):
    """The way out that receivers are given."""
