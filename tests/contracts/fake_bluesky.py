"""A server of Bluesky that follows its lexicons: sessions, notifications, searches, feeds, threads, quotes, profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from monitor.sources.bluesky_posts import COLLECTION
from monitor.testing.contract import OWN, SECRET, Post
from tests.contracts.stages import Posts, keeping, newest

ACCOUNT = "brand.test"
Query = MultiMapping[str]


def did(name: str) -> str:
    """An account's name that stays."""
    return f"did:plc:{name}"


def problem(status: int, name: str, message: str = "", **headers: str) -> web.Response:
    """An answer that something is wrong."""
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return web.json_response({"error": name, "message": message or name}, status=status, headers=named)


def moment(post: Post) -> str:
    """When the network had it."""
    return post.written_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class FakeBluesky:
    """Shows posts. `record` and `view` add fields to those of a number, `quoting` says what it quotes."""

    posts: Posts = field(default_factory=dict)
    record: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    view: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    quoting: dict[int, int] = field(default_factory=dict)
    passed_on: set[int] = field(default_factory=set)
    sessions: int = 0
    renewed: int = 0
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def publish(self, post: Post) -> None:
        """Show a post, or show it no more."""
        keeping(self.posts)(post)

    @property
    def token(self) -> str:
        """The token that is accepted."""
        return f"{SECRET}-{self.sessions}-{self.renewed}"

    def times(self, method: str) -> int:
        """How often a method was called."""
        return sum(each == method for each, _ in self.asked)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """As the lexicons say."""
        method = request.path.removeprefix("/xrpc/")
        self.asked.append((method, dict(request.query)))
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if method == "com.atproto.server.createSession":
            return self.begun(await request.json())
        if method == "com.atproto.server.refreshSession":
            return self.went_on(bearer, await request.read())
        if bearer != self.token:
            return problem(400, "ExpiredToken") if bearer else problem(401, "AuthMissing", "Authentication Required")
        return self.methods[method](request.query)

    @property
    def methods(self) -> Mapping[str, Callable[[Query], web.Response]]:
        """What can be asked."""
        return {
            "app.bsky.notification.listNotifications": self.notifications,
            "app.bsky.feed.searchPosts": self.search,
            "app.bsky.feed.getAuthorFeed": self.author_feed,
            "app.bsky.feed.getPosts": self.posts_by_address,
            "app.bsky.feed.getPostThread": self.post_thread,
            "app.bsky.feed.getQuotes": self.quotes,
            "app.bsky.actor.getProfiles": self.profiles,
        }

    def begun(self, said: Any) -> web.Response:
        """A new session."""
        if said != {"identifier": ACCOUNT, "password": SECRET}:
            return problem(401, "AuthenticationRequired", "Invalid identifier or password")
        self.sessions += 1
        return self.session()

    def went_on(self, bearer: str, body: bytes) -> web.Response:
        """The same session with other tokens."""
        if body:
            return problem(400, "InvalidRequest", "A request body was provided when none was expected")
        if bearer != f"again-{self.token}":
            return problem(400, "ExpiredToken", "Token has been revoked")
        self.renewed += 1
        return self.session()

    def session(self) -> web.Response:
        """A session with the token that is accepted."""
        return web.json_response(
            {"did": did(OWN), "handle": ACCOUNT, "accessJwt": self.token, "refreshJwt": f"again-{self.token}"}
        )

    def notifications(self, query: Query) -> web.Response:
        """What others say to us."""
        others = (post for post in newest(self.posts) if post.author != OWN)
        told = [each for each in map(self.notification, others) if each["reason"] in query.getall("reasons", [each["reason"]])]
        return self.listed("notifications", told, query)

    def author_feed(self, query: Query) -> web.Response:
        """What we say, and what we pass on."""
        if query["actor"] != ACCOUNT:
            return problem(400, "InvalidRequest", "Profile not found")
        ours = (post for post in newest(self.posts) if post.author == OWN or post.number in self.passed_on)
        return self.listed("feed", map(self.entry, ours), query)

    def posts_by_address(self, query: Query) -> web.Response:
        """Posts by their addresses."""
        wanted = query.getall("uris", [])
        assert 0 < len(wanted) <= 25
        posts = self.at
        return web.json_response({"posts": [self.shown(posts[uri]) for uri in wanted if uri in posts]})

    def profiles(self, query: Query) -> web.Response:
        """Accounts by their DIDs."""
        wanted = query.getall("actors", [])
        assert 0 < len(wanted) <= 25
        authors = {did(post.author): {**self.profile(post), "followersCount": post.reach} for post in self.posts.values()}
        return web.json_response({"profiles": [authors[each] for each in wanted if each in authors]})

    def quotes(self, query: Query) -> web.Response:
        """What quotes a post."""
        quotes = (post for post in newest(self.posts) if self.uri(self.quoting.get(post.number, -1)) == query["uri"])
        return self.listed("posts", map(self.shown, quotes), query)

    def post_thread(self, query: Query) -> web.Response:
        """A post, what answers it, and what it answers."""
        if query["uri"] not in self.at:
            return problem(400, "NotFound", f"Post not found: {query['uri']}")
        post = self.at[query["uri"]]
        above = self.above(post) if query["parentHeight"] != "0" else {}
        return web.json_response({"thread": {**self.thread(post), **above}})

    def above(self, post: Post) -> dict[str, Any]:
        """What a post answers, up to the first one."""
        if post.answers is None:
            return {}
        if (parent := self.posts.get(post.answers)) is None:
            return {"parent": {"uri": self.uri(post.answers), "notFound": True}}
        return {"parent": {"post": self.shown(parent), **self.above(parent)}}

    @property
    def at(self) -> Mapping[str, Post]:
        """The posts by their addresses."""
        return {self.uri(post.number): post for post in self.posts.values()}

    def listed(self, name: str, entries: Iterable[dict[str, Any]], query: Mapping[str, str]) -> web.Response:
        """A page of what is older than the cursor, which is a moment."""
        assert int(query["limit"]) <= 100
        shown = [each for each in entries if _at(each) < query.get("cursor", "9")][: int(query["limit"])]
        return web.json_response({name: shown, **({"cursor": _at(shown[-1])} if shown else {})})

    def search(self, query: Query) -> web.Response:
        """A page of a search, by its number."""
        first, size = int(query.get("cursor", "0")), int(query["limit"])
        assert (size <= 100, query["sort"], first + size <= 10_000) == (True, "latest", True)
        hits = [post for post in newest(self.posts) if query["q"] in post.text]
        hits = [post for post in hits if query.get("since", "") <= moment(post) < query.get("until", "9")]
        page = [self.shown(post) for post in hits[first : first + size]]
        return web.json_response({"posts": page, **({"cursor": str(first + size)} if first + size < len(hits) else {})})

    def thread(self, post: Post) -> dict[str, Any]:
        """A post with what answers it."""
        answers = [self.thread(each) for each in self.posts.values() if each.answers == post.number]
        return {"$type": "app.bsky.feed.defs#threadViewPost", "post": self.shown(post), "replies": answers}

    def entry(self, post: Post) -> dict[str, Any]:
        """An entry of a feed."""
        passed_on = {"$type": "app.bsky.feed.defs#reasonRepost", "indexedAt": moment(post)}
        return {"post": self.shown(post), **({"reason": passed_on} if post.number in self.passed_on else {})}

    def notification(self, post: Post) -> dict[str, Any]:
        """That a post mentions, answers or quotes us."""
        reason = "quote" if post.number in self.quoting else "mention" if post.answers is None else "reply"
        shown = self.shown(post)
        return {"uri": shown["uri"], "author": shown["author"], "reason": reason, "indexedAt": shown["indexedAt"]}

    def shown(self, post: Post) -> dict[str, Any]:
        """A post as it is shown."""
        above = None if post.answers is None else {"uri": self.uri(post.answers), "cid": "bafy"}
        quoted = self.quoting.get(post.number)
        record = {
            "$type": COLLECTION,
            "text": post.text,
            "createdAt": post.stamp,
            "langs": ["en"],
            **({"reply": {"root": above, "parent": above}} if above else {}),
            **({"embed": {"$type": "app.bsky.embed.record", "record": {"uri": self.uri(quoted)}}} if quoted is not None else {}),
            **self.record.get(post.number, {}),
        }
        return {
            "uri": self.uri(post.number),
            "cid": "bafy",
            "author": self.profile(post),
            "record": record,
            "replyCount": sum(each.answers == post.number for each in self.posts.values()) if post.author == OWN else 0,
            "repostCount": 2,
            "quoteCount": sum(each == post.number for each in self.quoting.values()),
            "likeCount": post.likes,
            "indexedAt": moment(post),
            "labels": [],
            **self.view.get(post.number, {}),
        }

    @staticmethod
    def uri(number: int) -> str:
        """The address of a post."""
        return f"at://{did('any')}/{COLLECTION}/{number}"

    @staticmethod
    def profile(post: Post) -> dict[str, Any]:
        """Who wrote it."""
        standing = {"verifications": [], "verifiedStatus": "valid", "trustedVerifierStatus": "none"}
        verified = {"verification": standing} if post.verified else {}
        return {"did": did(post.author), "handle": post.author, "displayName": post.author.title(), **verified}


def _at(entry: Mapping[str, Any]) -> str:
    """The moment by which a list is sorted."""
    return str(entry["post"]["indexedAt"] if "post" in entry else entry["indexedAt"])
