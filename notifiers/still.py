"""The end of one alert that is no calm: what is over, what is not, what nobody watches any more, and who should do what."""

from __future__ import annotations

from collections.abc import Sequence

from notifiers.message import AlertFacts, PlanFacts
from notifiers.safe import one_line
from notifiers.voice import Voice, ack, nature

_TITLE = 80


def headline(voice: Voice) -> str:
    """« Fini : « On ne parle que de nous ». Encore en cours : « Les plaintes affluent » (51 personnes), plan … »."""
    over = [alert for alert in voice.message.alerts if not alert.unwatched]
    told = {"over": _titles(voice, over), "unwatched": _titles(voice, voice.unwatched), "open": _open(voice)}
    return ". ".join(voice.say(f"event.{what}", rules=", ".join(rules)) for what, rules in told.items() if rules)


def why(voice: Voice) -> list[str]:
    """How long it lasted, or that nobody knows; and that this is not the end."""
    end = voice.say("why.unwatched") if voice.unwatched else _lasted(voice)
    return [end, voice.say("why.unfinished") if voice.goes_on else ""]


def _lasted(voice: Voice) -> str:
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
    if untaken:
        return voice.say("do.unfinished.ack"), ack(untaken)
    return voice.say("do.unwatched" if voice.unwatched else "do.unfinished.taken"), ""


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
    if first.personal and len(alerts) == 1:  # one post: its rule says all
        return ""
    if first.measure == "share":
        return voice.reader.percent(first.observed)
    if first.measure not in {"authors", "texts", "mentions"}:
        return ""
    return voice.count(f"unit.{first.measure}", round(sum(alert.observed for alert in alerts)))


def _titles(voice: Voice, alerts: Sequence[AlertFacts]) -> list[str]:
    """Each rule once."""
    return list(dict.fromkeys(_title(voice, alert) for alert in alerts))


def _title(voice: Voice, alert: AlertFacts) -> str:
    return voice.say("still.rule", rule=one_line(alert.title or alert.rule, _TITLE))


def _plan(voice: Voice, plan: PlanFacts) -> str:
    return voice.say("still.plan", plan=one_line(plan.title, _TITLE), progress=voice.progress(plan))
