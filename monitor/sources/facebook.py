"""A Facebook Page: its posts and its visitors', what is said under them and under its advertisements, and who tags it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.base import Deleted, Rejected, understand
from monitor.sources.conversation import Conversation
from monitor.sources.graph import GraphSettings, Page
from monitor.sources.graph_posts import Entry, Found, Listing, Watch, digest
from monitor.sources.graph_source import GraphSource
from monitor.sources.graph_threads import pages, perhaps, shown
from monitor.sources.kinds import Kind, Kit
from monitor.sources.mapping import at as within
from monitor.sources.paging import Seen
from monitor.sources.text import is_own, whole
from monitor.sources.times import parse_time

PAGE = 100  # the most that a list gives (docs/graph-api/reference/page/feed)
_POST = (
    "id,message,story,created_time,updated_time,from,shares,"
    "comments.limit(0).filter(stream).summary(total_count),reactions.limit(0).summary(total_count)"
)
_COMMENT = "id,message,created_time,from,like_count,comment_count,parent{id},permalink_url"
_EDITS = frozenset({"edit", "edited", "unhide"})
_NO_POSTS = frozenset({"reaction", "like"})
_PLACE = re.compile(r"facebook\.com/(\w+)/posts/(\w+)/?(?:\?comment_id=(\w+))?$")


def _page(written: str) -> str:
    page = written.strip().removeprefix("@")
    if not (page and page.replace(".", "").replace("-", "").replace("_", "").isalnum() and page.isascii()):
        raise ValueError("write the Page's number, or its name as it stands in its address: facebook.com/NAME")
    return page


class FacebookSettings(GraphSettings):
    """A Facebook Page of ours: its posts, those of its visitors, all comments and answers under them, and posts that tag it.

    The first look takes the newest 100 posts, and comments of the last `max_age`; from then on everything is read.
    """

    kind: Literal["facebook"] = Field(description="a Facebook Page of ours")
    page: Annotated[str, AfterValidator(_page)] = Field(description="the Page's number or name, as in facebook.com/NAME")
    ads: bool = Field(
        False,
        description="true to read what is said under advertisements that never were posts of the Page;"
        " the token then needs ads_management and pages_manage_ads, too",
    )
    tagged: bool = Field(
        False,
        description="true to ask for the list of posts that tag the Page, too; those that stand in its feed are seen anyway",
    )

    def networks(self) -> frozenset[str]:
        return frozenset({"facebook"})


class Facebook(GraphSource):
    """Posts and comments are known by their numbers, which Meta's calls name, too."""

    network = "facebook"
    topic = "page"
    needs = "pages_read_engagement, pages_read_user_content"
    who = "id,name,followers_count"

    def __init__(self, settings: FacebookSettings, kit: Kit) -> None:
        super().__init__(settings, settings.page, kit)
        asked = {"fields": _POST, "limit": str(PAGE)}
        ads = Listing("ads", f"{settings.page}/ads_posts", asked, "ads_management, pages_manage_ads, pages_show_list")
        tagged = Listing("tagged", f"{settings.page}/tagged", asked, "pages_read_user_content, pages_show_list", comments=False)
        feed = Listing("feed", f"{settings.page}/feed", asked, self.needs)
        self.listings = [feed, *([ads] if settings.ads else ()), *([tagged] if settings.tagged else ())]

    def entry(self, listing: Listing, item: Mapping[str, Any]) -> Entry:
        """A post. What is said under those of others is not ours to read, in whichever list they stand."""
        mention, number = self._post(item), str(item["id"])
        if not (listing.comments and number.partition("_")[0] == self._ours["id"]):
            return Entry(number, mention, digest(mention))
        comments, updated = mention.engagement.replies or 0, item.get("updated_time")
        active = parse_time(updated) if updated else None
        return Entry(number, mention, digest(mention), f"{comments} {updated or ''}", comments, active)

    async def comments(self, watch: Watch, post_id: str, at: str | None) -> tuple[list[tuple[Seen, Mention]], Page, bool | None]:
        """Comments and answers in one stream (docs/graph-api/reference/object/comments)."""
        del watch
        asked = {"fields": _COMMENT, "filter": "stream", "order": "reverse_chronological", "limit": str(PAGE)}
        page = await self._graph.page(f"{post_id}/comments", asked, at, needs=self.needs)
        said, rejected = understand(page.items, lambda item: (_number(item), self._comment(item, post_id)))
        self._graph.notes += [replace(each, where=f"comments of {post_id}, {each.where}") for each in rejected]
        return [(Seen(number, mention.written_at), mention) for number, mention in said], page, None

    def told(self, watch: Watch, change: Mapping[str, Any], at: datetime, found: Found) -> None:
        """docs/graph-api/webhooks/reference/page: the fields feed and mention."""
        value, verb = change["value"], change["value"].get("verb")
        if change["field"] not in {"feed", "mention"} or value.get("item") in _NO_POSTS:
            return
        comment, post = value.get("comment_id"), value.get("post_id")
        if verb in {"remove", "delete"}:
            gone = self._comment_uri(str(comment)) if comment else self._post_uri(str(post))
            found.deleted.append(Deleted(self.network, gone))
        elif comment and (change["field"] == "mention" or verb in _EDITS):
            self._ask(watch, f"comment {comment} {post or ''}", value, at, found)
        elif post and (verb in _EDITS or not watch.touch(str(post), self._clock.wall())):
            self._ask(watch, f"post {post}", None if comment else value, at, found)
            if comment:  # the post may not be to be had (an advertisement)
                self._ask(watch, f"comment {comment} {post}", value, at, found)

    async def conversation(self, uri: str) -> Conversation:
        """A post and its first 200 comments; or a comment, its answers and what stands above it: two to four calls.

        Raises `SourceError`.
        """
        place = _PLACE.search(uri)
        if place is None:
            raise SourceError(Trouble.REFUSED, "this is no address of a post or comment of a Page")
        await self._ask_who(self._clock.wall())
        owner, post, comment = place.groups()
        number = f"{owner}_{post}"
        if comment is not None:
            return await self._around(f"{post}_{comment}", number)
        top = self._post(await shown(self._graph, number, _POST, self.needs))
        if owner != self._ours["id"]:
            return Conversation([top], whole=False)  # what is said under posts of others is not ours to read
        below, whole, rejected = await self._below(number, number, most=2)
        return Conversation([top, *below], whole, rejected)

    async def _around(self, number: str, post_id: str) -> Conversation:
        """A comment in its thread."""
        item = await shown(self._graph, number, _COMMENT, self.needs)
        below, whole, rejected = await self._below(number, post_id, most=1)
        answered = within(item, "parent.id")
        above = await perhaps(self._graph, str(answered), _COMMENT, self.needs) if answered else None
        post = await perhaps(self._graph, post_id, _POST, self.needs)
        posts = [self._comment(item, post_id), *below]
        posts += [self._comment(above, post_id)] if above else []
        posts += [self._post(post)] if post else []
        return Conversation(posts, whole and post is not None and (above is not None or not answered), rejected)

    async def _below(self, number: str, post_id: str, *, most: int) -> tuple[list[Mention], bool, Sequence[Rejected]]:
        asked = {"fields": _COMMENT, "filter": "stream", "order": "chronological", "limit": str(PAGE)}
        items, whole = await pages(self._graph, f"{number}/comments", asked, self.needs, most=most)
        found, rejected = understand(items, lambda item: self._comment(item, post_id))
        return found, whole, rejected

    def _ask(self, watch: Watch, ask: str, value: Mapping[str, Any] | None, at: datetime, found: Found) -> None:
        """Remember to ask; and what the call says itself, in case that it is not to be had."""
        watch.asks.setdefault(ask, 0)
        if value is None or not isinstance(value.get("message"), str):
            return
        kind, number, *_ = ask.split(" ")
        item = {"id": number, "message": value["message"], "created_time": value.get("created_time") or at.timestamp()}
        item |= {"from": value.get("from")}
        post = str(value.get("post_id") or "")
        found.spare[ask] = self._comment(item, post) if kind == "comment" else self._post(item)

    async def single(self, watch: Watch, ask: str, found: Found) -> None:
        """A comment, or a post, by its number."""
        kind, number, *post = ask.split(" ")
        item = await self._graph.ask(number, {"fields": _COMMENT if kind == "comment" else _POST}, needs=self.needs)
        if kind == "comment":
            found.mentions.append(self._comment(item, post[0] if post else ""))
            return
        entry = self.entry(self.listings[0], item)
        watch.meet(entry, self._clock.wall())
        found.mentions.append(entry.mention)
        if entry.told is not None:
            watch.touch(number, self._clock.wall())

    def _post(self, item: Mapping[str, Any]) -> Mention:
        figures = {name: whole(within(item, f"{name}.summary.total_count")) for name in ("comments", "reactions")}
        return Mention(
            self.network,
            str(item.get("message") or item.get("story") or ""),
            parse_time(item["created_time"]),
            uri=self._post_uri(str(item["id"])),
            author=self._author(item.get("from")),
            engagement=Engagement(figures["comments"], whole(within(item, "shares.count")), figures["reactions"]),
        )

    def _comment(self, item: Mapping[str, Any], post_id: str) -> Mention:
        number = _number(item)
        answered = within(item, "parent.id")
        post = self._post_uri(post_id or f"{self._ours['id']}_{number.partition('_')[0]}")
        return Mention(
            self.network,
            str(item.get("message") or ""),
            parse_time(item["created_time"]),
            uri=self._comment_uri(number),
            form=Form.REPLY if answered else Form.COMMENT,
            author=self._author(item.get("from")),
            parent=self._comment_uri(str(answered)) if answered else post,
            thread=post,
            engagement=Engagement(whole(item.get("comment_count")), None, whole(item.get("like_count"))),
        )

    def _author(self, said: Any) -> Author | None:
        """Known by a number that only this Page knows; anybody may bear the Page's name, so that a name makes nobody ours."""
        if not isinstance(said, Mapping) or not said.get("id"):
            return None  # without the permission nobody says who it was
        number = str(said["id"])
        if number == self._ours["id"]:
            return self._us()
        return Author(number, name=str(said.get("name") or ""), own=is_own(number, self._settings.own_accounts))

    def _post_uri(self, number: str) -> str:
        owner, _, post = number.partition("_")
        return f"https://www.facebook.com/{owner}/posts/{post}" if post else f"https://www.facebook.com/{owner}"

    def _comment_uri(self, number: str) -> str:
        """The same for answers, too: calls about what was removed do not say whose answer it was."""
        post, _, comment = number.partition("_")
        return f"https://www.facebook.com/{self._ours['id']}/posts/{post}/?comment_id={comment}"


def _number(item: Mapping[str, Any]) -> str:
    """A comment's number; for those who only see public content it stands in its address alone."""
    if item.get("id"):
        return str(item["id"])
    address = urlsplit(str(item["permalink_url"]))
    query = parse_qs(address.query)
    comment = (query.get("reply_comment_id") or query["comment_id"])[0]
    return f"{address.path.rstrip('/').rpartition('/')[2]}_{comment}"


FACEBOOK = Kind(
    FacebookSettings,
    Facebook,
    where="Free, within an hour: a token of a system user, from an app of yours at https://developers.facebook.com/apps/.",
    page="watch-facebook.md",
    example={"page": "{tag}"},
    documents=(
        "https://developers.facebook.com/docs/graph-api/reference/page/feed",
        "https://developers.facebook.com/docs/graph-api/reference/object/comments",
        "https://developers.facebook.com/docs/graph-api/reference/page/tagged",
        "https://developers.facebook.com/docs/graph-api/webhooks/reference/page/",
        "https://developers.facebook.com/docs/graph-api/guides/error-handling",
    ),
)
