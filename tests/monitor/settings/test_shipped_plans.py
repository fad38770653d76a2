"""The plans that travel with the program: ready at night as they stand, and still plans once they name people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.domain.plan import (
    PLACES,
    CaptureStep,
    ChecklistStep,
    NotifyStep,
    Plan,
    PlanRun,
    RunState,
    StatementStep,
    StepRun,
    StepState,
    opens_as,
    places,
)
from monitor.plans import Act, Effect, Facts, Moved, Tell, act, move
from monitor.settings import shipped
from monitor.settings.load import Loaded, read_all
from rules.figures import Figures

Write = Callable[[Mapping[str, str]], Path]

FILES = sorted((shipped() / "plans").glob("*.yaml"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in FILES}
MONITOR = """\
version: 1
subjects: {acme: [Acme]}
sources: {news: {kind: feed, url: https://example.org/feed.xml}}
smtp: {host: localhost, port: 25, security: none, sender: bell@example.org}
receivers:
  me: {kind: email, to: me@example.org}
  on-call-phone: {kind: apprise, urls: ["ntfys://ntfy.sh/acme"]}
  publishing-queue: {kind: webhook, url: https://queue.example/pause, secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}
  publishing-queue-resume: {kind: webhook, url: https://queue.example/resume, secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}
routing: {default: [me, on-call-phone], ops: on-call-phone}
heartbeat: {url: https://beats.example/acme}
"""
EXAMPLE = re.compile(r"^( *)# ( *(?:- )?\{?[a-z_]+: .*)$", re.MULTILINE)
"""A setting that stands commented out. Sentences begin with a capital letter."""
START = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOUD = Figures(
    firing=True, mentions=900, authors=400, scored=500, negative_share=0.8, times_expected=12, reach=250_000, safety_risk=True
)
CALM = Figures(
    firing=False, mentions=0, authors=0, scored=0, negative_share=0.0, times_expected=0.0, reach=0, safety_risk=False, level=0
)
each_plan = pytest.mark.parametrize("id_", TEXTS)


def ones_own(text: str) -> str:
    """The plan as it reads once its examples are taken at their word."""
    return EXAMPLE.sub(r"\1\2", text)


def read(text: str) -> Plan:
    """The plan of a file's text."""
    return Plan.model_validate(yaml.safe_load(text)["plan"])


def localized(node: Any) -> Iterator[Mapping[str, str]]:
    """Every text by language in a plan's data."""
    if isinstance(node, Mapping):
        if node.keys() & {"fr", "en"}:
            yield node
        else:
            for each in node.values():
                yield from localized(each)
    elif isinstance(node, list):
        for each in node:
            yield from localized(each)


def complaints(loaded: Loaded) -> list[str]:
    """What is wrong or unwise in plans."""
    assert loaded.settings is not None, loaded.problems
    return [str(each) for each in loaded.warnings if "/plans/" in each.file]


# --- as they stand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=179)])
def test_they_need_nobodys_name(later: timedelta, write: Write) -> None:
    """Without a contacts.yaml they are read without a word, on the day of their review and for half a year after it."""
    plans = {id_: read(text) for id_, text in TEXTS.items()}
    (reviewed_on,) = {plan.reviewed_on for plan in plans.values()}
    assert reviewed_on is not None
    loaded = read_all(write({"monitor.yaml": MONITOR}), environ={}, today=reviewed_on + later)
    assert complaints(loaded) == []
    assert loaded.settings is not None
    assert loaded.settings.plans == plans
    assert {name for plan in plans.values() for name in plan.named()} == {"default", "ops"}


@each_plan
def test_it_speaks_both_languages_everywhere(id_: str) -> None:
    """In the same places, too."""
    texts = list(localized(yaml.safe_load(TEXTS[id_])))
    assert len(texts) > 50
    for each in texts:
        assert each.keys() == {"fr", "en"}
        assert sorted(places(each["fr"])) == sorted(places(each["en"]))
        assert {*places(each["fr"])} <= PLACES.keys()


@each_plan
def test_its_typography_is_a_typesetters(id_: str) -> None:
    """In French no space before a colon may break a line; in both, apostrophes are curved."""
    for each in localized(yaml.safe_load(TEXTS[id_])):
        assert "'" not in each["fr"] + each["en"]
        assert not re.search(r" [:;?!»]|« ", each["fr"]), each["fr"]
        assert not re.search(r"[\u00a0\u202f]", each["en"]), each["en"]


@each_plan
def test_it_says_how_grave_it_is(id_: str) -> None:
    """Veille, vigilance, alerte, crise: the louder, the sooner somebody takes it."""
    levels = read(TEXTS[id_]).severity
    assert [(each.level, each.name["fr"]) for each in levels] == [(3, "crise"), (2, "alerte"), (1, "vigilance"), (0, "veille")]
    within = [each.ack_within for each in levels if each.ack_within is not None]
    assert within == sorted(within)
    assert len(within) == 4


@each_plan
def test_nobody_speaks_outside_before_the_house_knows(id_: str) -> None:
    """The answer waits for the facts and for those inside; the holding statement waits for nothing, not even for a yes."""
    plan = read(TEXTS[id_])
    answer, hold = plan.step("answer"), plan.step("hold")
    assert answer is not None
    assert {"facts", "inside"} <= {*answer.needs}
    assert isinstance(hold, StatementStep)
    assert (hold.statement, hold.needs, hold.min_level, hold.when, hold.approval) == ("holding", (), 0, None, None)


@each_plan
def test_it_leaves_nothing_out(id_: str) -> None:
    """Words for everyone, evidence, who waits for news, what nobody does, and the way out."""
    plan = read(TEXTS[id_])
    used = {step.statement for step in plan.steps if isinstance(step, StatementStep)}
    assert used == {each.id for each in plan.statements} >= {"holding", "inside", "reply", "answer", "closing"}
    assert any(isinstance(step, CaptureStep) for step in plan.steps)
    assert {step.phase for step in plan.steps} == {"contain", "assess", "respond", "recover"}
    assert len(plan.never) >= 5
    assert all((plan.stakeholders, plan.assessment.triage, plan.assessment.responsibility, plan.assessment.posture))
    assert plan.escalation[-1].then == "everyone"
    assert plan.steps[-1].id == "stand-down"
    assert (plan.closure.when is not None, plan.drill.prefix) == (True, "[EXERCICE]")
    assert all(step.deadline for step in plan.steps if isinstance(step, ChecklistStep) and step.phase in {"contain", "assess"})


def test_the_law_is_left_to_counsel() -> None:
    """Wherever a plan names an authority's deadline or a French law, it says who confirms it."""
    duty = re.compile(r"CNIL sous|72.h|trois mois|RappelConso, le|Loi du|DGCCRF (?:ou|peut)")
    duties = {name: [t for t in localized(yaml.safe_load(text)) if duty.search(t["fr"])] for name, text in TEXTS.items()}
    assert len(duties["data-breach"]) > 4
    bare = [
        each["fr"]
        for found in duties.values()
        for each in found
        if "à confirmer avec le conseil" not in each["fr"] and len(each["fr"]) > 60
    ]
    assert bare == []


# --- made one's own ------------------------------------------------------------------------------------------------------


@each_plan
def test_its_examples_may_be_taken_at_their_word(id_: str, write: Write) -> None:
    """With the people of the shipped contacts.yaml each level has an approver; all that is said of it: drafts are drafts."""
    contacts = (shipped() / "contacts.yaml").read_text(encoding="utf-8")
    folder = write({"monitor.yaml": MONITOR, "contacts.yaml": contacts, f"plans/{id_}.yaml": ones_own(TEXTS[id_])})
    loaded = read_all(folder, environ={}, today=read(TEXTS[id_]).reviewed_on)
    assert [each for each in complaints(loaded) if "asks for nobody's approval" not in each] == []
    assert loaded.settings is not None
    plan = loaded.settings.plans[id_]
    assert plan == read(ones_own(TEXTS[id_]))
    assert all(level.approver for level in plan.severity)
    assert all((plan.owner, plan.read_by, plan.closure.sign_off, plan.after_action.owner))
    holding = plan.statement("holding")
    assert holding is not None
    assert (holding.status, holding.approved_by) == ("approved", "head-of-communication")
    assert {step.id for step in plan.steps} >= {"lead", "pause-queue"}
    spoken = {step.id: step for step in plan.steps if isinstance(step, StatementStep)}
    assert all(spoken[name].approval for name in ("answer", "closing"))


# --- carried out ---------------------------------------------------------------------------------------------------------


@dataclass
class Walk:
    """A run that Léa carries out and Marc approves, a minute for each thing they do. Messages arrive as they are sent."""

    plan: Plan
    now: datetime = START
    run: PlanRun = field(init=False)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        waits = opens_as(self.plan) is RunState.AWAITING_CONFIRMATION
        self.run = PlanRun(
            id=1,
            plan=self.plan.id,
            incident_id=1,
            state=opens_as(self.plan),
            snapshot=self.plan.snapshot(),
            opened_at=START,
            steps=tuple(StepRun(step.id, n, StepState.WAITING) for n, step in enumerate(self.plan.steps)),
            confirm_by=START + self.plan.activation.confirm_within if waits else None,
        )

    def passes(self, time: timedelta = timedelta(0), figures: Figures = LOUD) -> None:
        """Time goes by, and what was sent has arrived."""
        self.now += time
        sent = {each.step: (StepState.DONE, "") for each in self.run.steps if each.state is StepState.RUNNING}
        self._take(move(self.run, Facts(self.now, figures, sent)))

    def does(self, verb: str, by: str = "lea", **more: Any) -> None:
        """Somebody acts."""
        self.now += MINUTE
        names = {"lea": {"lea", "community-manager"}, "marc": {"marc", "head-of-communication"}}[by]
        self._take(act(self.run, Act(verb, by, self.now, names, **more)))

    def carries_out(self, step: str) -> None:
        """A person does what is theirs in a step that is ready."""
        written = self.plan.step(step)
        if isinstance(written, ChecklistStep):
            for item in range(len(written.items)):
                self.does("check", step=step, item=item)
            return
        if isinstance(written, StatementStep) and written.approval is not None:
            self.does("approve", "marc", step=step)
        self.does("done", step=step)

    def ready(self) -> list[str]:
        """The steps that wait for a person."""
        return [each.step for each in self.run.steps if each.state in {StepState.READY, StepState.OVERDUE}]

    def to_its_end(self) -> None:
        """From the first alert to the signature."""
        self.passes()
        self.does("confirm")
        self.passes()
        while waiting := self.ready():
            self.carries_out(waiting[0])
            self.passes()
            self.passes()
        self.does("level", level=0, text="it is quiet again")
        self.passes(figures=CALM)
        self.passes(timedelta(days=1), CALM)
        self.does("stand_down", figures=CALM)
        if self.run.state is RunState.STOOD_DOWN:
            self.does("sign_off", "marc")

    def _take(self, moved: Moved) -> None:
        self.run = moved.run
        self.effects += moved.effects


each_mode = pytest.mark.parametrize("mode", ["confirm", "automatic"])
each_form = pytest.mark.parametrize("form", [str, ones_own], ids=["as-shipped", "ones-own"])


def in_mode(plan: Plan, mode: str) -> Plan:
    """The same plan, started otherwise."""
    return plan.model_copy(update={"activation": plan.activation.model_copy(update={"mode": mode})})


@each_plan
@each_mode
@each_form
def test_it_goes_from_the_first_alert_to_the_signature(id_: str, mode: str, form: Callable[[str], str]) -> None:
    """Every step is done by somebody, none is left over, and the words that need a yes have one."""
    walk = Walk(in_mode(read(form(TEXTS[id_])), mode))
    walk.to_its_end()
    assert walk.run.state is RunState.CLOSED
    assert [each.step for each in walk.run.steps if each.state is not StepState.DONE] == []
    spoken = [step for step in walk.plan.steps if isinstance(step, StatementStep) and step.approval]
    assert {walk.run.step(step.id).approved_by for step in spoken} == ({"marc"} if form is ones_own else set())


@each_plan
@each_mode
def test_the_holding_statement_is_ready_at_once(id_: str, mode: str) -> None:
    """Before anybody has confirmed anything, and it is late after twenty minutes."""
    walk = Walk(in_mode(read(TEXTS[id_]), mode))
    walk.passes()
    hold = walk.run.step("hold")
    assert hold.state is StepState.READY
    assert hold.deadline_at == START + timedelta(minutes=20)
    assert "inside" in walk.ready()


@each_plan
def test_a_situation_report_goes_out_every_two_hours(id_: str) -> None:
    """Also when nobody does anything else; none while nobody has confirmed."""
    walk = Walk(read(TEXTS[id_]))
    walk.passes()
    assert reports(walk) == 0
    walk.does("confirm")
    walk.passes()
    for _ in range(8 * 12):
        walk.passes(5 * MINUTE)
    assert reports(walk) == 5
    situation = walk.plan.step("situation")
    assert isinstance(situation, NotifyStep)


def reports(walk: Walk) -> int:
    """How many situation reports were sent."""
    return sum(isinstance(each, Tell) and each.step == "situation" and each.why == "step" for each in walk.effects)


@each_plan
def test_silence_reaches_everybody_at_last(id_: str) -> None:
    """Nobody takes it: whoever the plan names is told, and the ladder has an end."""
    walk = Walk(read(TEXTS[id_]))
    for _ in range(4 * 12):
        walk.passes(5 * MINUTE)
    told = [each.to for each in walk.effects if isinstance(each, Tell) and each.why == "untaken"]
    assert {*told[-1]} == {"default", "ops"}
    assert 5 < len(told) < 10


@each_plan
def test_a_false_alarm_ends_it_at_once(id_: str) -> None:
    """A minute after it opened, and the queue goes on."""
    walk = Walk(in_mode(read(ones_own(TEXTS[id_])), "automatic"))
    walk.passes()
    walk.passes()
    walk.does("false_alarm", text="an old story")
    assert walk.run.state is RunState.CLOSED
    undone = [each.to for each in walk.effects if isinstance(each, Tell) and each.why == "undo"]
    assert undone == [("publishing-queue-resume",)]
