"""Enrichment: whom a mention is about, its hashtags, its scores; nothing it trips over is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.pipeline.enrich import SCORED_AT_ONCE, Enricher
from monitor.sentiment import Scorer, SentimentSettings
from monitor.sentiment.away import Away
from monitor.settings import Subject
from monitor.testing import AtOnce
from monitor.workshop.pool import TooLargeError, TooSlowError, WorkerDiedError, Workshop

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure

SUBJECTS = {
    "acme": Subject(
        names=("Acme", "Acme Bikes"),
        aliases=("Akmé",),
        handles=("acme", "help@acme.social"),
        hashtags=("AcmeBikes",),
        exclusions=("Acme Corporation",),
    ),
    "rival": Subject(names=("Globex",)),
}


class Deaf(Scorer):
    """A scorer that fails at everything."""

    def score(self, text: str, claimed_language: str | None = None) -> Scores:
        """Fail."""
        raise RecursionError(text[:3])


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    """Knows Acme and Globex."""
    return Enricher(SUBJECTS, Scorer(SentimentSettings()))


def enriched(enricher: Enricher, text: str, moment: datetime, about: str | None = None, **more: Any) -> Enriched:
    """The text as a mention, enriched."""
    fields: dict[str, Any] = {"network": "mastodon", "written_at": moment} | more
    return enricher.enrich(Mention(text=text, **fields), latest=moment, about=about)


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("I love ACME!", {"acme"}),
        ("Mon acmé est cassé", {"acme"}),
        ("akme, really?", {"acme"}),
        ("pacmen are not acmes", set()),
        ("Acme or Globex?", {"acme", "rival"}),
        ("hey @Acme.", {"acme"}),
        ("hey @acme@any.server", {"acme"}),
        ("hey @help@acme.social, listen", {"acme"}),
        ("hey @help@other.social", set()),
        ("@help", set()),
        ("#acmebikes rules", {"acme"}),
        ("#AcmeBikes rules", {"acme"}),
        ("Wile buys from Acme Corporation", set()),
        ("Acme Corporation is not @acme", {"acme"}),
        ("Acme Corporation and #acmebikes", {"acme"}),
        ("Globex sued Acme Corporation", {"rival"}),
        ("", set()),
    ],
)
def test_a_subject_is_found_by_name_handle_and_hashtag(
    enricher: Enricher, moment: datetime, text: str, subjects: set[str]
) -> None:
    """Whole words in any spelling, accounts here and elsewhere, hashtags; an exclusion only takes away what names found."""
    assert enriched(enricher, text, moment).subjects == subjects


def test_a_title_counts_as_text(enricher: Enricher, moment: datetime) -> None:
    """A name in the headline alone is enough."""
    assert enriched(enricher, "No news.", moment, title="Acme sold").subjects == {"acme"}


def test_what_a_source_knows_for_certain_stays(enricher: Enricher, moment: datetime) -> None:
    """A subject set by the source, by name or id, holds whatever the text says; an unknown one is left out."""
    known = enriched(enricher, "It broke", moment, about="rival", subjects=frozenset({"Acme Bikes", "unheard-of"}))
    assert known.subjects == {"acme", "rival"}
    assert enriched(enricher, "It broke", moment, about="gone").subjects == frozenset()


def test_hashtags_of_text_and_network_are_joined(enricher: Enricher, moment: datetime) -> None:
    """What the network names and what stands in the text."""
    assert enriched(enricher, "so #Red", moment, hashtags=frozenset({"blue"})).hashtags >= {"blue"}
    assert len(enriched(enricher, "so #Red", moment, hashtags=frozenset({"blue"})).hashtags) == 2


def test_text_and_title_are_scored(enricher: Enricher, moment: datetime) -> None:
    """English is scored, with the scorer's name."""
    scores = enriched(enricher, "This is a horrible, terrible disaster for everybody.", moment, title="Awful").scores
    assert scores.sentiment is not None
    assert scores.sentiment < 0
    assert scores.scorer


def test_the_stars_of_a_review_are_no_words(enricher: Enricher, moment: datetime) -> None:
    """Beside them the language of a short review is not recognised, and it is not scored."""
    plain = enriched(enricher, "Great app", moment, title="Nice").scores
    assert plain.sentiment is not None
    assert enriched(enricher, "Great app", moment, title="★★★★☆ Nice").scores == plain


def test_times_from_the_future_are_clamped(enricher: Enricher, moment: datetime) -> None:
    """Another machine's wrong clock does not hold a window open for ever."""
    late = enriched(enricher, "Acme", moment, written_at=moment + timedelta(days=900))
    assert late.mention.written_at <= moment + timedelta(minutes=10)


def test_a_scorer_that_fails_loses_nothing(moment: datetime) -> None:
    """The mention is kept, unscored, in the language it claims."""
    deaf = Enricher(SUBJECTS, Deaf(SentimentSettings()))
    kept = enriched(deaf, "Acme est en panne", moment, language="fr")
    assert (set(kept.subjects), kept.scores) == ({"acme"}, Scores(language="fr"))
    assert enriched(deaf, "Acme", moment).scores.language == "und"


class Broken(Workshop):
    """Workers that give no answer, for one reason or another."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error, self.asked = error, 0

    async def run(self, function: Callable[..., Any], *args: Any, within: timedelta, again: bool = True) -> Any:
        """Fail."""
        self.asked += 1
        raise self.error


HEAVY = ("Acme is awful and I hate it. ", "J'adore Acme, vraiment. ")


def lot(moment: datetime) -> list[Mention]:
    """So many posts that they are scored elsewhere."""
    return [Mention(network="mastodon", text=f"{number} {HEAVY[number % 2] * 10}", written_at=moment) for number in range(60)]


async def test_a_heavy_lot_is_scored_elsewhere(enricher: Enricher, moment: datetime) -> None:
    """Each mention keeps its own scores, and what is light never leaves."""
    settings = SentimentSettings()
    away = AtOnce()
    apart = Enricher(SUBJECTS, Deaf(settings), away=Away(settings, away))
    assert await apart.enrich_apart(lot(moment), latest=moment) == enricher.enrich_all(lot(moment), latest=moment)
    (light,) = await apart.enrich_apart(lot(moment)[:1], latest=moment)
    assert light.scores == Scores(language="und")


@pytest.mark.fault("crash", "no process for scoring posts can be started, each dies, or takes too long")
@pytest.mark.parametrize(
    "error",
    [WorkerDiedError("died"), TooLargeError("memory"), TooSlowError("busy"), OSError("no more processes"), ValueError("bug")],
)
async def test_without_workers_the_daemon_scores_by_itself(enricher: Enricher, moment: datetime, error: Exception) -> None:
    """The posts are scored in the daemon, one by one, and others have their turn in between."""
    settings, broken = SentimentSettings(), Broken(error)
    apart = Enricher(SUBJECTS, Scorer(settings), away=Away(settings, broken))
    found = await apart.enrich_apart(lot(moment), latest=moment)
    assert broken.asked == 1
    assert found == enricher.enrich_all(lot(moment), latest=moment)


async def test_a_source_may_be_about_one_subject(hut: Build, configure: Configure) -> None:
    """`subject` of a source holds for everything it brings."""
    home = hut(configure(sources={"net": {"kind": "feed", "url": "https://news.example/f", "subject": "rival"}}))
    await home.brings(home.mention("It broke"))
    async with home.store.read() as tx:
        (stored,) = await tx.mentions.after(0, 10)
    assert stored.subjects == {"rival"}


@pytest.mark.parametrize(
    ("author", "own"),
    [
        (Author("1", "acme@social.example"), True),
        (Author("1", "Help"), True),
        (Author("@acme"), True),
        (Author("1", "fan", own=True), True),
        (Author("1", "fan"), False),
        (Author("acme", "fan"), False),
    ],
)
def test_our_own_accounts_are_recognised_wherever_they_speak(moment: datetime, author: Author, *, own: bool) -> None:
    """By handle, or by id where there is none; what a source knows stays."""
    enricher = Enricher(SUBJECTS, Scorer(SentimentSettings()), own_accounts=("@Acme", "help"))
    seen = enriched(enricher, "It broke", moment, author=author).mention.author
    assert seen is not None
    assert seen.own is own


async def test_a_source_that_does_not_know_us_takes_nothing_back(hut: Build, configure: Configure) -> None:
    """Our own post, seen again by a source that names no own accounts, stays our own; a rival's account never is."""
    page = {"kind": "feed", "url": "https://news.example/f"}
    home = hut(
        configure(
            sources={"net": page, "other": page | {"own_accounts": ["press"]}},
            subjects={"acme": {"handles": ["@acme"]}, "globex": {"handles": ["@globex"]}},
        )
    )
    assert home.settings.ours == ("press", "acme")
    await home.brings(*(home.mention("It broke", by=name) for name in ("press", "acme", "globex")))
    async with home.store.read() as tx:
        assert [seen.is_own for seen in await tx.mentions.after(0, 10)] == [True, True, False]


async def test_light_texts_are_scored_in_turns(moment: datetime) -> None:
    """A hundred short texts, which no worker is asked for, leave others their turn, and get the scores they get together."""
    away = Away(SentimentSettings(workers=1), Workshop(1))
    apart, together = Enricher(SUBJECTS, Scorer(), away=away), Enricher(SUBJECTS, Scorer())
    said = [Mention("mastodon", f"Acme is broken {number}", moment) for number in range(3 * SCORED_AT_ONCE)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    found = await apart.enrich_apart(said, latest=moment)
    task.cancel()
    assert turns == 2
    assert found == together.enrich_all(said, latest=moment)
