"""Threads by description: which address is whose, who answers whom by numbers, and recorded answers laid out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.sources import KINDS, HttpClient, build
from monitor.sources.conversation import BELOW, Thread, arranged
from monitor.sources.described import Description, addressed, filled
from monitor.sources.json_threads import JsonThreads
from monitor.testing import AtOnce, Site, trouble_of


async def laid_out(source: JsonThreads, uri: str) -> Thread:
    """What a source shows around a post, as people read it."""
    said = await source.conversation(uri)
    return arranged(uri, said.posts, whole=said.whole)


def source_of(kind: str, http: HttpClient, clock: ManualClock, **given: Any) -> JsonThreads:
    """A source of a shipped description, as the daemon makes it."""
    settings = KINDS[kind].settings.model_validate({"kind": kind, **given})
    made = build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]
    assert isinstance(made, JsonThreads)
    return made


@pytest.mark.parametrize(
    ("template", "uri", "said"),
    [
        ("{settings.url}/t/{slug}/{topic}", "https://f.example/t/kettles/7/12", {"slug": "kettles", "topic": "7"}),
        ("{settings.url}/t/{slug}/{topic}", "https://other.example/t/kettles/7/12", None),
        ("{settings.url}/t/{slug}/{topic}", "https://f.example/t/../7/12", None),
        ("item?id={item}", "https://news.ycombinator.com/item?id=8863", {"item": "8863"}),
        ("/o/r/issues/{number}", "https://github.com/O/R/issues/1#issuecomment-3", {"number": "1"}),
    ],
)  # fmt: skip
def test_an_address_is_taken_apart(template: str, uri: str, said: dict[str, str] | None) -> None:
    """Where it fits: a setting in it is that one alone, and no hole leads up a path."""
    assert addressed(template, uri, {"url": "https://f.example"}) == said


def test_a_path_of_numbers_is_cut() -> None:
    """What is left of it, or nothing, which makes the whole unknown."""
    cut = "{path|after:.|to:.}"
    assert [filled(cut, {"path": path}) for path in ("0.12.34.56", "0.12.34", "0.12")] == ["12.34", "12", None]
    assert filled("{path|before:.}", {"path": "0.12"}) == "0"


def test_a_name_that_stands_twice_is_refused() -> None:
    """When the configuration is read, not when somebody asks."""
    api = {"about": "x", "network": "x", "versions": [{}], "threads": [{"address": "/{a}/{a}", "asks": [{"url": "x"}]}]}
    with pytest.raises(ValidationError, match="may stand in it once"):
        Description.model_validate(api)


async def test_lemmys_paths_make_a_thread(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Three steps down and one beside it, below the post, each with the address that it has everywhere."""
    post = {
        "id": 5,
        "name": "Kettles",
        "body": "Which?",
        "ap_id": "https://a.example/post/5",
        "published": "2026-03-01T11:00:00Z",
    }

    def view(path: str) -> dict[str, Any]:
        number = path.rpartition(".")[2]
        comment = {"id": int(number), "path": path, "content": f"c{number}", "published": f"2026-03-01T12:00:{number}Z"}
        return {"comment": {**comment, "ap_id": f"https://b.example/comment/{number}"}, "post": post, "creator": {"name": "ann"}}

    answers = {
        "/api/v3/resolve_object": {"comment": view("0.12.34")},
        "/api/v3/post": {"post_view": {"post": post, "creator": {"name": "zoe"}}},
        "/api/v3/comment/list": {"comments": [view(path) for path in ("0.12", "0.12.34", "0.12.34.56", "0.13")]},
    }

    async def answer(request: web.Request) -> web.Response:
        found = answers.get(request.path)
        return web.json_response(found or {"error": "not_found"}, status=200 if found else 404)

    site.answer = answer
    thread = await laid_out(source_of("lemmy", http, clock, url=site.url, token="t"), "https://b.example/comment/34")
    assert [(each.depth, each.post.text) for each in thread.posts] == [(0, "Which?"), (1, "c12"), (2, "c34"), (3, "c56")]
    assert thread.whole
    assert len(site.asked) == 4


async def test_ten_thousand_comments_are_cut(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """A story of Hacker News that everybody talks of: the newest, by two calls, and it is said that there are more."""
    story = {"objectID": "1", "created_at_i": 1_772_000_000, "author": "ann", "title": "Kettles"}

    async def answer(request: web.Request) -> web.Response:
        size = int(request.query.get("hitsPerPage", "20"))
        newest = [
            {**story, "objectID": str(number), "comment_text": "hm", "parent_id": 1, "created_at_i": 1_772_000_000 + number}
            for number in range(10_000, 10_000 - size, -1)
        ]
        return web.json_response({"hits": [story] if request.query["tags"].startswith("story,") else newest})

    site.answer = answer
    thread = await laid_out(
        source_of("hackernews", http, clock, url=site.url, query="x"), "https://news.ycombinator.com/item?id=1"
    )
    assert (len(thread.below), thread.whole, len(site.asked)) == (BELOW, False, 2)


async def test_a_recorded_topic_is_laid_out(shared: Path, site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Every post of Discourse's answer stands below the first, answers to others below those."""
    document = json.loads((shared / "data/payloads/discourse/discourse_topic_1148.json").read_bytes())
    site.says_json(document)
    uri = f"{site.url}/t/support-ublock-origin/1148/1"
    thread = await laid_out(source_of("discourse", http, clock, url=site.url), uri)
    shown = document["post_stream"]["posts"]
    assert {each.post.key for each in thread.posts} == {
        f"{site.url}/t/{post['topic_slug']}/1148/{post['post_number']}" for post in shown
    }
    assert {each.depth for each in thread.posts} > {0, 1}
    assert {each.post.title for each in thread.posts} == {document["title"]}


async def test_another_sites_question_is_not_taken_for_ours(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Whoever answers with other posts than the one that was asked for has not got it; other sites are not asked for."""
    source = source_of("stackexchange", http, clock, url=site.url, query="x")
    site.says_json(
        {"items": [{"question_id": 1, "link": "https://stackoverflow.com/questions/1/a", "title": "a", "creation_date": 1}]}
    )
    assert (await trouble_of(source.conversation("https://stackoverflow.com/questions/1/b"))).trouble is Trouble.GONE
    site.asked.clear()
    assert (await trouble_of(source.conversation("https://cooking.stackexchange.com/questions/1/a"))).trouble is Trouble.REFUSED
    assert site.asked == []
