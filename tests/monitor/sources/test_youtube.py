"""Comments on YouTube: replies that come late, what its errors mean, what it costs, and recorded answers read without loss."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import HttpClient, Source, build
from monitor.sources.budget import Budget
from monitor.sources.youtube import YouTubeSettings
from monitor.sources.youtube_comments import comment, thread
from monitor.testing import AtOnce, Site, drain, trouble_of
from monitor.testing.contract import OWN, SECRET, START, Post
from tests.contracts.test_youtube_contract import CHANNEL, FakeYouTube

VIDEO = "F1UP7wRCPH8"


@pytest.fixture
def youtube(site: Site, clock: ManualClock) -> FakeYouTube:
    """A channel, the day after the first comments."""
    clock.advance_to(START + timedelta(days=1))
    fake = FakeYouTube()
    site.answer = fake.answer
    return fake


@pytest.fixture
def made(site: Site, http: HttpClient, clock: ManualClock) -> Any:
    """Makes a source of the channel."""

    def make(**given: Any) -> Source:
        said = {"kind": "youtube", "url": site.url, "key": SECRET, "channel": CHANNEL, **given}
        settings = YouTubeSettings.model_validate(said)
        return build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]

    return make


def show(youtube: FakeYouTube, *posts: Post) -> None:
    """Let them be there."""
    youtube.posts |= {post.number: post for post in posts}


async def test_only_new_replies_are_paid_for(site: Site, youtube: FakeYouTube, made: Any) -> None:
    """Of a comment with a thousand replies the newest hundred are read when there is one more."""
    show(youtube, Post(0), *(Post(number, number / 100, answers=0) for number in range(1, 1001)))
    cursor = (await drain(made())).cursor
    assert len(site.asked) == 1 + 10
    assert (await drain(made(), cursor)).mentions == []
    show(youtube, Post(1001, 20, answers=0))
    mentions = (await drain(made(), cursor)).mentions
    assert [(mention.text, mention.engagement.replies) for mention in mentions] == [("post 0", 1001), ("post 1001", None)]
    assert len(site.asked) == 1 + 10 + 1 + 1 + 1


async def test_an_old_comment_is_answered(youtube: FakeYouTube, made: Any, clock: ManualClock) -> None:
    """What no longer stands on the first page is looked at every hour, and not for longer than `again`."""
    show(youtube, Post(0))
    source = made(again=timedelta(days=7))
    cursor = (await drain(source)).cursor
    show(youtube, *(Post(number, number) for number in range(1, 151)))
    cursor = (await drain(source, cursor)).cursor
    show(youtube, Post(500, 300, answers=0), Post(0, edited=True))
    assert (await drain(source, cursor)).mentions == []
    clock.advance(timedelta(hours=1))
    found = await drain(source, cursor)
    assert [mention.text for mention in found.mentions] == ["post 0, corrected", "post 500"]
    show(youtube, Post(501, 301, answers=0))
    clock.advance(timedelta(days=9))
    assert (await drain(source, found.cursor)).mentions == []


async def test_what_was_there_before_us_is_history(youtube: FakeYouTube, made: Any, clock: ManualClock) -> None:
    """The look further back does not go beyond what the first one showed."""
    show(youtube, *(Post(number, number) for number in range(150)))
    first = await drain(made())
    clock.advance(timedelta(hours=1))
    assert len(first.mentions) == 100
    assert (await drain(made(), first.cursor)).mentions == []


async def test_a_video_without_comments_stops_nobody(site: Site, youtube: FakeYouTube, made: Any) -> None:
    """Comments that are switched off are no error of the source's."""
    show(youtube, Post(0))

    async def answer(request: web.Request) -> web.Response:
        if request.query.get("videoId") == VIDEO:
            return web.json_response({"error": {"errors": [{"reason": "commentsDisabled"}]}}, status=403)
        return await youtube.answer(request)

    site.answer = answer
    source = made(videos=[VIDEO])
    found = await drain(source)
    assert [mention.text for mention in found.mentions] == ["post 0"]
    assert (await drain(source, found.cursor)).rejected == []
    assert [(each.where, "switched off" in each.why) for each in found.rejected] == [(f"video {VIDEO}", True)]


async def test_pages_without_an_end_are_given_up_and_told(site: Site, youtube: FakeYouTube, made: Any) -> None:
    """Of comments and of replies: the server gives the same page whatever it is asked."""
    show(youtube, Post(0))
    cursor = (await drain(made())).cursor
    same: dict[str, Any] = {"items": [youtube.thread(Post(number, number)) for number in (2, 1)], "nextPageToken": "x"}
    same["items"][0]["snippet"]["totalReplyCount"] = 9
    site.says_json(same)
    found = await made().poll(cursor)

    async def answer(request: web.Request) -> web.Response:
        replies = {"items": [youtube.comment(Post(5, 5, answers=2))], "nextPageToken": "x"}
        return web.json_response(replies if request.path == "/comments" else same)

    site.answer = answer
    told = (await drain(made(), found.cursor)).rejected
    assert [each.where for each in told] == ["replies to U2", f"channel {CHANNEL}"]
    assert all("for ever" in each.why for each in told)


async def test_replies_to_what_was_deleted_are_left(site: Site, youtube: FakeYouTube, made: Any) -> None:
    """Between the look at the threads and that at the replies; any other trouble is one, and they are owed still."""
    show(youtube, Post(0), *(Post(number, number, answers=0) for number in range(1, 20)))
    begun = await made().poll(None)
    site.says_json({"error": {"errors": [{"reason": "backendError"}]}}, 500)
    assert (await trouble_of(made().poll(begun.cursor))).trouble is Trouble.UNAVAILABLE
    site.says_json({"error": {"errors": [{"reason": "commentNotFound"}]}}, 404)
    rest = await made().poll(begun.cursor)
    assert (rest.mentions, rest.more, [each.where for each in rest.rejected]) == ([], False, ["replies to U0"])


async def test_a_place_that_is_lost_is_looked_for_anew(site: Site, youtube: FakeYouTube, made: Any) -> None:
    """A page's token that is no longer accepted: the walk begins at the first page, and loses nothing."""
    show(youtube, Post(0))
    cursor = (await drain(made())).cursor
    show(youtube, *(Post(number, number) for number in range(1, 251)))
    begun = await made().poll(cursor)
    site.says_json({"error": {"errors": [{"reason": "invalidPageToken"}]}}, 400)
    lost = await made().poll(begun.cursor)
    assert (lost.more, len(lost.rejected)) == (False, 1)
    site.answer = youtube.answer
    rest = await drain(made(), lost.cursor)
    assert len(begun.mentions) + len(rest.mentions) == 250


@pytest.mark.parametrize(
    ("status", "said", "trouble"),
    [
        (400, {"errors": [{"reason": "keyInvalid"}]}, Trouble.CREDENTIALS),
        (400, {"errors": [{"reason": "badRequest"}], "details": [{"reason": "API_KEY_INVALID"}]}, Trouble.CREDENTIALS),
        (403, {"errors": [{"reason": "accessNotConfigured"}]}, Trouble.CREDENTIALS),
        (403, {"errors": [{"reason": "rateLimitExceeded"}]}, Trouble.THROTTLED),
        (429, {"errors": [{"reason": "rateLimitExceeded"}]}, Trouble.THROTTLED),
        (400, {"errors": [{"reason": "processingFailure"}]}, Trouble.UNAVAILABLE),
        (404, {"errors": [{"reason": "channelNotFound"}]}, Trouble.REFUSED),
        (500, {"errors": "rubbish", "details": 7}, Trouble.UNAVAILABLE),
        (403, {"details": ["x"]}, Trouble.CREDENTIALS),
    ],
)
async def test_what_its_errors_mean(site: Site, made: Any, status: int, said: Any, trouble: Trouble) -> None:
    """A limit, a refusal, and what is only for now, by the reason that stands in the answer."""
    site.says_json({"error": {"code": status, **said}}, status)
    assert (await trouble_of(made().poll(None))).trouble is trouble


async def test_units_that_are_used_up_are_waited_for(site: Site, youtube: FakeYouTube, made: Any, clock: ManualClock) -> None:
    """Until midnight in California, whoever used them: Google says so, or our own count."""
    site.says_json({"error": {"errors": [{"reason": "quotaExceeded"}]}}, 403)
    told = await trouble_of(made().poll(None))
    site.answer = youtube.answer
    source = made(every="1d", budget={"amount": 1, "zone": "America/Los_Angeles"})
    cursor = (await source.poll(None)).cursor
    counted = await trouble_of(source.poll(cursor))
    midnight = Budget(amount=1, zone="America/Los_Angeles").ends(clock.wall())
    for error in (told, counted):
        assert error.trouble is Trouble.SPENT
        assert error.retry_after == (midnight - clock.wall()).total_seconds()


async def test_whose_channel_it_is(youtube: FakeYouTube, made: Any) -> None:
    """What the channel writes is our own, unless it is somebody else's."""
    show(youtube, Post(0, author=OWN))
    for given, own in (({}, True), ({"ours": False}, False), ({"channel": None, "videos": [VIDEO]}, False)):
        (mention,) = (await drain(made(**given))).mentions
        assert mention.author is not None
        assert mention.author.own is own


def test_settings_teach() -> None:
    """A handle is no channel id, an address is a video; nothing to watch is an error."""
    for given, words in (
        ({"channel": "@acme"}, "named by its id"),
        ({"videos": ["https://vimeo.com/1"]}, "11 letters"),
        ({}, "nothing to watch"),
        ({"videos": [f"{number:011}" for number in range(20)]}, "cost 14400 units a day.*`every: 3m`"),
    ):
        with pytest.raises(ValidationError, match=words):
            YouTubeSettings.model_validate({"kind": "youtube", "key": "k", **given})
    written = (
        VIDEO,
        f"https://youtu.be/{VIDEO}?si=x",
        f"https://www.youtube.com/watch?app=x&v={VIDEO}&t=1",
        f"https://youtube.com/shorts/{VIDEO}",
    )
    settings = YouTubeSettings(kind="youtube", key=SecretStr("k"), videos=written)
    assert (settings.videos, settings.networks()) == ((VIDEO,) * 4, frozenset({"youtube"}))


def test_who_is_gone_and_what_is_not_on_a_video() -> None:
    """A comment of a closed account on a channel's old page of comments."""
    item = {"id": "U1", "snippet": {"textDisplay": "x", "publishedAt": "2026-03-01T12:00:00Z", "channelId": CHANNEL}}
    mention = comment(item, "", ())
    assert (mention.author, mention.uri) == (None, f"https://www.youtube.com/channel/{CHANNEL}/discussion?lc=U1")


def test_recorded_answers_are_read_without_loss(shared: Path) -> None:
    """Every thread and reply, with its author, its time, its likes and an identity of its own."""
    folder = shared / "data/payloads/youtube"
    threads = [
        thread(item, ()) for path in sorted(folder.glob("comment_threads*")) for item in json.loads(path.read_bytes())["items"]
    ]
    replies = [
        comment(item, VIDEO, (), parent=item["snippet"]["parentId"])
        for path in sorted(folder.glob("comments_by_parent*"))
        for item in json.loads(path.read_bytes())["items"]
    ]
    mentions = [mention for each in threads for mention in each.mentions] + replies
    assert len(mentions) == 15
    assert all(mention.text and mention.author and mention.author.id.startswith("UC") for mention in mentions)
    assert {mention.form for mention in replies} == {Form.REPLY}
    assert len({mention.key for mention in replies}) == 3
