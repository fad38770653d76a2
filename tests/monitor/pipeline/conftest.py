"""What the tests of the stages share: a small configuration, stand-ins for the outside, and a house in which all stages live."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from monitor.domain.alert import Alert, DeliveryRecord
from monitor.domain.clock import ManualClock
from monitor.domain.errors import StorageError
from monitor.domain.mention import Author, Mention
from monitor.domain.plan import PlanRun, TimelineEvent
from monitor.pipeline import flow, operations
from monitor.pipeline.intake import Polled
from monitor.plans import Act
from monitor.settings import Settings, load
from monitor.sources import Batch
from monitor.storage import StorageSettings, Store, UnitOfWork
from monitor.testing import RecordingNotifier, ScriptedSource
from notifiers import Message

MINUTE = timedelta(minutes=1)

_HOOK = "https://hooks.example/"
MONITOR: dict[str, Any] = {
    "version": 1,
    "subjects": {
        "acme": {
            "names": ["Acme", "Acme Bikes"],
            "aliases": ["Akmé"],
            "handles": ["@acme", "@help@acme.social"],
            "hashtags": ["#AcmeBikes"],
            "exclusions": ["Acme Corporation"],
        },
        "rival": ["Globex"],
    },
    "sources": {"net": {"kind": "feed", "url": "https://news.example/feed.xml"}},
    "receivers": {
        name: {"kind": "webhook", "url": _HOOK + name} for name in ("desk", "room", "queue", "tech", "backup-phone", "phone")
    },
    "routing": {"default": "desk", "ops": "tech"},
}
CONTACTS: dict[str, Any] = {
    "people": {
        "ana": {"name": "Ana", "receivers": ["phone"], "hours": "mon-fri 08:00-18:00"},
        "ben": {"name": "Ben", "receivers": ["backup-phone"]},
    },
    "roles": {"lead": {"primary": "ana", "backup": "ben"}},
}
COMPLAINT: dict[str, Any] = {
    "id": "complaint",
    "title": {"en": "A customer complains", "fr": "Un client se plaint"},
    "kind": "mention",
    "where": {"text": {"any_of": ["broken", "cassé"]}},
}
CRISIS: dict[str, Any] = {
    "id": "crisis",
    "kind": "window",
    "where": {"text": {"any_of": ["fire"]}},
    "measure": {"distinct": "author"},
    "window": "60m",
    "fire": {"at_least": 3},
    "severity": "critical",
    "notify": "room",
}
PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm plan", "fr": "Plan tempête"},
    "notify": ["room", "phone"],
    "activation": {"mode": "automatic"},
    "steps": [
        {"id": "pause", "action": "webhook", "receiver": "queue", "title": {"en": "Pause the queue"}},
        {"id": "call", "action": "notify", "receiver": "lead", "title": {"en": "Wake the lead"}},
        {
            "id": "check",
            "action": "checklist",
            "role": "lead",
            "title": {"en": "Check", "fr": "Vérifier"},
            "items": [{"en": "Is it true?", "fr": "Est-ce vrai ?"}],
        },
        {"id": "say", "action": "statement", "statement": "holding", "title": {"en": "Say that we know"}},
    ],
    "statements": [{"id": "holding", "text": {"fr": "Nous savons.", "en": "We know."}, "status": "approved"}],
    "never": [{"en": "Delete posts"}],
}

# The smallest plans: one for a person, one that is carried out by whoever says so.
CHECK_PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm plan"},
    "notify": ["room"],
    "steps": [{"id": "check", "action": "checklist", "title": {"en": "Check"}, "items": [{"en": "Is it true?"}]}],
}
CALL_PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm"},
    "notify": ["room"],
    "steps": [{"id": "call", "action": "notify", "receiver": "desk", "title": {"en": "Call"}}],
}

Configure = Callable[..., Settings]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Makes settings through the real loader: `configure(rules=[…], plans=[…], routing={…}, …)`."""
    numbers = itertools.count()

    def make(
        *,
        rules: Sequence[Mapping[str, Any]] = (COMPLAINT, CRISIS),
        plans: Sequence[Any] = (),
        people: Mapping[str, Any] = CONTACTS,
        **more: Any,
    ) -> Settings:
        folder = tmp_path / f"config-{next(numbers)}"
        for sub in ("rules", "plans"):
            (folder / sub).mkdir(parents=True)
        # JSON is YAML: the loader sees what a person would write.
        (folder / "monitor.yaml").write_text(json.dumps(MONITOR | more))
        contacts = folder / "contacts.yaml"
        contacts.write_text(json.dumps({"version": 1, **people}))
        contacts.chmod(0o600)
        (folder / "rules" / "all.yaml").write_text(json.dumps({"version": 1, "rules": list(rules)}))
        for plan in plans:
            (folder / "plans" / f"{plan['id']}.yaml").write_text(json.dumps({"version": 1, "plan": plan}))
        return load(folder, environ={})

    return make


@pytest.fixture
async def lite(tmp_path: Path, empty_database: Path) -> AsyncIterator[Store]:
    """An empty store on SQLite, where the database makes no difference."""
    shutil.copyfile(empty_database, tmp_path / "lite.db")
    opened = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'lite.db'}")))
    yield opened
    await opened.close()


@dataclass
class House:
    """All stages of one configuration, with stand-ins at both ends. What a test does by hand the daemon does by itself."""

    settings: Settings
    store: Store
    clock: ManualClock
    owner: str = "house"
    drive: bool = False
    dry_run: bool = False
    source: ScriptedSource = field(default_factory=ScriptedSource)
    doors: defaultdict[str, RecordingNotifier] = field(default_factory=lambda: defaultdict(RecordingNotifier))
    stages: flow.Flow = field(init=False)
    _said: int = 0

    def __post_init__(self) -> None:
        self.restart(self.settings)

    def restart(self, settings: Settings | None = None) -> None:
        """Forget everything that is only in memory; perhaps with another configuration."""
        self.settings = settings or self.settings
        self.stages = flow.build(
            self.settings,
            self.store,
            self.clock,
            dict.fromkeys(self.settings.sources, self.source),
            {name: self.doors[name] for name in self.settings.receivers},
            owner=self.owner,
            drive=self.clock if self.drive else None,
            dry_run=self.dry_run,
        )

    def mention(self, text: str, *, by: str | None = "ada", ago: timedelta = timedelta(0), **more: Any) -> Mention:
        """Something said, different from all said before."""
        self._said += 1
        fields: dict[str, Any] = {
            "network": "mastodon",
            "text": text,
            "uri": f"https://social.example/{self.owner}/{self._said}",
            "author": Author(by, handle=by, name=by.title(), reach=10) if by else None,
            "written_at": self.clock.now() - ago,
        }
        return Mention(**fields | more)

    async def brings(self, *mentions: Mention, more: bool = False) -> Polled:
        """The source brings these, and they are stored."""
        self.source.script.append(Batch(mentions, cursor=f"after {self._said}", more=more))
        return await self.stages.intake.poll("net")

    async def hears(self, text: str, *, by: str | None = "ada", ago: timedelta = timedelta(0), **more: Any) -> None:
        """One person says something, and it is judged."""
        await self.brings(self.mention(text, by=by, ago=ago, **more))
        await self.judge()

    async def storm(self, people: int = 3, text: str = "Acme is on fire") -> None:
        """So many people say the same, and it is judged."""
        await self.brings(*(self.mention(text, by=f"person{n}") for n in range(people)))
        await self.judge()

    async def judge(self) -> int:
        """Judge all that waits."""
        judged = 0
        while done := await self.stages.evaluate.step():
            judged += done
        return judged

    async def wait(self, passing: timedelta, *, step: timedelta = 10 * MINUTE) -> None:
        """Let time pass, as the daemon does: a healthy source, a look now and then, messages when they are due."""
        end = self.clock.now() + passing
        while self.clock.now() < end:
            self.clock.advance_to(min(self.clock.now() + step, end))
            await self.stages.intake.poll("net")
            await self.stages.evaluate.tick()
            await self.act()

    async def act(self) -> None:
        """Carry plans and send what is due at this moment."""
        while await self.stages.plans.step() + await self.deliver():
            pass

    async def deliver(self) -> int:
        """One message to everybody who is owed one."""
        return sum([await self.stages.deliver.step(name) for name in sorted(await self.stages.deliver.due())])

    def told(self, receiver: str) -> list[Message]:
        """What a receiver took."""
        return self.doors[receiver].taken

    def kinds(self, receiver: str) -> list[str]:
        """Why a receiver was told, in order."""
        return [message.kind for message in self.told(receiver)]

    async def alerts(self) -> list[Alert]:
        """All alerts, oldest first."""
        async with self.store.read() as tx:
            return list(reversed(await tx.alerts.list(limit=10_000)))

    async def alert(self, rule: str | None = None) -> Alert:
        """The only alert there is (of a rule)."""
        (alert,) = [each for each in await self.alerts() if rule in {None, each.rule}]
        return alert

    async def runs(self) -> list[PlanRun]:
        """All plan runs."""
        async with self.store.read() as tx:
            return await tx.plans.list()

    async def do(self, verb: str, *, by: str = "zoe", **more: Any) -> PlanRun:
        """A person acts in the oldest plan run."""
        run = (await self.runs())[-1]
        contacts = {*self.settings.contacts.people, *self.settings.contacts.roles}
        done = Act(verb, by, self.clock.now(), {by}, contacts=contacts, **more)
        return await operations.act_in_plan(self.store, run.id, done, "cli")

    async def steps(self) -> dict[str, str]:
        """How the steps of the only plan run stand."""
        (run,) = await self.runs()
        return {each.step: str(each.state) for each in run.steps}

    async def deliveries(self) -> list[DeliveryRecord]:
        """All deliveries, oldest first."""
        async with self.store.read() as tx:
            return list(reversed(await tx.deliveries.list(limit=10_000)))

    async def timeline(self, kind: str = "") -> list[TimelineEvent]:
        """What happened, oldest first: all, or what is of one kind."""
        async with self.store.read() as tx:
            return [event for event in reversed(await tx.timeline.list(10_000)) if event.kind.startswith(kind)]


Build = Callable[..., House]


@pytest.fixture
def house(store: Store, clock: ManualClock, configure: Configure) -> Build:
    """Builds a house on the store (both databases): `house(rules=[…], …)`."""
    return _builder(store, clock, configure)


@pytest.fixture
def hut(lite: Store, clock: ManualClock, configure: Configure) -> Build:
    """Builds a house on SQLite alone."""
    return _builder(lite, clock, configure)


def _builder(store: Store, clock: ManualClock, configure: Configure) -> Build:
    own = {"owner", "drive", "dry_run", "source", "doors", "store", "clock"}

    def build(settings: Settings | None = None, **more: Any) -> House:
        settled = settings or configure(**{name: value for name, value in more.items() if name not in own})
        given: dict[str, Any] = {"store": store, "clock": clock} | {name: more[name] for name in own & set(more)}
        return House(settled, **given)

    return build


class FragileStore:
    """A store whose next commits fail: before they are made, or (a connection lost at the worst moment) after."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.before = 0
        self.after = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def begin(self, *, incoming: bool = False) -> AsyncIterator[UnitOfWork]:
        """A unit of work that cannot be trusted."""
        async with self._store.begin(incoming=incoming) as tx:
            commit = tx.commit

            async def fragile() -> None:
                if self.before:
                    self.before -= 1
                    raise StorageError("the disk is full")
                await commit()
                if self.after:
                    self.after -= 1
                    raise StorageError("the connection was lost")

            vars(tx)["commit"] = fragile
            yield tx


@pytest.fixture
def fragile(store: Store) -> tuple[FragileStore, Store]:
    """A store whose commits fail on request, twice: as what it is, and as a `Store`."""
    made = FragileStore(store)
    return made, cast("Store", made)


@pytest.fixture
def moment(clock: ManualClock) -> datetime:
    """When the stories begin."""
    return clock.now()
