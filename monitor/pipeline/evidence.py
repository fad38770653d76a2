"""What a run keeps of the posts behind its incident: hashes, to which what is shown later is held. The store keeps the posts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.domain.mention import Observed
from monitor.domain.plan import PlanRun
from monitor.storage import UnitOfWork

MOST = 200  # posts, the loudest
CAPTURED = "plan.captured"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A post that a run has captured, as it is kept now. None: it is kept no longer. `unchanged`: it is what stood there then."""

    number: int
    post: Observed | None
    unchanged: bool


async def capture(tx: UnitOfWork, incident_id: int) -> Mapping[str, object]:
    """How many posts there are by now, and the SHA-256 of each of the loudest, by its number."""
    alerts = [alert.id for alert in await tx.alerts.of_incident(incident_id)]
    posts = await tx.alerts.evidence(alerts, MOST)
    return {"posts": await tx.alerts.evidence_count(alerts), "sha256": {str(post.id): digest(post) for post in posts}}


def digest(post: Observed) -> str:
    """The SHA-256 of a post: its network, address, author's handle, moment (ISO 8601, UTC), title and text, as one JSON list."""
    said = [post.network, post.url, post.author.handle, post.written_at.isoformat(), post.title, post.text]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


async def exhibits(tx: UnitOfWork, run: PlanRun) -> list[Exhibit]:
    """Every post that a run has captured, each held to its hash."""
    events = [
        each for each in await tx.timeline.of_incident(run.incident_id) if each.kind == CAPTURED and each.plan_run_id == run.id
    ]
    hashes: dict[int, str] = {}
    for event in events:
        found = (event.detail or {}).get("sha256")
        hashes |= {int(number): said for number, said in found.items()} if isinstance(found, Mapping) else {}
    posts = {post.id: post for post in await tx.mentions.get(list(hashes))}
    return [Exhibit(each, posts.get(each), each in posts and digest(posts[each]) == said) for each, said in hashes.items()]
