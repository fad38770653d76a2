"""What every source must hold to. A new source joins by a stage: where posts appear, and how to listen to them."""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from monitor.sources import KINDS, FeedSettings, FileSettings, WebhookSourceSettings
from monitor.sources.facebook import FacebookSettings
from monitor.sources.instagram import InstagramSettings
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests import graph
from tests.contracts.stages import ALONE
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
            **ALONE,
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
        exempt = {**UNASKED, **ALONE, "deletions": "a record says what was said"}
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
        return Stage(KINDS["file"], settings, write, {**UNASKED, **ALONE, "deletions": "a record says what was said"})


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
