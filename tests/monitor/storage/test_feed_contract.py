"""The shared inbox is read through filters, by words, in pages, on both databases; what is gone is not found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.domain.feed import FeedFilters, Tone
from monitor.domain.handling import Handling, HandlingState
from monitor.domain.mention import Author, Enriched, Form, Scores
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.storage import Retention, StorageSettings, Store, feed

Said = Callable[..., Enriched]
HOUR = timedelta(hours=1)


async def stored(store: Store, items: Sequence[Enriched], at: datetime, source: str = "net") -> list[int]:
    """The ids of what is stored."""
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source=source, seen_at=at)
        await tx.commit()
    return added.new


async def found(store: Store, **filters: Any) -> list[int]:
    """The ids on the one page there is."""
    async with store.read() as tx:
        page = await tx.feed.page(FeedFilters(**filters))
    assert page.before is None
    return [each.id for each in page.mentions]


def scored(sentiment: float | None, **more: Any) -> Scores:
    """In French."""
    return Scores(language="fr", sentiment=sentiment, scorer="test/1", **more)


async def test_pages_follow_each_other_whatever_comes(store: Store, said: Said, now: datetime) -> None:
    """Each mention stands on one page, the newest first; one that comes meanwhile moves nothing."""
    ids = await stored(store, [said(f"{number}") for number in range(7)], now)
    async with store.read() as tx:
        first = await tx.feed.page(FeedFilters(), limit=3)
    await stored(store, [said("meanwhile")], now)
    async with store.read() as tx:
        second = await tx.feed.page(FeedFilters(), before=first.before, limit=3)
        last = await tx.feed.page(FeedFilters(), before=second.before, limit=3)
    assert [[each.id for each in page.mentions] for page in (first, second, last)] == [ids[:3:-1], ids[3:0:-1], ids[:1]]
    assert last.before is None


async def test_each_filter_lets_its_own_pass(store: Store, said: Said, now: datetime) -> None:
    """Values of one filter are alternatives; filters hold together; a name is not found as a part of another."""
    loud = Author("9", handle="loud", reach=50_000)
    scores = scored(-0.8, topics=frozenset({"billing"}), intents=frozenset({"complaint"}))
    a, b = await stored(
        store,
        [
            said("a", subjects=("acme", "rival"), scores=scores, form=Form.REVIEW),
            said("b", subjects=("acme-bikes",), network="x", by=loud, scores=scored(None)),
        ],
        now,
    )
    (c,) = await stored(store, [said("c", subjects=("acme",), scores=scored(0.1))], now + HOUR, source="other")
    assert await found(store, subjects=("acme",)) == [c, a]
    assert await found(store, subjects=("acme-bikes", "rival")) == [b, a]
    assert await found(store, networks=("x", "nowhere")) == [b]
    assert await found(store, sources=("other",)) == [c]
    assert await found(store, languages=("fr",), forms=(Form.REVIEW,)) == [a]
    assert await found(store, intents=("complaint",), topics=("billing",)) == [a]
    assert await found(store, tones=(Tone.NEGATIVE, Tone.UNSCORED)) == [b, a]
    assert await found(store, sentiment_from=0.0, sentiment_to=0.1) == [c]
    assert await found(store, reach=50_000) == [b]
    assert await found(store, since=now + HOUR) == [c]
    assert await found(store, until=now + HOUR) == [b, a]
    assert await found(store, subjects=("acme",), words="kettle", until=now + HOUR) == [a]
    assert await found(store, subjects=('"NEAR(', "acme*"), words="kettle") == []


async def test_what_asks_for_an_answer_is_found(store: Store, said: Said, now: datetime) -> None:
    """A complaint, a danger, a question, a refund: whatever else was said since, and as long as nobody answers."""
    asks: list[dict[str, Any]] = [
        {"complaint": 0.5},
        {"safety_risk": 0.9},
        {"intents": frozenset({"question"})},
        {"intents": frozenset({"refund"})},
    ]
    items = [said(f"a{number}", subjects=("acme",), scores=scored(0.0, **more)) for number, more in enumerate(asks)]
    chatter = [said(f"b{number}", subjects=("acme",), scores=scored(0.0, complaint=0.4)) for number in range(9)]
    numbers = await stored(store, [*items, *chatter], now)
    lately = FeedFilters(subjects=("acme",), since=now, until=now + HOUR)
    async with store.begin() as tx:
        assert [each.id for each in await tx.feed.asking(lately, 9)] == numbers[3::-1]
        assert [each.id for each in await tx.feed.asking(lately, 1)] == [numbers[3]]
        assert await tx.feed.asking(replace(lately, since=now + HOUR), 9) == []
        await tx.handling.note_answer(numbers[1], now)
        assert numbers[1] not in [each.id for each in await tx.feed.asking(lately, 9)]


async def test_states_and_people(store: Store, said: Said, now: datetime) -> None:
    """What nobody touched is new; alone or with other filters, alternatives are found together, and each is counted."""
    a, b, c = await stored(store, [said(each, text=f"panne {each}") for each in "abc"], now)
    async with store.begin() as tx:
        for number, state, who in ((a, HandlingState.ASSIGNED, "ana"), (b, HandlingState.ANSWERED, "ben")):
            assert await tx.handling.save(Handling(number), Handling(number, state, who, 1, now, who))
        await tx.commit()
    assert await found(store, states=(HandlingState.NEW,)) == [c]
    assert await found(store, states=(HandlingState.NEW, HandlingState.ANSWERED)) == [c, b]
    assert await found(store, states=(HandlingState.ASSIGNED, HandlingState.ANSWERED)) == [b, a]
    assert await found(store, assignees=("ana", "ben"), states=(HandlingState.ANSWERED,)) == [b]
    assert await found(store, assignees=("ana",), words="panne") == [a]
    async with store.read() as tx:
        counts = await tx.handling.counts()
        assert (await tx.feed.counts(FeedFilters(states=(HandlingState.NEW,)))).by_state == counts
        assert await tx.handling.counts(up_to=0) == dict.fromkeys(HandlingState, 0)
    assert {state: number for state, number in counts.items() if number} == dict.fromkeys(("new", "assigned", "answered"), 1)


async def test_states_are_counted_through_filters(
    store: Store, said: Said, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever state is asked for; no further back than one page looks, and it is told when there may be more."""
    ids = await stored(store, [said(f"{number}", text="panne" if number % 2 else "colis") for number in range(8)], now)
    async with store.begin() as tx:
        assert await tx.handling.save(Handling(ids[1]), Handling(ids[1], HandlingState.CLOSED, None, 1, now, "ana"))
        assert await tx.handling.save(Handling(ids[3]), Handling(ids[3], HandlingState.NEW, None, 1, now, "ana"))
        await tx.commit()

    async def counts(words: str, **more: Any) -> tuple[int, int, bool]:
        async with store.read() as tx:
            found = await tx.feed.counts(FeedFilters(words=words, states=(HandlingState.CLOSED,)), **more)
        return found.by_state[HandlingState.NEW], found.by_state[HandlingState.CLOSED], found.whole

    assert await counts("panne") == (3, 1, True)
    assert await counts("panne", up_to=2) == (2, 0, False)
    assert await counts("!") == (0, 0, True)
    monkeypatch.setattr(feed, "LOOK_BACK", 4)
    assert await counts("panne") == (2, 0, False)


async def test_what_came_since_is_asked_for_alone(store: Store, said: Said, now: datetime) -> None:
    """Above a number, through the same filters."""
    ids = await stored(store, [said(f"{number}", text="panne" if number % 2 else "colis") for number in range(6)], now)
    async with store.read() as tx:
        page = await tx.feed.page(FeedFilters(words="panne"), after=ids[2])
        assert [each.id for each in page.mentions] == [ids[5], ids[3]]
        assert (await tx.feed.page(FeedFilters(), after=ids[5])).mentions == ()


async def test_where_no_index_helps_a_page_looks_back_only_so_far(
    store: Store, said: Said, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be empty, and says where to go on; in the end everything was looked at."""
    monkeypatch.setattr(feed, "LOOK_BACK", 3)
    ids = await stored(store, [said(f"{number}", scores=scored(-0.9 if number < 2 else 0.9)) for number in range(8)], now)
    pages: list[list[int]] = []
    before: int | None = None
    async with store.read() as tx:
        while not pages or before is not None:
            page = await tx.feed.page(FeedFilters(tones=(Tone.NEGATIVE,)), before=before)
            pages.append([each.id for each in page.mentions])
            before = page.before
    assert pages == [[], [], [ids[1], ids[0]]]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ete", "a"),
        ("ÉTÉ", "a"),
        ("reseau", "ab"),
        ("rés", "ab"),
        ("ré", ""),
        ("panne réseau", "a"),
        ('"réseau en panne"', "a"),
        ('"panne réseau"', ""),
        ("réseau -panne", "b"),
        ("-réseau", "c"),
        ("-panne -réseau", "c"),
        ("example.org", "c"),
        ("org/chemin", "c"),
        ("wi-fi", "c"),
        ("5", "b"),
        ("gras", "c"),
        ('" * NEAR/2 ( \x00', ""),
        ("NEAR(a b)", ""),
        ("title:été", ""),
        ("AND OR NOT", ""),
        ("' || '", ""),
        ("🔥", ""),
        ("x" * 5000, ""),
        ("réseau " * 10_000, "ab"),
        ("&!|:*<->()", ""),
    ],
)
async def test_words_are_found_and_never_obeyed(store: Store, said: Said, now: datetime, typed: str, expected: str) -> None:
    """Accents and case do not matter, words may go on, and nothing that is typed is an error."""
    texts = {
        "a": "Le réseau en panne tout l’été",
        "b": "Réseau +5 aujourd'hui",
        "c": "https://example.org/chemin?wi-fi=1 <b>gras</b>",
    }
    names = dict(zip(await stored(store, [said(name, text=text) for name, text in texts.items()], now), texts, strict=True))
    assert "".join(sorted(names[number] for number in await found(store, words=typed))) == expected


async def test_what_is_gone_is_not_found(store: Store, said: Said, now: datetime) -> None:
    """Edited, erased, or past its time: the old words lead nowhere; what it is not about any more does not, either."""
    a, b, c = await stored(
        store,
        [
            said("https://a.example/1", text="grille-pain", by="ada"),
            said("https://a.example/2", text="aspirateur", by="bob"),
            said("https://a.example/3", text="bouilloire", by="cleo", subjects=("acme",)),
        ],
        now,
    )
    await stored(store, [said("https://a.example/1", text="cafetière", by="ada")], now + HOUR)
    assert (await found(store, words="grille"), await found(store, words="cafetiere")) == ([], [a])
    await operations.erase(store, "mastodon", "bob", Actor("dpo", "cli"), now)
    assert await found(store, words="aspirateur") == []
    async with store.begin() as tx:
        await tx.feedback.remove_subject(c, "acme")
        await tx.commit()
    assert (await found(store, subjects=("acme",)), await found(store, words="bouilloire")) == ([], [c])
    while await store.forget(Retention(), now + timedelta(days=800), 10):
        pass
    assert (await found(store, words="cafetiere bouilloire"), await found(store, words="-rien"), b) == ([], [], b)


async def test_an_erased_word_is_in_no_page_of_the_index(
    store: Store, storage: StorageSettings, said: Said, now: datetime
) -> None:
    """On SQLite, whose index keeps what is gone until its pieces are merged: an erasure has them merged."""
    await stored(store, [said("1", text="aspirateur", by="bob"), said("2", text="bouilloire")], now)
    await operations.erase(store, "mastodon", "bob", Actor("dpo", "cli"), now)
    if storage.parsed().get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(storage.parsed().database))) as connection:
            pages = b"".join(block for (block,) in connection.execute("SELECT block FROM mention_search_data"))
        assert b"spirateur" not in pages
        assert b"ouilloire" in pages
    assert len(await found(store, words="bouilloire")) == 1


async def test_an_author_has_a_history(store: Store, said: Said, now: datetime) -> None:
    """What else they said, the newest first, in pages, and how much; nothing sensitive, and nobody else's."""
    sensitive = scored(-0.5, sensitive=True)
    items = [said(f"{number}") for number in range(4)] + [said("secret", scores=sensitive), said("other", by="bob")]
    ids = await stored(store, items, now)
    async with store.read() as tx:
        (shown,) = await tx.mentions.get(ids[3:4])
        assert shown.author.id is not None
        first = await tx.feed.of_author(shown.author.id, but=shown.id, limit=2)
        rest = await tx.feed.of_author(shown.author.id, but=shown.id, before=first.before, limit=2)
        number = await tx.feed.count_of_author(shown.author.id, but=shown.id)
    assert [each.id for each in (*first.mentions, *rest.mentions)] == ids[2::-1]
    assert (number, rest.before) == (3, None)
