"""`tocsin plan report`, `follow-up` and `evidence`: what a person types when the crisis is over."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin


def test_a_report_is_printed_as_markdown(rung: Tocsin) -> None:
    """In the language of the configuration, of a run that is still open."""
    printed = rung.at("plan", "report", "1")
    assert printed.exit_code == 0, printed.output
    assert printed.output.startswith("# Outage \\[red\\]: after-action report\n")
    assert "Under way" in printed.output
    assert "Alert “crisis”" in printed.output


def test_a_report_is_written_by_the_ending_of_its_file(rung: Tocsin, tmp_path: Path) -> None:
    """For its owner alone to read; another language on request."""
    page = tmp_path / "retex.html"
    assert rung.at("plan", "report", "1", "--output", str(page), "--language", "fr").output.endswith("retex.html is written.\n")
    assert page.read_text().startswith('<!doctype html>\n<html lang="fr">')
    assert page.stat().st_mode & 0o777 == 0o600
    assert json.loads(rung.at("plan", "report", "1", "--format", "json").output)["run"] == 1


@pytest.mark.parametrize("words", [("report",), ("evidence", "--format", "csv")], ids=["report", "evidence"])
def test_a_file_that_was_there_becomes_its_owners_alone(rung: Tocsin, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Whoever could read what stood there reads nothing new, and what a link leads to is left alone."""
    shared, linked, elsewhere = tmp_path / "shared", tmp_path / "linked", tmp_path / "elsewhere"
    for path in (shared, elsewhere):
        path.write_text("old")
        path.chmod(0o644)
    linked.symlink_to(elsewhere)
    for path in (shared, linked):
        assert rung.at("plan", words[0], "1", *words[1:], "--output", str(path)).exit_code == 0
        assert (path.lstat().st_mode & 0o777, path.read_text("utf-8") != "old") == (0o600, True)
    assert elsewhere.read_text() == "old"


def test_a_file_that_cannot_be_written_is_said(rung: Tocsin, tmp_path: Path) -> None:
    """With what to do."""
    failed = rung.at("plan", "report", "1", "--output", str(tmp_path / "none" / "retex.html"))
    assert "cannot be written" in str(failed.exception)


def test_a_report_is_signed_once_the_run_is_closed(rung: Tocsin) -> None:
    """By whoever says so; a second time changes nothing."""
    assert "can be signed once the run is closed" in str(rung.at("plan", "report", "1", "--sign").exception)
    rung.at("plan", "stand-down", "1", "--why", "calm")
    assert "tocsin plan report 1" in rung.at("plan", "show", "1").output
    assert rung.at("plan", "report", "1", "--sign", "--by", "ada").output == "Run 1: the report is signed.\n"
    assert rung.at("plan", "report", "1", "--sign").output == "Run 1: somebody has signed the report already.\n"
    assert "signed by Ada" in rung.at("plan", "report", "1").output


def test_what_is_left_to_do_is_listed_added_and_done(rung: Tocsin) -> None:
    """Each with who and until when."""
    assert rung.at("plan", "follow-up", "1").output == "Nothing is noted.\n"
    added = rung.at("plan", "follow-up", "1", "add", "A second channel", "--owner", "ada", "--due", "2026-04-01")
    assert added.output.splitlines()[0] == "Run 1: action 1 is noted, for ada, by 2026-04-01."
    assert "overdue" in rung.at("plan", "follow-up", "1").output
    assert rung.at("plan", "follow-up", "1", "done", "1").output == "Run 1: action 1 is done.\n"
    assert rung.at("plan", "follow-up", "1", "done", "1").output == "Run 1: action 1 was done already.\n"
    assert "2026-04-01  ada" in rung.at("plan", "follow-up", "1").output


def test_what_is_wrong_with_an_action_is_said(rung: Tocsin) -> None:
    """Nobody of that name, no day, nothing to do, no number."""
    of = ("plan", "follow-up", "1")
    assert "there is no person or role `zoe`" in str(rung.at(*of, "add", "x", "--owner", "zoe", "--due", "2026-04-01").exception)
    assert "write the day as" in str(rung.at(*of, "add", "x", "--owner", "ada", "--due", "tomorrow").exception)
    assert "say what, who and until when" in str(rung.at(*of, "add", "x").exception)
    assert "by its number" in str(rung.at(*of, "done").exception)


def test_the_evidence_is_exported(rung: Tocsin, tmp_path: Path) -> None:
    """As lines of JSON, or as a table."""
    printed = [json.loads(line) for line in rung.at("plan", "evidence", "1").output.splitlines()]
    assert [each["author"] for each in printed][:2] == ["user0", "user1"]
    assert all(len(each["sha256"]) == 64 for each in printed)
    sheet = tmp_path / "evidence.csv"
    rung.at("plan", "evidence", "1", "--format", "csv", "--output", str(sheet))
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [each["text"] for each in printed]
    assert "no plan run 9" in str(rung.at("plan", "evidence", "9").exception)


def test_what_became_of_evidence_is_said(rung: Tocsin) -> None:
    """In the export, beside the posts of an alert, and among what a run captured: the words stay those that rang."""
    with closing(sqlite3.connect(rung.config.parent / "tocsin.db")) as store, store:
        store.execute("UPDATE mention SET deleted_at = '2026-03-03 08:00:00.000000' WHERE id = 1")
        store.execute("UPDATE mention SET edited_at = '2026-03-03 09:00:00.000000' WHERE id = 2")
    first, second, third = (json.loads(line) for line in rung.at("plan", "evidence", "1").output.splitlines()[:3])
    assert (first["deleted_at"], first["edited_at"]) == ("2026-03-03T08:00:00+00:00", None)
    assert (second["deleted_at"], second["edited_at"]) == (None, "2026-03-03T09:00:00+00:00")
    assert (third["deleted_at"], third["edited_at"]) == (None, None)
    assert "user0: My Acme is broken, part 0  (since deleted)  https" in rung.at("alert", "show", "1").output
    assert "user1: My Acme is broken, part 1  (edited)  https" in rung.at("alert", "show", "2").output
    assert rung.at("plan", "keep", "1", "1").exit_code == 0
    shown = rung.at("plan", "show", "1", "--evidence").output
    assert "as it was captured; it was deleted, seen 2026-03-03 09:00" in shown
    assert "1 has been deleted since" in rung.at("plan", "report", "1").output
