"""What people do in a plan run: each act is one change and one event, or is refused in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.domain.plan import EventKind, RunState, StepState
from monitor.plans import Note, RefusedError, Tell, Why
from rules.figures import Figures
from tests.monitor.plans.walking import OPENED, Walk, minutes, plan

_AUTOMATIC = {"mode": "automatic"}
_LADDER = [{"at": 0, "notify": "cm"}, {"at": 1, "notify": "head", "unless": "acknowledged"}]
_SUPPORT = {"id": "support", "action": "notify", "receiver": "support"}
_PAUSE = {"id": "pause", "action": "webhook", "receiver": "queue", "undo": {"receiver": "queue-resume"}}
_GUARDED = {**_PAUSE, "undo": {"receiver": "queue-resume", "approval": ["head", "legal"]}}
_HOLD = {"id": "hold", "action": "statement", "statement": "holding"}
_ANSWER = {**_HOLD, "id": "answer", "approval": {"role": "legal", "within": "20m"}}
_PUBLISH = {**_ANSWER, "publish": "site"}


def _begun(*steps: dict[str, Any], **more: Any) -> Walk:
    walk = Walk(plan(*steps, **{"activation": _AUTOMATIC, **more}))
    walk.at(0)
    walk.effects.clear()
    return walk


# --- who has it ----------------------------------------------------------------------------------------------------------


def test_who_acknowledges_leads() -> None:
    """« Je prends en charge »: one event, and whoever comes second changes nothing."""
    walk = _begun()
    assert walk.act("acknowledge") == (Note(EventKind.PLAN_ACKNOWLEDGED),)
    assert not walk.act("acknowledge", "bob")
    assert (walk.run.acknowledged_by, walk.run.lead, walk.run.acknowledged_at) == ("ana", "ana", OPENED)


def test_who_is_no_contact_takes_it_and_leads_nothing() -> None:
    """No message reaches them: those of the plan go on being told."""
    walk = _begun()
    assert walk.act("acknowledge", "root@host") == (Note(EventKind.PLAN_ACKNOWLEDGED),)
    assert (walk.run.acknowledged_by, walk.run.lead) == ("root@host", None)
    walk.at(60)
    assert walk.whom(Why.QUIET) == [("cm",)]


def test_a_run_is_given_to_somebody() -> None:
    """Who is named hears of it; once."""
    walk = _begun()
    walk.act("assign", to="bob")
    assert not walk.act("assign", to="bob")
    walk.act("assign", to="eve")
    walk.act("assign", to="bob")
    assert walk.run.lead == "bob"
    assert walk.whom(Why.ASSIGNED) == [("bob",), ("eve",), ("bob",)]
    assert len({tell.times for tell in walk.told}) == 3


def test_a_run_is_given_to_contacts_alone() -> None:
    """A name that nobody has would lead a run of which nobody hears; a receiver leads nothing."""
    walk = _begun({"id": "facts"})
    for step in (None, "facts"):
        with pytest.raises(RefusedError, match=r"`heda` is no person or role of contacts\.yaml.*did you mean `head`"):
            walk.act("assign", to="heda", step=step)
    assert walk.run.lead is None


def test_a_step_is_given_to_somebody() -> None:
    """Theirs is the step, and not the run."""
    walk = _begun({"id": "facts"})
    walk.act("assign", step="facts", to="bob")
    assert not walk.act("assign", step="facts", to="bob")
    assert (walk.run.step("facts").owner, walk.run.lead) == ("bob", None)
    assert [(tell.to, tell.step) for tell in walk.told] == [(("bob",), "facts")]
    assert walk.noted == [Note(EventKind.STEP_ASSIGNED, {"step": "facts", "to": "bob"})]


def test_help_is_called_rung_by_rung() -> None:
    """The next rung is told now and not again at its time; after the last, everyone."""
    walk = _begun({"id": "facts", "role": "legal"}, escalation=_LADDER)
    walk.act("escalate")
    walk.act("escalate")
    walk.at(59)
    assert walk.whom(Why.ESCALATED) == [("head",), ("cm", "head", "legal")]
    assert not walk.whom(Why.UNTAKEN)


# --- whether and how gravely ---------------------------------------------------------------------------------------------


def test_who_confirms_has_taken_it() -> None:
    """Two events, once."""
    walk = Walk(plan(escalation=_LADDER))
    walk.at(0)
    walk.act("confirm")
    assert not walk.act("confirm", "bob")
    assert walk.kinds[-2:] == [EventKind.PLAN_CONFIRMED, EventKind.PLAN_ACKNOWLEDGED]
    assert (walk.run.state, walk.run.confirmed_by, walk.run.lead) == (RunState.RUNNING, "ana", "ana")


def test_confirming_what_somebody_else_has_taken_takes_it_from_nobody() -> None:
    """One event."""
    walk = Walk(plan())
    walk.at(0)
    walk.act("acknowledge", "bob")
    assert walk.act("confirm") == (Note(EventKind.PLAN_CONFIRMED),)
    assert walk.run.lead == "bob"


def test_a_crisis_that_was_stood_down_too_soon_goes_on() -> None:
    """Before somebody signs, a confirmation says that it is none of the past."""
    walk = _begun(closure={"sign_off": "head"})
    walk.act("stand_down")
    walk.act("confirm", "bob")
    assert (walk.run.state, walk.run.stood_down_by) == (RunState.RUNNING, None)


def test_a_person_sets_the_level_and_says_why() -> None:
    """Those of the plan hear of it, and who approves there; graver, the ladder begins anew."""
    severity = [
        {"level": 2, "name": {"en": "alert"}, "approver": "head", "when": {"firing": True}},
        {"level": 1, "name": {"en": "x"}},
    ]
    walk = Walk(plan(severity=severity, escalation=_LADDER), Figures(firing=False))
    walk.at(0)
    with pytest.raises(RefusedError, match="say why the level changes"):
        walk.act("level", level=2)
    walk.act("level", level=2, text="a minister has called")
    assert not walk.act("level", level=2, text="a minister has called")
    walk.act("level", level=1, text="he has not")
    assert walk.whom(Why.LEVEL) == [("cm", "head"), ("cm",)]
    moved = {EventKind.LEVEL_RAISED, EventKind.LEVEL_LOWERED}
    assert [note.detail["level"] for note in walk.noted if note.kind in moved] == [2, 1]


def test_a_level_that_the_plan_does_not_know_is_refused() -> None:
    """With those that it knows."""
    walk = Walk(plan(severity=[{"level": 2, "name": {"en": "alert"}}]))
    with pytest.raises(RefusedError, match="plan storm has no level 3; known: 2"):
        walk.act("level", level=3, text="because")


# --- what is done --------------------------------------------------------------------------------------------------------


def test_a_list_is_ticked_item_by_item() -> None:
    """The last one ends the step; a second tick is no event."""
    walk = _begun({"id": "facts", "items": [{"en": "one"}, {"en": "two"}]})
    walk.act("check", step="facts", item=1)
    assert not walk.act("check", step="facts", item=1)
    assert walk.run.step("facts").checked == (1,)
    assert walk.act("check", step="facts", item=0) == (
        Note(EventKind.STEP_CHECKED, {"step": "facts", "item": 1}),
        Note(EventKind.STEP_DONE, {"step": "facts"}),
    )
    assert walk.state("facts") is StepState.DONE


@pytest.mark.parametrize("item", [None, -1, 1])
def test_an_item_that_no_list_has_is_refused(item: int | None) -> None:
    """Counted as people count."""
    with pytest.raises(RefusedError, match="has 1 items, from 1 to 1"):
        _begun({"id": "facts"}).act("check", step="facts", item=item)


def test_only_lists_are_ticked() -> None:
    """The other steps are done."""
    with pytest.raises(RefusedError, match="has no list to tick"):
        _begun(_HOLD).act("check", step="hold", item=0)


def test_a_step_is_done_once() -> None:
    """With who did it, or what they wrote."""
    walk = _begun({"id": "facts"}, {"id": "call"})
    walk.act("done", step="facts")
    assert not walk.act("done", step="facts")
    walk.act("done", step="call", text="they know")
    assert [walk.run.step(each).detail for each in ("facts", "call")] == ["by ana", "they know"]
    assert walk.noted[-1] == Note(EventKind.STEP_DONE, {"step": "call", "note": "they know"})


def test_a_late_step_can_still_be_done() -> None:
    """Overdue is no end."""
    walk = _begun({"id": "facts", "deadline": "5m"})
    walk.at(10)
    walk.act("done", step="facts")
    assert walk.state("facts") is StepState.DONE


def test_what_tocsin_does_people_do_once_it_has_failed() -> None:
    """By hand; before that it is under way."""
    walk = _begun(_SUPPORT)
    with pytest.raises(RefusedError, match="Tocsin carries out the step `support` itself"):
        walk.act("done", step="support")
    walk.arrives("support", StepState.FAILED)
    walk.act("done", step="support", text="I phoned them")
    assert walk.state("support") is StepState.DONE


def test_a_situation_report_that_a_person_gave_by_hand_goes_on() -> None:
    """Once was by hand; the next goes out at its time."""
    walk = _begun({**_SUPPORT, "every": "2h"})
    walk.arrives("support", StepState.FAILED)
    walk.act("done", step="support", text="I phoned them")
    walk.at(120)
    assert walk.whom(Why.STEP) == [("support",)]


def test_a_step_is_left_out_for_a_reason() -> None:
    """Waiting, ready, late or failed; not when it is done. Twice is once."""
    walk = _begun({"id": "facts"}, {"id": "call"}, _SUPPORT)
    with pytest.raises(RefusedError, match="say why the step is left out"):
        walk.act("skip", step="facts", text=" ")
    walk.act("skip", step="facts", text="we know already")
    assert not walk.act("skip", step="facts", text="we know already")
    walk.arrives("support", StepState.FAILED)
    walk.act("skip", step="support", text="they are here")
    walk.act("done", step="call")
    with pytest.raises(RefusedError, match="the step `call` is done already"):
        walk.act("skip", step="call", text="why not")
    assert (walk.state("facts"), walk.run.step("facts").detail) == (StepState.SKIPPED, "we know already")
    with pytest.raises(RefusedError, match="the step `facts` is skipped already"):
        walk.act("done", step="facts")


def test_a_step_that_the_plan_does_not_have_is_refused() -> None:
    """With the one that was probably meant."""
    with pytest.raises(RefusedError, match="plan storm has no step `fact`; did you mean `facts`"):
        _begun({"id": "facts"}).act("done", step="fact")


def test_something_is_noted() -> None:
    """It stands in the timeline, and is an act: nobody asks how it goes."""
    walk = _begun()
    assert walk.act("note", text=" calling the shop ") == (Note(EventKind.PLAN_NOTED, {"text": "calling the shop"}),)
    assert walk.run.touched_at == OPENED
    with pytest.raises(RefusedError, match="say what is to be noted"):
        walk.act("note")


# --- words, and who says yes to them -------------------------------------------------------------------------------------


def test_words_are_used_only_after_a_recorded_yes() -> None:
    """Nobody is done with words that wait; with the yes, who has the run can use them."""
    walk = _begun(_ANSWER)
    with pytest.raises(RefusedError, match="the words of `answer` are not approved yet: legal says yes or no first"):
        walk.act("done", step="answer")
    walk.act("acknowledge")
    walk.act("approve", "eve", step="answer")
    assert not walk.act("approve", "eve", step="answer")
    step = walk.run.step("answer")
    assert (step.approved_by, step.approved_at, step.approval_by, step.state) == ("eve", OPENED, None, StepState.READY)
    assert walk.whom(Why.APPROVED) == [("ana",)]
    walk.act("done", step="answer")
    assert walk.state("answer") is StepState.DONE


def test_a_yes_to_nobodys_words_tells_nobody() -> None:
    """The step has no owner, and the run nobody who leads it."""
    walk = _begun(_ANSWER)
    noted = Note(EventKind.STEP_APPROVED, {"step": "answer", "words": walk.words("answer")})
    assert walk.act("approve", "eve", step="answer") == (noted,)


def test_words_that_need_no_yes_are_used_at_once() -> None:
    """Approved in advance and unchanged: the confirmation of whoever does the step is the record."""
    walk = _begun(_HOLD)
    with pytest.raises(RefusedError, match="the step `hold` needs nobody's approval"):
        walk.act("approve", "eve", step="hold")
    walk.act("done", step="hold")
    assert walk.state("hold") is StepState.DONE


def test_words_go_out_with_the_yes_and_not_before() -> None:
    """Once, however often somebody says it."""
    walk = _begun(_PUBLISH)
    walk.at(600)
    assert not walk.whom(Why.STEP)
    walk.act("approve", "eve", step="answer")
    assert not walk.act("approve", "eve", step="answer")
    assert walk.whom(Why.STEP) == [("site",)]
    assert walk.state("answer") is StepState.RUNNING
    walk.arrives("answer")
    assert walk.state("answer") is StepState.DONE


def test_only_who_is_named_says_yes() -> None:
    """The step's people, and the approver of the level; and nobody who only has the run."""
    severity = [{"level": 1, "name": {"en": "alert"}, "approver": "head"}]
    walk = _begun(_ANSWER, severity=severity)
    with pytest.raises(RefusedError, match="tom may not approve `answer`: that is for legal or head"):
        walk.act("approve", "tom", step="answer")
    walk.act("approve", "bob", step="answer")
    assert walk.run.step("answer").approved_by == "bob"


def test_nothing_is_approved_before_its_time_or_after() -> None:
    """Words whose step has not begun, or is over."""
    walk = _begun({"id": "facts"}, {**_ANSWER, "needs": "facts"})
    with pytest.raises(RefusedError, match="the step `answer` is waiting: there is nothing to approve in it"):
        walk.act("approve", "eve", step="answer")
    walk.act("skip", step="answer", text="no words")
    with pytest.raises(RefusedError, match="the step `answer` is skipped"):
        walk.act("approve", "eve", step="answer")


def test_two_people_where_words_were_changed() -> None:
    """Who changed them does not approve them, whatever their roles; somebody else does."""
    walk = _begun(_PUBLISH, severity=[{"level": 1, "name": {"en": "alert"}, "approver": "head"}])
    walk.act("edit", "eve", step="answer", words={"en": "We are sorry."})
    with pytest.raises(RefusedError, match="you changed the words of `answer`: somebody else of legal or head approves them"):
        walk.approve("answer", "eve")
    walk.approve("answer", "bob")
    assert walk.whom(Why.STEP) == [("site",)]


def test_words_that_change_lose_their_yes() -> None:
    """They are asked for anew, and waited for as long as the first time."""
    walk = _begun(_ANSWER)
    walk.act("approve", "eve", step="answer")
    walk.at(30)
    walk.act("edit", "ana", step="answer", words={"en": "We are sorry."})
    step = walk.run.step("answer")
    assert (step.approved_at, step.approved_by, step.approval_by) == (None, None, OPENED + minutes(50))
    assert walk.whom(Why.APPROVAL) == [("legal",)]
    walk.at(50)
    assert walk.kinds[-1] == EventKind.STEP_UNAPPROVED
    assert len({tell.times for tell in walk.told if tell.why is Why.APPROVAL}) == 2


def test_nobody_approves_their_own_words_because_somebody_changed_others() -> None:
    """Whoever changes words that wait for a yes writes all of those that were changed, or has them approved first."""
    walk = _begun(_ANSWER)
    walk.act("edit", "eve", step="answer", words={"fr": "Pardon."})
    with pytest.raises(RefusedError, match="eve changed `answer` in fr, and nobody has approved that yet"):
        walk.act("edit", "ana", step="answer", words={"en": "We are sorry."})
    walk.act("edit", "eve", step="answer", words={"en": "We are sorry."})
    walk.act("edit", "ana", step="answer", words={"fr": "Pardon.", "en": "Sorry."})
    walk.approve("answer")
    walk.act("edit", "eve", step="answer", words={"fr": "Désolés."})
    assert walk.run.step("answer").words == {"fr": "Désolés.", "en": "Sorry."}


def test_words_are_changed_before_they_are_asked_for() -> None:
    """Nobody is asked about a step that has not begun; they are when it does."""
    walk = _begun({"id": "facts"}, {**_ANSWER, "needs": "facts"})
    walk.act("edit", step="answer", words={"en": "We are sorry."})
    assert not walk.told
    walk.act("done", step="facts")
    walk.at(1)
    assert walk.whom(Why.APPROVAL) == [("legal",)]


def test_words_that_were_approved_in_advance_and_changed_need_two_people() -> None:
    """Whoever changed them says no yes to themselves, and nobody uses them meanwhile, whatever the plan asks of the step."""
    severity = [{"level": 1, "name": {"en": "alert"}, "approver": "head"}]
    walk = _begun(_HOLD, severity=severity)
    noted, told = walk.act("edit", step="hold", words={"fr": "Pardon.", "en": "Sorry."})
    assert noted == Note(EventKind.STEP_EDITED, {"step": "hold", "languages": ["en", "fr"], "words": walk.words("hold")})
    assert told == Tell(("head",), Why.APPROVAL, "hold", times=1)
    with pytest.raises(RefusedError, match="the words of `hold` were changed by ana: head says yes or no first"):
        walk.act("done", step="hold")
    with pytest.raises(RefusedError, match="ana may not approve"):
        walk.approve("hold", "ana")
    walk.approve("hold", "bob")
    walk.act("done", step="hold")
    assert walk.state("hold") is StepState.DONE


def test_where_the_plan_names_nobody_a_second_person_approves_changed_words() -> None:
    """Any, but not whoever changed them; those of the plan are asked, and others in time."""
    walk = _begun(_HOLD, escalation=_LADDER)
    walk.act("edit", step="hold", words={"en": "Sorry."})
    with pytest.raises(RefusedError, match="you changed the words of `hold`: somebody else approves them"):
        walk.approve("hold", "ana")
    walk.at(30)
    assert walk.whom(Why.APPROVAL) == [("cm",), ("head",)]
    walk.approve("hold", "tom")
    walk.act("done", step="hold")
    assert walk.run.step("hold").approved_by == "tom"


def test_who_approved_the_words_and_changes_them_is_not_the_only_one_to_ask() -> None:
    """Else nobody could say yes."""
    walk = _begun(_HOLD, **_held("2027-01-01"))
    walk.act("edit", "eve", step="hold", words={"en": "Sorry."})
    assert walk.whom(Why.APPROVAL) == [("legal",)], "a role may have others"
    walk = _begun(_HOLD, **_held("2027-01-01", by="eve"))
    walk.act("edit", "eve", step="hold", words={"en": "Sorry."})
    assert walk.whom(Why.APPROVAL) == [("cm",)]
    with pytest.raises(RefusedError, match="you changed the words"):
        walk.approve("hold", "eve")
    walk.approve("hold", "tom")
    assert walk.run.step("hold").approved_by == "tom"


def test_words_changed_before_their_step_begins_are_asked_for_when_it_does() -> None:
    """Not only where the step is ready: an edit in calm minutes is no way around the second person."""
    walk = _begun({"id": "facts"}, {**_HOLD, "needs": "facts"})
    walk.act("edit", step="hold", words={"en": "Sorry."})
    walk.act("done", step="facts")
    walk.at(1)
    assert walk.whom(Why.APPROVAL) == [("cm",)]
    with pytest.raises(RefusedError, match="were changed by ana"):
        walk.act("done", step="hold")


def _held(expires: str, by: str = "legal") -> dict[str, Any]:
    words = {"id": "holding", "text": {"en": "We are looking into it."}, "status": "approved", "approved_by": by}
    return {"statements": [{**words, "expires": expires}]}


def test_words_whose_last_day_has_passed_are_approved_anew() -> None:
    """What was approved until yesterday is not approved today: who approved it is asked, and says so in this run."""
    walk = Walk(plan(_HOLD, activation=_AUTOMATIC, **_held("2026-03-01")))
    walk.at(0)
    assert walk.whom(Why.APPROVAL) == [("legal",)]
    with pytest.raises(RefusedError, match="were approved until 2026-03-01 and no longer: legal says yes or no first"):
        walk.act("done", step="hold")
    walk.approve("hold", "eve")
    walk.act("done", step="hold")
    assert walk.state("hold") is StepState.DONE


def test_words_may_be_used_on_their_last_day() -> None:
    """And nobody is asked."""
    walk = Walk(plan(_HOLD, activation=_AUTOMATIC, **_held("2026-03-02")))
    walk.at(0)
    assert not walk.whom(Why.APPROVAL)
    walk.act("done", step="hold")
    assert walk.state("hold") is StepState.DONE


def test_a_yes_is_to_the_words_that_were_read() -> None:
    """Once words were changed it names them; an older name is refused, with the command that names those of now."""
    walk = _begun(_PUBLISH)
    first = walk.words("answer")
    walk.act("edit", step="answer", words={"en": "We are sorry."})
    now = walk.words("answer")
    with pytest.raises(RefusedError, match=f"ana changed the words of `answer`: .* `tocsin plan approve 1 answer {now}`"):
        walk.act("approve", "eve", step="answer")
    with pytest.raises(RefusedError, match=rf"those that you approve \({first}\) are not those that stand there"):
        walk.act("approve", "eve", step="answer", fingerprint=first)
    assert not walk.whom(Why.STEP)
    (noted, _) = walk.act("approve", "eve", step="answer", fingerprint=now.upper())
    assert noted == Note(EventKind.STEP_APPROVED, {"step": "answer", "words": now})
    with pytest.raises(RefusedError, match="are not those"):
        walk.act("approve", "eve", step="answer", fingerprint=first)


def test_words_that_nobody_changed_need_no_name() -> None:
    """There is but one text that was ever asked about; one who names another has read something else."""
    walk = _begun(_ANSWER)
    with pytest.raises(RefusedError, match="`answer` says something else"):
        walk.act("approve", "eve", step="answer", fingerprint="00000000")
    walk.act("approve", "eve", step="answer")
    assert walk.run.step("answer").approved_by == "eve"


def test_a_fingerprint_is_of_all_languages() -> None:
    """Who reads French says yes to the English words, too: they must be the same."""
    walk = _begun(_ANSWER)
    seen = {walk.words("answer")}
    for words in ({"fr": "Pardon."}, {"en": "Sorry."}, {"fr": "Pardon", "en": "Sorry."}):
        walk.act("edit", step="answer", words=words)
        seen.add(walk.words("answer"))
    assert len(seen) == 4
    assert {len(each) for each in seen} == {8}


def test_what_was_approved_has_its_own_time_to_go_out() -> None:
    """A place that is down for an hour is no silence, however early or late the yes came."""
    for step in (_PUBLISH, {**_PUBLISH, "deadline": "5m"}, {**_PUBLISH, "deadline": "3h"}):
        walk = _begun(step, escalation=_LADDER)
        walk.at(10)
        walk.effects.clear()
        walk.act("approve", "eve", step="answer")
        walk.at(24)
        assert not walk.whom(Why.LATE)
        walk.at(25)
        assert walk.whom(Why.LATE) == [("head",)]


@pytest.mark.parametrize(("step", "words"), [("facts", {"en": "x"}), ("hold", None), ("hold", {})])
def test_only_statements_have_words(step: str, words: dict[str, str] | None) -> None:
    """And an edit says which."""
    with pytest.raises(RefusedError, match="has no words to change"):
        _begun({"id": "facts"}, _HOLD).act("edit", step=step, words=words)


def test_words_that_could_not_be_published_are_left_to_people() -> None:
    """They may have gone out all the same: changed and approved anew they are ready to be used, and are not sent again."""
    walk = _begun(_PUBLISH)
    walk.act("acknowledge")
    walk.act("approve", "eve", step="answer")
    walk.arrives("answer", StepState.FAILED, "site: no answer")
    walk.act("edit", step="answer", words={"en": "Sorry."})
    assert walk.state("answer") is StepState.READY
    walk.approve("answer")
    assert walk.whom(Why.STEP) == [("site",)]
    assert walk.whom(Why.APPROVED) == [("ana",)]
    walk.act("done", step="answer")
    assert walk.state("answer") is StepState.DONE


def test_words_on_their_way_are_neither_changed_nor_refused() -> None:
    """They were approved, by whom is said."""
    walk = _begun(_PUBLISH)
    walk.act("approve", "eve", step="answer")
    with pytest.raises(RefusedError, match="the step `answer` is running already"):
        walk.act("edit", step="answer", words={"en": "Sorry."})
    with pytest.raises(RefusedError, match="on their way already: they were approved by eve"):
        walk.act("reject", "eve", step="answer", text="not so")


def test_a_no_says_what_is_wrong() -> None:
    """Whoever has the step or the run hears it, or those of the plan; words once approved lose their yes."""
    walk = _begun(_ANSWER)
    with pytest.raises(RefusedError, match="say what is wrong with the words"):
        walk.act("reject", "eve", step="answer")
    walk.act("reject", "eve", step="answer", text="we do not know that")
    walk.act("acknowledge")
    walk.act("approve", "eve", step="answer")
    walk.act("reject", "eve", step="answer", text="we know better now")
    assert walk.whom(Why.REJECTED) == [("cm",), ("ana",)]
    assert walk.run.step("answer").approved_at is None
    assert walk.run.step("answer").detail == "we know better now"


# --- the end -------------------------------------------------------------------------------------------------------------


def test_who_stands_down_closes_what_nobody_signs() -> None:
    """Those who were told of the crisis hear of its end."""
    walk = _begun()
    walk.act("stand_down")
    assert (walk.run.state, walk.run.closed_by, walk.run.closed_at) == (RunState.CLOSED, "ana", OPENED)
    assert walk.kinds == [EventKind.PLAN_ACKNOWLEDGED, EventKind.PLAN_STOOD_DOWN, EventKind.PLAN_CLOSED]
    assert walk.whom(Why.OVER) == [("cm",)]


def test_standing_down_waits_for_a_signature() -> None:
    """Of whom the plan names, and nobody else."""
    walk = _begun(closure={"sign_off": "head"})
    with pytest.raises(RefusedError, match="was not stood down"):
        walk.act("sign_off", "bob")
    walk.act("stand_down")
    assert not walk.act("stand_down")
    assert walk.run.state is RunState.STOOD_DOWN
    assert walk.whom(Why.SIGN_OFF) == [("head",)]
    with pytest.raises(RefusedError, match="ana may not sign off this plan: that is for head"):
        walk.act("sign_off")
    walk.act("sign_off", "bob")
    assert (walk.run.state, walk.run.closed_by, walk.run.stood_down_by) == (RunState.CLOSED, "bob", "ana")


def test_who_signs_may_stand_down_at_once() -> None:
    """Their word is the signature."""
    walk = _begun(closure={"sign_off": "head"})
    walk.act("acknowledge")
    walk.act("stand_down", "bob")
    assert walk.run.state is RunState.CLOSED
    assert walk.run.acknowledged_by == "ana"


def test_who_stands_down_ends_the_chase() -> None:
    """Nobody is told any more that nobody has taken it."""
    walk = _begun(closure={"sign_off": "head"}, escalation=_LADDER)
    walk.act("stand_down")
    walk.at(59)
    assert not walk.whom(Why.UNTAKEN)
    assert walk.run.acknowledged_by == "ana"


@pytest.mark.parametrize(("mentions", "said"), [(50, "mentions 50"), (None, "mentions None")])
def test_standing_down_against_the_figures_needs_a_reason(mentions: int | None, said: str) -> None:
    """What the plan waits for does not hold, or nobody can tell."""
    walk = _begun(closure={"when": {"mentions": {"lt": 10}}})
    walk.at(1, mentions=mentions)
    with pytest.raises(RefusedError, match=f"figures that do not hold yet \\({said}\\)"):
        walk.act("stand_down")
    walk.act("stand_down", text="it is all about somebody else")
    assert walk.noted[1] == Note(EventKind.PLAN_STOOD_DOWN, {"why": "it is all about somebody else"})
    assert walk.run.state is RunState.CLOSED


def test_the_end_may_wait_for_the_level() -> None:
    """That of the run, as it is."""
    severity = [{"level": 1, "name": {"en": "alert"}, "when": {"firing": True}}, {"level": 0, "name": {"en": "calm"}}]
    walk = _begun(closure={"when": {"level": 0}}, severity=severity)
    walk.at(1, firing=True)
    with pytest.raises(RefusedError, match="do not hold yet \\(level 1\\)"):
        walk.act("stand_down")
    walk.act("level", level=0, text="it is over")
    walk.at(2)
    walk.at(2 + 24 * 60)
    walk.act("stand_down")
    assert walk.run.state is RunState.CLOSED


def test_figures_that_have_been_calm_for_as_long_as_the_plan_asks_need_no_reason() -> None:
    """An unbroken calm; until then what is missing is said, and a person may say why it is over all the same."""
    walk = _begun(closure={"when": {"mentions": {"lt": 10}}, "for": "2h"})
    for minute, mentions in ((1, 3), (60, 10), (61, 3), (100, None), (101, 3), (161, 3)):
        walk.at(minute, mentions=mentions)
    with pytest.raises(RefusedError, match=r"hold for 2h, and these \(mentions 3\) have held for 1h: say why"):
        walk.act("stand_down")
    walk.at(220)
    with pytest.raises(RefusedError, match="have held for 1h59m"):
        walk.act("stand_down")
    walk.at(221)
    walk.act("stand_down")
    assert walk.run.state is RunState.CLOSED


def test_a_reason_ends_what_has_not_been_calm_for_long() -> None:
    """Somebody knows better, and says so."""
    walk = _begun(closure={"when": {"mentions": {"lt": 10}}})
    walk.at(1, mentions=3)
    walk.act("stand_down", text="they meant somebody else")
    assert walk.run.state is RunState.CLOSED


def test_a_false_alarm_ends_at_once_and_says_why() -> None:
    """Without a signature: it was no crisis."""
    walk = _begun(closure={"sign_off": "head"})
    with pytest.raises(RefusedError, match="say what made it look like a crisis"):
        walk.act("false_alarm")
    walk.act("false_alarm", text="a film of the same name")
    assert walk.run.state is RunState.CLOSED
    assert walk.kinds == [EventKind.PLAN_FALSE_ALARM, EventKind.PLAN_CLOSED]


def test_what_was_done_is_taken_back_and_nothing_else() -> None:
    """The steps that changed something, or are about to; not those that failed, were left out, or did not begin."""
    steps = [{**_PAUSE, "id": f"pause-{each}"} for each in ("done", "running", "failed", "skipped")]
    later = {**_PAUSE, "id": "pause-later", "min_level": 2}
    walk = _begun(*steps, later, {"id": "facts"}, _SUPPORT)
    walk.arrives("pause-done")
    walk.arrives("pause-failed", StepState.FAILED)
    walk.arrives("pause-skipped", StepState.FAILED)
    walk.act("skip", step="pause-skipped", text="no queue")
    walk.act("stand_down")
    assert [tell for tell in walk.told if tell.why is Why.UNDO] == [
        Tell(("queue-resume",), Why.UNDO, "pause-done"), Tell(("queue-resume",), Why.UNDO, "pause-running"),
    ]  # fmt: skip


def test_taking_back_may_need_somebodys_word() -> None:
    """Of whom the step names, given beforehand: until then the run cannot end, not even as a false alarm."""
    walk = _begun(_GUARDED)
    for verb in ("stand_down", "false_alarm"):
        with pytest.raises(RefusedError, match="takes back the step `pause`: that needs a yes of head or legal"):
            walk.act(verb, text="over")
    with pytest.raises(RefusedError, match="ana may not approve `pause`: that is for head or legal"):
        walk.act("approve", step="pause")
    assert walk.act("approve", "eve", step="pause") == (Note(EventKind.STEP_APPROVED, {"step": "pause"}),)
    with pytest.raises(RefusedError, match="there is nothing to refuse"):
        walk.act("reject", "eve", step="pause", text="no")
    walk.act("stand_down")
    assert walk.whom(Why.UNDO) == [("queue-resume",)]


def test_whose_word_it_needs_gives_it_by_ending_the_run() -> None:
    """One of those whom the step names stands down."""
    walk = _begun(_GUARDED)
    walk.act("stand_down", "bob")
    assert walk.whom(Why.UNDO) == [("queue-resume",)]


def test_a_word_for_taking_back_is_asked_only_where_the_plan_does() -> None:
    """A webhook without an undo, or whose undo anybody may begin."""
    walk = _begun(_PAUSE, {"id": "call", "action": "webhook", "receiver": "queue"})
    for step in ("pause", "call"):
        with pytest.raises(RefusedError, match="needs nobody's approval"):
            walk.act("approve", "eve", step=step)


def test_a_drill_publishes_nothing_and_takes_nothing_back() -> None:
    """The yes is recorded, and people go on by hand; nobody's word is asked for what was never done."""
    walk = _begun(_GUARDED, _PUBLISH)
    walk.run = replace(walk.run, drill=True)
    walk.act("acknowledge")
    walk.act("approve", "eve", step="answer")
    assert (walk.state("answer"), walk.run.step("answer").approved_by) == (StepState.READY, "eve")
    walk.act("done", step="answer")
    walk.act("stand_down")
    assert not {Why.STEP, Why.UNDO} & {tell.why for tell in walk.told}


@pytest.mark.parametrize("act", [{"verb": "hand_over", "to": "bob"}, {"verb": "stand_down"}])
def test_who_hands_over_or_ends_what_nobody_had_has_taken_it(act: dict[str, Any]) -> None:
    """One event says so, which the report counts; whoever ends a drill has not answered it by that."""
    walk = _begun()
    effects = walk.act(**act, text="I must go")
    assert (walk.run.acknowledged_by, effects[0]) == ("ana", Note(EventKind.PLAN_ACKNOWLEDGED))
    assert sum(isinstance(each, Note) and each.kind == EventKind.PLAN_ACKNOWLEDGED for each in effects) == 1
    drill = _begun()
    drill.run = replace(drill.run, drill=True)
    assert Note(EventKind.PLAN_ACKNOWLEDGED) not in drill.act("stand_down")


def test_in_a_drill_everybody_answers() -> None:
    """One has it; the others' answers are noted, too, for that is what a drill is held for."""
    walk = _begun()
    walk.run = replace(walk.run, drill=True)
    walk.act("acknowledge")
    assert walk.act("acknowledge", "bob") == (Note(EventKind.PLAN_ANSWERED),)
    assert not walk.act("acknowledge")
    assert (walk.run.acknowledged_by, walk.run.lead) == ("ana", "ana")


def test_a_drill_ends_whatever_the_figures_say_and_its_owner_hears_who_answered() -> None:
    """The figures are those of a calm day; without an owner, whoever sees to Tocsin."""
    asked = {"closure": {"when": {"level": 0}}, "severity": [{"level": 2, "name": {"en": "crisis"}}]}
    for owner, told in (({"owner": "head"}, "head"), ({}, "ops")):
        walk = _begun(**asked, **owner)
        walk.run = replace(walk.run, drill=True)
        walk.act("stand_down")
        assert (walk.run.state, walk.whom(Why.OVER), walk.whom(Why.DRILLED)) == (RunState.CLOSED, [("cm",)], [(told,)])


# --- in any case ---------------------------------------------------------------------------------------------------------


def test_a_closed_run_refuses_every_act() -> None:
    """Nothing is left to do in it."""
    walk = _begun(_PUBLISH)
    walk.act("false_alarm", text="a test")
    with pytest.raises(RefusedError, match="plan run 1 is closed: nothing is left to do in it"):
        walk.act("approve", "eve", step="answer")


def test_an_act_that_nobody_knows_is_refused() -> None:
    """With the one that was probably meant."""
    with pytest.raises(RefusedError, match="nobody can `aprove` in a plan run; did you mean `approve`"):
        _begun().act("aprove")


@pytest.mark.parametrize(("verb", "said"), [("assign", "say to whom"), ("skip", "say why"), ("reject", "say what")])
def test_what_an_act_needs_is_said(verb: str, said: str) -> None:
    """Words for whoever comes later."""
    with pytest.raises(RefusedError, match=said):
        _begun(_ANSWER).act(verb, "eve", step="answer")


def test_acts_in_a_plan_that_is_observed_tell_nobody() -> None:
    """Neither people nor receivers: nothing is published and nothing is taken back that was never done."""
    walk = _begun(_GUARDED, _PUBLISH, activation={"mode": "observe"})
    walk.act("assign", to="bob")
    walk.act("approve", "eve", step="answer")
    walk.act("stand_down")
    assert {type(each) for each in walk.effects} == {Note}
    assert walk.kinds.count(EventKind.PLAN_WOULD_TELL) == 4
    assert walk.run.state is RunState.CLOSED


@pytest.mark.parametrize("verb", ["confirm", "escalate", "hand_over"])
def test_a_plan_that_is_observed_begins_for_nobody(verb: str) -> None:
    """Whoever counts on help reads that none comes, and how the plan is opened in earnest."""
    walk = _begun(_GUARDED, activation={"mode": "observe"})
    with pytest.raises(RefusedError, match=r"only observed: nobody is told.*`tocsin plan open storm"):
        walk.act(verb, to="bob")


def test_a_plan_that_is_observed_waits_for_no_signature() -> None:
    """Whoever stands it down ends it: it never leaves observation while it is open, so nothing ever leaves the house."""
    walk = _begun(_PAUSE, _SUPPORT, activation={"mode": "observe"}, closure={"sign_off": "head"}, after_action={"owner": "eve"})
    walk.act("stand_down")
    assert walk.run.state is RunState.CLOSED
    assert {type(each) for each in walk.effects} == {Note}
    assert [each.detail["why"] for each in walk.noted if each.kind == EventKind.PLAN_WOULD_TELL] == [Why.UNDO, Why.OVER]
