"""The rules that travel with the program: whom they hear. What they make of real streams stands in tests/bench."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from monitor.domain.mention import Observed, ObservedAuthor
from rules import Engine, RuleFile, States

Mention = Callable[..., Observed]

CONFIG = Path(__file__).resolve().parents[2] / "config"


def _words(name: str) -> list[str]:
    lines = (CONFIG / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@pytest.fixture(scope="module")
def shipped() -> Engine:
    """All shipped rules with their lists."""
    files = [
        RuleFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted((CONFIG / "rules").glob("*.yaml"))
        if not path.stem.endswith(".test")
    ]
    named = [each for file in files for each in file.lists.items()]
    lists = {name: _words(entries) if isinstance(entries, str) else entries for name, entries in named}
    return Engine([rule for file in files for rule in file.effective()], lists)


def _ringing(shipped: Engine, said: Observed) -> set[str]:
    return {finding.rule for finding in shipped.observe(said, States())}


@pytest.mark.parametrize(
    "text",
    [
        "Ma box est en panne depuis ce matin, merci @acme",
        "Ça ne marche toujours pas !!",
        "j’en ai MARRE, je resilie",
        "Commande payée, jamais reçue, aucune réponse du SAV",
        "vous êtes injoignables, c'est une honte",
        "vol annulé sans prévenir et toujours rien pour l'hôtel",
        "Service 👎👎",
        "Still waiting for my refund, this is unacceptable",
        "the app keeps crashing",
        "my parcel never arrived and nobody answers",
        "worst airline, they lost my luggage",
    ],
)
@pytest.mark.parametrize("own", [False, None])
def test_a_complaint_is_heard(text: str, own: bool | None, shipped: Engine, mention: Mention) -> None:
    """In French and English, from somebody with ten followers, and where we do not know whether the account is ours."""
    assert "complaint" in _ringing(shipped, mention(text=text, own=own, reach=10))


@pytest.mark.parametrize(
    "text",
    [
        "Merci pour votre aide, tout va bien",
        "Aucun souci avec ma nouvelle box, je recommande",
        "Un champ de panneaux solaires à perte de vue",
        "À quelle heure ferme la boutique demain ?",
        "Une équipe résiliente, bravo",
        "Thanks for the great flight!",
        "What time does the store open tomorrow?",
        "Loving the new phone, well done",
    ],
)
def test_contentment_is_no_complaint(text: str, shipped: Engine, mention: Mention) -> None:
    """Neither praise nor a question rings."""
    assert _ringing(shipped, mention(text=text, own=False)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Dix ans chez Acme : aucun souci et jamais en panne",
        "Franchement pas déçu, aucun problème depuis deux ans",
        "Plus de coupures depuis la mise à jour, bravo",
        "sans bug et pas trop cher",
        "Never had any issues with mine, it never crashes",
        "no problem at all, never broken",
        "My train wasn't even late... not delayed, not cancelled, never disappointed",
        "Can't complain, you have never let me down",
    ],
)
def test_denied_trouble_is_no_complaint(text: str, shipped: Engine, mention: Mention) -> None:
    """Whoever says that nothing ever breaks is content."""
    assert _ringing(shipped, mention(text=text, own=False)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "ça ne marche pas",
        "toujours rien, aucune réponse",
        "plus de réseau depuis hier",
        "pas de réseau ici",
        "colis jamais reçu",
        "plus jamais chez vous",
        "vous n'avez aucune honte",
        "Jamais été aussi déçue",
        "vous n'avez pas réparé la panne",
        "Il n'y a pas un problème chez vous ?",
        "no answer, no refund",
        "never again",
        "not working since Monday",
        "couldn't be more disappointed",
        "you have not fixed the issue with my bill",
        "No. Broken again.",
    ],
)
def test_a_complaint_made_of_a_negation_is_heard(text: str, shipped: Engine, mention: Mention) -> None:
    """What is missing, what did not come, what nobody repaired."""
    assert "complaint" in _ringing(shipped, mention(text=text, own=False))


def test_reasons_are_in_the_authors_own_spelling(shipped: Engine, mention: Mention) -> None:
    """Accents and capitals included."""
    (finding,) = shipped.observe(mention(text="J’ai été Débité deux fois", own=False), States())
    assert "“Débité deux fois”" in finding.reasons[0]


def test_our_own_words_are_no_complaint(shipped: Engine, mention: Mention) -> None:
    """« Une panne est en cours » on our own account is an answer."""
    assert _ringing(shipped, mention(text="Une panne est en cours", own=True)) == set()


@pytest.mark.parametrize("text", ["JetBlue est en panne", "JetBlue, the worst airline ever", "JetBlue 😡"])
def test_a_complaint_about_somebody_else_is_not_ours(text: str, shipped: Engine, mention: Mention) -> None:
    """However large the audience and however bad the mood: nothing rings that concerns no configured subject."""
    loud = mention(text=text, own=False, reach=5_000_000, complaint=0.9, sentiment=-0.9, safety_risk=0.9, subjects=set())
    assert _ringing(shipped, loud) == set()


@pytest.mark.parametrize(
    ("reach", "verified", "rings"),
    [(100_000, None, True), (25_000, True, True), (25_000, False, False), (25_000, None, False), (None, True, False)],
)
def test_a_large_audience_makes_it_critical(
    reach: int | None, verified: bool | None, rings: bool, shipped: Engine, mention: Mention
) -> None:
    """Where the audience is unknown the complaint itself still rings."""
    told = _ringing(shipped, mention(text="quelle honte", own=False, reach=reach, verified=verified))
    assert told == ({"complaint", "influencer"} if rings else {"complaint"})


def test_fifteen_people_are_a_crisis_and_open_the_plan(shipped: Engine, mention: Mention) -> None:
    """Even on the first day, when nothing is known to be usual."""
    states, at = States(), datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    found = [
        finding
        for number in range(1, 16)
        for finding in shipped.observe(mention(number, text="en panne !", own=False, at=at + timedelta(minutes=number)), states)
        if finding.kind == "window"
    ]
    assert [(finding.rule, finding.plan, finding.learning) for finding in found] == [("crisis", "negative-storm", True)]


def test_irony_is_a_storm_too(shipped: Engine, mention: Mention) -> None:
    """Forty people within half an hour, none of whom complains in words."""
    states = States()
    told = {finding.rule for n in range(1, 41) for finding in shipped.observe(mention(n, text="Bravo Acme", own=False), states)}
    assert told == {"storm"}


def test_every_condition_of_the_lists_is_written_once() -> None:
    """A word twice in a list is a slip of the pen."""
    for path in (CONFIG / "words").glob("*.txt"):
        words = [word.lower().removesuffix(" ~") for word in _words(f"words/{path.name}")]
        doubled = [word for word, count in Counter(words).items() if count > 1]
        assert doubled == []


def test_a_competitor_is_looked_at_once_the_list_names_one() -> None:
    """As it is shipped nobody is a competitor; with a name in the list, what many people say of them is an opening."""
    file = RuleFile.model_validate(yaml.safe_load((CONFIG / "rules" / "competitors.yaml").read_text(encoding="utf-8")))
    assert file.lists == {"rivals": ()}
    rang = {rivals: _rivals_in_a_storm(Engine(file.effective(), {"rivals": rivals})) for rivals in ((), ("globex",))}
    openings = {("rival-spike", "opportunity"), ("rival-new-hashtag", "opportunity")}
    assert rang == {(): set(), ("globex",): openings}


def _rivals_in_a_storm(engine: Engine) -> set[tuple[str, str]]:
    states = States()
    start = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    moments = [start - timedelta(days=8), *(start + timedelta(minutes=n) for n in range(1, 31))]  # it listens for a week first
    said = (
        Observed(
            id=n, network="web", source="s", form="post", text="Globex!", written_at=at, seen_at=start,
            hashtags=frozenset({"globexfest"} if n > 1 else {"globex"}), subjects=frozenset({"globex"}),
            author=ObservedAuthor(id=n, own=False),
        )
        for n, at in enumerate(moments, 1)
    )  # fmt: skip
    return {(finding.rule, finding.category) for each in said for finding in engine.observe(each, states)}


def test_good_news_never_rings_loud() -> None:
    """What is an opening for somebody wakes nobody."""
    files = [
        RuleFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in (CONFIG / "rules").glob("*.yaml")
        if not path.stem.endswith(".test")
    ]
    openings = [rule for file in files for rule in file.effective() if rule.category == "opportunity"]
    assert {rule.severity for rule in openings} == {"info"}
    assert all(rule.title and set(rule.title) == {"fr", "en"} for file in files for rule in file.effective())
