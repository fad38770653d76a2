"""Which sources there are, how one is built from its settings, and how it is tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from monitor.domain.clock import Clock
from monitor.domain.mention import Mention
from monitor.packaged import shipped
from monitor.sources.appstore import KIND as APP_STORE
from monitor.sources.base import Attentive, Batch, Deleted, Rejected, Source, SourceSettings
from monitor.sources.bluesky import KIND as BLUESKY
from monitor.sources.facebook import FACEBOOK
from monitor.sources.feed import Feed, FeedSettings
from monitor.sources.file import File, FileSettings
from monitor.sources.http import GuardedClient, HttpClient, HttpSettings
from monitor.sources.imap import KIND as IMAP
from monitor.sources.instagram import INSTAGRAM
from monitor.sources.jetstream import JETSTREAM, Jetstream
from monitor.sources.json_kinds import JSON, shipped_kinds
from monitor.sources.kinds import Kind, Kit, gathered
from monitor.sources.mastodon import Mastodon
from monitor.sources.mastodon_settings import MastodonSettings
from monitor.sources.mastodon_stream import MastodonStream
from monitor.sources.reddit import KIND as REDDIT
from monitor.sources.text import html_to_text, sanitise
from monitor.sources.tumblr import KIND as TUMBLR
from monitor.sources.webhook import Inbox, InboxItem, Refused, WebhookSource, WebhookSourceSettings
from monitor.sources.x import X
from monitor.sources.x_settings import XSettings
from monitor.sources.youtube import KIND as YOUTUBE
from monitor.workshop.pool import Workshop


def _mastodon(settings: MastodonSettings, kit: Kit) -> Source:
    looking = Mastodon(settings, kit.http)
    return MastodonStream(settings, kit, looking) if settings.stream else looking


_OURS: tuple[Kind[Any], ...] = (
    Kind(
        FeedSettings,
        lambda settings, kit: Feed(settings, kit.http, kit.clock, kit.workshop),
        where="No key: the address is all. A password, if it has one, stands in the address.",
        page="add-a-source.md",
        documents=(
            "https://www.rssboard.org/rss-specification",
            "https://www.rfc-editor.org/rfc/rfc4287",
            "https://www.rfc-editor.org/rfc/rfc4685",
            "https://www.jsonfeed.org/version/1.1/",
        ),
        example={"url": "https://news.example.org/rss"},
    ),
    Kind(
        MastodonSettings,
        _mastodon,
        where="For hashtags none on most servers; else an access token, from the server's Preferences, Development.",
        page="watch-mastodon.md",
        documents=(
            "https://docs.joinmastodon.org/methods/timelines/",
            "https://docs.joinmastodon.org/methods/notifications/",
            "https://docs.joinmastodon.org/methods/search/",
            "https://docs.joinmastodon.org/methods/accounts/#statuses",
            "https://docs.joinmastodon.org/methods/streaming/",
            "https://docs.joinmastodon.org/entities/Status/",
        ),
        example={"url": "https://mastodon.example.org", "hashtags": ["{tag}"]},
    ),
    Kind(
        WebhookSourceSettings,
        lambda settings, kit: WebhookSource(kit.name, settings, kit.clock, kit.inbox),
        where="A secret that you choose, and give to whoever calls: `openssl rand -base64 32`, after `whsec_`.",
        page="add-a-source.md",
        documents=("https://www.standardwebhooks.com",),
    ),
    Kind(FileSettings, lambda settings, kit: File(settings, kit.clock), page="add-a-source.md", example={"path": "posts.csv"}),
    Kind(
        XSettings,
        X,
        where="Paid by what is read: the bearer token of an app, from https://console.x.com.",
        page="watch-x.md",
        documents=(
            "https://docs.x.com/x-api/posts/search/introduction",
            "https://docs.x.com/x-api/posts/search/integrate/operators",
            "https://docs.x.com/x-api/posts/timelines/integrate",
            "https://docs.x.com/x-api/getting-started/pricing",
        ),
        example={"names": ["{brand}"], "budget": [{"amount": 60, "per": "month"}]},
    ),
    YOUTUBE,
    APP_STORE,
    REDDIT,
    TUMBLR,
    BLUESKY,
    FACEBOOK,
    INSTAGRAM,
    IMAP,
    JETSTREAM,
    JSON,
    *shipped_kinds(shipped() / "sources"),
)
KINDS, _UNUSABLE = gathered(_OURS)

if TYPE_CHECKING:
    SourceUnion = SourceSettings
else:
    SourceUnion = Annotated[Union[tuple(kind.settings for kind in KINDS.values())], Field(discriminator="kind")]  # noqa: UP007


def unusable() -> Sequence[str]:
    """What is wrong with installed packages of sources, one sentence each: their kinds do not exist."""
    return _UNUSABLE


def build(name: str, settings: SourceSettings, *, http: HttpClient, clock: Clock, inbox: Inbox, workshop: Workshop) -> Source:
    """The source that the settings describe, ready to be polled."""
    return KINDS[settings.kind].build(settings, Kit(name, http, clock, inbox, workshop))


@dataclass(frozen=True, slots=True)
class Preview:
    """What a source understood, as it would be stored; nothing was. `note` says what a person should know about it."""

    mentions: Sequence[Mention]
    rejected: Sequence[Rejected]
    note: str = ""


async def preview(source: Source, limit: int = 20) -> Preview:
    """Poll once from the beginning and show the newest `limit` mentions. Stores nothing. Raises `SourceError`."""
    try:
        batch = await source.poll(None)
    finally:
        if isinstance(source, Attentive):
            await source.close()
    mentions = [sanitise(mention) for mention in batch.mentions]
    shown = mentions[:limit] if isinstance(source, File) else mentions[-limit:]
    return Preview(shown, batch.rejected, _note(source, len(mentions), limit, more=batch.more))


def _note(source: Source, found: int, limit: int, *, more: bool) -> str:
    if isinstance(source, WebhookSource):
        return "A webhook waits to be called: shown is what came in and is not processed yet."
    if not found and isinstance(source, Jetstream):
        return "The stream is open, and brings what is said from now on: nothing that is looked for came within a moment."
    if not found:
        return "The source answered, and there is nothing in it at the moment."
    if found > limit or more:
        which = "first" if isinstance(source, File) else "newest"
        return f"Shown are the {which} {min(found, limit)} of {found}{' and more' if more else ''}."
    return ""


__all__ = [
    "KINDS",
    "Batch",
    "Deleted",
    "FeedSettings",
    "FileSettings",
    "GuardedClient",
    "HttpClient",
    "HttpSettings",
    "Inbox",
    "InboxItem",
    "Kind",
    "Kit",
    "MastodonSettings",
    "Preview",
    "Refused",
    "Rejected",
    "Source",
    "SourceSettings",
    "SourceUnion",
    "WebhookSource",
    "WebhookSourceSettings",
    "XSettings",
    "build",
    "html_to_text",
    "preview",
    "sanitise",
    "unusable",
]
