"""What can be set for Bluesky, and what is wrong with it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from monitor.sources.base import SourceSettings
from monitor.sources.bluesky_posts import COLLECTION, NETWORK
from monitor.sources.feed import server_address

_DID = r"did:[a-z]+:[A-Za-z0-9._:%-]+"
_HANDLE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*"
_ACCOUNT = re.compile(rf"{_DID}|{_HANDLE}")
_POST = re.compile(rf"(?:https://bsky\.app/profile/({_DID}|{_HANDLE})/post/|at://({_DID}|{_HANDLE})/{COLLECTION}/)([\w~.:-]+)")


def is_actor(written: str) -> bool:
    """Whether it may be an account on Bluesky."""
    return _ACCOUNT.fullmatch(written.strip().removeprefix("@")) is not None


def actor(written: str) -> str:
    """A handle or a DID as it is asked for. Raises `ValueError`."""
    if not is_actor(written):
        raise ValueError(f"{written[:80]!r} is no account on Bluesky: write its handle (acme.bsky.social) or its DID")
    who = written.strip().removeprefix("@")
    return who if who.startswith("did:") else who.lower()


def _post(written: str) -> str:
    found = _POST.fullmatch(written.strip())
    if not found:
        raise ValueError(f"{written[:80]!r} is no post: write its address, https://bsky.app/profile/NAME/post/…")
    return f"at://{found[1] or found[2]}/{COLLECTION}/{found[3]}"


class BlueskySettings(SourceSettings):
    """Bluesky: posts that mention, answer or quote an account, what a search finds, threads, and what `own_accounts` write.

    The first look takes the newest 100 of each list (30 of an account's own); from then on every post is read. The last 500 posts
    that were brought are looked at again in turns, 100 at each look: so deletions are seen, and how the public reacts.
    """

    kind: Literal["bluesky"] = Field(description="Bluesky, or another network of the AT Protocol with its API")
    account: Annotated[str, AfterValidator(actor)] = Field(description="the account that asks: its handle, or its DID")
    password: SecretStr = Field(description="an app password of that account")
    mentions: bool = Field(True, description="false to leave out posts that mention, answer or quote the account")
    searches: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description='what posts are searched for, as in the app: words, a "phrase", a #hashtag, domain:acme.com'
    )
    threads: tuple[Annotated[str, AfterValidator(_post)], ...] = Field(
        (), description="posts whose answers are read at each look: their addresses at bsky.app, or at://"
    )
    url: Annotated[str, AfterValidator(server_address)] = Field(
        "https://bsky.social", description="the server where the account lives"
    )

    def networks(self) -> frozenset[str]:
        return frozenset({NETWORK})
