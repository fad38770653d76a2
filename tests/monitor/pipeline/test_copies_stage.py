"""A copy-paste campaign is stored as one, whoever judges it, and reaches the rules and the messages as one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from monitor.domain.errors import StorageError
from monitor.domain.mention import Observed
from monitor.sentiment.alike import RecentTexts
from monitor.storage import Store

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, FragileStore, House

CALL = "Acme fire in every shop of the country, share this so that everybody knows https://example.org/"
WINDOW: dict[str, Any] = {
    "kind": "window",
    "where": {"text": {"any_of": ["fire"]}},
    "window": "60m",
    "notify": "room",
    "key": ["subject"],
}
TEXTS = {**WINDOW, "id": "texts", "measure": {"distinct": "cluster"}, "fire": {"at_least": 3}}
COUNT = {**WINDOW, "id": "count", "fire": {"at_least": 6}, "evidence": {"top": 20}}


async def stored(house: House) -> list[Observed]:
    """All mentions, in order."""
    async with house.store.read() as tx:
        return await tx.mentions.after(0, 1_000)


def shape(mentions: list[Observed]) -> list[tuple[int | None, int]]:
    """By mention: where its cluster first stands, and how many of it came before."""
    clusters = [each.cluster for each in mentions]
    return [(None if each.cluster is None else clusters.index(each.cluster), each.copies) for each in mentions]


async def test_copies_are_stored_with_the_mention(house: Build) -> None:
    """The first, too, once it is no longer alone; what nobody else says has no cluster."""
    home = house(rules=[COUNT])
    await home.storm(1, f"{CALL}1")
    assert shape(await stored(home)) == [(None, 0)]
    await home.hears("Acme fire")
    await home.hears("there is a fire at the Acme next to my parents' house tonight")
    await home.storm(2, f"{CALL}2")
    assert shape(await stored(home)) == [(0, 0), (None, 0), (None, 0), (0, 1), (0, 2)]


async def test_a_title_belongs_to_the_text(house: Build) -> None:
    """An article's headline is what people paste."""
    home = house(rules=[COUNT])
    await home.brings(home.mention("", title=CALL), home.mention(CALL), home.mention("short", title=CALL))
    await home.judge()
    assert [copies for _, copies in shape(await stored(home))] == [0, 1, 2]


@pytest.mark.parametrize("cut", range(5))
async def test_another_process_goes_on_with_the_same_clusters(house: Build, cut: int) -> None:
    """After a restart, a crash or a lost lease, from what is stored."""
    home = house(rules=[COUNT])
    texts = [CALL, "Acme fire", f"{CALL}2", f"Please read: {CALL}", CALL.upper()]
    for text in texts[:cut]:
        await home.hears(text)
    await home.stages.evaluate.release()
    home.restart()
    for text in texts[cut:]:
        await home.hears(text)
    assert shape(await stored(home)) == [(0, 0), (None, 0), (0, 1), (0, 2), (0, 3)]


async def test_a_judgement_that_was_rolled_back_counted_nothing(house: Build, fragile: tuple[FragileStore, Store]) -> None:
    """What was placed with it is placed again, as if for the first time."""
    flaky, as_store = fragile
    home = house(rules=[COUNT], store=as_store)
    await home.judge()
    await home.brings(*(home.mention(f"{CALL}{n}") for n in range(3)))
    flaky.before = 1
    with pytest.raises(StorageError):
        await home.judge()
    assert shape(await stored(home)) == [(None, 0)] * 3
    await home.judge()
    assert shape(await stored(home)) == [(0, 0), (0, 1), (0, 2)]


async def test_a_crowd_is_counted_once_per_pasted_text(house: Build) -> None:
    """`{distinct: cluster}`: forty accounts with one text do not ring, three people with their own words do."""
    home = house(rules=[TEXTS])
    await home.storm(40, CALL)
    assert await home.alerts() == []
    await home.hears("fire at Acme", by="lea")
    await home.hears("a fire, again, at Acme", by="tom")
    alert = await home.alert()
    assert (alert.observed, alert.measure) == (3, "texts")
    assert "39 of 42 mentions are copies of one text" in alert.reasons


async def test_the_message_says_that_a_crowd_pastes_one_text(house: Build) -> None:
    """In its own words, and shows the text once."""
    home = house(rules=[COUNT])
    await home.storm(6, CALL)
    await home.act()
    (message,) = home.told("room")
    assert "5 of 6 mentions are copies of one text" in message.alerts[0].reasons
    assert len(message.posts) == 1
    assert (message.posts[0].copies, message.more_posts) == (5, 0)
    assert message.alerts[0].copies == 5


async def test_a_message_says_how_many_could_not_be_scored(house: Build) -> None:
    """An abstention is told, and goes on being told as the alert goes on."""
    sad = {**WINDOW, "id": "sad", "where": {"subjects": "acme", "sentiment": {"lte": -0.4}}, "fire": {"at_least": 2}}
    home = house(rules=[sad])
    await home.hears("Acme : zzz qqq xxx")
    for who in ("lea", "tom", "zoe"):
        await home.hears("Acme is horrible, I hate it, terrible service", by=who)
    await home.act()
    (alert,) = home.told("room")[0].alerts
    assert "2 mentions (1 more could not be scored) within 1h" in alert.reasons
    assert alert.unscored == (await home.alert()).unscored == 1


async def test_a_day_later_the_same_text_is_a_new_campaign(house: Build) -> None:
    """Its number is the same, for the words are."""
    home = house(rules=[COUNT])
    await home.storm(2, CALL)
    home.clock.advance_to(home.clock.now() + timedelta(hours=25))
    await home.storm(2, CALL)
    assert [each.copies for each in await stored(home)] == [0, 1, 0, 1]
    assert len({each.cluster for each in await stored(home)}) == 1


async def test_what_is_erased_is_in_no_cluster(house: Build) -> None:
    """Others in it still say what the person said."""
    home = house(rules=[COUNT])
    await home.storm(3, CALL)
    async with home.store.begin() as tx:
        await tx.erasures.erase("mastodon", "person0", home.clock.now())
        await tx.commit()
    assert [each.text == "" for each in await stored(home)] == [True, False, False]
    assert [each.cluster is None for each in await stored(home)] == [True, False, False]
    home.restart()
    await home.hears(CALL)
    assert [each.copies for each in await stored(home)][-1] > 0


async def test_a_text_that_cannot_be_placed_stands_for_itself(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours here must not keep a mention from being judged."""

    def trip(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(RecentTexts, "add", trip)
    home = house(rules=[COUNT])
    with capture_logs() as logs:
        await home.storm(6, CALL)
    assert len(await home.alerts()) == 1
    assert {each["event"] for each in logs if each["log_level"] == "error"} == {"copies.failed"}
