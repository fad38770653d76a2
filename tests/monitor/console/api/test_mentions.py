"""Mentions by the API: what is listed, to whom names are told, and that of two who act the second is told who was first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from monitor.console.api.mentions import MentionQuery
from monitor.domain.account import Permission
from monitor.domain.feed import FeedFilters, Tone
from monitor.domain.handling import HandlingState
from monitor.domain.mention import Form
from tests.monitor.console.api.conftest import Give, Program
from tests.monitor.console.conftest import Office


async def newest(program: Program) -> dict[str, Any]:
    """The mention that came last."""
    answer = await program.get("/mentions", limit="1")
    found: dict[str, Any] = answer.said["items"][0]
    return found


async def test_pages_follow_one_another(give: Give) -> None:
    """Each mention comes once, the newest first, and the last page says that it is the last."""
    program = await give("viewer")
    seen: list[int] = []
    query: dict[str, str] = {"limit": "3"}
    while True:
        page = (await program.get("/mentions", **query)).said
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        query["before"] = str(page["next"])
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 4


async def test_filters_are_those_of_the_feed(give: Give) -> None:
    """By words, by several values, and by moments as Grafana writes them."""
    program = await give("viewer")
    assert len((await program.get("/mentions", q="money")).said["items"]) == 1
    assert len((await program.get("/mentions", network=["mastodon", "bluesky"])).said["items"]) == 4
    now = int(program.office.home.clock.now().timestamp() * 1000)
    assert (await program.get("/mentions", since=str(now + 60_000_000))).said["items"] == []
    assert len((await program.get("/mentions", until=str(now + 60_000_000))).said["items"]) == 4


def test_every_filter_of_the_feed_has_its_parameter() -> None:
    """And it says the same, so that an address of the feed may be pasted."""
    every = FeedFilters(
        ("a",), ("a",), ("a",), ("a",), (Form.POST,), ("a",), ("a",), (Tone.NEGATIVE,), (HandlingState.NEW,), ("a",),
        -1.0, 1.0, 1, None, None, "a",
    )  # fmt: skip
    names = {name for name, _ in every.to_query()} | {"since", "until"}
    assert names == MentionQuery.model_fields.keys() - {"before", "limit"}
    assert MentionQuery(subject=["a"], reach=1, q="a").filters() == FeedFilters(subjects=("a",), reach=1, words="a")


async def test_names_are_told_to_whoever_may_export(give: Give) -> None:
    """What a program reads leaves the house: without `export` nobody is told who wrote it, and all else is there."""
    named = await newest(await give("manager"))
    unnamed = await newest(await give("manager", Permission.LOOK))
    assert (named["author"]["handle"], named["author"]["name"]) == ("bob", "Bob")
    assert (unnamed["author"]["handle"], unnamed["author"]["name"]) == (None, None)
    assert unnamed["author"]["reach"] == named["author"]["reach"] == 10
    assert unnamed | {"author": None} == named | {"author": None}


async def test_whoever_comes_second_is_told_who_was_first(give: Give) -> None:
    """They acted on what they saw; meanwhile somebody else did, and nothing of theirs is done."""
    first, second = await give("monitor"), await give("manager")
    mention = await newest(first)
    path, version = f"/mentions/{mention['id']}", mention["handling"]["version"]
    taken = await first.post(f"{path}/assign", {"version": version, "assignee": "ana"})
    assert (taken.status, taken.said["assignee"], taken.said["by"]) == (200, "ana", "monitor")
    late = await second.post(f"{path}/close", {"version": version})
    assert late.status == 409
    assert late.said["now"] == {
        "state": "assigned",
        "assignee": "ana",
        "version": 1,
        "by": "monitor",
        "at": taken.said["at"].replace("Z", "+00:00"),
    }
    assert (await second.get(path)).said["handling"] == taken.said
    assert (await second.post(f"{path}/close", {"version": 1})).said["state"] == "closed"


async def test_all_that_is_done_stands_in_the_deeds(give: Give) -> None:
    """Each act once, in order, by whom and through what."""
    program = await give("monitor")
    mention = await newest(program)
    path = f"/mentions/{mention['id']}"
    done: list[tuple[str, dict[str, Any]]] = [
        ("note", {"note": "I know her"}),
        ("answer", {"version": 0, "note": "by e-mail"}),
        ("reopen", {"version": 1}),
        ("wrong_score", {"complaint": False, "sentiment": "neutral"}),
        ("open_alert", {"severity": "critical"}),
        ("not_about", {"version": 2, "subjects": ["acme"]}),
    ]
    for verb, said in done:
        answer = await program.post(f"{path}/{verb}", said)
        assert answer.status == 200, answer
    deeds = (await program.get(f"{path}/deeds")).said["items"]
    assert [each["verb"] for each in deeds] == ["note", "answer", "reopen", "score", "alert", "not_about_us"]
    assert {(each["by"], each["through"]) for each in deeds} == {("monitor", "token")}
    assert (await program.get(path)).said["handling"]["state"] == "not_about_us"


async def test_an_alert_is_opened_once(give: Give) -> None:
    """Who asks again gets the alert that rings already."""
    program = await give("monitor")
    mention = await newest(program)
    first, again = [await program.post(f"/mentions/{mention['id']}/open_alert", {}) for _ in range(2)]
    assert first.said["id"] == again.said["id"]
    assert (first.said["rule"], first.said["severity"]) == ("by-hand", "warning")


async def test_what_cannot_be_names_its_field(give: Give) -> None:
    """Somebody unknown, nothing corrected, an empty note, a subject that it is not about."""
    program = await give("monitor")
    path = f"/mentions/{(await newest(program))['id']}"
    for verb, said, words in (
        ("assign", {"version": 0, "assignee": "zoe"}, "zoe"),
        ("wrong_score", {}, "complaint"),
        ("note", {"note": "\x00"}, "write it"),
        ("not_about", {"version": 0, "subjects": ["globex"]}, "globex"),
    ):
        answer = await program.post(f"{path}/{verb}", said)
        assert (answer.status, words in answer.said["detail"]) == (422, True), answer
    assert (await program.get(f"{path}/deeds")).said["items"] == []


async def test_what_is_forgotten_is_not_found(office: Office, give: Give) -> None:
    """A number of nothing is 404 for every act, and nothing is kept of it."""
    program = await give("monitor")
    office.home.clock.advance(timedelta(seconds=1))
    for verb, said in (("note", {"note": "a"}), ("close", {"version": 0}), ("open_alert", {})):
        assert (await program.post(f"/mentions/999/{verb}", said)).status == 404
