"""Where a person can look at a mention."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.domain.mention import Observed, ObservedAuthor

POST = "at://did:plc:ann/app.bsky.feed.post/3k2a"


@pytest.mark.parametrize(
    ("url", "handle", "page"),
    [
        (POST, "ann.example", "https://bsky.app/profile/ann.example/post/3k2a"),
        (POST, "", "https://bsky.app/profile/did:plc:ann/post/3k2a"),
        ("at://did:plc:ann/app.bsky.graph.list/1", "ann.example", "at://did:plc:ann/app.bsky.graph.list/1"),
        ("https://social.example/1", "ann", "https://social.example/1"),
        (None, "ann", None),
    ],
)
def test_a_post_with_a_name_has_a_page(url: str | None, handle: str, page: str | None) -> None:
    """What has an address is there; a post of Bluesky is on the page of its author's handle, or of what never changes."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    seen = Observed(1, "bluesky", "it", "post", "words", now, now, url=url, author=ObservedAuthor(handle=handle))
    assert seen.page == page
