"""Whatever is said under whichever post, and whenever a poll is killed: with pages of one or two, all of it is found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from yarl import URL

from monitor.domain.clock import ManualClock
from monitor.sources import Kit, graph_source
from monitor.sources import facebook as facebook_source
from monitor.sources import instagram as instagram_source
from monitor.sources.base import Rejected
from monitor.sources.facebook import Facebook, FacebookSettings
from monitor.sources.graph import Page, _further
from monitor.sources.graph_source import GraphSource
from monitor.sources.instagram import Instagram, InstagramSettings
from monitor.testing.servers import AtOnce
from tests.graph import ACCOUNT, PAGE, GraphServer, Said
from tests.inbox import Inbox

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def small() -> Any:
    """Pages of one or two entries, two of them in a poll."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facebook_source, "PAGE", 2)
        patch.setattr(instagram_source, "PAGE", 2)
        patch.setattr(instagram_source, "COMMENTS", 1)
        patch.setattr(graph_source, "LOOKS", 2)
        yield


class Near:
    """The API without the wire: asks a `GraphServer` directly."""

    def __init__(self, server: GraphServer) -> None:
        self.server = server
        self.rest: timedelta | None = None
        self.full = False
        self.notes: list[Rejected] = []

    async def ask(self, path: str, params: Mapping[str, str], *, needs: str) -> Any:
        return self.server._object(path, params["fields"])

    async def page(self, path: str, params: Mapping[str, str], at: str | None, *, needs: str, unlinked: bool = False) -> Page:
        url = URL("https://graph.example/x").with_query({**params, **dict(parse_qsl(at or ""))})
        name, _, edge = path.partition("/")
        request: Any = SimpleNamespace(query=url.query, url=url)
        found = self.server._list(request, self.server._edge(name, edge), linked=not unlinked)
        return Page(found["data"], _further(found.get("paging"), unlinked=unlinked and bool(found["data"])))


def source(server: GraphServer, clock: ManualClock) -> GraphSource:
    """A fresh source, as after a restart. Without an overlap, which would hide faults."""
    kit = Kit("meta", None, clock, Inbox(), AtOnce())  # type: ignore[arg-type]
    made: GraphSource
    if server.page == PAGE:
        made = Facebook(FacebookSettings(kind="facebook", page=PAGE, token=SecretStr("t"), overlap=timedelta(0)), kit)
    else:
        made = Instagram(InstagramSettings(kind="instagram", account=ACCOUNT, token=SecretStr("t"), overlap=timedelta(0)), kit)
    made._graph = Near(server)  # type: ignore[assignment]
    return made


async def found_by(server: GraphServer, steps: Sequence[tuple[str, int]]) -> set[str]:
    """Say what the steps say, poll where they poll, and then until nothing more comes."""
    clock, cursor, found, said = ManualClock(NOW), None, set[str](), list[Said]()
    facebook = server.page == PAGE
    media = "feed" if facebook else "media"

    async def poll(*, killed: bool) -> bool:
        nonlocal cursor
        batch = await source(server, clock).poll(cursor)
        assert batch.rejected == []
        if not killed:
            cursor = batch.cursor
            found.update(mention.text for mention in batch.mentions)
        return batch.more

    for number, (what, which) in enumerate(steps, 1):
        clock.advance(timedelta(seconds=which % 3))
        posts, comments = [each for each in said if not each.under], [each for each in said if each.under and not each.answers]
        if what == "poll":
            await poll(killed=which % 4 == 0)
            clock.advance(timedelta(seconds=1))
        elif what == "post" or not posts:
            said.append(Said(f"{PAGE}_{number}" if facebook else str(number), f"{number}", clock.wall(), "brand", where=media))
        elif what == "comment" or not comments:
            post = posts[which % len(posts)]
            said.append(Said(f"{number}_{number}" if facebook else str(number), f"{number}", clock.wall(), under=post.id))
        else:
            above = comments[which % len(comments)]
            name = f"{number}_{number}" if facebook else str(number)
            said.append(Said(name, f"{number}", clock.wall(), under=above.under, answers=above.id))
        server.say(*said)
    for _ in range(3 * len(steps) + 20):
        await poll(killed=False)
    return {each.text for each in said} - found


steps = st.lists(
    st.tuples(st.sampled_from(["post", "comment", "comment", "answer", "answer", "poll"]), st.integers(0, 40)), max_size=60
)


def test_an_answer_that_comes_during_a_walk_hides_none_below() -> None:
    """It is among those that were found, and was not among those that were told."""
    said = ["comment 31", "answer 33", "comment 16", "comment 13", "poll 22", "poll 34", "comment 38", "answer 8", "comment 28"]
    said += ["comment 9", "poll 31", "answer 3"]
    parted = [(each.split()[0], int(each.split()[1])) for each in said]
    assert asyncio.run(found_by(GraphServer("t", page=ACCOUNT), parted)) == set()


@given(steps=steps)
@pytest.mark.parametrize("account", [PAGE, ACCOUNT], ids=["facebook", "instagram"])
def test_nothing_that_is_said_is_lost(account: str, steps: list[tuple[str, int]]) -> None:
    """Posts, comments and answers, also under old posts and old comments, with polls that are killed before their commit."""
    assert asyncio.run(found_by(GraphServer("t", page=account), steps)) == set()
