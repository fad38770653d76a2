"""A brand's folder of configuration, a recording with something to ring for, and the command line to type on."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from monitor.cli import app
from monitor.storage import StorageSettings, Store

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

MONITOR = """
version: 1
language: en
timezone: Europe/Paris
subjects: {acme: {names: [Acme]}}
sources:
  posts: {kind: file, path: posts.jsonl}
  press: {kind: feed, url: "http://127.0.0.1:1/feed.xml", enabled: false}
receivers:
  hub: {kind: webhook, url: "http://127.0.0.1:1/tocsin", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}
routing: {default: hub}
storage: {url: "sqlite:///tocsin.db"}
web: {port: 0}
http: {allow: [localhost]}
"""

RULES = """
version: 1
rules:
  - id: complaint
    kind: mention
    where: {subjects: acme, text: {any_of: [broken, awful]}}
    key: [author]
  - id: crisis
    kind: window
    where: {subjects: acme, text: {any_of: [broken, awful]}}
    measure: {distinct: author}
    key: [subject]
    window: 60m
    fire: {at_least: 5}
    severity: critical
    plan: outage
"""

PLAN = """
version: 1
plan:
  id: outage
  title: {en: "Outage [red]", fr: Panne}
  notify: [hub]
  steps:
    - {id: pause, action: webhook, receiver: hub, title: {en: Pause the queue}}
    - {id: say, action: statement, statement: holding, title: {en: Publish the holding statement}}
  statements:
    - {id: holding, status: approved, text: {en: We are looking into it., fr: Nous cherchons.}}
"""

CONTACTS = """
version: 1
people:
  ada: {name: Ada, receivers: [hub]}
roles: {duty: ada}
"""


@dataclass
class Tocsin:
    """The command line, with one folder of configuration."""

    config: Path

    def __call__(self, *words: str, typed: str = "") -> Result:
        """Type a command."""
        return CliRunner().invoke(app, list(words), input=typed)

    def at(self, *words: str, typed: str = "") -> Result:
        """Type a command about our folder."""
        return self(*words, "--config", str(self.config), typed=typed)

    async def beside(self, *words: str) -> Result:
        """The same, while the test's own servers answer."""
        return await asyncio.to_thread(self.at, *words)

    def write(self, name: str, text: str) -> None:
        """Write one file of the configuration."""
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)


def post(number: int, text: str, *, who: str | None = None, minutes: float | None = None) -> str:
    """One line of a recording."""
    at = MORNING + timedelta(minutes=number if minutes is None else minutes)
    return json.dumps(
        {"text": text, "created_at": at.isoformat(), "author": who or f"user{number}", "url": f"https://posts.example/{number}"}
    )


Post = Callable[..., str]


@pytest.fixture
def line() -> Post:
    """Makes one line of a recording."""
    return post


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as the daemon makes it at its first start."""
    path = tmp_path_factory.mktemp("store") / "empty.db"

    async def make() -> None:
        await (await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}")))).close()

    asyncio.run(make())
    return path


def _brand(folder: Path, store: Path) -> Tocsin:
    """A folder with two rules, a plan, people, a webhook receiver that is not there, and a copy of a store."""
    shutil.copyfile(store, folder / "tocsin.db")
    typed = Tocsin(folder / "brand")
    typed.write("monitor.yaml", MONITOR.replace("sqlite:///tocsin.db", f"sqlite:///{folder}/tocsin.db"))
    typed.write("rules/acme.yaml", RULES)
    typed.write("plans/outage.yaml", PLAN)
    typed.write("contacts.yaml", CONTACTS)
    typed.write("posts.jsonl", "\n".join(post(n, f"My Acme is broken, part {n}") for n in range(8)) + "\n")
    return typed


@pytest.fixture(scope="session")
def rung_store(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A store after a replay of the recording into it: eight complaints, a crisis, a plan."""
    folder = tmp_path_factory.mktemp("rung")
    done = _brand(folder, empty_store).at(
        "replay", str(folder / "brand" / "posts.jsonl"), "--database", f"sqlite:///{folder}/tocsin.db"
    )
    assert done.exit_code == 0, done.output
    return folder / "tocsin.db"


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are typed in the test's own folder, on a terminal without colours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


@pytest.fixture
def tocsin(tmp_path: Path, at_home: None, empty_store: Path) -> Tocsin:
    """A folder with two rules, a plan, people, a webhook receiver that is not there, and a store with nothing in it yet."""
    return _brand(tmp_path, empty_store)


@pytest.fixture
def rung(tmp_path: Path, at_home: None, rung_store: Path) -> Tocsin:
    """The same, with a store in which eight people complained, a crisis rang and a plan was opened."""
    return _brand(tmp_path, rung_store)
