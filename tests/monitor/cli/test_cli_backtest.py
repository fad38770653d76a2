"""`tocsin backtest`: what it says, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from monitor.domain.errors import ExitCode, InputError, StorageError, TocsinError, UsageError
from monitor.settings import ConfigError
from tests.monitor.cli.conftest import MORNING, RULES

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

Line = Callable[..., str]
DAYS = ("--from", "2026-03-02", "--to", "2026-03-08")


@pytest.fixture
def storms(tocsin: Tocsin, line: Line) -> Path:
    """A recording of three storms in a week, of 5, 7 and 9 people."""
    path = tocsin.config / "posts.jsonl"
    days = [(day * 24 * 60 + person, f"a{day}-{person}") for day, people in ((0, 5), (2, 7), (4, 9)) for person in range(people)]
    path.write_text("\n".join(line(n, "My Acme is broken", who=who, minutes=at) for n, (at, who) in enumerate(days)) + "\n")
    return path


def test_it_lists_what_would_have_rung_and_suggests_when_it_would_ring_less(tocsin: Tocsin, storms: Path) -> None:
    """When, what about, how loud, against what is usual, for how long, and how many messages; in 80 columns."""
    done = tocsin.at("backtest", "crisis", str(storms), "--wanted", "2")
    assert done.exit_code == ExitCode.OK, done.output
    assert max(map(len, done.output.splitlines())) <= 80
    lines = [line.rstrip() for line in done.output.splitlines()]
    assert lines[:4] == [
        "crisis: 3 alerts",
        "rang at           about  severity  seen  usual  lasted  told",
        "2026-03-02 09:04  Acme   critical  5     –      1h26m   1",
        "2026-03-04 09:04  Acme   critical  5     0.1    1h28m   1",
    ]
    assert "2026-03-02 09:04  5 authors within 1h; what is usual is still being learnt" in lines
    assert lines[-10:] == [
        "rule    alerts  a week  for at most 2 a week",
        "crisis  3       3.0     fire.at_least: 6 rang 2 times",
        "",
        "crisis, fire.at_least: from 6 to 7 it rings as often. 6 misses 1 of 3 alerts:",
        "  2026-03-02 09:04 Acme, critical.",
        "",
        "2026-03-02 09:00 to 2026-03-06 09:08 (Europe/Paris), 21 mentions.",
        "Nothing came before to learn from.",
        "Less than a week is counted as one.",
        "+ is what was not over at the end.",
    ]


def test_a_changed_copy_of_a_rule_file_is_tried(tocsin: Tocsin, storms: Path, tmp_path: Path) -> None:
    """A file, or a folder of them; word lists and receivers are those of the configuration, whose own rules keep out."""
    copy = tmp_path / "copy" / "changed.yaml"
    copy.parent.mkdir()
    copy.write_text(RULES.replace("at_least: 5", "at_least: 8"))
    (copy.parent / "changed.test.yaml").write_text("this is no rule file")
    for words in (str(copy), str(copy.parent)):
        found = json.loads(tocsin.at("backtest", words, str(storms), "--json").stdout)
        assert {each["rule"]: each["alerts"] for each in found["rules"]} == {"complaint": 21, "crisis": 1}


def test_one_rule_of_a_changed_file_is_tried(tocsin: Tocsin, storms: Path, tmp_path: Path) -> None:
    """Who changed one rule need not read what all others of its file would have done."""
    changed = tmp_path / "changed.yaml"
    changed.write_text(RULES.replace("at_least: 5", "at_least: 8"))
    found = json.loads(tocsin.at("backtest", str(changed), "crisis", str(storms), "--json").stdout)
    assert {each["rule"]: each["alerts"] for each in found["rules"]} == {"crisis": 1}


def test_what_has_no_suggestion_says_why(tocsin: Tocsin, storms: Path, tmp_path: Path) -> None:
    """A kind of which no threshold is known yet, a rule that compares no single number, one that nothing came for."""
    rules = tmp_path / "others.yaml"
    rules.write_text(
        "version: 1\nrules:\n"
        "  - {id: fresh, kind: new_term, field: hashtags, fire: {at_least: 15}}\n"
        "  - {id: spoken-of, kind: mention, where: {subjects: acme}}\n"
        "  - {id: mute, kind: window, where: {text: {any_of: [unheard]}}, window: 60m, fire: {at_least: 5}}\n"
    )
    lines = tocsin.at("backtest", str(rules), str(storms), "--wanted", "2").output.splitlines()
    told = [line for line in lines if line.startswith(("fresh ", "spoken-of ", "mute "))]
    why = {line.split()[0]: line[line.index("(") :].strip() for line in told}
    assert why == {
        "fresh": "(no suggestion for this kind yet)",
        "spoken-of": "(no single threshold to set)",
        "mute": "(nothing to try it on)",
    }


def test_without_rules_all_that_are_configured_are_tried(tocsin: Tocsin, storms: Path) -> None:
    """And of many alerts only the first are listed, unless all are asked for."""
    shown = tocsin.at("backtest", str(storms)).output
    assert "complaint: 21 alerts" in shown
    assert "… and 1 more; --all lists them." in shown
    assert "`--wanted 2` suggests thresholds" in shown
    assert "+ is what was not over at the end." in shown
    everything = tocsin.at("backtest", str(storms), "--all").output
    assert everything.count("Acme, a4-8") == 1 > shown.count("a4-8")


def test_json_holds_all_of_it_the_same_each_time(tocsin: Tocsin, storms: Path) -> None:
    """To the last byte; authors are numbers, since such a file is passed on."""
    first, second = (tocsin.at("backtest", str(storms), "--wanted", "2", "--json").stdout for _ in range(2))
    assert first == second
    found = json.loads(first)
    (suggestion,) = found["rules"][1]["suggestions"]
    assert suggestion == {
        "threshold": "fire.at_least",
        "now": 5,
        "value": 6,
        "low": 6,
        "high": 7,
        "alerts": 2,
        "missed": [{"key": {"subject": "acme"}, "severity": "critical", "at": "2026-03-02T08:04:00+00:00"}],
    }
    crisis = next(each for each in found["alerts"] if each["rule"] == "crisis")
    assert (crisis["observed"], crisis["lasted"], crisis["notifications"]) == (5, 5160, 1)
    assert crisis["reasons"][0] == "5 authors within 1h"
    assert "a4-8" not in first


def test_the_store_is_read_and_nothing_else(rung: Tocsin, tmp_path: Path) -> None:
    """Its scores are used again; not a row of it is changed, and nothing is sent."""
    before = _content(tmp_path / "tocsin.db")
    done = rung.at("backtest", "crisis", "complaint", "store", *DAYS, "--json")
    assert done.exit_code == ExitCode.OK, done.output
    found = json.loads(done.stdout)
    assert (found["mentions"], found["learnt_from"]) == (8, 0)
    assert {each["rule"]: each["alerts"] for each in found["rules"]} == {"crisis": 1, "complaint": 8}
    assert _content(tmp_path / "tocsin.db") == before


def test_what_was_heard_before_the_days_that_are_asked_for_teaches(tocsin: Tocsin, storms: Path, tmp_path: Path) -> None:
    """How many mentions that were is told; what rang then is not."""
    tocsin.at("replay", str(storms), "--database", f"sqlite:///{tmp_path}/tocsin.db")
    done = tocsin.at("backtest", "crisis", "store", "--from", "2026-03-04T09:00", "--to", "2026-03-08")
    assert "crisis: 2 alerts" in done.output
    assert "Learnt from the 5 that came before." in done.output


def _content(database: Path) -> list[str]:
    with sqlite3.connect(database) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("backtest", "nowhere.jsonl"), InputError, "nowhere.jsonl: there is no such file; the last word is the recording"),
        (("backtest",), UsageError, "say on what: tocsin backtest RULES… DATA"),
        (("backtest", "here.jsonl", "--wanted", "0"), UsageError, "--wanted 0: to be told of nothing, remove the rule"),
        (("backtest", "here.jsonl", "--chart", "x.pdf"), UsageError, "x.pdf: a chart ends in .svg, .html or .png, not .pdf"),
        (("backtest", "here.jsonl", "--chart", "chart"), UsageError, "chart: a chart ends in .svg, .html or .png, it has no"),
        (
            ("backtest", "crysis", "here.jsonl"),
            UsageError,
            "there is no rule, nor file of rules, `crysis`; did you mean `crisis`",
        ),
        (("backtest", "storm", "brand/rules", "here.jsonl"), UsageError, "there is no rule, nor file of rules, `storm`"),
        (("backtest", "empty", "here.jsonl"), UsageError, "empty: there is no rule file in it"),
        (("backtest", "nowhere.yaml", "here.jsonl"), ConfigError, "nowhere.yaml: no such file."),
        (
            ("backtest", "here.jsonl", "--from", "Monday"),
            UsageError,
            "--from Monday: `Monday` is not understood: write a day, or a day and a time",
        ),
        (("backtest", "here.jsonl", "--from", "2026-03-03", "--to", "2026-03-01"), UsageError, "--from 2026-03-03 00:00 is not"),
        (
            ("backtest", "here.jsonl", "--from", "2026-04-01", "--to", "2026-04-02"),
            UsageError,
            "nothing was said from 2026-04-01 00:00 to 2026-04-03 00:00: what there is was written from 2026-03-02 09:01",
        ),
        (("backtest", "nothing.jsonl"), InputError, "nothing.jsonl: there is nothing in it, so nothing was judged"),
        (("backtest", "rubbish.jsonl"), InputError, "rubbish.jsonl: nothing in it could be understood, so nothing was"),
        (("backtest", "store"), UsageError, "nothing was heard yet: there is no mention in the store"),
    ],
)
def test_it_says_what_cannot_be_done(
    tocsin: Tocsin, line: Line, words: tuple[str, ...], error: type[TocsinError], said: str
) -> None:
    """What is wrong, and what to do instead."""
    Path("here.jsonl").write_text(line(1, "Acme") + "\n")
    Path("nothing.jsonl").write_text("")
    Path("rubbish.jsonl").write_text("rubbish\n")
    Path("empty").mkdir()
    done = tocsin.at(*words)
    assert isinstance(done.exception, error), (done.exception, done.output)
    assert str(done.exception).startswith(said)


def test_a_rule_file_with_mistakes_is_told_as_check_tells_it(tocsin: Tocsin, line: Line, tmp_path: Path) -> None:
    """With file, line, field and fix."""
    (tmp_path / "posts.jsonl").write_text(line(1, "Acme") + "\n")
    (tmp_path / "wrong.yaml").write_text(RULES.replace("at_least", "at_lest").replace("plan: outage", "plan: outrage"))
    done = tocsin.at("backtest", "wrong.yaml", "posts.jsonl")
    assert isinstance(done.exception, ConfigError)
    assert "wrong.yaml:14: rules[1].fire.at_lest: " in str(done.exception)
    assert "Did you mean `at_least`?" in str(done.exception)
    assert "there is no plan called `outrage`" in str(done.exception)
    assert done.exception.exit_code is ExitCode.CONFIGURATION


def test_a_store_that_is_not_there_is_not_made(tocsin: Tocsin, tmp_path: Path) -> None:
    """Nor is one of another version touched."""
    with sqlite3.connect(tmp_path / "tocsin.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    older = tocsin.at("backtest", "store")
    assert isinstance(older.exception, StorageError)
    assert "tocsin migrate" in str(older.exception)
    (tmp_path / "tocsin.db").unlink()
    missing = tocsin.at("backtest", "store")
    assert isinstance(missing.exception, StorageError)
    assert "there is no store at" in str(missing.exception)
    assert not (tmp_path / "tocsin.db").exists()


@pytest.mark.parametrize("ending", ["svg", "html", "png"])
def test_a_chart_is_written(tocsin: Tocsin, storms: Path, tmp_path: Path, ending: str) -> None:
    """With the curve of what is counted and bars of what is not."""
    path = tmp_path / f"chart.{ending}"
    done = tocsin.at("backtest", str(storms), "--chart", str(path))
    assert done.exit_code == ExitCode.OK, done.output
    assert f"wrote {path}" in done.stderr
    content = path.read_bytes()
    if ending == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert "different authors within 60 minutes" in content.decode()
    if ending == "svg":
        assert ET.fromstring(content.decode()).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_chart_that_cannot_be_written_says_so(tocsin: Tocsin, storms: Path) -> None:
    """With exit code 73."""
    done = tocsin.at("backtest", str(storms), "--chart", "nowhere/chart.svg")
    assert isinstance(done.exception, TocsinError)
    assert done.exception.exit_code is ExitCode.CANNOT_CREATE


def test_the_morning_of_the_recordings_is_in_the_range() -> None:
    """The days that tests ask for hold it."""
    assert MORNING.date().isoformat() == DAYS[1] < (MORNING + timedelta(days=6)).date().isoformat() == DAYS[3]
