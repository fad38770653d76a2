"""Tumblr's posts and notes as mentions: https://github.com/tumblr/docs/blob/master/api.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.mapping import at
from monitor.sources.text import html_to_text, is_own, whole
from monitor.sources.times import parse_time

NETWORK = "tumblr"
_POST = re.compile(r"https?://(?:([\w-]+)\.tumblr\.com/post|www\.tumblr\.com/(?:blog/view/)?@?([\w-]+))/(\d+)(?:[/?#].*)?")
_WORDS = ("reblog.comment", "body", "caption", "text", "description", "answer", "dialogue", "summary")


def post(item: Mapping[str, Any], ours: Sequence[str]) -> Mention:
    """A post; of a reblog what its author added, if that is told apart. One without words is known by its tags."""
    tags = [tag for tag in item.get("tags") or () if isinstance(tag, str)]
    said = (html_to_text(words) for path in _WORDS if isinstance(words := at(item, path), str))
    above = _known(item.get("reblogged_from_url"))
    return Mention(
        NETWORK,
        next(filter(None, said), "") or " ".join(f"#{tag}" for tag in tags),
        parse_time(item["timestamp"]),
        uri=address(item["blog_name"], item.get("id_string") or item["id"]),
        form=Form.REPLY if above else Form.POST,
        title=html_to_text(str(item.get("title") or item.get("question") or "")),
        author=_author(item["blog_name"], at(item, "blog.title"), ours),
        parent=above,
        thread=_known(item.get("reblogged_root_url")) or above,
        engagement=Engagement(likes=whole(item.get("note_count"))),
        hashtags=frozenset(tag.casefold() for tag in tags),
    )


def note(item: Mapping[str, Any], above: str, ours: Sequence[str]) -> Mention:
    """A reply to the post at `above`, or a reblog that adds words. A reply has no address of its own."""
    reblog = item["type"] == "reblog"
    return Mention(
        NETWORK,
        html_to_text(item["added_text"] if reblog else item["reply_text"]),
        parse_time(item["timestamp"]),
        uri=address(item["blog_name"], item["post_id"]) if reblog else None,
        form=Form.REPLY,
        author=_author(item["blog_name"], None, ours),
        parent=above,
        thread=above,
    )


def sorted_by(item: Mapping[str, Any]) -> datetime:
    """By this time a list of a tag is sorted: Tumblr features some tags, and there it is when a post was chosen."""
    return parse_time(item.get("featured_timestamp") or item["timestamp"])


def address(blog: str, number: str | int) -> str:
    """A post's address as an identity: without its title, and on Tumblr, whatever host the blog has."""
    return f"https://{blog.casefold()}.tumblr.com/post/{number}"


def _known(url: object) -> str | None:
    found = _POST.fullmatch(url) if isinstance(url, str) else None
    if found:
        return address(found[1] or found[2], found[3])
    return url if isinstance(url, str) and url else None


def _author(blog: str, title: object, ours: Sequence[str]) -> Author:
    return Author(blog.casefold(), handle=blog, name=title if isinstance(title, str) else "", own=is_own(blog, ours))
