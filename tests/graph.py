"""A Graph API in memory, as Meta documents it: lists with cursors, comments, usage in headers, errors, and calls to us.

docs/graph-api/results (paging), docs/graph-api/reference/page/feed, docs/graph-api/reference/object/comments,
docs/instagram-platform/instagram-graph-api/reference. Ids and people are made up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

PAGE, ACCOUNT = "1000", "17841400000000000"
_MENTIONED = re.compile(r"(mentioned_(?:comment|media))\.\w+_id\((\d+)\)")


@dataclass
class Said:
    """A post (without `under`) or a comment. `answers` is a comment."""

    id: str
    text: str
    at: datetime
    author: str | None = "ann"
    under: str | None = None
    answers: str | None = None
    likes: int = 0
    where: str = "feed"  # which list a post stands in: feed, ads_posts, tagged; media, tags; or none of them
    stamp: str = ""

    @property
    def time(self) -> str:
        """As Meta writes it."""
        return self.stamp or self.at.strftime("%Y-%m-%dT%H:%M:%S+0000")


@dataclass
class GraphServer:
    """What it holds; `headers` go with every answer, `errors` are given instead at a path, once for each in the list."""

    token: str
    secret: str | None = None
    page: str = PAGE
    said: dict[str, Said] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    nameless: bool = False  # without the permission nobody says who it was
    order: int = -1  # of comments, by time; 1: as a server that does not know `order`
    hidden: int = 0  # comments that count and are not shown

    def say(self, *said: Said) -> None:
        """Something new, or the same anew."""
        self.said |= {each.id: each for each in said}

    async def answer(self, request: web.Request) -> web.Response:
        """One question."""
        path, query = request.path.partition("/v26.0/")[2], request.query
        self.asked.append(path)
        if self.errors.get(path):
            return self._json(self.errors[path].pop(0), 400)
        if query.get("access_token") != self.token or not self._proven(query.get("appsecret_proof")):
            return self._json({"error": {"message": "Error validating access token", "code": 190}}, 400)
        name, _, edge = path.partition("/")
        if not edge:
            found = self._object(name, query.get("fields", ""))
            missing = {"message": f"Object with ID '{name}' does not exist, cannot be loaded due to missing permissions",
                       "code": 100, "error_subcode": 33}  # fmt: skip
            return self._json(found or {"error": missing}, 200 if found else 400)
        return self._json(self._list(request, self._edge(name, edge), linked=edge != "tags"))

    def _json(self, document: Any, status: int = 200) -> web.Response:
        return web.json_response(document, status=status, headers={"facebook-api-version": "v26.0", **self.headers})

    def _proven(self, proof: str | None) -> bool:
        return proof == (hmac.new(self.secret.encode(), self.token.encode(), hashlib.sha256).hexdigest() if self.secret else None)

    def _object(self, name: str, fields: str) -> dict[str, Any] | None:
        mentioned = _MENTIONED.match(fields)
        if mentioned:
            found = self.said.get(mentioned[2])
            return {mentioned[1]: self._shown(found), "id": ACCOUNT} if found else None
        if name == self.page:
            return {"id": self.page, "name": "Brand", "username": "brand", "followers_count": 4321}
        return self._shown(self.said[name]) if name in self.said else None

    def _edge(self, name: str, edge: str) -> list[Said]:
        if edge == "comments":
            under = [each for each in self.said.values() if name in {each.under, each.answers}]
            tops = under if self.page == PAGE else [each for each in under if each.answers is None]
            return sorted(tops, key=lambda each: each.at, reverse=self.order < 0)
        if edge == "replies":
            return [each for each in self.said.values() if each.answers == name]
        posts = [each for each in self.said.values() if each.under is None and each.where == edge]
        return sorted(posts, key=lambda each: each.at, reverse=True)

    def _list(self, request: web.Request, items: list[Said], *, linked: bool) -> dict[str, Any]:
        after, limit = request.query.get("after"), int(request.query.get("limit", "25"))
        known = [each.id for each in items]
        last = base64.urlsafe_b64decode(after + "==").decode() if after else ""
        start = known.index(last) + 1 if last in known else 0
        page = items[start : start + limit]
        if not page:
            return {"data": []}
        cursors = {"before": _cursor(page[0].id), "after": _cursor(page[-1].id)}
        paging: dict[str, Any] = {"cursors": cursors}
        if linked and start + limit < len(items):
            paging["next"] = str(request.url.update_query(after=cursors["after"]))  # access_token and all
        return {"data": [self._shown(each) for each in page], "paging": paging}

    def _shown(self, said: Said) -> dict[str, Any]:
        return self._facebook(said) if self.page == PAGE else self._instagram(said)

    def _from(self, said: Said) -> dict[str, Any]:
        if said.author is None or self.nameless:
            return {}
        return {"from": {"id": self.page if said.author == "brand" else said.author, "name": said.author}}

    def _facebook(self, said: Said) -> dict[str, Any]:
        item: dict[str, Any] = {"id": said.id, "message": said.text, "created_time": said.time, **self._from(said)}
        if said.under:
            parent = {"parent": {"id": said.answers}} if said.answers else {}
            return {**item, "like_count": said.likes, "comment_count": 0, **parent}
        comments = [each for each in self.said.values() if each.under == said.id]
        updated = max((each.at for each in comments), default=said.at)
        counts = {"comments": len(comments) + self.hidden, "reactions": said.likes}
        summaries = {name: {"data": [], "summary": {"total_count": count}} for name, count in counts.items()}
        return {**item, **summaries, "updated_time": updated.strftime("%Y-%m-%dT%H:%M:%S+0000")}

    def _instagram(self, said: Said) -> dict[str, Any]:
        item: dict[str, Any] = {"id": said.id, "timestamp": said.time, "like_count": said.likes}
        item |= {} if said.author is None or self.nameless else {"username": said.author}
        if said.under:
            answers = [self._shown(each) for each in self.said.values() if each.answers == said.id]
            more = {"next": "https://graph.facebook.com/next?after=x"} if len(answers) > 50 else {}
            parent = {"parent_id": said.answers} if said.answers else {}
            nested = {"replies": {"data": answers[:50], "paging": more}} if answers else {}
            return {
                **item,
                "text": said.text,
                "media": {"id": said.under, "permalink": permalink(said.under)},
                **nested,
                **parent,
            }
        count = sum(each.under == said.id for each in self.said.values()) + self.hidden
        return {**item, "caption": said.text, "permalink": permalink(said.id), "comments_count": count}


def permalink(media: str) -> str:
    """A post's address."""
    return f"https://www.instagram.com/p/{media}/"


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def call(topic: str, account: str, at: datetime, *changes: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What Meta calls us with."""
    told: Iterable[dict[str, Any]] = ({"field": name, "value": dict(value)} for name, value in changes)
    return {"object": topic, "entry": [{"id": account, "time": int(at.astimezone(UTC).timestamp()), "changes": list(told)}]}
