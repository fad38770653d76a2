"""Bluesky's posts as mentions: the lexicons `app.bsky.feed.defs`, `.post` and `app.bsky.actor.defs` (https://docs.bsky.app)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.mapping import at
from monitor.sources.text import is_own, whole
from monitor.sources.times import parse_time

NETWORK = "bluesky"
COLLECTION = "app.bsky.feed.post"
_TAG = "app.bsky.richtext.facet#tag"
_SHOCKING = frozenset({"porn", "sexual", "nudity", "graphic-media", "gore", "corpse", "self-harm", "nsfl"})
_ONE = 1


def written_at(view: Mapping[str, Any]) -> datetime:
    """When it was written, as the network sorts: the author's program says so, and is believed up to when the network had it."""
    indexed = parse_time(view["indexedAt"])
    try:
        return min(parse_time(view["record"].get("createdAt")), indexed)
    except ValueError:
        return indexed


def mention(view: Mapping[str, Any], reach: Mapping[str, int | None], ours: Sequence[str]) -> Mention:
    """A post as it is shown. `reach` is how many follow an author, by DID; `ours` are handles and DIDs of our own accounts."""
    record = view["record"]
    parent, thread = at(record, "reply.parent.uri"), at(record, "reply.root.uri")
    return Mention(
        NETWORK,
        record["text"] or _shown(record),
        written_at(view),
        uri=view["uri"],
        form=Form.REPLY if parent else Form.POST,
        author=author(view["author"], reach, ours),
        language=_language(record.get("langs")),
        parent=parent or quoted(record),
        thread=thread,
        engagement=_engagement(view),
        hashtags=frozenset(_hashtags(record)),
        sensitive=any(at(label, "val") in _SHOCKING for label in view.get("labels") or ()),
    )


def quoted(record: Mapping[str, Any]) -> str | None:
    """The address of the post that it quotes, alone or beside a picture."""
    found = at(record, "embed.record.record.uri") or at(record, "embed.record.uri")
    return found if isinstance(found, str) and f"/{COLLECTION}/" in found else None


def in_thread(thread: object) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The posts of a thread, above and below, and the addresses of those that are no longer there."""
    found, gone, waiting = [], [], [thread]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Mapping):
            continue
        if isinstance(node.get("post"), Mapping):
            found.append(node["post"])
        elif node.get("notFound") is True and isinstance(node.get("uri"), str):
            gone.append(node["uri"])
        replies = node.get("replies")
        waiting += [*(replies if isinstance(replies, list) else ()), node.get("parent")]
    return found, gone


def author(profile: Mapping[str, Any], reach: Mapping[str, int | None], ours: Sequence[str]) -> Author:
    """By DID, which stays when the handle changes."""
    did, handle = str(profile["did"]), str(profile["handle"])
    standing = profile.get("verification") or {}
    return Author(
        id=did,
        handle=handle,
        name=str(profile.get("displayName") or ""),
        reach=reach.get(did),
        verified="valid" in {standing.get("verifiedStatus"), standing.get("trustedVerifierStatus")},
        own=did in ours or is_own(handle, ours),
    )


def _language(said: object) -> str | None:
    """What its author says it is in; of several nobody knows which."""
    return said[0] if isinstance(said, list) and len(said) == _ONE and isinstance(said[0], str) else None


def _engagement(view: Mapping[str, Any]) -> Engagement:
    passed_on = [whole(view.get(name)) for name in ("repostCount", "quoteCount")]
    told = [each for each in passed_on if each is not None]
    return Engagement(whole(view.get("replyCount")), sum(told) if told else None, whole(view.get("likeCount")))


def _hashtags(record: Mapping[str, Any]) -> Iterator[str]:
    """Those in the text, and those that stand beside it."""
    features = (feature for facet in record.get("facets") or () for feature in facet.get("features") or ())
    tags = [feature.get("tag") for feature in features if feature.get("$type") == _TAG]
    return (tag.casefold() for tag in [*tags, *(record.get("tags") or ())] if isinstance(tag, str))


def _shown(record: Mapping[str, Any]) -> str:
    """A post without words: what its pictures or its video are said to show, or what it links to."""
    embed = record.get("embed") or {}
    media = embed.get("media") or embed
    pictures = [at(each, "alt") for each in (*(media.get("images") or ()), media)]
    card = [at(media, f"external.{name}") for name in ("title", "description")]
    return "\n".join(str(said) for said in (*pictures, *card) if said)
