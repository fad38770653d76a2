"""What happened is told in the same words wherever a run is told of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import monitor
from monitor.domain.plan import EventKind, Language, TimelineEvent
from monitor.plans.phrases import BY_HAND, PHRASES, REASONS, UNTOLD, WHO
from monitor.plans.steps import NOT_REACHED
from monitor.plans.story import Told, titles_of, told
from tests.monitor.plans.walking import OPENED, plan

STORM = plan(
    {"id": "facts", "title": {"en": "Establish the facts", "fr": "Établir les faits"}},
    severity=[{"level": 1, "name": {"en": "alert", "fr": "alerte"}}],
)
TITLES = titles_of(STORM, {"crisis": {"fr": "Trop de plaintes"}})


def said(kind: str, actor: str = "tocsin", language: Language = "en", **detail: Any) -> Told:
    """An event of the storm, to readers who know Léa by her name."""
    return told(TimelineEvent(OPENED, kind, actor, detail=detail), TITLES, lambda name: {"lea": "Léa"}.get(name, name), language)


def test_every_kind_is_told_or_is_not() -> None:
    """Whoever writes a new kind into the timeline decides."""
    assert PHRASES.keys() | UNTOLD == {*EventKind}
    assert not PHRASES.keys() & UNTOLD
    assert BY_HAND.keys() <= PHRASES.keys()


def test_both_languages_say_the_same() -> None:
    """Each phrase is there in both, with the same places; a person's doing is about the same as ours."""
    for texts in (*PHRASES.values(), *BY_HAND.values(), *REASONS.values(), WHO):
        assert texts.keys() == {"fr", "en"}
        assert _places(texts["fr"]) == _places(texts["en"]), texts
    assert all(_places(BY_HAND[kind]["en"]) == _places(PHRASES[kind]["en"]) for kind in BY_HAND)


def test_no_code_names_a_kind_but_by_its_constant() -> None:
    """A kind that is misspelt, or new, is found by the type checker; the log has names of its own."""
    root = Path(monitor.__file__).parent
    files = [each for each in root.rglob("*.py") if each.name not in {"events.py", "words.py", "tables.py"}]
    bare = [f"{file.name}: {each}" for file in files if "migrations" not in file.parts for each in _bare_kinds(file)]
    assert not bare


def _bare_kinds(file: Path) -> Iterator[str]:
    source = file.read_text("utf-8")
    if not re.search(r'"(plan|alert|delivery|silence|feedback|mention|author|hold)\.', source):
        return
    tree, kinds = ast.parse(source), {*EventKind}
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and ast.unparse(each.func).startswith("log.")]
    logged = {id(each) for call in calls for each in ast.walk(call)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in logged and each.value in kinds:
            yield each.value


@pytest.mark.parametrize(
    ("event", "english", "french"),
    [
        (("plan.step.done", "lea", {"step": "facts"}), "Done: “Establish the facts”, by Léa",
         "Fait : « Établir les faits », par Léa"),
        (("plan.level.raised", "tocsin", {"level": 1}), "Level raised to “alert” by the figures",
         "Niveau relevé à « alerte » par les chiffres"),
        (("plan.level.raised", "lea", {"level": 1}), "Level raised to “alert”, by Léa", "Niveau relevé à « alerte », par Léa"),
        (("plan.assigned", "tocsin", {"to": "lea", "step": "hand"}), "Lead given to Léa", "Conduite du plan confiée à Léa"),
        (("plan.escalated", "tocsin", {"to": ["lea", "head"]}), "Escalated to Léa and head", "On fait remonter à Léa et head"),
        (("plan.escalated", "lea", {"to": ["head"]}), "Help asked of head, by Léa", "Renfort demandé à head, par Léa"),
        (("plan.updated", "lea", {"group": "press"}), "Informed: press, by Léa", "Informés : presse, par Léa"),
        (("plan.news.late", "tocsin", {"groups": ["press", "fans"]}),
         "Without news for too long: press and fans; a reminder leaves",
         "Sans nouvelles depuis trop longtemps : presse et fans ; un rappel part"),
        (("plan.captured", "tocsin", {"step": "keep", "posts": 0}), "Posts kept as evidence: 0", "Messages gardés en preuve : 0"),
        (("alert.opened", "tocsin", {"rule": "crisis"}), "Alert “Trop de plaintes”", "Alerte « Trop de plaintes »"),
        (("plan.step.done", "tocsin", {}), "Done: “–”", "Fait : « – »"),
        (("plan.handed.over_twice", "tocsin", {}), "handed over twice", "handed over twice"),
    ],
)  # fmt: skip
def test_an_event_in_words(event: tuple[str, str, dict[str, Any]], english: str, french: str) -> None:
    """By the names that people use; what is not known is a dash, and what another version wrote the words of its kind."""
    kind, actor, detail = event
    assert said(kind, actor, **detail).said == english
    assert re.sub("[\u00a0\u202f]", " ", said(kind, actor, "fr", **detail).said) == french


def test_what_it_is_about_stands_by_itself() -> None:
    """And so does who did it, and what they wrote, for whoever lays it out in columns."""
    what, about = "Left out: “Establish the facts”", "Establish the facts"
    left_out = said("plan.step.skipped", "lea", step="facts", why="closed\non Sundays")
    assert left_out == Told(what, about, "Léa", "closed on Sundays", f"{what}, by Léa")
    assert said("plan.handed_over", "lea", to="head", note="back at 8").about == "head"


def test_a_receiver_is_called_as_people_call_it() -> None:
    """Whoever could not be told has the same name as they who would have been."""
    assert said(EventKind.DELIVERY_FAILED, receiver="lea").said == "Léa could not be told"


def test_what_people_wrote_is_no_template() -> None:
    """Nor does it break the line that it stands in."""
    assert said("alert.opened", rule="{0.__class__}\n{rule}").said == "Alert “{0.__class__} {rule}”"
    assert said("plan.assigned", "{who}", to="{to}").said == "Lead given to {to}, by {who}"


def test_our_own_reasons_are_in_the_words_of_the_reader() -> None:
    """Those that the phrase says already are no note."""
    assert said("plan.step.skipped", language="fr", step="facts", why=NOT_REACHED).note == "les chiffres ne le demandaient pas"
    assert said("plan.would_tell", to=["lea"], why="untaken").note == ""


def _places(phrase: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(phrase) if name)
