"""What people type in the room of a crisis: the card, the change of shift, who has read what, what is kept."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from monitor import paper
from monitor.domain.errors import TocsinError

Tocsin = Any
PEOPLE = """
version: 1
people:
  ada: {name: Ada, receivers: [hub], phone: "+33 6 39 98 12 01"}
  bob: {name: Bob, receivers: [hub]}
roles: {duty: ada}
"""


def _plan(tocsin: Tocsin, more: str) -> None:
    path = tocsin.config / "plans" / "outage.yaml"
    tocsin.write("plans/outage.yaml", path.read_text().replace("  notify: [hub]\n", f"  notify: [hub, ada]\n{more}"))
    tocsin.write("contacts.yaml", PEOPLE)


def test_a_card_is_printed_or_written_for_ones_own_eyes(tocsin: Tocsin, tmp_path: Path) -> None:
    """HTML unless somebody asks otherwise; whoever has no telephone is named beside it."""
    _plan(tocsin, "  owner: bob\n")
    shown = tocsin.at("plan", "card", "outage")
    assert shown.exit_code == 0, shown.output
    assert "+33 6 39 98 12 01" in shown.stdout
    assert "Bob has no telephone in contacts.yaml" in shown.stderr
    file = tmp_path / "card.html"
    assert tocsin.at("plan", "card", "outage", "--language", "fr", "--output", str(file)).exit_code == 0
    assert 'lang="fr"' in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_words_are_printed_as_messages_say_them(tocsin: Tocsin) -> None:
    """With the brand of monitor.yaml, the subject and the lead by the names that people use, and the figures."""
    monitor, path = tocsin.config / "monitor.yaml", tocsin.config / "plans" / "outage.yaml"
    tocsin.write("monitor.yaml", monitor.read_text().replace("language: en\n", "language: en\nbrand: Acme Group\n"))
    words = "'{{brand}} on {{subject}}: {{lead}} sees to {{mentions}} posts.'"
    tocsin.write("plans/outage.yaml", path.read_text().replace("en: We are looking into it.", f"en: {words}"))
    tocsin.write("contacts.yaml", PEOPLE)
    assert tocsin.at("plan", "open", "outage", "--subject", "acme", "--why", "a call").exit_code == 0
    assert tocsin.at("plan", "ack", "1", "--by", "ada").exit_code == 0
    assert tocsin.at("plan", "done", "1", "say", "--by", "ada").exit_code == 0
    for typed in (("show", "1"), ("handover", "1")):
        assert "Acme Group on Acme: Ada sees to 0 posts." in tocsin.at("plan", *typed).output


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("outrage",), "there is no plan `outrage`"),
        (("outage", "--format", "docx"), "a card is html or pdf, not `docx`"),
    ],
)
def test_what_no_card_can_be_is_refused(tocsin: Tocsin, typed: tuple[str, ...], said: str) -> None:
    """In words."""
    done = tocsin.at("plan", "card", *typed)
    assert done.exit_code != 0
    assert said in str(done.exception)


def test_a_pdf_by_the_ending_of_its_file(tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra it is made; without, it is said what to install; and it is no text for a terminal."""
    pytest.importorskip("typst")
    file = tmp_path / "card.pdf"
    assert tocsin.at("plan", "card", "outage", "--output", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"%PDF-")
    monkeypatch.setattr(paper, "find_spec", lambda name: None)
    assert "pip install 'tocsin[pdf]'" in str(tocsin.at("plan", "card", "outage", "--format", "pdf").exception)


def test_the_note_of_a_shift_is_printed_and_handed_over(rung: Tocsin) -> None:
    """Without a run all that is open, alerts too; only to somebody who can read it."""
    rung.write("contacts.yaml", PEOPLE)
    rung.at("plan", "note", "1", "Why do the [red]shops[/] call?", "--by", "ada")
    shown = rung.at("plan", "handover").output
    assert "Handover: Outage [red], run 1" in shown
    assert "Ada: “Why do the [red]shops[/] call?”" in shown
    assert "“Publish the holding statement”" in shown
    assert "Open alerts" in shown
    assert "complaint" in shown
    assert "there is no person or role `adda`" in str(rung.at("plan", "handover", "1", "--to", "adda").exception)
    assert "there is no plan run 7" in str(rung.at("plan", "handover", "7").exception)
    done = rung.at("plan", "handover", "1", "--to", "ada", "--by", "bob")
    assert "Run 1 is ada's: the daemon sends them this note now." in done.output
    assert "Handed over to Ada, by Bob" in rung.at("plan", "show", "1").output


def test_one_run_that_nobody_can_hand_over_keeps_none_of_the_others(rung: Tocsin) -> None:
    """It is told at the end, with exit code 1. A drill goes to the next shift only by its number."""
    rung.write("contacts.yaml", PEOPLE)
    rung.write("plans/shops.yaml", (rung.config / "plans" / "outage.yaml").read_text().replace("id: outage", "id: shops"))
    rung.at("plan", "open", "shops", "--why", "a call")
    rung.at("plan", "drill", "outage")
    with closing(sqlite3.connect(rung.config.with_name("tocsin.db"))) as store, store:
        store.execute("UPDATE plan_run SET snapshot = '{}' WHERE id = 1")
    done = rung.at("plan", "handover", "--to", "ada")
    assert "Run 2 is ada's" in done.output
    assert "Run 3 is a drill: it is handed over by its number alone." in done.output
    assert isinstance(done.exception, TocsinError)
    assert done.exception.exit_code == 1
    assert str(done.exception).startswith("plan run 1 (outage) was opened by another version of Tocsin")
    assert "Run 3 is ada's" in rung.at("plan", "handover", "3", "--to", "ada").output
    rung.at("plan", "close", "1")
    assert rung.at("plan", "handover", "--to", "ada").exit_code == 0


def test_without_anything_open_the_note_says_so(tocsin: Tocsin) -> None:
    """One line."""
    assert tocsin.at("plan", "handover").output == "No plan is open, and nothing rings.\n"


def test_who_has_read_which_version(tocsin: Tocsin) -> None:
    """It is said by a person of contacts.yaml; an edited plan is outstanding again."""
    assert "`read_by` of this plan names nobody." in tocsin.at("plan", "readers", "outage").output
    _plan(tocsin, "  read_by: [duty, bob]\n")
    assert "`zoe` is nobody of contacts.yaml" in str(tocsin.at("plan", "read", "outage", "--by", "zoe").exception)
    assert "noted that ada has read it" in tocsin.at("plan", "read", "outage", "--by", "ada").output
    assert "it was noted already that ada has read it" in tocsin.at("plan", "read", "outage", "--by", "ada").output
    rows = {line.split()[0]: line for line in tocsin.at("plan", "readers", "outage").output.splitlines()}
    assert "this version" in rows["ada"]
    assert "nothing yet" in rows["bob"]
    path = tocsin.config / "plans" / "outage.yaml"
    tocsin.write("plans/outage.yaml", "# a comment\n" + path.read_text())
    assert "this version" in tocsin.at("plan", "readers", "outage").output
    tocsin.write("plans/outage.yaml", path.read_text().replace("We are looking into it.", "We look into it."))
    assert "an older version" in tocsin.at("plan", "readers", "outage").output
    assert "there is no plan `x`" in str(tocsin.at("plan", "readers", "x").exception)
    assert "there is no plan `x`" in str(tocsin.at("plan", "read", "x").exception)


def test_a_post_is_kept_with_a_run(rung: Tocsin) -> None:
    """Under legal hold, which says how it ends."""
    done = rung.at("plan", "keep", "1", "https://posts.example/4", "--note", "threat", "--until", "2099-01-31", "--by", "ada")
    assert "is kept with run 1, by hold 1. SHA-256: " in done.output
    assert "was kept already" in rung.at("plan", "keep", "1", "https://posts.example/4").output
    assert "unchanged" in rung.at("hold", "list").output
    assert "kept as evidence, by Ada" in rung.at("plan", "show", "1").output


def test_a_false_alarm_says_what_it_means_for_the_rule(rung: Tocsin) -> None:
    """How often it was wrong, and how to see what would have rung less."""
    done = rung.at("plan", "false-alarm", "1", "--why", "an old film")
    assert "it was a false alarm, and is closed" in done.output
    assert "Rule crisis has opened 1 plan run; 1 of them was a false alarm." in done.output
    assert "tocsin backtest crisis store" in done.output


def test_a_group_was_told(rung: Tocsin) -> None:
    """Only one that the plan names."""
    assert "has no stakeholders `customers`" in str(rung.at("plan", "updated", "1", "customers").exception)
