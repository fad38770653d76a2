"""Reddit, over a server that follows its documented API: tokens, listings of a hundred, a thousand in all, fullnames."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from monitor.sources import KINDS
from monitor.sources.reddit import RedditSettings
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests.contracts.stages import Posts, newest

SUBREDDITS = ("kettles", "tea")
MOST = 1_000  # that a listing shows, however often it is paged
BASIC = "Basic " + b64encode(f"app:{SECRET}".encode()).decode()


class FakeReddit:
    """Two subreddits with comments on one post. Tokens are numbered; `valid` is the one that is accepted."""

    def __init__(self) -> None:
        self.posts: Posts = {}
        self.valid = 0
        self.left: float | str = 998.0

    async def answer(self, request: web.Request) -> web.Response:
        """A token, or a listing."""
        if request.path == "/api/v1/access_token":
            if request.headers.get("Authorization") != BASIC:
                return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
            self.valid += 1
            return web.json_response({"access_token": f"{SECRET}-{self.valid}", "token_type": "bearer", "expires_in": 86400})
        if request.headers.get("Authorization") != f"Bearer {SECRET}-{self.valid}":
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
        if request.path == "/subreddits/search":
            return web.json_response({"kind": "Listing", "data": {"after": None, "children": []}})
        if request.path == "/comments/post":
            return web.json_response(self.thread(int(request.query["comment"]), int(request.query["limit"])))
        found = re.fullmatch(r"/r/(\w+)/comments", request.path)
        listed = newest(self.posts) if found else []
        if found:
            listed = [post for post in listed if post.number % len(SUBREDDITS) == SUBREDDITS.index(found[1])]
        return self.listing(request, [self.comment(post) for post in listed])

    def listing(self, request: web.Request, things: list[dict[str, Any]]) -> web.Response:
        """A page: what comes after a fullname; nothing where that is not there."""
        assert request.query["raw_json"] == "1"
        after, size = request.query.get("after"), int(request.query["limit"])
        names = [thing["data"]["name"] for thing in things]
        first = 0 if after is None else names.index(after) + 1 if after in names else len(names)
        page = things[first:MOST][:size]
        following = page[-1]["data"]["name"] if page and first + size < min(len(things), MOST) else None
        headers = {"X-Ratelimit-Remaining": str(self.left), "X-Ratelimit-Reset": "582", "X-Ratelimit-Used": "2"}
        return web.json_response({"kind": "Listing", "data": {"after": following, "children": page}}, headers=headers)

    def thread(self, number: int, limit: int) -> list[dict[str, Any]]:
        """The post, and a comment on it with what stands above and below."""
        below = [each for each in self.posts.values() if each.answers == number]
        more = [{"kind": "more", "data": {"count": len(below) - limit, "children": ["x"]}}] if len(below) > limit else []
        thing = self.within(self.posts[number], [self.comment(each) for each in below[:limit]] + more)
        if (above := self.posts[number].answers) is not None:
            thing = self.within(self.posts[above], [thing])
        return [{"kind": "Listing", "data": {"children": []}}, {"kind": "Listing", "data": {"children": [thing]}}]

    def within(self, post: Post, replies: list[dict[str, Any]]) -> dict[str, Any]:
        """A comment with its replies."""
        thing = self.comment(post)
        return {**thing, "data": {**thing["data"], "replies": {"kind": "Listing", "data": {"children": replies}}}}

    @staticmethod
    def comment(post: Post) -> dict[str, Any]:
        """A thing of kind t1."""
        data = {
            "id": str(post.number),
            "name": f"t1_{post.number}",
            "link_id": "t3_post",
            "parent_id": "t3_post" if post.answers is None else f"t1_{post.answers}",
            "author": post.author if not post.deleted else "[deleted]",
            "body": post.text if not post.deleted else "[deleted]",
            "score": post.likes,
            "created_utc": post.written_at.timestamp(),
            "edited": post.written_at.timestamp() if post.edited else False,
        }
        return {"kind": "t1", "data": data}


class TestReddit(SourceContract):
    """The comments of two subreddits, by an app without an account."""

    def perform(self, scene: Scene) -> Stage:
        reddit = FakeReddit()
        scene.site.answer = reddit.answer
        settings = RedditSettings(
            kind="reddit",
            url=scene.site.url,
            token_url=f"{scene.site.url}/api/v1/access_token",
            account="acme_team",
            client_id="app",
            client_secret=SecretStr(SECRET),
            subreddits=SUBREDDITS,
            own_accounts=(OWN,),
        )
        exempt = {"reach": "followers are not told with a post", "verified": "it verifies nobody in its API"}
        return Stage(KINDS["reddit"], settings, lambda post: reddit.posts.update({post.number: post}), exempt)
