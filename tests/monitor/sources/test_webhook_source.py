"""Signed calls: who may bring mentions, and how none of them is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.sources.webhook import BATCH, MAX_ITEMS, Refused, WebhookSource, WebhookSourceSettings
from monitor.testing import drain

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OLD, NEW = "whsec_" + base64.b64encode(b"old key").decode(), "whsec_" + base64.b64encode(b"new key").decode()


@dataclass(frozen=True)
class Item:
    """One stored call."""

    id: int
    body: bytes
    received_at: datetime = NOW


@dataclass
class FakeInbox:
    """Calls in memory. `outcomes` remembers how each was marked."""

    waiting: dict[int, Item] = field(default_factory=dict)
    outcomes: dict[int, str | None] = field(default_factory=dict)

    def call(self, body: object) -> None:
        number = len(self.waiting) + len(self.outcomes) + 1
        self.waiting[number] = Item(number, body if isinstance(body, bytes) else json.dumps(body).encode())

    async def pending(self, source: str, limit: int, most: int) -> Sequence[Item]:
        assert source == "shop"
        return list(self.waiting.values())[:limit]

    async def processed(self, id_: int, at: datetime, error: str | None = None) -> None:
        del self.waiting[id_]
        self.outcomes[id_] = error


@pytest.fixture
def inbox() -> FakeInbox:
    """Calls in memory."""
    return FakeInbox()


def listening(inbox: FakeInbox, **settings: Any) -> WebhookSource:
    """A source that reads `inbox`."""
    made = WebhookSourceSettings.model_validate({"kind": "webhook", "secret": NEW} | settings)
    return WebhookSource("shop", made, ManualClock(NOW), inbox)


def signed(body: bytes, key: bytes = b"new key", at: datetime = NOW, delivery: str = "msg_1") -> dict[str, str]:
    """The headers of Standard Webhooks 1.0, made from its text rather than from our code."""
    stamp = str(int(at.timestamp()))
    mac = hmac.new(key, delivery.encode() + b"." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    return {"Webhook-Id": delivery, "Webhook-Timestamp": stamp, "Webhook-Signature": "v1," + base64.b64encode(mac).decode()}


def verified(headers: Mapping[str, str], body: bytes = b"{}", **settings: Any) -> str:
    """The delivery id of a call, as a fresh source sees it."""
    return listening(FakeInbox(), **settings).verify(headers, body, NOW)


def test_the_specification_s_own_example() -> None:
    """Secret, id, timestamp, body and signature as Standard Webhooks publishes them."""
    secret, delivery, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    headers = {
        "webhook-id": delivery,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    source = listening(FakeInbox(), secret=secret)
    assert source.verify(headers, b'{"test": 2432232314}', datetime.fromtimestamp(at, UTC)) == delivery


def test_secrets_can_be_changed_without_a_gap() -> None:
    """Either of two secrets fits, and either of two signatures."""
    assert verified(signed(b"{}", b"old key"), secret=(OLD, NEW)) == "msg_1"
    both = signed(b"{}")
    both["Webhook-Signature"] = "v1,bm9wZQ== v2,xyz " + both["Webhook-Signature"]
    assert verified(both) == "msg_1"


def test_a_plain_secret_is_its_own_key() -> None:
    """Without whsec_ the words themselves are the key."""
    assert verified(signed(b"{}", b"plain words"), secret="plain words") == "msg_1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Webhook-Id": ""}, "webhook-id"),
        ({"Webhook-Id": "é"}, "webhook-id"),
        ({"Webhook-Id": "x" * 300}, "webhook-id"),
        ({"Webhook-Timestamp": ""}, "webhook-timestamp"),
        ({"Webhook-Timestamp": "soon"}, "webhook-timestamp"),
        ({"Webhook-Timestamp": "9" * 12}, "too old"),
        ({"Webhook-Id": "msg_2"}, "signature"),
        ({"Webhook-Signature": ""}, "signature"),
        ({"Webhook-Signature": "v1,"}, "signature"),
        ({"Webhook-Signature": "v1,é\ud800"}, "signature"),
        ({"Webhook-Signature": "v1a,xyz"}, "signature"),
    ],
)
def test_a_call_that_is_not_right_is_refused(change: dict[str, str], why: str) -> None:
    """Each header counts, and the refusal says which."""
    with pytest.raises(Refused, match=why):
        verified(signed(b"{}") | change)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_call_is_refused(minutes: int) -> None:
    """A recorded call cannot be played again, nor one be prepared for later."""
    with pytest.raises(Refused, match="too old"):
        verified(signed(b"{}", at=NOW + timedelta(minutes=minutes)))
    assert verified(signed(b"{}", at=NOW + timedelta(minutes=minutes)), tolerance=timedelta(minutes=10))


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_only_the_signed_body_passes(body: bytes, other: bytes) -> None:
    """A changed byte is a refused call."""
    assert verified(signed(body), body) == "msg_1"
    if other != body:
        with pytest.raises(Refused):
            verified(signed(body), other)


def test_hub_signatures() -> None:
    """GitHub's and Meta's header over the body alone; the delivery is named by the body, or by the header that is set."""
    body = b'{"zen": "keep it simple"}'
    header = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"plain", body, hashlib.sha256).hexdigest()}
    settings: dict[str, Any] = {"signature": "hub", "secret": "plain"}
    assert verified(header | {"X-Call": "c-1"}, body, id_header="X-Call", **settings) == "c-1"
    assert verified(header, body, **settings) == "sha256:" + hashlib.sha256(body).hexdigest()
    for wrong in ({}, {"X-Hub-Signature-256": "sha256=00"}):
        with pytest.raises(Refused, match="x-hub-signature-256"):
            verified(wrong, body, **settings)


def test_a_hub_s_call_that_somebody_repeats_is_the_same_call() -> None:
    """The headers are not signed: whoever got hold of one signed body cannot bring it again under other ids."""
    body = b'{"zen": "keep it simple"}'
    header = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"plain", body, hashlib.sha256).hexdigest()}
    ids = {verified(header | {"X-GitHub-Delivery": each}, body, signature="hub", secret="plain") for each in ("d-1", "d-2", "")}
    assert ids == {"sha256:" + hashlib.sha256(body).hexdigest()}


@pytest.mark.parametrize(("secret", "why"), [("", "empty"), ("whsec_", "empty"), ("whsec_!!", "base64"), ((), "at least 1")])
def test_a_weak_secret_is_a_configuration_error(secret: object, why: str) -> None:
    """An empty or mistyped secret is found when the configuration is read, and is not quoted."""
    with pytest.raises(ValidationError, match=why) as error:
        WebhookSourceSettings.model_validate({"kind": "webhook", "secret": secret})
    assert "whsec_!!" not in str(error.value)


def test_secrets_are_in_no_repr() -> None:
    """Neither of the settings nor of a refusal."""
    with pytest.raises(Refused) as refused:
        verified({})
    assert NEW not in f"{WebhookSourceSettings.model_validate({'kind': 'webhook', 'secret': (OLD, NEW)})!r} {refused.value!r}"


def post(number: int) -> dict[str, object]:
    """A record."""
    return {"id": number, "text": f"post {number}"}


async def test_calls_become_mentions(inbox: FakeInbox) -> None:
    """One record or a list of them in a call; without a time of its own a post was written when the call came."""
    inbox.call(post(1))
    inbox.call([post(2), post(3)])
    batch = await listening(inbox).poll(None)
    assert [mention.text for mention in batch.mentions] == ["post 1", "post 2", "post 3"]
    assert {mention.written_at for mention in batch.mentions} == {NOW}
    assert (batch.mentions[0].network, batch.more) == ("webhook", False)


async def test_calls_are_marked_only_once_their_mentions_are_committed(inbox: FakeInbox) -> None:
    """A crash before the commit reads the calls again; the committed cursor marks exactly those that were read."""
    inbox.call(post(1))
    source = listening(inbox)
    lost = await source.poll(None)
    assert inbox.outcomes == {}
    again = await source.poll(None)
    assert again == lost
    inbox.call(post(2))
    after = await source.poll(again.cursor)
    assert ([mention.text for mention in after.mentions], inbox.outcomes) == (["post 2"], {1: None})
    assert (await source.poll(after.cursor)).mentions == []
    assert inbox.outcomes == {1: None, 2: None}


async def test_what_cannot_be_understood_is_reported_and_kept(inbox: FakeInbox) -> None:
    """A bad body is rejected with its number and marked with its error; good records beside bad ones are read."""
    inbox.call(b"{nope")
    inbox.call([post(2), {"nothing": 1}])
    inbox.call([post(0)] * (MAX_ITEMS + 1))
    seen = await drain(listening(inbox))
    assert [mention.text for mention in seen.mentions] == ["post 2"]
    assert [rejected.where for rejected in seen.rejected] == ["call 1", "call 2, record 2", "call 3"]
    await listening(inbox).poll(seen.cursor)
    assert [bool(error) for error in inbox.outcomes.values()] == [True, True, True]
    assert "not" in str(inbox.outcomes[1]) or "Expecting" in str(inbox.outcomes[1])


async def test_records_may_stand_deep_in_a_body(inbox: FakeInbox) -> None:
    """`items` names the list, `mapping` the fields."""
    inbox.call({"data": {"posts": [{"body": {"plain": "hello"}}]}})
    inbox.call({"data": {}})
    source = listening(inbox, items="data.posts", mapping={"text": "body.plain"}, network="forum")
    batch = await source.poll(None)
    assert [(mention.text, mention.network) for mention in batch.mentions] == [("hello", "forum")]
    assert batch.rejected[0].why == "there is no list at 'data.posts'; see `items`"


async def test_many_calls_are_read_in_turn(inbox: FakeInbox) -> None:
    """More than a batch of calls: all are read, each once."""
    for number in range(2 * BATCH + 1):
        inbox.call(post(number))
    seen = await drain(listening(inbox))
    assert [mention.text for mention in seen.mentions] == [f"post {number}" for number in range(2 * BATCH + 1)]
