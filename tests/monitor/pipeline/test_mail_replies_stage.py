"""What becomes of what people answer to e-mails: who, which message, which words, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from monitor import mailbox
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.source import MAIL_REPLIES
from monitor.mailbox import Arrived, Batch, Mailbox, RepliesSettings
from monitor.pipeline import mail_replies, operations
from monitor.pipeline.mail_replies import MailReplies
from monitor.pipeline.operations import Actor
from monitor.storage import StoreAwayError
from monitor.telemetry import metrics
from notifiers import mail_ids
from tests.monitor.pipeline.conftest import CHECK_PLAN, CRISIS, MINUTE

if TYPE_CHECKING:
    from monitor.domain.alert import Alert
    from monitor.domain.plan import TimelineEvent
    from notifiers import Message
    from tests.monitor.pipeline.conftest import Build, House

REPLIES = {"host": "127.0.0.1", "security": "none", "username": "tocsin@brand.example", "password": "p"}
MAIL: dict[str, Any] = {
    "smtp": {"host": "mail.example", "sender": "tocsin@brand.example"},
    "replies": REPLIES,
    "receivers": {
        name: {"kind": "email", "to": f"{name}@brand.example"}
        for name in ("desk", "room", "queue", "tech", "backup-phone", "phone")
    },
    "people": {
        "people": {
            "ana": {"name": "Ana", "email": "Ana@Brand.example", "receivers": ["phone"]},
            "ben": {"name": "Ben", "receivers": ["backup-phone"]},
        },
        "roles": {"lead": {"primary": "ana", "backup": "ben"}},
    },
}
ANA = "Ana <ANA@brand.example>"
DESK = "desk@brand.example"


@dataclass
class Box:
    """A mailbox that holds these letters; how it is read is the connection's tests'."""

    letters: list[bytes] = field(default_factory=list)
    trouble: list[SourceError] = field(default_factory=list)
    cursors: list[str | None] = field(default_factory=list)
    at_once: int = 50
    deaf: bool = False
    rings: list[Callable[[], None]] = field(default_factory=list)

    async def new(self, cursor: str | None, wanted: Callable[[bytes], bool], since: date) -> Batch:
        """What is behind the cursor, which counts."""
        del since
        self.cursors.append(cursor)
        if self.trouble:
            raise self.trouble.pop(0)
        start = int(cursor or 0)
        now = self.letters[start : start + self.at_once]
        found = [Arrived(uid, None, raw) for uid, raw in enumerate(now, start + 1) if wanted(raw.partition(b"\r\n\r\n")[0])]
        return Batch(found, str(start + len(now)), more=start + len(now) < len(self.letters))

    async def listen(self, ring: Callable[[], None]) -> None:
        """Remember who is to be rung."""
        if self.deaf:
            raise SourceError(Trouble.UNAVAILABLE, "hung up")
        self.rings.append(ring)


def answer(to: Message, body: str = "OK", *headers: str, by: str = DESK, named: str | None = None) -> bytes:
    """What a mail program makes of an answer."""
    domain = "brand.example"
    own = named or mail_ids.message_id(to, domain)
    lines = (f"From: {by}", "Subject: Re: x", f"In-Reply-To: {own}", f"References: {mail_ids.references(to, domain)} {own}")
    return "\r\n".join((*lines, *headers, "Content-Type: text/plain; charset=utf-8", "", body)).encode()


def stage(home: House, box: Box) -> MailReplies:
    """The stage over a stand-in mailbox."""
    return MailReplies(home.settings, home.store, home.clock, cast("Mailbox", box))


async def receives(home: House, *letters: bytes) -> None:
    """These letters arrive, and are read."""
    while await stage(home, Box([*letters], at_once=50)).step(lambda: None):
        pass
    async with home.store.begin() as tx:  # the next box begins anew
        await tx.sources.succeeded(MAIL_REPLIES, cursor=None, watermark=None, at=home.clock.now())
        await tx.commit()


async def people_did(home: House) -> list[tuple[str, str]]:
    """What people did by mail: kind and who."""
    return [(each.kind, each.actor) for each in await home.timeline() if each.through == "mail"]


async def told_of_a_complaint(build: Build, **more: Any) -> tuple[House, Message]:
    """Somebody complains, and the desk has its e-mail."""
    home = build(**MAIL | more)
    await home.hears("Acme broken")
    await home.act()
    return home, home.told("desk")[0]


async def test_ok_acknowledges(house: Build) -> None:
    """By the address of the receiver that was told: alert and incident are taken, one event says who and through what."""
    home, message = await told_of_a_complaint(house)
    await receives(home, answer(message, "OK, merci\r\n\r\n> Un client"))
    alert = await home.alert()
    assert (alert.acknowledged_by, alert.acknowledged_at) == (DESK, home.clock.now())
    assert await people_did(home) == [("alert.acknowledged", DESK)]


async def test_a_person_is_known_by_name(hut: Build) -> None:
    """Of contacts.yaml, whichever receiver the message was sent to, and whatever its capitals; the rest is kept as a note."""
    home, message = await told_of_a_complaint(hut)
    await receives(home, answer(message, "je m'en occupe\r\nJ'appelle le magasin.", by=ANA))
    (event,) = await home.timeline("alert.acknowledged")
    assert (event.actor, event.detail) == ("ana", {"rule": "complaint", "note": "J'appelle le magasin."})


@pytest.mark.fault("hostile", "somebody who was never told answers OK with a forged sender")
async def test_a_forged_sender_without_our_name(hut: Build) -> None:
    """Nothing is acknowledged: a message's name carries a seal that nobody can guess, and one that does not fit is not read."""
    home, message = await told_of_a_complaint(hut)
    box = Box([answer(message, named=f"<{message.id}@brand.example>"), answer(message)])
    box.letters = [each.replace(message.seal.encode(), b"a" * 16) for each in box.letters]
    await stage(home, box).step(lambda: None)
    assert (await home.alert()).acknowledged_at is None
    assert await people_did(home) == []


@pytest.mark.fault("hostile", "a stranger answers with one of our messages before them")
async def test_a_stranger(hut: Build) -> None:
    """Nothing is acknowledged: the sender must be a person of contacts.yaml, or the receiver's own address."""
    home, message = await told_of_a_complaint(hut)
    await receives(
        home,
        answer(message, by="stranger@elsewhere.example"),
        answer(message, by=f"{DESK}, x@y.example"),
        answer(message, by='"desk@brand.example" <x@y.example>'),
        answer(message, by="tech@brand.example"),
    )
    assert await people_did(home) == []


@pytest.mark.parametrize(
    "headers", [("Auto-Submitted: auto-replied",), ("Precedence: bulk",), ("Return-Path: <>",), ("X-Tocsin-Kind: first",)]
)
async def test_machines_acknowledge_nothing(hut: Build, headers: Sequence[str]) -> None:
    """Whoever is away must not silence an alarm."""
    home, message = await told_of_a_complaint(hut)
    await receives(home, answer(message, "OK", *headers))
    assert await people_did(home) == []


async def test_other_words_take_nothing(hut: Build) -> None:
    """An alert has nowhere to note them; it goes on ringing."""
    home, message = await told_of_a_complaint(hut)
    await receives(home, answer(message, "OK ?"), answer(message, "Je suis en congé"), answer(message, ""))
    assert await people_did(home) == []


async def test_an_answer_to_an_answer(hut: Build) -> None:
    """« OK » to a colleague's « je ne peux pas » is no yes, though our message stands above both."""
    home, message = await told_of_a_complaint(hut)
    colleague = answer(message, "OK").replace(b"In-Reply-To: <", b"In-Reply-To: <colleague@phone> <")
    await receives(home, colleague)
    assert await people_did(home) == []


async def test_a_mail_that_was_renamed_on_its_way(hut: Build) -> None:
    """Some servers give mails a Message-ID of their own: ours stands beside it in References."""
    home, message = await told_of_a_complaint(hut)
    await receives(home, answer(message, named="<0100018-renamed@relay.example>"))
    assert await people_did(home) == [("alert.acknowledged", DESK)]


async def test_what_came_after_the_message_is_not_taken_by_it(hut: Build) -> None:
    """Its reader knows nothing of it; what the conversation told before is taken along."""
    flood = CRISIS | {"id": "flood", "where": {"text": {"any_of": ["water"]}}}
    home = hut(**MAIL, rules=[CRISIS, flood])
    await home.storm()
    await home.storm(text="Acme is under water")
    await home.wait(10 * MINUTE, step=MINUTE)
    first, last = [each for each in home.told("room") if each.kind != "resolved"]
    room = "room@brand.example"
    await receives(home, answer(first, by=room))
    assert {alert.rule: alert.acknowledged_by for alert in await home.alerts()} == {"crisis": room, "flood": None}
    await receives(home, answer(last, by=room))
    assert {alert.rule: alert.acknowledged_by for alert in await home.alerts()} == {"crisis": room, "flood": room}


async def test_a_digest_takes_what_it_told(hut: Build) -> None:
    """Across incidents: its own alerts, and no other's."""
    home = hut(**MAIL, routing={"default": "desk", "ops": "tech", "digest_after": 1})
    for _ in range(3):
        await home.hears("Acme broken", by=f"person{home._said}")
    await home.wait(10 * MINUTE, step=MINUTE)
    digest = next(each for each in home.told("desk") if each.incident_id is None)
    await receives(home, answer(digest))
    taken = {alert.id for alert in await home.alerts() if alert.acknowledged_at}
    assert taken == {facts.id for facts in digest.alerts}
    assert len(taken) == 2


async def test_what_is_over_or_taken_stays_as_it_is(hut: Build) -> None:
    """Of two who take it the first has it; a resolved alert is nobody's."""
    home, message = await told_of_a_complaint(hut)
    await operations.acknowledge(home.store, (await home.alert()).id, Actor("zoe", "cli"), home.clock.now())
    await receives(home, answer(message))
    assert ((await home.alert()).acknowledged_by, await people_did(home)) == ("zoe", [])
    await home.wait(timedelta(days=2), step=timedelta(hours=6))
    assert (await home.alert("complaint")).state == "resolved"
    await receives(home, answer(message))
    assert await people_did(home) == []


# --- plans -----------------------------------------------------------------------------------------------------------------


async def told_of_a_plan(build: Build) -> tuple[House, Message]:
    """A plan is open, and the room has its e-mail."""
    home = build(**MAIL, rules=[CRISIS | {"plan": "storm"}], plans=[CHECK_PLAN])
    await home.storm()
    await home.act()
    return home, next(each for each in home.told("room") if each.kind == "plan")


def acknowledged(events: Sequence[TimelineEvent]) -> list[tuple[str, object]]:
    """Who took the run, and what they noted."""
    return [(each.actor, (each.detail or {}).get("note")) for each in events if each.kind == "plan.acknowledged"]


async def test_ok_takes_a_plan(hut: Build) -> None:
    """The run is theirs, and they lead it if they are in contacts.yaml; once, whoever answers after them."""
    home, message = await told_of_a_plan(hut)
    await receives(
        home, answer(message, "Je prends\r\nJe suis au bureau", by=ANA), answer(message, "ok", by="room@brand.example")
    )
    (run,) = await home.runs()
    assert (run.acknowledged_by, run.lead) == ("ana", "ana")
    assert acknowledged(await home.timeline()) == [("ana", "Je suis au bureau")]
    assert await people_did(home) == [("plan.acknowledged", "ana")]


async def test_ok_answers_a_drill_that_somebody_has_taken(hut: Build) -> None:
    """A drill asks everybody: a second person's answer is noted, once though the letter is read again."""
    home = hut(**MAIL, rules=[CRISIS], plans=[CHECK_PLAN])
    plan, zoe = home.settings.plans[CHECK_PLAN["id"]], Actor("zoe", "cli")
    await operations.open_plan_by_hand(home.store, plan, "acme", zoe, home.clock.now(), why="rehearsal", drill=True)
    await home.act()
    message = next(each for each in home.told("room") if each.kind == "plan")
    await receives(home, answer(message, by=ANA))
    for _ in range(2):
        await receives(home, answer(message, by="room@brand.example"))
    assert await people_did(home) == [("plan.acknowledged", "ana"), ("plan.answered", "room@brand.example")]


async def test_other_words_become_a_note_of_the_plan(hut: Build) -> None:
    """Once, though the letter is read again; of a stranger nothing is noted."""
    home, message = await told_of_a_plan(hut)
    words = "Je ne peux pas, voyez Ben\r\n\r\nLe 24 nov. 2026, Tocsin a écrit :\r\n> OK"
    for _ in range(2):
        await receives(home, answer(message, words, by=ANA), answer(message, "spam", by="x@y.example"))
    noted = [(each.actor, (each.detail or {})["text"]) for each in await home.timeline("plan.noted")]
    assert noted == [("ana", "Je ne peux pas, voyez Ben")]
    assert (await home.runs())[0].acknowledged_at is None


async def test_ok_to_words_that_wait_for_a_yes_is_no_yes(hut: Build) -> None:
    """It is a note, and neither approves nor takes: that is done by command, or on the page."""
    home, opening = await told_of_a_plan(hut)
    await home.do("assign", step="check", to="ana")
    await home.act()
    message = next(each for each in home.told("ana") if each.kind == "call")
    await receives(home, answer(message, by=ANA), answer(opening, "x", by="stranger@elsewhere.example"))
    assert await people_did(home) == [("plan.noted", "ana")]
    assert (await home.runs())[0].acknowledged_at is None


@pytest.mark.fault("hostile", "an answer is full of characters that no store takes, or endless")
async def test_an_answer_full_of_oddities(house: Build) -> None:
    """It is noted without them, shortened, on both databases; the next letter is read."""
    home, message = await told_of_a_plan(house)
    odd = "n\0o\x1b[31m\u202e " + "very long " * 5000
    await receives(home, answer(message, odd, by=ANA), answer(message, by=ANA))
    (noted,) = await home.timeline("plan.noted")
    text = str((noted.detail or {})["text"])
    assert text.startswith("no[31m very long")
    assert len(text) <= 2000
    assert (await home.runs())[0].acknowledged_by == "ana"


async def test_a_closed_run(hut: Build) -> None:
    """Nothing is left to take or to note in it."""
    home, message = await told_of_a_plan(hut)
    await home.do("false_alarm", by="ana", text="a test")
    before = await home.timeline()
    await receives(home, answer(message, by=ANA), answer(message, "trop tard", by=ANA))
    assert await home.timeline() == before


@pytest.mark.fault("crash", "the daemon dies after it has acted on an answer, and before it remembers that")
async def test_a_letter_that_is_read_twice(hut: Build) -> None:
    """Who acknowledged stays, and the timeline holds one event: the same letter changes nothing more."""
    home, message = await told_of_a_plan(hut)
    box = Box([answer(message, "ok\r\nvu avec le magasin", by=ANA)])
    await stage(home, box)._take(box.letters[0])  # it dies here
    home.clock.advance(MINUTE)
    await stage(home, box).step(lambda: None)
    assert box.cursors == [None]
    assert await people_did(home) == [("plan.acknowledged", "ana")]


# --- the mailbox ----------------------------------------------------------------------------------------------------------


async def test_what_was_looked_at_is_not_looked_at_again(hut: Build) -> None:
    """The cursor is in the store: after a restart, too. While more waits nobody listens."""
    home, message = await told_of_a_complaint(hut)
    box = Box([b"From: x@y.example\r\n\r\nnot for us", answer(message)], at_once=1)
    reading = stage(home, box)
    assert [await reading.step(lambda: None), await reading.step(lambda: None)] == [1, 0]
    assert len(box.rings) == 1
    assert await stage(home, box).step(lambda: None) == 0
    assert box.cursors == [None, "1", "2"]


async def test_a_letter_that_nobody_can_read_holds_up_no_other(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over, counted, and the next is read."""
    home, message = await told_of_a_complaint(hut)
    seen = metrics.mail_replies.labels(outcome="unreadable")._value.get()

    def trips(raw: bytes) -> Any:
        if b"trip" in raw:
            raise RecursionError
        return mailbox.read(raw)

    monkeypatch.setattr(mail_replies, "read", trips)
    await receives(home, answer(message, "trip"), answer(message))
    assert await people_did(home) == [("alert.acknowledged", DESK)]
    assert metrics.mail_replies.labels(outcome="unreadable")._value.get() == seen + 1


async def test_a_mention_of_ours_that_is_no_answer(hut: Build) -> None:
    """A forwarded letter, or one of a message that is forgotten: nothing to act on."""
    home, message = await told_of_a_complaint(hut)
    name = mail_ids.message_id(message, "brand.example")
    gone = f"msg_{message.id.split('_')[1]}_999"
    other = f"<{gone}.{stage(home, Box())._seal.of(gone)}@brand.example>"
    await receives(home, f"From: {DESK}\r\nX-Forwarded: {name}\r\n\r\nOK".encode(), answer(message, named=other))
    assert await people_did(home) == []


async def test_while_the_store_is_away_letters_wait(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read again when it is back."""
    home, message = await told_of_a_complaint(hut)
    box = Box([answer(message)])

    async def away(*_: object, **__: object) -> Alert:
        raise StoreAwayError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(operations, "acknowledge", away)
        with pytest.raises(StoreAwayError):
            await stage(home, box).step(lambda: None)
    await stage(home, box).step(lambda: None)
    assert await people_did(home) == [("alert.acknowledged", DESK)]


@pytest.mark.fault("network", "the mailbox with answers cannot be read")
async def test_a_mailbox_that_cannot_be_read(hut: Build) -> None:
    """Ops are told after ten minutes, once, and of its end; meanwhile it is tried again, ever more patiently."""
    home = hut(**MAIL)
    box = Box(trouble=[SourceError(Trouble.UNAVAILABLE, "imap.example cannot be reached")] * 100)
    reading = stage(home, box)
    await home.judge()
    for _ in range(8):
        await reading.step(lambda: None)
        await home.wait(2 * MINUTE, step=2 * MINUTE)
    assert [each.alerts[0].kind for each in home.told("tech")] == ["mailbox_health"]
    assert 2 < len(box.cursors) < 8
    box.trouble.clear()
    for _ in range(3):
        await home.wait(10 * MINUTE, step=5 * MINUTE)
        await reading.step(lambda: None)
    await home.wait(MINUTE, step=MINUTE)
    assert (await home.alert("mailbox-health")).resolved_reason == "it is read again"
    assert home.kinds("tech") == ["first", "resolved"]


@pytest.mark.fault("network", "the mailbox with answers refuses our password")
async def test_a_wrong_password(hut: Build) -> None:
    """Ops are told at once; it is not tried again before a reload or a restart, for accounts are locked that are tried often."""
    home = hut(**MAIL)
    box = Box(trouble=[SourceError(Trouble.CREDENTIALS, "imap.example refused to log in")] * 2)
    reading = stage(home, box)
    for _ in range(3):
        await reading.step(lambda: None)
        await home.wait(MINUTE, step=MINUTE)
    alert = await home.alert("mailbox-health")
    assert (alert.severity, len(box.cursors), len(home.told("tech"))) == ("critical", 1, 1)
    async with home.store.begin() as tx:
        await tx.sources.register({MAIL_REPLIES: "changed"})
        await tx.commit()
    box.trouble.clear()
    await reading.step(lambda: None)
    assert len(box.cursors) == 2


async def test_a_mailbox_that_left_the_configuration(hut: Build) -> None:
    """Nobody misses it."""
    home = hut(**MAIL)
    await stage(home, Box(trouble=[SourceError(Trouble.CREDENTIALS, "no")])).step(lambda: None)
    await home.wait(MINUTE, step=MINUTE)
    home.restart(home.settings.model_copy(update={"replies": None}))
    await home.judge()
    await home.wait(MINUTE, step=MINUTE)
    assert (await home.alert("mailbox-health")).resolved_reason == "it is no longer read"


async def test_a_server_that_does_not_listen_is_no_trouble(hut: Build) -> None:
    """The next look is due in a minute all the same."""
    home = hut(**MAIL)
    assert await stage(home, Box(deaf=True)).step(lambda: None) == 0
    async with home.store.read() as tx:
        assert (await tx.sources.get(MAIL_REPLIES)).failures == 0


def test_where_answers_are_asked_to_go() -> None:
    """To the address that is given, or the account's, when that is an address; else the sender's."""
    assert RepliesSettings.model_validate(REPLIES).reply_to == "tocsin@brand.example"
    assert RepliesSettings.model_validate(REPLIES | {"username": "tocsin"}).reply_to is None
    assert RepliesSettings.model_validate(REPLIES | {"address": "ok@brand.example"}).reply_to == "ok@brand.example"
    with pytest.raises(ValueError, match="in clear"):
        RepliesSettings.model_validate(REPLIES | {"host": "imap.brand.example"})
