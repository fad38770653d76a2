"""The reference says what the code says: every setting, kind, metric and exit code has its heading."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from monitor.domain.errors import ExitCode
from monitor.domain.plan import PLACES, PlanFile, Step
from monitor.plans import Why
from monitor.settings import lint
from monitor.settings.model import MonitorFile
from monitor.telemetry import metrics
from notifiers.message import AlertFacts, AnswerFacts, Message, PaceFacts, PlanFacts, PlanStepFacts, Post
from notifiers.render.as_payload import payload
from rules import MentionRule, RuleTest, WindowRule
from rules.figures import FiguresWhere
from rules.where import Where
from tests.docs.conftest import DOCS, ROOT, script


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The generator of the reference."""
    return script("generate")


def headings(page: str) -> set[str]:
    """The headings of a page of the reference, without their marks."""
    lines = (DOCS / "reference" / page).read_text("utf-8").splitlines()
    return {line.lstrip("#").strip() for line in lines if line.startswith("#")}


def names(model: type[BaseModel], prefix: str) -> set[str]:
    """The headings that the fields of a model must have."""
    return {f"`{prefix}{field.alias or name}`" for name, field in model.model_fields.items() if name not in {"kind", "action"}}


def test_committed_reference_is_what_the_code_says(generate: ModuleType) -> None:
    """No page is out of date; `make docs` writes them."""
    assert generate.stale() == []


def test_the_check_names_what_is_out_of_date(generate: ModuleType, tmp_path: Path) -> None:
    """A page that is missing or different is named."""
    (tmp_path / "metrics.md").write_text("Metrics, roughly.")
    assert set(generate.stale(tmp_path)) == set(generate.PAGES)


def test_every_mark_is_a_row_of_the_reliability_page() -> None:
    """No promise that a test makes is missing, wherever its mark stands: before the test, or at one of its parameters."""
    marks = sum(len(re.findall(r"mark\.fault\(", file.read_text("utf-8"))) for file in (ROOT / "tests").rglob("test_*.py"))
    rows = [line for line in (DOCS / "reference" / "reliability.md").read_text("utf-8").splitlines() if "| `tests/" in line]
    assert len(rows) == marks


def test_every_top_level_setting_has_its_heading() -> None:
    """What may stand in monitor.yaml is described."""
    assert names(MonitorFile, "") <= headings("settings.md")


@pytest.mark.parametrize(("page", "union"), [("sources.md", "SourceUnion"), ("receivers.md", "ReceiverUnion")])
def test_every_kind_and_each_of_its_settings_has_its_heading(generate: ModuleType, page: str, union: str) -> None:
    """Every kind is a section; every setting of it, own or common, a heading."""
    found, common = headings(page), names(generate.SourceSettings if page == "sources.md" else generate.ReceiverSettings, "")
    for model in models_of(getattr(generate, union)):
        kind = model.model_fields["kind"].annotation.__args__[0]  # type: ignore[union-attr]
        assert f"`{kind}`" in found
        assert {name for name in names(model, f"{kind}.") if name.replace(f"{kind}.", "") not in common} <= found
    assert common <= found


def models_of(union: Any) -> list[type[BaseModel]]:
    """The models of an annotated discriminated union."""
    return list(union.__origin__.__args__)


def test_every_rule_kind_condition_and_plan_setting_has_its_heading() -> None:
    """The rule language and the plans are described to the last field."""
    rules = headings("rules.md")
    assert names(MentionRule, "mention.") | names(WindowRule, "window.") | names(Where, "where.") <= rules
    assert names(RuleTest, "tests[].") <= headings("rule-tests.md")
    assert names(PlanFile.model_fields["plan"].annotation, "plan.") <= headings("plans.md")  # type: ignore[arg-type]


def test_every_action_of_a_step_and_every_place_has_its_heading() -> None:
    """What all steps have in common stands once, before the actions; each action has its own settings."""
    found = headings("plans.md")
    steps = models_of(Step)
    common = set.intersection(*(names(step, "") for step in steps))
    assert {f"`plan.steps[].{name.strip('`')}`" for name in common} <= found
    for step in steps:
        action = step.model_fields["action"].annotation.__args__[0]  # type: ignore[union-attr]
        assert f"`plan.steps[]` with `action: {action}`" in found
        assert {name for name in names(step, f"{action}.") if name.replace(f"{action}.", "") not in common} <= found
    assert {f"`{{{{{place}}}}}`" for place in PLACES} <= found
    assert names(FiguresWhere, "figures.") <= found


def test_no_setting_is_without_a_word() -> None:
    """Between a heading and its facts stands at least one sentence."""
    for page in ("settings.md", "contacts.md", "sources.md", "receivers.md", "rules.md", "rule-tests.md", "plans.md"):
        silent = re.findall(r"^#+ (`[^`]+`)\n\n\n", (DOCS / "reference" / page).read_text("utf-8"), re.MULTILINE)
        assert silent == [], page


def test_every_metric_and_exit_code_has_its_heading() -> None:
    """What Prometheus and a unit file see is described."""
    assert {f"`{metric.name}`" for metric in metrics.definitions} <= headings("metrics.md")
    assert {heading.split()[0] for heading in headings("exit-codes.md")} >= {f"`{code.value}`" for code in ExitCode}


def test_every_finding_about_rules_has_its_heading() -> None:
    """Whoever reads its name looks it up."""
    assert {f"`{code}`" for code in lint.CODES} <= headings("lint.md")


def test_every_log_event_is_explained(generate: ModuleType) -> None:
    """Whoever meets an event in the journal finds what it says, and no event is explained that is gone."""
    assert set(generate.log_page.MEANS) == set(generate.log_page.events())


def test_the_page_of_webhook_events_names_every_field() -> None:
    """Each field of the payload is a row of the right table, and no row is about a field that is gone."""
    tables = {
        heading: set(re.findall(r"^\| `([a-z_]+)` \|", body, re.MULTILINE))
        for heading, body in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", events_page(), re.MULTILINE | re.DOTALL)
    }
    sent = payload(full_message())["data"]
    assert tables["The message: `data`"] == set(sent)
    assert tables["An alert: `data.alerts[]`"] == set(sent["alerts"][0])
    assert tables["A post: `data.posts[]`"] == set(sent["posts"][0])
    assert tables["The plan: `data.plan`"] == set(sent["plan"])
    assert tables["A step: `data.plan.steps[]`"] == set(sent["plan"]["steps"][0])
    assert tables["Who answered a drill: `data.plan.answers[]`"] == set(sent["plan"]["answers"][0])
    assert tables["How fast they were: `data.plan.pace`"] == set(sent["plan"]["pace"])
    assert tables["Why somebody is called: `data.plan.why`"] == {"why", *Why}


def events_page() -> str:
    """The hand-written page."""
    return (DOCS / "reference" / "events.md").read_text("utf-8")


def full_message() -> Message:
    """A message in which everything is there."""
    at = datetime(2026, 3, 12, 12, 33, tzinfo=UTC)
    alert = AlertFacts(1, "crisis", "window", "alert", "first", "critical", {"subject": "acme"}, at, 20.0, 1.2, "authors")
    step = PlanStepFacts("pause", "contain", "webhook", "Pause the queue", "waiting")
    return Message(
        id="msg_1",
        kind="plan",
        severity="critical",
        language="en",
        timezone="UTC",
        created_at=at,
        conversation="incident.1.hub",
        sequence=1,
        brand="Acme",
        alerts=[alert],
        posts=[Post("It does not start.", "mastodon", at)],
        plan=PlanFacts(
            1, "outage", "Outage", "running", [step], answers=[AnswerFacts("Ana")], pace=PaceFacts(timedelta(minutes=4))
        ),
    )
