"""Tumblr, over a server that follows its documented API: twenty posts before a second, notes before a microsecond."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import SecretStr

from monitor.sources import KINDS
from monitor.sources.tumblr import TumblrSettings
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests.contracts.stages import ALONE, STILL, Posts, keeping, newest

BLOG = "acme"


class FakeTumblr:
    """`posts` are of one tag, `blog` is ours, `notes` are those of each of its posts."""

    def __init__(self) -> None:
        self.posts: Posts = {}
        self.blog: Posts = {}
        self.notes: dict[int, Posts] = {}

    async def answer(self, request: web.Request) -> web.Response:
        """A list of posts, or of notes."""
        if request.query.get("api_key") != SECRET:
            return web.json_response({"meta": {"status": 401, "msg": "Unauthorized"}, "response": []}, status=401)
        if request.path == f"/v2/blog/{BLOG}/notes":
            return self.noted(request)
        listed = newest(self.posts if request.path == "/v2/tagged" else self.blog)
        before = int(request.query.get("before", 2**40))
        page = [self.post(post) for post in listed if int(post.written_at.timestamp()) < before][: int(request.query["limit"])]
        return web.json_response({"meta": {"status": 200}, "response": page if request.path == "/v2/tagged" else {"posts": page}})

    def noted(self, request: web.Request) -> web.Response:
        """Replies, fifty at a time."""
        number, before = int(request.query["id"]), int(request.query.get("before_timestamp", 2**60))
        if number not in self.blog:
            return web.json_response({"meta": {"status": 404, "msg": "Not Found"}, "response": []}, status=404)
        listed = [post for post in newest(self.notes.get(number, {})) if post.written_at.timestamp() * 1e6 < before]
        notes = [
            {"type": "reply", "timestamp": post.written_at.timestamp(), "blog_name": post.author, "reply_text": post.text}
            for post in listed[:50]
        ]
        following = {"before_timestamp": int(listed[49].written_at.timestamp() * 1e6)} if len(listed) > 50 else None
        links = {"_links": {"next": {"query_params": following}}} if following else {}
        return web.json_response({"response": {"notes": notes, **links}})

    def post(self, post: Post) -> dict[str, Any]:
        """A post in the old format."""
        above = {} if post.answers is None else {"reblogged_from_url": f"http://ann.tumblr.com/post/{post.answers}/words"}
        return {
            **above,
            "type": "text",
            "id": post.number,
            "id_string": str(post.number),
            "blog_name": post.author,
            "timestamp": int(post.written_at.timestamp()),
            "body": f"<p>{post.text}</p>",
            "tags": ["Kettle"],
            "note_count": post.likes or len(self.notes.get(post.number, ())),
        }


class TestTumblr(SourceContract):
    """The posts of a tag, with a key in the address."""

    def perform(self, scene: Scene) -> Stage:
        tumblr = FakeTumblr()
        scene.site.answer = tumblr.answer
        settings = TumblrSettings(
            kind="tumblr", url=scene.site.url, key=SecretStr(SECRET), hashtags=("#kettle",), own_accounts=(OWN,)
        )
        exempt = {**STILL, **ALONE, "equal": "it shows twenty posts before a second: of one second there can be no more"}
        return Stage(KINDS["tumblr"], settings, keeping(tumblr.posts), exempt)
