"""`tocsin plan drill` and `tocsin plan simulate`."""

from __future__ import annotations

from typing import Any

from monitor.domain.errors import InputError, UsageError

Tocsin = Any

LEVELS = """
  severity:
    - {level: 2, name: {en: crisis}, ack_within: 15m, when: {authors: {gte: 5}}}
    - {level: 1, name: {en: alert}, ack_within: 1h}
  closure: {sign_off: duty}
  reviewed_on: 2020-01-01
"""


def rehearsing(tocsin: Tocsin) -> Tocsin:
    """With a plan that has levels, and an owner."""
    path = tocsin.config / "plans" / "outage.yaml"
    path.write_text(path.read_text().replace("  notify: [hub]\n", "  notify: [duty]\n  owner: duty\n" + LEVELS.lstrip("\n")))
    return tocsin


def test_a_drill_begins_at_a_level_and_says_who_answered(tocsin: Tocsin) -> None:
    """The gravest, unless one is named; the report is a table, and `plan show` has it, too."""
    typed = rehearsing(tocsin)
    assert "opened as a drill, at level 2" in typed.at("plan", "drill", "outage").output
    assert "opened as a drill, at level 1" in typed.at("plan", "drill", "outage", "--level", "1").output
    assert "it is yours" in typed.at("plan", "ack", "1", "--by", "ada").output
    for words in (("plan", "drill", "--report", "1"), ("plan", "show", "1")):
        shown = typed.at(*words).output
        assert "Who answered" in shown
        assert "ada" in shown
        assert max(map(len, shown.splitlines())) <= 80


def test_a_drill_needs_a_plan_or_a_run(tocsin: Tocsin) -> None:
    """One of the two."""
    for words in ((), ("outage", "--report", "1")):
        done = tocsin.at("plan", "drill", *words)
        assert isinstance(done.exception, UsageError)
        assert "rehearse which plan?" in str(done.exception)
    assert "no plan run 7" in str(tocsin.at("plan", "drill", "--report", "7").exception)
    assert "no level 5" in str(rehearsing(tocsin).at("plan", "drill", "outage", "--level", "5").exception)


def test_check_warns_of_a_drill_until_one_was_held(tocsin: Tocsin) -> None:
    """Its day stands in the store; the configuration alone does not know."""
    typed = rehearsing(tocsin)
    assert "the drill is due since" in typed.at("check").output
    typed.at("plan", "drill", "outage")
    assert "the drill is due since" in typed.at("check").output
    assert typed.at("plan", "close", "1", "--by", "ada").exit_code == 0
    assert "the drill is due since" not in typed.at("check").output


def test_a_simulation_walks_the_plan_to_its_end(tocsin: Tocsin) -> None:
    """Opened by the recording, taken, worked through, signed; the same words each time, in 80 columns."""
    typed = rehearsing(tocsin)
    words = ("plan", "simulate", "outage", str(typed.config / "posts.jsonl"))
    first, second = typed.at(*words), typed.at(*words)
    assert first.exit_code == 0
    assert first.output == second.output
    assert max(map(len, first.output.splitlines())) <= 80
    for said in (
        "Outage [red], simulated",
        "Plan opened",
        "Crisis confirmed, by Ada",
        "Stood down, by Ada",
        "Taken after 4 minutes",
    ):
        assert said in first.output
    assert first.output.rstrip().endswith("Nothing was sent.")


def test_people_who_are_late_act_past_each_limit(tocsin: Tocsin) -> None:
    """Told in the language of the configuration, here French."""
    typed = rehearsing(tocsin)
    path = typed.config / "monitor.yaml"
    path.write_text(path.read_text().replace("language: en", "language: fr"))
    said = typed.at("plan", "simulate", "outage", str(typed.config / "posts.jsonl"), "--answers", "late").output
    for words in ("Panne, simulé", "Crise confirmée, par Ada", "Pris en charge après 25 minutes", "Rien n’a été envoyé."):
        assert words in said


def test_a_simulation_in_which_nobody_answers_climbs_the_ladder(tocsin: Tocsin) -> None:
    """And says that the run is open still."""
    typed = rehearsing(tocsin)
    said = typed.at("plan", "simulate", "outage", str(typed.config / "posts.jsonl"), "--answers", "nobody").output
    assert "Nobody said in time whether this is a crisis" in said
    assert "Nobody took it" in said
    assert "still open" in said


def test_a_recording_that_opens_nothing_says_so(tocsin: Tocsin, line: Any) -> None:
    """Calm weather."""
    calm = tocsin.config / "calm.jsonl"
    calm.write_text(line(1, "My Acme is blue") + "\n")
    assert "Nothing in this recording opens this plan." in tocsin.at("plan", "simulate", "outage", str(calm)).output


def test_a_simulation_needs_a_plan_a_recording_and_a_rule(tocsin: Tocsin) -> None:
    """Each in words."""
    posts = str(tocsin.config / "posts.jsonl")
    assert isinstance(tocsin.at("plan", "simulate", "outage", "nowhere.jsonl").exception, InputError)
    assert "no plan `outtage`; did you mean `outage`" in str(tocsin.at("plan", "simulate", "outtage", posts).exception)
    rules = tocsin.config / "rules" / "acme.yaml"
    rules.write_text(rules.read_text().replace("    plan: outage\n", ""))
    assert "no rule opens a plan" in str(tocsin.at("plan", "simulate", "outage", posts).exception)
