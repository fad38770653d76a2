"""The thread around a post, asked of an API as its description says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources.base import Rejected, understand
from monitor.sources.conversation import Conversation
from monitor.sources.described import Ask, Templates, Thread, addressed, filled, first, params, record
from monitor.sources.http import Answer
from monitor.sources.json_api import JsonSource
from monitor.sources.mapping import at, named
from monitor.sources.text import sanitise

_ANOTHER_WAY = frozenset({Trouble.GONE, Trouble.REFUSED})


@dataclass(slots=True)
class _Shown:
    """What the answers hold so far. `ids`: by which name posts may be called a parent, beside their address."""

    posts: list[Mention] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    whole: bool = True


class JsonThreads(JsonSource):
    """Satisfies `Conversing`: a source whose description has `threads`."""

    async def conversation(self, uri: str) -> Conversation:
        """As many calls as the description has `asks` for such an address. Raises `SourceError`."""
        ways = [(way, self._addressed(way, uri)) for way in self._api.threads]
        problem = SourceError(Trouble.REFUSED, "a post with such an address has no thread that can be asked for here")
        for way, said in ways:
            if said is None:
                continue
            try:
                shown = await self._shown(way, {**self._given, **said, "settings": self._given, "uri": uri})
            except SourceError as error:
                if error.trouble not in _ANOTHER_WAY:
                    raise
                problem = error
            else:
                if any(each.key == uri for each in shown.posts):
                    return Conversation(shown.posts, shown.whole, shown.rejected)
                problem = SourceError(Trouble.GONE, "it does not show this post any more")
        raise problem

    def _addressed(self, way: Thread, uri: str) -> dict[str, str] | None:
        fitting = (addressed(each, uri, self._given) for each in way.address)
        return next((said for said in fitting if said is not None), None)

    async def _shown(self, way: Thread, known: Mapping[str, Any]) -> _Shown:
        shown = _Shown()
        for ask in way.asks:
            answer = await self._get(_filled(ask.url, known), params(ask, known), gone=True)
            document = answer.json()
            found = {name: first(paths, document) for name, paths in ask.take.items()}
            known = {**known, **{name: value for name, value in found.items() if value is not None}}
            self._read(ask, {**self._api.fields, **way.fields, **ask.fields}, answer, known, shown)
        shown.posts = [_linked(each, shown.ids) for each in shown.posts]
        return shown

    def _read(self, ask: Ask, fields: Mapping[str, Templates], answer: Answer, known: Mapping[str, Any], shown: _Shown) -> None:
        """Add the posts of one answer."""
        if not ask.items:
            return
        items = _posts(ask, answer)
        read, rejected = understand(items, partial(self._post, fields, known))
        shown.posts += [post for post, _ in read]
        shown.ids |= {name: post.key for post, name in read if name}
        shown.rejected += rejected
        shown.whole = shown.whole and self._further(ask.paging, None, answer, items) is None

    def _post(self, fields: Mapping[str, Templates], known: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[Mention, str]:
        """A post, and what others of the thread may call it. Raises `UnreadableError`."""
        found = record(fields, item, self._given, known)
        return sanitise(self._mapper.mention(found)), named(self.network, str(found["id"])) if "id" in found else ""


def _filled(template: str, known: Mapping[str, Any]) -> str:
    url = filled(template, known)
    if url is None:
        raise SourceError(Trouble.MALFORMED, f"nothing is known of what {template} asks for; is it the right API?")
    return url


def _posts(ask: Ask, answer: Answer) -> Sequence[Mapping[str, Any]]:
    """Those of a list, or the one that is there."""
    document = answer.json()
    there = next((found for path in ask.items if (found := at(document, path)) is not None), None)
    return [there] if isinstance(there, Mapping) else answer.objects(*ask.items)


def _linked(post: Mention, ids: Mapping[str, str]) -> Mention:
    """With the address of what it answers. What begins a thread answers nothing, even if it says itself."""
    parent = ids.get(post.parent or "", post.parent)
    return replace(post, parent=None if parent == post.key else parent)


__all__ = ["JsonThreads"]
