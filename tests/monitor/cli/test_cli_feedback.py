"""`tocsin feedback`: what was judged wrongly is said by a person, counted, and given out as labelled texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin


def test_what_was_said_can_be_evaluated_and_learnt_from(rung: Tocsin, tmp_path: Path) -> None:
    """Said of a mention by its number, counted, and exported in the form that `tocsin evaluate` reads."""
    done = rung.at("feedback", "1", "--not-complaint", "--sentiment", "negative", "--by", "ines", "--note", "irony")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "Mention 1: complaint no. My Acme is broken, part 0",
        "Mention 1: sentiment negative. My Acme is broken, part 0",
    ]
    assert rung.at("feedback", "give", "2", "--complaint").exit_code == 0
    assert rung.at("feedback", "2", "--not-about", "acme").output == "Mention 2: not about acme. My Acme is broken, part 1\n"
    exported = rung.at("feedback", "export").output
    first, second = (json.loads(line) for line in exported.splitlines())
    assert (first["text"], first["label"], first["complaint"], first["not_about"]) == (
        "My Acme is broken, part 0", "negative", False, []
    )  # fmt: skip
    assert (second["label"], second["complaint"], second["not_about"], second["mention"]) == (None, True, ["acme"], 2)
    told = rung.at("evaluate", "--feedback").output
    assert "Feedback on 2 mentions: 1 × not a complaint, 1 × complaint, 1 × not about us, 1 × really negative." in told
    assert "Sentiment" in told
    path = tmp_path / "corrected.jsonl"
    path.write_text(exported)
    facts = json.loads(rung.at("evaluate", "--feedback", "--json", str(path)).output)
    assert facts["feedback"] == {"complaint": 1, "not a complaint": 1, "not about us": 1, "really negative": 1}
    assert (facts["sentiment"]["texts"], facts["complaint"]["texts"]) == (2, 4)


def test_nothing_said_is_nothing_to_evaluate(rung: Tocsin) -> None:
    """And nothing to export."""
    assert "Feedback on 0 mentions: none was given yet." in rung.at("evaluate", "--feedback").output
    assert rung.at("feedback", "export").output == ""


def test_a_mention_is_named_by_the_alert_it_is_behind(rung: Tocsin) -> None:
    """Its number stands before who said it."""
    assert "  1  user0: My Acme is broken, part 0" in rung.at("alert", "show", "1").output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("1",), "say what is wrong: --complaint, --not-complaint"),
        (("1", "--sentiment", "negativ"), "there is no sentiment `negativ`; did you mean `negative`?"),
        (("99", "--complaint"), "there is no mention 99"),
        (("1", "--not-about", "globex"), "mention 1 is not about `globex`: it is about acme"),
    ],
)
def test_what_cannot_be_said_is_told(rung: Tocsin, words: tuple[str, ...], says: str) -> None:
    """With what there is instead."""
    found = rung.at("feedback", *words).exception
    assert isinstance(found, UsageError)
    assert says in str(found)


def test_a_command_is_kept_as_a_whole_or_not_at_all(rung: Tocsin) -> None:
    """A slip in one of its words keeps none of them: it is said again, and counted once."""
    refused = rung.at("feedback", "give", "1", "--not-complaint", "--not-about", "typo")
    assert isinstance(refused.exception, UsageError)
    assert refused.output == ""
    assert rung.at("feedback", "export").output == ""


def test_feedback_is_in_a_store(tocsin: Tocsin) -> None:
    """Which only a configuration names; and something must be evaluated."""
    for words, says in ((("--feedback",), "--feedback needs --config"), ((), "evaluate what?")):
        found = tocsin("evaluate", *words).exception
        assert isinstance(found, UsageError)
        assert says in str(found)
