"""App Store reviews, over a server like Apple's: ten pages of fifty in each country, no key."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from monitor.sources import KINDS
from monitor.sources.appstore import AppStoreSettings
from monitor.testing.contract import OWN, Post, Scene, SourceContract, Stage
from tests.contracts.stages import STILL, Posts, keeping, newest

COUNTRIES = ("fr", "us", "de")  # a store shows 500 reviews: what is more is spread over three
PATH = re.compile(r"/(\w\w)/rss/customerreviews/page=(\d+)/id=(\d+)/sortby=mostrecent/json")
APP = {"im:name": {"label": "Kettle"}, "id": {"label": "https://apps.apple.com/app/id12345"}}


class FakeStore:
    """The stores of all countries. `dated` is whether reviews say when they were written."""

    def __init__(self) -> None:
        self.posts: Posts = {}
        self.dated = True

    async def answer(self, request: web.Request) -> web.Response:
        """One page: a list, a lone entry, or no entry at all."""
        found = PATH.fullmatch(request.path)
        assert found, request.path
        country, page = COUNTRIES.index(found[1]), int(found[2])
        if page > 10:
            return web.Response(status=400, text="CustomerReviews RSS page depth is limited to 10")
        listed = [post for post in newest(self.posts) if post.number % len(COUNTRIES) == country]
        entries = [self.entry(post) for post in listed[(page - 1) * 50 : page * 50]]
        feed: dict[str, Any] = {"updated": {"label": "2026-03-01T12:00:00-07:00"}}
        if entries:
            feed["entry"] = entries[0] if len(entries) == 1 else [APP, *entries]
        return web.json_response({"feed": feed})

    def entry(self, post: Post) -> dict[str, Any]:
        """One review."""
        dated = {"updated": {"label": post.stamp}} if self.dated else {}
        return {
            **dated,
            "id": {"label": str(post.number + 1)},
            "author": {
                "name": {"label": post.author},
                "uri": {"label": f"https://itunes.apple.com/fr/reviews/id{len(post.author)}"},
            },
            "im:rating": {"label": "2"},
            "im:voteSum": {"label": str(post.likes)},
            "title": {"label": "Hm"},
            "content": {"label": post.text, "attributes": {"type": "text"}},
        }


class TestAppStore(SourceContract):
    """One app in three countries."""

    def perform(self, scene: Scene) -> Stage:
        store = FakeStore()
        scene.site.answer = store.answer
        settings = AppStoreSettings(kind="appstore", url=scene.site.url, app="12345", countries=COUNTRIES, own_accounts=(OWN,))
        exempt = {
            **STILL,
            "replies": "reviews answer nothing",
            "conversation": "reviews answer nothing",
            "credentials": "no key is needed",
        }
        return Stage(KINDS["appstore"], settings, keeping(store.posts), exempt)
