"""Where a run stands, for whoever was not there: the situation report to a board, and the note at the end of a shift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from notifiers.catalogue import group as called
from notifiers.message import DoneFacts, FigureFacts, GroupFacts, PlanFacts, PlanStepFacts, StandingFacts
from notifiers.safe import one_line
from notifiers.voice import Voice

Section = tuple[str, Sequence[str]]

_NAME, _NOTE = 120, 300
_MOST_DONE, _MOST_NEXT, _MOST_NOTES = 12, 8, 12
_OVER = frozenset({"done", "skipped", "failed"})


def reports(voice: Voice) -> StandingFacts | None:
    """Where the run stands, when the message is such a report."""
    return voice.message.plan.standing if voice.message.plan is not None else None


def is_report(voice: Voice) -> bool:
    """Whether nothing is asked of its reader: the report to a board."""
    return voice.message.kind == "step" and reports(voice) is not None


def hands_over(voice: Voice) -> bool:
    """Whether it is the note at the end of a shift."""
    return voice.message.plan is not None and voice.message.plan.why == "handover"


# --- the message's first lines -------------------------------------------------------------------------------------------


def headline(voice: Voice, plan: PlanFacts) -> str:
    """« Point de situation à 14:05 : plan « Bad buzz », niveau « crise » »."""
    level = one_line(plan.level, _NAME)
    said = voice.say("situation", plan=one_line(plan.title, _NAME), at=_at(voice, voice.message.created_at))
    return voice.say("situation.level", headline=said, level=level) if level else said


def why(voice: Voice, plan: PlanFacts, standing: StandingFacts) -> str:
    """Since when it is so grave."""
    if not plan.level or standing.level_since is None:
        return ""
    return voice.say("standing.level", level=one_line(plan.level, _NAME), since=_at(voice, standing.level_since))


def next_step(voice: Voice, standing: StandingFacts) -> str:
    """When they hear of it again: a board has nothing else to do."""
    if standing.next_at is None:
        return voice.say("do.situation.none")
    return voice.say("do.situation", at=_at(voice, standing.next_at))


# --- what stands below ---------------------------------------------------------------------------------------------------


def sections(voice: Voice) -> list[Section]:
    """What was done, what comes next, who waits for news, and, at the end of a shift, what somebody has noted."""
    plan, standing = voice.message.plan, reports(voice)
    if plan is None or standing is None:
        return []
    groups = [_group(voice, each) for each in standing.groups]
    if plan.why == "waiting":
        return [(voice.say("standing.groups"), groups)] if groups else []
    noted = [_noted(voice, each) for each in standing.notes[-_MOST_NOTES:]] if hands_over(voice) else []
    found: list[Section] = [
        (voice.say("standing.stands"), list(_stands(voice, plan, standing)) if hands_over(voice) else []),
        (voice.say("standing.figures"), [said for each in standing.figures if (said := _figure(voice, standing, each))]),
        (
            voice.say("standing.done", since=_at(voice, standing.since)),
            _done(voice, standing) or [voice.say("standing.done.none")],
        ),
        (voice.say("standing.next"), _next(voice, plan) or [voice.say("standing.next.none")]),
        (voice.say("standing.groups"), groups),
        (voice.say("standing.notes"), noted),
    ]
    return [(title, lines) for title, lines in found if lines]


def _stands(voice: Voice, plan: PlanFacts, standing: StandingFacts) -> Iterator[str]:
    yield voice.say("standing.open", since=_at(voice, standing.began), progress=voice.progress(plan))
    if level := why(voice, plan, standing):
        yield level
    if plan.lead:
        yield voice.say("call.why.lead", lead=one_line(plan.lead, _NAME))


def _figure(voice: Voice, standing: StandingFacts, figure: FigureFacts) -> str:
    """« 412 messages en 60 min (+38 % depuis 12:05 ; au plus haut 530). »; empty for what nobody knows."""
    if figure.now is None:
        return ""
    window = voice.reader.span(standing.window, short=voice.message.language == "fr")
    if figure.name == "negative_share":
        said = voice.say("standing.share", n=voice.reader.percent(figure.now))
    else:
        said = voice.say("within", headline=voice.count(f"unit.{figure.name}", figure.now), window=window)
    more = [each for each in (_trend(voice, standing, figure), _peak(voice, figure)) if each]
    return f"{said} ({voice.say('standing.and').join(more)})." if more else f"{said}."


def _trend(voice: Voice, standing: StandingFacts, figure: FigureFacts) -> str:
    """How it moved since the last report: in points of a share, in parts of a number."""
    if figure.before is None or figure.now is None:
        return ""
    since = _at(voice, standing.since)
    if figure.name == "negative_share":
        points = round(100 * figure.now) - round(100 * figure.before)
        return (
            voice.say("standing.points", n=f"{points:+d}".replace("-", "\u2212"), since=since) if points else _same(voice, since)
        )
    if figure.now == figure.before:
        return _same(voice, since)
    if not figure.before:
        return voice.say("standing.from", n="0", since=since)
    change = figure.now / figure.before - 1
    sign = "+" if change > 0 else "\u2212"
    return voice.say("standing.change", n=f"{sign}{voice.reader.percent(abs(change))}", since=since)


def _same(voice: Voice, since: str) -> str:
    return voice.say("standing.same", since=since)


def _peak(voice: Voice, figure: FigureFacts) -> str:
    """How high it was; nothing where it is at its highest now."""
    if figure.peak is None or figure.now is None:
        return ""
    if figure.peak <= figure.now:
        return voice.say("standing.peak.now")
    share = figure.name == "negative_share"
    return voice.say("standing.peak", n=voice.reader.percent(figure.peak) if share else voice.reader.count(figure.peak))


def _done(voice: Voice, standing: StandingFacts) -> list[str]:
    """What happened, in order; of much, the last."""
    told = [each for each in standing.done if each.said]
    left = len(told) - _MOST_DONE
    before = [voice.count("standing.done.more", left)] if left > 0 else []
    return [*before, *(_did(voice, each) for each in told[-_MOST_DONE:])]


def _did(voice: Voice, done: DoneFacts) -> str:
    """« 14:02 — Fait : « Établir les faits », par Léa »."""
    said, note = voice.title(done.said, _NOTE), one_line(done.note, _NOTE)
    return voice.say(
        "standing.at", at=_at(voice, done.at), said=voice.say("standing.note", said=said, note=note) if note else said
    )


def _next(voice: Voice, plan: PlanFacts) -> list[str]:
    """What people are still to do, the soonest first; what waits for its turn comes last."""
    left = [step for step in plan.steps if not step.automatic and step.state not in _OVER]
    begun = [step for step in left if step.state != "waiting"] or left
    far = datetime.max.replace(tzinfo=voice.message.created_at.tzinfo)
    return [_to_do(voice, step) for step in sorted(begun, key=lambda step: step.deadline or far)][:_MOST_NEXT]


def _to_do(voice: Voice, step: PlanStepFacts) -> str:
    """« « Répondre » (Léa, avant 14:30, 2 points sur 3 cochés) »."""
    unapproved = step.action == "statement" and bool(step.text) and not step.approved
    ticked = voice.say("standing.ticked", n=str(len(step.checked)), total=str(len(step.items))) if step.checked else ""
    by = _at(voice, step.deadline) if step.deadline else ""
    about = (
        one_line(step.owner, _NAME),
        voice.say("standing.late" if step.late else "standing.by", by=by) if by else "",
        ticked,
        voice.say("standing.unapproved") if unapproved else "",
    )
    said = ", ".join(each for each in about if each)
    title = voice.say("standing.step", step=voice.title(step.title, _NAME))
    return f"{title} ({said})" if said else title


def _group(voice: Voice, group: GroupFacts) -> str:
    """« customers (info-page) : prévenus à 14:00, à prévenir de nouveau avant 16:00 »."""
    channel = one_line(group.channel, _NAME)
    name = one_line(called(voice.message.language, group.name), _NAME)
    who = f"{name} ({channel})" if channel else name
    told = voice.say("standing.told", at=_at(voice, group.told)) if group.told else voice.say("standing.untold")
    late = group.due is not None and group.due <= voice.message.created_at
    due = voice.say("standing.due.late" if late else "standing.due", by=_at(voice, group.due)) if group.due else ""
    return voice.say("standing.group", who=who, said=", ".join(each for each in (told, due) if each))


def _noted(voice: Voice, note: DoneFacts) -> str:
    said = one_line(note.note, _NOTE)
    return voice.say(
        "standing.at", at=_at(voice, note.at), said=voice.say("standing.noted", who=one_line(note.who, _NAME), note=said)
    )


def said_at(voice: Voice, step: PlanStepFacts) -> str:
    """« Dit à 14:20 »: what stands above words that were used."""
    return voice.say("standing.said", at=_at(voice, step.ended)) if step.ended else voice.say("standing.said.once")


def _at(voice: Voice, moment: datetime) -> str:
    return voice.reader.moment(moment, voice.message.created_at)
