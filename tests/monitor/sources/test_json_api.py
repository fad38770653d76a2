"""APIs by description: what their answers mean, their versions, their limits, and recorded answers read without loss."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.sources import KINDS, FeedSettings, HttpClient, Source, build
from monitor.sources.base import SourceSettings
from monitor.sources.budget import Budget
from monitor.sources.described import Description, filled, record
from monitor.sources.json_api import DescribedSettings, JsonSettings, JsonSource
from monitor.testing import AtOnce, Site, drain, trouble_of

API: dict[str, Any] = {
    "about": "Writings on a wall.",
    "network": "wall",
    "settings": {"street": {"description": "which"}},
    "versions": [
        {
            "writings": {
                "url": "{url}/walls/{street}",
                "params": {"page": "{at}", "since": "{since}"},
                "items": "data.list",
                "fields": {"text": ["words", "title"], "written_at": "at", "id": "id", "author.handle": "by.name"},
                "paging": {"next": "data.next"},
            }
        }
    ],
}
ITEM = {"id": 1, "words": "hello", "at": "2026-03-01T12:00:00Z", "by": {"name": "ann"}}


@pytest.fixture
def wall(site: Site, http: HttpClient, clock: ManualClock) -> Any:
    """Makes a source of a description that differs from `API` in some things."""

    def make(**changed: Any) -> Source:
        given = {"url": site.url, "street": "haute"}
        settings = JsonSettings.model_validate({"kind": "json", "api": {**API, **changed}, "given": given})
        return made(settings, http, clock)

    return make


def made(settings: SourceSettings, http: HttpClient, clock: ManualClock) -> Source:
    """A source of settings, as the daemon makes it."""
    return build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]


def shipped(kind: str, http: HttpClient, clock: ManualClock, **given: Any) -> Source:
    """A source of a shipped description."""
    return made(KINDS[kind].settings.model_validate({"kind": kind, **given}), http, clock)


async def test_an_api_of_ones_own(site: Site, wall: Any) -> None:
    """Described in monitor.yaml, it is read like those that are shipped."""
    site.says_json({"data": {"list": [ITEM, {"words": "no time"}]}})
    batch = await wall().poll(None)
    (mention,) = batch.mentions
    assert (mention.text, mention.network, mention.uri) == ("hello", "wall", "urn:tocsin:wall:1")
    assert mention.author is not None
    assert mention.author.handle == "ann"
    assert ["no time" in each.why for each in batch.rejected] == [True]
    assert (site.asked[0].path, dict(site.asked[0].query)) == ("/walls/haute", {})


async def test_the_next_page_is_never_on_another_host(site: Site, wall: Any) -> None:
    """A hostile server would have us carry our credentials there."""
    site.says_json({"data": {"list": [ITEM], "next": "http://localhost:1/steal"}})
    found = await drain(wall())
    assert (len(found.mentions), found.polls) == (1, 1)
    again = await wall().poll(found.cursor)
    assert not again.more


async def test_what_an_answer_means_may_stand_in_it(site: Site, wall: Any) -> None:
    """A status, a path, a header; what is named must all fit."""
    errors = [
        {"status": 400, "path": "error.code", "is": [7, "x"], "means": "throttled", "wait": "error.wait", "say": "slowly"},
        {"header": "x-used-up", "means": "throttled"},
        {"path": "locked", "means": "credentials"},
    ]
    source = wall(errors=errors)
    for status, said, headers, expected in [
        (400, {"error": {"code": 7, "wait": 12}}, {}, (Trouble.THROTTLED, 12)),
        (400, {"error": {"code": 8}}, {}, (Trouble.REFUSED, None)),
        (200, {"data": {}}, {"X_Used_Up": "1", "Retry_After": "9"}, (Trouble.THROTTLED, 9)),
        (200, {"locked": True}, {}, (Trouble.CREDENTIALS, None)),
        (200, {"locked": False}, {}, (Trouble.MALFORMED, None)),
    ]:
        site.says(status, json.dumps(said), **headers)
        error = await trouble_of(source.poll(None))
        assert (error.trouble, error.retry_after) == expected, said


async def test_a_budget_is_kept(site: Site, wall: Any, clock: ManualClock) -> None:
    """That of the description; a smaller one in the settings takes its place."""
    site.says_json({"data": {"list": [ITEM]}})
    source = wall(budget=[{"amount": 2, "per": "day"}])
    cursor = (await source.poll(None)).cursor
    await source.poll(cursor)
    error = await trouble_of(source.poll(cursor))
    assert (error.trouble, len(site.asked)) == (Trouble.SPENT, 2)
    settings = JsonSettings.model_validate({"kind": "json", "api": API, "budget": {"amount": 1}})
    assert settings.budgets() == (Budget(amount=1, per="day"),)
    assert FeedSettings(kind="feed", url="https://x.example").budgets() == ()


def test_templates_hold_what_is_known() -> None:
    """A path into the entry, what stands before a sign, a setting; one hole that is empty empties the whole."""
    known = {"a": {"b": 7}, "link": "x/1#c", "settings": {"url": "https://h"}}
    assert filled("{settings.url}/{a.b}", known) == "https://h/7"
    assert filled("{link|before:#}", known) == "x/1"
    assert (filled("{a}", known), filled("{a.c}-{a.b}", known)) == (None, None)


def test_what_is_misspelt_in_a_description_is_an_error() -> None:
    """As everywhere in the settings."""
    with pytest.raises(ValidationError, match="versoins"):
        Description.model_validate({**API, "versoins": []})


async def test_stack_exchange_is_left_alone_as_it_asks(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """`backoff` in an answer that is well, and its own way to say that it is too much."""
    source = shipped("stackexchange", http, clock, url=site.url, query="acme", key="k3y")
    question = {"question_id": 1, "title": "a", "link": "https://s.example/1", "creation_date": 1772366400, "owner": {}}
    site.says_json({"items": [question], "has_more": False, "backoff": 10})
    assert (await source.poll(None)).rest == timedelta(seconds=10)
    assert site.asked[0].query["key"] == "k3y"
    site.says_json({"error_id": 502, "error_name": "throttle_violation"}, status=400)
    assert (await trouble_of(source.poll(None))).trouble is Trouble.THROTTLED


async def test_github_says_403_when_the_hour_is_used_up(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """That is a limit, with the moment at which it ends; another 403 is refused credentials."""
    source = shipped("github", http, clock, url=site.url, repository="o/r")
    reset = str(int((clock.wall() + timedelta(minutes=20)).timestamp()))
    site.says(403, "{}", X_RateLimit_Remaining="0", X_RateLimit_Reset=reset)
    error = await trouble_of(source.poll(None))
    assert (error.trouble, error.retry_after) == (Trouble.THROTTLED, 1200)
    site.says(403, "{}")
    assert (await trouble_of(source.poll(None))).trouble is Trouble.CREDENTIALS


async def test_lemmy_is_asked_for_its_version_once(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """What answers is remembered; a server that was upgraded is read on from where the former version had come to."""
    asked: list[str] = []
    versions = ["v3"]

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        data = {"comment": {"content": "x", "published_at": "2026-03-01T12:00:00Z", "ap_id": "https://l.example/1"}}
        item = {"data": data, "notification": {"published_at": "2026-03-01T12:00:00Z"}}
        said = {"mentions": [], "replies": [], "items": [item], "next_page": "older"}
        return web.json_response(said, status=200 if versions[0] in request.path else 404)

    site.answer = answer
    source = shipped("lemmy", http, clock, url=site.url, token="t")
    cursor = (await source.poll(None)).cursor
    cursor = (await source.poll(cursor)).cursor
    assert [path.partition("/api/")[2][:2] for path in asked] == ["v4", "v3", "v3", "v3", "v3"]
    versions[0] = "v4"
    batch = await source.poll(cursor)
    assert (len(batch.mentions), batch.more) == (1, True)
    assert asked[-2:] == ["/api/v3/user/mention", "/api/v4/account/notification/list"]


@pytest.mark.parametrize(
    ("kind", "files", "items"),
    [
        ("hackernews", "hackernews/fixtures.json", lambda said: [hit for each in said for hit in each["reply"].get("hits", ())]),
        ("discourse", "discourse/discourse_posts.json", lambda said: said["post_stream"]["posts"]),
        ("stackexchange", "stackexchange/stackexchange_question_*.json", lambda said: said["items"]),
        ("github", "github/github_issue_*.json", lambda said: said),
    ],
)
def test_recorded_answers_are_read_without_loss(
    shared: Path, http: HttpClient, clock: ManualClock, kind: str, files: str, items: Any
) -> None:
    """Every entry that has words becomes a mention with its author, its time and an identity of its own."""
    found = [item for path in sorted((shared / "data/payloads").glob(files)) for item in items(json.loads(path.read_bytes()))]
    given = {"url": "https://h.example", "query": "x", "repository": "o/r", "token": "t"}
    source = shipped(kind, http, clock, **{name: given[name] for name in KINDS[kind].settings.model_fields if name in given})
    assert isinstance(source, JsonSource)
    stream = next(iter(source._api.versions[0].values()))
    if kind == "stackexchange":  # whoever recorded these took the words out
        found = [{**item, "title": "words"} for item in found]
    worded = [item for item in found if record({**source._api.fields, **stream.fields}, item, source._given).get("text")]
    mentions = [source._understood(stream, item)[1] for item in worded]
    assert mentions
    assert all(mention.uri and mention.author and mention.written_at < datetime(2027, 1, 1, tzinfo=UTC) for mention in mentions)


def test_every_shipped_kind_says_what_it_needs() -> None:
    """Its settings have descriptions, its secret is one, and what it asks is known to `tocsin check`."""
    for name in ("discourse", "github", "hackernews", "lemmy", "stackexchange"):
        model = KINDS[name].settings
        assert issubclass(model, DescribedSettings)
        assert model.__doc__
        settings = model.model_validate(
            {
                "kind": name,
                **{each: "https://h.example/" for each, field in model.model_fields.items() if field.is_required()}
                | {"kind": name},
            }
        )
        secrets: Mapping[str, SecretStr] = {
            each: value for each in model.model_fields if isinstance(value := getattr(settings, each), SecretStr)
        }
        assert all("h.example" not in repr(value) for value in secrets.values())
        assert settings.asked()["url"].startswith("https://")
        assert settings.networks() == frozenset({name})


async def test_one_odd_entry_hides_nothing_and_many_are_a_fault(site: Site, wall: Any) -> None:
    """A page of one odd entry ends no reading for ever; where none of many is as described, the API is another."""
    site.says_json({"data": {"list": [{"odd": 1}]}})
    batch = await wall().poll(None)
    assert (batch.mentions, len(batch.rejected)) == ([], 1)
    site.says_json({"data": {"list": [{"odd": 1}] * 5}})
    assert (await trouble_of(wall().poll(None))).trouble is Trouble.MALFORMED


async def test_a_key_in_the_next_pages_address_is_not_kept(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Some servers repeat the whole address, key included: it stands in no cursor, and is sent all the same."""
    site.says_json({"data": {"list": [ITEM], "next": f"{site.url}/walls/haute?key=s3cret&page=2"}})
    given = {"api": {**API, "auth": {"secret": "it", "place": "address", "name": "key"}}, "secrets": {"it": "s3cret"}}
    settings = JsonSettings.model_validate({"kind": "json", **given, "given": {"url": site.url, "street": "haute"}})
    source = made(settings, http, clock)
    first = (await source.poll(None)).cursor
    site.says_json(
        {"data": {"list": [{**ITEM, "id": 2, "at": "2026-03-01T13:00:00Z"}], "next": str(site.asked[0].url) + "&page=2"}}
    )
    batch = await source.poll(first)
    assert batch.more
    await source.poll(batch.cursor)
    assert [each.query.getall("key") for each in site.asked] == [["s3cret"]] * 3
    assert "s3cret" not in f"{first} {batch.cursor} {batch!r} {settings!r}"
