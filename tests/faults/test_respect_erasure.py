"""Who asks to be forgotten is forgotten: everywhere, for good, also by a backup that is put back; what a claim needs is kept."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from monitor.domain.alert import AlertEvent, NewAlert, NotificationKind
from monitor.domain.errors import UsageError
from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.domain.plan import TimelineEvent
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.replay import recording, replay
from monitor.settings import load
from monitor.storage import LeaseLost, Retention, StorageSettings, Store
from monitor.storage.tables import metadata

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
DPO = Actor("dpo", "cli")
HANDLE = "@Zelda.Canary@social.example"
# Whatever of this stands anywhere after the erasure is a word about the person.
CANARIES = ("zelda", "canary", "4711-0815", "kettlegate")

MONITOR = """
version: 1
subjects: {acme: {names: [Acme]}}
sources:
  posts: {kind: file, path: posts.jsonl, network: mastodon}
receivers:
  hub: {kind: webhook, url: "http://127.0.0.1:1/tocsin", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}
routing: {default: hub}
http: {allow: ["127.0.0.1:1"]}
"""
RULES = """
version: 1
rules:
  - {id: complaint, kind: mention, where: {subjects: acme, text: {any_of: [broken, "kettle*"]}}, key: [author]}
  - id: crisis
    kind: window
    where: {subjects: acme}
    measure: {distinct: author}
    key: [subject]
    window: 60m
    fire: {at_least: 3}
  - {id: loud, kind: window, key: [author], where: {subjects: acme}, window: 60m, fire: {at_least: 9}}
  - {id: news, kind: new_term, where: {subjects: acme}, field: words, fire: {at_least: 9, within: 60m}}
  - {id: unanswered, kind: absence, where: {subjects: acme}, within: 60m}
"""
FIRST_AUTHOR = 4_711_001  # no count, and no moment, is as large or as exact


def _post(number: int, text: str, *, author: dict[str, str] | str, url: str | None = None, parent: str | None = None) -> str:
    said = {"text": text, "created_at": (NOW + number * MINUTE).isoformat(), "author": author}
    return json.dumps(
        said | {"url": url or f"https://social.example/@bob/{number}"} | ({"in_reply_to": parent} if parent else {})
    )


ZELDA = {"id": "4711-0815", "handle": HANDLE, "name": "Zelda Canary"}
HERS = "https://social.example/@Zelda.Canary/1"
POSTS = (
    _post(1, "My Acme is broken, says kettlegate #kettlegate", author=ZELDA, url=HERS),
    _post(2, f"{HANDLE.lower()} I agree, Acme is awful", author="bob", parent=HERS),
    _post(3, "Acme again: kettlegate, it broke", author=ZELDA, url="https://social.example/@Zelda.Canary/3"),
    _post(4, "Is Acme broken for everybody?", author="carol"),
)


@dataclass
class Home:
    """A folder of configuration, a store, and what was said."""

    folder: Path
    storage: StorageSettings

    async def hear(self, *posts: str) -> None:
        """Take in, judge and tell, as the daemon does."""
        (self.folder / "posts.jsonl").write_text("\n".join(posts) + "\n")
        settings = recording(load(self.folder, environ={}), self.folder / "posts.jsonl")
        await replay(settings.model_copy(update={"storage": self.storage}), deliver=False)

    async def number_authors(self) -> None:
        """Give the next author a number that nothing else has."""
        await (await Store.open(self.storage)).close()
        engine = create_async_engine(self.storage.parsed())
        async with engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                await connection.execute(text("insert into sqlite_sequence values ('author', :last)"), {"last": FIRST_AUTHOR - 1})
            else:
                sequence = text("select setval(pg_get_serial_sequence('author', 'id'), :last)")
                await connection.execute(sequence, {"last": FIRST_AUTHOR - 1})
        await engine.dispose()

    async def rules_remember(self) -> dict[str, str]:
        """All that rules do, by their ids."""
        store = await Store.open(self.storage)
        async with store.read() as tx:
            states = await tx.rule_states.load()
        await store.close()
        return {rule: "".join(f"{key}{state}" for key, state in states.items() if key[0] == rule) for rule, _, _ in states}

    async def everything(self) -> str:
        """All that all tables hold, as one text."""
        engine = create_async_engine(self.storage.parsed())
        async with engine.connect() as connection:
            rows = [row for table in metadata.sorted_tables for row in (await connection.execute(select(table))).mappings()]
        await engine.dispose()
        return "\n".join(json.dumps(dict(row), default=_shown, ensure_ascii=False) for row in rows)


def _shown(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@pytest.fixture
def home(tmp_path: Path, storage: StorageSettings) -> Home:
    """Complaints, a crisis, and their messages, as nobody has heard them yet."""
    folder = tmp_path / "brand"
    (folder / "rules").mkdir(parents=True)
    (folder / "monitor.yaml").write_text(MONITOR)
    (folder / "rules" / "acme.yaml").write_text(RULES)
    placed = storage.beginning_at(tmp_path)
    return Home(folder, placed)


def _found(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text.lower()]


def _bytes(folder: Path) -> str:
    """All that the files of an SQLite store hold, free pages and the log included; nothing for PostgreSQL."""
    return "".join(file.read_bytes().decode(errors="replace") for file in folder.glob("tocsin.db*"))


async def _people_write(store: Store) -> None:
    """What the team, and servers, may have written about the person."""
    async with store.begin() as tx:
        (alert, *_) = await tx.alerts.list()
        await tx.timeline.add(TimelineEvent(NOW, "note", detail={"note": f"Called {HANDLE} twice"}))
        await tx.silences.add(
            matcher={"rule": "x"}, author="ada", reason=f"{HANDLE} again", created_at=NOW, starts_at=NOW, ends_at=NOW + DAY
        )
        share = AlertEvent(alert.id, NotificationKind.FIRST, "warning", 1, None, 1, reasons=(f"{HANDLE} is loud",))
        await tx.notifications.add(
            incident_id=alert.incident_id, receiver="hub", kind=NotificationKind.FIRST, events=[share], created_at=NOW, due_at=NOW
        )
        await tx.inbox.put("hook", "1", b'{"broken": "by 4711-0815"', NOW)
        (item,) = await tx.inbox.pending("hook", 1)
        await tx.inbox.processed(item.id, NOW, error=f"no JSON near {HANDLE}")
        await tx.commit()


@pytest.mark.fault("respect", "somebody whose words stand in every table asks to be forgotten")
async def test_nothing_is_left_of_who_asked_to_be_forgotten(home: Home, tmp_path: Path) -> None:
    """No table, and no byte of the SQLite files, holds a name, an address or a word of theirs; what others said stays."""
    await home.hear(*POSTS)
    store = await Store.open(home.storage)
    await _people_write(store)
    assert sorted(_found(await home.everything())) == sorted(CANARIES)  # else the test would prove nothing
    erased, listed = await operations.erase(store, "mastodon", HANDLE, DPO, NOW + DAY)
    await store.close()
    assert (erased.mentions, erased.pending, listed) == (2, False, True)
    left = await home.everything()
    assert _found(left) == []
    assert "I agree, Acme is awful" in left
    assert "Is Acme broken for everybody?" in left
    assert _found(_bytes(tmp_path)) == []


@pytest.mark.fault("respect", "rules remember somebody who asks to be forgotten")
async def test_no_rule_remembers_who_asked_to_be_forgotten(home: Home) -> None:
    """Neither our number for them, nor a word that only they have used, now or hours ago; others are remembered as before."""
    await home.number_authors()
    await home.hear(*POSTS)
    remembered = await home.rules_remember()
    number = str(FIRST_AUTHOR)
    assert {rule for rule, said in remembered.items() if number in said} == {"crisis", "loud", "news", "unanswered"}
    assert [rule for rule, said in remembered.items() if "kettlegate" in said] == ["news"]
    store = await Store.open(home.storage)
    await operations.erase(store, "mastodon", HANDLE, DPO, NOW + DAY)
    await store.close()
    left = await home.rules_remember()
    assert [rule for rule, said in left.items() if number in said or "kettlegate" in said] == []
    assert left.keys() == remembered.keys()
    assert "awful" in left["news"]


@pytest.mark.fault("respect", "a source goes on bringing somebody who was erased, under other names")
async def test_no_poll_brings_anybody_back(home: Home) -> None:
    """From any source of the network, under the same id or another spelling of the handle, their posts are kept out."""
    await home.hear(*POSTS)
    store = await Store.open(home.storage)
    await operations.erase(store, "mastodon", "4711-0815", DPO, NOW)
    spellings = (
        Author("4711-0815", "@renamed@social.example", "Somebody New"),
        Author("zelda.canary@social.example", "zelda.canary@social.example"),
        Author("", "ZELDA.CANARY@social.example"),
        Author("99", "@Zelda.Canary@Social.Example"),
    )
    for number, author in enumerate(spellings):
        said = Mention(
            network="mastodon", text="Acme is broken", written_at=NOW, uri=f"https://x.example/{number}", author=author
        )
        async with store.begin() as tx:
            added = await tx.mentions.add([Enriched(said, frozenset(), frozenset(), Scores())], source="other", seen_at=NOW)
            assert (added.new, added.kept_out) == ([], 1), author
            await tx.commit()
    await store.close()
    await home.hear(*POSTS)
    assert "4711-0815" not in await home.everything()


@pytest.mark.fault("respect", "a namesake writes, after somebody of that name was erased")
async def test_others_of_the_same_name_are_heard(store: Store) -> None:
    """A name that several bear keeps nobody out but the one who asked; another network's namesake is somebody else."""

    async def hear(network: str, author: Author, number: int) -> int:
        said = Mention(network=network, text="hello", written_at=NOW, uri=f"https://x.example/{number}", author=author)
        async with store.begin() as tx:
            added = await tx.mentions.add([Enriched(said, frozenset(), frozenset(), Scores())], source="s", seen_at=NOW)
            await tx.commit()
        return len(added.new)

    assert await hear("reviews", Author("1", "Anonymous"), 1) == 1
    assert await hear("reviews", Author("2", "anonymous"), 2) == 1
    await operations.erase(store, "reviews", "1", DPO, NOW)
    assert await hear("reviews", Author("1", "Anonymous"), 3) == 0
    assert await hear("reviews", Author("2", "Anonymous"), 4) == 1
    assert await hear("reviews", Author("3", "Anonymous"), 5) == 1
    assert await hear("elsewhere", Author("1", "Anonymous"), 6) == 1


@pytest.mark.fault("respect", "a backup made before an erasure is put back")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_a_backup_that_is_put_back_brings_nobody_back(home: Home, tmp_path: Path) -> None:
    """The list beside the store erases them anew at the next start, before anybody can read."""
    await home.hear(*POSTS)
    database, backup = tmp_path / "tocsin.db", tmp_path / "backup.db"
    shutil.copyfile(database, backup)
    store = await Store.open(home.storage)
    await operations.erase(store, "mastodon", HANDLE, DPO, NOW)
    await store.close()
    shutil.copyfile(backup, database)
    assert _found(await home.everything())
    store = await Store.open(home.storage)
    async with store.read() as tx:
        assert not await tx.authors.known("mastodon", HANDLE)
    await store.close()
    assert _found(await home.everything()) == []


async def test_a_list_of_erasures_works_on_both_databases(home: Home, tmp_path: Path) -> None:
    """Whoever lost the list, and kept a copy of it, erases anew by it; entries of other stores and torn lines harm nothing."""
    await home.hear(*POSTS)
    store = await Store.open(home.storage)
    copy = tmp_path / "copy.erased"
    async with store.begin() as tx:
        erased = await tx.erasures.erase("mastodon", HANDLE, NOW)  # and not committed: this store knows nothing of it
    lines = [{"installation": store.installation, "hash": each.hash, "at": NOW.isoformat()} for each in erased.buried]
    other = {"installation": "another", "hash": "0" * 64, "at": NOW.isoformat()}
    copy.write_text("\n".join(map(json.dumps, [other, *lines])) + '\n{"installation": "half a li')
    (again,) = await store.bury_again(copy)
    assert (again.mentions, await store.bury_again(copy)) == (2, [])
    await store.close()
    assert _found(await home.everything()) == []
    listed = store.erased_list.path
    assert listed is not None
    assert (listed.stat().st_mode & 0o077, len(listed.read_text().splitlines())) == (0, 1 + 2)


@pytest.mark.fault("respect", "the evaluator is judging a post while its author is erased")
async def test_who_is_being_judged_is_erased_all_the_same(store: Store) -> None:
    """An evaluator that read the words before the erasure cannot commit what it made of them: it judges anew."""
    said = Mention(network="m", text="broken", written_at=NOW, uri="https://x.example/1", author=Author("1", "ada"))
    async with store.begin() as tx:
        await tx.mentions.add([Enriched(said, frozenset(), frozenset(), Scores())], source="s", seen_at=NOW)
        lease = await tx.evaluator.claim("me", wall=NOW, lease=DAY)
        await tx.commit()
    assert lease is not None
    await operations.erase(store, "m", "ada", DPO, NOW)
    async with store.begin() as tx:
        with pytest.raises(LeaseLost):
            await tx.evaluator.advance("me", lease.epoch, 1)
    async with store.begin() as tx:
        assert await tx.evaluator.claim("me", wall=NOW, lease=DAY) is not None


async def test_a_disk_that_takes_no_list_is_reported_and_mended_later(home: Home, tmp_path: Path) -> None:
    """The erasure is carried out all the same; the next start writes what the list lacks."""
    await home.hear(*POSTS)
    store = await Store.open(home.storage)
    path = store.erased_list.path
    assert path is not None
    path.mkdir()
    _, listed = await operations.erase(store, "mastodon", HANDLE, DPO, NOW)
    await store.close()
    assert not listed
    path.rmdir()
    await (await Store.open(home.storage)).close()
    assert len(path.read_text().split("\n{")) == 1 + 2


async def _waits_for_a_hold(store: Store, until: datetime | None = None) -> int:
    """Somebody asked to be forgotten, a hold keeps them, and from now on the list of erasures cannot be written."""
    async with store.read() as tx:
        number = (await tx.authors.find("mastodon", HANDLE))["id"]
    hold = await operations.place_hold(store, "author", number, reason="a claim", actor=DPO, at=NOW, until=until)
    await operations.erase(store, "mastodon", HANDLE, DPO, NOW)
    _cannot_be_written(store)
    return hold.id


def _cannot_be_written(store: Store) -> None:
    """Not even by root: it leads to a folder that is not there."""
    assert store.erased_list.path is not None
    store.erased_list.path.unlink(missing_ok=True)
    store.erased_list.path.symlink_to("nowhere/list")


def _told(said: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(each["log_level"], each["event"]) for each in said]


NOT_LISTED = ("error", "erasure.not_listed")


@pytest.mark.parametrize("until", [None, NOW + DAY], ids=["released", "over"])
async def test_the_end_of_a_hold_tells_that_the_list_cannot_be_written(home: Home, until: datetime | None) -> None:
    """The erasure that waited is carried out, and the log says that a backup would bring the person back."""
    await home.hear(*POSTS)
    store = await Store.open(home.storage)
    number = await _waits_for_a_hold(store, until)
    with capture_logs() as said:
        if until is None:
            assert await operations.release_hold(store, number, DPO, NOW)
        else:
            assert await store.forget(Retention(), until, 10)
    await store.close()
    assert _told(said) == [NOT_LISTED]
    assert all(canary not in repr(said).lower() for canary in CANARIES)


async def test_a_start_tells_that_the_list_cannot_be_written(home: Home) -> None:
    """Each start, until somebody has mended it."""
    await home.hear(*POSTS)
    store = await Store.open(home.storage)
    await operations.erase(store, "mastodon", HANDLE, DPO, NOW)
    _cannot_be_written(store)
    await store.close()
    with capture_logs() as said:
        await (await Store.open(home.storage)).close()
    assert _told(said) == [NOT_LISTED]


async def test_erasing_twice_at_once_is_erasing_once(home: Home) -> None:
    """Two people press the button together: one record, and the person stays out."""
    await home.hear(*POSTS)
    stores = [await Store.open(home.storage) for _ in range(2)]
    done = await asyncio.gather(*(operations.erase(store, "mastodon", HANDLE, DPO, NOW) for store in stores))
    assert sorted(erased.already for erased, _ in done) == [False, True]
    for store in stores:
        await store.close()


# Histories: whatever happens in whatever order, an erased person is not there.

PEOPLE = ("ada", "bob", "eve")
ACTIONS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(PEOPLE), st.integers(0, 9)),
    st.tuples(st.just("ring"), st.sampled_from(PEOPLE), st.integers(0, 9)),
    st.tuples(st.just("erase"), st.sampled_from(PEOPLE), st.just(0)),
    st.tuples(st.just("hold"), st.sampled_from(PEOPLE), st.just(0)),
    st.tuples(st.just("release"), st.sampled_from(PEOPLE), st.just(0)),
    st.tuples(st.just("restore"), st.just(""), st.just(0)),
    st.tuples(st.just("forget"), st.just(""), st.integers(1, 40)),
)


class _History:
    """A store, and what a person who keeps count by hand expects of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "history.db"
        self.settings = StorageSettings(url=SecretStr(f"sqlite:///{self.path}"))
        self.now = NOW
        self.gone: set[str] = set()
        self.waiting: set[str] = set()
        self.held: dict[str, int] = {}

    async def live(self, actions: list[tuple[str, str, int]]) -> None:
        await (await Store.open(self.settings)).close()
        backup = self._copy()
        store = await Store.open(self.settings)
        for what, who, number in actions:
            self.now += MINUTE
            if what == "restore":
                await store.close()
                for file in (self.path, *self.path.parent.glob("history.db-*")):
                    file.unlink(missing_ok=True)
                shutil.copyfile(backup, self.path)
                self.held, self.waiting = {}, set()
                store = await Store.open(self.settings)
            else:
                await getattr(self, what)(store, who, number)
            await self._check(store)
        await store.close()
        backup.unlink()

    def _copy(self) -> Path:
        copy = self.path.with_suffix(".copy")
        shutil.copyfile(self.path, copy)
        return copy

    async def say(self, store: Store, who: str, number: int) -> None:
        said = Mention(
            network="m", text=f"words of {who}", written_at=self.now, uri=f"https://x/{who}/{number}", author=Author(who)
        )
        async with store.begin() as tx:
            added = await tx.mentions.add([Enriched(said, frozenset(), frozenset(), Scores())], source="s", seen_at=self.now)
            await tx.commit()
        assert added.kept_out == (who in self.gone)

    async def ring(self, store: Store, who: str, number: int) -> None:
        async with store.begin() as tx:
            evidence = [each.id for each in await tx.mentions.after(0, 100) if each.text == f"words of {who}"]
            incident = await tx.incidents.open(subject=None, open_key=f"{who}{self.now}", severity="warning", at=self.now)
            new = NewAlert(
                rule=f"r{number}{self.now}",
                kind="mention",
                key={},
                severity="warning",
                fired_at=self.now,
                observed=1,
                expected=None,
                measure="mentions",
                reasons=(f"“words of {who}”",) if evidence else (),
                evidence=evidence,
            )
            alert = await tx.alerts.open(new, incident.id, self.now)
            await tx.alerts.resolve(alert.id, self.now, "over")
            await tx.incidents.resolve(incident.id, self.now)
            await tx.commit()

    async def erase(self, store: Store, who: str, number: int) -> None:
        del number
        try:
            erased, _ = await operations.erase(store, "m", who, DPO, self.now)
        except UsageError:
            return
        if erased.pending:
            self.waiting.add(who)
        else:
            self.gone.add(who)

    async def hold(self, store: Store, who: str, number: int) -> None:
        del number
        if who in self.held:
            return
        async with store.read() as tx:
            known = (await tx.authors.find("m", who))["id"] if await tx.authors.known("m", who) else None
        if known is not None:
            placed = await operations.place_hold(store, "author", known, reason="claim", actor=DPO, at=self.now, until=None)
            self.held[who] = placed.id

    async def release(self, store: Store, who: str, number: int) -> None:
        del number
        if who in self.held:
            await operations.release_hold(store, self.held.pop(who), DPO, self.now)
            self.gone |= self.waiting & {who}
            self.waiting -= {who}

    async def forget(self, store: Store, who: str, number: int) -> None:
        del who
        self.now += number * DAY
        while await store.forget(self.settings.retention, self.now, 3):
            pass

    async def _check(self, store: Store) -> None:
        async with store.read() as tx:
            spoken = {each.text.removeprefix("words of ") for each in await tx.mentions.after(0, 1000) if each.text}
            quoted = {who for alert in await tx.alerts.list() for who in PEOPLE if who in "".join(alert.reasons)}
            known = {who for who in PEOPLE if await tx.authors.known("m", who)}
        assert not self.gone & (spoken | quoted | known), (self.gone, spoken, quoted, known)


@hypothesis_settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # a step takes too long to shrink
@given(actions=st.lists(ACTIONS, min_size=4, max_size=14))
@pytest.mark.fault("respect", "polls, alerts, holds, erasures, restores and retention happen in any order")
async def test_in_no_order_of_events_does_anybody_come_back(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, str, int]]
) -> None:
    """Whoever was erased, and is under no hold, is in no table whatever happens afterwards."""
    await _History(tmp_path_factory.mktemp("history")).live(actions)
