"""From somebody's record to a mention."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.mapping import Mapper, MappingSettings, UnreadableError, named, walk

MOMENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RECORD = {"text": "Nothing works", "created_at": "2026-03-01T12:00:00Z"}


def understood(record: object, *, own_accounts: tuple[str, ...] = (), **settings: Any) -> Mention:
    """The mention in a record."""
    return Mapper(MappingSettings(**settings), own_accounts=own_accounts).mention(record)


def test_common_names_need_no_mapping() -> None:
    """A usual export is understood as it is."""
    record = RECORD | {
        "id": "12",
        "author": "ann",
        "own_account": False,
        "followers": 10,
        "verified": "true",
        "language": "en",
        "subject": "Acme",
        "retweet_count": 3,
        "likes": "4",
        "hashtags": "#Panne, down",
        "title": "Help",
        "in_reply_to": "https://x.example/1",
    }
    assert understood(record) == Mention(
        network="file",
        text="Nothing works",
        written_at=MOMENT,
        uri="urn:tocsin:file:12",
        form=Form.REPLY,
        title="Help",
        author=Author("ann", "ann", reach=10, verified=True),
        language="en",
        parent="https://x.example/1",
        engagement=Engagement(None, 3, 4),
        hashtags=frozenset({"panne", "down"}),
        subjects=frozenset({"Acme"}),
    )


def test_a_mapping_is_taken_as_it_is() -> None:
    """Named paths go through objects and lists; the rest is still guessed."""
    record = {
        "payload": {"said": "Fire!", "by": [{"login": "bob", "n": "Bob"}]},
        "date": "2026-03-01 13:00:00",
        "text": "not this",
        "brand": ["ACM", "Other"],
    }
    mention = understood(
        record,
        mapping={"text": "payload.said", "author": "payload.by.0.login", "author.name": "payload.by.0.n"},
        timezone="Europe/Paris",
        network="forum",
        language="fr",
        subject_map={"ACM": "acme"},
    )
    assert (mention.text, mention.written_at, mention.network, mention.language) == ("Fire!", MOMENT, "forum", "fr")
    assert mention.author == Author("bob", "bob", "Bob")
    assert mention.subjects == {"acme", "Other"}


def test_a_dotted_name_may_be_a_column() -> None:
    """CSV exports have columns such as `author.id`."""
    assert understood(RECORD | {"author.id": "7", "author.handle": "ann"}).author == Author("7", "ann")


def test_own_accounts() -> None:
    """The record says so, or the settings do."""
    said = understood(RECORD | {"author": "acme", "own": "oui"}).author
    known = understood(RECORD | {"author": "acme"}, own_accounts=("@Acme",)).author
    assert said is not None
    assert known is not None
    assert (said.own, known.own) == (True, True)


def test_html_texts() -> None:
    """Where the texts are HTML, they become text."""
    assert understood(RECORD | {"text": "<p>all <b>#down</b></p>"}, html=True).text == "all #down"


def test_addresses_and_names() -> None:
    """An address is the identity, else the network's own id; without either, what was said."""
    assert understood(RECORD | {"url": "https://x.example/1", "id": 1}).uri == "https://x.example/1"
    assert understood(RECORD | {"url": "x1", "network": "Some Forum"}).uri == "urn:tocsin:some-forum:x1"
    assert understood(RECORD).uri is None
    assert named("x", "a b") != named("x", "a  b")


def test_forms_are_taken_when_known() -> None:
    """A form of ours is kept; another word is a post."""
    assert understood(RECORD | {"form": "Review"}).form is Form.REVIEW
    assert understood(RECORD | {"form": "toot"}).form is Form.POST


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ([], "not an object"),
        ({"created_at": "2026-03-01"}, "no text"),
        ({"text": " ", "created_at": "2026-03-01"}, "no text"),
        ({"text": {"a": 1}, "created_at": "2026-03-01"}, "no text"),
        ({"text": "x"}, "no time"),
        ({"text": "x", "created_at": ""}, "no time"),
        ({"text": "x", "created_at": "yesterday"}, "'yesterday' is not understood"),
        ({"text": "x", "created_at": ["2026"]}, "neither text nor a number"),
        ({"text": "x", "created_at": "0001-01-01T00:00:00Z"}, "outside the years 1990 to 2200"),
        ({"text": "x", "created_at": "9999-12-31T23:59:59Z"}, "outside the years 1990 to 2200"),
    ],
)
def test_what_cannot_be_a_mention_says_why(record: object, why: str) -> None:
    """The reason names what is missing and what to set."""
    with pytest.raises(UnreadableError, match=why):
        understood(record)


@pytest.mark.parametrize(
    ("record", "mapping", "said"),
    [
        ({"avis": "x"}, {}, "no text and no time among the fields avis; say which holds it: `mapping: {text: FIELD, written_at"),
        ({"text": "x", "user": {"id": 1, "né": 2}}, {}, "no time among the fields text, user.id, user.né; say"),
        ({"text": "x"}, {"written_at": "le"}, "no time (looked at le) among the fields text; say"),
        ({"text": "x"} | {f"field{n}": n for n in range(20)}, {}, "field9, field10, …; say"),
        ({"text": "x", "a\x1b[2Jb\n" + "y" * 99: 1}, {}, "yy; say"),
        ({}, {}, "among the fields (there are none); say"),
    ],
)
def test_who_calls_fields_otherwise_is_told_what_there_is(record: object, mapping: dict[str, str], said: str) -> None:
    """The fields of the record, a few and never long, and the setting that says which is which."""
    with pytest.raises(UnreadableError) as caught:
        understood(record, mapping=mapping)
    assert said in str(caught.value)
    assert not set(str(caught.value)) & set("\x1b\n")


def test_a_time_of_arrival_stands_in() -> None:
    """Where the sender gives no time, the moment of its call serves."""
    assert Mapper(MappingSettings()).mention({"text": "x"}, default_time=MOMENT).written_at == MOMENT


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"mapping": {"txt": "a"}}, "a mention has no txt"),
        ({"timezone": "Mars/Olympus"}, "IANA"),
        ({"timezone": "../etc/passwd"}, "IANA"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], why: str) -> None:
    """A misspelt field or zone is an error when the configuration is read."""
    with pytest.raises(ValidationError, match=why):
        MappingSettings(**settings)


def test_paths_end_in_nothing() -> None:
    """A path that leads nowhere is no error."""
    assert walk({"a": [1]}, ["a", "0"]) == 1
    assert [walk({"a": [1]}, path) for path in (["a", "1"], ["a", "x"], ["b", "c"], ["a", "9" * 30])] == [None] * 4


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["text", "created_at", "author", "id", "url", "followers", "own", "hashtags", "subject", "form", "shares"]
)


@given(st.dictionaries(FIELDS, ANYTHING))
def test_any_record_is_a_mention_or_unreadable(record: dict[str, Any]) -> None:
    """Wrong types never break the reading."""
    try:
        mention = understood(RECORD | record)
    except UnreadableError:
        return
    assert isinstance(mention.text, str)


@pytest.mark.parametrize(("known", "reply"), [({"url": "https://desk.example/4711"}, "https://desk.example/4711"), ({}, 4711)])
def test_an_answer_is_linked_as_what_it_answers_is_known(known: dict[str, str], reply: object) -> None:
    """By its address where records have one, else by their id, as a number or as text."""
    mapper = Mapper(MappingSettings(mapping={"parent": "ticket"}, network="desk"))
    asked = mapper.mention({"id": "4711", "text": "When?", "date": "2026-03-01T12:00:00Z"} | known)
    answer = mapper.mention({"id": "a1", "text": "At nine", "date": "2026-03-01T12:10:00Z", "ticket": reply})
    assert (answer.parent, answer.form) == (asked.key, Form.REPLY)
