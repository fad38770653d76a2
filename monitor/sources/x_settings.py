"""What can be set for X, and what is wrong with it: https://docs.x.com/x-api/posts/search/integrate/build-a-query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.sources.base import SourceSettings
from monitor.sources.budget import Budget
from monitor.sources.feed import web_address

LONGEST_QUERY = 512  # letters; what X sells without a contract
LEAST = 10  # posts of a search: X gives no smaller page


def _handle(written: str) -> str:
    handle = written.strip().removeprefix("@")
    if not re.fullmatch(r"[A-Za-z0-9_]{1,15}", handle):
        raise ValueError(f"{written[:40]!r} is no handle on X: up to 15 letters without accents, digits and _")
    return handle


def _hashtag(written: str) -> str:
    tag = written.strip().lstrip("#\uff03")
    if not re.fullmatch(r"\w+", tag) or tag.isdigit():
        raise ValueError(f"{written[:40]!r} is no hashtag: letters and digits without spaces")
    return tag


def _name(written: str) -> str:
    name = " ".join(written.split())
    if not name or '"' in name:
        raise ValueError(f"{written[:40]!r} is no name to search for: write words, without quotation marks")
    return name


class XBudget(Budget):
    """So much in a period of the calendar."""

    of: Literal["dollars", "posts"] = Field("dollars", description="what is counted")

    def counts(self) -> str:
        return self.of


class XSettings(SourceSettings):
    """Posts on X (API v2) that a search finds, that mention your account, and what that writes itself.

    X takes money for each post and each author that it gives, once a day (UTC). The source asks for no more than its budgets
    hold; when one is used up it rests until the next period, and `ops` are told. The first look takes the newest 10 posts.
    """

    kind: Literal["x"] = Field(description="X, once Twitter")
    token: SecretStr = Field(description="the app's bearer token")
    names: tuple[Annotated[str, AfterValidator(_name)], ...] = Field((), description="names and phrases to search for")
    handles: tuple[Annotated[str, AfterValidator(_handle)], ...] = Field(
        (), description="accounts: posts that mention or answer one of them"
    )
    hashtags: tuple[Annotated[str, AfterValidator(_hashtag)], ...] = Field((), description="hashtags, with or without the sign")
    query: str | None = Field(
        None, min_length=1, description="a search in X's own language, in place of `names`, `handles` and `hashtags`"
    )
    account: Annotated[str, AfterValidator(_handle)] | None = Field(
        None, description="your account: posts that mention it are read, and what it writes, so that answers are known"
    )
    retweets: bool = Field(False, description="true takes what is only passed on for mentions, too")
    budget: tuple[XBudget, ...] = Field(
        min_length=1, description="what may be spent: dollars or posts a day or month, or several of these"
    )
    price: float = Field(
        0.005,
        ge=0,
        description="dollars for a post; the default is what docs.x.com/x-api/getting-started/pricing said in August 2026",
    )
    price_author: float = Field(0.01, ge=0, description="dollars for an author, likewise")
    overlap: timedelta = Field(
        timedelta(minutes=2),
        ge=timedelta(0),
        description="how far back each look reaches: figures of these posts are read again, which X counts once a day",
    )
    url: Annotated[str, AfterValidator(lambda written: web_address(written).rstrip("/"))] = Field(
        "https://api.x.com", description="the API's address"
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        words = (*self.names, *self.handles, *self.hashtags)
        if self.query and words:
            raise ValueError("`query` is the whole search: write `names`, `handles` and `hashtags` into it, or leave it out")
        if not (self.query or words or self.account):
            raise ValueError("nothing to watch: give `names`, `handles`, `hashtags` or a `query`, or your `account`")
        length = len(self.search())
        if length > LONGEST_QUERY:
            raise ValueError(f"the search has {length} letters, and X takes {LONGEST_QUERY}: divide it among two sources")
        return self

    @model_validator(mode="after")
    def _can_pay(self) -> Self:
        if len({(each.of, each.per) for each in self.budget}) < len(self.budget):
            raise ValueError("two entries of `budget` count the same for the same period: keep the lower")
        least = {"posts": float(LEAST), "dollars": LEAST * (self.price + self.price_author)}
        for each in self.budget:
            if each.amount < least[each.of]:
                raise ValueError(
                    f"a budget of {each.amount:g} {each.of} is never enough to ask: the smallest request is one for"
                    f" {LEAST} posts with their authors, up to {least[each.of]:g} {each.of}"
                )
        return self

    def search(self) -> str:
        """The query as it is sent; empty where nothing is searched for."""
        words = [*(f'"{each}"' for each in self.names), *(f"@{each}" for each in self.handles)]
        said = self.query or " OR ".join([*words, *(f"#{each}" for each in self.hashtags)])
        return said if not said or self.retweets or "is:retweet" in said else f"({said}) -is:retweet"

    def networks(self) -> frozenset[str]:
        return frozenset({"x"})

    def budgets(self) -> Sequence[Budget]:
        return self.budget
