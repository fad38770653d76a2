"""YouTube, over a server that follows its documented API: threads by time, a few replies with each, others by their parent."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import SecretStr

from monitor.sources import KINDS
from monitor.sources.youtube import YouTubeSettings
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests.contracts.stages import STILL, Posts, keeping, newest

CHANNEL = "UC" + "x" * 22
INLINE = 5  # replies that come with their thread


class FakeYouTube:
    """One channel with one video. Tokens of pages are numbers."""

    def __init__(self) -> None:
        self.posts: Posts = {}

    async def answer(self, request: web.Request) -> web.Response:
        """What commentThreads or comments lists."""
        if request.query.get("key") != SECRET:
            return web.json_response({"error": {"code": 400, "errors": [{"reason": "keyInvalid"}]}}, status=400)
        if request.path.endswith("/commentThreads"):
            listed, read = [post for post in newest(self.posts) if post.answers is None], self.thread
            if wanted := request.query.get("id"):
                listed = [post for post in listed if f"U{post.number}" == wanted]
        else:
            parent = int(request.query["parentId"][1:])
            listed, read = [post for post in newest(self.posts) if post.answers == parent], self.comment
        first, size = int(request.query.get("pageToken", 0)), int(request.query["maxResults"])
        following = {"nextPageToken": str(first + size)} if first + size < len(listed) else {}
        return web.json_response({"items": [read(post) for post in listed[first : first + size]], **following})

    def thread(self, post: Post) -> dict[str, Any]:
        """A commentThread resource."""
        replies = [each for each in newest(self.posts) if each.answers == post.number]
        snippet = {"videoId": "v" * 11, "topLevelComment": self.comment(post), "totalReplyCount": len(replies)}
        inline = {"replies": {"comments": [self.comment(each) for each in replies[-INLINE:]]}} if replies else {}
        return {"id": f"U{post.number}", "snippet": snippet, **inline}

    @staticmethod
    def comment(post: Post) -> dict[str, Any]:
        """A comment resource."""
        parent = {} if post.answers is None else {"parentId": f"U{post.answers}"}
        snippet = {
            "authorDisplayName": f"@{post.author}",
            "authorChannelId": {"value": CHANNEL if post.author == OWN else f"UC{post.author}"},
            "textDisplay": post.text,
            "likeCount": post.likes,
            "publishedAt": post.stamp,
            "updatedAt": post.stamp,
        }
        return {
            "id": f"U{post.number}" if post.answers is None else f"U{post.answers}.{post.number}",
            "snippet": {**snippet, **parent},
        }


class TestYouTube(SourceContract):
    """Comments on the videos of our channel."""

    def perform(self, scene: Scene) -> Stage:
        youtube = FakeYouTube()
        scene.site.answer = youtube.answer
        settings = YouTubeSettings(kind="youtube", url=scene.site.url, channel=CHANNEL, key=SecretStr(SECRET))
        return Stage(KINDS["youtube"], settings, keeping(youtube.posts), STILL)
