"""The demo's day from its first complaint to its last e-mail, and how it is told."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from rich.console import Console
from typer.testing import CliRunner

from monitor import demo as module
from monitor.cli import app
from monitor.daemon import Daemon
from monitor.demo.narrator import Narrator
from monitor.demo.servers import Postbox, Wall
from monitor.domain.alert import NewAlert, NotificationKind
from monitor.domain.clock import AcceleratedClock, SystemClock
from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.domain.plan import RunState, TimelineEvent
from monitor.settings import Settings, load, shipped
from monitor.storage import Store
from monitor.web.server import CannotListenError
from notifiers.signing import headers, new_secret

pytestmark = pytest.mark.timeout(600)  # a day waits for a busy machine

AT = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, typed_program: Path) -> tuple[Path, dict[str, Any], str]:
    """A day played twice into one folder: what is there afterwards, the JSON, and what the second told on the terminal."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "e-mails").mkdir()
    (folder / "e-mails" / "99-yesterday.eml").write_text("old")
    scripted = CliRunner().invoke(app, ["demo", "--json", "--seconds", "10", "--out", str(folder)])
    assert scripted.exit_code == 0, scripted.output
    (folder / "webhooks" / "99.json").write_text("old")
    told = subprocess.run(
        [typed_program, "demo", "--seconds", "10", "--out", folder.name],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return folder, json.loads(scripted.output.splitlines()[-1]), told.stdout


def test_the_day_has_its_crisis_and_opens_the_plan_once(played: tuple[Path, dict[str, Any], str]) -> None:
    """Every post is stored once, the agency's repeats are duplicates, the crisis rings, one plan is opened."""
    _, outcome, _ = played
    assert outcome["mentions"]["stored"] > 350
    assert outcome["mentions"]["duplicates"] > 0
    rules = {each["rule"] for each in outcome["alerts"]}
    assert {"complaint", "crisis"} <= rules
    assert [each["plan"] for each in outcome["plan_runs"]] == ["product-outage"]
    delivered = {each["receiver"] for each in outcome["deliveries"] if each["state"] == "delivered"}
    assert {"customer-care", "crisis-room", "crisis-wall", "bastien"} <= delivered


def test_the_emails_can_be_looked_at_in_both_languages(played: tuple[Path, dict[str, Any], str]) -> None:
    """Each is a .eml with an .html beside it; nothing is left of an earlier demo."""
    folder, _, _ = played
    mails = sorted((folder / "e-mails").glob("*.eml"))
    assert len(mails) > 5
    assert {path.stem for path in mails} == {path.stem for path in (folder / "e-mails").glob("*.html")}
    languages = {str(message_from_bytes(path.read_bytes(), policy=policy.default)["Content-Language"] or "") for path in mails}
    texts = " ".join(path.read_text() for path in (folder / "e-mails").glob("*.html"))
    assert languages >= {"fr", "en"} or ('lang="fr"' in texts and 'lang="en"' in texts)
    assert "/take?link=" in texts
    assert "/run?link=" in texts
    assert not (folder / "e-mails" / "99-yesterday.eml").exists()
    assert not (folder / "webhooks" / "99.json").exists()
    assert all(json.loads(path.read_text())["data"] for path in (folder / "webhooks").glob("*.json"))


def test_the_telling_fits_a_terminal(played: tuple[Path, dict[str, Any], str]) -> None:
    """Some fifty lines of 80 columns, however slow the machine: complaints, the crisis, the plan, where all is, what is next."""
    _, _, told = played
    rows = told.splitlines()
    assert len(rows) <= 54, told
    assert max(map(len, rows)) <= 80
    for words in ("A customer complains: ", "Complaints pour in", "told at once: bastien, crisis-room", "e-mails", "Next: "):
        assert words in told


def test_what_it_proposes_next_works_as_it_is_typed(played: tuple[Path, dict[str, Any], str], typed_program: Path) -> None:
    """The rules tell of the day what it told, and keep their promises, without a secret to look for."""
    folder, _, told = played
    proposed = [line.strip() for line in told.splitlines() if line.startswith(("  export ", "  .venv/bin/tocsin "))]
    assert [line.split()[:2] for line in proposed[1:]] == [[".venv/bin/tocsin", "backtest"], [".venv/bin/tocsin", "rules"]]
    typed = "\n".join(["set -e", *proposed]).replace(".venv/bin/tocsin", str(typed_program))
    done = subprocess.run(["bash", "-c", typed], cwd=folder.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "crisis: 1 alert" in done.stdout
    assert "none failed" in done.stdout


async def test_a_daemon_that_cannot_start_ends_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the daemon's own words, at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        read = module._settings

        def elsewhere(*given: Any) -> Settings:
            settings = read(*given)
            web = settings.web.model_copy(update={"port": taken.getsockname()[1]})
            return settings.model_copy(update={"web": web})

        monkeypatch.setattr(module, "_settings", elsewhere)
        with pytest.raises(CannotListenError):
            await module.demo(tmp_path, seconds=5, quiet=True)


async def test_a_slow_machine_gets_more_time_and_not_for_ever(store: Store) -> None:
    """While something is due and patience lasts, the day goes on."""
    clock = AcceleratedClock(AT, 1)
    later = asyncio.get_running_loop().time() + 1e9
    assert not await module._busy(store, clock, later)
    async with store.begin() as tx:
        incident = await tx.incidents.open(subject=None, open_key="x", severity="info", at=AT)
        await tx.notifications.add(
            incident_id=incident.id, receiver="hub", kind=NotificationKind.FIRST, events=(), created_at=AT, due_at=AT
        )
        await tx.commit()
    assert await module._busy(store, clock, later)
    assert not await module._busy(store, clock, patience=0.0)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


class Stage:
    """A store and a narrator on a terminal of 60 columns."""

    def __init__(self, store: Store) -> None:
        environ = {"DEMO_SMTP_PORT": "1", "DEMO_WEBHOOK_URL": "http://127.0.0.1:1/", "DEMO_WEBHOOK_SECRET": new_secret()}
        self.paper = io.StringIO()
        self.store = store
        self.number = 0
        console = Console(file=self.paper, width=60, highlight=False)
        self.narrator = Narrator(load(shipped() / "demo", environ=environ), store, quiet=False, console=console)

    async def rings(self, rule: str, kind: str, severity: Any, incident: int, text: str = "", event: str = "alert.opened") -> int:
        """An alert in the store, with its event; its number."""
        self.number += 1
        async with self.store.begin() as tx:
            said = Mention("file", text, AT, uri=f"https://p.example/{self.number}", author=Author(f"u{self.number}"))
            stored = await tx.mentions.add([Enriched(said, frozenset(), frozenset(), Scores())], source="social", seen_at=AT)
            new = NewAlert(rule, kind, {"n": str(self.number)}, severity, AT, 1, 0, "x", evidence=stored.new if text else ())
            alert = await tx.alerts.open(new, incident, AT)
            detail = {"reasons": ["20 authors"]} if kind == "window" else {}
            await tx.timeline.add(TimelineEvent(AT, event, detail=detail, incident_id=incident, alert_id=alert.id))
            await tx.commit()
            return alert.id

    async def happens(self, event: TimelineEvent) -> None:
        """An event."""
        async with self.store.begin() as tx:
            await tx.timeline.add(event)
            await tx.commit()

    async def incident(self) -> int:
        """An incident; its number."""
        self.number += 1
        async with self.store.begin() as tx:
            opened = await tx.incidents.open(subject=None, open_key=str(self.number), severity="info", at=AT)
            await tx.commit()
            return opened.id

    async def told(self) -> list[str]:
        """What has been told so far."""
        await self.narrator.look()
        return self.paper.getvalue().splitlines()


async def test_complaints_of_a_crisis_are_summed_up(store: Store) -> None:
    """Before it, each has its line; what joins it is one line; danger is always told."""
    stage = Stage(store)
    alone, shared = await stage.incident(), await stage.incident()
    await stage.rings("complaint", "mention", "warning", alone, "It \x1b[31m[red]leaks\n and leaks, " + "on and on " * 20)
    crisis = await stage.rings("crisis", "window", "critical", shared)
    for _ in range(11):
        await stage.rings("complaint", "mention", "warning", shared, "Mine too")
    await stage.rings("danger", "mention", "critical", shared, "It smokes!")
    await stage.rings("gone-rule", "mention", "critical", shared)
    await stage.rings("complaint", "mention", "warning", shared, "And mine")
    await stage.happens(TimelineEvent(AT, "alert.resolved", incident_id=shared, alert_id=crisis))
    await stage.happens(TimelineEvent(AT, "something.else"))
    await stage.told()
    stage.narrator.close(Path("out"), Path("out/marmotte"), [], {})
    rows = await stage.told()
    assert rows[0].startswith("13:00 ▲ A customer complains: It [31m[red]leaks and leaks")
    assert rows[1:7] == [
        "13:00 ■ Complaints pour in  20 authors",
        "      … 11 more complaints joined the crisis",
        "13:00 ■ Possible danger: It smokes!",
        "13:00 ■ gone-rule: ",
        "13:00 ✓ Complaints pour in: it is over",
        "      … 1 more complaint joined the crisis",
    ]
    typed = [row for row in rows if "TOCSIN_CONFIG" in row]
    assert typed[-1].endswith("story.jsonl"), "a command is whole, however narrow the terminal"
    assert max(len(row) for row in rows if row not in typed) <= 60
    assert "\x1b" not in "".join(rows)
    assert await stage.told() == rows, "nothing is told twice"


async def test_too_many_single_complaints_are_summed_up_too(store: Store, tmp_path: Path) -> None:
    """After a dozen the point is made; what is left is said at the end."""
    stage = Stage(store)
    for _ in range(14):
        await stage.rings("complaint", "mention", "warning", await stage.incident(), "It leaks")
    assert len(await stage.told()) == 12
    stage.narrator.close(tmp_path, tmp_path / "marmotte", [], {})
    assert (await stage.told())[12] == "      … 2 more complaints were flagged, each on its own"


async def test_an_alert_that_comes_and_goes_is_told_twice(store: Store) -> None:
    """On a slow machine it may ring ten times: the story still fits a terminal, and no complaint is left out of the count."""
    stage = Stage(store)
    shared = await stage.incident()
    storm = await stage.rings("storm", "window", "warning", shared)
    for _ in range(9):
        await stage.happens(TimelineEvent(AT, "alert.resolved", incident_id=shared, alert_id=storm))
        for _ in range(10):
            await stage.rings("complaint", "mention", "warning", shared, "Mine too")
        await stage.happens(TimelineEvent(AT, "alert.reopened", incident_id=shared, alert_id=storm))
    for _ in range(6):
        await stage.rings("danger", "mention", "critical", shared, "It smokes!")
        for _ in range(10):
            await stage.rings("complaint", "mention", "warning", shared, "Mine too")
    rows = await stage.told()
    assert sum("Everybody talks about us  " in row or row.endswith("talks about us") for row in rows) == 2
    assert sum(row.endswith("it is over") for row in rows) == 2
    stage.narrator.close(Path("out"), Path("out/marmotte"), [], {})
    counted = [int(row.split()[1]) for row in await stage.told() if "joined the crisis" in row]
    assert sum(counted) == 150
    assert len(counted) <= 5


async def test_the_plan_is_told_with_its_people_and_steps(store: Store) -> None:
    """Who was told at once, and what was done."""
    stage = Stage(store)
    incident = await stage.incident()
    async with store.begin() as tx:
        run = await tx.plans.open(
            plan="product-outage", incident_id=incident, snapshot={}, steps=[], state=RunState.RUNNING, at=AT
        )
        assert run is not None
        for receiver, kind in (
            ("ines", NotificationKind.PLAN),
            ("bastien", NotificationKind.PLAN),
            ("awa", NotificationKind.MORE),
        ):
            await tx.notifications.add(
                incident_id=incident, receiver=receiver, kind=kind, events=(), created_at=AT, due_at=AT, plan_run_id=run.id
            )
        await tx.commit()
    named = {"plan": "product-outage", "step": "pause-queue"}
    await stage.happens(TimelineEvent(AT, "plan.opened", detail=named, incident_id=incident, plan_run_id=run.id))
    await stage.happens(TimelineEvent(AT, "plan.step.failed", detail=named, incident_id=incident, plan_run_id=run.id))
    assert await stage.told() == [
        "13:00 ☎ The emergency plan « Panne produit » is opened",
        "13:00   told at once: bastien, ines",
        "13:00   failed: Suspendre les publications programmées",
    ]


async def test_the_wall_takes_signed_calls_only_and_each_once(tmp_path: Path) -> None:
    """A forged call is refused; a repeat under the same id changes nothing."""
    secret = new_secret()
    async with Wall(tmp_path, secret) as wall, aiohttp.ClientSession() as session:
        body = b'{"data": 1}'
        signed = headers([secret], "msg_1", SystemClock().now(), body)
        for _ in range(2):
            assert (await session.post(wall.url, data=body, headers=signed)).status == 204
        forged = headers([new_secret()], "msg_2", SystemClock().now(), body)
        assert (await session.post(wall.url, data=body, headers=forged)).status == 401
        assert list(wall.verified) == ["msg_1"]
    assert names(tmp_path) == ["01.json"]


async def test_the_postbox_keeps_a_mail_without_html_too(tmp_path: Path) -> None:
    """Its .eml stands alone; one that came as text is kept as well."""
    async with Postbox(tmp_path) as postbox:
        for content in (b"Subject: plain\n\nwords", "Subject: plain\n\nwords"):
            envelope = SimpleNamespace(content=content, rcpt_tos=["Ops@acme.example"])
            assert await postbox.handle_DATA(None, None, envelope) == "250 taken"  # type: ignore[arg-type]
    assert names(tmp_path) == ["01-ops.eml", "02-ops.eml"]


async def test_servers_that_never_started_end_quietly(tmp_path: Path) -> None:
    """Whatever went wrong before, the end adds no error of its own."""
    await Postbox(tmp_path).__aexit__(None, None, None)
    await Wall(tmp_path, new_secret()).__aexit__(None, None, None)
    assert timedelta(0) < module.EPILOGUE


async def test_a_demo_that_is_cut_short_ends_its_daemon_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads on (`| head -2`): the daemon gives back what it holds while its store is still there."""
    ended = []
    run = Daemon.run

    async def watched(self: Daemon) -> None:
        await run(self)
        ended.append(self)

    async def cut(self: Narrator) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(Daemon, "run", watched)
    monkeypatch.setattr(Narrator, "look", cut)
    with pytest.raises(BrokenPipeError):
        await module.demo(tmp_path, seconds=20, quiet=True)
    assert len(ended) == 1
