"""Hostile text made safe."""

from __future__ import annotations

import sys
import time
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources import text as texts
from monitor.sources.text import (
    MAX_COUNT,
    MAX_TEXT,
    canonical_uri,
    clean,
    hashtags,
    html_to_text,
    is_own,
    language_code,
    one_line,
    sanitise,
    slug,
    whole,
)
from rules.words import fold

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOSTILE = st.text(st.characters() | st.sampled_from("<>&\"'#\x00\ud83d\ude00\udc00\u202e\x1b\n\r"), max_size=200)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Bonjour</p><p>au revoir</p>", "Bonjour\n\nau revoir"),
        ("one<br>two<br />three", "one\ntwo\nthree"),
        ("caf&eacute; &amp; th&#233; &lt;3 😡", "café & thé <3 😡"),
        ('<p>see <a href="https://x.example/a">x.example/a</a> <b>now</b></p>', "see x.example/a now"),
        ("<script>evil()</script><style>p{}</style>kept", "kept"),
        ("a <!-- hidden --> b", "a b"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<ul><li>one</li><li>two</li></ul>", "one\n\ntwo"),
        ('<img alt="cat" src=x onerror=alert(1)>', ""),
        ("AT&T", "AT&T"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("", ""),
        ("a&nbsp;b\x00c\ud800", "a bc\ufffd"),
        ("line\none", "line\none"),
        ("<b>line\none</b>", "line one"),
    ],
)
def test_html_becomes_text(markup: str, text: str) -> None:
    """Blocks end lines, entities are decoded once, emoji stay, scripts go."""
    assert html_to_text(markup) == text


@pytest.mark.parametrize(
    "markup", ["<a " * 40_000, "<!--" * 30_000, "<div>" * 30_000, "&" * 100_000, "<b><i>" * 20_000, "<" * 200_000]
)
def test_hostile_html_is_cheap(markup: str) -> None:
    """What blows parsers up is cut before it is parsed; the test's time limit is the assertion."""
    assert len(html_to_text(markup)) <= MAX_TEXT


@given(HOSTILE)
@example("<p>\ud83d\ude00</p>")
def test_any_html_becomes_storable_text(markup: str) -> None:
    """No input raises, and what comes out can be stored anywhere."""
    assert_storable(html_to_text(markup))


@given(HOSTILE, st.integers(0, 300))
def test_cleaning_is_done_once(text: str, limit: int) -> None:
    """Cleaning twice changes nothing, and the limit holds."""
    once = clean(text, limit)
    assert_storable(once)
    assert len(once) <= limit
    assert clean(once, limit) == once


def assert_storable(text: str) -> None:
    """Every store and every terminal takes it."""
    text.encode()
    assert not any(ord(char) < 32 and char not in "\n\t" for char in text)


def test_surrogate_pairs_become_one_character() -> None:
    """Two escapes that belong together are an emoji; one alone is a replacement character."""
    assert clean("\ud83d\ude00 \ud83d") == "😀 \ufffd"


def test_accents_are_composed() -> None:
    """`e` with a combining accent is `é`, as every word list writes it."""
    assert clean("cafe\u0301") == "café"


@cache
def all_marks() -> list[str]:
    """All combining marks of Unicode: looking for them takes two seconds."""
    return [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.combining(unicodedata.normalize("NFKD", chr(c))[0])]


MARKS = st.deferred(lambda: st.sampled_from(all_marks()))
LETTERS = st.sampled_from("aé\u0958가ｶ😀 \x00\n!")


def longest_pile(text: str) -> int:
    """The most combining marks that stand on one letter once all is taken apart: what ordering them costs is its square."""
    longest = pile = 0
    for char in unicodedata.normalize("NFKD", text):
        pile = pile + 1 if unicodedata.combining(char) else 0
        longest = max(longest, pile)
    return longest


def test_no_pile_of_marks_is_high() -> None:
    """Whatever the combining mark, thirty are kept: even those that are three in one stay a short run."""
    assert len(all_marks()) > 900
    for mark in all_marks():
        assert longest_pile(clean("e" + (mark + "\u0316") * 100)) <= 3 * 30


def test_letters_of_any_language_keep_their_marks() -> None:
    """Thirty marks on a letter stay, and a line of emoji is no pile."""
    assert clean("q" + "\u0316" * 30 + "q" + "\u0316" * 30).count("\u0316") == 60
    assert clean("q" + "\u0316" * 31) == "q" + "\u0316" * 30
    assert clean("❤\ufe0f…" * 100) == "❤\ufe0f…" * 100


@given(
    st.lists(
        st.tuples(LETTERS, st.lists(MARKS, max_size=2), st.integers(0, 60)),
        max_size=5,
    )
)
@example([("\u0958", ["\u0316"], 30)])
@example([("e", ["\u0344"], 60), ("\x00", ["\u0301", "\u0316"], 30)])
@example([("ｶ", ["\uff9e", "\u0301"], 60)])
def test_piles_of_marks_are_cut_once(piles: list[tuple[str, list[str], int]]) -> None:
    """Nothing hides a pile (no control in its middle, no letter that is taken apart), and a second cleaning finds nothing."""
    once = clean("".join(letter + "".join(marks) * times for letter, marks, times in piles))
    assert longest_pile(once) <= 3 * 31
    assert clean(once) == once


@pytest.mark.parametrize("pair", ["\u0301\u0316", "\u0f71\u0f72", "\uff9e\u0323", "\u064b\u0655"])
def test_a_text_of_marks_costs_no_more_than_a_text_of_letters(pair: str) -> None:
    """A hundred thousand marks used to hold everything up for ten seconds; fifty times the cost of letters leaves much room."""
    letters, marks = "éà" * 50_000, "e" + pair * 50_000
    assert cost(marks) < 50 * cost(letters)


def cost(text: str) -> int:
    """The processor time of making a text ready for the rules: the least of some."""

    def once() -> int:
        began = time.process_time_ns()
        fold(clean(text))
        return time.process_time_ns() - began

    return min(once() for _ in range(3))


def test_one_line_is_one_line() -> None:
    """A name or a title has no line breaks."""
    assert one_line(" a\r\nb\tc ", 4) == "a b "


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#Panne chez #Free_Mobile !", {"panne", "free_mobile"}),
        ("c#dur http://x/y#z &#39; #123 ##", set()),
        ("#été #東京", {"été", "東京"}),
        ("＃全角", {"全角"}),
    ],
)
def test_hashtags_are_found(text: str, found: set[str]) -> None:
    """Letters of any script; fragments of addresses and bare numbers are none."""
    assert hashtags(text) == found


def test_hashtags_are_bounded() -> None:
    """A text of nothing but hashtags has a hundred of them."""
    assert len(hashtags(" ".join(f"#a{n}" for n in range(1000)))) == 100


@pytest.mark.parametrize(
    ("uri", "canonical"),
    [
        ("HTTPS://Example.ORG:443/A?utm_source=x&b=1&fbclid=2#c", "https://example.org/A?b=1#c"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org:8080/a b", "http://example.org:8080/a%20b"),
        ("https://user:pw@example.org/", "https://example.org/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("https://example.org/été?q=é", "https://example.org/été?q=é"),
        ("https://example.org/<script>", "https://example.org/%3Cscript%3E"),
        ("urn:tocsin:x:1", "urn:tocsin:x:1"),
        ("at://did:plc:abc/app.bsky.feed.post/1", "at://did:plc:abc/app.bsky.feed.post/1"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//example.org/x", None),
        ("http://", None),
        ("http://[::1", None),
        ("http://x:99999/", None),
        ("https://example.org/" + "a" * 3000, None),
        ("https://exa\nmple.org/", None),
        ("", None),
        (None, None),
    ],
)
def test_one_thing_has_one_address(uri: str | None, canonical: str | None) -> None:
    """Case, default ports and tracking do not make two; what is no link and no name is dropped."""
    assert canonical_uri(uri) == canonical


@given(HOSTILE.map(lambda text: f"https://example.org/{text}") | HOSTILE)
def test_canonical_is_final(uri: str) -> None:
    """The canonical form of a canonical address is itself, and it can stand in any text."""
    canonical = canonical_uri(uri)
    if canonical is not None:
        assert_storable(canonical)
        assert canonical_uri(canonical) == canonical
        assert not set(canonical) & set(" <>\"'\n")


@pytest.mark.parametrize(
    ("value", "count"),
    [(3, 3), (3.9, 3), ("42", 42), (2_000_000_000, 2_000_000_000), ("2000000000", 2_000_000_000), (0, 0)],
)
def test_counts_are_whole(value: object, count: int) -> None:
    """Up to two thousand millions: no account has more followers, no post more likes."""
    assert whole(value) == count


@pytest.mark.parametrize(
    "value",
    [None, True, "many", "", float("nan"), float("inf"), [], {}, "9" * 40, "-3", -1, -0.5, 2**70, "9" * 20, 1e300, 2_000_000_001],
)
def test_what_is_no_count_is_unknown(value: object) -> None:
    """Unknown stays unknown, never zero; what is absurd is unknown too, or a made-up audience would ring as a real one."""
    assert whole(value) is None


def test_an_absurd_audience_is_unknown() -> None:
    """Of the author as of the post."""
    engagement = Engagement(replies=-1, shares=2**70, likes=7)
    safe = sanitise(mention(author=Author("ann", "ann", reach=2**70), engagement=engagement))
    assert safe.author is not None
    assert (safe.author.reach, safe.engagement) == (None, Engagement(likes=7))


@pytest.mark.parametrize(
    ("value", "code"),
    [("fr", "fr"), ("fr-FR", "fr"), ("EN_us", "en"), ("und", None), ("", None), (None, None), ("français", None), (5, None)],
)
def test_language_tags(value: object, code: str | None) -> None:
    """Only the language is kept, and only if it is one."""
    assert language_code(value) == code


@pytest.mark.parametrize(
    ("handle", "own"),
    [
        ("Acme", True),
        ("@acme", True),
        ("acme@social.example", True),
        ("acme_fan", False),
        ("", False),
        ("press@news.example", True),
        ("press@other.example", False),
    ],
)
def test_our_own_accounts_are_recognised(handle: str, *, own: bool) -> None:
    """Case and a leading @ do not matter; a name without a server is ours on every server."""
    assert is_own(handle, ("@ACME", "press@news.example")) is own


def test_slugs() -> None:
    """A value from data becomes something that can be part of a name."""
    assert (slug("Société Générale !"), slug("東京"), slug("a" * 99)) == ("societe-generale", "", "a" * 64)


def mention(**fields: Any) -> Mention:
    """A plain mention with these fields."""
    return replace(Mention("web", "hello", NOW), **fields)


def test_a_clean_mention_stays_as_it_is() -> None:
    """Nothing is changed that need not be."""
    clean_one = mention(
        uri="https://example.org/1",
        form=Form.REVIEW,
        title="A title",
        author=Author("a1", "ann", "Ann", 5, verified=True, own=True),
        language="fr",
        parent="https://example.org/0",
        engagement=Engagement(1, 2, 3),
        hashtags=frozenset({"panne"}),
        subjects=frozenset({"acme"}),
        sensitive=True,
    )
    assert sanitise(clean_one, NOW) == clean_one


def test_the_future_is_not_believed() -> None:
    """A clock that runs ahead is brought back; a little ahead is normal; the past before computers is 1970."""
    assert sanitise(mention(written_at=NOW + timedelta(days=900)), NOW).written_at == NOW + timedelta(minutes=5)
    assert sanitise(mention(written_at=NOW + timedelta(minutes=1)), NOW).written_at == NOW + timedelta(minutes=1)
    assert sanitise(mention(written_at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9))))).written_at.year == 1970
    assert sanitise(mention(written_at=datetime(2026, 1, 1))).written_at == datetime(2026, 1, 1, tzinfo=UTC)  # noqa: DTZ001
    far = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-9)))
    assert sanitise(mention(written_at=far), NOW).written_at == NOW + timedelta(minutes=5)


def test_an_author_without_any_name_is_none() -> None:
    """An empty id would make one person of all strangers."""
    assert sanitise(mention(author=Author("\x00", " "))).author is None
    assert sanitise(mention(author=Author("", "Ann"))).author == Author("Ann", "Ann")


WILD = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.booleans()


@given(
    st.builds(
        Mention,
        network=HOSTILE,
        text=HOSTILE,
        written_at=st.datetimes() | st.datetimes(timezones=st.timezones()),
        uri=st.none() | HOSTILE,
        title=HOSTILE,
        author=st.none() | st.builds(Author, HOSTILE, HOSTILE, HOSTILE, reach=WILD, verified=WILD, own=st.booleans()),
        language=WILD,
        parent=st.none() | HOSTILE,
        engagement=st.builds(Engagement, WILD, WILD, WILD),
        hashtags=st.frozensets(HOSTILE, max_size=4),
        subjects=st.frozensets(HOSTILE, max_size=4),
        sensitive=WILD,
    )
)
def test_whatever_came_in_can_be_stored(raw: Mention) -> None:
    """Never an error; every text encodable and without controls, every count within a database's range, every time sane."""
    safe = sanitise(raw, NOW)
    for text in (safe.network, safe.text, safe.title, safe.uri or "", safe.parent or "", *safe.hashtags, *safe.subjects):
        assert_storable(text)
    if safe.author:
        for text in (safe.author.id, safe.author.handle, safe.author.name):
            assert_storable(text)
        assert safe.author.reach is None or 0 <= safe.author.reach <= MAX_COUNT
    assert safe.network
    assert datetime(1970, 1, 1, tzinfo=UTC) <= safe.written_at <= NOW + timedelta(minutes=5)
    assert safe.sensitive in {None, True, False}
    assert sanitise(safe, NOW) == safe


@given(st.from_regex(texts._CANONICAL, fullmatch=True))
def test_what_is_taken_for_canonical_at_a_glance_is(uri: str) -> None:
    """The short cut for plain addresses gives what taking them apart gives."""
    assert texts._canonical(uri) == uri


def test_an_absurdly_long_address_is_none() -> None:
    """And is not looked at any closer."""
    assert canonical_uri("https://x.example/" + "a" * 10_000) is None
