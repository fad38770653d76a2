"""A server with the Mastodon API, over one that follows its documents: ids that lead forward, numbered searches, second looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web
from pydantic import SecretStr

from monitor.sources import KINDS, MastodonSettings
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests.contracts.stages import Posts, keeping

PAGE = 40
DESCENDANTS = 900  # of a status with more the others are not shown
_ACCOUNTS = {OWN: "7", "rival": "8"}


class FakeMastodon:
    """Its posts stand wherever one looks, but for what our own account says."""

    def __init__(self) -> None:
        self.posts: Posts = {}

    async def answer(self, request: web.Request) -> web.Response:
        """An account, statuses by their ids, or a list of them."""
        if request.path == "/api/v1/accounts/lookup":
            return web.json_response({"id": _ACCOUNTS[request.query["acct"]], "acct": request.query["acct"]})
        if request.path.startswith("/api/v1/statuses"):
            return self.alone(request)
        if request.path == f"/api/v1/accounts/{_ACCOUNTS[OWN]}/statuses":
            return web.json_response([])
        statuses = [*self.statuses.values()]
        if request.path == "/api/v2/search":
            if request.query["q"].startswith("https://"):
                statuses = [each for each in statuses if each["uri"] == request.query["q"]]
            skipped = int(request.query.get("offset", "0"))
            return web.json_response({"accounts": [], "hashtags": [], "statuses": statuses[::-1][skipped : skipped + PAGE]})
        after = request.query.get("min_id")
        page = statuses[-PAGE:] if after is None else [each for each in statuses if int(each["id"]) > int(after)][:PAGE]
        return web.json_response(page[::-1])

    def alone(self, request: web.Request) -> web.Response:
        """One status, or at most twenty."""
        if request.path == "/api/v1/statuses":
            asked = request.query.getall("id[]")
            if len(asked) > 20:
                return web.json_response({"error": "Too many statuses"}, status=422)
            return web.json_response([self.statuses[each] for each in asked if each in self.statuses])
        number, _, around = request.path.removeprefix("/api/v1/statuses/").partition("/")
        if around:
            return web.json_response(self.around(number))
        found = self.statuses.get(number)
        return web.json_response(found or {"error": "Record not found"}, status=200 if found else 404)

    def around(self, number: str) -> dict[str, Any]:
        """What a status answers, and what answers it."""
        post = next(each for each in self.posts.values() if numbered(each) == number)
        above = [] if post.answers is None else [self.status(self.posts[post.answers])]
        below = [self.status(each) for each in self.posts.values() if each.answers == post.number]
        return {"ancestors": above, "descendants": below[:DESCENDANTS]}

    @property
    def statuses(self) -> dict[str, dict[str, Any]]:
        """By their ids, in order."""
        made = sorted((self.status(post) for post in self.posts.values()), key=lambda each: int(each["id"]))
        return {each["id"]: each for each in made}

    def status(self, post: Post) -> dict[str, Any]:
        """One status of the API."""
        return {
            "id": numbered(post),
            "uri": f"https://x.example/{post.number}",
            "created_at": post.stamp,
            "content": f"<p>{post.text}</p>",
            "in_reply_to_id": None if post.answers is None else numbered(self.posts[post.answers]),
            "account": {"id": _ACCOUNTS.get(post.author, "1"), "acct": post.author, "followers_count": post.reach},
            "favourites_count": post.likes,
            "replies_count": sum(each.answers == post.number for each in self.posts.values()),
        }


def numbered(post: Post) -> str:
    """An id as Mastodon makes them: the time in milliseconds, then 16 bits, here those of the number."""
    return str((int(post.written_at.timestamp() * 1000) << 16) + post.number)


class TestHashtags(SourceContract):
    """What a hashtag shows."""

    asked: ClassVar[Mapping[str, Any]] = {"hashtags": ("x",)}

    def perform(self, scene: Scene) -> Stage:
        """A server, asked with a token."""
        server = FakeMastodon()
        scene.site.answer = server.answer
        settings = MastodonSettings(
            kind="mastodon", url=scene.site.url, token=SecretStr(SECRET), own_accounts=(OWN,), **self.asked
        )
        return Stage(KINDS["mastodon"], settings, keeping(server.posts), {"verified": "servers verify links, not people"})


class TestSearches(TestHashtags):
    """What a search finds."""

    asked: ClassVar[Mapping[str, Any]] = {"searches": ("x",)}


class TestAccounts(TestHashtags):
    """What an account says."""

    asked: ClassVar[Mapping[str, Any]] = {"accounts": ("rival",)}
