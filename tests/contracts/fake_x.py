"""A server that follows the documented API of X (v2): ids, pages, fields, edits, limits, errors, and what an answer costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from monitor.domain.clock import Clock
from monitor.sources.x_posts import BEGINNING
from monitor.testing.contract import OWN, Post

WEEK = timedelta(days=7)
_KNOWN = {
    "query", "exclude", "max_results", "since_id", "next_token", "pagination_token", "tweet.fields", "user.fields", "expansions",
}  # fmt: skip
_ALWAYS = {"id", "text", "edit_history_tweet_ids"}


def tweet_id(moment: datetime, number: int = 0) -> int:
    """An id as X gives them: milliseconds, and 22 bits."""
    return ((moment - BEGINNING) // timedelta(milliseconds=1) << 22) + number % 2**22


def problem(status: int, kind: str, title: str, **more: Any) -> web.Response:
    """An answer that something is wrong."""
    said = {"title": title, "detail": title, "type": f"https://api.x.com/2/problems/{kind}", **more}
    return web.json_response(said, status=status)


@dataclass
class FakeX:
    """Shows posts. `more` adds fields to the posts of a number; whoever is in `suspended` is shown no more."""

    clock: Clock
    token: str
    posts: dict[int, Post] = field(default_factory=dict)
    versions: dict[int, list[int]] = field(default_factory=dict)
    more: dict[int, dict[str, Any]] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    paid: set[tuple[str, str]] = field(default_factory=set)  # what it takes money for, by day
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def publish(self, post: Post) -> None:
        """Show a post; an edited one anew, with another id."""
        if post.deleted:
            del self.posts[post.number]
            return
        if post.edited:
            newest = max(each[-1] for each in self.versions.values())
            self.versions[post.number].append(newest + (1000 << 22))
        else:
            self.versions.setdefault(post.number, [tweet_id(post.written_at, post.number)])
        self.posts[post.number] = post

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """As documented."""
        asked = dict(request.query)
        self.asked.append(asked)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return problem(401, "about:blank", "Unauthorized")
        if request.path.startswith("/2/users/by/username/"):
            return self._user(request.path.rpartition("/")[2])
        search = request.path == "/2/tweets/search/recent"
        return self._invalid(asked, search=search) or self._page(request.path, asked, search=search)

    def _user(self, handle: str) -> web.Response:
        if handle in self.suspended:
            told = {"resource_id": handle, "title": "Forbidden", "detail": f"User has been suspended: [{handle}]."}
            return web.json_response({"errors": [told]})
        self._take(f"user {handle}")
        return web.json_response({"data": {"id": _user_id(handle), "username": handle, "name": handle}})

    def _invalid(self, asked: Mapping[str, str], *, search: bool) -> web.Response | None:
        assert set(asked) <= _KNOWN, f"undocumented parameters: {set(asked) - _KNOWN}"
        assert ("next_token" if not search else "pagination_token") not in asked
        assert len(asked.get("query", "")) <= 512
        wrong = {}
        if not (10 if search else 5) <= int(asked["max_results"]) <= 100:
            wrong = {"max_results": [asked["max_results"]]}
        token = asked.get("next_token", asked.get("pagination_token", f"t0.{asked.get('query', '')}"))
        if not token.startswith("t") or token.partition(".")[2] != asked.get("query", ""):
            wrong = {"next_token" if search else "pagination_token": [token]}
        if search and int(asked.get("since_id", 2**63)) < tweet_id(self.clock.wall() - WEEK):
            wrong = {"since_id": [asked["since_id"]]}
        told = [{"parameters": wrong, "message": f"{next(iter(wrong), '')} is invalid"}]
        return problem(400, "invalid-request", "Invalid Request", errors=told) if wrong else None

    def _page(self, path: str, asked: Mapping[str, str], *, search: bool) -> web.Response:
        since, size = int(asked.get("since_id", 0)), int(asked["max_results"])
        first = int(asked.get("next_token", asked.get("pagination_token", "t0")).removeprefix("t").partition(".")[0])
        oldest = tweet_id(self.clock.wall() - WEEK) if search else 0
        shown = [post for post in self.posts.values() if self.versions[post.number][-1] > max(since, oldest)]
        shown = [post for post in shown if post.author not in self.suspended]
        if not search:
            shown = [post for post in shown if (post.author == OWN) is path.endswith("/tweets")]
        shown.sort(key=lambda post: self.versions[post.number][-1], reverse=True)
        page = shown[first : first + size]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            ids = [str(self.versions[post.number][-1]) for post in page]
            meta |= {"newest_id": ids[0], "oldest_id": ids[-1]}
        if first + size < len(shown):
            meta["next_token"] = f"t{first + size}.{asked.get('query', '')}"
        return web.json_response(self._document(page, asked) | {"meta": meta})

    def _document(self, page: list[Post], asked: Mapping[str, str]) -> dict[str, Any]:
        if not page:
            return {}
        wanted = _ALWAYS | set(asked.get("tweet.fields", "").split(","))
        data = [{name: value for name, value in self._tweet(post).items() if name in wanted} for post in page]
        for each in data:
            self._take(f"post {each['id']}")
        if asked.get("expansions") != "author_id":
            return {"data": data}
        wanted = {"id", "name", "username", *asked.get("user.fields", "").split(",")}
        users = {post.author: {name: value for name, value in _user(post).items() if name in wanted} for post in page}
        for handle in users:
            self._take(f"user {handle}")
        return {"data": data, "includes": {"users": list(users.values())}}

    def _tweet(self, post: Post) -> dict[str, Any]:
        versions = [str(each) for each in self.versions[post.number]]
        answers = None if post.answers is None else str(self.versions[post.answers][-1])
        return {
            "id": versions[-1],
            "text": post.text,
            "edit_history_tweet_ids": versions,
            "author_id": _user_id(post.author),
            "created_at": post.stamp,
            "conversation_id": answers or versions[0],
            "lang": "en",
            "public_metrics": {"like_count": post.likes, "reply_count": 0, "retweet_count": 2, "quote_count": 1},
            "referenced_tweets": [{"type": "replied_to", "id": answers}] if answers else [],
            "possibly_sensitive": False,
            **self.more.get(post.number, {}),
        }

    def _take(self, what: str) -> None:
        self.paid.add((self.clock.wall().date().isoformat(), what))


def _user_id(handle: str) -> str:
    return str(int.from_bytes(handle.encode()) + 2**53)


def _user(post: Post) -> dict[str, Any]:
    return {
        "id": _user_id(post.author),
        "username": post.author,
        "name": post.author.title(),
        "verified": post.verified,
        "verified_type": "business" if post.verified else "none",
        "public_metrics": {"followers_count": post.reach, "following_count": 3},
    }
