"""How soon a plan's people are told by e-mail, and how punctual a thousand open plans are: `python -m bench --only plans`.

The timers come due in real time, 16.7 a second: two minutes of them in `make bench`, all ten with `TOCSIN_BENCH_WHOLE=1`.
"""

from __future__ import annotations

import asyncio
import email.policy
import json
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from statistics import median
from typing import Any, Self

import aiohttp
import yaml
from aiosmtpd.smtp import SMTP, Envelope
from pydantic import SecretStr

from bench.daemon import Running, running
from bench.figure import Figure
from bench.latency import Receiver
from monitor.domain.clock import ManualClock
from monitor.domain.plan import EventKind, Plan, RunState, StepRun
from monitor.pipeline.plans import PlanRunner
from monitor.settings import load
from monitor.storage import StorageSettings, Store
from notifiers import signing

RINGS = 60
WARM_UP = 5
PAUSE = 0.05  # seconds between one crisis and the next
PATIENCE = 20.0
RUNS = 1_000
TIMERS = 10  # of each run, a minute apart: 10,000 in ten minutes
EVERY = timedelta(minutes=1)
BEGIN = timedelta(minutes=2)  # from a run's opening to its first timer: time to prepare all runs, and to start the daemon
START = timedelta(seconds=15)
QUICK = 2  # minutes of timers that `make bench` waits for: one of waits, one of deadlines
WHOLE = "TOCSIN_BENCH_WHOLE"
LOOK = 5.0  # seconds between two looks at the memory
_KINDS = (EventKind.STEP_DONE, EventKind.STEP_LATE)

_RULES = """
version: 1
rules:
  - {id: crisis, kind: mention, where: {text: {any_of: [broken]}}, key: [author], severity: critical, plan: crisis}
"""


def measure() -> list[Figure]:
    """Both: e-mails, then timers."""
    mails, hooks = asyncio.run(_rings())
    minutes = TIMERS if os.environ.get(WHOLE) else QUICK
    late, memory, processor = asyncio.run(_timers(minutes))
    how = f"{len(mails)} crises one after the other, each opens a plan; from the start of the call that brings the post"
    runs = f"{RUNS:,} open runs with levels, whose figures are looked at each minute, and {len(late):,} of their timers"
    return [
        Figure("plans", "post in → plan e-mail taken by the mail server, median", median(mails), "s", how=how),
        Figure("plans", "  the longest", max(mails), "s", 2),
        Figure("plans", "post in → plan's signed webhook, median", median(hooks), "s"),
        Figure("plans", "  the longest", max(hooks), "s", 2),
        Figure("plans", "a timer of a plan is late by, median", median(late), "s", how=f"{runs}, due within {minutes} min"),
        Figure("plans", "  the longest", max(late), "s", 2),
        Figure("plans", "  memory of the main process meanwhile, at most", memory, "MB", 250),
        Figure("plans", "  its processor", processor * 100, "% of a core"),
    ]


# --- e-mails -------------------------------------------------------------------------------------------------------------


def _plan(**more: Any) -> dict[str, Any]:
    """A plan with levels, a ladder and a list, as the shipped ones have."""
    levels = [
        {"level": 2, "name": {"en": "crisis"}, "ack_within": "15m", "when": {"authors": {"gte": 100_000}}},
        {"level": 1, "name": {"en": "alert"}, "ack_within": "30m"},
    ]
    facts = {"id": "facts", "action": "checklist", "title": {"en": "Establish the facts"}, "items": [{"en": "Since when?"}]}
    plan = {"id": "crisis", "title": {"en": "Crisis"}, "notify": ["mail", "hook"], "severity": levels, "steps": [facts], **more}
    return {"version": 1, "plan": plan}


def _write(folder: Path, plan: dict[str, Any]) -> None:
    for name, text in {"rules/crisis.yaml": _RULES, "plans/crisis.yaml": yaml.safe_dump(plan)}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def _settings(port: int, hook: Receiver, secret: str) -> dict[str, Any]:
    return {
        "subjects": {"lumora": {"names": ["Lumora"]}},
        "sources": {"calls": {"kind": "webhook", "secret": secret}},
        "smtp": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "tocsin@lumora.example"},
        "receivers": {
            "mail": {"kind": "email", "to": "room@lumora.example"},
            "hook": {"kind": "webhook", "url": hook.url, "secret": hook.secret},
        },
        "routing": {"default": "mail", "digest_after": 1_000_000},  # every crisis is timed: none may be gathered
    }


class Mailbox:
    """A real SMTP server on loopback that notes when which e-mail came."""

    def __init__(self) -> None:
        self.port = 0
        self._mails: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Take one e-mail."""
        del server, session
        arrived = time.perf_counter()
        mail = message_from_bytes(bytes(envelope.content or b""), policy=email.policy.default)  # type: ignore[arg-type]
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        self._mails.put_nowait((arrived, body.get_content() if body is not None else ""))
        return "250 taken"

    async def heard(self, word: str) -> float:
        """When an e-mail with this word in it arrived."""
        while True:
            arrived, text = await self._mails.get()
            if word in text:
                return arrived


async def _rings() -> tuple[list[float], list[float]]:
    """Seconds until the e-mail and until the webhook, for each crisis."""
    secret = signing.new_secret()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        here = Path(folder)
        _write(here, _plan())
        async with (
            Mailbox() as mail,
            Receiver() as hook,
            aiohttp.ClientSession() as session,
            running(here, _settings(mail.port, hook, secret)) as daemon,
        ):
            times = [await _ring(n, secret, daemon, session, mail, hook) for n in range(WARM_UP + RINGS)][WARM_UP:]
    return [each[0] for each in times], [each[1] for each in times]


async def _ring(
    number: int, secret: str, daemon: Running, session: aiohttp.ClientSession, mail: Mailbox, hook: Receiver
) -> tuple[float, float]:
    word, now = f"kettle{number}", datetime.now(UTC)
    said = {"id": word, "text": f"My Lumora lamp is broken, {word}", "created_at": now.isoformat(), "author": {"id": word}}
    body = json.dumps(said).encode()
    began = time.perf_counter()
    headers = signing.headers([secret], f"msg_{number}", now, body)
    async with session.post(f"{daemon.url}/hooks/calls", data=body, headers=headers) as answer:
        assert answer.status == 202, f"the daemon answered {answer.status}: {await answer.text()}"
    async with asyncio.timeout(PATIENCE):
        mailed, called = await asyncio.gather(mail.heard(word), hook.heard(word))
    await asyncio.sleep(PAUSE)
    return mailed - began, called - began


# --- timers --------------------------------------------------------------------------------------------------------------


def _timed() -> dict[str, Any]:
    """A plan with ten timers, a minute apart: waits that end, and deadlines that pass, in turn."""
    steps: list[dict[str, Any]] = []
    for number in range(TIMERS):
        lasting = f"{int((EVERY * number + BEGIN).total_seconds())}s"
        if number % 2:
            items = [{"en": "Done?"}]
            step = {"action": "checklist", "items": items, "deadline": lasting, "on_failure": "continue"}
        else:
            step = {"action": "wait", "for": lasting}
        steps.append({"id": f"timer-{number}", **step})
    return _plan(steps=steps, notify="hook", remind_every="1d")


async def _timers(minutes: int) -> tuple[list[float], float, float]:
    """Seconds by which each timer was late; the most memory, and the processor's share of a core."""
    secret = signing.new_secret()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        here = Path(folder)
        _write(here, _timed())
        async with Receiver() as hook:
            settings = _settings(1, hook, secret)
            began = datetime.now(UTC) - EVERY
            end = began + BEGIN + EVERY * minutes
            store = await _filled(here, settings, began)
            try:
                async with running(here, settings) as daemon:
                    watched, used = time.perf_counter(), daemon.processor
                    memory = await _watched(daemon, end + timedelta(seconds=LOOK))
                    processor = (daemon.processor - used) / (time.perf_counter() - watched)
                late = await _late(store, end)
                assert len(late) == RUNS * minutes, f"{len(late)} timers were due by the end, and not {RUNS * minutes}"
                return late, memory, processor
            finally:
                await store.close()


async def _filled(folder: Path, settings: dict[str, Any], began: datetime) -> Store:
    """A store with a thousand runs, opened within one minute at an even pace, each with its timers set by the stage itself."""
    written = {"version": 1, "storage": {"url": f"sqlite:///{folder}/tocsin.db"}, "http": {"allow": ["localhost"]}, **settings}
    (folder / "monitor.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    known = load(folder, environ={})
    clock = ManualClock(began)
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{folder}/tocsin.db")), in_place=True)
    runner = PlanRunner(known, store, clock)
    for number in range(RUNS):
        await _opened(store, known.plans["crisis"], clock.now(), number)
        await runner.step()
        clock.advance(EVERY / RUNS)
    assert datetime.now(UTC) < clock.now() + BEGIN - EVERY - START, "this machine is too slow to prepare the runs in time"
    return store


async def _opened(store: Store, plan: Plan, at: datetime, number: int) -> None:
    steps = [step.id for step in plan.steps]
    async with store.begin() as tx:
        incident = await tx.incidents.open(subject="lumora", open_key=f"bench:{number}", severity="critical", at=at)
        await tx.plans.open(
            plan=plan.id, incident_id=incident.id, snapshot=plan.snapshot(), steps=steps, state=RunState.RUNNING, at=at
        )
        await tx.commit()


async def _watched(daemon: Running, until: datetime) -> float:
    """The most memory (MB) that the daemon has until then."""
    most = daemon.memory
    while datetime.now(UTC) < until:
        await asyncio.sleep(LOOK)
        most = max(most, daemon.memory)
    return most


async def _late(store: Store, end: datetime) -> list[float]:
    """Seconds by which each timer that was due before `end` was late; one that never rang is late until now."""
    async with store.read() as tx:
        events = [event for _, event in await tx.timeline.after(0, 10**6) if event.kind in _KINDS]
        runs = await tx.plans.open_runs()
    rang = {(event.plan_run_id, (event.detail or {})["step"]): event.at for event in events}
    due = [(run.id, step.step, moment) for run in runs for step in run.steps if (moment := _due(step)) is not None]
    return [(rang.get((run, step), datetime.now(UTC)) - moment).total_seconds() for run, step, moment in due if moment < end]


def _due(step: StepRun) -> datetime | None:
    """When a timer is, or was, due: the deadline of a list, the end of a wait."""
    return step.deadline_at or step.next_at or step.ended_at
