"""Jetstream, over a server that follows its documentation: what is kept, and what an interruption costs, which is nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Form
from monitor.sources import Kit, preview, sanitise, streams
from monitor.sources.base import Batch, understand
from monitor.sources.http import HttpClient
from monitor.sources.jetstream import GAP, Jetstream, JetstreamSettings
from monitor.sources.jetstream_posts import Wanted, event, mention, position
from monitor.testing import AtOnce, Site, drain, loopback, serving, trouble_of
from tests.inbox import Inbox
from tests.jetstream import FakeJetstream, micros, record, sequence, written
from tests.jetstream import event as told

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BEGIN = micros(NOW - timedelta(hours=1))
ACME = "did:plc:acme"


def post(number: int, text: str = "my acme kettle", *, at: int = BEGIN, **more: Any) -> str:
    """A post, a second after the one before it."""
    return told(at + number * 1_000_000, record(f"{text} {number}"), rkey=f"r{number}", **more)


def made(url: str, http: HttpClient, **asked: Any) -> Jetstream:
    """A source, as after a start."""
    chosen = {"kind": "jetstream", "url": url, "terms": ("acme",), "profiles": None} | asked
    return Jetstream(JetstreamSettings.model_validate(chosen), Kit("sky", http, ManualClock(NOW), Inbox(), AtOnce()))


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback what is on its way arrives within moments."""
    monkeypatch.setattr(streams, "PAUSE", 0.03)


@pytest.fixture
def jetstream(site: Site) -> FakeJetstream:
    """The server."""
    fake = FakeJetstream()
    site.answer = fake.answer
    return fake


async def listened(source: Jetstream) -> asyncio.Event:
    """What is set when the source rings."""
    heard = asyncio.Event()
    await source.listen(heard.set)
    return heard


@pytest.fixture
async def watching(site: Site, http: HttpClient) -> AsyncIterator[Callable[..., Jetstream]]:
    """Makes sources; their connections are closed before the server stops."""
    sources: list[Jetstream] = []

    def make(**asked: Any) -> Jetstream:
        sources.append(made(site.url, http, **asked))
        return sources[-1]

    yield make
    for source in sources:
        await source.close()


@pytest.mark.parametrize("version", [1, 2])
async def test_what_is_looked_for_is_brought(jetstream: FakeJetstream, watching: Callable[..., Jetstream], version: int) -> None:
    """Of likes, other people's posts and identities only the posts remain that say a term, in either version of the wire."""
    await jetstream.add(
        *sequence(
            [
                told(BEGIN, record("nothing of the kind"), rkey="1", version=version),
                told(BEGIN, record("my Acme kettle"), rkey="2", version=version),
                told(BEGIN, {"$type": "app.bsky.feed.like", "subject": "acme"}, rkey="3", collection="app.bsky.feed.like"),
                written({"did": "did:plc:acme", "time_us": BEGIN, "kind": "identity", "identity": {"handle": "acme.example"}}),
                written({"$type": "message", "payload": {"$type": "info", "name": "OutdatedCursor", "message": "acme"}}),
            ],
            begin=BEGIN,
        )
    )
    batch = await watching(version=version).poll(None)
    (mention,) = batch.mentions
    assert (mention.network, mention.text, mention.uri) == ("bluesky", "my Acme kettle", "at://did:plc:ann/app.bsky.feed.post/2")
    assert mention.written_at == datetime(2026, 3, 2, 7, tzinfo=UTC)  # it says 07:59, and was witnessed before
    assert batch.rejected == []


async def test_what_a_post_says_and_answers(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """Its thread, tags, language and warning are read; words beside the text (a link, a picture) are found, too."""
    answer = record(
        "read this",
        reply={"parent": {"uri": "at://did:plc:bob/p/1"}, "root": {"uri": "at://did:plc:bob/p/0"}},
        facets=[
            {
                "features": [
                    {"$type": "x#link", "uri": "https://acme.example/shop"},
                    {"$type": "app.bsky.richtext.facet#tag", "tag": "Kettle"},
                ]
            }
        ],
        labels={"values": [{"val": "graphic-media"}]},
        tags=["more"],
    )
    picture = record("", embed={"images": [{"alt": "an ACME kettle in flames"}]})
    quote = record("look", embed={"record": {"uri": f"at://{ACME}/app.bsky.feed.post/9"}})
    await jetstream.add(
        *sequence([told(BEGIN, each, rkey=str(n)) for n, each in enumerate((answer, picture, quote))], begin=BEGIN)
    )
    read, shown, quoted = (await watching(accounts=(ACME,)).poll(None)).mentions
    assert (read.form, read.parent, read.thread) == (Form.REPLY, "at://did:plc:bob/p/1", "at://did:plc:bob/p/0")
    assert (sorted(read.hashtags), read.language, read.sensitive) == (["kettle", "more"], "en", True)
    assert shown.text == "an ACME kettle in flames"
    assert quoted.parent == f"at://{ACME}/app.bsky.feed.post/9"


async def test_edits_and_deletions_of_what_was_brought(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """An edit is brought as it is now; a deletion is passed on if the post was ours to know, also after a restart."""
    await jetstream.add(*sequence([post(0), post(1)], begin=BEGIN))
    first = await drain(watching())
    later = BEGIN + 60_000_000
    await jetstream.add(
        (later, told(later, record("my acme teapot"), rkey="r0", operation="update")),
        (later, told(later, None, rkey="r1", operation="delete")),
        (later, told(later, None, rkey="unknown", operation="delete")),
        (later, told(later, record("acme, for a moment"), rkey="r2")),
        (later, told(later, None, rkey="r2", operation="delete")),
    )
    batch = await watching().poll(first.cursor)
    assert [mention.text for mention in batch.mentions] == ["my acme teapot", "acme, for a moment"]
    assert [each.uri.rpartition("/")[2] for each in batch.deleted] == ["r1", "r2"]


async def test_authors_are_asked_for_once(jetstream: FakeJetstream, watching: Callable[..., Jetstream], site: Site) -> None:
    """Handles, names and followers come from the public API; whoever it does not know keeps their DID."""
    jetstream.profiles["did:plc:ann"] = {
        "did": "did:plc:ann",
        "handle": "ann.example",
        "displayName": "Ann",
        "followersCount": 7,
        "verification": {"verifiedStatus": "valid"},
    }
    await jetstream.add(*sequence([post(0), post(1, did="did:plc:bob"), post(2)], begin=BEGIN))
    mentions = (await watching(profiles=site.url, own_accounts=("ann.example",)).poll(None)).mentions
    ann, bob, again = [mention.author for mention in mentions]
    assert ann is not None
    assert (ann.id, ann.handle, ann.name, ann.reach, ann.verified, ann.own) == (
        "did:plc:ann",
        "ann.example",
        "Ann",
        7,
        True,
        True,
    )
    assert again == ann
    assert bob is not None
    assert (bob.handle, bob.reach, bob.own) == ("did:plc:bob", None, False)
    assert len([request for request in site.asked if "getProfiles" in request.path]) == 1


async def test_authors_that_cannot_be_asked_for_hold_up_nothing(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], site: Site
) -> None:
    """The posts come all the same, and that is told once."""
    source = watching(profiles=f"{site.url}/away")
    jetstream.refusal = lambda request: web.Response(status=404) if request.path.startswith("/away") else None
    await jetstream.add(*sequence([post(0)], begin=BEGIN))
    first = await source.poll(None)
    heard = await listened(source)
    await jetstream.add((BEGIN + 9_000_000, post(9, did="did:plc:bob")))
    await heard.wait()
    second = await source.poll(first.cursor)
    assert (len(first.mentions), len(second.mentions)) == (1, 1)
    assert [each.where for each in (*first.rejected, *second.rejected)] == ["the authors"]


async def test_it_goes_on_where_the_commit_was(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """A restart asks from the cursor, some seconds earlier; what comes again unchanged is not brought again."""
    await jetstream.add(*sequence([post(number) for number in range(3)], begin=BEGIN))
    first = await drain(watching())
    await jetstream.add((BEGIN + 3_000_000, post(3)))
    again = await drain(watching(), first.cursor)
    assert [mention.text for mention in again.mentions] == ["my acme kettle 3"]
    assert jetstream.asked[1].query["cursor"] == str(BEGIN + 2_000_000 - 5_000_000)
    assert jetstream.asked[1].query["wantedCollections"] == "app.bsky.feed.post"


async def test_what_was_not_committed_comes_again(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """A batch whose commit failed is asked for again with the old cursor, by a connection of its own."""
    await jetstream.add(*sequence([post(0)], begin=BEGIN))
    source = watching()
    first = await source.poll(None)
    heard = await listened(source)
    await jetstream.add((BEGIN + 1_000_000, post(1)))
    await heard.wait()
    lost = await source.poll(first.cursor)
    again = await source.poll(first.cursor)
    assert [m.text for m in lost.mentions] == [m.text for m in again.mentions] == ["my acme kettle 1"]
    assert len(jetstream.asked) == 2


async def test_it_rings_when_something_came(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """A post that is looked for asks for a poll at once, over the connection that is open; others do not."""
    source = watching()
    batch = await source.poll(None)
    heard = await listened(source)
    await jetstream.add(*sequence([post(0, "nothing"), post(1)], begin=BEGIN))
    await heard.wait()
    batch = await source.poll(batch.cursor)
    assert [mention.text for mention in batch.mentions] == ["my acme kettle 1"]
    assert len(jetstream.asked) == 1


async def test_a_stream_that_never_pauses_is_read_in_pieces(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll waits for a pause only so long; it then brings what there is, and asks for another poll at once."""
    monkeypatch.setattr(streams, "PATIENCE", 0.0)
    assert (await watching().poll(None)).more


async def test_a_bug_of_ours_is_told_by_the_poll(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where reading stops because of a fault of ours, the poll fails with it, and the next one reads on."""
    source = watching()
    await jetstream.add(*sequence([post(0)], begin=BEGIN))
    with monkeypatch.context() as patched:
        patched.setattr(Wanted, "may_be", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await source.poll(None)
    assert len((await source.poll(None)).mentions) == 1


async def test_a_look_before_it_counts(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """`tocsin sources try` shows what comes within a moment, and says that a stream begins now where that is nothing."""
    assert "from now on" in (await preview(watching())).note
    await jetstream.add(*sequence([post(0)], begin=BEGIN))
    assert [mention.text for mention in (await preview(watching())).mentions] == ["my acme kettle 0"]


async def test_what_is_deleted_while_authors_are_asked_for(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], site: Site
) -> None:
    """A post that is heard meanwhile waits, and so does its deletion."""
    source, asked, answered = watching(profiles=site.url), asyncio.Event(), asyncio.Event()
    jetstream_answer = jetstream.answer

    async def slowly(request: web.Request) -> web.StreamResponse:
        if "getProfiles" in request.path:
            asked.set()
            await answered.wait()
        return await jetstream_answer(request)

    site.answer = slowly
    await jetstream.add(*sequence([post(0)], begin=BEGIN))
    polling = asyncio.create_task(source.poll(None))
    await asked.wait()
    rung = await listened(source)
    await jetstream.add((BEGIN + 1, post(1)))
    await rung.wait()
    answered.set()
    first = await polling
    gone = [(BEGIN + 2, told(BEGIN + 2, None, rkey=f"r{number}", operation="delete")) for number in (0, 1)]
    await jetstream.add(*gone)
    found, deleted, cursor = list(first.mentions), list(first.deleted), first.cursor
    while len(deleted) < 2:
        batch = await source.poll(cursor)  # it has rung
        found, deleted, cursor = [*found, *batch.mentions], [*deleted, *batch.deleted], batch.cursor
        await asyncio.sleep(0)
    assert [mention.text for mention in found] == ["my acme kettle 0", "my acme kettle 1"]


async def test_a_stream_that_ends_is_told_and_opened_again(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """What came before the end is brought; then the poll fails, so that the source rests a moment; then it goes on."""
    jetstream.cuts = [2]
    await jetstream.add(*sequence([post(number) for number in range(4)], begin=BEGIN))
    source = watching()
    first = await source.poll(None)
    assert (len(first.mentions), first.more) == (2, True)
    error = await trouble_of(source.poll(first.cursor))
    assert (error.trouble, error.permanent) == (Trouble.UNAVAILABLE, False)
    rest = await drain(source, first.cursor)
    assert [mention.text for mention in rest.mentions] == ["my acme kettle 2", "my acme kettle 3"]


@pytest.mark.fault("network", "the server of a stream goes silent, and its connection stays open")
async def test_a_server_that_says_nothing_is_given_up(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is given up after a minute, and another goes on from there: a whole network is never silent so long."""
    monkeypatch.setattr("monitor.sources.jetstream.SILENCE", timedelta(milliseconds=50))
    source = watching()
    heard = await listened(source)
    batch = await source.poll(None)
    await heard.wait()
    assert (await trouble_of(source.poll(batch.cursor))).trouble is Trouble.TIMEOUT


async def test_a_ping_without_an_answer_ends_it(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few authors may be silent for days: there it is the heartbeat that shows whether anybody is there."""
    monkeypatch.setattr("monitor.sources.http._PING", 0.05)
    source = watching(authors=("did:plc:ann",))
    heard = await listened(source)
    jetstream.pongs = False
    batch = await source.poll(None)
    await heard.wait()
    assert (await trouble_of(source.poll(batch.cursor))).trouble is Trouble.UNAVAILABLE
    assert jetstream.asked[0].query["wantedDids"] == "did:plc:ann"


@pytest.mark.fault("storage", "the store is slower than a stream")
async def test_a_slow_store_slows_reading(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """Reading waits, and by TCP the server: never more than a batch of messages is held, and none of them is lost."""
    source, total = watching(), 1_000
    filling = "x" * 30_000  # 30 MB: more than a kernel holds for a connection
    await jetstream.add(*sequence([post(number, f"acme {filling}") for number in range(total)], begin=BEGIN))
    batch = await source.poll(None)
    stream = source._line._stream
    assert stream is not None
    held, sent = 0, -1
    while not (stream.full and sent == jetstream.sent):  # full, and nothing more goes out in a thousand turns of the loop
        sent = jetstream.sent
        for _ in range(1_000):
            await asyncio.sleep(0)
            held = max(held, stream._bytes)
    assert jetstream.sent < total
    assert held <= streams.MOST_BYTES + 31_000
    seen = {mention.uri for mention in batch.mentions}
    while len(seen) < total:
        if not batch.more:
            await (await listened(source)).wait()
        batch = await source.poll(batch.cursor)
        seen |= {mention.uri for mention in batch.mentions}


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "acme",
        "null",
        '"acme"',
        '{"acme":1',
        "[1,2]",
        '{"commit":{"collection":"acme"}}',
        '{"commit":{"collection":"app.bsky.feed.post","acme":1}}',
        b"\xffacme",
    ],
)
async def test_garbage_holds_up_nothing(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], garbage: str | bytes
) -> None:
    """What is no event is left out, told where it could have been looked for, and moves the place in the stream nowhere."""
    await jetstream.add((BEGIN, post(0)), (BEGIN, garbage), (BEGIN, post(1)))
    first = await watching().poll(None)
    assert len(first.mentions) == 2
    assert json.loads(first.cursor or "")["at"] == BEGIN + 1_000_000
    jetstream.log = [(BEGIN, garbage)]
    second = await watching().poll(first.cursor)
    assert json.loads(second.cursor or "")["at"] == BEGIN + 1_000_000
    assert len(first.rejected) == len(second.rejected) <= 1


async def test_odd_posts_are_told(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """A record without a text, or of the wrong shape, hides no other."""
    odd: list[Any] = [
        {"acme": 1, "text": 7},
        {"text": "acme", "facets": [7, {"features": [7]}], "embed": [], "tags": 3, "langs": [5]},
    ]
    await jetstream.add(*sequence([told(BEGIN, each, rkey=str(n)) for n, each in enumerate([*odd, record("acme")])], begin=BEGIN))
    batch = await watching(accounts=("did:plc:ann",)).poll(None)
    assert [mention.text for mention in batch.mentions] == ["acme"]
    assert [each.why for each in batch.rejected] == ["its text is no text", "'int' object has no attribute 'get'"]


async def test_a_message_that_is_too_large_is_never_held(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """The server is told how large one may be; one that is larger all the same ends the connection, and is told."""
    await jetstream.add((BEGIN, post(0)), (BEGIN, post(1, "acme" * 200_000)))
    source = watching()
    first = await source.poll(None)
    assert (await trouble_of(source.poll(first.cursor))).trouble is Trouble.TOO_LARGE
    assert jetstream.asked[0].query["maxMessageSizeBytes"] == str(256 * 1024)


@pytest.mark.parametrize("version", [1, 2])
async def test_what_a_server_has_forgotten_is_told(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], version: int
) -> None:
    """A server that goes on later than asked, as those do that keep 36 hours, leaves a gap: it stands in the log, once."""
    await jetstream.add(*sequence([post(0, version=version)], begin=BEGIN))
    first = await drain(watching(version=version))
    jetstream.floor = BEGIN + 2 * GAP
    await jetstream.add((jetstream.floor, post(2 * GAP // 10**6, version=version)))
    source = watching(version=version)
    batch = await source.poll(first.cursor)
    assert [each.why for each in batch.rejected] == [
        "what was said from 2026-03-02 07:00 to 2026-03-02 07:02 UTC is lost: the server did not keep it"
    ]
    assert (await source.poll(batch.cursor)).rejected == []


async def test_a_cursor_that_is_too_old_begins_anew(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """A server that refuses an old place is asked for what is said from now on, and what is lost is told."""
    await jetstream.add(*sequence([post(0)], begin=BEGIN))
    first = await drain(watching(version=2))
    jetstream.refusal = lambda request: (
        web.json_response({"error": "CursorTooOld", "message": "the floor is 9"}, status=400)
        if "cursor" in request.query
        else None
    )
    jetstream.log.clear()
    batch = await watching(version=2).poll(first.cursor)
    assert [each.why for each in batch.rejected] == [
        "what was said from 2026-03-02 07:00 until now is lost: the server did not keep it"
    ]
    assert "cursor" not in jetstream.asked[-1].query


@pytest.mark.parametrize(
    ("answer", "trouble", "wait"),
    [
        (web.Response(status=401), Trouble.CREDENTIALS, None),
        (web.Response(status=403), Trouble.CREDENTIALS, None),
        (web.Response(status=429, headers={"Retry-After": "90"}), Trouble.THROTTLED, 90),
        (web.Response(status=400, text='{"error":"InvalidRequest"}'), Trouble.REFUSED, None),
        (web.Response(status=503), Trouble.UNAVAILABLE, None),
        (web.Response(status=200, text="hello"), Trouble.MALFORMED, None),
        (web.Response(status=302, headers={"Location": "http://10.0.0.1/"}), Trouble.MALFORMED, None),
    ],
)
async def test_a_refused_handshake_means_what_it_would_anywhere(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream], answer: web.Response, trouble: Trouble, wait: float | None
) -> None:
    """Statuses decide as in every other source; a redirect is not followed."""
    jetstream.refusal = lambda _: web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    error = await trouble_of(watching().poll(None))
    assert (error.trouble, error.retry_after) == (trouble, wait)
    assert len(jetstream.asked) == 1


async def test_a_private_address_is_refused(clock: ManualClock) -> None:
    """A stream leaves by the same guard as every request."""
    async with HttpClient(loopback().model_copy(update={"allow": ()}), clock) as http:
        error = await trouble_of(made("http://127.0.0.1:9", http).poll(None))
    assert (error.trouble, "private address" in error.detail) == (Trouble.REFUSED, True)


async def test_a_server_that_fails_again_and_again_is_left_alone(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream]
) -> None:
    """The circuit of its host opens for handshakes, too."""
    jetstream.refusal = lambda _: web.Response(status=503)
    for _ in range(7):
        await trouble_of(watching().poll(None))
    assert len(jetstream.asked) == 5


async def test_closing_the_source_closes_the_stream(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """A daemon that ends, or reads its configuration anew, leaves no connection behind."""
    source = watching()
    await source.poll(None)
    assert jetstream.connected == 1
    await source.close()
    await jetstream.left.wait()


async def test_what_came_before_anybody_listened_rings_at_once(
    jetstream: FakeJetstream, watching: Callable[..., Jetstream]
) -> None:
    """Between a poll and the moment in which somebody listens again nothing is missed, and what was taken rings no more."""
    source = watching()
    first = await source.poll(None)
    await jetstream.add(*sequence([post(0)], begin=BEGIN))
    while not source._line.bell._due:  # noqa: ASYNC110 it has no event of its own
        await asyncio.sleep(0)
    assert (await listened(source)).is_set()
    await source.poll(first.cursor)
    assert not (await listened(source)).is_set()


async def test_how_far_everything_was_seen(jetstream: FakeJetstream, watching: Callable[..., Jetstream]) -> None:
    """Up to the last event while events come, and up to now when nothing more has come: silence must not hold back rules."""
    source = watching()
    batch = await source.poll(None)
    assert batch.watermark is None
    heard = await listened(source)
    await jetstream.add((BEGIN, post(0)))
    await heard.wait()
    batch = await source.poll(batch.cursor)
    assert batch.watermark == NOW - timedelta(hours=1)
    jetstream.log.clear()
    assert (await source.poll(batch.cursor)).watermark is None
    assert (await watching().poll(batch.cursor)).watermark == NOW - timedelta(hours=1)


def test_terms_are_words() -> None:
    """Whatever their capitals and spaces, and as part of another word only in scripts that do not part theirs."""
    wanted = Wanted(("Acme Kettle", "#brew", "été", "アクメ"), ())
    texts = {
        "my ACME\nkettle!": True,
        "an acme kettlebell": False,
        "macme kettle": False,
        "I #Brew": True,
        "#brewing": False,
        "L’été & ses joies": True,
        "L’e\u0301te\u0301": True,
        "私のアクメのケトル": True,
        "etes": False,
    }
    for text, fits in texts.items():
        message = told(BEGIN, record(text), rkey="1")
        found = event(json.loads(message))
        assert found is not None
        assert (wanted.may_be(message) and wanted.fits(found, message)) is fits, text


def test_a_server_that_writes_json_another_way_is_understood() -> None:
    """Letters that are escaped are looked at all the same."""
    message = json.dumps(json.loads(told(BEGIN, record("vive l’été"), rkey="1")))
    assert Wanted(("été",), ()).may_be(message)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"terms": ("a",)},
        {"terms": ("&",)},
        {"accounts": ("@acme.example",)},
        {"authors": ("did:PLC:x",)},
        {"terms": ("acme",), "url": "jetstream"},
        {"terms": ("acme",), "version": 3},
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    """Nothing to watch, a term that everything says, an account by its handle."""
    with pytest.raises(ValidationError):
        JetstreamSettings.model_validate({"kind": "jetstream", **wrong})


def test_recorded_events_are_understood(shared: Path) -> None:
    """What Jetstream really sent: one post among likes, follows, profiles, deletions, identities."""
    lines = (shared / "data/payloads/jetstream/golden_v1.jsonl").read_text("utf-8").splitlines()
    found = [each for line in lines if (each := event(json.loads(line))) is not None]
    assert [position(json.loads(line)) > 0 for line in lines] == [True] * len(lines)
    assert len(found) == 1
    assert Wanted(("good time",), ()).fits(found[0], lines[1])


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["app.bsky.feed.post", "create", "delete"]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "did",
                    "time_us",
                    "commit",
                    "payload",
                    "$type",
                    "operation",
                    "collection",
                    "rkey",
                    "record",
                    "text",
                    "time",
                    "facets",
                    "embed",
                    "reply",
                ]
            ),
            inside,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_sent_is_an_event_or_none(document: Any) -> None:
    """A message of any shape is understood, or is a `ValueError`."""
    for read in (event, position):
        try:
            read(document)
        except ValueError:
            continue


@given(st.dictionaries(st.sampled_from(["text", "createdAt", "facets", "embed", "reply", "langs", "labels", "tags"]), JSON))
def test_whatever_a_post_holds_is_a_mention_or_odd(said: dict[str, Any]) -> None:
    """A record is what an author's program made of it: whatever it is, it is told as odd, or can be stored."""
    found = event(json.loads(told(BEGIN, said, rkey="1")))
    assert found is not None
    Wanted(("acme",), ()).fits(found, "")
    read, _ = understand([found], lambda each: mention(each, ()))
    for each in read:
        sanitise(each, NOW)


STEP = st.sampled_from(["commit", "lose", "restart"])


@pytest.mark.fault("network", "a stream breaks off at any message, while commits fail and processes are killed")
@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(st.sampled_from(["acme", "nothing"]), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 12), max_size=6),
    steps=st.lists(STEP, max_size=8),
)
def test_nothing_is_lost_whatever_is_interrupted(texts: list[str], cuts: list[int], steps: list[str]) -> None:
    """It goes on from the last commit, so that each post is stored, and stored once."""
    asyncio.run(_story(texts, cuts, steps))


async def _story(texts: list[str], cuts: list[int], steps: list[str]) -> None:
    fake, stored, cursor = FakeJetstream(cuts=cuts), dict[str, str](), None
    await fake.add(*sequence([post(number, text) for number, text in enumerate(texts)], begin=BEGIN))
    async with serving() as site, HttpClient(loopback(breaker_failures=1000), ManualClock(NOW)) as http:
        site.answer = fake.answer
        source = made(site.url, http)
        for step in [*steps, *["commit"] * (3 * len(cuts) + 2)]:
            if step == "restart":
                await source.close()
                source = made(site.url, http)
            batch = await _polled(source, cursor)
            if batch is not None and step != "lose":
                cursor = batch.cursor
                stored |= {str(mention.uri): mention.text for mention in batch.mentions}
        await source.close()
    assert sorted(stored.values()) == sorted(f"{text} {number}" for number, text in enumerate(texts) if text == "acme")


async def _polled(source: Jetstream, cursor: str | None) -> Batch | None:
    try:
        return await source.poll(cursor)
    except SourceError as error:
        assert error.trouble is Trouble.UNAVAILABLE  # noqa: PT017
        return None


def test_places_are_the_same_in_both_versions() -> None:
    """To the microsecond: a cursor of one goes on with the other."""
    assert {position(json.loads(post(0, at=BEGIN + 7, version=version))) for version in (1, 2)} == {BEGIN + 7}
