"""The descriptions of config/sources, each over a server that follows the documented API of its network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from monitor.sources import KINDS
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests.contracts.stages import STILL, Posts, keeping, newest, numbered


class TestHackerNews(SourceContract):
    """Algolia's search by date: 1,000 hits in all, filters by seconds."""

    def perform(self, scene: Scene) -> Stage:
        posts: Posts = {}

        async def answer(request: web.Request) -> web.Response:
            listed = newest(posts)
            for condition in filter(None, request.query.get("numericFilters", "").split(",")):
                name, bound = condition[:14], int(condition[14:])
                least = name == "created_at_i>="
                listed = [post for post in listed if (int(post.written_at.timestamp()) - bound) * (1 if least else -1) >= 0]
            return web.json_response({"hits": [self.hit(post) for post in listed[: int(request.query["hitsPerPage"])]]})

        scene.site.answer = answer
        kind = KINDS["hackernews"]
        settings = kind.settings.model_validate(
            {"kind": "hackernews", "query": "x", "url": scene.site.url, "own_accounts": (OWN,)}
        )
        return Stage(kind, settings, keeping(posts), STILL)

    @staticmethod
    def hit(post: Post) -> dict[str, Any]:
        return {
            "objectID": str(post.number),
            "created_at_i": int(post.written_at.timestamp()),
            "author": post.author,
            "comment_text": f"<p>{post.text}",
            "points": post.likes,
            "parent_id": post.answers,
            "story_id": post.answers,
            "title": None,
        }


class TestDiscourse(SourceContract):
    """The latest posts, fifty at a time, before an id and with it."""

    def perform(self, scene: Scene) -> Stage:
        posts: Posts = {}

        async def answer(request: web.Request) -> web.Response:
            before = int(request.query.get("before", 2**62))
            listed = sorted((post for post in posts.values() if post.number + 1 <= before), key=lambda post: -post.number)
            return web.json_response({"latest_posts": [self.post(post) for post in listed[:50]]})

        scene.site.answer = answer
        given = {"kind": "discourse", "url": f"{scene.site.url}/", "key": SECRET, "own_accounts": (OWN,)}
        kind = KINDS["discourse"]
        return Stage(
            kind, kind.settings.model_validate(given), keeping(posts), {**STILL, "engagement": "likes stand in a list by kinds"}
        )

    @staticmethod
    def post(post: Post) -> dict[str, Any]:
        return {
            "id": post.number + 1,
            "username": post.author,
            "created_at": post.stamp,
            "cooked": f"<p>{post.text}</p>",
            "topic_id": 7,
            "topic_slug": "kettles",
            "topic_title": "Kettles",
            "post_number": post.number + 1,
            "reply_to_post_number": None if post.answers is None else post.answers + 1,
        }


class TestStackExchange(SourceContract):
    """Questions by number of page, with a key in the address."""

    def perform(self, scene: Scene) -> Stage:
        posts: Posts = {}

        async def answer(request: web.Request) -> web.Response:
            since = int(request.query.get("fromdate", 0))
            listed = [post for post in newest(posts) if int(post.written_at.timestamp()) >= since]
            page, more = numbered(request, listed, 100)
            return web.json_response({"items": list(map(self.question, page)), "has_more": more, "quota_remaining": 99})

        scene.site.answer = answer
        given = {"kind": "stackexchange", "query": "x", "url": scene.site.url, "key": SECRET, "own_accounts": (OWN,)}
        kind = KINDS["stackexchange"]
        return Stage(kind, kind.settings.model_validate(given), keeping(posts), {**STILL, "replies": "questions answer nothing"})

    @staticmethod
    def question(post: Post) -> dict[str, Any]:
        return {
            "question_id": post.number,
            "link": f"https://stackoverflow.com/q/{post.number}",
            "title": post.text,
            "body": f"<p>{post.text}</p>",
            "creation_date": int(post.written_at.timestamp()),
            "owner": {"user_id": 7, "display_name": post.author},
            "up_vote_count": post.likes,
            "tags": ["kettle"],
        }


class TestGitHub(SourceContract):
    """Issues and their comments, by what changed last, with Link."""

    def perform(self, scene: Scene) -> Stage:
        posts: Posts = {}

        async def answer(request: web.Request) -> web.Response:
            comments = request.path.endswith("/comments")
            listed = [self.entry(post) for post in posts.values() if (post.answers is None) is not comments]
            since = request.query.get("since", "")
            listed = [each for each in listed if each["updated_at"] >= since]
            listed.sort(key=lambda each: (each["updated_at"], each["id"]), reverse=True)
            number = int(request.query.get("page", "1"))
            page, rest = listed[(number - 1) * 100 : number * 100], listed[number * 100 :]
            following = request.url.update_query(page=number + 1).with_scheme("http")
            return web.json_response(
                page, headers={"Link": f'<{following}>; rel="next", <{following}>; rel="last"'} if rest else {}
            )

        scene.site.answer = answer
        given = {"kind": "github", "repository": "o/r", "url": scene.site.url, "token": SECRET, "own_accounts": (OWN,)}
        kind = KINDS["github"]
        return Stage(kind, kind.settings.model_validate(given), keeping(posts), STILL)

    @staticmethod
    def entry(post: Post) -> dict[str, Any]:
        issue = f"https://github.com/o/r/issues/{post.number if post.answers is None else post.answers}"
        return {
            "id": post.number,
            "html_url": issue if post.answers is None else f"{issue}#issuecomment-{post.number}",
            "body": post.text,
            "created_at": post.stamp,
            "updated_at": post.stamp,
            "user": {"id": 3, "login": post.author},
            "reactions": {"+1": post.likes},
        }


class LemmyContract(SourceContract):
    """A Lemmy server of either version."""

    __test__ = False

    def lemmy(self, scene: Scene, answer: Callable[[web.Request, Posts], web.Response]) -> Stage:
        posts: Posts = {}

        async def answered(request: web.Request) -> web.Response:
            return answer(request, posts)

        scene.site.answer = answered
        given = {"kind": "lemmy", "url": scene.site.url, "token": SECRET, "own_accounts": (OWN,)}
        kind = KINDS["lemmy"]
        exempt = {**STILL, "replies": "an answer names what it answers by a number of its server"}
        return Stage(kind, kind.settings.model_validate(given), keeping(posts), exempt)

    @staticmethod
    def creator(post: Post) -> dict[str, Any]:
        return {
            "name": post.author,
            "ap_id": f"https://l.example/u/{post.author}",
            "actor_id": f"https://l.example/u/{post.author}",
        }


class TestLemmyToday(LemmyContract):
    """0.19: mentions and replies, each a list of its own; what is of 1.0 is not there."""

    __test__ = True

    def perform(self, scene: Scene) -> Stage:
        return self.lemmy(scene, self.answer)

    def answer(self, request: web.Request, posts: Posts) -> web.Response:
        if not request.path.startswith("/api/v3/"):
            return web.json_response({"error": "unknown"}, status=404)
        replies = request.path.endswith("/replies")
        page, _ = numbered(request, [post for post in newest(posts) if (post.answers is not None) is replies], 50)
        return web.json_response({"replies" if replies else "mentions": list(map(self.view, page))})

    def view(self, post: Post) -> dict[str, Any]:
        comment = {"content": post.text, "published": post.stamp, "ap_id": f"https://l.example/comment/{post.number}"}
        return {"comment": comment, "creator": self.creator(post), "post": {"name": "Kettles"}, "counts": {"upvotes": post.likes}}


class TestLemmyTomorrow(LemmyContract):
    """1.0: one list of notifications, with a token for the next page."""

    __test__ = True

    def perform(self, scene: Scene) -> Stage:
        return self.lemmy(scene, self.answer)

    def answer(self, request: web.Request, posts: Posts) -> web.Response:
        if request.path != "/api/v4/account/notification/list":
            return web.json_response({"error": "not_found"}, status=404)
        first = int(request.query.get("page_cursor", "P0")[1:])
        listed = newest(posts)
        following = f"P{first + 50}" if first + 50 < len(listed) else None
        return web.json_response({"items": list(map(self.view, listed[first : first + 50])), "next_page": following})

    def view(self, post: Post) -> dict[str, Any]:
        comment = {
            "content": post.text,
            "published_at": post.stamp,
            "ap_id": f"https://l.example/comment/{post.number}",
            "upvotes": post.likes,
        }
        data = {"type_": "Comment", "comment": comment, "creator": self.creator(post), "post": {"name": "Kettles"}}
        return {"notification": {"id": post.number, "published_at": post.stamp, "kind": "mention"}, "data": data}
