"""A house in which everything has happened once, told by people who mean no good: every page has something to show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from monitor.domain.account import Role
from monitor.domain.errors import Trouble
from monitor.domain.feedback import Feedback
from monitor.domain.mention import Author, Engagement
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.web import Reloaded
from tests.browser.injections import LINKS, NAME, TEXTS
from tests.monitor.console.conftest import Office
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS
from tests.monitor.web.conftest import PEOPLE, PLAN

_BOTH: Final = {"en": NAME, "fr": NAME}

MADE_UP: Final[dict[str, Any]] = {
    "brand": "Acme",
    "rules": [
        COMPLAINT | {"title": _BOTH, "notify": "room"},
        CRISIS | {"title": _BOTH, "plan": "storm", "notify": "room"},
    ],
    "plans": [
        PLAN
        | {
            "title": _BOTH,
            "never": [_BOTH],
            "steps": [PLAN["steps"][0] | {"title": _BOTH, "items": [_BOTH, _BOTH]}, PLAN["steps"][1] | {"title": _BOTH}],
            "statements": [PLAN["statements"][0] | {"text": _BOTH}, PLAN["statements"][1] | {"text": _BOTH}],
        }
    ],
    "people": PEOPLE | {"people": {**PEOPLE["people"], "ana": PEOPLE["people"]["ana"] | {"name": NAME}}},
}
"""What the files of configuration say in such a house."""


async def live(office: Office) -> None:
    """Complaints, a crisis with its plan, silences, notes, what failed: in words that would rather be markup."""
    home, ana = office.home, Actor(NAME, "cli")
    links = [*LINKS, *(f"https://social.example/{number}" for number in range(len(TEXTS)))]
    for number, text in enumerate(TEXTS):
        said = f"{text} my Acme is broken"
        author = Author(f"eve{number}", handle=f"@eve{NAME}", name=f"{number}{NAME}", reach=12)
        liked = Engagement(replies=1, shares=2, likes=3)
        await home.brings(
            home.mention(said, uri=links[number], author=author, title=NAME, engagement=liked, hashtags=frozenset({"acme"}))
        )
    await home.judge()
    await home.storm(8, text=f"Acme is on fire {TEXTS[0]}")
    await home.act()
    now = home.clock.now()
    await home.do("note", by="ana", text=TEXTS[3])
    alert = (await home.alerts())[0]
    await operations.acknowledge(home.store, alert.id, ana, now, NAME)
    await operations.silence(home.store, {"rule": "complaint"}, lasting=timedelta(hours=2), reason=NAME, actor=ana, at=now)
    await operations.give_feedback(home.store, [Feedback(1, "complaint", "no", NAME, now, note=NAME)], "cli")
    async with home.store.begin() as tx:
        await tx.accounts.add("mallory", NAME, Role.MONITOR, home.clock.wall())
        await tx.sources.failed(
            "net", trouble=Trouble.CREDENTIALS, detail=f"HTTP 401 {TEXTS[1]}", at=now, backoff_until=None, stopped=True
        )
        await tx.receivers.disable("room", NAME, now)
        await tx.commit()
    office.reloaded.append((now, Reloaded("refused", problems=[f"rules/all.yaml:3: {NAME}"])))
