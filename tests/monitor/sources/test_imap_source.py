"""A mailbox as a source, against a real server: what notices tell, at once, nothing marked, no letter that stops others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import imap
from monitor.sources.imap import Imap, ImapSettings
from monitor.sources.imap_mail import Heading, Mail, heading
from monitor.sources.imap_reading import Reading, mention
from monitor.sources.kinds import Kit
from monitor.sources.registry import preview
from monitor.testing import AtOnce, drain, trouble_of
from monitor.testing.contract import SECRET
from monitor.workshop.pool import TooSlowError

if TYPE_CHECKING:
    from monitor.sources.http import HttpClient
    from tests.dovecot import Dovecot

T = TypeVar("T")

REVIEWS = {
    "sender": "reviews.example",
    "network": "reviews",
    "find": [
        r"(?P<author>[^\n]+) gave you (?P<stars>[1-5]) of 5",
        r"(?s)wrote:\n(?P<text>.+?)\n\nAnswer",
        r"(?P<link>https://www\.reviews\.example/r/\d+)",
    ],
}
NOTICE = (
    b"From: Reviews <no-reply@mail.reviews.example>\r\nSubject: Ann B. gave you 2 of 5\r\nMessage-ID: <7@reviews.example>\r\n"
    b"\r\nAnn B. wrote:\r\nIt never came.\r\n\r\nAnswer her: https://www.reviews.example/r/7?token=1\r\n"
)


def plain(number: int, sender: str = "ann@x.example") -> bytes:
    """A letter that nobody has told how to read."""
    return f"From: {sender}\r\nSubject: no. {number}\r\nMessage-ID: <{number}@x.example>\r\n\r\nslow\r\n".encode()


class Box:
    """One mailbox, and sources that read it."""

    def __init__(self, dovecot: Dovecot, http: HttpClient) -> None:
        self.dovecot, self.user, self.http = dovecot, dovecot.fresh(), http
        self.made: list[Imap] = []

    def post(self, *letters: bytes, at: datetime | None = None) -> None:
        """Something comes."""
        self.dovecot.post(self.user, *letters, at=at)

    def source(self, workshop: AtOnce | None = None, **given: Any) -> Imap:
        """Another reader of it."""
        where = {"host": "127.0.0.1", "port": self.dovecot.plain, "security": "none", "username": self.user, "password": SECRET}
        settings = ImapSettings.model_validate({"kind": "imap", **where, **given})
        clock = ManualClock(datetime.now(UTC))
        source = Imap(settings, Kit("box", self.http, clock, None, workshop or AtOnce()))  # type: ignore[arg-type]
        self.made.append(source)
        return source


@pytest.fixture
async def box(dovecot: Dovecot, http: HttpClient) -> AsyncIterator[Box]:
    """An empty mailbox."""
    made = Box(dovecot, http)
    yield made
    for source in made.made:
        await source.close()


async def test_a_notice_tells_what_somebody_said(box: Box) -> None:
    """Who, how many stars, which words, and where: as the patterns say."""
    box.post(NOTICE)
    (review,) = (await box.source(letters=[REVIEWS]).poll(None)).mentions
    assert (review.network, review.form, review.text, review.title, review.uri) == (
        "reviews",
        Form.REVIEW,
        "It never came.",
        "★★☆☆☆ Ann B. gave you 2 of 5",
        "https://www.reviews.example/r/7",
    )
    assert review.author is not None
    assert (review.author.handle, review.hashtags) == ("Ann B.", frozenset({"2stars"}))


async def test_nothing_is_marked_and_nothing_comes_twice(box: Box) -> None:
    """A folder that somebody else reads, too, stays as it is."""
    box.post(plain(1), plain(2))
    first = await drain(box.source())
    assert [each.title for each in first.mentions] == ["no. 1", "no. 2"]
    assert (await drain(box.source(), first.cursor)).mentions == []
    assert box.dovecot.marks(box.user) == ""


async def test_it_rings_when_something_comes(box: Box) -> None:
    """By IDLE, once; and the next poll finds it. Who listens already may be asked to again."""
    rung = asyncio.Event()
    source = box.source()
    before = await source.poll(None)
    await source.listen(rung.set)
    await source.listen(rung.set)
    box.post(plain(1))
    async with asyncio.timeout(5):
        await rung.wait()
    assert len((await source.poll(before.cursor)).mentions) == 1


async def test_whoever_never_asked_cannot_listen(box: Box) -> None:
    """Before the first poll there is no connection."""
    await box.source().listen(lambda: pytest.fail("nobody can know"))


async def test_a_folder_that_was_made_anew(box: Box) -> None:
    """Its numbers mean other letters (UIDVALIDITY): it is read again from the day of the last letter on, under the same names."""
    long_ago = datetime.now(UTC) - timedelta(days=40)
    box.post(plain(1), at=long_ago)
    first = await drain(box.source(max_age="P60D"))
    state = json.loads(first.cursor or "")
    box.post(plain(2), at=long_ago + timedelta(days=1))
    again = await drain(box.source(), json.dumps(state | {"place": "elsewhere.7"}))
    assert [each.title for each in again.mentions] == ["no. 1", "no. 2"]
    assert again.mentions[0].key == first.mentions[0].key
    assert (await drain(box.source(), json.dumps(state | {"place": 7, "day": "whenever"}))).mentions == []


async def test_what_was_there_long_before_is_left_alone(box: Box) -> None:
    """The first look goes back as far as `max_age`."""
    box.post(plain(1), at=datetime.now(UTC) - timedelta(days=3))
    assert (await drain(box.source())).mentions == []
    assert len((await drain(box.source(max_age="P5D"))).mentions) == 1


@pytest.mark.fault("network", "the password of a watched mailbox is refused")
async def test_a_wrong_password_is_for_good(box: Box) -> None:
    """It is said once, and not with the password: providers lock accounts that are tried too often."""
    error = await trouble_of(box.source(password="wr0ng").poll(None))
    assert (error.trouble, error.permanent) == (Trouble.CREDENTIALS, True)
    assert "wr0ng" not in f"{error} {error!r}"


async def test_what_is_not_meant_is_passed_over(box: Box) -> None:
    """Newsletters of somebody whose notices are read, our own alerts; and with `others: ignore` whatever nobody named."""
    ours = b"From: tocsin@brand.example\r\nX-Tocsin-Kind: alert\r\nSubject: alert\r\n\r\nslow\r\n"
    box.post(NOTICE, plain(1, "news@reviews.example"), plain(2), ours)
    letters = [{"sender": "news@reviews.example", "ignore": True}, REVIEWS]
    assert [each.network for each in (await drain(box.source(letters=letters))).mentions] == ["reviews", "mail"]
    assert [each.network for each in (await drain(box.source(letters=letters, others="ignore"))).mentions] == ["reviews"]


class Sluggish(AtOnce):
    """Takes for ever over letters about `trap`, or says that it took too long."""

    def __init__(self, *, gives_up: bool) -> None:
        self.gives_up = gives_up

    async def run(self, function: Callable[..., T], *args: Any, within: timedelta, again: bool = True) -> T:
        """As it is told."""
        if b"trap" in args[0]:
            if self.gives_up:
                raise TooSlowError("took longer than 10 s")
            await asyncio.Event().wait()
        return await super().run(function, *args, within=within, again=again)


@pytest.mark.fault("hostile", "a letter in a watched mailbox is made to take too long to read")
async def test_a_letter_that_takes_too_long_is_told_and_left(box: Box) -> None:
    """The others are read, and the log says which one it was; it is still in the mailbox."""
    box.post(plain(1), b"Subject: trap\r\n\r\n", plain(2))
    seen = await drain(box.source(Sluggish(gives_up=True)))
    assert [each.title for each in seen.mentions] == ["no. 1", "no. 2"]
    assert [(each.where, each.why) for each in seen.rejected] == [("letter 2 of INBOX", "it took longer than 10 s")]


@pytest.mark.fault("hostile", "many slow letters come to a watched mailbox")
async def test_slow_letters_wait_for_the_next_poll(box: Box) -> None:
    """What is read in half the time of a poll is kept, and the next begins where it stopped."""
    box.post(plain(1), plain(2), b"Subject: trap\r\n\r\n", plain(3))
    first = await box.source(Sluggish(gives_up=False), timeout="PT1S").poll(None)
    assert ([each.title for each in first.mentions], first.more) == (["no. 1", "no. 2"], True)
    assert first.watermark is not None
    rest = await drain(box.source(), first.cursor)
    assert [each.title for each in rest.mentions] == ["trap", "no. 3"]


async def test_a_letter_without_anything(box: Box) -> None:
    """It is told, and stops nobody."""
    box.post(b"From: ann@x.example\r\n\r\n", plain(1))
    seen = await drain(box.source())
    assert (len(seen.mentions), [each.why for each in seen.rejected]) == (1, ["it has neither a text nor a subject"])


class _Overcome(AtOnce):
    """Whose library is overcome by letters about `trap`, as some versions of Python's are by brackets in brackets."""

    async def run(self, function: Callable[..., T], *args: Any, within: timedelta, again: bool = True) -> T:
        """As the library does."""
        if b"trap" in args[0]:
            raise RecursionError
        return await super().run(function, *args, within=within, again=again)


async def test_a_letter_whose_head_nobody_can_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be meant for us: it is told rather than passed over, and stops nobody."""

    def overcome(head: bytes) -> Heading:
        if b"trap" in head:
            raise RecursionError
        return heading(head)

    monkeypatch.setattr(imap, "heading", overcome)
    box.post(b"Subject: trap\r\n\r\nslow", plain(1))
    seen = await drain(box.source(_Overcome(), others="ignore", letters=[{"sender": "x.example"}]))
    assert len(seen.mentions) == 1
    assert [each.why for each in seen.rejected] == ["it cannot be taken apart (RecursionError)"]


async def test_it_can_be_tried(box: Box) -> None:
    """`tocsin sources try` shows what is understood, and hangs up."""
    box.post(NOTICE)
    seen = await preview(box.source(letters=[REVIEWS]))
    assert [each.text for each in seen.mentions] == ["It never came."]


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def mail(text: str = "slow", subject: str = "hello", **more: Any) -> Mail:
    """A letter as it was understood."""
    given = {
        "name": "Ann",
        "address": "ann@x.example",
        "links": (),
        "sent": None,
        "id": "1@x",
        "answers": "",
        "thread": "",
    } | more
    return Mail(heading=Heading("ann@x.example", subject), text=text, **given)


def told(letter: Mail, *find: str, **reading: Any) -> Any:
    """What a letter becomes."""
    return mention(letter, Reading(find=find, **reading), "mail", NOW, ("brand",))


def test_what_no_pattern_finds_is_the_letter_s_own() -> None:
    """A notice whose wording has changed is told whole, rather than lost."""
    found = told(mail("Everything is new"), r"wrote:\n(?P<text>.+)", r"(?P<stars>\d) stars")
    assert (found.text, found.title, found.form, found.uri) == ("Everything is new", "hello", Form.MESSAGE, told(mail()).uri)
    assert found.author is not None
    assert (found.author.handle, found.author.name, found.author.own) == ("ann@x.example", "Ann", False)


@pytest.mark.parametrize(
    ("said", "stars"), [("4", "★★★★☆"), ("4,5 / 5", "★★★★☆"), ("★★", "★★☆☆☆"), ("⭐⭐⭐", "★★★☆☆"), ("9", "★★★★★"), ("none", "")]
)
def test_stars_in_all_their_forms(said: str, stars: str) -> None:
    """As a number, or drawn; never more than five."""
    assert told(mail(f"Rating: {said}!"), r"Rating: (?P<stars>[^!]+)").title == f"{stars} hello".strip()


@pytest.mark.parametrize("link", ["https://reviews.example", "https://reviews.example/", "http://[x/1", "javascript:x"])
def test_a_link_that_leads_nowhere_is_no_address(link: str) -> None:
    """A front page would make one mention of all letters: the letter is known by its own id."""
    found = told(mail(links=(link,)), r"(?P<link>(?:http|javascript)\S+)")
    assert found.uri == told(mail()).uri


def test_when_it_was_written() -> None:
    """As it says; but no clock of a stranger's dates it later than it came."""
    assert told(mail(sent=NOW - timedelta(hours=1))).written_at == NOW - timedelta(hours=1)
    assert told(mail(sent=NOW + timedelta(days=900))).written_at == NOW
    assert told(mail()).written_at == NOW


def test_who_writes_for_us_is_ours() -> None:
    """By address, or as the notice names them."""
    assert told(mail(address="brand@brand.example")).author.own
    assert not told(mail(), r"(?P<author>brand)").author.own  # it is not named
    assert told(mail("brand answered"), r"(?P<author>brand)").author.own


def test_an_answer_is_linked() -> None:
    """To what it answers, and what began it."""
    first, answer = told(mail(id="1@x")), told(mail(id="3@x", answers="2@x", thread="1@x"))
    assert (answer.thread, answer.parent) == (first.uri, told(mail(id="2@x")).uri)


@pytest.mark.parametrize(
    ("reading", "sender", "subject", "fits"),
    [
        ({}, "", "", True),
        ({"sender": "x.example"}, "a@x.example", "", True),
        ({"sender": "@X.example"}, "a@mail.x.example", "", True),
        ({"sender": "x.example"}, "a@evil-x.example", "", False),
        ({"sender": "x.example"}, "x.example@evil.example", "", False),
        ({"sender": "a@x.example"}, "a@x.example", "", True),
        ({"sender": "a@x.example"}, "b@x.example", "", False),
        ({"sender": "x.example", "subject": "(?i)review"}, "a@x.example", "New Review", True),
        ({"subject": "review"}, "a@x.example", "Offer", False),
    ],
)
def test_whose_letters_are_meant(reading: dict[str, Any], sender: str, subject: str, fits: bool) -> None:
    """An address, a domain with all below it, and a subject."""
    assert Reading.model_validate(reading).fits(Heading(sender, subject)) is fits


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"letters": [{"find": ["(?P<starz>x)"]}]}, "a letter has no starz"),
        ({"letters": [{"find": ["no group"]}]}, "without a named group"),
        ({"letters": [{"find": ["(?P<text>"]}]}, "cannot be used"),
        ({"letters": [{"subject": "(?=x)"}]}, "no look-around"),
        ({"security": "none"}, "would send the password in clear"),
        ({"every": "PT2H"}, "less than or equal to 25 minutes"),
    ],
)
def test_settings_that_are_wrong(given: dict[str, Any], why: str) -> None:
    """They are found when the configuration is read, and no secret is shown."""
    base = {"kind": "imap", "host": "imap.x.example", "username": "u", "password": SECRET}
    with pytest.raises(ValidationError, match=why) as caught:
        ImapSettings.model_validate(base | given)
    assert SECRET not in str(caught.value)


def test_its_networks() -> None:
    """Those of its entries, and its own."""
    base = {"kind": "imap", "host": "imap.x.example", "username": "u", "password": SECRET, "letters": [REVIEWS, {}]}
    assert ImapSettings.model_validate(base).networks() == {"mail", "reviews"}
