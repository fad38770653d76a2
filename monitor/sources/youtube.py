"""Comments and their replies on YouTube: of all videos of a channel, or of a list of videos."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, gave_up, load_cursor, understand
from monitor.sources.budget import Budget, Purse, affordable
from monitor.sources.changes import Brought
from monitor.sources.conversation import Conversation
from monitor.sources.feed import server_address
from monitor.sources.http import Answer
from monitor.sources.kinds import Kind, Kit
from monitor.sources.mapping import at
from monitor.sources.paging import Seen, Walk
from monitor.sources.signing import InAddress
from monitor.sources.youtube_comments import NETWORK, comment, thread, top_comment

AGAIN_EVERY = timedelta(hours=1)
REPLY_PAGES = 10  # of replies that one poll reads: the others wait for the next, which comes at once
MOST_THREADS = 500  # of which it is known up to where their replies were read
_AGAIN = "again, "  # before the name of a list: the look further back
_NEVER = datetime(1990, 1, 1, tzinfo=UTC)
_VIDEO = re.compile(
    r"(?:https?://(?:www\.|m\.)?(?:youtube\.com/(?:watch\?(?:.*&)?v=|shorts/|live/)|youtu\.be/))?([\w-]{11})(?:[?&#].*)?"
)
_CHANNEL = re.compile(r"UC[\w-]{22}")
_CREDENTIALS = {"keyInvalid", "keyExpired", "accessNotConfigured", "ipRefererBlocked", "API_KEY_INVALID", "SERVICE_DISABLED"}
_CREDENTIALS |= {"API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED"}
_LIMITS = {"rateLimitExceeded", "userRateLimitExceeded"}
_SPENT = {"quotaExceeded", "dailyLimitExceeded"}
_NOTHING = {"commentsDisabled": "its comments are switched off", "videoNotFound": "there is no such video, or it is private"}
_Found = tuple[list[Mention], list[Rejected]]


def _channel(written: str) -> str:
    if not _CHANNEL.fullmatch(written):
        raise ValueError("a channel is named by its id, UC and 22 letters, not by @handle: its page says it under About, Share")
    return written


def _video(written: str) -> str:
    found = _VIDEO.fullmatch(written.strip())
    if not found:
        raise ValueError("a video is named by its address, or by the 11 letters after `v=` in it")
    return found[1]


class YouTubeSettings(SourceSettings):
    """Comments and replies under the videos of a channel, or under some videos.

    The first look takes the newest 100 threads; from then on every comment is read. A look costs one unit a list, and one for
    each 100 replies that do not come with their thread.
    """

    kind: Literal["youtube"] = Field(description="comments on YouTube")
    key: SecretStr = Field(description="an API key of the Google Cloud project in which the YouTube Data API is enabled")
    channel: Annotated[str, AfterValidator(_channel)] | None = Field(
        None, description="the id of a channel, UC…: comments on all its videos are read"
    )
    ours: bool = Field(True, description="whether the channel is ours, and what it writes our own")
    videos: tuple[Annotated[str, AfterValidator(_video)], ...] = Field(
        (), description="videos of others (their ids or addresses): comments on them are read, too"
    )
    again: timedelta = Field(
        timedelta(days=7),
        ge=timedelta(0),
        description="threads as young as this are read anew every hour: old ones get replies, and comments are edited",
    )
    budget: Budget = Field(
        Budget(amount=10_000, per="day", zone="America/Los_Angeles"),
        description="units that may be spent; a project has 10,000 a day, from midnight in California",
    )
    url: Annotated[str, AfterValidator(server_address)] = Field("https://www.googleapis.com/youtube/v3", description="the API")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.channel or self.videos):
            raise ValueError("nothing to watch: name a `channel`, or `videos`")
        affordable(len(self.videos) + (self.channel is not None), self.every, self.budgets(), "units")
        return self

    def networks(self) -> frozenset[str]:
        return frozenset({NETWORK})

    def budgets(self) -> Sequence[Budget]:
        return (self.budget,)


@dataclass(slots=True)
class _State:
    """What a cursor holds: `walks` through the lists, and those that go once in a while further back into what is known already.

    `replies`: of threads with more replies than come with them, how many there were, and the walk through them. `owed`: those
    whose walk is to be begun or to go on, and their videos.
    """

    brought: Brought
    walks: dict[str, Walk]
    again_at: datetime
    replies: dict[str, tuple[int, Walk]]
    owed: dict[str, str]

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> _State:
        return cls(
            brought=Brought.load(kept.get("brought")),
            walks={name: Walk.load(walk) for name, walk in kept.get("walks", {}).items()},
            again_at=datetime.fromisoformat(kept["again_at"]) if "again_at" in kept else _NEVER,
            replies={name: (int(count), Walk.load(walk)) for name, (count, walk) in kept.get("replies", {}).items()},
            owed=dict(kept.get("owed", {})),
        )

    def dump(self) -> dict[str, Any]:
        return {
            "brought": self.brought.dump(),
            "walks": {name: walk.dump() for name, walk in self.walks.items()},
            "again_at": self.again_at.isoformat(),
            "replies": {name: [count, walk.dump()] for name, (count, walk) in self.replies.items()},
            "owed": self.owed,
        }

    @property
    def more(self) -> bool:
        return bool(self.owed) or any(walk.more for walk in self.walks.values())


class YouTube:
    """The cursor holds walks: through the threads of each list, and through the replies of threads that have many.

    New threads stand on top, new replies to old ones nowhere: they show in the thread's count. What stands on the first page is
    counted at each look, what is as young as `again` every hour, and what is older not at all.
    """

    network = NETWORK

    def __init__(self, settings: YouTubeSettings, kit: Kit) -> None:
        self.purse = Purse(settings.budgets(), kit.clock, "units")
        self._settings, self._kit = settings, kit
        self._signer = InAddress(settings.key)
        self._told: set[str] = set()  # lists that have nothing to give: said once
        self._ours = (*settings.own_accounts, *([settings.channel] if settings.channel and settings.ours else ()))
        self._lists = {f"video {each}": {"videoId": each} for each in dict.fromkeys(settings.videos)}
        if settings.channel:
            self._lists[f"channel {settings.channel}"] = {"allThreadsRelatedToChannelId": settings.channel}

    async def poll(self, cursor: str | None) -> Batch:
        """A page of each list (of those being paged, while there are any), or of replies that are owed. Raises `SourceError`."""
        origin = f"youtube {self._settings.url}"
        state = _State.load(load_cursor(origin, cursor))
        state.walks = {name: walk for name, walk in state.walks.items() if name.removeprefix(_AGAIN) in self._lists}
        found: list[Mention] = []
        rejected: list[Rejected] = []
        if state.owed:
            work = [self._replies(state, thread) for thread in list(state.owed)[:REPLY_PAGES]]
        else:
            work = [self._threads(state, name) for name in self._due(state)]
        for each in work:
            mentions, odd = await each
            found, rejected = found + mentions, rejected + odd
        going = [walk.watermark for name, walk in state.walks.items() if walk.watermark and not name.startswith(_AGAIN)]
        state.brought, news = state.brought.news(found)
        return Batch(
            news, dump_cursor(origin, state.dump()), more=state.more, watermark=min(going, default=None), rejected=rejected
        )

    def _due(self, state: _State) -> list[str]:
        """The lists that are being paged, else all; once in a while with a look further back."""
        if going := [name for name, walk in state.walks.items() if walk.more]:
            return going
        now = self._kit.clock.wall()
        if now - state.again_at < AGAIN_EVERY:
            return list(self._lists)
        state.again_at = now
        again = {name: walk.floor or now for name, walk in state.walks.items() if name.startswith(_AGAIN)}
        state.walks |= {name: Walk(max(floor, now - self._settings.again)) for name, floor in again.items()}
        return [*self._lists, *again]

    async def _threads(self, state: _State, name: str) -> _Found:
        """The next page of a list."""
        walk, asked = state.walks.get(name, Walk()), self._lists[name.removeprefix(_AGAIN)]
        try:
            answer = await self._ask("commentThreads", {**asked, "part": "snippet,replies", "order": "time"}, walk)
        except SourceError as error:
            return [], self._without(state, name, walk, error)
        page, rejected = understand(answer.objects("items"), lambda item: thread(item, self._ours))
        back_to = walk.floor if name.startswith(_AGAIN) else None
        threads = [each for each in page if back_to is None or each.written_at >= back_to]
        for each in threads:
            known, through = state.replies.get(each.id, (0, Walk()))
            if each.count > len(each.mentions) - 1 and each.count != known:
                state.replies[each.id], state.owed[each.id] = (each.count, through), each.video
        after, _ = walk.take([Seen(each.id, each.written_at) for each in page], _token(answer))
        if walk.floor is None:  # what the first look did not show is history
            oldest = min((each.written_at for each in threads), default=self._kit.clock.wall())
            state.walks[_AGAIN + name] = Walk(oldest)
        state.walks[name] = after if back_to is None or after.more else Walk(back_to)
        rejected += [gave_up(name)] if after.gave_up else []
        return [mention for each in threads for mention in each.mentions], rejected

    def _without(self, state: _State, name: str, walk: Walk, error: SourceError) -> list[Rejected]:
        """A list that has no page to give, which is no fault of the source's. Raises the error that is one."""
        outworn = error.trouble is Trouble.REFUSED and walk.more  # the token of the page
        if not outworn and error.trouble is not Trouble.GONE:
            raise error
        state.walks[name] = walk.again()
        said = outworn or name not in self._told
        self._told.add(name)
        return [Rejected(name, error.detail)] if said else []

    async def _replies(self, state: _State, name: str) -> _Found:
        """The next page of the replies to a thread's comment."""
        video, (count, walk) = state.owed[name], state.replies.pop(name, (0, Walk()))
        try:
            answer = await self._ask("comments", {"parentId": name, "part": "snippet"}, walk)
        except SourceError as error:
            if error.trouble not in {Trouble.REFUSED, Trouble.GONE}:
                raise
            del state.owed[name]  # the comment was deleted meanwhile
            return [], [Rejected(f"replies to {name}", error.detail)]
        found, rejected = understand(answer.objects("items"), lambda item: comment(item, video, self._ours, parent=name))
        # In which order they come is not documented. As recorded: newest first.
        falling = all(one.written_at >= two.written_at for one, two in pairwise(found))
        page = [Seen(mention.key, mention.written_at) for mention in found]
        walk, _ = walk.take(page, _token(answer), newest_first=falling, history=True)
        state.replies = dict([*state.replies.items(), (name, (count, walk))][-MOST_THREADS:])
        if not walk.more:
            del state.owed[name]
        rejected += [gave_up(f"replies to {name}")] if walk.gave_up else []
        return found, rejected

    async def conversation(self, uri: str) -> Conversation:
        """Two units: the comment on top, and the newest hundred replies to it. Raises `SourceError`."""
        name = top_comment(uri)
        answer = await self._ask("commentThreads", {"id": name, "part": "snippet"}, Walk())
        tops, odd = understand(answer.objects("items"), lambda item: thread(item, self._ours))
        if not tops:
            raise SourceError(Trouble.GONE, "there is no such comment any more")
        (top, *_) = tops
        answer = await self._ask("comments", {"parentId": name, "part": "snippet"}, Walk())
        replies, odder = understand(answer.objects("items"), lambda item: comment(item, top.video, self._ours, parent=name))
        return Conversation([*top.mentions, *replies], whole=_token(answer) is None, rejected=[*odd, *odder])

    async def _ask(self, what: str, asked: Mapping[str, str], walk: Walk) -> Answer:
        self.purse.spend()
        place = {"pageToken": walk.at} if walk.at else {}
        return await self._kit.http.get(
            f"{self._settings.url}/{what}",
            within=self._settings.timeout,
            params={**asked, **place, "maxResults": "100", "textFormat": "plainText"},
            signer=self._signer,
            means=self._means,
        )

    def _means(self, status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
        """What a reason means: https://developers.google.com/youtube/v3/docs/errors."""
        del headers
        said = {str(at(document, f"error.{where}.0.reason")) for where in ("errors", "details")}
        if said & _SPENT:
            now = self._kit.clock.wall()
            ends = self._settings.budget.ends(now)
            words = f"the project's units of this day are used up; it is asked again at {ends:%Y-%m-%d %H:%M} UTC"
            return SourceError(Trouble.SPENT, words, retry_after=(ends - now).total_seconds())
        if said & _LIMITS:
            return SourceError(Trouble.THROTTLED, "it is asked too often; make `every` longer")
        if said & _CREDENTIALS:
            return SourceError(Trouble.CREDENTIALS, "the key is not accepted; see that it may use the YouTube Data API v3")
        if nothing := [_NOTHING[reason] for reason in said & _NOTHING.keys()]:
            return SourceError(Trouble.GONE, nothing[0])
        if status == 400 and "processingFailure" in said:  # noqa: PLR2004 - HTTP's own number
            return SourceError(Trouble.UNAVAILABLE, "it could not do it now")
        return None


def _token(answer: Answer) -> str | None:
    token = at(answer.json(), "nextPageToken")
    return token if isinstance(token, str) and token else None


KIND = Kind(
    YouTubeSettings,
    YouTube,
    where="Free and at once: an API key for the YouTube Data API v3, from https://console.cloud.google.com.",
    page="watch-youtube.md",
    documents=(
        "https://developers.google.com/youtube/v3/docs/commentThreads/list",
        "https://developers.google.com/youtube/v3/docs/comments/list",
        "https://developers.google.com/youtube/v3/docs/errors",
    ),
    example={"channel": "UCxxxxxxxxxxxxxxxxxxxxxx"},
)
