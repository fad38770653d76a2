"""Bluesky as it happens: the posts of the whole network by Jetstream, of which those are kept that are looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlencode, urlsplit

from pydantic import AfterValidator, Field, model_validator

from monitor.domain.errors import SourceError
from monitor.domain.mention import Mention
from monitor.sources import strict_json
from monitor.sources.base import Batch, Deleted, Rejected, SourceSettings, dump_cursor, load_cursor, understand
from monitor.sources.bluesky_posts import COLLECTION, NETWORK
from monitor.sources.changes import Brought
from monitor.sources.feed import server_address
from monitor.sources.jetstream_authors import Authors
from monitor.sources.jetstream_posts import Event, Wanted, event, is_place, mention, moment, needle, position
from monitor.sources.kinds import Kind, Kit
from monitor.sources.mapping import at
from monitor.sources.streams import Heard, Line, Stream

MESSAGE = 256 * 1024  # bytes of one event; the server leaves out what is larger
SILENCE = timedelta(seconds=60)  # the whole network never says nothing for so long
REWIND = 5_000_000  # microseconds: servers differ by so much, and order what happens at once as they like
REMEMBERED = 500  # of what was brought, in each cursor: enough for a restart, and not much to write every moment
GAP = 60_000_000  # microseconds: where more is missing behind the cursor, it was not kept for us
_ORIGIN = "jetstream"  # every server has the same cursors: times
_SHORTEST = 2


def _term(written: str) -> str:
    term = written.strip()
    if len(needle(term)) < _SHORTEST:
        raise ValueError("a term has at least two letters or figures together")
    return term


def _did(written: str) -> str:
    did = written.strip()
    if not did.startswith(("did:plc:", "did:web:")) or did != did.lower():
        raise ValueError(
            "write the account's DID (did:plc:…), which no change of its handle changes; the page on watching by stream says"
            " where it is found"
        )
    return did


Did = Annotated[str, AfterValidator(_did)]


class JetstreamSettings(SourceSettings):
    """Posts on Bluesky as they are written, of the whole network, without a key, from the first look on.

    The connection stays open between two looks: what is looked for is brought at once, and `every` is how often its place in the
    stream is kept. After an interruption it goes on from there; Bluesky's servers keep 36 hours.
    """

    kind: Literal["jetstream"] = Field(description="Bluesky's stream of posts (Jetstream)")
    every: timedelta = Field(
        timedelta(seconds=30), gt=timedelta(0), description="how often to keep the place, where nothing came"
    )
    url: Annotated[str, AfterValidator(server_address)] = Field(
        "https://jetstream2.us-east.bsky.network",
        description="a Jetstream server; places in the stream are the same on all of them",
    )
    version: Literal[1, 2] = Field(1, description="of its wire: 1 is `/subscribe`, 2 is `network.bsky.jetstream.subscribeEvents`")
    terms: tuple[Annotated[str, Field(max_length=200), AfterValidator(_term)], ...] = Field(
        (),
        max_length=1_000,
        description="words, phrases, #hashtags, @handles and domains, whatever their capitals, in what a post says, links to and"
        " shows; accents count",
    )
    accounts: tuple[Did, ...] = Field(
        (), max_length=1_000, description="DIDs of accounts: what they write, and what mentions, answers or quotes them"
    )
    profiles: Annotated[str, AfterValidator(server_address)] | None = Field(
        "https://public.api.bsky.app",
        description="where authors' handles, names and followers are asked for, 25 at a time and each once a day; null: nowhere",
    )
    authors: tuple[Did, ...] = Field(
        (),
        max_length=100,
        description="DIDs; then only what these write is read: all of it where neither terms nor accounts are named",
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.terms or self.accounts or self.authors):
            raise ValueError("nothing to watch: name `terms`, `accounts` or `authors`")
        return self

    def asked(self) -> Mapping[str, str]:
        return {"url": self.url} | ({"profiles": self.profiles} if self.profiles else {})

    def networks(self) -> frozenset[str]:
        return frozenset({NETWORK})


class Jetstream:
    """The cursor is a time in the stream, to the microsecond, and what was brought last, which comes again after an interruption.

    Deletions are passed on of what was brought, and of nothing else: the network deletes several posts a second.
    """

    network = NETWORK

    def __init__(self, settings: JetstreamSettings, kit: Kit) -> None:
        self._settings, self._kit = settings, kit
        self._wanted = Wanted(settings.terms, settings.accounts)
        self._authors = Authors(settings.profiles, settings.own_accounts, kit.http, kit.clock, settings.timeout / 2)
        self._line = Line(self._dial)
        self._begin({})

    def _begin(self, state: Mapping[str, Any]) -> None:
        place = state.get("at")
        self._at: int | None = place if is_place(place) else None
        self._brought = Brought.load(state.get("brought"))
        self._waiting: set[str] = set()  # posts that were heard, and not brought yet
        self._silent = True  # nothing has come since it was opened
        self._lost: list[Rejected] = []

    async def poll(self, cursor: str | None) -> Batch:
        """What has come. Raises `SourceError`."""
        heard = await self._line.take(cursor)
        taken = set(self._waiting)
        lost = [*self._lost, *self._gap(heard.first)]
        self._silent = self._silent and heard.last is None
        known = heard.last is not None or self._silent  # else: nothing more was said until now
        self._at = self._reached(heard.last)
        mentions, deleted, rejected = self._understood(heard)
        mentions, unknown = await self._authors.complete(mentions)
        self._brought, news = self._brought.news(mentions)
        self._waiting, self._lost = self._waiting - taken, []  # others were heard while the authors were asked for
        batch = Batch(
            news,
            cursor=dump_cursor(_ORIGIN, {"at": self._at, "brought": dict(list(self._brought.dump().items())[-REMEMBERED:])}),
            more=heard.more,
            watermark=moment(self._at) if known and self._at is not None else None,
            rejected=[*lost, *rejected, *unknown],
            deleted=deleted,
        )
        self._line.handed(batch.cursor or "")
        return batch

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` once, when something that is looked for comes, or the stream ends."""
        self._line.bell.listen(ring)

    async def close(self) -> None:
        """End the stream."""
        await self._line.close()

    def _understood(self, heard: Heard) -> tuple[list[Mention], list[Deleted], list[Rejected]]:
        """Of each post its last version."""
        events, odd = understand(heard.kept, _read)
        posts = {each.uri: each for each in events if each.record is not None}
        mentions, rejected = understand(list(posts.values()), lambda each: mention(each, self._settings.own_accounts))
        gone = [Deleted(NETWORK, each.uri) for each in events if each.record is None]
        return mentions, gone, odd + rejected

    def _heed(self, message: str) -> bool:
        """Whether a message is about a post that is looked for, or that was brought and is gone; or nobody can say of what."""
        if not self._wanted.may_be(message):
            return False
        try:
            found = event(strict_json.loads(message))
        except ValueError:
            return True
        if found is None or not (self._has(found.uri) if found.record is None else self._wanted.fits(found, message)):
            return False
        self._waiting.add(found.uri)
        return True

    def _has(self, uri: str) -> bool:
        return uri in self._waiting or self._brought.knows(uri)

    def _reached(self, last: str | None) -> int | None:
        """The place behind the last message, or that of before: servers may tell once more what was before it."""
        place = _place(last)
        return max(place, self._at or 0) if place is not None else self._at

    def _gap(self, first: str | None) -> list[Rejected]:
        """What the server no longer had. Few authors may have said nothing."""
        place = _place(first)
        if self._at is None or place is None or place - self._at < GAP or self._settings.authors:
            return []
        return [_missing(f"to {moment(place):%Y-%m-%d %H:%M} UTC", self._at)]

    async def _dial(self, cursor: str | None) -> Stream:
        """A stream that goes on at a cursor; where the server has forgotten it, one that begins now."""
        self._begin(load_cursor(_ORIGIN, cursor))
        too_old = False

        def means(status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
            nonlocal too_old
            del status, headers
            too_old = at(document, "error") == "CursorTooOld"
            return None

        try:
            return await self._open(self._at, means)
        except SourceError:
            if not too_old or self._at is None:
                raise
        self._lost, self._at = [_missing("until now", self._at)], None
        return await self._open(None, means)

    async def _open(self, place: int | None, means: Any) -> Stream:
        settings = self._settings
        socket = await self._kit.http.connect(
            _address(settings, place),
            within=settings.timeout,
            most_bytes=2 * MESSAGE,
            silence=None if settings.authors else SILENCE,
            means=means,
        )
        return Stream(urlsplit(settings.url).hostname or "", socket, self._heed, self._line.bell.ring)


def _address(settings: JetstreamSettings, place: int | None) -> str:
    names = ("wantedCollections", "wantedDids") if settings.version == 1 else ("collections", "dids")
    path = "/subscribe" if settings.version == 1 else "/xrpc/network.bsky.jetstream.subscribeEvents"
    asked = [(names[0], COLLECTION), *((names[1], did) for did in settings.authors), ("maxMessageSizeBytes", str(MESSAGE))]
    asked += [("kinds", "commit")] if settings.version == 2 else []  # noqa: PLR2004 the version's own number
    asked += [("cursor", str(max(place - REWIND, 0)))] if place is not None else []
    return f"{settings.url}{path}?{urlencode(asked)}"


def _read(message: str) -> Event:
    found = event(strict_json.loads(message))
    assert found is not None, "nothing else is kept"
    return found


def _place(message: str | None) -> int | None:
    """Where a message stands in the stream; None for one that does not say it."""
    try:
        return None if message is None else position(strict_json.loads(message))
    except ValueError:
        return None


def _missing(until: str, since: int) -> Rejected:
    return Rejected(
        "the stream", f"what was said from {moment(since):%Y-%m-%d %H:%M} {until} is lost: the server did not keep it"
    )


JETSTREAM = Kind(
    JetstreamSettings,
    Jetstream,
    where="No key: everybody may read the stream.",
    page="watch-by-stream.md",
    documents=("https://github.com/bluesky-social/jetstream/blob/main/docs/README.md", "https://docs.bsky.app/blog/jetstream"),
    example={"terms": ["{brand}"]},
)
