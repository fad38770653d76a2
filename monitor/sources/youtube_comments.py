"""What YouTube's API says about comments, as mentions: https://developers.google.com/youtube/v3/docs/commentThreads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.mapping import at
from monitor.sources.text import is_own, whole
from monitor.sources.times import parse_time

NETWORK = "youtube"


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment (the first of `mentions`) with those of its replies that came with it; `count` is how many it has."""

    id: str
    video: str
    count: int
    mentions: Sequence[Mention]

    @property
    def written_at(self) -> datetime:
        """When the comment was written: by this the lists are sorted."""
        return self.mentions[0].written_at


def thread(item: Mapping[str, Any], ours: Collection[str]) -> Thread:
    """A commentThread. `ours` are handles and ids of our own channels."""
    snippet = item["snippet"]
    video, count = str(snippet.get("videoId") or ""), whole(snippet.get("totalReplyCount")) or 0
    top = comment(snippet["topLevelComment"], video, ours, count=count)
    inline = [comment(each, video, ours, parent=item["id"]) for each in at(item, "replies.comments") or ()]
    return Thread(str(item["id"]), video, count, [top, *inline])


def comment(
    item: Mapping[str, Any], video: str, ours: Collection[str], *, parent: str | None = None, count: int | None = None
) -> Mention:
    """A comment; with a `parent`, a reply to it."""
    snippet = item["snippet"]
    above = _address(snippet, video, parent) if parent else None
    return Mention(
        NETWORK,
        str(snippet.get("textOriginal") or snippet["textDisplay"]),
        parse_time(snippet["publishedAt"]),
        uri=_address(snippet, video, item["id"]),
        form=Form.REPLY if parent else Form.COMMENT,
        author=_author(snippet, ours),
        parent=above,
        thread=above,
        engagement=Engagement(replies=count, likes=whole(snippet.get("likeCount"))),
    )


def top_comment(uri: str) -> str:
    """The id of the comment on top of the thread in which the comment with this address stands: a reply's begins with it."""
    return parse_qs(urlsplit(uri).query).get("lc", [""])[0].partition(".")[0]


def _author(snippet: Mapping[str, Any], ours: Collection[str]) -> Author | None:
    """Whoever closed their account has no channel, and perhaps no name."""
    handle = str(snippet.get("authorDisplayName") or "").removeprefix("@")
    channel = str(at(snippet, "authorChannelId.value") or "")
    if not (handle or channel):
        return None
    own = any(is_own(each, tuple(ours)) for each in (handle, channel))
    return Author(channel or handle, handle=handle, name=handle, own=own)


def _address(snippet: Mapping[str, Any], video: str, comment_id: str) -> str:
    if video:
        return f"https://www.youtube.com/watch?v={video}&lc={comment_id}"
    return f"https://www.youtube.com/channel/{snippet.get('channelId', '')}/discussion?lc={comment_id}"
