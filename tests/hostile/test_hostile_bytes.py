"""Any bytes through any source's decoding: the documented errors and nothing else; and what is stored comes back as it was."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.hostile import NOW, TEXTS, hostile
from monitor.domain.mention import Enriched, Scores
from monitor.sources import strict_json
from monitor.sources.decoding import Decoder, NotTextError
from monitor.sources.feed_document import NoFeedError, read
from monitor.sources.mapping import Mapper, MappingSettings, UnreadableError
from monitor.sources.records import Splitter
from monitor.sources.text import sanitise
from monitor.storage import Store

ANY_TEXT = st.text(st.characters(), max_size=200)  # lone surrogates included
ODD = st.sampled_from([2**63, 10**30, "1e999", "NaN", "\0", "2026-03-01"])
NAMES = st.sampled_from(["text", "date", "id", "author", "user"]) | ANY_TEXT
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
PIECES = (
    *("<rss version='2.0'><channel>", "<item>", "</item>", "<title>", "</title>", "<link>", "</link>", "<guid>", "http://["),
    *("<feed xmlns='http://www.w3.org/2005/Atom'>", "<entry>", "<content type='base64'>", "<content type='xhtml'>", "<author>"),
    *("<![CDATA[", "]]>", "&#xD800;", "&x;", "<pubDate>", "99999-99-99T99:99:99Z", "Mon, 32 Foo", "<category term='", "'/>"),
    *("<", ">", "javascript:x"),
)
FEEDS = st.lists(st.sampled_from(PIECES) | ANY_TEXT, max_size=30)
NUMBERS = itertools.count()


@pytest.mark.fault("hostile", "arbitrary bytes where JSON should be")
@given(st.binary(max_size=300) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_json_or_are_not(raw: bytes) -> None:
    """Strict JSON gives a value, or says why there is none."""
    with suppress(strict_json.NotJsonError):
        strict_json.loads(raw)


@pytest.mark.fault("hostile", "arbitrary bytes where a file of records should be")
@given(st.binary(max_size=300), st.booleans(), st.sampled_from(["utf-8", "cp1252", "latin-1"]))
@example(b'"\n\xff\n\xfe\0,\n""",', True, "utf-8")
def test_any_file_is_records_or_reasons(raw: bytes, csv: bool, encoding: str) -> None:
    """Every record is fields or has a reason, and every byte is accounted for."""
    splitter, decoder, mapper = Splitter(csv), Decoder(csv, encoding, None, None), Mapper(MappingSettings(network="web"))
    splitter.push(raw)
    splitter.finish()
    while (record := splitter.peek(final=True)) is not None:
        with suppress(UnreadableError, NotTextError):
            fields = decoder.fields(record)
            if fields is not None:
                sanitise(mapper.mention(fields), NOW)
        splitter.take()
    assert splitter.offset == len(raw)


@pytest.mark.fault("hostile", "arbitrary JSON where a mention should be")
@given(ANY_JSON)
def test_any_json_is_a_mention_or_has_a_reason(value: Any) -> None:
    """Wrong types, odd names, numbers that are none: nothing else is raised, and a mention is fit to be stored."""
    with suppress(UnreadableError):
        sanitise(Mapper(MappingSettings(network="web", html=True)).mention(value, default_time=NOW), NOW).text.encode()


@pytest.mark.fault("hostile", "arbitrary bytes where a feed should be")
@settings(max_examples=200)
@given(st.binary(max_size=300) | FEEDS.map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")))
@example(b"<rss version='2.0'><channel><item><link>http://[</link><title>x</title></item>")
def test_any_bytes_are_a_feed_or_are_not(raw: bytes) -> None:
    """A feed's reader gives entries in plain text, or says what to do."""
    with suppress(NoFeedError):
        document = read(raw, "https://x.example/feed", {"content-type": "application/rss+xml"})
        assert all("\0" not in entry.text + entry.title for entry in document.entries)


@pytest.mark.fault("hostile", "a mention holds whatever databases refuse: NUL, lone surrogates, numbers beyond 2^63")
@settings(max_examples=15)
@given(ANY_TEXT)
@example("".join(TEXTS.values()))
@example("\0\ud800\U0010ffff\ufffe")
async def test_what_is_stored_comes_back(store: Store, said: str) -> None:
    """Cleaned at intake, it goes through SQLite and PostgreSQL unchanged."""
    mention = replace(sanitise(hostile(said), NOW), uri=f"https://x.example/{next(NUMBERS)}")
    async with store.begin() as tx:
        item = Enriched(mention, mention.subjects, mention.hashtags, Scores())
        added = await tx.mentions.add([item], source="net", seen_at=NOW)
        await tx.commit()
    async with store.read() as tx:
        (seen,) = await tx.mentions.get(added.new)
    assert (seen.text, seen.title, seen.url) == (mention.text, mention.title, mention.uri)
    assert (seen.hashtags, seen.subjects) == (mention.hashtags, mention.subjects)
    assert seen.author.name == (mention.author.name if mention.author else "")
