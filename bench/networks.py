"""What made-up networks answer with: the documented shapes and paging, full pages, and recorded posts where they are at hand."""

from __future__ import annotations

import base64
import gzip
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import yaml
from multidict import MultiMapping

from bench import stream
from monitor.sources.x_posts import BEGINNING

RECORDED = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "payloads"
THREADS = 100  # posts of a Page or an account, under which all is said
_TEXTS = 500
_Query = MultiMapping[str]


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said. `found` is what a recording adds to it, without whatever must differ from post to post."""

    number: int
    at: datetime
    text: str
    found: Mapping[str, Any]

    @property
    def person(self) -> str:
        """Who said it: one of six thousand."""
        return f"person{self.number * 7919 % 6_000}"


@dataclass
class Talk:
    """People who talk for ever, one post every `apart`, the first after `began`; `now` says how far it has come."""

    began: datetime
    apart: timedelta
    now: datetime
    recorded: Sequence[Mapping[str, Any]] = ()

    @property
    def last(self) -> int:
        """The newest post's number; they are counted from 1."""
        return max((self.now - self.began) // self.apart, 0)

    @cached_property
    def _texts(self) -> Sequence[str]:
        return [str(each["text"]) for each in stream.records(_TEXTS)]

    def said(self, number: int) -> Said:
        """One post. No two have the same text: each ends with its number."""
        found = self.recorded[number % len(self.recorded)] if self.recorded else {}
        text = str(found.get("text") or found.get("message") or self._texts[number % len(self._texts)])
        return Said(number, self.began + number * self.apart, f"{text} {number}", found)

    def newest(self, size: int, below: int | None = None, *, step: int = 1) -> list[Said]:
        """A page, newest first: of all, or of every so-maniest."""
        first = self.last if below is None else below
        return [self.said(number) for number in range(first, max(first - size * step, 0), -step)]


class Network(ABC):
    """Answers as one network does, whoever asks."""

    kind: ClassVar[str]

    def __init__(self, talk: Talk) -> None:
        self.talk = talk

    @abstractmethod
    def settings(self, url: str) -> dict[str, Any]:
        """What monitor.yaml says about it, when it answers at an address."""

    @abstractmethod
    def answer(self, path: str, query: _Query) -> Any:
        """The JSON at a path; or text, which is XML."""


class X(Network):
    """Search: docs.x.com/x-api/posts/search/quickstart."""

    kind = "x"

    def settings(self, url: str) -> dict[str, Any]:
        return {
            "kind": "x",
            "url": url,
            "token": "t",
            "names": ["Lumora"],
            "budget": [{"amount": 10**9, "of": "posts", "per": "day"}],
        }

    def answer(self, path: str, query: _Query) -> Any:
        del path
        since = self._number(int(query.get("since_id", 0)))
        below, size = int(query.get("next_token") or self.talk.last), int(query["max_results"])
        page = [each for each in self.talk.newest(size, below) if each.number > since]
        meta = {"result_count": len(page)}
        more = {"next_token": str(page[-1].number - 1)} if page and page[-1].number - 1 > since else {}
        users = {each.person: _x_user(each.person) for each in page}
        return {"data": [_tweet(each) for each in page], "includes": {"users": list(users.values())}, "meta": meta | more}

    def _number(self, id_: int) -> int:
        """The newest post that an id is not older than."""
        at = BEGINNING + timedelta(milliseconds=id_ >> 22)
        return max((at - self.talk.began) // self.talk.apart, 0)


def _tweet(said: Said) -> dict[str, Any]:
    id_ = str((said.at - BEGINNING) // timedelta(milliseconds=1) << 22)
    return {
        "lang": "en",
        "possibly_sensitive": False,
        "public_metrics": {"like_count": said.number % 20, "reply_count": 0, "retweet_count": 2, "quote_count": 1},
        **said.found,
        "id": id_,
        "edit_history_tweet_ids": [id_],
        "conversation_id": id_,
        "author_id": said.person.removeprefix("person"),
        "created_at": _iso(said.at),
        "text": said.text,
    }


def _x_user(person: str) -> dict[str, Any]:
    number = person.removeprefix("person")
    reach = {"followers_count": int(number), "following_count": 3, "tweet_count": 12, "listed_count": 0}
    return {"id": number, "username": person, "name": person.title(), "verified": False, "public_metrics": reach}


class Graph(Network):
    """What Facebook and Instagram have in common: posts of ours, and under each every `THREADS`th of what is said."""

    edge: ClassVar[str]
    ours: ClassVar[Mapping[str, Any]]

    def answer(self, path: str, query: _Query) -> Any:
        name, _, edge = path.strip("/").partition("/")[2].partition("/")
        if not edge:
            return self.ours
        if edge == "comments":
            return self._comments(int(name.rpartition("_")[2]), query)
        return {"data": [self._post(number) for number in range(THREADS)] if edge == self.edge else []}

    def _comments(self, post: int, query: _Query) -> Any:
        first = int(query["after"]) if "after" in query else self.talk.last - (self.talk.last - post) % THREADS
        page = self.talk.newest(int(query["limit"]), first, step=THREADS)
        further = page[-1].number - THREADS if page else 0
        cursors = {"cursors": {"before": str(first), "after": str(further)}}
        following = {"next": f"https://graph.example/{post}/comments?after={further}&access_token=t"} if further > 0 else {}
        return {"data": [self._comment(each) for each in page], "paging": cursors | following}

    def _told(self, post: int) -> int:
        """How many comments a post has."""
        return max((self.talk.last - post) // THREADS + (post > 0), 0)

    def _post_at(self, post: int) -> datetime:
        return self.talk.began - timedelta(minutes=post)

    @abstractmethod
    def _post(self, number: int) -> dict[str, Any]: ...

    @abstractmethod
    def _comment(self, said: Said) -> dict[str, Any]: ...


class Facebook(Graph):
    """developers.facebook.com/docs/graph-api/reference/page/feed, and …/object/comments."""

    kind, edge, ours = "facebook", "feed", {"id": "1000", "name": "Lumora", "followers_count": 4321}

    def settings(self, url: str) -> dict[str, Any]:
        return {"kind": "facebook", "url": url, "token": "t", "page": "1000"}

    def _post(self, number: int) -> dict[str, Any]:
        last = self.talk.said(max(self.talk.last - (self.talk.last - number) % THREADS, 0))
        return {
            "id": f"1000_{number}",
            "message": f"Lumora shows lamp {number}",
            "created_time": _meta(self._post_at(number)),
            "updated_time": _meta(max(last.at, self._post_at(number))),
            "from": {"id": "1000", "name": "Lumora"},
            "comments": {"data": [], "summary": {"total_count": self._told(number)}},
            "reactions": {"data": [], "summary": {"total_count": 12}},
        }

    def _comment(self, said: Said) -> dict[str, Any]:
        id_ = f"{said.number % THREADS}_{said.number}"
        return {
            "like_count": 0,
            "comment_count": 0,
            **said.found,
            "permalink_url": f"https://www.facebook.com/1000/posts/{id_.replace('_', '/?comment_id=')}",
            "id": id_,
            "message": said.text,
            "created_time": _meta(said.at),
            "from": {"id": said.person.removeprefix("person"), "name": said.person.title()},
        }


class Instagram(Graph):
    """developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments."""

    kind, edge = "instagram", "media"
    ours: ClassVar[Mapping[str, Any]] = {
        "id": "17841400000000000",
        "username": "lumora",
        "name": "Lumora",
        "followers_count": 4321,
    }

    def settings(self, url: str) -> dict[str, Any]:
        return {"kind": "instagram", "url": url, "token": "t", "account": "17841400000000000"}

    def _post(self, number: int) -> dict[str, Any]:
        return {
            "id": str(number),
            "caption": f"Lumora shows lamp {number}",
            "timestamp": _meta(self._post_at(number)),
            "permalink": f"https://www.instagram.com/p/{number}/",
            "username": "lumora",
            "comments_count": self._told(number),
            "like_count": 12,
        }

    def _comment(self, said: Said) -> dict[str, Any]:
        """Every fourth has an answer, which Meta nests."""
        shown = {"like_count": 0, **said.found, "id": str(said.number), "text": said.text, "username": said.person}
        shown |= {"timestamp": _meta(said.at), "from": {"id": said.person.removeprefix("person"), "username": said.person}}
        answer = {**shown, "id": f"{said.number}000", "text": f"me too, {said.text}", "username": f"{said.person}b"}
        return {**shown, "replies": {"data": [answer]}} if said.number % 4 == 0 else shown


class Mastodon(Network):
    """docs.joinmastodon.org/methods/timelines: a hashtag's, forwards by `min_id`."""

    kind = "mastodon"

    def settings(self, url: str) -> dict[str, Any]:
        return {"kind": "mastodon", "url": url, "hashtags": ["lumora"]}

    def answer(self, path: str, query: _Query) -> Any:
        """A page of the hashtag, or posts (one) that are looked at again, as they were."""
        if "limit" not in query:
            asked = query.getall("id[]", None)
            found = [self._status(self.talk.newest(1, self._number(each))[0]) for each in asked or [path.rpartition("/")[2]]]
            return found if asked else found[0]
        size, after = int(query["limit"]), max(self._number(query["min_id"]), 0) if "min_id" in query else None
        if after is None:
            return [self._status(each) for each in self.talk.newest(size)]
        return [self._status(each) for each in self.talk.newest(size, min(after + size, self.talk.last)) if each.number > after]

    def _number(self, id_: str) -> int:
        written = datetime.fromtimestamp((int(id_) >> 16) / 1000, tz=self.talk.began.tzinfo)
        return round((written - self.talk.began) / self.talk.apart)  # an id has no more than milliseconds

    def _status(self, said: Said) -> dict[str, Any]:
        url = f"https://social.example/@{said.person}/{said.number}"
        account = {
            "id": said.person,
            "acct": said.person,
            "display_name": said.person.title(),
            "followers_count": 12,
            "note": "<p>…</p>",
        }
        return {
            "id": str(int(said.at.timestamp() * 1000) << 16),
            "created_at": _iso(said.at),
            "uri": url,
            "url": url,
            "content": f'<p>{said.text} <a href="https://social.example/tags/lumora" class="hashtag">#lumora</a></p>',
            "visibility": "public",
            "language": "en",
            "account": account,
            "tags": [{"name": "lumora", "url": "https://social.example/tags/lumora"}],
            "replies_count": 0,
            "reblogs_count": 0,
            "favourites_count": 3,
            "media_attachments": [],
        }


class YouTube(Network):
    """developers.google.com/youtube/v3/docs/commentThreads/list."""

    kind = "youtube"

    def settings(self, url: str) -> dict[str, Any]:
        return {"kind": "youtube", "url": url, "key": "k", "videos": ["aaaaaaaaaaa"], "budget": {"amount": 10**9, "per": "day"}}

    def answer(self, path: str, query: _Query) -> Any:
        del path
        page = self.talk.newest(int(query["maxResults"]), int(query.get("pageToken") or self.talk.last))
        more = {"nextPageToken": str(page[-1].number - 1)} if page and page[-1].number > 1 else {}
        return {"items": [self._thread(each) for each in page], **more}

    def _thread(self, said: Said) -> dict[str, Any]:
        snippet = {
            "textOriginal": said.text,
            "textDisplay": said.text,
            "publishedAt": _iso(said.at),
            "authorDisplayName": f"@{said.person}",
            "authorChannelId": {"value": f"UC{said.person}"},
            "likeCount": 0,
        }
        top = {"id": f"c{said.number}", "snippet": snippet}
        return {"id": f"c{said.number}", "snippet": {"videoId": "aaaaaaaaaaa", "totalReplyCount": 0, "topLevelComment": top}}


class Reddit(Network):
    """www.reddit.com/dev/api: a subreddit's comments; its posts are none."""

    kind = "reddit"

    def settings(self, url: str) -> dict[str, Any]:
        named = {"client_id": "c", "client_secret": "s", "account": "lumora", "subreddits": ["lumora"], "mentions": False}
        budget = {"amount": 10**9, "per": "day"}
        return {"kind": "reddit", "url": url, "token_url": f"{url}/token", **named, "budget": budget}

    def answer(self, path: str, query: _Query) -> Any:
        if path.endswith("/token"):
            return {"access_token": "t", "token_type": "bearer", "expires_in": 86_400}
        below = int(query["after"].removeprefix("t1_")) if "after" in query else self.talk.last
        page = self.talk.newest(int(query["limit"]), below) if path.endswith("/comments") else []
        after = f"t1_{page[-1].number - 1}" if page and page[-1].number > 1 else None
        return {"kind": "Listing", "data": {"children": [self._thing(each) for each in page], "after": after}}

    def _thing(self, said: Said) -> dict[str, Any]:
        data = {"id": str(said.number), "name": f"t1_{said.number}", "link_id": "t3_1", "parent_id": "t3_1", "body": said.text}
        return {"kind": "t1", "data": {**data, "author": said.person, "created_utc": said.at.timestamp(), "score": 1}}


class Feed(Network):
    """RSS 2.0 with the newest fifty."""

    kind = "feed"

    def settings(self, url: str) -> dict[str, Any]:
        return {"kind": "feed", "url": f"{url}/feed.xml"}

    def answer(self, path: str, query: _Query) -> str:
        del path, query
        items = "".join(
            f"<item><title>{each.person} on Lumora, {each.number}</title><link>https://news.example/{id(self)}/{each.number}</link>"
            f"<pubDate>{format_datetime(each.at)}</pubDate>"
            f"<description>{4 * f'&lt;p&gt;{each.text}&lt;/p&gt;'}</description></item>"
            for each in self.talk.newest(50)
        )
        return f'<rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>'


class Records(Network):
    """A JSON API of somebody's own: the newest hundred records."""

    kind = "json"

    def settings(self, url: str) -> dict[str, Any]:
        fields = {"uri": "url", "text": "text", "written_at": "at", "author.handle": "by", "engagement.likes": "likes"}
        records = {"url": f"{url}/records", "items": "records", "fields": fields}
        return {"kind": "json", "api": {"about": "Records.", "network": "desk", "versions": [{"records": records}]}}

    def answer(self, path: str, query: _Query) -> Any:
        del path, query
        return {
            "records": [
                {
                    "url": f"https://desk.example/{id(self)}/{each.number}",
                    "text": each.text,
                    "at": _iso(each.at),
                    "by": each.person,
                    "likes": 2,
                }
                for each in self.talk.newest(100)
            ]
        }


def recorded(kind: str) -> list[Mapping[str, Any]]:
    """Recorded posts of a network, without what must differ from one to the next; none where the recordings are absent."""
    return [
        dict(each)
        for document in _documents(kind)
        if kind in _WITH_TEXTS
        for each in _posts(document)
        if each.get("text") or each.get("message")
    ]


_WITH_TEXTS = frozenset({"x", "facebook", "instagram"})  # what is recorded of others has another shape than what is made up here
_UNLIKE = frozenset({"replies", "parent", "parent_id", "from", "username", "permalink_url", "permalink", "note_tweet"})


def _posts(document: Any) -> Iterator[Mapping[str, Any]]:
    listed = document.get("data", list(document.values())) if isinstance(document, Mapping) else []
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, Mapping):
            yield {name: value for name, value in each.items() if name not in _UNLIKE}


def _documents(kind: str) -> Iterator[Any]:
    for path in sorted((RECORDED / kind).rglob("*")):
        if path.suffix == ".json":
            yield json.loads(path.read_bytes())
        elif path.suffix in {".yaml", ".yml"}:  # what tweepy recorded
            for each in yaml.safe_load(path.read_bytes())["interactions"]:
                with suppress(OSError, ValueError, TypeError):
                    yield json.loads(gzip.decompress(_raw(each["response"]["body"]["string"])))


def _raw(body: bytes | str) -> bytes:
    return body if isinstance(body, bytes) else base64.b64decode(body)


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def _meta(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")
