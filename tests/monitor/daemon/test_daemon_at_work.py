"""The daemon in this process, on a real store: from a call that comes in to a call that goes out, and what must not go wrong."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from monitor import paper, reloading
from monitor import shift as shift_module
from monitor.daemon import Daemon
from monitor.domain.clock import AcceleratedClock, ManualClock, SystemClock
from monitor.domain.mention import Scores
from monitor.pipeline import flow
from monitor.pipeline.observing import KINDS
from monitor.sentiment.away import Away, Texts
from monitor.settings import Settings
from monitor.shift import JUDGED_AT_ONCE, Shift
from monitor.storage import StorageSettings, Store
from monitor.telemetry import metrics
from monitor.testing import Site, serving
from monitor.web import Reloaded
from notifiers.signing import verify
from tests.monitor.daemon.conftest import BASE, OUTAGE, SECRET, Hanging, call_in, value

Folder = Any
Start = Any
Patiently = Callable[..., Awaitable[Any]]


class Hub:
    """A receiver that remembers the calls it took, each verified, by id."""

    def __init__(self, site: Site) -> None:
        self.taken: list[tuple[str, Any]] = []
        self.url = site.url
        site.answer = self.take

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.taken.append((verify([SECRET], request.headers, body, now=SystemClock().now()), json.loads(body)))
        return web.Response(status=204)

    async def has(self, count: int = 1) -> bool:
        return len(self.taken) >= count

    def told(self, about: str) -> list[Any]:
        """The messages about one rule."""
        return [body for _, body in self.taken if any(alert["rule"] == about for alert in body["data"]["alerts"])]


async def test_a_signed_call_in_becomes_a_signed_call_out(
    folder: Folder, at_work: Start, patiently: Patiently, storage: StorageSettings, logged: io.StringIO
) -> None:
    """On SQLite and on PostgreSQL: complaint, rule, message, delivered once. The log has one line for it, and nobody's words."""
    folder.database = storage.url.get_secret_value()
    async with serving() as site:
        hub = Hub(site)
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as daemon:
            await call_in(daemon.address, 1)
            await patiently(hub.has, "the message arrives")
        assert [body["data"]["alerts"][0]["rule"] for _, body in hub.taken] == ["complaint"]
        assert hub.taken[0][1]["data"]["posts"][0]["text"] == "My Acme is broken"
    opened = [line for line in logged.getvalue().splitlines() if '"alert.opened"' in line]
    assert [json.loads(line)["rule"] for line in opened] == ["complaint"]
    assert "is broken" not in logged.getvalue()


@pytest.mark.parametrize("workers", [1, 0])
async def test_a_heavy_page_is_scored_by_a_worker_if_there_may_be_one(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """A page of posts leaves the daemon's loop, unless `sentiment.workers` is 0; either way all of it is scored."""
    sent: list[int] = []
    score_all = Away.score_all

    async def watched(self: Away, said: Texts) -> list[Scores]:
        sent.append(len(said))
        return await score_all(self, said)

    monkeypatch.setattr(Away, "score_all", watched)
    source = "posts: {kind: file, path: posts.jsonl, network: forum}"
    tickets = "tickets: {kind: webhook, secret: SECRET, every: 1s}"
    folder.write(BASE.replace(tickets, source) + f"sentiment: {{workers: {workers}}}\n")
    line = {"text": "I really hate this awful Acme phone. " * 5, "created_at": "2026-03-02T08:00:00Z"}
    posts = (json.dumps(line | {"url": f"https://forum.example/{number}"}) for number in range(100))
    (folder.path / "posts.jsonl").write_text("\n".join(posts) + "\n")
    async with at_work(), stored(folder) as store:

        async def scored() -> bool:
            async with store.read() as tx:
                found = await tx.mentions.after(0, 1_000)
            return len(found) == 100 and all((each.sentiment or 0) < -0.5 for each in found)

        await patiently(scored, "all are stored with their scores")
    assert bool(sent) == bool(workers)


async def test_two_daemons_on_one_store_send_each_message_once(
    folder: Folder, at_work: Start, patiently: Patiently, storage: StorageSettings
) -> None:
    """One leads, both deliver, nobody repeats the other."""
    folder.database = storage.url.get_secret_value()
    async with serving() as site:
        hub = Hub(site)
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as first, at_work() as second:
            for number in range(12):
                await call_in((first, second)[number % 2].address, number)
            await patiently(lambda: hub.has(12), "every message arrives")
        assert len({name for name, _ in hub.taken}) == len(hub.taken) == 12


async def test_every_queue_and_source_has_its_figure(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open alerts, messages owed and for how long, when a source last answered and up to when it has been read."""
    monkeypatch.setattr(shift_module, "PULSE", timedelta(seconds=0.05))
    folder.write()
    async with stored(folder) as store, store.begin() as tx:  # a source of former days has no figures
        await tx.sources.register({"former": "hash"})
        await tx.commit()
    async with at_work() as daemon:
        await call_in(daemon.address, 1)

        async def shown() -> bool:
            return (
                value("tocsin_alerts_open", severity="warning") == 1
                and value("tocsin_deliveries_pending", receiver="hub") == 1
                and value("tocsin_inbox_pending", source="tickets") == 0
                and value("tocsin_source_last_success_timestamp_seconds", source="tickets") > 0
                and value("tocsin_source_watermark_timestamp_seconds", source="tickets") > 0
                and value("tocsin_source_last_brought_timestamp_seconds", source="tickets") > 0
                and value("tocsin_source_error_budget_left_ratio", source="tickets") == 1
                and value("tocsin_source_lag_seconds", source="tickets") >= 0
                and value("tocsin_source_next_poll_timestamp_seconds", source="tickets") > 0
            )

        await patiently(shown, "the figures say how everything stands")
        assert value("tocsin_config_last_reload_successful") == 1
        assert value("tocsin_evaluator_lag_mentions") == 0
        assert value("tocsin_evaluator_leads") == 1
        assert value("tocsin_source_newest_mention_timestamp_seconds", source="tickets") > 0
        assert value("tocsin_source_interval_seconds", source="tickets") == 1
        assert 0 < value("tocsin_store_bytes") < value("tocsin_store_disk_size_bytes")
        assert 0 < value("tocsin_store_disk_free_bytes") < value("tocsin_store_disk_size_bytes")
        assert metrics.registry.get_sample_value("tocsin_inbox_pending", {"source": "former"}) is None


@asynccontextmanager
async def stored(folder: Folder) -> AsyncIterator[Store]:
    """The folder's store, for a look or a change beside the daemon."""
    store = await Store.open(folder.settings().storage)
    try:
        yield store
    finally:
        await store.close()


FEEDS = """
  slow: {kind: feed, url: "SITE/slow", every: 1s, timeout: 60s}
  quick: {kind: feed, url: "SITE/quick", every: 1s}
"""
ITEM = """<rss version="2.0"><channel><title>News</title><item><title>My Acme is broken</title>
<link>https://news.example/1</link><guid>1</guid></item></channel></rss>"""


async def test_one_slow_source_never_delays_another(folder: Folder, at_work: Start, patiently: Patiently) -> None:
    """While one server takes for ever, the other's article has rung already."""
    release = asyncio.Event()
    waiting = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/slow":
            waiting.set()
            await release.wait()
        return web.Response(text=ITEM, content_type="application/rss+xml")

    async with serving() as site, serving() as out:
        site.answer, hub = answer, Hub(out)
        text = folder.base.replace("receivers:", FEEDS.replace("SITE", site.url) + "receivers:")
        folder.write(text, hub=f"{hub.url}/in")
        async with at_work():
            await asyncio.wait_for(waiting.wait(), 20)
            await patiently(hub.has, "the quick source's article rings")
            assert not release.is_set()
            release.set()


async def test_one_dead_receiver_never_delays_another(folder: Folder, at_work: Start, patiently: Patiently) -> None:
    """While one receiver hangs, the other has got its message; the end cuts the hanging one off within its time."""
    hanging = Hanging()
    async with serving() as dead, serving() as out:
        dead.answer, hub = hanging, Hub(out)
        receiver = f"receivers:\n  dead: {{kind: webhook, url: {dead.url}/in, secret: {SECRET}, timeout: 50s}}"
        text = folder.base.replace("receivers:", receiver).replace("default: hub", "default: [dead, hub]")
        folder.write(text, hub=f"{hub.url}/in")
        async with at_work() as daemon:
            await call_in(daemon.address, 1)
            await asyncio.wait_for(hanging.begun.wait(), 20)
            await patiently(hub.has, "the living receiver has its message")


async def test_a_source_that_goes_silent_rings_and_its_return_too(folder: Folder, at_work: Start, patiently: Patiently) -> None:
    """Nothing from a server that answers 503 is never taken for calm; when it answers again, that is told as well."""
    text = folder.base.replace("receivers:", FEEDS.replace("SITE", "FEEDS").replace("every: 1s", "every: 1m") + "receivers:")
    async with serving() as site, serving() as out:
        hub, broken = Hub(out), True

        async def answer(request: web.Request) -> web.Response:
            if broken and request.path == "/slow":
                return web.Response(status=503)
            return web.Response(text=ITEM, content_type="application/rss+xml")

        site.answer = answer
        text = text.replace("FEEDS", site.url).replace("group_interval: 1s", "group_interval: 2m")
        folder.write(text.replace("http: {", "http: {retries: 0, "), hub=f"{hub.url}/in")
        clock = AcceleratedClock(SystemClock().now(), speed=600)

        def about_slow() -> list[Any]:  # at this speed a busy machine makes the other source late, too
            alerts = [alert for body in hub.told("source-health") for alert in body["data"]["alerts"]]
            return [alert for alert in alerts if alert["labels"].get("source") == "slow"]

        async with at_work(clock):

            async def told(kind: str) -> bool:
                return any(alert["event"] == kind for alert in about_slow())

            await patiently(lambda: told("first"), "the silence rings")
            broken = False
            await patiently(lambda: told("resolved"), "the return is told")
        assert about_slow()[0]["labels"]["trouble"] == "unavailable"


async def test_what_is_past_its_time_is_forgotten(folder: Folder, at_work: Start, patiently: Patiently) -> None:
    """Mentions, and the raw calls that brought them, go when the retention is over."""
    folder.write(folder.base.replace("storage: {", "storage: {retention: 1h, "), rules="version: 1\nrules: []\n")
    clock = AcceleratedClock(SystemClock().now(), speed=20_000)
    async with at_work(clock) as daemon, stored(folder) as store:
        await call_in(daemon.address, 1)

        async def gone() -> bool:
            async with store.read() as tx:
                return await tx.evaluator.offset() > 0 and await tx.mentions.count() == 0

        await patiently(gone, "the mention was judged, and is forgotten")


async def test_what_is_only_observed_begins_its_account(folder: Folder, at_work: Start, patiently: Patiently) -> None:
    """The daemon looks by itself whether an account is due; the first is about what happens from now on."""
    folder.write(folder.base + "observing: {until: 2999-12-31}\n")
    async with at_work(), stored(folder) as store:

        async def begun() -> bool:
            async with store.read() as tx:
                return [event.kind for event in await tx.timeline.of_kinds(KINDS)] == ["observed.began"]

        await patiently(begun, "the account begins")


async def test_a_reload_applies_the_new_rules(folder: Folder, at_work: Start, patiently: Patiently) -> None:
    """What did not ring before rings after it."""
    async with serving() as out:
        hub = Hub(out)
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as daemon:
            await call_in(daemon.address, 1, "My Acme is late")
            folder.write(hub=f"{hub.url}/in", rules=folder.rules.replace("broken", "late"))
            assert await daemon.reconfigure() == Reloaded("in_force", changed=("rules.complaint",))
            await call_in(daemon.address, 2, "My Acme is late again")
            await patiently(hub.has, "the new rule rings")
        assert value("tocsin_config_last_reload_successful") == 1


async def test_metrics_say_whether_a_heartbeat_is_to_be_expected(folder: Folder, at_work: Start) -> None:
    """By the configuration in force."""
    async with serving() as elsewhere:
        elsewhere.says(200)
        folder.write(folder.base + f"heartbeat: {{url: {elsewhere.url}/ping, every: 15m}}\n")
        async with at_work() as daemon:
            assert value("tocsin_heartbeat_interval_seconds") == 900
            folder.write()
            assert (await daemon.reconfigure()).status == "in_force"
            assert value("tocsin_heartbeat_interval_seconds") == 0


async def test_a_bad_file_keeps_the_configuration_in_force(
    folder: Folder, at_work: Start, patiently: Patiently, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old rules ring on; log and metric say that the new ones were refused."""
    async with serving() as out:
        hub = Hub(out)
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as daemon:
            (folder.path / "rules" / "acme.yaml").write_text("version: 1\nruels: []\n")
            assert (await daemon.reconfigure()).status == "refused"
            assert value("tocsin_config_last_reload_successful") == 0
            await call_in(daemon.address, 1)
            await patiently(hub.has, "the old rule still rings")


async def test_a_reload_that_fails_in_any_other_way_is_survived_too(folder: Folder, at_work: Start) -> None:
    """A bug in reading the files is no reason to stop listening."""
    folder.write()

    def broken() -> Settings:
        raise RuntimeError("a bug")

    async with at_work(reload=broken) as daemon:
        assert await daemon.reconfigure() == Reloaded("refused", problems=("a bug",))
        assert value("tocsin_config_last_reload_successful") == 0
        assert daemon.ready.is_set()


async def test_signals_reload_and_stop(folder: Folder) -> None:
    """SIGHUP reads anew, SIGTERM ends; afterwards the process has its own handlers back."""
    folder.write()
    read: list[Settings] = []

    def reload() -> Settings:
        read.append(folder.settings())
        return read[-1]

    daemon = Daemon(folder.settings(), SystemClock(), reload)
    running = asyncio.create_task(daemon.run())
    await asyncio.wait_for(daemon.ready.wait(), 30)
    daemon.ready.clear()
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.wait_for(daemon.ready.wait(), 30)
    assert len(read) == 1
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 30)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.fixture
def impossible(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A configuration that reads well and cannot be put to work."""
    folder.write()
    bad: Settings = folder.settings().model_copy(update={"brand": "Impossible"})
    build = flow.build

    def refuse(settings: Settings, *rest: Any, **named: Any) -> flow.Flow:
        if settings is bad:
            raise OSError("its certificates cannot be read")
        return build(settings, *rest, **named)

    monkeypatch.setattr(flow, "build", refuse)
    return bad


async def test_a_configuration_that_cannot_work_gives_way_to_the_one_before(
    folder: Folder, impossible: Settings, at_work: Start, patiently: Patiently
) -> None:
    """The daemon says so and goes on as before."""
    async with serving() as out:
        hub = Hub(out)
        folder.write(hub=f"{hub.url}/in")
        async with at_work(reload=lambda: impossible) as daemon:
            assert await daemon.reconfigure() == Reloaded("failed", problems=("its certificates cannot be read",))
            await call_in(daemon.address, 1)
            await patiently(hub.has, "the old configuration works on")
            assert value("tocsin_config_last_reload_successful") == 0, "that the old one works on is no success"


async def test_a_first_configuration_that_cannot_work_ends_the_daemon(impossible: Settings) -> None:
    """There is nothing to go back to: whoever started it must see the error."""
    daemon = Daemon(impossible, SystemClock(), lambda: impossible, handle_signals=False)
    with pytest.raises(OSError, match="certificates"):
        await daemon.run()


def test_what_only_a_restart_changes_is_named(folder: Folder) -> None:
    """The store's address and the port stay as they are until then."""
    folder.write()
    before = folder.settings()
    folder.write(folder.base.replace("port: 0", "port: 1").replace("DATABASE", "sqlite:///other.db"))
    assert reloading._only_at_start(before, folder.settings()) == ["storage.url", "web"]
    assert reloading._only_at_start(before, before) == []


def test_the_watchdog_is_fed_as_often_as_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what systemd allows, and never more rarely than usual."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert shift_module._beats_every() == shift_module.PULSE
    monkeypatch.setenv("WATCHDOG_USEC", "4000000")
    assert shift_module._beats_every() == timedelta(seconds=2)


async def test_time_is_looked_at_also_while_mentions_never_pause(folder: Folder) -> None:
    """A steady stream must not keep sources that went silent from being noticed; a backlog is judged first."""
    ticks: list[int] = []

    class Evaluate:
        judged = 1

        async def step(self, at_most: int) -> int:
            del at_most
            return self.judged

        async def tick(self) -> None:
            ticks.append(self.judged)

    evaluate = Evaluate()
    folder.write()
    stages = SimpleNamespace(evaluate=evaluate)
    shift = Shift(folder.settings(), Any, ManualClock(SystemClock().now()), stages)  # type: ignore[arg-type]
    shift._ask_for_tick()
    evaluate.judged = JUDGED_AT_ONCE
    assert await shift._judge() == JUDGED_AT_ONCE
    assert ticks == []
    evaluate.judged = 3
    await shift._judge()
    await shift._judge()
    assert ticks == [3], "once, until it is asked for again"


async def test_a_bug_while_sending_is_counted_and_the_receiver_served_again(folder: Folder) -> None:
    """The next round tries again: nobody stays marked as being served."""
    folder.write()
    tried: list[str] = []

    class Deliver:
        async def due(self) -> set[str]:
            return {"hub"}

        async def step(self, receiver: str) -> int:
            tried.append(receiver)
            raise RuntimeError("a bug")

    stages = SimpleNamespace(deliver=Deliver())
    shift = Shift(folder.settings(), Any, ManualClock(SystemClock().now()), stages)  # type: ignore[arg-type]
    before = value("tocsin_worker_failures_total", worker="deliver hub")
    for _ in range(2):
        await shift._dispatch()
        await asyncio.gather(*shift._workers._tasks)
    assert tried == ["hub", "hub"]
    assert value("tocsin_worker_failures_total", worker="deliver hub") == before + 2


async def test_the_cards_of_the_plans_lie_on_disk(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written after the start, beside the store; and anew by the configuration that takes its place."""
    monkeypatch.setattr(shift_module, "CARDS_AFTER", timedelta(0))
    monkeypatch.setattr(paper, "available", lambda: False)
    folder.write()
    (folder.path / "plans").mkdir()
    plan = folder.path / "plans" / "outage.yaml"
    plan.write_text(OUTAGE.replace("receiver: care", "receiver: hub"))
    card = folder.path / "cards" / "outage.en.html"

    async def says(words: str) -> bool:
        return card.exists() and words in card.read_text()

    async with at_work() as daemon:
        await patiently(lambda: says("Tell customer care"), "the card")
        plan.write_text(plan.read_text().replace("Tell customer care", "Call customer care"))
        assert (await daemon.reconfigure()).status == "in_force"
        await patiently(lambda: says("Call customer care"), "the new card")
