"""Any API that answers with JSON, read by a description: its lists, page by page, to what is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from pydantic import Field, SecretStr
from yarl import URL

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, gave_up, load_cursor, understand
from monitor.sources.budget import Budget, Purse
from monitor.sources.described import Description, Error, Paging, Stream, filled, params, record
from monitor.sources.http import Answer
from monitor.sources.kinds import Kit
from monitor.sources.mapping import Mapper, MappingSettings, UnreadableError, at
from monitor.sources.paging import Seen, Walk
from monitor.sources.signing import InAddress, InHeader, Signer
from monitor.sources.times import parse_time

_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')
_LONGEST_REST = 24 * 3600.0
_ENOUGH = 5  # entries that are all not as described: then it is the description, or the API is another now


class DescribedSettings(SourceSettings):
    """What all sources that are described have in common."""

    budget: Budget | None = Field(None, description="how much may be asked, if it is not what the network grants everybody")

    def described(self) -> Description:
        """What it goes by."""
        raise NotImplementedError

    def networks(self) -> frozenset[str]:
        return frozenset({self.described().network})

    def budgets(self) -> Sequence[Budget]:
        return (self.budget,) if self.budget else self.described().budget


class JsonSettings(DescribedSettings):
    """An API of your own that answers with JSON. Those of config/sources show how such a description looks."""

    kind: Literal["json"] = Field(description="an API that you describe")
    api: Description = Field(description="what to ask, and where in an answer stands what")
    given: dict[str, str] = Field(default_factory=dict, description="the description's settings, by their names")
    secrets: dict[str, SecretStr] = Field(default_factory=dict, description="those that must not be seen")

    def described(self) -> Description:
        return self.api


@dataclass(frozen=True, slots=True)
class _Page:
    mentions: Sequence[Mention]
    rejected: Sequence[Rejected]
    walk: Walk
    rest: timedelta | None


class JsonSource:
    """The cursor holds which version of the API it is, and a walk through each of its lists."""

    def __init__(self, settings: DescribedSettings, given: Mapping[str, str], secrets: Mapping[str, SecretStr], kit: Kit) -> None:
        api = settings.described()
        self.network = api.network
        self.purse = Purse(settings.budgets(), kit.clock)
        self._api, self._settings, self._given, self._kit = api, settings, given, kit
        self._signer = _signer(api, secrets)
        self._origin = f"{settings.kind} {api.network} {sorted(given.items())}"
        mapping = {name: name for name in api.every_field()}
        self._mapper = Mapper(
            MappingSettings(mapping=mapping, network=api.network, html=api.html), own_accounts=settings.own_accounts
        )

    async def poll(self, cursor: str | None) -> Batch:
        """One page of every list (of those still being paged, while there are any). Raises `SourceError`."""
        state = load_cursor(self._origin, cursor)
        known = state.get("version")
        versions = sorted(range(len(self._api.versions)), key=lambda each: each != known)  # servers are upgraded: the others, too
        for number in versions[:-1]:
            try:
                return await self._poll(number, state, last=False)
            except SourceError as error:
                if error.trouble is not Trouble.GONE:
                    raise
        return await self._poll(versions[-1], state, last=True)

    async def _poll(self, version: int, state: Mapping[str, Any], *, last: bool) -> Batch:
        streams = self._api.versions[version]
        kept = state.get("walks")
        before = {name: Walk.load(each) for name, each in kept.items()} if isinstance(kept, Mapping) else {}
        # A list that another version did not have begins where that one had come to.
        begin = Walk(min((walk.floor for walk in before.values() if walk.floor is not None), default=None))
        walks = {name: before.get(name, begin) for name in streams}
        paging = [name for name in streams if walks[name].more] or list(streams)
        pages = {name: await self._page(streams[name], walks[name], last=last) for name in paging}
        walks |= {name: page.walk for name, page in pages.items()}
        going = [page.walk.watermark for page in pages.values() if page.walk.watermark is not None]
        return Batch(
            sorted((each for page in pages.values() for each in page.mentions), key=lambda mention: mention.written_at),
            dump_cursor(self._origin, {"version": version, "walks": {name: walk.dump() for name, walk in walks.items()}}),
            more=any(walk.more for walk in walks.values()),
            watermark=min(going, default=None),
            rejected=[each for page in pages.values() for each in page.rejected],
            rest=max((page.rest for page in pages.values() if page.rest is not None), default=None),
        )

    async def _page(self, stream: Stream, walk: Walk, *, last: bool) -> _Page:
        answer = await self._ask(stream, walk, last=last)
        items = answer.objects(*stream.items)
        met, rejected = understand(items, partial(self._understood, stream))
        if not met and len(items) >= _ENOUGH:
            raise SourceError(Trouble.MALFORMED, f"no entry is as described: {rejected[0].why}")
        further = self._further(stream.paging, walk.at, answer, items)
        since = walk.since(self._api.overlap)
        walk, _ = walk.take([seen for seen, _ in met], further, overlap=self._api.overlap, newest_first=stream.newest_first)
        # What is known comes again while it is as young as this: it may have been edited, and people may have reacted.
        young = [mention for seen, mention in met if since is None or seen.at >= since]
        return _Page(young, [*rejected, *([gave_up()] if walk.gave_up else [])], walk, self._rest(answer.json()))

    async def _ask(self, stream: Stream, walk: Walk, *, last: bool) -> Answer:
        since = walk.since(self._api.overlap)
        first = stream.paging.number_from
        known: dict[str, Any] = {**self._given, "at": walk.at if walk.more else first}
        if since is not None:
            known |= {"since": int(since.timestamp()), "since_iso": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
        url = filled(stream.url, known)
        if url is None:
            raise SourceError(Trouble.REFUSED, f"a setting is missing in {stream.url}")
        whole = walk.more and (stream.paging.link or stream.paging.next is not None)
        return await self._get(str(walk.at) if whole else url, None if whole else params(stream, known), gone=not last)

    async def _get(self, url: str, asked: Mapping[str, str] | None, *, gone: bool) -> Answer:
        """An answer, for which a call is paid. `gone`: a 404 means that another way is to be tried. Raises `SourceError`."""
        self.purse.spend()
        return await self._kit.http.get(
            url,
            within=self._settings.timeout,
            params=asked,
            headers=self._api.headers,
            signer=self._signer,
            means=partial(_meaning, self._api.errors, gone=gone),
        )

    def _understood(self, stream: Stream, item: Mapping[str, Any]) -> tuple[Seen, Mention]:
        """Raises `UnreadableError`."""
        found = record({**self._api.fields, **stream.fields}, item, self._given)
        mention = self._mapper.mention(found)
        try:
            moment = parse_time(at(item, stream.order)) if stream.order else mention.written_at
        except ValueError as error:
            raise UnreadableError(str(error)) from None
        return Seen(mention.key, moment), mention

    def _further(self, paging: Paging, here: str | None, answer: Answer, items: Sequence[Mapping[str, Any]]) -> str | None:
        """Where the next page is."""
        document = answer.json()
        if (paging.size is not None and len(items) < paging.size) or (paging.more is not None and not at(document, paging.more)):
            return None
        if paging.number_from is not None:
            return str(int(here or paging.number_from) + 1) if items else None
        if paging.last is not None:
            return _word(at(items[-1], paging.last)) if items else None
        if paging.token is not None:
            return _word(at(document, paging.token))
        if paging.link or paging.next is not None:
            found = _NEXT.search(answer.headers.get("link", ""))
            address = (found[1] if found else None) if paging.link else _word(at(document, paging.next or ""))
            key = self._api.auth.name if self._api.auth and self._api.auth.place == "address" else None
            return _same_host(answer.url, address, key)
        return None

    def _rest(self, document: Any) -> timedelta | None:
        seconds = at(document, self._api.backoff) if self._api.backoff else None
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds <= 0:
            return None
        return timedelta(seconds=min(float(seconds), _LONGEST_REST))


def _signer(api: Description, secrets: Mapping[str, SecretStr]) -> Signer | None:
    secret = secrets.get(api.auth.secret) if api.auth else None
    if api.auth is None or secret is None:
        return None
    return InAddress(secret, api.auth.name) if api.auth.place == "address" else InHeader(secret, api.auth.name, api.auth.scheme)


def _word(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _same_host(here: str, there: str | None, key: str | None) -> str | None:
    """The next page's address, without our key in it; one on another host is none: our credentials stay here."""
    if there is None:
        return None
    try:
        target = URL(here).join(URL(there))
    except ValueError:
        return None
    if target.origin() != URL(here).origin():
        return None
    return str(target.with_query([(name, value) for name, value in target.query.items() if name != key]))


def _meaning(
    errors: Sequence[Error], status: int, headers: Mapping[str, str], document: Any, *, gone: bool
) -> SourceError | None:
    if gone and status == 404:  # noqa: PLR2004 - HTTP's own number
        return SourceError(Trouble.GONE, "this is another version of the API")
    for error in errors:
        if _fits(error, status, headers, document):
            seconds = at(document, error.wait) if error.wait else None
            wait = float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None
            return SourceError(error.means, error.say or "that is what it says in its own way", retry_after=wait)
    return None


def _fits(error: Error, status: int, headers: Mapping[str, str], document: Any) -> bool:
    if error.status is not None and status != error.status:
        return False
    said = [headers.get(error.header)] if error.header else []
    said += [at(document, error.path)] if error.path else []
    return all(str(each) in error.value if error.value else each not in (None, "", False) for each in said)
