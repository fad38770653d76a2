"""Standard Webhooks signatures: what we sign, anybody with the secret can verify, and nothing else passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.signing import SignatureError, headers, key, new_secret, sign, verify

NOW = datetime(2026, 3, 2, 17, 5, tzinfo=UTC)
SECRET, OTHER = new_secret(), new_secret()


def test_the_specifications_own_example_is_reproduced() -> None:
    """The vector that the Standard Webhooks libraries test themselves with."""
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.binary(max_size=500))
def test_what_is_signed_verifies(message_id: str, body: bytes) -> None:
    """Any id, any bytes."""
    assert verify([SECRET], headers([SECRET], message_id, NOW, body), body, now=NOW) == message_id


@given(st.binary(min_size=1, max_size=50), st.integers(0, 49), st.integers(1, 255))
def test_one_changed_byte_is_noticed(body: bytes, place: int, change: int) -> None:
    """The signature is over the exact bytes."""
    place %= len(body)
    changed = body[:place] + bytes([body[place] ^ change]) + body[place + 1 :]
    with pytest.raises(SignatureError, match="does not match"):
        verify([SECRET], headers([SECRET], "id", NOW, body), changed, now=NOW)


def test_a_secret_can_be_changed_without_losing_a_call() -> None:
    """Signed with both, a call verifies with either, and on both ends."""
    signed = headers([SECRET, OTHER], "id", NOW, b"x")
    assert signed["webhook-signature"].count("v1,") == 2
    assert verify([SECRET], signed, b"x", now=NOW) == verify([OTHER], signed, b"x", now=NOW) == "id"
    assert verify([OTHER, SECRET], headers([SECRET], "id", NOW, b"x"), b"x", now=NOW) == "id"


def test_another_secret_does_not_pass() -> None:
    """Nor does no secret at all."""
    for secrets in ([OTHER], []):
        with pytest.raises(SignatureError):
            verify(secrets, headers([SECRET], "id", NOW, b"x"), b"x", now=NOW)


@pytest.mark.parametrize("off", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_call_is_refused(off: timedelta) -> None:
    """A recorded call cannot be played again later."""
    with pytest.raises(SignatureError, match="five minutes"):
        verify([SECRET], headers([SECRET], "id", NOW, b"x"), b"x", now=NOW + off)


@pytest.mark.parametrize("written", ["x", "-1", "1e9", "٣", "9" * 30, "99999999999"])
def test_an_odd_timestamp_is_refused(written: str) -> None:
    """It is an integer of seconds, and nothing else."""
    signed = headers([SECRET], "id", NOW, b"x") | {"webhook-timestamp": written}
    with pytest.raises(SignatureError, match="webhook-timestamp"):
        verify([SECRET], signed, b"x", now=NOW)


def test_missing_headers_are_named() -> None:
    """The error tells the integrator what to send."""
    with pytest.raises(SignatureError, match="webhook-id, webhook-signature"):
        verify([SECRET], {"Webhook-Timestamp": "1"}, b"x", now=NOW)


def test_header_names_have_no_case() -> None:
    """As HTTP has it."""
    upper = {name.upper(): value for name, value in headers([SECRET], "id", NOW, b"x").items()}
    assert verify([SECRET], upper, b"x", now=NOW) == "id"


def test_an_odd_signature_is_only_wrong() -> None:
    """Characters outside ASCII do not crash the comparison."""
    with pytest.raises(SignatureError):
        verify([SECRET], headers([SECRET], "id", NOW, b"x") | {"webhook-signature": "v1,é \ud800"}, b"x", now=NOW)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_!!", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 120]
)
def test_a_bad_secret_is_named_without_being_shown(secret: str) -> None:
    """The error says what a secret looks like, never what this one was."""
    with pytest.raises(ValueError, match="24 to 64 bytes") as caught:
        key(secret)
    assert not secret or secret.removeprefix("whsec_") not in str(caught.value) or secret == "whsec_"


def test_without_a_secret_nothing_is_signed() -> None:
    """The id and the time are there all the same: the receiver deduplicates by them."""
    assert set(headers([], "id", NOW, b"x")) == {"webhook-id", "webhook-timestamp"}
