"""The end of one alert in an incident that goes on: what is over, what is not, and who should do what about it."""

from __future__ import annotations

from collections.abc import Sequence

from notifiers.message import AlertFacts, PlanFacts
from notifiers.safe import one_line
from notifiers.voice import Voice, ack, nature

_TITLE = 80
_OVER = frozenset({"done", "skipped"})


def headline(voice: Voice) -> str:
    """« Fini : « On ne parle que de nous ». Encore en cours : « Les plaintes affluent » (51 personnes), plan … »."""
    over = dict.fromkeys(_title(voice, alert) for alert in voice.message.alerts)
    return voice.say("event.unfinished", over=", ".join(over), open=", ".join(_open(voice)))


def lasted(voice: Voice) -> str:
    """How long what is over took; empty when that is not known."""
    lead = voice.lead
    if lead is None or lead.resolved_at is None or lead.resolved_at <= lead.fired_at:
        return ""
    return voice.say("why.lasted", duration=voice.reader.span(lead.resolved_at - lead.fired_at))


def next_step(voice: Voice) -> tuple[str, str]:
    """What to do now, and its command: take what is grave, then carry on with the plan, then take the rest."""
    untaken = [alert for alert in voice.message.still_open if not alert.acknowledged]
    grave = [alert for alert in untaken if alert.severity == "critical"]
    plan = voice.open_plan
    if grave:
        return voice.say("do.unfinished.ack"), ack(grave)
    if plan:
        return voice.say(
            "do.unfinished.plan" if voice.message.still_open else "do.unfinished.close"
        ), f"tocsin plan show {plan.run_id}"
    return (voice.say("do.unfinished.ack"), ack(untaken)) if untaken else (voice.say("do.unfinished.taken"), "")


def _open(voice: Voice) -> list[str]:
    """What is still open, one piece a rule, a danger to people first, and the plan."""
    rules: dict[str, list[AlertFacts]] = {}
    for alert in sorted(voice.message.still_open, key=lambda alert: nature(alert) != "safety"):
        rules.setdefault(alert.rule, []).append(alert)
    plan = voice.open_plan
    return [_piece(voice, alerts) for alerts in rules.values()] + ([_plan(voice, plan)] if plan else [])


def _piece(voice: Voice, alerts: Sequence[AlertFacts]) -> str:
    """« Les plaintes affluent » (51 personnes)."""
    title, figure = _title(voice, alerts[0]), _figure(voice, alerts)
    return f"{title} ({figure})" if figure else title


def _figure(voice: Voice, alerts: Sequence[AlertFacts]) -> str:
    first = alerts[0]
    if first.kind == "mention" and len(alerts) == 1:  # one post: its rule says all
        return ""
    if first.measure == "share":
        return voice.reader.percent(first.observed)
    if first.measure not in {"authors", "texts", "mentions"}:
        return ""
    return voice.count(f"unit.{first.measure}", round(sum(alert.observed for alert in alerts)))


def _title(voice: Voice, alert: AlertFacts) -> str:
    return voice.say("still.rule", rule=one_line(alert.title or alert.rule, _TITLE))


def _plan(voice: Voice, plan: PlanFacts) -> str:
    done = sum(step.state in _OVER for step in plan.steps)
    progress = voice.count("plan.progress", done, total=str(len(plan.steps)))
    return voice.say("still.plan", plan=one_line(plan.title, _TITLE), progress=progress)
