"""What can be set for a server with the Mastodon API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from monitor.sources.base import SourceSettings
from monitor.sources.feed import server_address

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _tag(name: str) -> str:
    tag = name.strip().lstrip("#").casefold()
    if not tag:
        raise ValueError("a hashtag has at least one letter")
    return tag


class MastodonSettings(SourceSettings):
    """Hashtags, mentions, searches and accounts on one server (Mastodon, GoToSocial, Pleroma and others with the same API).

    The first look takes the newest 40 posts of each; from then on every post is read, however many there are between two looks.

    What `own_accounts` say there is read, too: what they answer is known to be answered. That is one request an account and look,
    and one more for each post that they answer and that was not seen since the start. Answers in private need the `token` of the
    account that gives them.
    """

    kind: Literal["mastodon"] = Field(description="a server with the Mastodon API")
    url: Annotated[str, AfterValidator(server_address)] = Field(description="the server, for instance https://mastodon.social")
    token: SecretStr | None = Field(
        None,
        description="an access token; mentions need one with read:statuses and read:notifications, searches one with read:search",
    )
    hashtags: tuple[Annotated[str, AfterValidator(_tag)], ...] = Field(
        (), description="hashtags to watch, with or without the sign"
    )
    mentions: bool = Field(False, description="true to read the posts that mention the token's account")
    searches: tuple[Words, ...] = Field(
        (),
        description="what to search for, in the server's syntax, one request each a look; found are posts whose authors allow it,"
        " where the server has full-text search",
    )
    accounts: tuple[Words, ...] = Field(
        (),
        description="accounts whose posts are read, such as a competitor's, as far as this server has them: `@name@server`",
    )
    network: str = Field("mastodon", min_length=1, max_length=32, description="the network its posts are counted under")
    overlap: timedelta = Field(
        timedelta(minutes=15),
        ge=timedelta(0),
        description="how far back each look reaches: posts of other servers come late, with ids of their own time",
    )
    look_again: int = Field(
        200,
        ge=0,
        le=1000,
        description="how many of the newest posts are looked at again for edits, likes and deletions, in turn: 20 by one request"
        " a look, where the server can (Mastodon 4.3); 0 for none",
    )

    stream: bool = Field(
        False,
        description="true to look at once when the server's stream says that a post with one of `hashtags`, or a mention, came",
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.stream and self.token is None:
            raise ValueError("`stream: true` needs a `token`: servers stream to accounts only")
        if self.stream and not (self.hashtags or self.mentions):
            raise ValueError("`stream: true` needs `hashtags`, or `mentions: true`: servers stream nothing else of this")
        if not (self.hashtags or self.mentions or self.searches or self.accounts):
            raise ValueError("nothing to watch: name `hashtags`, `searches` or `accounts`, or set `mentions: true`")
        if self.mentions and self.token is None:
            raise ValueError("`mentions: true` needs a `token`: notifications belong to an account")
        if self.searches and self.token is None:
            raise ValueError("`searches` need a `token`: servers search for their members alone")
        return self

    def networks(self) -> frozenset[str]:
        return frozenset({self.network})
