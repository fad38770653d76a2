"""What a run keeps of the posts behind its incident: hashes, to which what is shown later is held. The store keeps the posts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.mention import Observed
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.storage import UnitOfWork

MOST = 200  # posts, the loudest


@dataclass(frozen=True, slots=True)
class Captured:
    """What proves a post: the SHA-256 of what it said, and when that was taken."""

    sha256: str
    at: datetime


async def capture(tx: UnitOfWork, incident_id: int) -> Mapping[str, object]:
    """How many posts there are by now, and the SHA-256 of each of the loudest, by its number."""
    alerts = [alert.id for alert in await tx.alerts.of_incident(incident_id)]
    posts = await tx.alerts.evidence(alerts, MOST)
    return {"posts": await tx.alerts.evidence_count(alerts), "sha256": {str(post.id): digest(post) for post in posts}}


def digest(post: Observed) -> str:
    """The SHA-256 of a post: its network, address, author's handle, moment (ISO 8601, UTC), title and text, as one JSON list."""
    return digest_of(post.network, post.url, post.author.handle, post.written_at, post.title, post.text)


def digest_of(network: str, uri: str | None, handle: str, written_at: datetime, title: str, text: str) -> str:
    """The same of what was never stored."""
    said = [network, uri, handle, written_at.isoformat(), title, text]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def captured(story: Iterable[TimelineEvent], run_id: int) -> dict[int, Captured]:
    """What a run has captured, by itself or because a person kept the post, by the post's number: of each the first."""
    found: dict[int, Captured] = {}
    for event in story:
        if event.plan_run_id == run_id and event.kind in {EventKind.PLAN_CAPTURED, EventKind.PLAN_KEPT}:
            for number, sha256 in _hashes(event.detail or {}).items():
                found.setdefault(int(number), Captured(str(sha256), event.at))
    return found


def _hashes(detail: Mapping[str, object]) -> Mapping[str, object]:
    """Of a step all those it took, of a post that a person kept its own."""
    said = detail.get("sha256")
    return said if isinstance(said, Mapping) else {str(detail["mention"]): said} if "mention" in detail else {}
