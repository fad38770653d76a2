"""Meta's calls: whether one is Meta's, what to answer before the first, and the changes that one tells of."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from monitor.sources.graph import GraphSettings
from monitor.sources.webhook import Refused, verify_hub

_CHALLENGE = re.compile(r"[\w.-]{1,128}", re.ASCII)


class Door:
    """How a source is called (docs/graph-api/webhooks/getting-started)."""

    def __init__(self, settings: GraphSettings) -> None:
        self._app_secret, self._verify_token = settings.app_secret, settings.verify_token

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The delivery id of a call that is signed with the app's secret. Raises `Refused`."""
        del now
        if self._app_secret is None:
            raise Refused("Meta calls, and the source has no `app_secret` to verify it with")
        lower = {name.lower(): value for name, value in headers.items()}
        return verify_hub([self._app_secret.get_secret_value()], lower, body)

    def challenge(self, query: Mapping[str, str]) -> str:
        """What Meta wants to hear before its first call. Raises `Refused`."""
        ours, said = self._verify_token, query.get("hub.challenge", "")
        if ours is None:
            raise Refused("Meta asks whether this address is ours, and the source has no `verify_token`")
        given = query.get("hub.verify_token", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, ours.get_secret_value().encode()):
            raise Refused("the verify token is not the one in `verify_token`")
        if query.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(said):
            raise Refused("this is not how Meta asks")
        return said


def changes(
    document: Any, topic: str, received_at: datetime, ours: Sequence[str | None]
) -> Iterator[tuple[Mapping[str, Any], datetime]]:
    """The changes in a call that are about us, each with its moment. Raises ValueError and the like for what is no such call.

    With Instagram's own login an entry is its only change (docs/instagram-platform/webhooks/examples).
    """
    for each in document if isinstance(document, list) else [document]:
        for entry in each["entry"] if each["object"] == topic else ():
            if str(entry["id"]) not in ours:
                continue  # another account of the same app
            seconds = entry.get("time")
            at = datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 < seconds < 2**32 else received_at
            for change in entry.get("changes") or ([entry] if "field" in entry else ()):
                values = change["value"] if isinstance(change["value"], list) else [change["value"]]
                yield from (({"field": change["field"], "value": value}, at) for value in values)
