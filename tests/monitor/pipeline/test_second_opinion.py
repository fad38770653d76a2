"""Before a mention rings because of its sentiment a second engine is asked; its answer counts, and its silence costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest

from monitor.domain.mention import LONGEST_SCORER, Scores
from monitor.pipeline import second_opinion
from monitor.pipeline.second_opinion import FIRST_STANDS, REST, SecondOpinion
from monitor.sentiment import SentimentSettings, engines
from monitor.sentiment.away import Away
from monitor.sentiment.complaint import Complaints
from monitor.sentiment.engines import ENGINES
from monitor.sentiment.feeling import Feeling
from monitor.sentiment.post import Post
from monitor.testing import AtOnce
from monitor.workshop.pool import TooSlowError

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

WHERE: Mapping[str, Any] = {"any": [{"sentiment": {"lte": -0.3}}, {"text": {"any_of": ["refund"]}}]}
SOUNDS_BAD = "Acme is awful, I hate this"
BESIDE = Complaints().version  # names itself behind whoever gives the sentiment


class Calm:
    """Finds nothing bad in anything but `broken`."""

    version = "calm 1"
    asked: list[str] = []  # noqa: RUF012 reset by the fixture

    def feelings(self, posts: Sequence[Post]) -> Sequence[Feeling | None]:
        texts = [post.posted for post in posts]
        self.asked.extend(texts)
        return [Feeling(-0.9 if "broken" in text else 0.1, 0.8) if "?" not in text else None for text in texts]


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower engine, in place of one that takes long to load."""
    Calm.asked.clear()
    monkeypatch.setattr(engines, "ENGINES", {**ENGINES, "multilingual": Calm})


@pytest.fixture
def home(hut: Build, configure: Configure) -> House:
    """A house whose one rule rings by sentiment or by a word, and which asks for second opinions."""
    rules = [{"id": "bad", "kind": "mention", "severity": "critical", "where": WHERE}]
    return hut(configure(rules=rules, sentiment={"engine": "vader", "second_opinion": "multilingual"}))


async def test_what_the_second_engine_does_not_find_bad_wakes_nobody(home: House) -> None:
    """The stored score is that of the engine which was asked last, and says so."""
    await home.hears(SOUNDS_BAD)
    await home.judge()
    assert await home.alerts() == []
    (stored,) = await _stored(home)
    assert (stored.sentiment, stored.scorer) == (0.1, f"calm 1 (second opinion), {BESIDE}")


async def test_what_both_find_bad_rings_and_says_who_judged(home: House) -> None:
    """The alert's reasons name the engine that had the last word."""
    await home.hears("Acme is awful, it is broken")
    await home.judge()
    assert "sentiment by calm 1 (second opinion)" in (await home.alert()).reasons


@pytest.mark.parametrize("text", ["Acme is awful, I want a refund", "I love Acme", "Acme opens at nine"])
async def test_only_what_rings_because_of_its_sentiment_is_asked_about(home: House, text: str) -> None:
    """What rings by its words whatever its sentiment, and what rings not at all, costs nothing."""
    await home.hears(text)
    assert Calm.asked == []


async def test_old_news_is_not_asked_about(home: House) -> None:
    """It is gathered and wakes nobody."""
    await home.hears(SOUNDS_BAD, ago=timedelta(days=30))
    assert Calm.asked == []


async def test_an_engine_that_cannot_tell_has_not_contradicted_the_first(home: House) -> None:
    """The first score stands, and the alert says so."""
    await home.hears(f"{SOUNDS_BAD}?")
    await home.judge()
    assert "sentiment by vader 3.3.2 (no second opinion)" in (await home.alert()).reasons


async def test_the_same_text_is_asked_about_once(home: House) -> None:
    """A feed brings its newest posts with every poll."""
    await home.hears(SOUNDS_BAD)
    await home.hears(SOUNDS_BAD, by="bob")
    assert len(Calm.asked) == 1
    assert {each.scorer for each in await _stored(home)} == {f"calm 1 (second opinion), {BESIDE}"}


class Slow(AtOnce):
    """Workers that give no answer in time, or none at all."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, 0

    async def run(self, function: Callable[..., Any], *args: Any, within: timedelta, again: bool = True) -> Any:
        self.asked += 1
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()


@pytest.mark.fault("crash", "the engine that gives second opinions hangs, or its process dies")
@pytest.mark.parametrize("error", [None, TooSlowError("took longer than 20 s")])
async def test_an_alert_waits_no_longer_than_the_patience(
    home: House, error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first score stands and the alert says so; for a minute nobody waits for that engine again."""
    monkeypatch.setattr(second_opinion, "PATIENCE", timedelta(milliseconds=1))
    workers, settings = Slow(error), home.settings.sentiment
    home.stages.intake._second_opinion = SecondOpinion(home.settings, home.clock, Away(settings, workers, "multilingual"))
    await home.hears(SOUNDS_BAD)
    await home.judge()
    assert "sentiment by vader 3.3.2 (no second opinion)" in (await home.alert()).reasons
    await home.hears(f"{SOUNDS_BAD} so much", by="bob")
    assert workers.asked == 1
    home.clock.advance(REST)
    await home.hears(f"{SOUNDS_BAD} very much", by="carol")
    assert workers.asked == 2
    assert {each.scorer for each in await _stored(home)} == {f"vader 3.3.2 (no second opinion), {BESIDE}"}


async def test_a_worker_gives_the_same_scores(home: House) -> None:
    """What is asked apart and what a replay asks right here are stored alike."""
    second = Away(home.settings.sentiment, AtOnce(), "multilingual")
    (apart,) = await second.score_all([(SOUNDS_BAD, "en")])
    assert (apart.sentiment, apart.scorer) == (0.1, f"calm 1, {BESIDE}")
    assert isinstance(apart, Scores)


def test_who_judged_is_said_however_long_the_names_are() -> None:
    """A score keeps so many letters of who gave it: that there was no second opinion is among them."""
    said = second_opinion.marked("onnx a-model-with-a-long-name 4020be77 + lexicon 42570ccb, complaint 2", FIRST_STANDS)
    assert said[:LONGEST_SCORER].endswith(f" {FIRST_STANDS}")


@pytest.mark.parametrize("engine", ["vader", "auto"])
def test_an_engine_does_not_check_itself(engine: Literal["vader", "auto"]) -> None:
    """A second opinion by an engine that gave the first is refused."""
    with pytest.raises(ValueError, match="name another"):
        SentimentSettings(engine=engine, second_opinion="vader")


async def _stored(home: House) -> Sequence[Any]:
    async with home.store.read() as tx:
        return await tx.mentions.after(0, 100)
