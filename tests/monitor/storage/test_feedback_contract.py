"""What the team says of mentions that were judged wrongly is kept with them, the last word counts, and it goes with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.domain.errors import UsageError
from monitor.domain.feedback import Corrected, Feedback, text_hash
from monitor.domain.mention import Enriched
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.storage import Retention, Store

Said = Callable[..., Enriched]
Give = Callable[..., Feedback]


@pytest.fixture
def word(now: datetime) -> Give:
    """Makes one word of Ada's about a mention."""
    return lambda mention, kind="complaint", value="no", note="": Feedback(mention, kind, value, "ada", now, note)


async def stored(store: Store, items: list[Enriched], now: datetime) -> list[int]:
    """The mentions' numbers."""
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="feed", seen_at=now)
        await tx.commit()
    return added.new


async def test_the_last_word_counts(store: Store, said: Said, word: Give, now: datetime) -> None:
    """Of each kind one; of subjects that a mention is not about, as many as were said."""
    first, second = await stored(store, [said("1", title="Hello"), said("2", text="nice")], now)
    async with store.begin() as tx:
        number = await tx.feedback.give(word(first, note="she is joking"))
        await tx.feedback.give(word(first, value="yes"))
        await tx.feedback.give(word(first, "sentiment", "negative"))
        for subject in ("acme", "rival", "acme"):
            await tx.feedback.give(word(first, "not_about", subject))
        await tx.feedback.give(word(second, "sentiment", "positive"))
        await tx.commit()
    async with store.read() as tx:
        assert [(each.kind, each.value) for each in await tx.feedback.of_mention(first)] == [
            ("complaint", "yes"), ("sentiment", "negative"), ("not_about", "rival"), ("not_about", "acme")
        ]  # fmt: skip
        assert number not in [each.id for each in await tx.feedback.of_mention(first)]
        text = "Hello\nThe kettle is broken"
        assert await tx.feedback.corrected() == [
            Corrected(first, text, text_hash(text), "en", True, "negative", frozenset({"acme", "rival"})),
            Corrected(second, "nice", text_hash("nice"), "en", None, "positive", frozenset()),
        ]
        assert await tx.feedback.counts() == {
            ("complaint", "yes"): 1,
            ("not_about", ""): 2,
            ("sentiment", "negative"): 1,
            ("sentiment", "positive"): 1,
        }


async def test_a_word_is_kept_as_it_was_said(store: Store, said: Said, word: Give, now: datetime) -> None:
    """By whom, when, and why."""
    (number,) = await stored(store, [said("1")], now)
    given = word(number, note="irony")
    async with store.begin() as tx:
        id_ = await tx.feedback.give(given)
        assert await tx.feedback.of_mention(number) == [replace(given, id=id_)]


async def test_what_a_mention_is_not_about_is_not_counted_for_it(store: Store, said: Said, word: Give, now: datetime) -> None:
    """The subject goes; the other stays, and so do the scores, which are the scorer's."""
    (number,) = await stored(store, [said("1", subjects=("acme", "rival"))], now)
    before = await operations.give_feedback(store, [word(number, "not_about", "acme")], "cli")
    assert before.subjects == {"acme", "rival"}
    await operations.give_feedback(store, [word(number, "sentiment", "positive")], "cli")
    async with store.read() as tx:
        (after,) = await tx.mentions.get([number])
        assert after.subjects == {"rival"}
        assert after.sentiment == -0.5
        events = await tx.timeline.list(limit=9)
    assert [(each.kind, each.actor, each.detail) for each in events] == [
        ("feedback.given", "ada", {"mention": number, "sentiment": "positive"}),
        ("feedback.given", "ada", {"mention": number, "not_about": "acme"}),
    ]


async def test_what_cannot_be_said_is_refused(store: Store, said: Said, word: Give, now: datetime) -> None:
    """A mention that is not there, and a subject that it does not have; nothing is kept then, not even the word before."""
    (number,) = await stored(
        store,
        [
            said("1", subjects=("acme",)),
        ],
        now,
    )
    with pytest.raises(UsageError, match="there is no mention 99"):
        await operations.give_feedback(store, [word(99)], "cli")
    with pytest.raises(UsageError, match=f"mention {number} is not about `rival`: it is about acme"):
        await operations.give_feedback(store, [word(number), word(number, "not_about", "rival")], "cli")
    async with store.read() as tx:
        assert await tx.feedback.corrected() == []
        assert await tx.timeline.list(limit=9) == []
        assert not await tx.feedback.remove_subject(99, "acme")


async def test_it_goes_with_the_mention(store: Store, said: Said, word: Give, now: datetime) -> None:
    """Retention removes both together."""
    (number,) = await stored(store, [said("1")], now)
    await operations.give_feedback(store, [word(number)], "cli")
    async with store.begin() as tx:
        assert await tx.retention.forget(Retention(), now + timedelta(days=91), 10) == 1
        await tx.commit()
    async with store.read() as tx:
        assert await tx.feedback.of_mention(number) == []


async def test_it_goes_when_the_author_is_erased(store: Store, said: Said, word: Give, now: datetime) -> None:
    """What the team wrote about their words, and the hash of these; a note elsewhere loses the name."""
    hers, other = await stored(store, [said("1", by="grace@social.example"), said("2", by="bob", text="ok")], now)
    await operations.give_feedback(store, [word(hers)], "cli")
    await operations.give_feedback(store, [word(other, note="answers @grace@social.example")], "cli")
    await operations.erase(store, "mastodon", "grace@social.example", Actor("dpo", "cli"), now)
    async with store.read() as tx:
        assert await tx.feedback.of_mention(hers) == []
        (left,) = await tx.feedback.of_mention(other)
    assert "grace" not in left.note


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(" caf\u00e9\n", "cafe\u0301", True), ("a", "b", False), ("\ud83d", "\ud83d", True), ("", "  ", True)],
)
def test_one_text_has_one_name(one: str, other: str, same: bool) -> None:
    """However its accents are written, and whatever white space is around it."""
    assert (text_hash(one) == text_hash(other)) == same
    assert len(text_hash(one)) == 32
