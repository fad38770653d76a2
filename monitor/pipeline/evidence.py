"""What a run keeps of the posts behind its incident: their hashes, so that what is shown later is held to what stood there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from monitor.domain.mention import Observed
from monitor.storage import UnitOfWork

MOST = 200  # posts, the loudest


async def capture(tx: UnitOfWork, incident_id: int) -> Mapping[str, object]:
    """How many posts there are by now, and the SHA-256 of each of the loudest, by its number."""
    alerts = [alert.id for alert in await tx.alerts.of_incident(incident_id)]
    posts = await tx.alerts.evidence(alerts, MOST)
    return {"posts": await tx.alerts.evidence_count(alerts), "sha256": {str(post.id): digest(post) for post in posts}}


def digest(post: Observed) -> str:
    """The SHA-256 of a post: its network, address, author's handle, moment (ISO 8601, UTC), title and text, as one JSON list."""
    said = [post.network, post.url, post.author.handle, post.written_at.isoformat(), post.title, post.text]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
