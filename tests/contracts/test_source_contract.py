"""What every source must hold to. A new source joins by a stage: where posts appear, and how to listen to them."""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from monitor.sources import KINDS, FeedSettings, FileSettings, MastodonSettings, WebhookSourceSettings
from monitor.sources.facebook import FacebookSettings
from monitor.sources.instagram import InstagramSettings
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests import graph
from tests.inbox import Inbox

NO_SERVER = "nobody is asked"
UNASKED = dict.fromkeys(("server", "credentials", "throttling", "pages"), NO_SERVER)


class TestFeed(SourceContract):
    """A feed that keeps everything, behind a password and a key."""

    def perform(self, scene: Scene) -> Stage:
        posts: dict[int, Post] = {}

        async def answer(request: web.Request) -> web.Response:
            items = "".join(map(_entry, reversed([post for post in posts.values() if not post.deleted])))
            body = f'<rss version="2.0" xmlns:thr="http://purl.org/syndication/thread/1.0"><channel>{items}</channel></rss>'
            return web.Response(text=body, headers={"ETag": f'"{hash(body)}"'}, content_type="application/rss+xml")

        scene.site.answer = answer
        url = f"{scene.site.url}/feed?key={SECRET}".replace("http://", f"http://me:{SECRET}@")
        exempt = {
            "reach": "feeds say nothing of it",
            "verified": "feeds say nothing of it",
            "engagement": "feeds say nothing of it",
            "deletions": "an entry that is gone may only have grown old",
            "pages": "a feed is one document",
        }
        settings = FeedSettings(kind="feed", url=url, own_accounts=(OWN,))
        return Stage(KINDS["feed"], settings, lambda post: posts.update({post.number: post}), exempt)


def _entry(post: Post) -> str:
    written = format_datetime(post.written_at).removesuffix(" +0000") if post.zoneless else format_datetime(post.written_at)
    link = f"https://x.example/{post.number}"
    answers = "" if post.answers is None else f'<thr:in-reply-to href="https://x.example/{post.answers}" ref="{post.answers}"/>'
    return (
        f"<item><title>{post.text}</title><link>{link}</link><author>{post.author}</author><pubDate>{written}</pubDate>"
        f"{answers}</item>"
    )


class TestMastodon(SourceContract):
    """A server with the Mastodon API, asked with a token."""

    def perform(self, scene: Scene) -> Stage:
        posts: dict[int, dict[str, Any]] = {}

        def publish(post: Post) -> None:
            if post.deleted:
                posts.pop(post.number)
            else:
                posts[post.number] = self.status(post, posts)

        async def answer(request: web.Request) -> web.Response:
            if request.path.startswith("/api/v1/accounts/"):
                return web.json_response([] if request.path.endswith("/statuses") else {"id": "7", "acct": OWN})
            known = {each["id"]: each for each in posts.values()}
            if request.path == "/api/v1/statuses":
                return web.json_response([known[each] for each in request.query.getall("id[]") if each in known])
            if request.path.startswith("/api/v1/statuses/"):
                found = known.get(request.path.rpartition("/")[2])
                return web.json_response(found or {"error": "Record not found"}, status=200 if found else 404)
            statuses = sorted(posts.values(), key=lambda each: int(each["id"]))
            since = request.query.get("min_id")
            page = statuses[-40:] if since is None else [each for each in statuses if int(each["id"]) > int(since)][:40]
            return web.json_response(page[::-1])

        scene.site.answer = answer
        settings = MastodonSettings(
            kind="mastodon", url=scene.site.url, hashtags=("x",), token=SecretStr(SECRET), own_accounts=(OWN,)
        )
        exempt = {
            "verified": "servers verify links, not people",
            "replies": "a status of another server is known by its number until somebody asks for it",
        }
        return Stage(KINDS["mastodon"], settings, publish, exempt)

    @staticmethod
    def status(post: Post, posts: dict[int, dict[str, Any]]) -> dict[str, Any]:
        """One status of the API."""
        return {
            "id": str((int(post.written_at.timestamp() * 1000) << 16) + post.number),
            "uri": f"https://x.example/{post.number}",
            "created_at": post.stamp,
            "content": f"<p>{post.text}</p>",
            "account": {"acct": post.author, "followers_count": post.reach},
            "favourites_count": post.likes,
        }


def record(post: Post) -> dict[str, Any]:
    """A post as somebody's own system writes it."""
    answers = {} if post.answers is None else {"parent_id": post.answers}
    return {
        "id": post.number,
        "text": post.text,
        "author": {"handle": post.author, "followers": post.reach, "verified": post.verified},
        "date": post.stamp,
        "likes": post.likes,
        **answers,
    }


class TestWebhook(SourceContract):
    """Calls that other systems made."""

    def perform(self, scene: Scene) -> Stage:
        inbox = Inbox()

        def publish(post: Post) -> None:
            if not post.deleted:
                inbox.put(record(post), post.written_at)

        settings = WebhookSourceSettings(kind="webhook", secret=SecretStr(SECRET), own_accounts=(OWN,))
        exempt = {**UNASKED, "deletions": "a record says what was said"}
        return Stage(KINDS["webhook"], settings, publish, exempt, inbox)


class TestFile(SourceContract):
    """A file that grows."""

    def perform(self, scene: Scene) -> Stage:
        path = scene.folder / "posts.jsonl"
        path.touch()

        def write(post: Post) -> None:
            if not post.deleted:
                with path.open("a") as stream:
                    stream.write(json.dumps(record(post)) + "\n")

        settings = FileSettings(kind="file", path=str(path), own_accounts=(OWN,))
        return Stage(KINDS["file"], settings, write, {**UNASKED, "deletions": "a record says what was said"})


class TestFacebook(SourceContract):
    """A Page whose visitors write and comment, and whose app is called when something is removed."""

    def perform(self, scene: Scene) -> Stage:
        server, inbox = graph.GraphServer(SECRET, f"{SECRET}-app"), Inbox()
        scene.site.answer = server.answer

        def publish(post: Post) -> None:
            number, above = f"{graph.PAGE}_{post.number}", None if post.answers is None else f"{graph.PAGE}_{post.answers}"
            if post.deleted:
                server.said.pop(number)
                removed = {"item": "post", "verb": "remove", "post_id": number}
                inbox.put(graph.call("page", graph.PAGE, post.written_at, ("feed", removed)), post.written_at)
                return
            stamp = post.stamp if post.zoneless else ""
            server.say(graph.Said(f"{post.answers}_{post.number}" if above else number, post.text, post.written_at,
                                  post.author, above, likes=post.likes, stamp=stamp))  # fmt: skip

        settings = FacebookSettings(
            kind="facebook", url=scene.site.url, page=graph.PAGE, token=SecretStr(SECRET), app_secret=SecretStr(f"{SECRET}-app"),
            own_accounts=(OWN,), tagged=False,
        )  # fmt: skip
        exempt = dict.fromkeys(("reach", "verified"), "Meta says nothing of those who comment but their name")
        return Stage(KINDS["facebook"], settings, publish, exempt, inbox)


class TestInstagram(SourceContract):
    """An account with posts and comments of its own, which others tag, and mention in comments that only calls tell of."""

    def perform(self, scene: Scene) -> Stage:
        server, inbox = graph.GraphServer(SECRET, f"{SECRET}-app", graph.ACCOUNT), Inbox()
        scene.site.answer = server.answer

        def publish(post: Post) -> None:
            if post.deleted:
                server.said.pop(str(post.number))
                return
            above = None if post.answers is None else server.said[str(post.answers)]
            under = None if above is None else above.under or above.id
            where, stamp = "media" if post.author == OWN else "tags", post.stamp if post.zoneless else ""
            said = graph.Said(str(post.number), post.text, post.written_at, post.author, under, where=where, stamp=stamp)
            said.likes = post.likes
            server.say(said)
            if above is not None and above.where == "tags":
                mention = {"media_id": under, "comment_id": str(post.number)}
                inbox.put(graph.call("instagram", graph.ACCOUNT, post.written_at, ("mentions", mention)), post.written_at)

        settings = InstagramSettings(
            kind="instagram", url=scene.site.url, account=graph.ACCOUNT, token=SecretStr(SECRET),
            app_secret=SecretStr(f"{SECRET}-app"), own_accounts=(OWN,),
        )  # fmt: skip
        exempt = {
            "reach": "Meta says nothing of those who comment but their name",
            "verified": "Meta says nothing of those who comment but their name",
            "deletions": "Meta does not tell of them",
        }
        return Stage(KINDS["instagram"], settings, publish, exempt, inbox)
