"""What the tests of digests share: a house in Paris in which a loud or a quiet night has passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from monitor.digest import Paper, Scope, gather, known, scope_of, tell
from monitor.domain.mention import Author, Engagement
from notifiers.message import Language
from notifiers.reader import Reader
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS, PLAN, Build, Configure, House, configure, hut, lite

__all__ = ["configure", "hut", "lite"]  # fixtures of the stages

MONDAY = date(2026, 3, 2)
EIGHT = datetime(2026, 3, 2, 6, 58, tzinfo=UTC)  # 07:58 in Paris
HOSTILE = (
    '=HYPERLINK("http://evil.example","x") <script>alert(1)</script> <img src=x> \u202egpj'
    " Acme is broken again, awful service, I want my money back"
)
OBJECTIVES = {"response_time": "2h", "net_sentiment": 0.1, "share_of_voice": 0.3, "night_wakes": 3}
PEOPLE = {
    "people": {
        "ana": {"name": "Ana", "email": "ana@acme.example", "language": "fr", "timezone": "Europe/Paris"},
        "ben": {"name": "Ben", "email": "ben@acme.example", "receivers": ["phone"]},
    },
    "roles": {"lead": "ana", "night": {"roster": {"people": ["ben"], "start": "2026-01-05"}}},
}


@dataclass
class Desk:
    """A house, and its digests as somebody reads them."""

    home: House

    def scope(self, name: str, day: date = MONDAY) -> Scope:
        """What a digest is about."""
        return scope_of(name, known(self.home.settings)[name], day, "Europe/Paris")

    async def paper(self, name: str, language: Language = "en", day: date = MONDAY) -> Paper:
        """The digest of a day."""
        found = await gather(self.home.store, self.home.settings, self.home.clock, self.scope(name, day))
        return tell(found, self.home.settings, Reader(language, "Europe/Paris"))


Open = Callable[..., Awaitable[Desk]]


@pytest.fixture
def house(hut: Build, configure: Configure) -> Callable[..., Desk]:
    """A house at 19:00 on Sunday, with the three kinds of digest; what is given changes monitor.yaml."""

    def build(**more: Any) -> Desk:
        subjects: Mapping[str, Any] = {"acme": {"names": ["Acme"]}, "rival": {"names": ["Globex"], "competitor": True}}
        digests = {
            "dawn": {"kind": "morning", "to": "ana", "at": "07:58"},
            "week": {"kind": "weekly", "to": "ana", "objectives": OBJECTIVES},
            "month": {"kind": "monthly", "to": "ana"},
        }
        smtp = {"host": "127.0.0.1", "port": 25, "security": "none", "sender": "tocsin@acme.example"}
        given = {"timezone": "Europe/Paris", "subjects": subjects, "digests": digests, "smtp": smtp} | more
        rules = [COMPLAINT | {"notify": "room"}, CRISIS | {"plan": "storm", "notify": "phone"}]
        home = hut(configure(rules=rules, plans=[PLAN], people=PEOPLE, **given))
        home.clock.current = datetime(2026, 3, 1, 18, tzinfo=UTC)
        return Desk(home)

    return build


@pytest.fixture
async def loud(house: Callable[..., Desk]) -> Desk:
    """A fire by night, a hostile complaint, praise, a post of ours."""
    desk = house()
    home = desk.home
    ours = Author("acme", handle="acme", name="Acme", own=True, reach=900)
    home.clock.advance(timedelta(hours=4))
    await home.brings(
        *(home.mention(f"There is a fire at Acme {number}", by=f"w{number}") for number in range(4)),
        home.mention(HOSTILE, by="mallory", uri="javascript:alert(1)", engagement=Engagement(1, 2, 90)),
        home.mention("I love Acme, a wonderful service, thank you!", by="zoe", engagement=Engagement(2, 3, 40)),
        home.mention("Acme is a wonderful brand, thank you so much", by="zoe"),
        home.mention("Globex is fine", by="ada"),
        home.mention("Our new Acme bike", author=ours, engagement=Engagement(1, 20, 30)),
    )
    await home.stages.evaluate.step(100)
    await home.stages.evaluate.tick()
    await home.stages.act()
    home.clock.advance_to(EIGHT)
    return desk


@pytest.fixture
async def quiet(house: Callable[..., Desk]) -> Desk:
    """A night in which somebody said something nice."""
    desk = house()
    desk.home.clock.advance_to(EIGHT - timedelta(hours=1))
    await desk.home.brings(desk.home.mention("Acme is a wonderful brand, thank you so much", by="zoe"))
    desk.home.clock.advance_to(EIGHT)
    return desk
