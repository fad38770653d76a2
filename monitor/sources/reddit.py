"""What Reddit says: mentions of an account, its inbox, subreddits with their comments, and searches."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.base import Batch, Deleted, Rejected, SourceSettings, understand
from monitor.sources.budget import Budget, Purse
from monitor.sources.conversation import BELOW, Conversation
from monitor.sources.feed import server_address
from monitor.sources.http import Answer
from monitor.sources.kinds import Kind, Kit
from monitor.sources.limits import retry_after
from monitor.sources.lists import Page, read_lists
from monitor.sources.mapping import at
from monitor.sources.paging import Seen, Walk
from monitor.sources.reddit_things import NETWORK, in_comments, is_gone, mention, place_of, written_at
from monitor.sources.signing import InHeader, oauth2
from monitor.sources.times import parse_time

OVERLAP = timedelta(hours=1)  # the search finds posts late
_CONTEXT = 8  # comments above one: the most that is given
_BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)
_SUBREDDIT = re.compile(r"(?:https?://(?:\w+\.)?reddit\.com)?/?(?:r/)?(\w{2,21})/?")
_CLOSED = {"private", "banned", "quarantined", "gold_only"}


def _subreddit(written: str) -> str:
    found = _SUBREDDIT.fullmatch(written.strip())
    if not found:
        raise ValueError("a subreddit is named as `r/kettles`, or by its address")
    return found[1].lower()


class RedditSettings(SourceSettings):
    """Mentions of an account, its inbox, subreddits, searches. The first look takes the newest 100 of each; then all is read."""

    kind: Literal["reddit"] = Field(description="Reddit")
    account: str = Field(
        pattern=r"^[\w-]{3,20}$", description="the account that answers for this program: Reddit wants it named in every request"
    )
    client_id: str = Field(min_length=1, description="the id of an app that Reddit has approved")
    client_secret: SecretStr = Field(description="its secret")
    refresh_token: SecretStr | None = Field(
        None, description="a permanent token of the account (scopes `privatemessages` and `read`), for mentions and the inbox"
    )
    mentions: bool = Field(False, description="true to read comments that mention the token's account by u/name")
    inbox: bool = Field(False, description="true to read what answers it, and messages to it")
    subreddits: tuple[Annotated[str, AfterValidator(_subreddit)], ...] = Field(
        (), description="subreddits whose posts and comments are read"
    )
    searches: tuple[str, ...] = Field(
        (), description="words that posts are searched for, in all of Reddit; comments are not found"
    )
    budget: Budget = Field(Budget(amount=100, per="minute"), description="how many calls; an app has 100 a minute")
    url: Annotated[str, AfterValidator(server_address)] = Field("https://oauth.reddit.com", description="the API")
    token_url: Annotated[str, AfterValidator(server_address)] = Field(
        "https://www.reddit.com/api/v1/access_token", description="where tokens are given"
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.mentions or self.inbox or self.subreddits or self.searches):
            raise ValueError("nothing to watch: name `subreddits` or `searches`, or set `mentions` or `inbox`")
        if (self.mentions or self.inbox) and self.refresh_token is None:
            raise ValueError("`mentions` and `inbox` need a `refresh_token`: they belong to an account")
        return self

    def networks(self) -> frozenset[str]:
        return frozenset({NETWORK})

    def budgets(self) -> Sequence[Budget]:
        return (self.budget,)


class Reddit:
    """The cursor holds a walk through each list, and since when what it shows is no history.

    `before` is not used: once the entry that it names is deleted, Reddit answers with nothing for ever. Each look begins at the
    newest entry, and goes on by `after`; where that leads to nothing it begins anew, once, since its entry may be deleted, too.
    """

    network = NETWORK

    def __init__(self, settings: RedditSettings, kit: Kit) -> None:
        self.purse = Purse(settings.budgets(), kit.clock)
        self._settings, self._kit = settings, kit
        self._headers = {"User-Agent": f"server:{settings.client_id}:tocsin (by /u/{settings.account})"}
        identity = f"{settings.client_id}:{settings.client_secret.get_secret_value()}".encode()
        refresh = settings.refresh_token
        self._session = oauth2(
            kit.http,
            settings.token_url,
            clock=kit.clock,
            within=settings.timeout,
            form={"grant_type": "refresh_token", "refresh_token": refresh} if refresh else {"grant_type": "client_credentials"},
            signer=InHeader(SecretStr(b64encode(identity).decode()), scheme="Basic "),
            headers=self._headers,
        )
        self._lists = _lists(settings)
        self._told: set[str] = set()  # lists that are closed: said once

    async def poll(self, cursor: str | None) -> Batch:
        """A page of each list (of those being paged, while there are any). Raises `SourceError`."""
        return await read_lists(f"reddit {self._settings.url}", cursor, self._lists, self._page)

    async def _page(self, name: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        try:
            answer = await self._ask(name, walk)
        except SourceError as error:
            if error.trouble is not Trouble.GONE:
                raise
            said = [] if name in self._told else [Rejected(name, error.detail)]
            self._told.add(name)
            return Page(walk.again(), rejected=said, kept=kept)
        things, further = answer.objects("data.children"), at(answer.json(), "data.after")
        if walk.more and not things and not kept.get("lost"):
            return Page(walk.again(), kept={**kept, "lost": True})
        own = self._settings.own_accounts
        seen, odd = understand(things, lambda thing: (Seen(str(thing["data"]["name"]), written_at(thing)), thing))
        # What the first look did not show is history; a list that was empty has none.
        since = parse_time(kept["since"]) if "since" in kept else min((each.at for each, _ in seen), default=_BEGINNING)
        ours = [thing for each, thing in seen if each.at >= since]
        found, rejected = understand([thing for thing in ours if not is_gone(thing)], lambda thing: mention(thing, own))
        gone, _ = understand([thing for thing in ours if is_gone(thing)], lambda thing: mention(thing, own).uri)
        walk, _ = walk.take([each for each, _ in seen], further if isinstance(further, str) and things else None, overlap=OVERLAP)
        return Page(
            walk,
            found,
            [*odd, *rejected],
            deleted=[Deleted(self.network, uri) for uri in gone if uri],
            rest=_rest(answer, self._kit),
            kept={"since": since.isoformat(), "lost": bool(kept.get("lost")) and walk.more},
        )

    async def conversation(self, uri: str) -> Conversation:
        """One call: the post, up to eight comments above and those below. Raises `SourceError`."""
        place = place_of(uri)
        if place is None:
            raise SourceError(Trouble.REFUSED, "a private message has no conversation that can be asked for")
        post, comment = place
        shown = {"comment": comment, "context": str(_CONTEXT)} if comment else {}
        answer = await self._get(
            f"/comments/{quote(post, safe='')}", {**shown, "depth": "10", "limit": str(BELOW), "sort": "old"}
        )
        things, whole = in_comments(answer.json())
        own = self._settings.own_accounts
        found, rejected = understand(things, lambda thing: None if is_gone(thing) else mention(thing, own))
        return Conversation([each for each in found if each is not None], whole=whole, rejected=rejected)

    async def _ask(self, name: str, walk: Walk) -> Answer:
        path, params = self._lists[name]
        return await self._get(path, {**params, **({"after": walk.at} if walk.at else {}), "limit": "100"})

    async def _get(self, path: str, params: Mapping[str, str]) -> Answer:
        self.purse.spend()
        answer = await self._kit.http.get(
            f"{self._settings.url}{path}",
            within=self._settings.timeout,
            params={**params, "raw_json": "1"},
            headers=self._headers,
            signer=self._session,
            means=_means,
        )
        if urlsplit(answer.url).path != urlsplit(f"{self._settings.url}{path}").path:
            raise SourceError(Trouble.GONE, "there is no such subreddit")  # it led to a search for its name
        return answer


def _lists(settings: RedditSettings) -> dict[str, tuple[str, Mapping[str, str]]]:
    """By their names in the cursor: where each is, and what to ask for."""
    lists: dict[str, tuple[str, Mapping[str, str]]] = {}
    if settings.mentions:
        lists["mentions"] = "/message/mentions", {"mark": "false"}
    if settings.inbox:
        lists["inbox"] = "/message/inbox", {"mark": "false"}
    for each in settings.subreddits:
        lists[f"r/{each} posts"] = f"/r/{each}/new", {}
        lists[f"r/{each} comments"] = f"/r/{each}/comments", {}
    for words in settings.searches:
        lists[f"search {words}"] = "/search", {"q": words, "sort": "new", "type": "link"}
    return lists


def _means(status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
    del headers
    reason = str(at(document, "reason"))
    if status in {403, 404} and reason in _CLOSED:
        return SourceError(Trouble.GONE, f"this subreddit is closed to us ({reason})")
    return None


def _rest(answer: Answer, kit: Kit) -> timedelta | None:
    """How long to leave it alone: when there is no call left, until there are some again."""
    try:
        left = float(answer.headers.get("x-ratelimit-remaining", "inf"))
    except ValueError:
        return None
    seconds = retry_after({"x-ratelimit-reset": answer.headers.get("x-ratelimit-reset", "")}, kit.clock.wall())
    return timedelta(seconds=seconds) if left < 1 and seconds else None


KIND = Kind(
    RedditSettings,
    Reddit,
    where="An app that Reddit has approved, from https://www.reddit.com/prefs/apps: its id and its secret.",
    page="watch-reddit.md",
    documents=(
        "https://www.reddit.com/dev/api/",
        "https://github.com/reddit-archive/reddit/wiki/API",
        "https://github.com/reddit-archive/reddit/wiki/OAuth2",
    ),
    example={"account": "my_account", "client_id": "my-app", "searches": ["{brand}"]},
)
