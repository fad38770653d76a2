"""What a post on X says, as a mention: https://docs.x.com/x-api/fundamentals/data-dictionary."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.paging import Seen
from monitor.sources.text import is_own, whole
from monitor.sources.times import parse_time

BEGINNING = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)  # ids count milliseconds from here, then 22 bits
_BITS = 22
_VETTED = frozenset({"business", "government"})
_OLD_CODES = {"iw": "he", "in": "id", "ji": "yi"}
_NO_LANGUAGE = frozenset({"und", "zxx", "art", "qam", "qct", "qht", "qme", "qst"})  # mentions only, tags only, links only …

FIELDS = {
    "tweet.fields": (
        "author_id,conversation_id,created_at,edit_history_tweet_ids,entities,lang,note_tweet,possibly_sensitive,"
        "public_metrics,referenced_tweets"
    ),
    "expansions": "author_id",
    "user.fields": "name,public_metrics,username,verified,verified_type",
}
"""What is asked of each post. Each object in an answer may cost: what a post answers or quotes is known by its id alone."""


def said_at(number: str) -> datetime:
    """When a post was written, by its id, to the millisecond. Raises `ValueError`."""
    if not (number.isascii() and number.isdigit()):
        raise ValueError(f"{number[:40]!r} is no id of a post")
    return BEGINNING + timedelta(milliseconds=min(int(number) >> _BITS, 10**13))


def before(moment: datetime) -> str | None:
    """The highest id that is older than a moment; None: there was nothing yet."""
    passed = (moment - BEGINNING) // timedelta(milliseconds=1)
    return str((passed << _BITS) - 1) if passed > 0 else None


def address(number: str) -> str:
    """The address of a post, by its id alone: handles change, and of what is answered only the id is told."""
    return f"https://x.com/i/web/status/{number}"


@dataclass(frozen=True, slots=True)
class Posts:
    """How posts are read: who is one of ours, and whether what is only passed on counts."""

    own_accounts: Sequence[str]
    account: str | None  # the id of ours
    retweets: bool

    def read(self, item: Mapping[str, Any], users: Mapping[str, Mapping[str, Any]]) -> tuple[Seen, Mention | None]:
        """A post, and where it stands in its list; no mention where it is only passed on, or has another version since."""
        number = str(item["id"])
        seen = Seen(number, said_at(number))
        versions = [str(each) for each in item.get("edit_history_tweet_ids") or (number,)]
        referred = {each["type"]: str(each["id"]) for each in item.get("referenced_tweets") or ()}
        if number != versions[-1] or ("retweeted" in referred and not self.retweets):
            return seen, None
        # What it answers, in its thread or, by quoting it, before its own public.
        parent = next((referred[each] for each in ("replied_to", "quoted", "retweeted") if each in referred), None)
        thread = str(item.get("conversation_id") or number)
        return seen, Mention(
            network="x",
            text=_text(item),
            written_at=parse_time(item["created_at"]) if "created_at" in item else seen.at,
            uri=address(versions[0]),  # an edited post has another id, and is the same
            form=Form.REPLY if "replied_to" in referred else Form.POST,
            author=self._author(item.get("author_id"), users),
            language=_language(item.get("lang")),
            parent=address(parent) if parent else None,
            thread=address(thread) if thread not in versions else None,
            engagement=_engagement(item.get("public_metrics") or {}),
            sensitive=item.get("possibly_sensitive"),
        )

    def _author(self, number: Any, users: Mapping[str, Mapping[str, Any]]) -> Author | None:
        """Whoever is suspended or protected by now is known by the id alone."""
        if number is None:
            return None
        user = users.get(str(number), {})
        handle = str(user.get("username") or "")
        return Author(
            id=str(number),
            handle=handle,
            name=html.unescape(str(user.get("name") or "")),
            reach=whole((user.get("public_metrics") or {}).get("followers_count")),
            verified=_verified(user),
            own=str(number) == self.account or is_own(handle, self.own_accounts),
        )


def _text(item: Mapping[str, Any]) -> str:
    """All that it says, also beyond 280 characters, with the addresses that its short links stand for."""
    long = item.get("note_tweet")
    said = long if isinstance(long, Mapping) and "text" in long else item
    text = html.unescape(said["text"])
    for link in (said.get("entities") or {}).get("urls") or ():
        if str(link.get("url")).startswith("https://t.co/") and link.get("expanded_url"):
            text = text.replace(link["url"], str(link["expanded_url"]))
    return text


def _verified(user: Mapping[str, Any]) -> bool | None:
    """Organisations are vetted; whoever has a blue check has paid for it."""
    kind = user.get("verified_type")
    return kind in _VETTED if kind else user.get("verified")


def _language(code: Any) -> str | None:
    return None if code in _NO_LANGUAGE else _OLD_CODES.get(code, code)


def _engagement(counts: Mapping[str, Any]) -> Engagement:
    passed_on = [whole(counts.get(name)) for name in ("retweet_count", "quote_count")]
    told = [each for each in passed_on if each is not None]
    return Engagement(
        replies=whole(counts.get("reply_count")), shares=sum(told) if told else None, likes=whole(counts.get("like_count"))
    )
