"""Who the authors of a stream are: it names them by DID, and Bluesky's public API knows their handles, names and followers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError
from monitor.domain.mention import Author, Mention
from monitor.sources.base import Rejected
from monitor.sources.bluesky_posts import author
from monitor.sources.bluesky_reach import LASTS, REMEMBERED, lots
from monitor.sources.http import HttpClient
from monitor.sources.text import whole


class Authors:
    """Completes authors by what was asked within the last day. Whoever cannot be asked for keeps their DID."""

    def __init__(self, url: str | None, own_accounts: Sequence[str], http: HttpClient, clock: Clock, within: timedelta) -> None:
        self._url, self._own, self._http, self._clock, self._within = url, own_accounts, http, clock, within
        self._known: dict[str, tuple[datetime, Author | None]] = {}
        self._told = False

    async def complete(self, mentions: Sequence[Mention]) -> tuple[list[Mention], list[Rejected]]:
        """The mentions with their authors; and once, until it answers again, that the API does not."""
        wrong = await self._learn(each.author.id for each in mentions if each.author is not None)
        return [replace(each, author=self._completed(each.author)) for each in mentions], wrong

    def _completed(self, author: Author | None) -> Author | None:
        known = self._known.get(author.id) if author is not None else None
        return known[1] if known is not None and known[1] is not None else author

    async def _learn(self, dids: Iterable[str]) -> list[Rejected]:
        now = self._clock.wall()
        unknown = [did for did in dict.fromkeys(dids) if did not in self._known or now - self._known[did][0] >= LASTS]
        try:
            for lot in lots(unknown) if self._url else ():
                await self._ask(lot, now)
        except SourceError as error:
            told, self._told = self._told, True
            return [] if told else [Rejected("the authors", f"known by their DIDs alone, without followers: {error.detail}")]
        self._told = self._told and not unknown
        return []

    async def _ask(self, dids: Sequence[str], now: datetime) -> None:
        asked = urlencode([("actors", did) for did in dids])
        answer = await self._http.get(f"{self._url}/xrpc/app.bsky.actor.getProfiles?{asked}", within=self._within)
        profiles = {each.get("did"): each for each in answer.objects("profiles") if isinstance(each.get("handle"), str)}
        for did in dids:
            self._known.pop(did, None)
            self._known[did] = now, self._read(profiles[did]) if did in profiles else None
        for did in list(self._known)[: max(len(self._known) - REMEMBERED, 0)]:
            del self._known[did]

    def _read(self, profile: Mapping[str, Any]) -> Author:
        return author(profile, {str(profile["did"]): whole(profile.get("followersCount"))}, self._own)
