"""`tocsin rules explain`: why a rule rings for a mention, or does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.domain.errors import UsageError
from monitor.settings import ConfigError
from tests.monitor.cli.conftest import RULES

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin


def test_a_stored_mention_is_explained_condition_by_condition(rung: Tocsin) -> None:
    """What each asks, what it saw, and that it holds."""
    told = rung.at("rules", "explain", "complaint", "1").output.splitlines()
    assert told[0] == "complaint holds for mention 1: “My Acme is broken, part 0”"
    assert [line.split() for line in told[3:]] == [
        ["yes", "where.subjects", "is", "acme", "acme"],
        ["yes", "where.text", "any_of", "broken,", "awful", "“broken”"],
    ]


def test_a_window_is_told_as_it_stands_now(rung: Tocsin) -> None:
    """What was counted long ago rings no more, and the reasons say what the rule asks."""
    *_, window = rung.at("rules", "explain", "crisis", "1").output.splitlines()
    assert window.startswith("subject acme does not ring now: 0 authors within 1h")
    assert window.endswith("rings from 5 authors")


def test_a_text_that_nobody_wrote_yet_is_read_as_the_daemon_would(rung: Tocsin) -> None:
    """Its subjects are found; what fails is named; it counts in no window."""
    told = rung.at("rules", "explain", "crisis", "Acme works fine, I think").output
    assert told.startswith("crisis does not hold for this text: “Acme works fine, I think”")
    assert "no   where.text any_of broken, awful" in told
    assert "ring" not in told


def test_a_text_is_a_strangers(rung: Tocsin) -> None:
    """Nearly every rule asks that none of us wrote it: that is known; how many read them is not."""
    rung.write("rules/acme.yaml", RULES.replace("subjects: acme,", "author.own: false,", 1))
    told = rung.at("rules", "explain", "complaint", "Acme is broken").output
    assert told.startswith("complaint holds for this text: “Acme is broken”")
    assert "yes  where.author.own is false" in told


def test_scripts_get_the_same_as_json(rung: Tocsin) -> None:
    """One object: the conditions, and the windows with their figures."""
    found = json.loads(rung.at("rules", "explain", "crisis", "2", "--json").output)
    assert (found["rule"], found["holds"]) == ("crisis", True)
    assert found["conditions"][1] == {"asks": "where.subjects is acme", "seen": ["acme"], "holds": True}
    (window,) = found["windows"]
    assert (window["key"], window["rings"], window["observed"]) == ({"subject": "acme"}, False, 0)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("crisys", "1"), "there is no rule `crisys`; did you mean `crisis`?"),
        (("crisis", "99"), "there is no mention 99"),
    ],
)
def test_what_is_not_there_cannot_be_explained(rung: Tocsin, typed: tuple[str, str], says: str) -> None:
    """With what was probably meant."""
    found = rung.at("rules", "explain", *typed).exception
    assert isinstance(found, UsageError)
    assert says in str(found)


def test_a_list_that_is_not_there_keeps_nobody_from_a_silence(rung: Tocsin) -> None:
    """Rules that cannot be used are told with file and line, whatever asks for them; a silence needs their names alone."""
    (file,) = (rung.config / "rules").iterdir()
    file.write_text(file.read_text().replace("any_of: [broken, awful]", "any_of: angry_words", 1))
    assert rung.at("silence", "--rule", "complaint", "--for", "1h", "--reason", "maintenance").exit_code == 0
    wrong = rung.at("rules", "explain", "complaint", "1").exception
    assert isinstance(wrong, ConfigError)
    assert "rules[0].where.text.any_of: there is no list `angry_words`" in str(wrong)
