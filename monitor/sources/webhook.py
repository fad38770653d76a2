"""Mentions that other systems bring to us: signed calls, stored raw before they are answered, understood afterwards."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import AfterValidator, Field, SecretStr

from monitor.domain.clock import Clock
from monitor.domain.errors import TocsinError
from monitor.domain.mention import Mention
from monitor.sources import strict_json
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, load_cursor
from monitor.sources.mapping import Mapper, MappingSettings, UnreadableError, walk

BATCH = 100  # calls read in one poll
MOST = 4 * 2**20  # bytes of them: each may have a megabyte
MAX_ITEMS = 1_000  # mentions taken from one call
_PREFIX = "whsec_"


class Refused(TocsinError):  # noqa: N818 - it is what the call is
    """A call that is not signed as agreed. The text is safe to log, and says nothing that helps to forge one."""


class InboxItem(Protocol):
    """One call as it was stored."""

    @property
    def id(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def received_at(self) -> datetime: ...


class Inbox(Protocol):
    """Where the calls are stored. Each method commits on its own."""

    async def pending(self, source: str, limit: int, most: int, /) -> Sequence[InboxItem]:
        """The oldest calls not yet marked as processed, up to the one with which their bodies reach `most` bytes."""
        ...

    async def processed(self, id_: int, at: datetime, error: str | None = None, /) -> None:
        """Mark one call; a body that was not understood stays stored together with what was wrong with it."""
        ...


@runtime_checkable
class Hooked(Protocol):
    """A source that is called at /hooks/NAME."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The delivery id of a call that is signed as agreed. `now` is real time. Raises `Refused`."""
        ...


@runtime_checkable
class Challenged(Protocol):
    """One whose callers first ask by GET whether it is ours."""

    def challenge(self, query: Mapping[str, str]) -> str:
        """What to answer. Raises `Refused`."""
        ...


class Calls:
    """The calls to one source. A batch of them is marked as processed by the poll *after* its own, when all of it is committed.

    A crash in between reads them again, and the store knows what it has.
    """

    def __init__(self, name: str, clock: Clock, inbox: Inbox) -> None:
        self._name, self._clock, self._inbox = name, clock, inbox

    async def settle(self, outcomes: Mapping[str, str | None]) -> None:
        """Mark those of the last batch, each with what was wrong with it."""
        for item_id, error in outcomes.items():
            await self._inbox.processed(int(item_id), self._clock.now(), error)

    async def waiting(self) -> tuple[Sequence[InboxItem], bool]:
        """The oldest that are not marked, and whether there may be more."""
        items = await self._inbox.pending(self._name, BATCH, MOST)
        return items, len(items) == BATCH or sum(len(item.body) for item in items) >= MOST


def _strong(secret: SecretStr) -> SecretStr:
    try:
        strong = bool(_key(secret.get_secret_value()))
    except binascii.Error:
        raise ValueError(
            f"what follows {_PREFIX} is not base64; make one with: echo {_PREFIX}$(openssl rand -base64 32)"
        ) from None
    if not strong:
        raise ValueError(f"the secret is empty; make one with: echo {_PREFIX}$(openssl rand -base64 32)")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_strong)]


class WebhookSourceSettings(SourceSettings, MappingSettings):
    """Calls to /hooks/NAME from your own systems, or from a service that signs what it sends."""

    kind: Literal["webhook"] = Field(description="calls that other systems make to us")
    secret: Secret | Annotated[tuple[Secret, ...], Field(min_length=1)] = Field(
        description="what the caller signs with (`whsec_` and base64, or plain words for `hub`); several while you change it"
    )
    signature: Literal["standard", "hub"] = Field(
        "standard", description="`standard`: Standard Webhooks headers; `hub`: X-Hub-Signature-256, as GitHub and Meta send it"
    )
    tolerance: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="how old a signed call may be, and how far ahead its clock may run"
    )
    id_header: str | None = Field(
        None,
        description="the header that names a delivery once for ever, for `hub`, where equal bodies are different calls; it is not"
        " signed, so that whoever gets hold of a signed call can bring it again under other names. Without one the body's hash"
        " names it, and a repeat is known for as long as calls are kept (`storage.retention.raw`)",
    )
    items: str | None = Field(None, description="dotted path of the list of records in a body, when one call brings several")
    network: str = Field("webhook", min_length=1, max_length=32, description="the network of records that do not name theirs")


class WebhookSource:
    """The cursor names the calls of the last batch with what was wrong with each."""

    def __init__(self, name: str, settings: WebhookSourceSettings, clock: Clock, inbox: Inbox) -> None:
        self.network = settings.network
        self._settings = settings
        self._origin = f"webhook {name}"
        self._calls = Calls(name, clock, inbox)
        self._mapper = Mapper(settings, own_accounts=settings.own_accounts)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The delivery id of a call that is signed as agreed. `now` is real time. Raises `Refused`."""
        lower = {name.lower(): value for name, value in headers.items()}
        if self._settings.signature == "hub":
            return verify_hub(_secrets(self._settings), lower, body, self._settings.id_header)
        return _verify_standard(self._settings, lower, body, now)

    async def poll(self, cursor: str | None) -> Batch:
        """What the calls since the last poll brought, in the order of their arrival."""
        await self._calls.settle(load_cursor(self._origin, cursor))
        waiting, more = await self._calls.waiting()
        understood = await asyncio.to_thread(lambda: [self._understand(item) for item in waiting])
        outcomes = {str(item.id): in_words(problems) for item, (_, problems) in zip(waiting, understood, strict=True)}
        return Batch(
            [mention for mentions, _ in understood for mention in mentions],
            cursor=dump_cursor(self._origin, outcomes),
            more=more,
            watermark=waiting[-1].received_at if more else None,
            rejected=[problem for _, problems in understood for problem in problems],
        )

    def _understand(self, item: InboxItem) -> tuple[list[Mention], list[Rejected]]:
        where = f"call {item.id}"
        try:
            records = self._records(strict_json.loads(item.body))
        except (strict_json.NotJsonError, UnreadableError) as error:
            return [], [Rejected(where, str(error))]
        mentions, rejected = [], []
        for number, record in enumerate(records, 1):
            try:
                mentions.append(self._mapper.mention(record, default_time=item.received_at))
            except UnreadableError as error:
                rejected.append(Rejected(where if len(records) == 1 else f"{where}, record {number}", str(error)))
        return mentions, rejected

    def _records(self, document: Any) -> list[Any]:
        path = self._settings.items
        found = walk(document, path.split(".")) if path else document
        if path and not isinstance(found, list):
            raise UnreadableError(f"there is no list at {path!r}; see `items`")
        records = found if isinstance(found, list) else [found]
        if len(records) > MAX_ITEMS:
            raise UnreadableError(f"more than {MAX_ITEMS} records in one call; send several")
        return records


def in_words(problems: Sequence[Rejected]) -> str | None:
    """What was wrong with a call, for the store; None: nothing."""
    return "; ".join(f"{problem.where}: {problem.why}" for problem in problems)[:500] or None


def _secrets(settings: WebhookSourceSettings) -> list[str]:
    given = settings.secret if isinstance(settings.secret, tuple) else (settings.secret,)
    return [secret.get_secret_value() for secret in given]


def _verify_standard(settings: WebhookSourceSettings, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, any of several `v1,` signatures, any of our secrets."""
    delivery, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (delivery and len(delivery) <= 256 and delivery.isascii() and delivery.isprintable()):  # noqa: PLR2004
        raise Refused("the header webhook-id is missing or not usable")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):  # noqa: PLR2004
        raise Refused("the header webhook-timestamp is missing or no number of seconds")
    if abs(now.timestamp() - int(stamp)) > settings.tolerance.total_seconds():
        raise Refused("the call is too old, or one of the two clocks is wrong (webhook-timestamp)")
    signed = f"{delivery}.{stamp}.".encode() + body
    given = [part[3:] for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")][:10]
    good = [base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode() for secret in _secrets(settings)]
    _match(given, good, "webhook-signature")
    return delivery


def verify_hub(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, id_header: str | None = None) -> str:
    """GitHub's and Meta's way: HMAC-SHA256 over the body alone, in hexadecimal. Header names are in lower case.

    Neither a time nor an id is signed: what stops repeats is the hash of the body, unless the settings trust a header more.
    Raises `Refused`.
    """
    given = headers.get("x-hub-signature-256", "").removeprefix("sha256=").lower()
    good = [hmac.digest(secret.encode(), body, hashlib.sha256).hex() for secret in secrets]
    _match([given], good, "x-hub-signature-256")
    named = headers.get(id_header.lower(), "") if id_header else ""
    return named[:256] or "sha256:" + hashlib.sha256(body).hexdigest()


def _match(given: Sequence[str], good: Sequence[str], header: str) -> None:
    """Compare every pair, in a time that does not depend on where they differ."""
    matches = [hmac.compare_digest(theirs.encode("utf-8", "replace"), ours.encode()) for theirs in given for ours in good]
    if not any(matches):
        raise Refused(f"the signature does not fit (header {header}); is the secret the same on both sides?")


def _key(secret: str) -> bytes:
    """The bytes of a `whsec_` secret; without the prefix the words themselves."""
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True) if secret.startswith(_PREFIX) else secret.encode()
