"""Commands the law asks for, as they are typed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from monitor.domain.errors import UsageError


def test_a_dry_run_counts_and_changes_nothing(rung: Any) -> None:
    """For people and for scripts, before anything is gone."""
    shown = rung.at("erase", "file", "user3", "--dry-run")
    assert shown.output.startswith("To be erased: 1 mention emptied, quotes in 2 alerts removed.")
    planned = json.loads(rung.at("erase", "file", "user3", "--dry-run", "--json").output)
    assert (planned["mentions"], planned["alerts"], planned["done"], planned["pending"]) == (1, 2, False, False)
    assert json.loads(rung.at("export", "file", "user3").output)["mentions"]
    done = json.loads(rung.at("erase", "file", "user3", "--yes", "--json").output)
    assert done == planned | {"done": True, "erased_at": done["erased_at"], "answer": done["answer"]}
    assert set(done["answer"]) == {"fr", "en"}
    assert rung.at("erase", "file", "user3", "--yes").output.startswith("Already erased on ")


def test_the_question_comes_after_the_counts(rung: Any) -> None:
    """Whoever is asked knows what is at stake."""
    asked = rung.at("erase", "file", "user3", typed="n\n")
    assert asked.output.index("To be erased: 1 mention") < asked.output.index("This cannot be undone.")


def test_a_hold_from_beginning_to_end(rung: Any) -> None:
    """Placed, listed with its evidence, refusing an erasure with words for the person, released with the erasure carried out."""
    placed = rung.at("hold", "add", "author", "file/user3", "--reason", "defamation", "--by", "maître", "--until", "2999-01-31")
    assert placed.output.startswith("Hold 1 is in force on author")
    refused = rung.at("erase", "file", "user3", "--yes")
    assert refused.exit_code == 1
    assert "Kept: hold 1 on author" in refused.output
    assert "Article 17(3)(e) GDPR" in refused.output
    (listed,) = json.loads(rung.at("hold", "list", "--json").output)
    assert (listed["reason"], listed["placed_by"], listed["unchanged"]) == ("defamation", "maître", True)
    evidence = rung.at("hold", "evidence", "1").output
    assert hashlib.sha256(evidence.encode()).hexdigest() == listed["evidence_hash"]
    assert "part 3" in evidence
    assert "1 erasure waiting for a hold" in rung.at("hold", "list").output
    assert "Erased, as was asked: author" in rung.at("hold", "release", "1").output
    assert rung.at("hold", "list").output == "Nothing is under legal hold.\n"
    assert isinstance(rung.at("export", "file", "user3").exception, UsageError)


def test_mistakes_are_answered_in_words(rung: Any) -> None:
    """What is wrong, and how it is written."""
    told = {
        ("hold", "add", "crowd", "1", "--reason", "x"): "say author, mention or incident",
        ("hold", "add", "author", "user3", "--reason", "x"): "NETWORK/AUTHOR",
        ("hold", "add", "mention", "one", "--reason", "x"): "no number of a mention",
        ("hold", "add", "mention", "999", "--reason", "x"): "there is no mention 999",
        ("hold", "add", "mention", "1", "--reason", "x", "--until", "soon"): "write it as 2027-01-31",
        ("hold", "add", "mention", "1", "--reason", "x", "--until", "2001-01-31"): "ends in the future",
        ("hold", "evidence", "9"): "there is no hold 9",
        ("erase", "file"): "say whom to erase",
    }
    for words, answer in told.items():
        assert answer in str(rung.at(*words).exception), words


def test_a_list_of_erasures_is_applied(rung: Any, tmp_path: Any) -> None:
    """A list of another store erases nobody here; one's own says whom it erased anew."""
    other = tmp_path / "other.erased"
    other.write_text('{"installation": "another", "hash": "00", "at": "2026-01-01T00:00:00+00:00"}\n')
    assert rung.at("erase", "--from", str(other)).output == "Erased anew: 0 people. Everybody on the list is kept out.\n"
    assert rung.at("erase", "--from", str(other), "--json").output == "[]\n"
