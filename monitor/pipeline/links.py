"""The links in messages: signed, each bound to what it is for, to one receiver and to a day, and worth nothing elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from itsdangerous import BadData, URLSafeSerializer

from monitor.domain.alert import Alert, Notification, NotificationKind
from monitor.domain.errors import TocsinError
from monitor.domain.plan import PlanRun
from monitor.plans.answers import asks_who_has_it
from monitor.settings import Settings
from monitor.storage import Store

Purpose = Literal["take", "run"]
"""`take`: whoever reads the message takes charge of what it is about. `run`: look at a plan run. A purpose is a page's path."""

# Why somebody is told of alerts.
_TELLS: Final = frozenset(NotificationKind) - {NotificationKind.RESOLVED, NotificationKind.OVER}
_READ_BY_PEOPLE: Final = frozenset({"email", "apprise"})
_WRITTEN: Final = re.compile(r"[A-Za-z0-9._-]{1,500}")  # whoever decodes base64 passes over all other letters
_SHA256: Final = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


class LinkError(TocsinError):
    """A link that opens nothing."""


class ForeignLinkError(LinkError):
    """It was made by another installation."""


class AlteredLinkError(LinkError):
    """It is not as it was made."""


class ExpiredLinkError(LinkError):
    """Its time is over. `link` is what it was."""

    def __init__(self, link: Link) -> None:
        super().__init__(f"the link was good until {link.until:%Y-%m-%d %H:%M} UTC")
        self.link = link


@dataclass(frozen=True, slots=True)
class Link:
    """What a link stands for. `number` is that of the message to `take`, or of the `run` to look at; `until` is story time."""

    purpose: Purpose
    number: int
    receiver: str
    until: datetime

    @property
    def key(self) -> str:
        """What makes it this one: of a message to a receiver there is one link."""
        return f"{self.number}"


class Links:
    """Makes links, and reads those that come back. Whose they are stands before the signed part, which another key signs."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._web, self._receivers = settings.web, settings.receivers
        self._installation = store.installation.replace("-", "")[:12]
        secret = settings.web.secret
        self._key = store.link_key if secret is None else secret.get_secret_value().encode()

    def taking(self, notification: Notification, run: PlanRun | None, alerts: Iterable[Alert]) -> Mapping[str, str]:
        """The link of a message by which its reader takes charge, while there is something to take."""
        if run is not None:
            wanted = asks_who_has_it(notification) and run.wants_answers
        else:
            wanted = notification.kind in _TELLS and any(_is_to_take(each) for each in alerts)
        address = self._to(notification, "take", notification.id) if wanted else ""
        return {"acknowledge": address} if address else {}

    def page(self, notification: Notification, run: PlanRun) -> str:
        """The link of a message to the page of its run."""
        return self._to(notification, "run", run.id)

    def _to(self, notification: Notification, purpose: Purpose, number: int) -> str:
        """An address for people; machines sign their calls."""
        by_people = self._receivers[notification.receiver].kind in _READ_BY_PEOPLE
        return self.address(purpose, number, notification.receiver, notification.created_at) if by_people else ""

    def address(self, purpose: Purpose, number: int, receiver: str, at: datetime) -> str:
        """A link made at a moment; the same for the same moment. Empty when nobody could reach it."""
        if self._web.public_url is None:
            return ""
        return f"{self._web.public_url}/{purpose}?link={self.write(purpose, number, receiver, at)}"

    def write(self, purpose: Purpose, number: int, receiver: str, at: datetime) -> str:
        """The link itself, as it stands in an address."""
        until = int((at + self._web.links_last).timestamp())
        return f"{self._installation}.{self._serializer(purpose).dumps([number, receiver, until])}"

    def read(self, purpose: Purpose, written: str, now: datetime) -> Link:
        """What a link says. Raises `ForeignLinkError`, `AlteredLinkError` or `ExpiredLinkError`."""
        installation, _, signed = written.partition(".")
        if not _WRITTEN.fullmatch(written) or not signed:
            raise AlteredLinkError("the link is not as it was made")
        if installation != self._installation:
            raise ForeignLinkError("the link was made by another installation of Tocsin")
        try:
            number, receiver, until = self._serializer(purpose).loads(signed)
        except BadData:
            raise AlteredLinkError("the link is not as it was made") from None
        link = Link(purpose, number, receiver, datetime.fromtimestamp(until, UTC))
        if link.until <= now:
            raise ExpiredLinkError(link)
        return link

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=f"{self._installation} {purpose}", signer_kwargs=_SHA256)


def _is_to_take(alert: Alert) -> bool:
    """Whether it waits for somebody; a test of an alert is over from the beginning, and its link is part of the test."""
    return alert.kind == "test" or (alert.resolved_at is None and alert.acknowledged_at is None)
