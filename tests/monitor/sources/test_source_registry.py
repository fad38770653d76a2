"""From settings to a source, and a first look at what it brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from monitor.domain.clock import ManualClock
from monitor.sources import (
    FeedSettings,
    FileSettings,
    HttpClient,
    HttpSettings,
    MastodonSettings,
    SourceUnion,
    WebhookSourceSettings,
    build,
    preview,
)
from monitor.sources.feed import Feed
from monitor.sources.file import File
from monitor.sources.mastodon import Mastodon
from monitor.sources.webhook import WebhookSource
from monitor.testing import AtOnce, Site, trouble_of

SETTINGS: TypeAdapter[SourceUnion] = TypeAdapter(SourceUnion)
MINIMAL: list[tuple[dict[str, Any], type]] = [
    ({"kind": "feed", "url": "https://x.example/feed"}, Feed),
    ({"kind": "mastodon", "url": "https://x.example", "hashtags": ["a"]}, Mastodon),
    ({"kind": "webhook", "secret": "s3cret"}, WebhookSource),
    ({"kind": "file", "path": "posts.jsonl"}, File),
]


class NoInbox:
    """Nobody called."""

    async def pending(self, source: str, limit: int, most: int) -> list[Any]:
        return []

    async def processed(self, id_: int, at: object, error: str | None = None) -> None:
        raise AssertionError("a preview marks nothing")


@pytest.mark.parametrize(("given", "kind"), MINIMAL)
def test_few_lines_make_a_source(given: dict[str, Any], kind: type, http: HttpClient, clock: ManualClock) -> None:
    """A kind and an address are enough, and the source knows its network."""
    source = build("mine", SETTINGS.validate_python(given), http=http, clock=clock, inbox=NoInbox(), workshop=AtOnce())
    assert isinstance(source, kind)
    assert source.network


@pytest.mark.parametrize("given", [{"kind": "carrier pigeon"}, {}, {"kind": "feed", "url": "https://x.example", "evry": 5}])
def test_an_unknown_kind_or_key_is_an_error(given: dict[str, Any]) -> None:
    """A misspelt setting is never ignored."""
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(given)


@pytest.mark.parametrize("model", [FeedSettings, MastodonSettings, WebhookSourceSettings, FileSettings, HttpSettings])
def test_every_setting_is_described(model: type[BaseModel]) -> None:
    """The reference is made of these descriptions."""
    assert [name for name, info in model.model_fields.items() if not info.description] == []
    assert model.__doc__


async def test_a_preview_shows_the_newest(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Cleaned as they would be stored, with a word about the rest."""
    items = "".join(
        f"<item><title>t{n}</title><link>https://x.example/{n}?utm_source=rss</link>"
        f"<pubDate>Mon, 02 Mar 2026 07:0{n}:00 GMT</pubDate></item>"
        for n in range(5)
    )
    site.says(200, f'<rss version="2.0"><channel>{items}<item/></channel></rss>')
    source = build("mine", FeedSettings(kind="feed", url=site.url), http=http, clock=clock, inbox=NoInbox(), workshop=AtOnce())
    seen = await preview(source, 2)
    assert [mention.uri for mention in seen.mentions] == ["https://x.example/3", "https://x.example/4"]
    assert (len(seen.rejected), seen.note) == (1, "Shown are the newest 2 of 5.")
    assert (await preview(source)).note == ""


async def test_a_preview_of_nothing_says_so(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """An empty feed is no error, and a webhook explains itself."""
    site.says(200, '<rss version="2.0"><channel></channel></rss>')
    feed = build("mine", FeedSettings(kind="feed", url=site.url), http=http, clock=clock, inbox=NoInbox(), workshop=AtOnce())
    assert "nothing in it" in (await preview(feed)).note
    hook = build("hook", SETTINGS.validate_python(MINIMAL[2][0]), http=http, clock=clock, inbox=NoInbox(), workshop=AtOnce())
    assert "waits to be called" in (await preview(hook)).note


async def test_a_preview_of_a_file_begins_at_its_beginning(tmp_path: Path, http: HttpClient, clock: ManualClock) -> None:
    """The first lines tell whether the mapping fits."""
    path = tmp_path / "posts.csv"
    path.write_text("date,text\n" + "".join(f"2026-03-01,post {n}\n" for n in range(600)))
    source = build("mine", FileSettings(kind="file", path=str(path)), http=http, clock=clock, inbox=NoInbox(), workshop=AtOnce())
    seen = await preview(source, 1)
    assert ([mention.text for mention in seen.mentions], seen.note) == (["post 0"], "Shown are the first 1 of 500 and more.")


async def test_a_preview_that_fails_says_why(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """The trouble is raised as it is."""
    site.says(404)
    source = build("mine", FeedSettings(kind="feed", url=site.url), http=http, clock=clock, inbox=NoInbox(), workshop=AtOnce())
    assert "check the address" in (await trouble_of(preview(source))).detail
