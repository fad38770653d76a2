"""The Mastodon source against `mastodon_mock`, an independent implementation of the API, faults included."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from monitor.domain.errors import Trouble
from monitor.domain.mention import Form, Mention
from monitor.sources.base import Deleted
from monitor.sources.http import HttpClient
from monitor.sources.mastodon import Mastodon, MastodonSettings
from monitor.testing import drain, trouble_of

if TYPE_CHECKING:
    from tests.monitor.sources.conftest import MockServer


@pytest.fixture
def watching(mastodon_mock: MockServer, http: HttpClient) -> Callable[..., Mastodon]:
    """Makes a source on the running server, with Ada's token."""

    def make(**settings: Any) -> Mastodon:
        asked = {"kind": "mastodon", "url": mastodon_mock.url, "token": SecretStr("ada_token")} | settings
        return Mastodon(MastodonSettings.model_validate(asked), http)

    return make


async def test_a_hashtag_over_several_pages(mastodon_mock: MockServer, watching: Callable[..., Mastodon]) -> None:
    """Ninety posts between two polls are all read, each once, in order."""
    mastodon_mock.post("the first one #storm")
    first = await drain(watching(hashtags=["storm"]))
    assert [mention.text for mention in first.mentions] == ["the first one #storm"]
    for number in range(90):
        mastodon_mock.post(f"number {number} #storm")
    rest = await drain(watching(hashtags=["storm"]), first.cursor)
    assert [mention.text for mention in rest.mentions] == [f"number {number} #storm" for number in range(90)]
    assert rest.polls >= 3
    assert (await drain(watching(hashtags=["storm"]), rest.cursor)).mentions == []


async def test_mentions_of_our_account(mastodon_mock: MockServer, watching: Callable[..., Mastodon]) -> None:
    """Posts that name us arrive by notification, with who wrote them; replies are replies."""
    source = watching(mentions=True, own_accounts=["grace"])
    first = await drain(source)
    status = mastodon_mock.post("@ada nothing works, see <b> & co")
    mastodon_mock.post("@ada still nothing", in_reply_to_id=status, language="en", spoiler_text="angry")
    seen = {mention.uri: mention for mention in (await drain(source, first.cursor)).mentions}  # also as what our account says
    post, reply = seen.values()
    assert (post.form, reply.form, reply.parent) == (Form.POST, Form.REPLY, post.uri)
    assert "nothing works, see <b> & co" in post.text
    assert reply.title == "angry"
    author = post.author
    assert author is not None
    assert (author.handle.partition("@")[0], author.own) == ("grace", True)


async def test_our_answer_is_linked_to_what_it_answers(mastodon_mock: MockServer, watching: Callable[..., Mastodon]) -> None:
    """Grace complains where nobody listens, Ada, who is ours, answers: the server is asked what that was an answer to."""
    complaint = mastodon_mock.post("nothing works any more")
    answer = mastodon_mock.post("we are on it", "ada_token", in_reply_to_id=complaint)
    seen = await drain(watching(hashtags=["calm"], own_accounts=["@ada"]))
    (mention,) = [each for each in seen.mentions if each.text == "we are on it"]
    uris = {number: mastodon_mock.call("GET", f"/api/v1/statuses/{number}")["uri"] for number in (complaint, answer)}
    assert (mention.uri, mention.parent, mention.thread) == (uris[answer], uris[complaint], uris[complaint])
    assert mention.author is not None
    assert mention.author.own


@pytest.mark.parametrize(
    ("effect", "trouble"),
    [
        ({"type": "status", "status": 401}, Trouble.CREDENTIALS),
        ({"type": "status", "status": 403}, Trouble.CREDENTIALS),
        ({"type": "status", "status": 404}, Trouble.REFUSED),
        ({"type": "status", "status": 410}, Trouble.GONE),
        ({"type": "ratelimit"}, Trouble.THROTTLED),
        ({"type": "ratelimit", "headers": {"X-RateLimit-Reset": "2999-01-01T00:00:00Z", "Retry-After": ""}}, Trouble.THROTTLED),
        ({"type": "malformed"}, Trouble.MALFORMED),
        ({"type": "malformed", "truncate": False}, Trouble.MALFORMED),
    ],
)
async def test_faults_are_told_by_name(
    mastodon_mock: MockServer, watching: Callable[..., Mastodon], effect: dict[str, object], trouble: Trouble
) -> None:
    """What the server does wrong decides what happens next; a limit says for how long."""
    mastodon_mock.fault(**effect)
    error = await trouble_of(watching(hashtags=["calm"]).poll(None))
    assert error.trouble is trouble
    assert (error.retry_after or 0) >= (300 if trouble is Trouble.THROTTLED else 0)


async def test_a_passing_fault_is_overcome(mastodon_mock: MockServer, watching: Callable[..., Mastodon]) -> None:
    """One 503, or a slow answer, is not worth telling."""
    mastodon_mock.fault(type="status", status=503)
    assert (await watching(hashtags=["calm"]).poll(None)).mentions == []
    mastodon_mock.fault(type="latency", delay_ms=20)
    assert (await watching(hashtags=["calm"]).poll(None)).mentions == []


async def test_a_hanging_server_is_given_up(mastodon_mock: MockServer, watching: Callable[..., Mastodon]) -> None:
    """The poll's own time limit holds."""
    mastodon_mock.fault(type="timeout")
    error = await trouble_of(watching(hashtags=["calm"], timeout=timedelta(seconds=0.1)).poll(None))
    assert error.trouble is Trouble.TIMEOUT


async def test_a_wrong_token(watching: Callable[..., Mastodon]) -> None:
    """The server refuses it, and the source stops."""
    error = await trouble_of(watching(mentions=True, token=SecretStr("wrong")).poll(None))
    assert error.permanent


async def test_what_a_search_finds(mastodon_mock: MockServer, watching: Callable[..., Mastodon]) -> None:
    """Posts with the words, and no others."""
    mastodon_mock.post("the kettle leaks")
    mastodon_mock.post("the lid leaks")
    seen = await watching(searches=["kettle"]).poll(None)
    assert [mention.text for mention in seen.mentions] == ["the kettle leaks"]


async def test_an_account_and_what_became_of_its_posts(mastodon_mock: MockServer, watching: Callable[..., Mastodon]) -> None:
    """What it says is read; one is liked, one is deleted, and a second look shows both."""
    liked, gone = mastodon_mock.post("we never sleep"), mastodon_mock.post("we are the best")
    first = await drain(watching(accounts=["@grace"], overlap=timedelta(0)))
    said = {mention.text: mention for mention in first.mentions}
    assert {"we never sleep", "we are the best"} <= said.keys()
    mastodon_mock.call("POST", f"/api/v1/statuses/{liked}/favourite", token="ada_token")
    mastodon_mock.call("DELETE", f"/api/v1/statuses/{gone}", token="grace_token")
    seen: list[Mention] = []
    deleted: list[Deleted] = []
    cursor = first.cursor
    for _ in range(10):  # twenty posts a look
        batch = await watching(accounts=["@grace"], overlap=timedelta(0)).poll(cursor)
        seen, deleted, cursor = [*seen, *batch.mentions], [*deleted, *batch.deleted], batch.cursor
    assert [(mention.text, mention.engagement.likes) for mention in seen] == [("we never sleep", 1)]
    assert deleted == [("mastodon", said["we are the best"].uri)]
