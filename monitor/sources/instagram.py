"""An Instagram account: comments under its posts and their answers, and who tags or mentions it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.base import understand
from monitor.sources.conversation import Conversation
from monitor.sources.graph import GraphSettings, Page
from monitor.sources.graph_posts import Entry, Found, Listing, Watch, digest
from monitor.sources.graph_source import GraphSource
from monitor.sources.graph_threads import pages, perhaps, shown
from monitor.sources.kinds import Kind, Kit
from monitor.sources.mapping import at as within
from monitor.sources.paging import MOST_PAGES, Seen
from monitor.sources.text import is_own, whole
from monitor.sources.times import parse_time

PAGE = 100
COMMENTS = 50  # the most that one question gives (docs/instagram-platform/instagram-graph-api/reference/ig-media/comments)
_MEDIA = "id,caption,timestamp,permalink,username,comments_count,like_count"
_SAID = "id,text,timestamp,username,from,like_count"
_COMMENT_PLACE = re.compile(r"/c/(\d+)/?$")
_COMMENT = f"{_SAID},replies.limit({COMMENTS}){{{_SAID}}}"


def _account(written: str) -> str:
    if not (written.strip().isascii() and written.strip().isdigit()):
        raise ValueError("write the number of the Instagram account, not its name; the how-to says how to find it")
    return written.strip()


class InstagramSettings(GraphSettings):
    """A professional Instagram account of ours: comments and answers under its posts, tags, and, by webhook, mentions.

    The first look takes the newest 100 posts, and comments of the last `max_age`; from then on everything is read.
    """

    kind: Literal["instagram"] = Field(description="a professional Instagram account of ours")
    account: Annotated[str, AfterValidator(_account)] = Field(
        description="the account's number, of 17 digits", coerce_numbers_to_str=True
    )
    tags: bool = Field(True, description="false not to read posts of others in which the account is tagged")

    def networks(self) -> frozenset[str]:
        return frozenset({"instagram"})


class Instagram(GraphSource):
    """Comments are known by their number under their post's address, which whoever mentions us in one says, too."""

    network = "instagram"
    topic = "instagram"
    needs = "instagram_basic, instagram_manage_comments, pages_read_engagement"
    who = "id,username,name,followers_count"

    def __init__(self, settings: InstagramSettings, kit: Kit) -> None:
        super().__init__(settings, settings.account, kit)
        asked = {"fields": _MEDIA, "limit": str(PAGE)}
        self._media = f"{settings.account}/media", asked
        media = Listing("media", *self._media, self.needs)
        tags = Listing("tags", f"{settings.account}/tags", asked, self.needs, comments=False, unlinked=True)
        self.listings = [media, tags] if settings.tags else [media]

    def entry(self, listing: Listing, item: Mapping[str, Any]) -> Entry:
        """A post. Only how many comments there are is told, not when the last was written."""
        mention = self._post(item)
        if not listing.comments:
            return Entry(str(item["id"]), mention, digest(mention))
        comments = mention.engagement.replies or 0
        return Entry(str(item["id"]), mention, digest(mention), str(comments), comments, address=mention.uri or "")

    async def comments(self, watch: Watch, post_id: str, at: str | None) -> tuple[list[tuple[Seen, Mention]], Page, bool | None]:
        """Comments newest first, and under each its answers, which may be newer than the comments above."""
        asked = {"fields": _COMMENT, "limit": str(COMMENTS)}
        page = await self._graph.page(f"{post_id}/comments", asked, at, needs=self.needs)
        said, rejected = understand(page.items, lambda item: list(self._thread(item, watch, post_id)))
        self._graph.notes += [replace(each, where=f"comments of {post_id}, {each.where}") for each in rejected]
        return [each for thread in said for each in thread], page, True

    def _thread(self, item: Mapping[str, Any], watch: Watch, post_id: str) -> Iterator[tuple[Seen, Mention]]:
        """A comment, and the answers that come with it."""
        post, due = watch.posts[post_id].address, watch.due[post_id]
        answers = within(item, "replies.data") or ()
        for each, answered in [*((answer, item["id"]) for answer in answers), (item, None)]:
            mention = self._comment(each, post, answered)
            yield Seen(str(each["id"]), mention.written_at), mention
        if within(item, "replies.paging.next") and (due.found < due.wanted or watch.posts[post_id].read is None):
            watch.asks.setdefault(f"answers {post_id} {item['id']} 1", 0)

    def told(self, watch: Watch, change: Mapping[str, Any], at: datetime, found: Found) -> None:
        """docs/instagram-platform/webhooks: the fields comments, live_comments and mentions."""
        kind, value = change["field"], change["value"]
        if kind == "mentions":
            watch.asks.setdefault(f"mentioned {value['media_id']} {value.get('comment_id') or ''}".strip(), 0)
        elif kind in {"comments", "live_comments"}:
            media, number = str(value["media"]["id"]), str(value["id"])
            if not (watch.touch(media, self._clock.wall()) and kind == "comments" and not value.get("parent_id")):
                watch.asks.setdefault(f"comment {number} {media}", 0)
                item = {**value, "timestamp": at.timestamp()}
                post = watch.posts[media].address if media in watch.posts else ""
                found.spare[f"comment {number} {media}"] = self._comment(item, post, value.get("parent_id"))

    async def single(self, watch: Watch, ask: str, found: Found) -> None:
        """A comment by its number, all answers to one, or what mentions us in a place that is not ours."""
        kind, first, *others = ask.split(" ")
        if kind == "mentioned":
            found.mentions.append(await self._mentioned(first, others[0] if others else None))
        elif kind == "answers":
            comment, number, *at = others
            await self._answers(watch, first, comment, int(number), at[0] if at else None, found)
        else:
            fields = {"fields": f"{_SAID},parent_id,media{{id,permalink}}"}
            item = await self._graph.ask(first, fields, needs=self.needs)
            known = watch.posts.get(others[0])
            post = str(within(item, "media.permalink") or (known.address if known else ""))
            found.mentions.append(self._comment(item, post, item.get("parent_id")))

    async def conversation(self, uri: str) -> Conversation:
        """A post of ours with its newest comments; or a comment, its answers and what stands above it: two to five calls.

        Raises `SourceError`: `GONE` also for a post that is not among the newest 300 of ours, for none is found by its address.
        """
        await self._ask_who(self._clock.wall())
        if (comment := _COMMENT_PLACE.search(uri)) is not None:
            return await self._around(comment[1])
        posts, _ = await pages(self._graph, *self._media, self.needs, most=3)
        item = next((each for each in posts if str(each.get("permalink")).rstrip("/") == uri.rstrip("/")), None)
        if item is None:
            raise SourceError(Trouble.GONE, "this post is not among our newest 300, or it is another's")
        asked = {"fields": _COMMENT, "limit": str(COMMENTS)}
        comments, whole = await pages(self._graph, f"{item['id']}/comments", asked, self.needs, most=2)
        said, rejected = understand(comments, lambda each: self._with_answers(each, uri))
        whole = whole and not any(within(each, "replies.paging.next") for each in comments)
        return Conversation([self._post(item), *(each for thread in said for each in thread)], whole, rejected)

    def _with_answers(self, item: Mapping[str, Any], post: str) -> list[Mention]:
        answers = within(item, "replies.data") or ()
        return [self._comment(item, post), *(self._comment(each, post, item["id"]) for each in answers)]

    async def _around(self, number: str) -> Conversation:
        """A comment in its thread. Answers are not answered: an answer to one of them is one to the same comment."""
        item = await shown(self._graph, number, f"{_SAID},parent_id,media{{id,permalink}}", self.needs)
        post, answered = str(within(item, "media.permalink") or ""), item.get("parent_id")
        asked = {"fields": _SAID, "limit": str(COMMENTS)}
        below, whole = ((), True) if answered else await pages(self._graph, f"{number}/replies", asked, self.needs, most=2)
        answers, rejected = understand(below, lambda each: self._comment(each, post, number))
        above = await perhaps(self._graph, str(answered), _SAID, self.needs) if answered else None
        media = await perhaps(self._graph, str(within(item, "media.id")), _MEDIA, self.needs)
        posts = [self._comment(item, post, answered), *answers]
        posts += [self._comment(above, post)] if above else []
        posts += [self._post(media)] if media else []
        return Conversation(posts, whole and media is not None and (above is not None or not answered), rejected)

    async def _mentioned(self, media: str, comment: str | None) -> Mention:
        """docs/instagram-platform/instagram-graph-api/reference/ig-user/mentioned_comment, and mentioned_media."""
        place = f"mentioned_comment.comment_id({comment})" if comment else f"mentioned_media.media_id({media})"
        fields = "id,text,timestamp,username,like_count,media{id,permalink}" if comment else _MEDIA
        answer = await self._graph.ask(self._account, {"fields": f"{place}{{{fields}}}"}, needs=self.needs)
        item = answer[place.partition(".")[0]]
        return self._comment(item, str(within(item, "media.permalink") or "")) if comment else self._post(item)

    async def _answers(self, watch: Watch, media: str, comment: str, number: int, at: str | None, found: Found) -> None:
        """A page of the answers to a comment, and on to the next: they come in an order that nobody has documented."""
        page = await self._graph.page(f"{comment}/replies", {"fields": _SAID, "limit": str(COMMENTS)}, at, needs=self.needs)
        post = watch.posts[media].address if media in watch.posts else ""
        answers, rejected = understand(page.items, lambda item: self._comment(item, post, comment))
        found.mentions += [each for each in answers if each.written_at >= watch.floor]
        found.rejected += rejected
        if page.further is not None and page.items and number < MOST_PAGES:
            watch.asks[f"answers {media} {comment} {number + 1} {page.further}"] = 0

    def _post(self, item: Mapping[str, Any]) -> Mention:
        return Mention(
            self.network,
            str(item.get("caption") or ""),
            parse_time(item["timestamp"]),
            uri=str(item.get("permalink") or f"urn:instagram:media:{item['id']}"),
            author=self._author(item),
            engagement=Engagement(whole(item.get("comments_count")), None, whole(item.get("like_count"))),
        )

    def _comment(self, item: Mapping[str, Any], post: str, answered: Any = None) -> Mention:
        return Mention(
            self.network,
            str(item.get("text") or ""),
            parse_time(item["timestamp"]),
            uri=_under(post, str(item["id"])),
            form=Form.REPLY if answered else Form.COMMENT,
            author=self._author(item),
            parent=_under(post, str(answered)) if answered else post or None,
            thread=post or None,
            engagement=Engagement(None, None, whole(item.get("like_count"))),
        )

    def _author(self, item: Mapping[str, Any]) -> Author | None:
        name = str(within(item, "from.username") or item.get("username") or "")
        if not name:
            return None
        if name.casefold() == str(self._ours.get("username") or "").casefold():
            return self._us(name)
        return Author(name.casefold(), name, own=is_own(name, self._settings.own_accounts))


def _under(post: str, comment: str) -> str:
    """A comment's address, the same for answers: who mentions us in one does not say whether it is an answer."""
    return f"{post.rstrip('/')}/c/{comment}/" if post else f"urn:instagram:comment:{comment}"


INSTAGRAM = Kind(
    InstagramSettings,
    Instagram,
    where="Free, within an hour: a token of a system user, from an app of yours at https://developers.facebook.com/apps/.",
    page="watch-instagram.md",
    example={"account": "17841400000000000"},
    documents=(
        "https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-media/comments",
        "https://developers.facebook.com/documentation/instagram-platform/instagram-api-with-facebook-login/mentions",
        "https://developers.facebook.com/documentation/instagram-platform/webhooks/setup",
    ),
)
