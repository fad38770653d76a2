"""Jetstream, over a server that tells everything it has from the cursor on: a new listener hears it as if it happened now."""

from __future__ import annotations

import pytest

from monitor.sources import streams
from monitor.sources.jetstream import JETSTREAM, JetstreamSettings
from monitor.testing.contract import OWN, Post, Scene, SourceContract, Stage
from tests.jetstream import FakeJetstream, event, micros, record


class TestJetstream(SourceContract):
    """Posts that say `post`, of authors whom the public API knows."""

    @pytest.fixture(autouse=True)
    def _briefly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On loopback what is on its way arrives within moments."""
        monkeypatch.setattr(streams, "PAUSE", 0.03)

    def perform(self, scene: Scene) -> Stage:
        jetstream = FakeJetstream()
        scene.site.answer = jetstream.answer
        known: set[int] = set()

        def publish(post: Post) -> None:
            at = max(micros(post.written_at), jetstream.log[-1][0] if jetstream.log else 0)
            operation = "delete" if post.deleted else "update" if post.number in known else "create"
            known.add(post.number)
            did = f"did:plc:{post.author}"
            jetstream.profiles[did] = {
                "did": did,
                "handle": post.author,
                "followersCount": post.reach,
                "verification": {"verifiedStatus": "valid" if post.verified else "none"},
            }
            said = None if post.deleted else record(post.text, createdAt=post.stamp, **self.answering(post))
            jetstream.log.append((at, event(at, said, rkey=str(post.number), did=did, operation=operation)))

        settings = JetstreamSettings(
            kind="jetstream", url=scene.site.url, profiles=scene.site.url, terms=("post",), own_accounts=(OWN,)
        )
        exempt = {
            "engagement": "posts come as they are written: nobody has reacted yet",
            "conversation": "what is said streams by; a source of kind `bluesky` is asked",
        }
        return Stage(JETSTREAM, settings, publish, exempt)

    @staticmethod
    def answering(post: Post) -> dict[str, object]:
        """What it answers; the first post of a scene is by the brand wherever it is answered."""
        if post.answers is None:
            return {}
        above = {"uri": f"at://did:plc:ann/app.bsky.feed.post/{post.answers}"}
        return {"reply": {"parent": above, "root": above}}
