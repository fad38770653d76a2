"""What came of a drill, for whoever owns the plan: who answered, who did not, and how fast all of them together were."""

from __future__ import annotations

from notifiers.message import AnswerFacts, PaceFacts, PlanFacts
from notifiers.safe import one_line
from notifiers.voice import Voice

_NAME = 80
_TITLE = 120


def concerns(voice: Voice) -> bool:
    """Whether the message tells how a drill went."""
    return voice.message.kind == "over" and bool(voice.message.plan and voice.message.plan.why == "drilled")


def headline(voice: Voice, plan: PlanFacts) -> str:
    """« Exercice « Bad buzz » terminé : 3 réponses pour 5 prévenus »."""
    told = [each for each in plan.answers if each.told_at is not None]
    answered = sum(each.answered for each in told)
    return voice.count("drilled", answered, plan=one_line(plan.title, _TITLE), total=str(len(told)))


def why(voice: Voice, plan: PlanFacts) -> list[str]:
    """Whom nobody heard, by name and by role; then how fast the others were."""
    return [*_silent(voice, plan), _pace(voice, plan.pace)]


def _silent(voice: Voice, plan: PlanFacts) -> list[str]:
    silent = [one_line(each.who, _NAME) for each in plan.answers if not each.answered]
    if not silent:
        return [voice.say("drilled.all")]
    roles = ", ".join(one_line(role, _NAME) for role in plan.silent_roles)
    return [voice.say("drilled.silent", who=", ".join(silent)), voice.say("drilled.roles", roles=roles) if roles else ""]


def _pace(voice: Voice, pace: PaceFacts | None) -> str:
    """Of the team, as few people can be told apart in it."""
    if pace is None:
        return ""
    first = voice.reader.span(pace.first)
    if pace.half is None or pace.last is None:
        return voice.say("drilled.first", first=first)
    return voice.say("drilled.pace", first=first, half=voice.reader.span(pace.half), last=voice.reader.span(pace.last))


def lines(voice: Voice, plan: PlanFacts) -> list[str]:
    """Everybody, one line each."""
    return [_line(voice, each) for each in plan.answers]


def _line(voice: Voice, answer: AnswerFacts) -> str:
    who = one_line(answer.who, _NAME)
    if answer.told_at is None:
        return voice.say("drilled.unasked", who=who)
    told = voice.reader.moment(answer.told_at, voice.message.created_at)
    said = voice.say("drilled.told", who=who, at=told, through=", ".join(answer.through)) if answer.through else who
    if answer.refused:
        said = voice.say("drilled.refused", said=said, receivers=", ".join(answer.refused))
    return voice.say("drilled.yes" if answer.answered else "drilled.none", said=said)
