"""Silences on the command line: what they cover and when, said so that nobody silences by mistake what they did not mean."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.cli import silences, told
from monitor.domain.clock import ManualClock
from monitor.domain.errors import UsageError

Tocsin = Any
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)  # a Tuesday


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """A clock for the command line."""
    clock = ManualClock(NOON)
    monkeypatch.setattr(silences, "clock", clock)
    return clock


def made(tocsin: Tocsin, *words: str) -> Any:
    """The silence that a command makes."""
    done = tocsin.at("silence", "--reason", "known", "--by", "ana", *words)
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(tocsin.at("silences", "--json").output)[-1]


def listed(tocsin: Tocsin) -> str:
    """The list, on one line."""
    shown = tocsin.at("silences").output
    assert max(map(len, shown.splitlines())) <= 80
    return " ".join(shown.split())


def test_a_silence_covers_what_conditions_say(tocsin: Tocsin, noon: ManualClock) -> None:
    """In the language of the rules; beside a rule and a subject, all must hold."""
    found = made(tocsin, "--for", "2h", "--where", "severity: {lte: warning}, network: mastodon", "--subject", "acme")
    assert found["matcher"] == {"subject": "acme", "where": {"network": {"is": "mastodon"}, "severity": {"lte": "warning"}}}
    assert "subject acme, network: mastodon, " in listed(tocsin)
    assert "severity: {lte: warning}" in listed(tocsin)


def test_several_rules_are_one_silence(tocsin: Tocsin, noon: ManualClock) -> None:
    """And one more condition on top of them."""
    rules = ("--for", "2h", "--rule", "crisis", "--rule", "complaint")
    assert made(tocsin, *rules)["matcher"] == {"where": {"rule": {"in": ["crisis", "complaint"]}}}
    more = made(tocsin, *rules, "--where", "category: alert")["matcher"]
    assert more == {"where": {"all": [{"category": {"is": "alert"}}, {"rule": {"in": ["crisis", "complaint"]}}]}}
    assert "all: [{category: alert}, {rule: {in: " in listed(tocsin)
    assert "[crisis, complaint]}}]" in listed(tocsin)


def test_everything_is_silenced_by_whoever_says_so(tocsin: Tocsin, noon: ManualClock) -> None:
    """And only then."""
    assert made(tocsin, "--for", "2h", "--everything")["matcher"] == {"everything": True}
    assert " everything " in listed(tocsin)


def test_a_silence_that_comes_again_says_when(tocsin: Tocsin, noon: ManualClock) -> None:
    """When it is quiet next, and until when it is while it is; in the time zone of the file."""
    done = tocsin.at(
        "silence", "--rule", "crisis", "--every", "sat-sun", "--every", "22:00-07:00", "--until", "2026-12-24",
        "--timezone", "Europe/Paris", "--reason", "maintenance", "--by", "ana",
    )  # fmt: skip
    assert done.output == (
        "Silence 1 at sat,sun and 22:00-07:00 (Europe/Paris) until 2026-12-25 00:00: next 2026-12-01 22:00."
        " End it early: tocsin unsilence 1\n"
    )
    noon.advance(timedelta(days=4))
    shown = listed(tocsin)
    assert "sat,sun and 22:00-07:00" in shown
    for part in ("2026-12-25 00:00", "quiet until 2026-12-07 07:00", "next 2026-12-07 22:00"):
        assert part in shown


def test_a_silence_may_be_planned(tocsin: Tocsin, noon: ManualClock) -> None:
    """From a day or a time on; it is listed before it begins, and may be called off."""
    done = tocsin.at("silence", "--rule", "crisis", "--from", "2026-12-05", "--for", "2h", "--reason", "x")
    assert "Silence 1 from 2026-12-05 00:00 until 2026-12-05 02:00. End it early" in done.output
    assert "from 2026-12-05 00:00 until 2026-12-05 02:00" in listed(tocsin)
    assert tocsin.at("unsilence", "1").output == "Silence 1 has ended.\n"
    assert "2026-12-05" not in listed(tocsin)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "a silence must end, for somebody else will ask: say --for 2h or --until 2026-12-24"),
        (("--for", "2h", "--until", "2026-12-24"), "one of the two"),
        (("--until", "2026-11-30"), "--until 2026-11-30 is not after now"),
        (("--from", "2026-12-05", "--until", "2026-12-04"), "--until 2026-12-04 is not after --from 2026-12-05"),
        (("--from", "2026-12-01 12:00", "--for", "2h"), "--from 2026-12-01 12:00 has passed"),
        (("--until", "christmas"), "--until christmas: `christmas` is not understood: write a day"),
        (("--until", "2026-13-01"), "`2026-13-01` is no day"),
        (("--for", "2h", "--every", "22:00-22:00"), "--every 22:00-22:00: 22:00-22:00 lasts no time at all"),
        (("--for", "2h", "--every", "sat"), "--every sat never comes between 2026-12-01 13:00 and 2026-12-01 15:00"),
        (
            ("--for", "2h", "--every", "sat", "--timezone", "Paris"),
            "`Paris` is not a time zone; write an IANA name",
        ),
        (("--for", "2h", "--everything"), "--everything leaves nothing else to say"),
        (("--for", "2h", "--where", "rule: {in: [crisis, criss]}"), "there is no rule `criss`; did you mean `crisis`?"),
        (("--for", "2h", "--where", "not: {subjects: acmee}"), "there is no subject `acmee`; did you mean `acme`?"),
        (("--for", "2h", "--where", "severty: info"), "`severty` is not known here; did you mean `severity`?"),
        (("--for", "2h", "--where", "severity: loud"), "--where: severity"),
        (("--for", "2h", "--where", "rule: {in_list: nobody}"), "nobody"),
        (("--for", "2h", "--where", "severity"), "--where: severity: there is no value here"),
        (("--for", "2h", "--where", "{}"), "--where asks for nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(tocsin: Tocsin, noon: ManualClock, options: tuple[str, ...], said: str) -> None:
    """In words that say what to write instead; nothing is silenced."""
    error = tocsin.at("silence", "--reason", "x", "--rule", "crisis", *options).exception
    assert isinstance(error, UsageError)
    assert said in str(error)
    assert tocsin.at("silences").output == "No silence is in force.\n"


SAFETY = """
  - {id: hurt, title: {en: Somebody may be in danger}, kind: mention, where: {subjects: acme}, severity: critical}
"""


@pytest.mark.parametrize(
    ("options", "covers"),
    [
        (("--everything",), True),
        (("--where", "network: mastodon"), True),
        (("--where", "severity: critical"), True),
        (("--where", "rule: {not: [hurt]}"), False),
        (("--where", "kind: window"), False),
        (("--rule", "crisis", "--rule", "complaint"), False),
        (("--rule", "crisis", "--rule", "hurt"), True),
    ],
)
def test_a_danger_is_silenced_by_whoever_means_it(tocsin: Tocsin, options: tuple[str, ...], covers: bool) -> None:
    """What may cover it is refused, whichever way it is said, unless it is said that it may."""
    tocsin.write("rules/safety.yaml", "version: 1\nrules:" + SAFETY)
    silence = ("silence", "--for", "2h", "--reason", "x", *options)
    if covers:
        assert "this would also silence `hurt`" in str(tocsin.at(*silence).exception)
        silence = (*silence, "--including-safety")
    assert tocsin.at(*silence).exit_code == 0


def test_an_alert_says_who_silences_it(rung: Tocsin, noon: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the list of alerts, and with the reason and the end where it is shown; afterwards, that nobody ever was told."""
    monkeypatch.setattr(told, "clock", noon)
    made(rung, "--until", "2026-12-24", "--every", "mon-fri", "--where", "category: alert")
    _change(rung, "state = 'open', resolved_at = NULL, told_at = NULL, silenced_by = '1'")
    assert "silenced" in rung.at("alerts").output
    assert "  nobody: silence 1 covers it until 2026-12-05 00:00 (known, ana)\n" in rung.at("alert", "show", "1").output
    _change(rung, "state = 'resolved', resolved_at = opened_at")
    assert "resolved, silenced" in " ".join(rung.at("alerts", "--all").output.split())
    assert "  nobody: silence 1 covered it until it was over (known, ana)\n" in rung.at("alert", "show", "1").output


def _change(tocsin: Tocsin, values: str) -> None:
    with closing(sqlite3.connect(tocsin.config.parent / "tocsin.db")) as connection, connection:
        connection.execute(f"UPDATE alert SET {values} WHERE id = 1")


def test_silences_of_the_configuration_are_listed(rung: Tocsin, noon: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their names, with where they stand; and an alert under one says so."""
    monkeypatch.setattr(told, "clock", noon)
    nights = 'silences:\n  nights: {where: {rule: complaint}, reason: asleep, every: "12:00-14:00"}\n'
    rung.write("monitor.yaml", (rung.config / "monitor.yaml").read_text("utf-8") + nights)
    shown = listed(rung)
    for part in ("nights", "rule: complaint", "monitor.yaml", "asleep", "ever: quiet until"):
        assert part in shown
    _change(rung, "state = 'open', resolved_at = NULL, told_at = NULL, silenced_by = 'nights'")
    line = "  nobody: silence nights covers it until 2026-12-01 14:00 (asleep, monitor.yaml)\n"
    assert line in rung.at("alert", "show", "1").output
