"""What other projects recorded of real servers, and the feeds they collected: all of it is understood, and nothing is lost."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from monitor.domain.clock import ManualClock
from monitor.sources.feed import Feed, FeedSettings
from monitor.sources.feed_document import Document, NoFeedError, read
from monitor.sources.mastodon import MastodonSettings
from monitor.sources.mastodon_posts import Reader
from monitor.sources.mastodon_threads import Threads
from monitor.sources.reddit_things import mention
from monitor.sources.text import html_to_text
from tests.archives import files

pytestmark = pytest.mark.no_cover  # tens of thousands of entries, and no line that the other tests do not reach

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SAID = {"title", "description", "summary", "content", "encoded", "body", "fullitem"}
_DRAWN = {"atommathml.xml", "atomsvgdesc.xml", "atomsvgtitle.xml"}  # what formulas and drawings are called is not shown


def objects(recorded: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All JSON objects within the answers of cassettes, each answer once."""
    known = set()
    for cassette in recorded:
        for each in cassette.get("interactions", ()):
            said = each["response"]["body"].get("string")
            if said and said not in known:
                known.add(said)
                yield from within(document(said))


def document(said: str | bytes) -> Any:
    """The JSON of an answer; None where it is a picture, or a page."""
    try:
        return json.loads(said)
    except ValueError:
        return None


def within(value: Any) -> Iterator[dict[str, Any]]:
    """An object and all objects in it."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from within(each)


def bare(text: str) -> str:
    """A text without blanks."""
    return "".join(text.split())


def test_what_mastodon_servers_said() -> None:
    """Every status in the cassettes of Mastodon.py becomes a mention, with its words, address, author and figures."""
    reader = Reader(
        MastodonSettings(kind="mastodon", url="https://x.example", hashtags=("x",)), Threads(lambda _: pytest.fail("asked"))
    )
    cassettes = (
        yaml.load(raw, _LOADER) for path, raw in files("mastodon.py", "2.3.3", "tests/cassettes") if path.endswith(".yaml")
    )
    number = 0
    for each in objects(cassettes):
        if not {"content", "account", "created_at", "visibility"} <= each.keys() or each.get("reblog"):
            continue
        number += 1
        found, rejected = reader.read([each])
        assert rejected == [], each
        said = found[str(each["id"])]
        words = html.unescape(re.sub(r"<[^>]+>", "", each["content"]))
        assert bare(said.text) == bare(words) or not words, each["content"]
        assert (said.uri, said.engagement.likes) == (each["uri"], each["favourites_count"])
        assert said.author is not None
        assert said.author.handle.startswith(each["account"]["acct"])
    assert number > 500


def test_what_reddit_said() -> None:
    """Every comment, post and message in the cassettes of Async PRAW becomes a mention with its words."""
    number = 0
    for each in objects(json.loads(raw) for _, raw in files("asyncpraw", "8.0.3", "tests/integration/cassettes")):
        if each.get("kind") not in {"t1", "t3", "t4"} or not isinstance(each.get("data"), dict):
            continue
        number += 1
        said = mention(each, ())
        assert bare(each["data"].get("body", each["data"].get("selftext")) or "") in bare(said.text)
    assert number > 20_000


def test_the_feeds_of_feedparser() -> None:
    """Well-formed or not, none is too much for us; every entry that shows any words is brought with some."""
    url = "https://x.example/feed"
    feed = Feed(FeedSettings(kind="feed", url=url), None, ManualClock(datetime(2026, 3, 1, tzinfo=UTC)), None)  # type: ignore[arg-type]
    number = 0
    for path, raw in files("feedparser", "6.0.14", "tests/"):
        if not path.endswith(".xml"):
            continue
        number += 1
        try:
            understood = read(raw, url, {"content-type": "application/xml"})
        except NoFeedError:
            assert not any(map(shown, entries(raw))), path
            continue
        mentions, rejected = feed._understand(understood, url)
        assert len(mentions) + len(rejected) == len(understood.entries), path
        if path.rpartition("/")[2] not in _DRAWN:
            assert lost(understood, entries(raw)) == [], path
    assert number > 2_000


def entries(raw: bytes) -> list[ET.Element]:
    """The entries of a feed, by another parser; of one that is not well-formed, none."""
    try:
        root = ET.fromstring(raw)
    except (ET.ParseError, ValueError, LookupError):
        return []
    return [each for each in root.iter() if _name(each) in {"item", "entry"}]


def lost(understood: Document, there: list[ET.Element]) -> list[str]:
    """The words of entries that came without any; and that there are fewer entries than there should be."""
    if there and len(there) != len(understood.entries):
        return [f"{len(there)} entries, {len(understood.entries)} understood"]
    pairs = zip(understood.entries, there, strict=False)
    return [words for entry, element in pairs if not (entry.title or entry.text) and (words := shown(element))]


def shown(entry: ET.Element) -> str:
    """What an entry shows."""
    return html_to_text(" ".join(text for part in entry if _name(part) in _SAID for text in part.itertext()))


def _name(element: ET.Element) -> str:
    return str(element.tag).rsplit("}", maxsplit=1)[-1].lower()
