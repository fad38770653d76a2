"""Settings become notifiers: every kind by its name, and each with what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import notifiers
from notifiers import EmailSettings, ReceiverUnion, SmtpSettings, build
from notifiers.base import DeliveryError, Errand, HttpAnswer, Reason
from notifiers.chat import Chat
from notifiers.email import Email
from notifiers.webhook import Webhook

RECEIVER: TypeAdapter[ReceiverUnion] = TypeAdapter(ReceiverUnion)
SMTP = SmtpSettings(host="mail.example.org", sender="tocsin@example.org")


class NoHttp:
    """A client for notifiers that are only built."""

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        raise AssertionError("nothing is sent here")

    async def apart(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand:
        raise AssertionError("nobody goes out")


def test_each_kind_has_its_notifier() -> None:
    """The kind in the file decides."""
    kinds = {
        Email: {"kind": "email", "to": "lea@example.org"},
        Webhook: {"kind": "webhook", "url": "https://x.example"},
        Chat: {"kind": "apprise", "urls": "json://localhost"},
    }
    for kind, written in kinds.items():
        assert isinstance(build("me", RECEIVER.validate_python(written), smtp=SMTP, http=NoHttp()), kind)


def test_email_without_a_mail_server_says_what_to_add() -> None:
    """The receiver and the missing part are named."""
    with pytest.raises(ValueError, match=r"'me'.*add `smtp:`"):
        build("me", EmailSettings(kind="email", to=("lea@example.org",)), smtp=None, http=NoHttp())


def test_a_receiver_may_bring_its_own_mail_server() -> None:
    """It wins over the common one, and needs none."""
    own = EmailSettings(kind="email", to=("lea@example.org",), smtp=SMTP)
    assert isinstance(build("me", own, smtp=None, http=NoHttp()), Email)


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "pigeon"},
        {"kind": "email"},
        {"kind": "email", "to": []},
        {"kind": "email", "to": "x"},
        {"kind": "webhook", "uri": "x"},
        {"kind": "email", "to": "a@example.org", "posts": 99},
        {"kind": "email", "to": "a@example.org\nBcc: b@example.org"},
    ],
)
def test_wrong_settings_are_refused(written: dict[str, object]) -> None:
    """Unknown kinds, unknown keys, missing or odd values."""
    with pytest.raises(ValidationError):
        RECEIVER.validate_python(written)


@pytest.mark.parametrize(("written", "seconds"), [("10s", 10), ("2m", 120), ("1h", 3600), (timedelta(seconds=5), 5)])
def test_durations_are_written_short(written: object, seconds: int) -> None:
    """As everywhere in the configuration."""
    settings = SmtpSettings.model_validate({"host": "x", "sender": "a@example.org", "timeout": written})
    assert settings.timeout == timedelta(seconds=seconds)


def test_every_setting_is_described() -> None:
    """The reference is made from these words, and editors show them."""
    schema = RECEIVER.json_schema()
    for name, model in schema["$defs"].items():
        for field, shape in model["properties"].items():
            assert field == "kind" or shape.get("description"), f"{name}.{field}"


def test_reasons_decide_whether_to_try_again() -> None:
    """What no patience cures is permanent; bugs of ours are not."""
    permanent = {reason for reason in Reason if DeliveryError(reason, "").permanent}
    assert permanent == {Reason.UNKNOWN_RECIPIENT, Reason.REJECTED, Reason.GONE, Reason.MISCONFIGURED}


def test_all_that_is_promised_can_be_imported() -> None:
    """`from notifiers import …` for everything in `__all__`."""
    assert all(hasattr(notifiers, name) for name in notifiers.__all__)
