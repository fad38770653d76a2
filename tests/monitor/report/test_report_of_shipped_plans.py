"""Each plan that comes with Tocsin, walked from its opening to its end, has a report that says all of it in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from monitor.domain.plan import Plan, RunState, TimelineEvent
from monitor.plans import RefusedError
from monitor.plans.phrases import PHRASES
from monitor.report import build, render
from monitor.settings import shipped
from monitor.settings.contacts import Contacts
from notifiers.message import Language
from notifiers.reader import Reader
from tests.monitor.plans.walking import OPENED, Walk, minutes
from tests.monitor.report.making import material

SHIPPED = sorted((shipped() / "plans").glob("*.yaml"))
PEOPLE = Contacts.model_validate({"people": {"ana": {"name": "Ana"}}, "roles": {"cm": "ana"}})


def _walked(plan: Plan) -> tuple[Walk, list[TimelineEvent]]:
    """Taken late, carried out by one person in two hours, and stood down; with its timeline."""
    walk = Walk(plan)
    story: list[TimelineEvent] = []

    def keep(by: str) -> None:
        fresh = walk.noted[len(story) :]
        story.extend(TimelineEvent(walk.now, each.kind, by, detail=each.detail, plan_run_id=1) for each in fresh)

    def act(verb: str, **more: str) -> None:
        try:
            walk.act(verb, **more)
        except RefusedError:  # of a step that is not for people, or not yet
            return
        keep("ana")

    for minute in (0, 20, 40, 60, 90, 120):
        walk.at(minute)
        keep("tocsin")
        act("confirm")
        for step in plan.steps if minute >= 40 else ():
            act("done", step=step.id)
    act("stand_down", text="calm")
    act("sign_off")
    return walk, story


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_plan_has_a_report(path: Path) -> None:
    """Every step is a row, every event has its words, and nothing of the plan's own breaks the page."""
    plan = Plan.model_validate(yaml.safe_load(path.read_text("utf-8"))["plan"])
    walk, story = _walked(plan)
    assert walk.run.state is RunState.CLOSED
    seen = material(run=walk.run, story=story, now=OPENED + minutes(500), alerts=(), first_post=None, told=(), deliveries={})
    report = build(seen, PEOPLE, "Europe/Paris", subject="Acme", rules={})
    assert len(report.steps) == len(plan.steps)
    assert all(moment.kind in PHRASES for moment in report.moments), "each has a sentence of its own"
    languages: tuple[Language, ...] = ("fr", "en")
    for language in languages:
        page = render(report, Reader(language, "Europe/Paris"), "html")
        assert page.count('<li><span class="at">') == len(report.moments) + len(report.marks)
