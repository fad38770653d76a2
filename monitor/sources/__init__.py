"""One module per network, a registry, and the one HTTP client they share.

What the registry offers is imported when it is first asked for: a worker that parses a feed needs neither HTTP nor settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.sources.registry import (
        KINDS,
        Batch,
        Deleted,
        FeedSettings,
        FileSettings,
        GuardedClient,
        HttpClient,
        HttpSettings,
        Inbox,
        InboxItem,
        Kind,
        Kit,
        MastodonSettings,
        Preview,
        Refused,
        Rejected,
        Source,
        SourceSettings,
        SourceUnion,
        WebhookSource,
        WebhookSourceSettings,
        build,
        html_to_text,
        preview,
        sanitise,
        unusable,
    )

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
    "build",
    "html_to_text",
    "preview",
    "sanitise",
    "unusable",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from monitor.sources import registry  # noqa: PLC0415 - the reason stands above

    return getattr(registry, name)
