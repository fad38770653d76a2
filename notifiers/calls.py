"""What is said in a plan run to somebody who is to act, and at its end: what happened, why it is theirs, and which command."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from notifiers import drills
from notifiers.message import PlanFacts, PlanStepFacts
from notifiers.safe import one_line
from notifiers.voice import Voice

_TITLE = 120
_NOTE = 400
_OVER = frozenset({"done", "skipped", "failed"})
# Those whose reader may hear of the incident for the first time: they say what is going on, too.
_NEWS = frozenset({"unconfirmed", "untaken", "taken", "level", "level.up", "assigned", "escalated"})
# Those that are about words, which stand on top, to be read before anything else.
_WORDS = frozenset({"approval", "approved", "rejected"})
_SINCE, _UNTIL = frozenset({"late", "unsigned"}), frozenset({"approval", "report"})  # what their first line says
_LATER = frozenset({"due", "take"})  # sentences that only hold while their moment is to come
# The sentences behind each reason. One whose facts are not known is left out.
_WHY: Mapping[str, tuple[str, ...]] = {
    "ready": ("ready", "due"),
    "assigned.step": ("assigned.step", "due"),
    "approval": ("expired", "waits", "approval"),
    "approved": ("approved",),
    "rejected": ("rejected", "note"),
    "late": ("late", "owner"),
    "failed": ("failed", "note"),
    "unconfirmed": ("open", "unconfirmed"),
    "untaken": ("open", "untaken", "take"),
    "taken": ("open", "lead"),
    "level": ("level",),
    "level.up": ("level.up", "anew"),
    "level.down": ("level.down",),
    "quiet": ("quiet", "progress"),
    "quiet.done": ("quiet.done", "progress"),
    "assigned": ("assigned",),
    "escalated": ("help", "lead"),
    "sign_off": ("sign_off", "progress"),
    "report": ("report",),
    "unsigned": ("unsigned",),
    "handover": ("handover",),
    "waiting": ("waiting",),
    "read": ("read",),
    "plain": ("open",),
}
_ABOUT_A_STEP = frozenset({"ready", "approval", "approved", "rejected", "late", "failed"})
_NEEDS = {
    "due": "by", "take": "by", "waits": "since", "note": "note", "owner": "owner", "open": "since", "level": "since",
    "level.down": "since", "quiet": "since", "quiet.done": "since", "expired": "expired", "lead": "lead", "anew": "untaken",
}  # fmt: skip
_REASON = '--why "…"'
# What is to be done: the phrase, and the verb of its command. The others depend on how the run or the step stands.
_DO: Mapping[str, tuple[str, str]] = {
    "approval": ("do.call.approval", "approve"),
    "failed": ("do.call.failed", "done"),
    "rejected": ("do.call.rejected", "edit"),
    "unconfirmed": ("do.call.unconfirmed", "confirm"),
    "level.down": ("do.call.level.down", "level"),
    "sign_off": ("do.call.sign_off", "sign-off"),
    "report": ("do.call.report", "report"),
    "unsigned": ("do.call.report", "report"),
    "waiting": ("do.call.waiting", "updated"),
    "read": ("do.call.read", "read"),
}
_TAKE = {
    "untaken": "do.reminder",
    "escalated": "do.reminder",
    "level": "do.reminder",
    "level.up": "do.reminder",
    "assigned": "do.call.assigned",
}
_CARRIED_OUT = frozenset({"ready", "assigned.step", "late", "approved"})
_HANDED_OVER = frozenset({"ready", "assigned.step", "late", "quiet", "assigned", "handover"})
_OF_A_STEP = frozenset({"approve", "done"})  # verbs that name a step


def concerns(voice: Voice) -> PlanFacts | None:
    """The plan, when the message is a call, an end, or takes a step back."""
    plan = voice.message.plan
    return plan if plan and (voice.message.kind in {"call", "over", "read"} or voice.undoes) else None


def word(voice: Voice) -> str:
    """Which words a call gets: those of its reason, or plain ones where the reason, or its step, is not known.

    Empty for all other messages; what takes a step back is for a machine, and calls nobody.
    """
    plan = voice.message.plan
    if plan is None or voice.message.kind not in {"call", "read"} or voice.undoes:
        return ""
    why = plan.why or ""
    if why == "level":
        return "level.down" if plan.proposed else "level.up" if plan.risen else "level"
    if why == "quiet" and all(step.state in _OVER for step in plan.steps):
        return "quiet.done"
    if why == "untaken" and plan.acknowledged:  # a rung that is told whatever happens, or somebody was faster
        return "taken"
    if voice.step is not None:
        why = "assigned.step" if why == "assigned" else why
    elif why in _ABOUT_A_STEP:
        return "plain"
    return why if why in _WHY else "plain"


def tells_news(voice: Voice) -> bool:
    """Whether it says what is going on, to somebody who may not have heard of it."""
    return word(voice) in _NEWS


def words_first(voice: Voice) -> bool:
    """Whether the words of its step are what the message is about."""
    return word(voice) in _WORDS


def brief(voice: Voice) -> bool:
    """Whether the other steps are only named: its reader is at one of them, or knows them, or they are over."""
    return voice.message.kind == "over" or (word(voice) not in {"", "read"} and not tells_news(voice))


# --- what happened -------------------------------------------------------------------------------------------------------


def headline(voice: Voice, plan: PlanFacts, facts: str) -> str:
    """« À valider avant 18:25 : « Répondre sur le fond » (plan « Bad buzz ») ». `facts` is the incident in one line, or empty."""
    if voice.undoes:
        return voice.say("undo", plan=one_line(plan.title, _TITLE), step=_step(voice))
    if voice.message.kind == "over":
        return drills.headline(voice, plan) if drills.concerns(voice) else _closed(voice, plan)
    chosen = word(voice)
    said = voice.say(
        f"call.{chosen}.by" if _is_dated(voice, plan) else f"call.{chosen}",
        plan=one_line(plan.title, _TITLE),
        step=_step(voice),
        level=one_line(plan.proposed[1] if plan.proposed else plan.level, _TITLE),
        by=_moment(voice, plan.deadline),
    )
    return voice.say("call.news", headline=said, facts=facts) if facts and chosen in _NEWS else said


def _is_dated(voice: Voice, plan: PlanFacts) -> bool:
    """Whether the first line says since when it is late, or until when an answer is asked: not when that has passed."""
    if plan.deadline is None:
        return False
    return word(voice) in _SINCE or (word(voice) in _UNTIL and plan.deadline > voice.message.created_at)


def _closed(voice: Voice, plan: PlanFacts) -> str:
    """« Le plan « Bad buzz » est clos, après 3 heures »."""
    title = one_line(plan.title, _TITLE)
    if plan.why == "false_alarm":
        return voice.say("over.false", plan=title)
    if plan.since is None or plan.since >= voice.message.created_at:
        return voice.say("over", plan=title)
    return voice.say("over.after", plan=title, duration=voice.reader.span(voice.message.created_at - plan.since))


# --- why it is theirs ----------------------------------------------------------------------------------------------------


def why(voice: Voice, plan: PlanFacts) -> list[str]:
    """What lies behind it, in short sentences."""
    if voice.undoes:
        return [voice.say("why.step")]
    if drills.concerns(voice):
        return drills.why(voice, plan)
    known = {
        "since": _moment(voice, plan.since),
        "by": _moment(voice, plan.deadline),
        "note": one_line(voice.step.note, _NOTE) if voice.step is not None else "",
        "owner": one_line(voice.step.owner, _TITLE) if voice.step is not None else "",
        "lead": one_line(plan.lead, _TITLE),
        "untaken": "" if plan.acknowledged else "untaken",
        "progress": voice.progress(plan),
        "expired": voice.reader.day(voice.step.expired) if voice.step is not None and voice.step.expired else "",
    }
    past = plan.deadline is None or plan.deadline <= voice.message.created_at
    keys = _WHY.get(word(voice), ("false",) if plan.why == "false_alarm" else ("over",))
    return [
        voice.say(f"call.why.{key}", **known)
        for key in keys
        if known.get(_NEEDS.get(key, ""), "nothing") and not (past and key in _LATER)
    ]


# --- what to do ----------------------------------------------------------------------------------------------------------


def next_step(voice: Voice, plan: PlanFacts) -> tuple[str, str]:
    """What to do now, and the command that does it; no command where nothing is left to do."""
    chosen, step = word(voice), voice.step
    if not chosen:
        return voice.say("do.undo" if voice.undoes else "do.over"), ""
    if chosen in _CARRIED_OUT and step is not None:
        return _carry_out(voice, plan, step)
    if chosen in _TAKE and plan.wants_answers:
        return voice.say(_TAKE[chosen]), _command("ack", plan)
    if chosen in {"quiet", "quiet.done", "assigned", "handover"}:
        return _go_on(voice, plan)
    phrase, verb = _DO.get(chosen, ("do.plan_health", "show"))
    return voice.say(phrase), _command(verb, plan, *_arguments(voice, plan, verb))


def _arguments(voice: Voice, plan: PlanFacts, verb: str) -> list[str]:
    """What a verb takes after the run's number."""
    step = [voice.step.id] if voice.step is not None else []
    if verb == "level" and plan.proposed is not None:
        return [str(plan.proposed[0]), _REASON]
    if verb == "read":
        return [voice.say("else.who")]
    if verb == "updated":
        return [_overdue(voice, plan)]
    if verb == "edit":
        return [*step, voice.message.language, '"…"']
    if verb == "approve" and voice.step is not None and voice.step.fingerprint:
        return [*step, voice.step.fingerprint]
    return step if verb in _OF_A_STEP else []


def _overdue(voice: Voice, plan: PlanFacts) -> str:
    """The group that has waited longest, or room to write one."""
    groups = plan.standing.groups if plan.standing is not None else ()
    late = [each for each in groups if each.due is not None and each.due <= voice.message.created_at]
    return late[0].name if late else voice.say("else.group")


def otherwise(voice: Voice, plan: PlanFacts) -> tuple[str, str]:
    """What to do if that is not to be done, and its command; both empty where there is no second way."""
    chosen = word(voice)
    if chosen == "approval" and voice.step is not None:
        return voice.say("else.approval"), _command("reject", plan, voice.step.id, _REASON)
    if chosen in {"report", "unsigned"}:
        return voice.say("else.report"), _command("report", plan, "--sign")
    if chosen == "unconfirmed":
        return voice.say("else.unconfirmed"), _command("false-alarm", plan, _REASON)
    if chosen in _HANDED_OVER:
        of_it = ["--step", voice.step.id] if voice.step is not None and chosen in _CARRIED_OUT else []
        return voice.say("else.assign"), _command("assign", plan, voice.say("else.who"), *of_it)
    return "", ""


def commands(voice: Voice, plan: PlanFacts) -> list[tuple[str, str]]:
    """What else the reader of a call may want to type, as (label, command), without what stands in the message already."""
    if word(voice) == "read":  # nobody carries it out
        return [(voice.say("footer.readers"), f"tocsin plan readers {plan.id}")]
    every = [*take(voice, plan), (voice.say("footer.plan"), _command("show", plan))]
    return [(label, typed) for label, typed in every if typed != next_step(voice, plan)[1]]


def take(voice: Voice, plan: PlanFacts) -> list[tuple[str, str]]:
    """The command that takes the run, as (label, command), while that is waited for: to acknowledge its alerts does not."""
    return [(voice.say("footer.take"), _command("ack", plan))] if plan.wants_answers else []


def _go_on(voice: Voice, plan: PlanFacts) -> tuple[str, str]:
    """The first step that waits for a person; when none does, the end."""
    step = next((step for step in plan.steps if not step.automatic and step.state not in _OVER), None)
    if step is None:
        return voice.say("do.call.done"), _command("stand-down", plan)
    return voice.say("do.call.go_on", step=voice.title(step.title, _TITLE)), _says_so(plan, step)


def _carry_out(voice: Voice, plan: PlanFacts, step: PlanStepFacts) -> tuple[str, str]:
    if step.action == "statement":
        return voice.say("do.call.publish" if step.approved else "do.call.publish.draft"), _says_so(plan, step)
    return voice.say("do.call.check" if step.items else "do.call.step"), _says_so(plan, step)


def _says_so(plan: PlanFacts, step: PlanStepFacts) -> str:
    """The command by which a person says that a step is done, or the next thing of its list."""
    item = next((place for place in range(len(step.items)) if place not in step.checked), None)
    if item is not None:
        return _command("check", plan, step.id, str(item + 1))
    return _command("done", plan, step.id)


def _command(verb: str, plan: PlanFacts, *more: str) -> str:
    if verb == "read":  # of the plan, which nobody carries out
        return f"tocsin plan read {plan.id} --by {more[0]}"
    return " ".join(["tocsin plan", verb, str(plan.run_id), *more])


def _step(voice: Voice) -> str:
    return voice.title(voice.step.title, _TITLE) if voice.step is not None else ""


def _moment(voice: Voice, at: datetime | None) -> str:
    """« 18:25 »; empty when it is not known."""
    return voice.reader.moment(at, voice.message.created_at) if at is not None else ""
