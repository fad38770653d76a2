"""What a plan needs of people and of the calendar: told as a fault where somebody would wait for ever, else as a warning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitor.settings import check, shipped

Write = Callable[[Mapping[str, str]], Path]
TODAY = date(2026, 3, 10)
RULES = "version: 1\nrules: [{id: complaint, kind: mention, where: {text: {any_of: [broken]}}, exempt: true}]\n"
PEOPLE = """\
people:
  lea: {name: Léa, email: lea@example.org}
  marc: {name: Marc, receivers: phone}
  sam: {name: Sam, receivers: []}
roles:
  direction: sam
"""
PLAN = """\
version: 1
plan:
  id: storm
  title: {fr: Tempête, en: Storm}
  reviewed_on: 2026-03-01
  notify: [lea]
  steps:
    - {id: hold, action: statement, statement: holding}
  statements:
    - {id: holding, status: approved, text: {fr: Nous vérifions., en: We are looking into it.}}
"""


@pytest.fixture
def told(write: Write, watched: str) -> Callable[..., list[tuple[str, str]]]:
    """The problems (first) and warnings of a plan with these changes: the setting, and what is said of it."""
    monitor = watched.replace("receivers:\n", "receivers:\n  phone: {kind: apprise, urls: ntfys://ntfy.sh/x}\n")

    def _told(*changes: tuple[str, str], more: str = "") -> list[tuple[str, str]]:
        text = PLAN
        for old, new in changes:
            text = text.replace(old, new)
        files = {"monitor.yaml": monitor, "contacts.yaml": PEOPLE, "rules/a.yaml": RULES, "plans/storm.yaml": text + more}
        report = check(write(files), environ={}, today=TODAY)
        return [(each.field, each.what) for each in (*report.problems, *report.warnings)]

    return _told


Told = Callable[..., list[tuple[str, str]]]


def test_a_plan_whose_people_are_there_and_that_was_read_lately_is_fine(told: Told) -> None:
    """Nothing to say."""
    assert told() == []


@pytest.mark.parametrize("name", ["sam", "direction"])
def test_whom_the_plan_waits_for_can_be_told(told: Told, name: str) -> None:
    """A person without contact is a fault, and so is a role that only such a person has."""
    assert told(more=f"  closure: {{sign_off: {name}}}\n") == [
        ("plan.closure.sign_off", f"`{name}` cannot be told anything: the plan would wait for somebody who hears nothing of it.")
    ]


def test_somebody_is_behind_whoever_is_told(told: Told) -> None:
    """One of several is enough: the others may come later."""
    assert told(("notify: [lea]", "notify: [lea, sam]")) == []
    assert told(("notify: [lea]", "notify: [sam, direction]")) == [
        ("plan.notify", "this reaches nobody: there is no receiver behind `direction` or `sam`.")
    ]


def test_where_nobody_is_told_anything_yet_the_plan_is_no_fault(write: Write) -> None:
    """`tocsin init` may come before the first receiver; that there is none is said once."""
    folder = write(
        {"monitor.yaml": "version: 1\nsubjects: {acme: [Acme]}\n", "plans/storm.yaml": PLAN.replace("[lea]", "[default]")}
    )
    assert check(folder, environ={}, today=TODAY).problems == ()


LADDER = """\
  escalation:
    - {at: 0, notify: lea}
    - {at: 1, notify: [lea, marc]}
  severity: [{level: 1, name: {fr: alerte}, ack_within: 15m}]
"""


def test_a_rung_in_a_hurry_must_ring(told: Told) -> None:
    """A telephone beside the mail is enough."""
    assert [field for field, _ in told(more=LADDER)] == ["plan.escalation[0].notify"]
    assert told(more=LADDER.replace("notify: lea}", "notify: marc}")) == []


@pytest.mark.parametrize(("within", "warns"), [("30m", True), ("31m", False)])
def test_a_rung_without_hurry_may_be_a_mail(told: Told, within: str, *, warns: bool) -> None:
    """Half an hour is the line."""
    assert bool(told(more=LADDER.replace("15m", within))) is warns


def test_a_rung_has_the_channels_that_it_names(told: Told) -> None:
    """A telephone through Apprise may be any of three; Léa has mail alone."""
    assert told(more="  escalation: [{at: 0, notify: marc, by: sms}]\n") == []
    assert told(more="  escalation: [{at: 0, notify: lea, by: [sms, push]}]\n") == [
        ("plan.escalation[0].by", "nobody whom this rung names has `push` or `sms`.")
    ]


def test_a_statement_is_in_a_language_that_somebody_reads(told: Told) -> None:
    """One of several languages is enough; here all read English."""
    assert told(("fr: Nous vérifions., ", "")) == []
    assert [field for field, _ in told((", en: We are looking into it.", ""))] == ["plan.statements[0].text"]


def test_a_draft_is_warned_of_where_nobody_would_be_asked(told: Told) -> None:
    """A step that asks for an approval may use one."""
    draft = ("status: approved, ", "")
    assert [field for field, _ in told(draft)] == ["plan.steps[0].statement"]
    assert told(draft, ("statement: holding}", "statement: holding, approval: {role: lea}}")) == []


@pytest.mark.parametrize(("days", "warns"), [(180, False), (181, True)])
def test_a_review_is_due_the_day_after_its_time(told: Told, days: int, *, warns: bool) -> None:
    """On the day itself nobody is reminded."""
    reviewed = TODAY - timedelta(days=days)
    assert bool(told(("2026-03-01", str(reviewed)))) is warns


def test_a_plan_that_nobody_has_read_is_warned_of(told: Told) -> None:
    """Its day is missing."""
    assert told(("  reviewed_on: 2026-03-01\n", "")) == [
        ("plan.reviewed_on", "nobody has noted that they read this plan through.")
    ]


@pytest.mark.parametrize(("expires", "said"), [("2026-03-09", "expired on"), ("2026-03-24", "expires on"), ("2026-03-25", "")])
def test_words_are_warned_of_before_their_last_day(told: Told, expires: str, said: str) -> None:
    """A fortnight before, and after it."""
    warned = told(("status: approved", f"expires: {expires}, status: approved"))
    assert [what for _, what in warned] == (
        [f"the statement `holding` {said} {expires}: a run then asks for a new yes before it is used."] if said else []
    )


def test_a_drill_that_is_late_is_warned_of_where_the_store_can_tell(write: Write, watched: str) -> None:
    """Counted from the last one that ended; without a store nothing is said."""
    drilled = PLAN.replace("[lea]", "[default]") + "  drill: {every: 3d}\n"
    folder = write({"monitor.yaml": watched, "rules/a.yaml": RULES, "plans/storm.yaml": drilled})
    assert check(folder, environ={}, today=TODAY).warnings == ()
    (late,) = check(folder, environ={}, today=TODAY, last_drills=lambda _: {"storm": date(2026, 3, 6)}).warnings
    assert (late.field, late.what) == ("plan.drill.every", "the drill is due since 2026-03-09: the last one was on 2026-03-06.")
    assert late.fix == "Hold it: `tocsin plan drill storm`."
    (never,) = check(folder, environ={}, today=TODAY, last_drills=lambda _: {}).warnings
    assert never.what.endswith("nobody has held one yet.")
    assert check(folder, environ={}, today=TODAY, last_drills=lambda _: {"storm": TODAY}).warnings == ()


def test_the_shipped_plans_are_not_reviewed_for_their_readers(write: Write, watched: str) -> None:
    """They lie ready; a copy in one's own folder is one's own."""
    folder = write({"monitor.yaml": watched, "rules/a.yaml": RULES})
    assert check(folder, environ={}, today=date(2036, 1, 1)).warnings == ()
    (folder / "plans").mkdir()
    for plan in (shipped() / "plans").glob("*.yaml"):
        (folder / "plans" / plan.name).write_text(plan.read_text("utf-8"), "utf-8")
    assert "plan.reviewed_on" in {each.field for each in check(folder, environ={}, today=date(2036, 1, 1)).warnings}
