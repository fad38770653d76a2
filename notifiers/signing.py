"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, so that a receiver knows who calls, and when.

Made for both ends: `headers` signs what the webhook notifier sends, `verify` is for whoever receives it (and for our tests).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
_BYTES = (24, 64)
_LONGEST_ID = 256
_MOST_SIGNATURES = 10


class SignatureError(ValueError):
    """The call is not signed as it should be. Its text is safe to show."""


def new_secret() -> str:
    """A fresh secret, ready for a settings file."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def key(secret: str) -> bytes:
    """The raw key of a `whsec_…` secret. Raises `ValueError` with words that never repeat the secret."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not secret.startswith(PREFIX) or not _BYTES[0] <= len(raw) <= _BYTES[1]:
        raise ValueError(f"a webhook secret is {PREFIX} followed by {_BYTES[0]} to {_BYTES[1]} bytes in base64")
    return raw


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,…`. `timestamp` is in seconds since 1970, of this attempt; `body` the exact bytes that are sent."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def headers(secret_list: Sequence[str], message_id: str, attempted_at: datetime, body: bytes) -> dict[str, str]:
    """The three headers. Several secrets give several signatures, so that a secret can be changed without losing a call."""
    timestamp = int(attempted_at.timestamp())
    named = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if secret_list:
        named["webhook-signature"] = " ".join(sign(secret, message_id, timestamp, body) for secret in secret_list)
    return named


def verify(secret_list: Sequence[str], received: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """The id of an authentic call (deduplicate by it). Raises `SignatureError`: a header missing, too old, or wrongly signed.

    `received` are the call's headers, in any case; `now` is aware. A call more than five minutes off is refused.
    """
    low = {name.lower(): value for name, value in received.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not low.get(name)]
    if missing:
        raise SignatureError(f"missing header: {', '.join(missing)}")
    message_id = low["webhook-id"]
    if not (message_id.isascii() and message_id.isprintable() and len(message_id) <= _LONGEST_ID):
        raise SignatureError(f"webhook-id is not a plain text of at most {_LONGEST_ID} characters")
    timestamp = _timestamp(low["webhook-timestamp"], now)
    expected = [sign(secret, message_id, timestamp, body).encode() for secret in secret_list]
    offered = [signature.encode("utf-8", "replace") for signature in low["webhook-signature"].split()[:_MOST_SIGNATURES]]
    if not any(hmac.compare_digest(one, other) for one in expected for other in offered):
        raise SignatureError("the signature does not match: another secret, or the body was changed on the way")
    return message_id


def _timestamp(written: str, now: datetime) -> int:
    if not written.isascii() or not written.isdigit() or len(written) > len("10000000000"):
        raise SignatureError("webhook-timestamp is not a number of seconds")
    if abs(now - datetime.fromtimestamp(int(written), UTC)) > TOLERANCE:
        raise SignatureError("webhook-timestamp is more than five minutes off: an old call, or a clock that is wrong")
    return int(written)
