"""How people are told: a `Message` goes in, an e-mail, a signed webhook or a chat message comes out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from notifiers.base import DeliveryError, HttpClient, Notifier, Reason, Receipt, ReceiverSettings, Way
from notifiers.chat import AppriseSettings, Chat
from notifiers.email import Email, EmailSettings
from notifiers.message import AlertFacts, Message, PlanFacts, PlanStepFacts, Post
from notifiers.smtp import SmtpSettings
from notifiers.webhook import Webhook, WebhookSettings

ReceiverUnion = Annotated[EmailSettings | WebhookSettings | AppriseSettings, Field(discriminator="kind")]


def build(
    name: str,
    settings: EmailSettings | WebhookSettings | AppriseSettings,
    *,
    smtp: SmtpSettings | None,
    http: Way,
    reply_to: str | None = None,
) -> Notifier:
    """The notifier of one receiver. `smtp` is the common mail server; raises `ValueError` when e-mail has none at all.

    `reply_to` is where answers to e-mails go, when that is not their sender.
    """
    if isinstance(settings, WebhookSettings):
        return Webhook(settings, http)
    if isinstance(settings, AppriseSettings):
        return Chat(settings, http)
    server = settings.smtp or smtp
    if server is None:
        raise ValueError(f"receiver {name!r} is told by e-mail, but no mail server is set: add `smtp:` to monitor.yaml")
    return Email(settings, server, reply_to)


__all__ = [
    "AlertFacts",
    "AppriseSettings",
    "DeliveryError",
    "EmailSettings",
    "HttpClient",
    "Message",
    "Notifier",
    "PlanFacts",
    "PlanStepFacts",
    "Post",
    "Reason",
    "Receipt",
    "ReceiverSettings",
    "ReceiverUnion",
    "SmtpSettings",
    "Way",
    "WebhookSettings",
    "build",
]
