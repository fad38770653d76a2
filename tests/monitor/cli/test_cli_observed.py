"""What would have rung of what is only observed, on a terminal; and that nobody believes that it rings."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.clock import SystemClock
from monitor.domain.errors import UsageError
from monitor.settings import load
from tests.monitor.cli.conftest import RULES

Tocsin = Any
DAY = ("--from", "2026-03-02", "--to", "2026-03-02")


@pytest.fixture
def tried(tocsin: Tocsin) -> Tocsin:
    """A store in which eight people complained and a crisis would have rung, while both rules were only observed."""
    tocsin.write("rules/acme.yaml", RULES.replace("    kind: ", "    mode: observe\n    kind: "))
    database = load(tocsin.config, environ={}).storage.url.get_secret_value()
    done = tocsin.at("replay", str(tocsin.config / "posts.jsonl"), "--database", database)
    assert done.exit_code == 0, done.output
    return tocsin


def test_observed_says_what_would_have_rung_and_sends_nothing(tried: Tocsin) -> None:
    """The rules, gravest first, with whom they would have told, and the file and line that let them ring."""
    done = tried.at("observed", *DAY)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Only observed: 9 alerts would have rung for Acme, ")
    assert done.output.index("crisis (critical)") < done.output.index("complaint (warning at most), 8 times")
    assert "For: hub." in done.output
    assert "rules/acme.yaml:10" in done.output.replace("\n", "")
    assert "You get this" not in done.output
    assert "You would have had" not in done.output
    assert max(map(len, done.output.splitlines())) <= 80 + len(str(tried.config))
    assert "Messages owed: none" in tried.at("status").output


def test_observed_is_data_for_scripts(tried: Tocsin) -> None:
    """The same account as a webhook gets it."""
    found = json.loads(tried.at("observed", *DAY, "--json").output)
    assert [(each["rule"], len(each["at"])) for each in found["rules"]] == [("crisis", 1), ("complaint", 8)]
    assert [each["what"] for each in found["only_observed"]] == ["rule", "rule"]
    assert found["messages"] >= 8


def test_observed_without_a_span_is_about_the_last_day(tried: Tocsin) -> None:
    """There was no account yet, and nothing happened since yesterday: that is said, and so that nobody listened."""
    assert "nothing would have rung" in tried.at("observed").output


def test_observed_names_both_ends_of_a_span(tried: Tocsin) -> None:
    """With the day, and the year where it is another, also where nothing would have rung."""
    done = tried.at("observed", "--from", "2025-03-02", "--to", "2025-03-04")
    assert "nothing would have rung for Acme (2 Mar 2025, 00:00 – 5 Mar, 00:00)" in " ".join(done.output.split())


def test_observed_refuses_a_span_that_ends_before_it_begins(tried: Tocsin) -> None:
    """In words that name both ends."""
    done = tried.at("observed", "--from", "2026-03-03", "--to", "2026-03-02T10:00")
    assert isinstance(done.exception, UsageError)
    assert "--from 2026-03-03 is not before 2026-03-02T10:00" in str(done.exception)


def test_init_offers_a_first_week_in_which_nothing_rings(tocsin: Tocsin) -> None:
    """Seven days from now, said at the end and by `check`; nobody is asked a fourth question."""
    answers = ("--brand", "Acme", "--source", "https://x.example/feed", "--send-to", "https://x.example/hook")
    until = SystemClock().now().date() + timedelta(days=7)
    done = tocsin("init", "mine", *answers, "--observe")
    assert f"Until {until} nothing rings but dangers" in done.output
    assert load(Path("mine"), environ={}).observing.until == until
    assert f"Everything is only observed until {until} 08:00" in tocsin("check", "--config", "mine").output
    assert "--observe" in tocsin("init", "yours", *answers).output


def test_status_says_until_when_nothing_rings(rung: Tocsin) -> None:
    """First of all, and in the data; nothing of it once the day has come."""
    ends = SystemClock().now().date() + timedelta(days=3)
    written = (rung.config / "monitor.yaml").read_text()
    rung.write("monitor.yaml", f"{written}observing: {{until: {ends}}}\n")
    assert rung.at("status").output.startswith(f"Everything is only observed until {ends} 08:00: nothing rings")
    assert json.loads(rung.at("status", "--json").output)["observed_until"].startswith(str(ends))
    rung.write("monitor.yaml", written + "observing: {until: 2026-03-09}\n")
    assert "only observed" not in rung.at("status").output


def test_an_alert_that_is_told_to_nobody_says_why(tried: Tocsin) -> None:
    """It is its rule, or everything, that is only observed."""
    assert "its rule is only observed (mode: observe)" in tried.at("alert", "show", "1").output
    written = (tried.config / "monitor.yaml").read_text()
    tried.write("monitor.yaml", f"{written}observing: {{until: 2026-03-09}}\n")
    assert "only observed (observing.until, or its rule's mode)" in tried.at("alert", "show", "1").output


@pytest.mark.parametrize("command", [("replay",), ("plan", "simulate", "outage"), ("backtest",)])
def test_whoever_asks_what_would_ring_is_not_told_that_nothing_does(tocsin: Tocsin, command: tuple[str, ...]) -> None:
    """A replay, a simulation and a backtest leave the first while aside, in which nothing rings."""
    posts, written = str(tocsin.config / "posts.jsonl"), (tocsin.config / "monitor.yaml").read_text()
    before = tocsin.at(*command, posts)
    tocsin.write("monitor.yaml", f"{written}observing: {{until: 2999-12-31}}\n")
    after = tocsin.at(*command, posts)
    assert before.exit_code == after.exit_code == 0
    assert timeless(before.output) == timeless(after.output) != ""


def timeless(output: str) -> str:
    """Without how long it took."""
    return re.sub(r"\d+(\.\d+)? ?(s|ms)\b|[\d,]+ (mentions )?(a|per) second", "…", output)
