"""Any plan, any people, messages that arrive or never do, clocks that jump, restarts at any moment: what holds for all that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.domain.plan import (
    EventKind,
    Language,
    NotifyStep,
    Plan,
    PlanRun,
    RunState,
    StatementStep,
    StepState,
    WaitStep,
    WebhookStep,
)
from monitor.plans import VERBS, Act, Effect, Facts, Note, RefusedError, Tell, Why, act, beginning_again, move, reopened
from monitor.plans.moving import SUSTAINED
from monitor.plans.steps import is_automatic
from rules.figures import Figures
from tests.monitor.plans.walking import CONTACTS, OPENED, ROLES, minutes, opened, plan, restored

_NAMES = ("cm", "head", "legal", "board", "ana")
_PUBLISHING = "site"
_DURATIONS = st.sampled_from(["30s", "5m", "15m", "1h", "7h", "1d"])
_NAME = st.sampled_from(_NAMES)
_SOME = st.lists(_NAME, min_size=1, max_size=2, unique=True)
_SEEN: list[dict[str, Any]] = [
    {"mentions": {"gte": 10}},
    {"mentions": {"gte": 100}},
    {"firing": True},
    {"not": {"scored": {"lt": 3}}},
]
_WHEN = st.sampled_from([*_SEEN, {"level": {"gte": 2}}])
_FIGURES = st.builds(
    Figures,
    firing=st.sampled_from([None, True, False]),
    mentions=st.sampled_from([None, 0, 10, 50, 100]),
    scored=st.sampled_from([None, 1, 30]),
)


_NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})


_PEOPLE = st.sampled_from(["eve", "eve", *ROLES, "root@host"])  # eve may do most
_SORRY: list[Mapping[Language, str]] = [{"en": "We are sorry."}, {"fr": "Pardon.", "en": "Sorry."}]
_WORDS = st.sampled_from(_SORRY)


def _some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these settings."""
    return st.fixed_dictionaries({}, optional=optional)


def _also(
    first: st.SearchStrategy[dict[str, Any]], second: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda one, other: {**one, **other}, first, second)


def _kind(action: str, more: st.SearchStrategy[dict[str, Any]] = _NOTHING, **fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    plain = _some(role=_NAME, deadline=_DURATIONS, on_failure=st.sampled_from(["continue", "escalate"]))
    held = _some(min_level=st.integers(0, 3), when=_WHEN)
    shared = st.one_of(plain, plain, _also(plain, held))  # what is held back too often shows nothing
    return _also(shared, _also(st.just({"action": action, **fixed}), more))


_UNDO = _also(st.just({"receiver": "queue-resume"}), _some(approval=_SOME))
_APPROVAL = _also(
    st.builds(lambda role: {"role": role}, _SOME), _some(within=_DURATIONS, on_timeout=st.sampled_from(["wait", "escalate"]))
)
_STEP = st.one_of(
    _kind("notify", _some(auto=st.booleans()), receiver=["support", "board"]),
    _kind("notify", st.builds(lambda every: {"every": every}, _DURATIONS), receiver=["support", "board"]),
    _kind("webhook", _some(undo=_UNDO, auto=st.booleans()), receiver="queue"),
    _kind("capture", _some(auto=st.booleans())),
    _kind("checklist", items=[{"en": "one"}, {"en": "two"}]),
    _kind("assign", to="head"),
    _kind("wait", st.builds(lambda lasting: {"for": lasting}, _DURATIONS)),
    _kind("condition", st.builds(lambda when: {"when": when}, _WHEN)),
    _kind("statement", _some(approval=_APPROVAL), statement="holding"),
)
_PUBLISHED = _kind(
    "statement", st.builds(lambda approval: {"approval": approval}, _APPROVAL), statement="holding", publish=_PUBLISHING
)
_LEVEL = _some(ack_within=_DURATIONS, approver=_NAME, when=st.sampled_from(_SEEN))
_RUNG = _also(
    st.builds(lambda at, notify: {"at": at, "notify": notify}, st.sampled_from([0, 0.5, 1, 2]), _SOME),
    _some(unless=st.just("acknowledged"), by=st.sampled_from([["email"], ["sms", "push"]])),
)
_AGAIN = _also(
    st.builds(lambda at: {"repeat_from": at}, st.integers(0, 3)),
    _some(every=_DURATIONS, max=st.integers(1, 3), then=st.just("everyone")),
)
_PARTS = _some(
    severity=st.lists(_LEVEL, min_size=1, max_size=3).map(
        lambda levels: [{"level": 3 - n, "name": {"en": "x"}, **each} for n, each in enumerate(levels)]
    ),
    deescalate=st.builds(
        lambda below, lasting, by: {"below_level": below, "for": lasting, "by": by},
        st.integers(1, 3),
        _DURATIONS,
        st.sampled_from(["human", "rule"]),
    ),
    escalation=st.builds(lambda rungs, again: [*rungs, *again], st.lists(_RUNG, max_size=3), st.lists(_AGAIN, max_size=1)),
    closure=_some(when=_WHEN, sign_off=_NAME, **{"for": _DURATIONS}),
    after_action=_some(owner=_NAME, due=_DURATIONS),
    statements=_some(status=st.just("approved"), approved_by=_NAME, expires=st.just("2026-01-31")).map(
        lambda more: [{"id": "holding", "text": {"en": "We are looking into it.", "fr": "Nous regardons."}, **more}]
    ),
    remind_every=_DURATIONS,
    notify=_SOME,
)


_MODE = st.sampled_from(["automatic", "automatic", "confirm", "confirm", "manual", "observe"])
_ACTIVATION = _also(
    st.builds(lambda mode: {"mode": mode}, _MODE),
    _some(confirm_within=_DURATIONS, on_timeout=st.sampled_from(["activate", "escalate"])),
)


@st.composite
def _plans(draw: st.DrawFn) -> Plan:
    """Any plan that a file may hold, one that publishes: each step may need any of those before it."""
    steps: list[dict[str, Any]] = []
    for n, step in enumerate([draw(_PUBLISHED), *draw(st.lists(_STEP, min_size=2, max_size=5))]):
        needs = draw(st.lists(st.sampled_from([each["id"] for each in steps]), max_size=1)) if steps else []
        steps.append({**step, "id": f"step-{n}", "needs": needs})
    return plan(*draw(st.permutations(steps)), activation=draw(_ACTIVATION), **draw(_PARTS))


class Runs(RuleBasedStateMachine):
    """One run, from its opening on. Every change goes through `_keep`, which holds what must hold of it."""

    @initialize(asked=_plans(), figures=_FIGURES)
    def open(self, asked: Plan, figures: Figures) -> None:
        """It is opened, and looked at for the first time."""
        self.plan, self.figures, self.now = asked, figures, OPENED
        self.run: PlanRun = opened(asked)
        self.told: set[tuple[Why, str | None, int, str]] = set()
        self.approved: dict[str, tuple[set[str], str | None, str]] = {}
        self._move()

    @rule(after=st.sampled_from([0.1, 1, 10, 60, 600, 3600, 86400, 10 * 86400]))
    def wait(self, after: float) -> None:
        """Somebody looks after a moment, or after days of downtime."""
        self.now += timedelta(seconds=after)
        self._move()

    @precondition(lambda self: self.run.wake_at is not None)
    @rule()
    def wake(self) -> None:
        """Somebody looks exactly when the run asked for it."""
        assert self.run.wake_at is not None
        self.now = self.run.wake_at
        self._move()

    @rule(back=st.sampled_from([1, 60, 3600, 86400]))
    def set_back(self, back: int) -> None:
        """The clock was wrong, or is now."""
        self.now -= timedelta(seconds=back)
        self._move()

    @rule(figures=_FIGURES)
    def stir(self, figures: Figures) -> None:
        """The figures change."""
        self.figures = figures
        self._move()

    @precondition(lambda self: not self.run.open)
    @rule(state=st.sampled_from([RunState.RUNNING, RunState.AWAITING_CONFIRMATION]))
    def reopen(self, state: RunState) -> None:
        """The crisis comes back: what was taken back may be sent anew, and nothing else of what was sent."""
        again = {*beginning_again(self.run)}
        self.told = {key for key in self.told if key[0] is Why.STEP and key[1] not in again}
        before, observed = self.run, self.plan.activation.mode == "observe"
        after = reopened(before, self.now, state=RunState.OBSERVING if observed else state)
        for step in before.steps:
            assert after.step(step.step) == step or step.step in again or not step.ended
        self.run = restored(replace(after, version=before.version + 1))
        self._move()

    @rule(verb=st.sampled_from(sorted(VERBS)), by=_PEOPLE, data=st.data())
    def do(self, verb: str, by: str, data: st.DataObject) -> None:
        """Somebody does something, possible or not."""
        step = data.draw(st.sampled_from([*(each.id for each in self.plan.steps), None]))
        words = data.draw(st.one_of(st.none(), _WORDS))
        self._act(
            self._done(verb, by, step=step, words=words),
            item=data.draw(st.sampled_from([0, 1, 2, None])),
            to=data.draw(st.sampled_from([*_NAMES, None])),
            level=data.draw(st.sampled_from([0, 1, 2, 3, None])),
            text=data.draw(st.sampled_from(["because", None])),
        )

    @precondition(lambda self: self._worded())
    @rule(verb=st.sampled_from(["edit", "edit", "approve", "approve", "reject"]), by=_PEOPLE, words=_WORDS, data=st.data())
    def word(self, verb: str, by: str, words: Mapping[Language, str], data: st.DataObject) -> None:
        """Somebody changes words, or says yes or no to them, entitled or not."""
        step = data.draw(st.sampled_from(self._worded()))
        read = data.draw(st.sampled_from([self._fingerprint(step), self._fingerprint(step), "00000000", None]))
        self._act(self._done(verb, by, step=step, words=words), text="because", fingerprint=read)

    def _fingerprint(self, step: str) -> str:
        asked = self.plan.step(step)
        assert isinstance(asked, StatementStep)
        return self.run.fingerprint(asked)

    def _worded(self) -> Sequence[str]:
        open_ = [each for each in self.plan.steps if isinstance(each, StatementStep) and not self.run.step(each.id).ended]
        return [each.id for each in open_] if self.run.open else []

    def _done(self, verb: str, by: str, *, step: str | None, words: Mapping[Language, str] | None) -> Act:
        names = (by, *ROLES[by]) if by in ROLES else ()
        return Act(verb, by, self.now, names=names, contacts=CONTACTS, step=step, words=words, figures=self.figures)

    def _act(self, done: Act, **more: Any) -> None:
        done = replace(done, **more)
        with suppress(RefusedError):
            moved = act(self.run, done)
            if moved.effects:
                self._is_right(done)
            self._keep(moved.run, moved.effects)
        self._move()

    def _is_right(self, done: Act) -> None:
        """What somebody did, and was not refused: nobody uses words without the yes they need, or ends without calm or a word."""
        step = self.plan.step(done.step or "")
        if done.verb == "approve" and isinstance(step, StatementStep):
            self.approved[step.id] = ({done.by, *done.names}, self.run.step(step.id).edited_by, self.run.fingerprint(step))
            assert done.fingerprint == self.run.fingerprint(step) or self.run.step(step.id).words is None
        if done.verb == "done" and isinstance(step, StatementStep) and self._needs_a_yes(step):
            names, editor, words = self.approved[step.id]
            assert editor not in names
            assert words == self.run.fingerprint(step)
        closure = self.plan.closure
        if done.verb == "stand_down" and closure.when is not None and not done.text:
            assert self.run.calm_since is not None
            assert self.now - self.run.calm_since >= closure.for_

    def _needs_a_yes(self, step: StatementStep) -> bool:
        prepared = self.plan.statement(step.statement)
        expired = prepared is not None and prepared.expires is not None and prepared.expires < self.now.date()
        return step.approval is not None or self.run.step(step.id).edited_by is not None or expired

    @precondition(lambda self: self._under_way())
    @rule(ended=st.sampled_from([StepState.DONE, StepState.FAILED]), data=st.data())
    def arrive(self, ended: StepState, data: st.DataObject) -> None:
        """The messages of a step end, well or not."""
        self._move({data.draw(st.sampled_from(self._under_way())): (ended, "cm: said")})

    def _under_way(self) -> Sequence[str]:
        sent = (NotifyStep, WebhookStep, StatementStep)
        return [
            each.id for each in self.plan.steps if isinstance(each, sent) and self.run.step(each.id).state is StepState.RUNNING
        ]

    def _move(self, delivered: Mapping[str, tuple[StepState, str]] | None = None) -> None:
        before, moved = self.run, move(self.run, Facts(self.now, self.figures, delivered or {}))
        if before.lowered_from is not None and (moved.run.level or 0) > (before.level or 0):
            assert before.outside_since is not None, "no flapping overrules a person"
            assert self.now - before.outside_since >= SUSTAINED
        self._keep(moved.run, moved.effects)

    def _keep(self, after: PlanRun, effects: Sequence[Effect]) -> None:
        """Store it, as plain data."""
        before = self.run
        assert before.open or _asks_for_its_report(before, after, effects), "a closed run asks for its report, and nothing more"
        _each_change_is_noted(before, after, effects)
        self._tell_nothing_twice([each for each in effects if isinstance(each, Tell)])
        if before.state is RunState.OBSERVING:
            assert {type(each) for each in effects} <= {Note}, "what is only observed tells nobody"
        self.run = restored(replace(after, version=before.version + 1) if after != before or effects else after)

    def _tell_nothing_twice(self, told: Sequence[Tell]) -> None:
        for tell in told:
            assert tell.to, "somebody is told"
            keys = {(tell.why, tell.step, tell.times, name) for name in tell.to}
            assert not keys & self.told
            self.told |= keys
            if _PUBLISHING in tell.to:
                self._is_approved(tell)

    def _is_approved(self, tell: Tell) -> None:
        """By somebody whom the plan names, and who did not change the words."""
        assert tell.step is not None
        step = self.plan.step(tell.step)
        assert isinstance(step, StatementStep)
        assert step.approval is not None
        names, editor, words = self.approved[tell.step]
        level = self.plan.level(self.run.level)
        allowed = {*step.approval.role, level.approver if level is not None else None}
        assert allowed & names
        assert editor not in names
        assert words == self.run.fingerprint(step), "what goes out is what was read"

    @invariant()
    def a_second_look_finds_nothing(self) -> None:
        """Nothing is done twice at one moment."""
        if hasattr(self, "run"):
            again = move(self.run, Facts(self.now, self.figures))
            assert (again.run, tuple(again.effects)) == (self.run, ())

    @invariant()
    def nothing_changes_before_it_is_time_to_look(self) -> None:
        """`wake_at` is honest: until then time brings nothing about."""
        if not hasattr(self, "run"):
            return
        until = self.run.wake_at or self.now + timedelta(days=30)
        assert until > self.now, "no run is looked at again and again without need"
        for moment in (self.now + (until - self.now) / 2, until - timedelta(microseconds=1)):
            later = move(self.run, Facts(moment, self.figures))
            assert not later.effects
            assert replace(later.run, wake_at=None) == replace(self.run, wake_at=None)

    @invariant()
    def somebody_has_it(self) -> None:
        """An open run has a next moment, unless it only waits for a person to begin it, or nobody is to hear of it."""
        if not hasattr(self, "run") or not self.run.open or self.run.wake_at is not None:
            return
        waits = self.run.state is RunState.AWAITING_CONFIRMATION and self.plan.activation.mode == "manual"
        assert self.run.state is RunState.OBSERVING or (waits and self.run.acknowledged_at is None)


def _asks_for_its_report(before: PlanRun, after: PlanRun, effects: Sequence[Effect]) -> bool:
    """Its author is told, and the run looks up when it is time to tell them again; all else stays as it was."""
    told = {each.why if isinstance(each, Tell) else getattr(each, "kind", "") for each in effects}
    same = replace(after, wake_at=before.wake_at, touched_at=before.touched_at) == before
    return same and told <= {Why.UNSIGNED, EventKind.REPORT_OVERDUE}


def _each_change_is_noted(before: PlanRun, after: PlanRun, effects: Sequence[Effect]) -> None:
    """That a step waits for people stands in the step; every other change of state is an event of its own."""
    noted = {each.detail.get("step") for each in effects if isinstance(each, Note)}
    for step in after.steps:
        was = before.step(step.step).state
        if was is not step.state and (was, step.state) != (StepState.WAITING, StepState.READY):
            assert step.step in noted
    if after.state is not before.state or after.level != before.level:
        assert any(isinstance(each, Note) for each in effects)


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@settings(deadline=None)
@given(asked=_plans(), figures=_FIGURES, lasting=st.sampled_from([10, 60, 150, 600, 1500]))
def test_looking_often_or_once_comes_to_the_same(asked: Plan, figures: Figures, lasting: int) -> None:
    """Each step stands where it would stand had somebody looked at every moment; and what was late is said once.

    But nobody is late with what had to wait for us: we did our part when we looked.
    """
    end = OPENED + minutes(lasting)
    often, told = _looked_at(asked, figures, lambda run: min(run.wake_at or end, end), end)
    once, late = _looked_at(asked, figures, lambda _: end, end)
    after_us = _after_us(asked)
    for late_look, each in zip(once.steps, often.steps, strict=True):
        waited = each.step in after_us and each.state is StepState.OVERDUE
        assert late_look.state in ({StepState.READY, StepState.OVERDUE} if waited else {each.state})
    assert {(tell.why, tell.step) for tell in late} - {(Why.LEVEL, None)} <= {(tell.why, tell.step) for tell in told}
    assert len(late) <= len(told)


def _after_us(asked: Plan) -> set[str]:
    """The steps that wait, in however many turns, for one that ends when Tocsin carries it out."""
    found: set[str] = set()
    for step in asked.steps:
        needed = [each for each in asked.steps if each.id in step.needs]
        if any(each.id in found or (is_automatic(each) and not isinstance(each, WaitStep)) for each in needed):
            found.add(step.id)
    return found


def _looked_at(
    asked: Plan, figures: Figures, following: Callable[[PlanRun], datetime], end: datetime
) -> tuple[PlanRun, Sequence[Tell]]:
    """The run at its end, looked at when it is opened and at each following moment, and all that was told."""
    run, now, told = opened(asked), OPENED, []
    while True:
        moved = move(run, Facts(now, figures))
        run = replace(moved.run, version=run.version + 1)
        told += [each for each in moved.effects if isinstance(each, Tell)]
        if now >= end:
            return run, told
        now = following(run)


@given(asked=_plans())
def test_a_plan_reads_back_as_it_was_opened(asked: Plan) -> None:
    """The snapshot of a run is the whole plan, its conditions too, in plain data."""
    assert restored(opened(asked)).definition == asked
