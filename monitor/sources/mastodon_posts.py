"""Statuses of the Mastodon API as mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.base import Rejected
from monitor.sources.mastodon_settings import MastodonSettings
from monitor.sources.mastodon_threads import Threads
from monitor.sources.text import html_to_text, is_own, whole
from monitor.sources.times import parse_time


class Read(NamedTuple):
    """What a page says: mentions by the numbers of their statuses on the server, and what is not as documented."""

    mentions: Mapping[str, Mention]
    rejected: Sequence[Rejected]


class Reader:
    """Makes mentions of statuses. `ours` are the ids, on this server, of our own accounts."""

    def __init__(self, settings: MastodonSettings, threads: Threads) -> None:
        self._settings = settings
        self._threads = threads
        self._host = urlsplit(settings.url).hostname or ""
        self.ours: set[str] = set()

    def read(self, items: Sequence[Mapping[str, Any]]) -> Read:
        """Statuses, or the statuses of notifications, in their order. May take a while: their HTML is hostile."""
        mentions, rejected = {}, []
        for item in items:
            said = status(item)
            if said is None or (isinstance(said, Mapping) and said.get("reblog")):
                continue  # a deleted post, or a boost: somebody else's words, seen where they were said
            try:
                mentions[str(said["id"])] = self._mention(said)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                rejected.append(Rejected(f"status {str(item['id'])[:40]}", f"not as the API documents it ({_problem(error)})"))
        return Read(mentions, rejected)

    def is_ours(self, account: Mapping[str, Any]) -> bool:
        """By handle or by id: a handle's server is not always the one that we ask."""
        return account.get("id") in self.ours or is_own(self._handle(account["acct"]), self._settings.own_accounts)

    def _mention(self, said: Mapping[str, Any]) -> Mention:
        text = html_to_text(said["content"])
        tags = [tag["name"] for tag in said.get("tags") or () if isinstance(tag.get("name"), str)]
        parent, thread = self._answers(said)
        return Mention(
            network=self._settings.network,
            text=text or _described(said),
            written_at=parse_time(said["created_at"]),
            uri=said.get("uri") or said.get("url") or f"{self._settings.url}/statuses/{quote(said['id'])}",
            form=_form(said),
            title=html_to_text(said.get("spoiler_text") or ""),
            author=self._author(said["account"]),
            language=said.get("language"),
            parent=parent,
            thread=thread,
            engagement=_engagement(said),
            hashtags=frozenset(tag.casefold() for tag in tags),
            sensitive=said.get("sensitive") if isinstance(said.get("sensitive"), bool) else None,
        )

    def _answers(self, said: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """The addresses of what it answers, in the API where no other is known, and of what began its thread."""
        number = said.get("in_reply_to_id")
        if not number:
            return None, None
        parent, thread = self._threads.above(str(number))
        return parent or f"{self._settings.url}/api/v1/statuses/{quote(str(number))}", thread

    def _handle(self, acct: str) -> str:
        return acct if "@" in acct else f"{acct}@{self._host}"

    def _author(self, account: Mapping[str, Any]) -> Author:
        """`name@server` is the same whichever server shows the post; the account's id is not."""
        handle = self._handle(account["acct"])
        return Author(
            id=handle.casefold(),
            handle=handle,
            name=str(account.get("display_name") or ""),
            reach=whole(account.get("followers_count")),
            own=self.is_ours(account),
        )


def status(item: Mapping[str, Any]) -> Any:
    """The status itself, or that of a notification: None where it was deleted."""
    return item.get("status") if "account" in item and "type" in item else item


def _form(said: Mapping[str, Any]) -> Form:
    if said.get("visibility") == "direct":
        return Form.MESSAGE
    return Form.REPLY if said.get("in_reply_to_id") else Form.POST


def _described(said: Mapping[str, Any]) -> str:
    """A post without words: what its pictures are said to show."""
    media = said.get("media_attachments") or ()
    return "\n".join(str(item["description"]) for item in media if isinstance(item, Mapping) and item.get("description"))


def _engagement(said: Mapping[str, Any]) -> Engagement:
    return Engagement(
        replies=whole(said.get("replies_count")),
        shares=whole(said.get("reblogs_count")),
        likes=whole(said.get("favourites_count")),
    )


def _problem(error: Exception) -> str:
    return f"no {error.args[0]}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"[:120]
