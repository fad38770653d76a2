"""A recording judged as if it were happening: the same answer each time, also when it was interrupted on the way."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor.domain.errors import InputError, UsageError
from monitor.pipeline import leases
from monitor.replay import BEFORE_ALL, SOURCE, recording, replay
from monitor.settings import Settings, load
from monitor.sources.file import FileSettings
from monitor.storage import StorageSettings, Store
from monitor.testing import serving

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
MONITOR = f"""
version: 1
subjects: {{acme: {{names: [Acme]}}}}
sources:
  letters: {{kind: file, path: letters.jsonl, pace: clock, mapping: {{text: said}}}}
  press: {{kind: feed, url: "http://127.0.0.1:1/"}}
receivers: {{hub: {{kind: webhook, url: HUB, secret: {SECRET}}}}}
routing: {{default: hub, group_wait: 2m, group_interval: 10m}}
http: {{allow: [localhost]}}
"""
RULES = """
version: 1
rules:
  - {id: letter, kind: mention, where: {source: letters, subjects: acme, text: {any_of: [smoke]}}, key: [author]}
  - {id: crisis, kind: window, where: {subjects: acme}, measure: {distinct: author}, key: [subject], window: 60m,
     fire: {at_least: 10}, severity: critical, plan: outage}
"""
PLAN = """
version: 1
plan:
  id: outage
  title: {en: Outage}
  notify: [hub]
  activation: {mode: automatic}
  steps: [{id: pause, action: webhook, receiver: hub, title: {en: Pause}}]
"""
Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration whose file source has a mapping of its own."""
    brand = tmp_path / "brand"
    for name, text in {"monitor.yaml": MONITOR, "rules/acme.yaml": RULES, "plans/outage.yaml": PLAN}.items():
        (brand / name).parent.mkdir(parents=True, exist_ok=True)
        (brand / name).write_text(text.replace("HUB", "http://127.0.0.1:1/in"))
    return brand


def settings(folder: Path, file: Path, database: Path) -> Settings:
    """The folder's settings for one recording and one database."""
    storage = StorageSettings(url=SecretStr(f"sqlite:///{database}"))
    return recording(load(folder, environ={}), file).model_copy(update={"storage": storage})


def letter(number: int, text: str = "My Acme is slow") -> str:
    """One line of the recording, with the text in a field of its own name."""
    at = MORNING + timedelta(minutes=number)
    return json.dumps(
        {"said": text, "created_at": at.isoformat(), "author": f"user{number}", "url": f"https://l.example/{number}"}
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the recording."""

    def lines(*given: str) -> Path:
        path = tmp_path / "letters.jsonl"
        path.write_text("".join(f"{line}\n" for line in given))
        return path

    return lines


STORY = [letter(n, "My Acme gives off smoke" if n % 9 == 0 else "My Acme is slow") for n in range(30)]


async def test_two_replays_give_the_same_answer(folder: Path, write: Write, tmp_path: Path) -> None:
    """Everything but the seconds, byte for byte."""
    file = write(*STORY)
    first, second = [await replay(settings(folder, file, tmp_path / name)) for name in ("one.db", "two.db")]
    assert _told(first.as_json()) == _told(second.as_json())
    assert {alert.rule for alert in first.alerts} == {"letter", "crisis"}, "the rule knows the source by its name"
    assert {each.state for each in first.deliveries} == {"dry_run"}
    assert set(first.stages) >= {"read", "store", "evaluate"}


async def test_a_replay_leaves_the_garbage_collector_as_it_was(folder: Path, write: Write, tmp_path: Path) -> None:
    """It has it look seldom meanwhile."""
    before = gc.get_threshold()
    meanwhile: list[tuple[int, int, int]] = []
    await replay(settings(folder, write(*STORY), tmp_path / "one.db"), progress=lambda _: meanwhile.append(gc.get_threshold()))
    assert meanwhile[0][0] > before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def _told(outcome: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in outcome.items() if name != "seconds"})


async def test_an_interrupted_replay_goes_on_where_it_stopped(folder: Path, write: Write, tmp_path: Path) -> None:
    """Broken off in the middle of the file, it ends with the alerts of one that was not."""
    whole = await replay(settings(folder, write(*STORY), tmp_path / "whole.db"))
    file = write(*STORY, *(letter(n) for n in range(40, 900)))
    with pytest.raises(KeyboardInterrupt):
        await replay(settings(folder, file, tmp_path / "parts.db"), progress=_interrupt)
    begun = await replay(settings(folder, file, tmp_path / "parts.db"))
    assert begun.read < 890
    again = await replay(settings(folder, file, tmp_path / "fresh.db"))
    assert [each["fired_at"] for each in begun.as_json()["alerts"]] == [each["fired_at"] for each in again.as_json()["alerts"]]
    assert begun.as_json()["alerts"] == again.as_json()["alerts"]
    assert len(begun.plan_runs) == len(whole.plan_runs) == 1


def _interrupt(position: int) -> None:
    raise KeyboardInterrupt


async def test_delivering_really_sends(folder: Path, write: Write, tmp_path: Path) -> None:
    """With `deliver` the messages leave, the plan's step included, and what fails at first is tried again."""
    failures = 2

    async def answer(request: web.Request) -> web.Response:
        nonlocal failures
        failures -= 1
        return web.Response(status=503 if failures >= 0 else 204)

    async with serving() as hub:
        hub.answer = answer
        (folder / "monitor.yaml").write_text(MONITOR.replace("HUB", hub.url))
        outcome = await replay(settings(folder, write(*STORY), tmp_path / "one.db"), deliver=True)
    assert {each.state for each in outcome.deliveries} == {"delivered"}
    assert max(each.attempts for each in outcome.deliveries) > 1
    assert len(hub.asked) == len(outcome.deliveries) + 2
    assert outcome.plan_runs[0].steps[0].state == "done"


async def test_lines_that_cannot_be_read_are_counted(folder: Path, write: Write, tmp_path: Path) -> None:
    """They are rejected, duplicates are seen before, and the rest is judged."""
    outcome = await replay(settings(folder, write(letter(1), "{broken", letter(2), letter(2), "[]"), tmp_path / "one.db"))
    assert (outcome.read, outcome.stored, outcome.duplicates, outcome.rejected) == (5, 2, 1, 2)


async def test_an_empty_recording_comes_to_nothing(folder: Path, write: Write, tmp_path: Path) -> None:
    """No mention, no alert, no end in sight of time."""
    outcome = await replay(settings(folder, write(), tmp_path / "one.db"))
    assert (outcome.read, outcome.alerts, outcome.deliveries) == (0, [], [])


async def test_a_file_that_goes_wrong_stops_the_replay_and_once_mended_it_goes_on(
    folder: Path, write: Write, tmp_path: Path
) -> None:
    """With `on_error: stop` a bad line is an error; nothing of the trouble is left when the line is mended."""
    (folder / "monitor.yaml").write_text(
        MONITOR.replace("HUB", "http://127.0.0.1:1/").replace("kind: file,", "kind: file, on_error: stop,")
    )
    with pytest.raises(InputError, match="line 2"):
        await replay(settings(folder, write(letter(1), "{broken"), tmp_path / "one.db"))
    mended = await replay(settings(folder, write(letter(1), letter(2)), tmp_path / "one.db"))
    assert (mended.read, mended.stored) == (1, 2)
    with pytest.raises(InputError, match="cannot read"):
        await replay(settings(folder, tmp_path / "gone.jsonl", tmp_path / "two.db"))


async def test_a_store_that_somebody_works_with_is_left_alone(folder: Path, write: Write, tmp_path: Path) -> None:
    """Two replays, or a replay and a daemon, would each judge half."""
    chosen = settings(folder, write(letter(1)), tmp_path / "one.db")
    store = await Store.open(chosen.storage)
    async with store.begin() as tx:
        wall = datetime.now(UTC)
        await tx.evaluator.claim(leases.owner(), wall=wall, lease=timedelta(minutes=1))
        await tx.commit()
    with pytest.raises(UsageError, match="works with this database"):
        await replay(chosen)
    await store.close()


def test_the_source_of_the_configuration_is_used(folder: Path, tmp_path: Path) -> None:
    """Its mapping and its name; its pace and its switch do not matter to a replay."""
    found = recording(load(folder, environ={}), tmp_path / "other.jsonl").sources
    assert list(found) == ["letters"]
    source = found["letters"]
    assert isinstance(source, FileSettings)
    assert (source.path, source.pace, source.mapping) == (str(tmp_path / "other.jsonl"), "none", {"text": "said"})


def test_of_several_files_the_one_with_this_path_is_meant(folder: Path, tmp_path: Path) -> None:
    """Where none has it, the recording is read without a mapping, under a name of ours."""
    two = MONITOR.replace("  press:", "  calls: {kind: file, path: calls.csv, enabled: false}\n  press:").replace(
        "HUB", "http://127.0.0.1:1/"
    )
    (folder / "monitor.yaml").write_text(two)
    read = load(folder, environ={})
    found = recording(read, folder / "calls.csv").sources
    assert list(found) == ["calls"]
    assert found["calls"].enabled
    assert list(recording(read, tmp_path / "other.jsonl").sources) == [SOURCE]


async def test_story_time_begins_before_all_posts() -> None:
    """The first mention moves it on."""
    assert datetime(1991, 8, 6, tzinfo=UTC) > BEFORE_ALL
