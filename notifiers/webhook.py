"""A signed HTTP call for every message, as Standard Webhooks 1.0 describes it.

Success is 2xx and nothing else. 410 says "never again": the receiver is disabled. 413 refuses these very bytes for ever.
Every other answer is tried again, 400 and 404 included: a receiver that was deployed wrong for ten minutes must still learn
of the emergency afterwards. A redirect is not followed (the signed body would go to a place nobody configured).
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator

from notifiers import signing
from notifiers.base import DeliveryError, HttpAnswer, HttpClient, Reason, Receipt, ReceiverSettings
from notifiers.duration import Duration
from notifiers.message import Message
from notifiers.render import payload
from notifiers.safe import one_line

USER_AGENT = "Tocsin-Webhook/1 (+https://www.standardwebhooks.com)"
# An absurd Retry-After must not silence an emergency for a day.
_LONGEST_WAIT = 3600.0
_SAID = 120
_TOKEN = re.compile(r"[0-9]+(\.[0-9]+)?")
_REASONS = {
    401: Reason.CREDENTIALS,
    403: Reason.CREDENTIALS,
    407: Reason.CREDENTIALS,
    408: Reason.TIMEOUT,
    410: Reason.GONE,
    413: Reason.REJECTED,
    429: Reason.THROTTLED,
}


def _address(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(ord(letter) <= 0x20 for letter in value.get_secret_value()):  # noqa: PLR2004 blanks and controls
        raise ValueError("write a whole address, https://host/path")
    return value


def _secret(value: SecretStr) -> SecretStr:
    signing.key(value.get_secret_value())
    return value


Secret = Annotated[SecretStr, AfterValidator(_secret)]


class WebhookSettings(ReceiverSettings):
    """A machine that is told by signed HTTP calls."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["webhook"]
    url: Annotated[SecretStr, AfterValidator(_address)] = Field(
        description="where to POST; often holds a token, so it is treated as a secret"
    )
    secret: tuple[Secret, ...] = Field(
        (),
        description="`whsec_…`, the key of the signature; a list signs with each, to change a secret without losing a call."
        " Without one the calls are not signed",
    )
    format: Literal["standard"] = Field("standard", description="the shape of the body: Standard Webhooks 1.0")
    timeout: Duration = Field(timedelta(seconds=15), description="the longest one call may take")

    @field_validator("secret", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, (str, SecretStr)) else value


class Webhook:
    """One configured webhook. The body depends on the message alone; only the timestamp and the signature are per attempt."""

    def __init__(self, settings: WebhookSettings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http
        self._secrets = [secret.get_secret_value() for secret in settings.secret]
        parts = urlsplit(settings.url.get_secret_value())
        self._where = parts.hostname or ""

    async def send(self, message: Message, *, attempted_at: datetime) -> Receipt:
        """POST once. Raises `DeliveryError`, and nothing else, when the answer is not 2xx or none comes in time."""
        body = json.dumps(payload(message), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                answer = await self._http.request(
                    "POST", self._settings.url.get_secret_value(), headers=self._headers(message, attempted_at, body), body=body
                )
        except TimeoutError:
            raise DeliveryError(Reason.TIMEOUT, f"{self._where} did not answer in time") from None
        except DeliveryError:
            raise
        except Exception as error:  # noqa: BLE001 a client's own errors may quote the address, which holds a token
            raise DeliveryError(Reason.INTERNAL, f"calling {self._where} failed: {type(error).__name__}") from None
        return self._judge(answer, attempted_at)

    def _headers(self, message: Message, attempted_at: datetime, body: bytes) -> dict[str, str]:
        named = {"content-type": "application/json; charset=utf-8", "user-agent": USER_AGENT}
        return named | signing.headers(self._secrets, one_line(message.id, 200), attempted_at, body)

    def _judge(self, answer: HttpAnswer, attempted_at: datetime) -> Receipt:
        if 200 <= answer.status < 300:  # noqa: PLR2004 the range of success
            return Receipt(f"HTTP {answer.status}")
        if 300 <= answer.status < 400:  # noqa: PLR2004 the range of redirects
            detail = (
                f"{self._where} answered {answer.status}: redirects are not followed, write the final address in monitor.yaml"
            )
            raise DeliveryError(Reason.UNAVAILABLE, detail)
        reason = _REASONS.get(answer.status, Reason.UNAVAILABLE)
        raise DeliveryError(
            reason, f"{self._where} answered {answer.status}", retry_after=retry_after(answer.headers, attempted_at)
        )


def retry_after(named: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait as `Retry-After` says (a number or a date), at most an hour; None without a usable header."""
    written = named.get("retry-after", "").strip()
    if _TOKEN.fullmatch(written):
        return min(float(written), _LONGEST_WAIT) if math.isfinite(float(written)) else _LONGEST_WAIT
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((aware - now).total_seconds(), 0.0), _LONGEST_WAIT)
