"""The pages of rules: what each says and where, how it did, and what it would have done."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.console.rules.trying import TRIALS, BusyError, asked_of
from monitor.console.rules.view import written
from monitor.pipeline import operations
from monitor.workshop.pool import TooSlowError
from notifiers.message import Language
from rules import Rule
from tests.monitor.console.conftest import Office, Open

HOSTILE = "<script>alert(1)</script>"
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
async def heard(open_console: Open, tmp_path: Path) -> Office:
    """A console whose worker reads the same store: three people cried fire in the night, and eight in the morning."""
    console = await open_console(storage={"url": f"sqlite:///{tmp_path / 'lite.db'}"})
    await console.home.storm(3)
    console.home.clock.advance(timedelta(hours=6))
    await console.home.storm(8)
    return console


async def test_rules_are_listed_with_how_they_did(console: Office) -> None:
    """In words, with the place where each is changed, how often it rang, and what was called false."""
    await console.home.hears("my Acme is broken")
    async with console.home.store.read() as tx:
        (alert,) = await tx.alerts.open_alerts()
    page = (await console["viewer"].get("/rules")).text
    assert "A customer complains" in page
    assert "rules/all.yaml:1" in page
    assert "1 alert is open" in page
    await operations.call_false(console.home.store, alert.id, operations.Actor("ana", "console"), NOW, HOSTILE)
    one = (await console["viewer"].get("/rules/complaint")).text
    assert f'href="/alerts/{alert.id}"' in one
    assert "false alarm" in one
    assert "where.text.any_of" in one
    assert "broken, cassé" in one
    assert HOSTILE not in one


async def test_a_trial_finds_what_is_known(heard: Office) -> None:
    """Both storms rang; had it needed seven people, only the second one had; the chart shows what was seen."""
    monitor = heard["monitor"]
    page = (await monitor.get("/rules/crisis?days=7&setting=fire.at_least&value=7")).text
    assert "rings 2 times" in page
    assert "rings 1 time<" in page
    (address,) = {part.split('"')[0].replace("&amp;", "&") for part in page.split('data-chart="')[1:]}
    spec = json.loads((await monitor.get(address)).text)
    assert max(each["value"] for each in spec["data"]["values"]) == 8
    assert (await monitor.get("/rules/crisis?days=1&setting=fire.at_least&value=no")).text.count("rings ") == 1


async def test_a_rule_is_silenced_or_only_observed(open_console: Open) -> None:
    """Which is said of it, with why and by whom."""
    console = await open_console("fr")
    now = console.home.clock.now()
    async with console.home.store.begin() as tx:
        ends = now + timedelta(hours=2)
        await tx.silences.add(
            matcher={"rule": "crisis"}, author="ana", reason=HOSTILE, created_at=now, starts_at=now, ends_at=ends
        )
        await tx.commit()
    assert "en sourdine" in (await console["viewer"].get("/rules")).text
    page = (await console["viewer"].get("/rules/crisis")).text
    assert "par ana" in page
    assert HOSTILE not in page
    assert 'name="days"' not in page
    assert 'name="days"' in (await console["monitor"].get("/rules/crisis")).text


@pytest.mark.parametrize(
    ("error", "said"), [(BusyError("others"), "Others are trying rules."), (TooSlowError("took longer"), "choose fewer days")]
)
async def test_why_nothing_was_tried_is_said(
    console: Office, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    """And nobody waits for ever."""

    async def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(console.app[TRIALS], "of", refuse)
    page = await console["monitor"].get("/rules/crisis?days=7")
    assert (page.status, said in page.text) == (503, True)


async def test_a_trial_that_is_ended_leaves_nothing_behind(
    console: Office, monkeypatch: pytest.MonkeyPatch, console_rule: Rule, tmp_path: Path
) -> None:
    """A worker that took too long is ended where it is; what strangers said must not stay on the disk."""
    trials, used = console.app[TRIALS], list[Path]()

    async def take_too_long(_: object, *given: object, within: timedelta) -> None:
        used.append(Path(str(given[-1])) / "past.db")
        used[0].write_text("what strangers said")
        raise TooSlowError(f"took longer than {within}")

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(trials._workshop, "run", take_too_long)
    asked = asked_of(console_rule, {"days": "7"}, NOW)
    assert asked is not None
    with pytest.raises(TooSlowError):
        await trials.of(console.home.settings, asked)
    assert used[0].is_relative_to(scratch)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_known_of_no_rule(open_console: Open, language: Language) -> None:
    """Neither of its page, nor of its chart; a chart without days is none."""
    console = await open_console(language)
    for path in ("/rules/gone", "/rules/gone/trial.json?days=7", "/rules/crisis/trial.json", "/rules/crisis/trial.json?days=99"):
        assert (await console["monitor"].get(path)).status == 404


@pytest.mark.parametrize(
    ("typed", "value"),
    [("7", 7.0), (" 0,5 ", 0.5), ("-1", -1.0), ("", None), ("1e9", None), ("²", None), ("nan", None), ("--5", None), ("-", None)],
)
def test_numbers_are_read_as_people_type_them(console_rule: Rule, typed: str, value: float | None) -> None:
    """With a comma or a point; what is none changes nothing."""
    asked = asked_of(console_rule, {"days": "7", "setting": "fire.at_least", "value": typed}, NOW)
    assert asked is not None
    assert asked.value == value
    assert (asked.changed is None) == (value is None)


def test_a_trial_ends_where_its_page_said(console_rule: Rule) -> None:
    """Never in the future; another day is no other day than those offered."""
    then = int((NOW - timedelta(hours=5)).timestamp())
    asked = asked_of(console_rule, {"days": "3", "until": str(then)}, NOW)
    assert asked is not None
    assert (asked.until - asked.since, int(asked.until.timestamp())) == (timedelta(days=3), then)
    assert asked_of(console_rule, {"days": "4"}, NOW) is None
    later = asked_of(console_rule, {"days": "3", "until": "99999999999"}, NOW)
    assert later is not None
    assert later.until - NOW <= timedelta(minutes=10)


def test_a_rule_is_read_as_it_is_written(console_rule: Rule) -> None:
    """By the names of its file, and nothing that nobody wrote."""
    assert dict(written(console_rule))["fire.at_least"] == "3"
    assert "realert" not in dict(written(console_rule))
