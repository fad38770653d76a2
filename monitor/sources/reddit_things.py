"""Reddit's things as mentions: comments (t1), posts (t3), messages (t4): https://www.reddit.com/dev/api/."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.mapping import at
from monitor.sources.text import is_own, whole
from monitor.sources.times import parse_time

NETWORK = "reddit"
_SITE = "https://www.reddit.com"
_PLACE = re.compile(rf"{re.escape(_SITE)}/comments/(\w+)(?:/_/(\w+))?/?")
_NOBODY = {"", "[deleted]", "[removed]"}


def written_at(thing: Mapping[str, Any]) -> datetime:
    """When it was written."""
    return parse_time(thing["data"]["created_utc"])


def is_gone(thing: Mapping[str, Any]) -> bool:
    """Whether its author has deleted it, or a moderator has removed it."""
    data = thing["data"]
    said = str(data.get("body", data.get("selftext")) or "")
    return bool(data.get("removed_by_category")) or (said in _NOBODY and said != "")


def mention(thing: Mapping[str, Any], ours: Sequence[str]) -> Mention:
    """A thing as a mention. `ours` are names of our own accounts."""
    data, kind = thing["data"], thing["kind"]
    read = {"t1": _comment, "t3": _post, "t4": _message}.get(kind)
    if read is None:
        raise ValueError(f"{str(kind)[:20]!r} is neither a comment, nor a post, nor a message")
    return read(data, _author(data, ours))


def in_comments(document: object) -> tuple[list[Mapping[str, Any]], bool]:
    """The things on the page of a post, comments to comments included, and whether these are all. Raises `SourceError`."""
    if not isinstance(document, list):
        raise SourceError(Trouble.MALFORMED, "the page of a post is no list of two; is it the right API?")
    found, whole, waiting = [], True, [at(each, "data.children") for each in document]
    while waiting:
        things = waiting.pop()
        for thing in things if isinstance(things, list) else ():
            kind = at(thing, "kind")
            if kind == "more":
                whole = False
            elif kind is not None:
                found.append(thing)
                waiting.append(at(thing, "data.replies.data.children"))
    return found, whole


def place_of(uri: str) -> tuple[str, str | None] | None:
    """The post and the comment that an address of ours names; None: it is that of a message."""
    found = _PLACE.fullmatch(uri)
    return (found[1], found[2]) if found else None


def _comment(data: Mapping[str, Any], author: Author | None) -> Mention:
    """From a subreddit it names its post, from the inbox the context in which it is shown."""
    post = str(data.get("link_id") or "").removeprefix("t3_") or str(data["context"]).partition("/comments/")[2].partition("/")[0]
    above = str(data["parent_id"])
    return Mention(
        NETWORK,
        data["body"],
        parse_time(data["created_utc"]),
        uri=_address(post, data["id"]),
        form=Form.COMMENT if above.startswith("t3_") else Form.REPLY,
        title=str(data.get("link_title") or ""),
        author=author,
        parent=_address(post, None if above.startswith("t3_") else above.removeprefix("t1_")),
        thread=_address(post),
        engagement=Engagement(likes=whole(data.get("score"))),
    )


def _post(data: Mapping[str, Any], author: Author | None) -> Mention:
    link = "" if data.get("is_self") else str(data.get("url") or "")
    return Mention(
        NETWORK,
        str(data.get("selftext") or link or data["title"]),
        parse_time(data["created_utc"]),
        uri=_address(data["id"]),
        title=data["title"],
        author=author,
        engagement=Engagement(replies=whole(data.get("num_comments")), likes=whole(data.get("score"))),
        sensitive=data["over_18"] if isinstance(data.get("over_18"), bool) else None,
    )


def _message(data: Mapping[str, Any], author: Author | None) -> Mention:
    first = data.get("first_message_name")
    return Mention(
        NETWORK,
        data["body"],
        parse_time(data["created_utc"]),
        uri=_letter(data["name"]),
        form=Form.MESSAGE,
        title=str(data.get("subject") or ""),
        author=author,
        parent=_letter(data["parent_id"]) if data.get("parent_id") else None,
        thread=_letter(first) if first else None,
    )


def _author(data: Mapping[str, Any], ours: Sequence[str]) -> Author | None:
    """Nobody where the account is deleted, and in messages of a subreddit."""
    name = str(data.get("author") or "")
    return None if name in _NOBODY else Author(name.casefold(), handle=name, own=is_own(name, ours))


def _address(post: str, comment: str | None = None) -> str:
    """The same in every list, whatever a post's words make of its longer address."""
    return f"{_SITE}/comments/{post}" + (f"/_/{comment}" if comment else "")


def _letter(name: str) -> str:
    return f"{_SITE}/message/messages/{name.removeprefix('t4_')}"
