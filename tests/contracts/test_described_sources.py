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
            if request.path.startswith("/api/v1/items/"):
                found = posts[int(request.path.rpartition("/")[2])]
                hit = self.hit(found)
                return web.json_response({**hit, "id": found.number, "text": hit["comment_text"], "children": []})
            listed = newest(posts)
            tags, story = request.query["tags"], request.query["tags"].rpartition("story_")[2]
            if story.isdigit():
                listed = [post for post in listed if int(story) == (post.number if post.answers is None else post.answers)]
            if tags.startswith("story,"):
                listed = [post for post in listed if post.answers is None]
            for condition in filter(None, request.query.get("numericFilters", "").split(",")):
                name, bound = condition[:14], int(condition[14:])
                least = name == "created_at_i>="
                listed = [post for post in listed if (int(post.written_at.timestamp()) - bound) * (1 if least else -1) >= 0]
            size = int(request.query.get("hitsPerPage", "20"))
            return web.json_response({"hits": [self.hit(post) for post in listed[:size]]})

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
            if request.path.startswith("/t/7"):
                return web.json_response(self.topic(sorted(posts.values(), key=lambda post: post.number), request.path))
            before = int(request.query.get("before", 2**62))
            listed = sorted((post for post in posts.values() if post.number + 1 <= before), key=lambda post: -post.number)
            return web.json_response({"latest_posts": [self.post(post) for post in listed[:50]]})

        scene.site.answer = answer
        given = {"kind": "discourse", "url": f"{scene.site.url}/", "key": SECRET, "own_accounts": (OWN,)}
        kind = KINDS["discourse"]
        return Stage(
            kind, kind.settings.model_validate(given), keeping(posts), {**STILL, "engagement": "likes stand in a list by kinds"}
        )

    def topic(self, listed: list[Post], path: str) -> dict[str, Any]:
        """The first twenty, or those around a number."""
        near = int(path.rpartition("/")[2].removesuffix(".json")) if path.count("/") > 2 else 0
        first = max(near - 10, 0)
        shown = [{**self.post(post)} for post in listed[first : first + 20]]
        for each in shown:
            del each["topic_title"]
        return {"title": "Kettles", "posts_count": len(listed), "post_stream": {"posts": shown, "stream": []}}

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
            if "/questions/" in request.path:
                return self.thread(request, posts)
            since = int(request.query.get("fromdate", 0))
            listed = [post for post in newest(posts) if int(post.written_at.timestamp()) >= since]
            page, more = numbered(request, listed, 100)
            return web.json_response({"items": list(map(self.question, page)), "has_more": more, "quota_remaining": 99})

        scene.site.answer = answer
        given = {"kind": "stackexchange", "query": "x", "url": scene.site.url, "key": SECRET, "own_accounts": (OWN,)}
        kind = KINDS["stackexchange"]
        return Stage(kind, kind.settings.model_validate(given), keeping(posts), {**STILL, "replies": "questions answer nothing"})

    def thread(self, request: web.Request, posts: Posts) -> web.Response:
        number, _, answers = request.path.partition("/questions/")[2].partition("/")
        if not answers:
            return web.json_response({"items": [self.question(posts[int(number)])], "has_more": False})
        page, more = numbered(request, [post for post in newest(posts) if post.answers == int(number)], 100)
        return web.json_response({"items": list(map(self.answered, page)), "has_more": more})

    def answered(self, post: Post) -> dict[str, Any]:
        """An answer has no title, and by default no address."""
        question = self.question(post)
        return {name: question[name] for name in ("body", "creation_date", "owner", "up_vote_count")} | {
            "answer_id": post.number,
            "question_id": post.answers,
        }

    @staticmethod
    def question(post: Post) -> dict[str, Any]:
        return {
            "question_id": post.number,
            "link": f"https://stackoverflow.com/questions/{post.number}/words",
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
            issue = request.path.removesuffix("/comments").rpartition("/")[2]
            if issue.isdigit():
                return self.thread(request, posts, int(issue), comments=comments)
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

    def thread(self, request: web.Request, posts: Posts, issue: int, *, comments: bool) -> web.Response:
        if not comments:
            return web.json_response(self.entry(posts[issue]))
        below = [self.entry(post) for post in posts.values() if post.answers == issue]
        following = f'<{request.url.update_query(page=2)}>; rel="next"'
        return web.json_response(below[:100], headers={"Link": following} if len(below) > 100 else {})

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


TOPIC = {"id": 5, "name": "Kettles", "ap_id": "https://l.example/post/5"}
TOPIC |= {"body": "Which?", "published": "2026-03-01T11:00:00Z", "published_at": "2026-03-01T11:00:00Z"}


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

    def thread(self, request: web.Request, posts: Posts) -> web.Response:
        """What `resolve_object`, `post` and `comment/list` answer; a comment's path leads through what it answers."""
        if request.path.endswith("/resolve_object"):
            return web.json_response(self.resolved(self.comment(posts[int(request.query["q"].rpartition("/")[2])])))
        assert request.query.get("post_id", request.query.get("id")) == "5"
        if request.path.endswith("/post"):
            return web.json_response(
                {"post_view": {"post": TOPIC, "creator": {"name": "zoe", "ap_id": "https://l.example/u/zoe"}}}
            )
        shown = [self.comment(post) for post in posts.values()][:300]
        return web.json_response(self.listed(shown, more=len(posts) > len(shown)))

    def comment(self, post: Post) -> dict[str, Any]:
        """A CommentView."""
        above = "0" if post.answers is None else f"0.{post.answers}"
        comment = {"id": post.number, "path": f"{above}.{post.number}", "content": post.text}
        comment |= {"ap_id": f"https://l.example/comment/{post.number}", self.stamped: post.stamp}
        return {"comment": comment, "creator": self.creator(post), "post": TOPIC}

    stamped = ""  # what a version calls the time

    def resolved(self, view: dict[str, Any]) -> dict[str, Any]:
        """As a version answers with one."""
        raise NotImplementedError

    def listed(self, views: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
        """As a version answers with many."""
        raise NotImplementedError

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
    stamped = "published"

    def resolved(self, view: dict[str, Any]) -> dict[str, Any]:
        return {"comment": view}

    def listed(self, views: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
        return {"comments": views}

    def perform(self, scene: Scene) -> Stage:
        return self.lemmy(scene, self.answer)

    def answer(self, request: web.Request, posts: Posts) -> web.Response:
        if not request.path.startswith("/api/v3/"):
            return web.json_response({"error": "unknown"}, status=404)
        if not request.path.startswith("/api/v3/user/"):
            return self.thread(request, posts)
        replies = request.path.endswith("/replies")
        page, _ = numbered(request, [post for post in newest(posts) if (post.answers is not None) is replies], 50)
        return web.json_response({"replies" if replies else "mentions": list(map(self.view, page))})

    def view(self, post: Post) -> dict[str, Any]:
        comment = {"content": post.text, "published": post.stamp, "ap_id": f"https://l.example/comment/{post.number}"}
        return {"comment": comment, "creator": self.creator(post), "post": {"name": "Kettles"}, "counts": {"upvotes": post.likes}}


class TestLemmyTomorrow(LemmyContract):
    """1.0: one list of notifications, with a token for the next page."""

    __test__ = True
    stamped = "published_at"

    def resolved(self, view: dict[str, Any]) -> dict[str, Any]:
        return {"resolve": {"type_": "comment", **view}, "search": []}

    def listed(self, views: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
        return {"items": views, **({"next_page": "P300"} if more else {})}

    def perform(self, scene: Scene) -> Stage:
        return self.lemmy(scene, self.answer)

    def answer(self, request: web.Request, posts: Posts) -> web.Response:
        if request.path in {f"/api/v4/{each}" for each in ("resolve_object", "post", "comment/list")}:
            return self.thread(request, posts)
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
