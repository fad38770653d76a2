"""The words: what happened (observed against expected), why it rings, and what to do now, in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from notifiers import account, calls, standing, still
from notifiers.message import AlertFacts, Message, PlanFacts, PlanStepFacts
from notifiers.reasons import COPIED, FIGURES, whole
from notifiers.safe import one_line
from notifiers.voice import Voice, nature

_TITLE = 120
_TERM = 60
_PREFIX = 40
_DO = {"flatline": "do.flat", "new_term": "do.new_term"}
_FEW = 1  # an expectation below this is "next to none": nobody pictures 0.6 of a person
_HEALTH = (
    *("source_health", "receiver_health", "mailbox_health", "store_health", "judging_health", "plan_health"),
    *("plan_due", "source_quiet"),
)
TROUBLES = frozenset(
    {"credentials", "gone", "throttled", "unavailable", "timeout", "too_large", "malformed", "refused", "spent", "internal"}
)
_OVER = frozenset({"done", "skipped", "failed"})


def headline(message: Message) -> str:
    """The first line: what happened and why, on one line, never empty."""
    if message.letter is not None:
        return one_line(message.letter.brief, 200)
    voice = Voice(message)
    if message.kind == "digest":
        return voice.say("event.digest")
    said = _event(voice) if message.account is None else account.headline(voice, message.account)
    if message.kind == "test":
        said = voice.say("mark.test", headline=said)
    return _rehearsed(message, voice.say("mark.replay", headline=said) if message.replay else said)


def _rehearsed(message: Message, said: str) -> str:
    """With the prefix of a drill before everything else, once: nobody takes a rehearsal for a crisis, or a crisis for one."""
    prefix = one_line(message.plan.drill, _PREFIX) if message.plan else ""
    return said if not prefix or said.startswith(prefix) else f"{prefix} {said}"


def topic(message: Message) -> str:
    """What the conversation is called: the same in all its messages, or mail programs tear it apart."""
    return _rehearsed(message, _topic(message))


def _topic(message: Message) -> str:
    if message.letter is not None:
        return one_line(message.letter.subject, 200)
    if message.topic:
        return one_line(message.topic, 200)
    voice = Voice(message)
    if message.incident_id is None:
        return headline(message) if message.kind == "test" else voice.say("topic.bare")
    return voice.say("topic", n=str(message.incident_id))


def opening(message: Message) -> str:
    """The topic that a conversation's first message gives it: its headline, without names, which can be erased one day.

    What somebody is called to changes from one message to the next: where that comes first, the plan is the topic.
    """
    voice = Voice(replace(message, posts=()))
    report = message.plan is not None and message.plan.standing is not None
    if (message.kind in {"call", "over"} or report) and message.plan:
        plan = one_line(message.plan.title, _TITLE)
        return _rehearsed(message, voice.say("topic.plan", plan=plan, n=str(message.incident_id or message.plan.run_id)))
    said = headline(voice.message)
    alone = voice.lead is not None and voice.lead.personal and message.kind not in {"plan", "step", "test"}
    # Without the name one complaint sounds like the next: the number keeps their conversations apart.
    return voice.say("topic.numbered", headline=said, n=str(message.incident_id)) if alone and message.incident_id else said


def stands_out(message: Message) -> bool:
    """Whether the message needs a subject of its own: on a locked screen the thirtieth answer rings for nobody.

    What one person is called to always does, and so does a report: which one it is stands in its first line.
    """
    if message.kind in {"call", "read", "account", "digest"} or (message.plan is not None and message.plan.standing is not None):
        return True
    return message.sequence > 1 and message.severity == "critical" and message.kind in {"first", "worse", "plan", "step"}


def _event(voice: Voice) -> str:
    """What happened, seen from why this message is written."""
    kind = voice.message.kind
    if called := calls.concerns(voice):
        return calls.headline(voice, called, _facts(voice) if voice.lead else "")
    if kind in {"plan", "step"} and voice.message.plan:
        return _plan_headline(voice, voice.message.plan)
    if kind == "resolved":
        return still.headline(voice) if voice.unfinished else _resolved(voice)
    if kind == "test" and not voice.lead:
        return voice.say("event.test")
    facts = _facts(voice)
    if kind in {"more", "worse", "reminder", "held"}:
        return voice.say(f"event.{kind}", headline=facts)
    return facts


def _facts(voice: Voice) -> str:
    """All the message's alerts in one line: the leading one, or its likes counted together, and how many others there are."""
    lead = voice.lead
    if lead is None:
        return voice.say("nothing")
    said = _ended(voice, lead, _several(voice, lead)) if len(voice.peers) > 1 else describe(voice, lead)
    others = len(voice.message.alerts) + voice.message.more_alerts - len(voice.peers)
    return voice.count("also", others, headline=said) if others else said


def _several(voice: Voice, lead: AlertFacts) -> str:
    said = _many(voice, lead, len(voice.peers))
    who = voice.who(voice.message.posts[0]) if voice.message.posts else ""
    return voice.say("including", headline=said, who=who) if who else said


def others(voice: Voice) -> list[str]:
    """What else the message speaks of, one line a rule: a crowd of complaints is a number, not a list."""
    rest: dict[str, list[AlertFacts]] = {}
    over = voice.message.kind == "resolved"
    for alert in voice.message.still_open if over else voice.message.alerts:
        if over or alert not in voice.peers:
            alike = f"{alert.rule} over" if voice.over(alert) else alert.rule
            rest.setdefault(alike if alert.personal else f"{alert.rule} {alert.id}", []).append(alert)
    return [_together(voice, alerts) for alerts in rest.values()]


def _together(voice: Voice, alerts: Sequence[AlertFacts]) -> str:
    if len(alerts) == 1:
        return describe(voice, alerts[0])
    return _ended(voice, alerts[0], _many(voice, alerts[0], len(alerts)))


def _ended(voice: Voice, alert: AlertFacts, said: str) -> str:
    return voice.say("rang", headline=said) if voice.over(alert) else said


def _many(voice: Voice, first: AlertFacts, count: int) -> str:
    what = "absence" if first.kind == "absence" else nature(first)
    return voice.say(f"{what}.many", n=voice.reader.number(count))


def describe(voice: Voice, alert: AlertFacts) -> str:
    """One alert in one line: observed against expected."""
    return _ended(voice, alert, _description(voice, alert))


def _description(voice: Voice, alert: AlertFacts) -> str:
    if alert.kind in _HEALTH:
        return _health(voice, alert)
    if "catch_up" in alert.labels:
        return _old(voice, alert)
    if alert.personal:
        return _one_mention(voice, alert)
    if alert.kind == "flatline":
        return _flat(voice, alert)
    if alert.kind == "new_term":
        return _new_term(voice, alert)
    return _figure(voice, alert) if alert.figure else _window(voice, alert)


def _old(voice: Voice, alert: AlertFacts) -> str:
    """« Rattrapage : 12 anciens messages sur Acme », or what a window showed that filled up long ago."""
    if alert.personal:
        return voice.count("catch_up", max(alert.observed, alert.occurrences))
    return voice.say("catch_up.window", headline=_figure(voice, alert) if alert.figure else _window(voice, alert))


def _one_mention(voice: Voice, alert: AlertFacts) -> str:
    # The posts begin with the leading alert's, loudest first: they name its author, and nobody else's.
    posts = voice.message.posts if alert is voice.lead else ()
    who = voice.who(posts[0]) if posts else ""
    if alert.kind == "absence":
        waited = voice.reader.span(alert.window, short=voice.message.language == "fr") if alert.window else ""
        return voice.say("absence.by", who=who, window=waited) if who else voice.say("absence.one", window=waited)
    return voice.say(f"{nature(alert)}.by", who=who) if who else voice.say(f"{nature(alert)}.one")


def _new_term(voice: Voice, alert: AlertFacts) -> str:
    """« #boycottacme : 18 personnes en 2 h au sujet d’Acme, du jamais vu »."""
    window = voice.reader.span(alert.window, short=voice.message.language == "fr") if alert.window else ""
    term = one_line(alert.labels.get("term", alert.rule), _TERM)
    said = voice.count("new_term", alert.observed, term=term, window=window)
    if not alert.expected:
        return voice.say("new_term.never", headline=said)
    return _against(voice, said, alert, alert.expected)


def _window(voice: Voice, alert: AlertFacts) -> str:
    kind = nature(alert)
    if alert.measure == "share":
        said = voice.say(f"{kind}.share", n=voice.reader.percent(alert.observed))
    else:
        measure = alert.measure if alert.measure in {"authors", "texts"} else "mentions"
        said = voice.count(f"{kind}.{measure}", alert.observed)
    said = _within(voice, said, alert)
    if alert.learning:
        return voice.say("learning", headline=said)
    return said if alert.expected is None else _against(voice, said, alert, alert.expected)


def _flat(voice: Voice, alert: AlertFacts) -> str:
    """« L’engagement retombe autour d’Acme : 2 messages en 6 h — d’habitude 31 »."""
    place = one_line(alert.labels.get("network") or alert.labels.get("source") or "", _TITLE)
    around = voice.say("on", place=place) if place else voice.subject
    about = {"subject": around, "of_subject": voice.reader.of(around)}
    if alert.expected is None:
        return voice.say("flat.never", **about)
    measure = alert.measure if alert.measure in {"authors", "texts"} else "mentions"
    said = voice.count(f"flat.{measure}", alert.observed, **about) if alert.observed else voice.say("flat.none", **about)
    return _against(voice, _within(voice, said, alert), alert, alert.expected)


def _figure(voice: Voice, alert: AlertFacts) -> str:
    """« On parle moins bien d’Acme : tonalité moyenne -0,31 en 2 h — d’habitude 0,05 »."""
    n = amount(voice, alert, alert.observed)
    if alert.measure == "mean sentiment":
        said = voice.say(_mood(alert), n=n)
    else:
        how, field = alert.measure.split(" ", 1)
        said = voice.say(f"figure.{how}", n=n, what=voice.say(f"figure.{field}") if field in FIGURES else one_line(field, _TITLE))
    said = _within(voice, said, alert)
    if alert.learning or alert.expected is None:
        return voice.say("learning", headline=said) if alert.learning else said
    return voice.say("usually", headline=said, expected=amount(voice, alert, alert.expected))


def _mood(alert: AlertFacts) -> str:
    if alert.expected is None or alert.learning or alert.observed == alert.expected:
        return "mood"
    return "mood.lower" if alert.observed < alert.expected else "mood.higher"


def _within(voice: Voice, said: str, alert: AlertFacts) -> str:
    if not alert.window:
        return said
    return voice.say("within", headline=said, window=voice.reader.span(alert.window, short=voice.message.language == "fr"))


def _against(voice: Voice, said: str, alert: AlertFacts, expected: float) -> str:
    if alert.measure != "share" and expected < _FEW:
        return voice.say("usually.none", headline=said)
    return voice.say("usually", headline=said, expected=amount(voice, alert, expected))


def amount(voice: Voice, alert: AlertFacts, value: float) -> str:
    """A figure in the alert's measure: « 23 », « 41 % »."""
    if alert.measure == "share":
        return voice.reader.percent(value)
    if alert.measure.startswith("mean "):
        return voice.reader.decimal(value)
    return "<\u00a01" if 0 < value < _FEW else voice.reader.count(value)


def _health(voice: Voice, alert: AlertFacts) -> str:
    if alert.kind == "store_health":
        return voice.say(_store(alert), name=_health_name(alert))
    if alert.kind == "judging_health":
        return voice.count("judging_health", alert.occurrences)
    if alert.kind == "plan_health":
        return voice.say(_plan(alert), name=_health_name(alert), steps=one_line(alert.labels.get("steps", ""), _TITLE))
    if alert.kind == "plan_due":
        return _due(voice, alert)
    if alert.kind == "source_quiet":
        return _quiet_source(voice, alert)
    said = _silent(voice, alert)
    trouble = alert.labels.get("trouble", "")
    return voice.say("because", headline=said, reason=voice.say(f"trouble.{trouble}")) if trouble in TROUBLES else said


def _due(voice: Voice, alert: AlertFacts) -> str:
    """« Plan bad-buzz : l’exercice est dû depuis le 2 nov. 2026 »."""
    day, statement = voice.reader.day_written(alert.labels.get("on", "")), one_line(alert.labels.get("statement", ""), _TITLE)
    return voice.say(f"plan_due.{_asked(alert)}", name=_health_name(alert), day=day, statement=statement)


def _quiet_source(voice: Voice, alert: AlertFacts) -> str:
    """« La source presse répond, mais n’apporte rien depuis 9 h : 41 publications d’habitude »."""
    window = voice.reader.span(alert.window, short=voice.message.language == "fr") if alert.window else "?"
    return voice.count("source_quiet", max(1, round(alert.expected or 0)), name=_health_name(alert), window=window)


def _asked(alert: AlertFacts) -> str:
    """What a plan is due for."""
    what = alert.labels.get("due", "")
    return what if what in {"drill", "statement"} else "review"


def _plan(alert: AlertFacts) -> str:
    return "plan_health.stuck" if alert.labels.get("trouble") == "stuck" else "plan_health.failed"


def _store(alert: AlertFacts) -> str:
    return "store_health.full" if alert.labels.get("trouble") == "full" else "store_health.damaged"


def _silent(voice: Voice, alert: AlertFacts) -> str:
    """Since when: the last time it answered, else the moment we noticed."""
    last = alert.labels.get("last_success", "")
    if last == "never":
        kind = "mailbox_health" if alert.kind == "mailbox_health" else "source_health"
        return voice.say(f"{kind}.never", name=_health_name(alert))
    try:
        since = datetime.fromisoformat(last)
    except ValueError:
        since = alert.fired_at
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return voice.say(alert.kind, name=_health_name(alert), since=voice.reader.moment(since, voice.message.created_at))


def _health_name(alert: AlertFacts) -> str:
    what = alert.kind.removesuffix("_health").removesuffix("_due").removesuffix("_quiet")
    return one_line(alert.labels.get(what, alert.rule), _TITLE)


def _resolved(voice: Voice) -> str:
    lead = voice.lead
    if lead and lead.kind in _HEALTH:
        return voice.say(f"{lead.kind}.resolved", name=_health_name(lead))
    if lead and lead.kind == "flatline":
        lasted = (lead.resolved_at or lead.fired_at) - lead.fired_at
        after = voice.reader.span(lasted) if lasted else ""
        return voice.say("event.resolved.flat.after", duration=after) if after else voice.say("event.resolved.flat")
    if lead and lead.kind == "absence":
        return voice.say("absence.resolved")
    if lead and lead.kind == "new_term":
        return voice.say("new_term.resolved", term=one_line(lead.labels.get("term", lead.rule), _TERM))
    if lead and lead.resolved_at and lead.resolved_at > lead.fired_at:
        return voice.say("event.resolved.after", duration=voice.reader.span(lead.resolved_at - lead.fired_at))
    return voice.say("event.resolved")


def _plan_headline(voice: Voice, plan: PlanFacts) -> str:
    if plan.standing is not None:
        return standing.headline(voice, plan)
    if voice.message.kind == "step" and voice.step:
        return _step_headline(voice, plan, voice.step)
    key = "event.plan.confirm" if plan.state == "awaiting_confirmation" else "event.plan"
    title = one_line(plan.title, _TITLE)
    if voice.lead is None:
        return voice.say(f"{key}.bare", plan=title)
    return voice.say(key, plan=title, headline=_facts(voice))


def _step_headline(voice: Voice, plan: PlanFacts, step: PlanStepFacts) -> str:
    place = list(plan.steps).index(step) + 1
    return voice.say(
        "event.step",
        plan=one_line(plan.title, _TITLE),
        n=str(place),
        total=str(len(plan.steps)),
        step=voice.title(step.title, _TITLE),
    )


def why(message: Message) -> str:
    """Why somebody is told: one to three short sentences, ending with the rule."""
    voice = Voice(message)
    if message.kind == "digest":
        return voice.say("why.digest")
    if message.account is not None:
        return " ".join(account.why(voice, message.account))
    called = calls.concerns(voice)
    sentences = _why_called(voice, called) if called else _why_reported(voice) or _why(voice)
    return " ".join(said for said in sentences if said)


def _why(voice: Voice) -> list[str]:
    message, lead = voice.message, voice.lead
    if message.kind == "test" and lead is None:
        return [voice.say("why.test")]
    if message.kind == "step":
        return [voice.say("why.step"), _facts(voice) + "." if lead else ""]
    if lead is None:
        return []
    if voice.unfinished:
        return still.why(voice)
    if message.kind == "resolved":
        return [voice.say(_why_over(lead)), _rule(voice, lead)]
    held = voice.say("why.held") if message.kind == "held" else ""
    seen = [_coverage(voice, lead), _copied(voice, lead), _seen(voice, lead)]
    return [held, _reminder(voice, lead), _cause(voice, lead), *seen, _rule(voice, lead)]


def _why_reported(voice: Voice) -> list[str]:
    """Of a report what rings, and how grave it is: the figures stand below."""
    plan, report = voice.message.plan, standing.reports(voice)
    if plan is None or report is None:
        return []
    return [_facts(voice) + "." if voice.lead else "", standing.why(voice, plan, report)]


def _why_called(voice: Voice, plan: PlanFacts) -> list[str]:
    """Why it is theirs; and of the incident how far it is from what is usual, or, where the headline is silent on it, all."""
    said, lead = calls.why(voice, plan), voice.lead
    if lead is not None and calls.tells_news(voice):
        return [_cause(voice, lead), _coverage(voice, lead), *said]
    return [*said, _facts(voice) + "."] if lead is not None and calls.word(voice) == "approval" else said


def _why_over(lead: AlertFacts) -> str:
    if lead.kind == "judging_health":
        return "why.judged"
    if lead.kind == "flatline" or lead.measure.startswith("mean "):
        return "why.resolved.flat" if lead.kind == "flatline" else "why.resolved.mean"
    if lead.kind == "absence":
        return "why.answered"
    if lead.kind == "source_quiet":
        return "why.source_brings"
    return "why.healthy" if lead.kind in _HEALTH else "why.resolved"


def _cause(voice: Voice, lead: AlertFacts) -> str:
    if lead.kind in _HEALTH:
        return voice.say("why." + lead.kind.removesuffix("_health").removeprefix("plan_"))
    if "catch_up" in lead.labels:
        return voice.say("why.catch_up")
    if lead.kind == "absence" or (lead.kind == "new_term" and not lead.expected):
        return voice.say(f"why.{lead.kind}")
    if lead.kind == "mention":
        return voice.say(f"why.{nature(lead)}")
    if lead.learning:
        return voice.say("why.learning")
    return _compared(voice, lead)


def _compared(voice: Voice, lead: AlertFacts) -> str:
    """How far it is from what is usual."""
    if lead.kind == "flatline":
        return _quiet(voice, lead)
    if lead.measure.startswith("mean "):
        return _mean(voice, lead)
    return _times(voice, lead)


def _quiet(voice: Voice, lead: AlertFacts) -> str:
    if not lead.expected:
        return voice.say("why.flat.never")
    return voice.say("why.flat", part=voice.reader.percent(lead.observed / lead.expected))


def _mean(voice: Voice, lead: AlertFacts) -> str:
    if lead.measure == "mean sentiment" and lead.expected is not None and lead.observed < lead.expected:
        # From the figures as they are shown, so that whoever takes one from the other comes to the same.
        return voice.say("why.mood.lower", n=voice.reader.decimal(round(lead.expected, 2) - round(lead.observed, 2)))
    return voice.say("why.mean")


def _times(voice: Voice, lead: AlertFacts) -> str:
    if lead.expected is None or not math.isfinite(lead.expected):
        return voice.say("why.level")
    if lead.expected < (_FEW / 100 if lead.measure == "share" else _FEW):
        return voice.say("why.times.none")
    # From the figures as they are shown, so that whoever divides them comes to the same.
    times = lead.observed / (lead.expected if lead.measure == "share" else round(lead.expected))
    if times > 1 and math.isfinite(times):
        return voice.say("why.times", times=voice.reader.number(times))
    return voice.say("why.level")


def _reminder(voice: Voice, lead: AlertFacts) -> str:
    return voice.say("why.reminder", since=voice.moment(lead)) if voice.message.kind == "reminder" else ""


def _coverage(voice: Voice, lead: AlertFacts) -> str:
    if lead.coverage is None or lead.coverage >= 1:
        return ""
    return voice.say("why.coverage", percent=voice.reader.percent(lead.coverage))


def _copied(voice: Voice, lead: AlertFacts) -> str:
    """That a crowd says one text, as the rule saw it."""
    found = next((found for reason in lead.reasons if (found := COPIED.fullmatch(reason))), None)
    return voice.say("why.copied", n=whole(voice, found["copies"]), total=whole(voice, found["mentions"])) if found else ""


def _seen(voice: Voice, lead: AlertFacts) -> str:
    if lead.occurrences <= 1 or lead.kind in _HEALTH or "catch_up" in lead.labels:
        return ""
    if lead.kind == "absence":
        return ""
    if lead.kind != "mention":
        how = ".low" if lead.kind == "flatline" else ".mean" if lead.measure.startswith("mean ") else ""
        return voice.say(f"why.since{how}", since=voice.moment(lead))
    return voice.say("why.seen", n=voice.reader.number(lead.occurrences), since=voice.moment(lead))


def _rule(voice: Voice, lead: AlertFacts) -> str:
    if lead.kind in _HEALTH and not lead.title:  # a rule of ours that nobody wrote
        return ""
    return voice.say("why.rule", rule=one_line(lead.title or lead.rule, _TITLE))


def next_action(message: Message) -> str:
    """What to do now, in one sentence, with the command where there is one."""
    action, command = next_step(message)
    return Voice(message).say("command", action=action, command=command) if command else action


def next_step(message: Message) -> tuple[str, str]:
    """What to do now, and the command that does it (or ""), for layouts that show the command in a box of its own."""
    voice = Voice(message)
    if message.kind == "digest":
        return (one_line(message.letter.urgent, 200) if message.letter else "") or voice.say("do.digest"), ""
    if message.account is not None:
        return account.next_step(voice, message.account)
    called = calls.concerns(voice)
    return calls.next_step(voice, called) if called else _next_step(voice)


def _next_step(voice: Voice) -> tuple[str, str]:
    message = voice.message
    if message.kind in {"plan", "step"} and message.plan:
        return _plan_action(voice, message.plan)
    if message.kind == "test":
        return voice.say("do.test"), ""
    if voice.unfinished:
        return still.next_step(voice)
    if message.kind == "resolved" or voice.lead is None:
        return _without_alert(voice)
    return _alert_action(voice, voice.lead)


def other_step(message: Message) -> tuple[str, str]:
    """What to do if not that, and its command; both empty where there is no second way."""
    voice = Voice(message)
    if message.account is not None:
        return account.otherwise(voice, message.account)
    called = calls.concerns(voice)
    return calls.otherwise(voice, called) if called else ("", "")


def _without_alert(voice: Voice) -> tuple[str, str]:
    """What there is to do when nothing rings any more, or when what rings could not be put into words."""
    if voice.message.kind != "resolved":
        return voice.say("do.plain"), "tocsin alerts"
    over = voice.lead is not None and voice.lead.kind not in _HEALTH
    return voice.say("do.resolved" if over else "do.healthy"), ""


def _alert_action(voice: Voice, lead: AlertFacts) -> tuple[str, str]:
    if voice.over(lead):
        return voice.say("do.rang"), "tocsin alerts --all"
    if lead.kind == "store_health":
        return voice.say("do." + _store(lead), needed=one_line(lead.labels.get("needed", "?"), _TITLE)), ""
    if lead.kind == "judging_health":
        return voice.say("do.judging"), voice.ack
    if lead.kind in {"plan_health", "plan_due"}:
        return _about_a_plan(voice, lead)
    if lead.kind in _HEALTH:
        what = lead.kind.removesuffix("_health").removesuffix("_quiet")
        tried = "replies try" if what == "mailbox" else f"{what}s try {_health_name(lead)}"
        return voice.say(f"do.{what}"), f"tocsin {tried}"
    return voice.say(_ask(voice, lead)), voice.ack


def _about_a_plan(voice: Voice, lead: AlertFacts) -> tuple[str, str]:
    if lead.kind == "plan_health":
        return voice.say("do.plan_health"), f"tocsin plan show {lead.labels.get('run', '')}".rstrip()
    drill = f"tocsin plan drill {lead.labels.get('plan', '')}".rstrip()
    return voice.say(f"do.due.{_asked(lead)}"), drill if _asked(lead) == "drill" else "tocsin check"


def _ask(voice: Voice, lead: AlertFacts) -> str:
    if voice.message.kind == "reminder":
        return "do.reminder"
    if "catch_up" in lead.labels:
        return "do.catch_up"
    if lead.kind in _DO:
        return _DO[lead.kind]
    if nature(lead) in {"safety", "praise"}:
        return f"do.{nature(lead)}"
    if not lead.personal:
        return "do.crisis" if lead.severity == "critical" else "do.many"
    return "do.answer" if len(voice.message.alerts) == 1 else "do.many"


def _plan_action(voice: Voice, plan: PlanFacts) -> tuple[str, str]:
    if plan.standing is not None:
        return standing.next_step(voice, plan.standing), ""
    if voice.message.kind == "step" and voice.step:
        return _step_action(voice, voice.step), ""
    if plan.state == "awaiting_confirmation":
        return voice.say("do.confirm"), f"tocsin plan confirm {plan.run_id}"
    return _first_step(voice, plan), ""


def _first_step(voice: Voice, plan: PlanFacts) -> str:
    """The first step that waits for a person."""
    step = next((step for step in plan.steps if not step.automatic and step.state not in _OVER), None)
    if step is None:
        return voice.say("do.plan.none")
    title = voice.title(step.title, _TITLE)
    if not step.owner:
        return voice.say("do.first", step=title)
    return voice.say("do.first.owner", step=title, owner=one_line(step.owner, _TITLE))


def _step_action(voice: Voice, step: PlanStepFacts) -> str:
    if step.action == "statement":
        return voice.say("do.statement" if step.approved else "do.statement.draft")
    plan = voice.message.plan
    if step.action == "notify" and plan and plan.statements:
        return voice.say("do.notify.approved" if any(each.approved for each in plan.statements) else "do.notify.draft")
    return voice.say(f"do.{step.action}")
