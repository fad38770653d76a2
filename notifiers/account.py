"""The daily account of what is only observed: what would have rung, what plans would have done, and how to let them ring."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from notifiers.message import AccountFacts, AlertFacts, WouldOpenFacts, WouldRingFacts, WouldTellFacts
from notifiers.safe import one_line
from notifiers.voice import Voice

Line = tuple[str, Sequence[str]]
"""A line, and what belongs to it."""
Describe = Callable[[Voice, AlertFacts], str]

_NAME, _PLACE = 120, 300
_MOST_RULES, _MOST_MOMENTS, _MOST_TOLD, _MOST_NAMES = 20, 5, 12, 6


# --- the message's first lines -------------------------------------------------------------------------------------------


def headline(voice: Voice, account: AccountFacts) -> str:
    """« Observé : 3 alertes auraient sonné pour Acme, soit 14 messages, dont 2 de nuit »."""
    if account.ended:
        return voice.say("account.ended")
    if account.calm:
        return voice.say("account.calm", span=_span(voice, account))
    said = voice.count("account.alerts", account.alerts) if account.rules else voice.count("account.plans", len(account.plans))
    if not account.all.messages:
        return said
    return voice.say("account.so", headline=said, messages=_messages(voice, account.all.messages, account.all.by_night))


def _messages(voice: Voice, messages: int, by_night: int) -> str:
    said = voice.count("account.messages", messages)
    return voice.say("account.by_night", messages=said, n=voice.reader.number(by_night)) if by_night else said


def why(voice: Voice, account: AccountFacts) -> list[str]:
    """That nobody was told, what that would have been in messages, and until when it goes on."""
    return [said for said in (_nobody(voice, account), *_counts(voice, account), _goes_on(voice, account)) if said]


def _nobody(voice: Voice, account: AccountFacts) -> str:
    if not account.calm:
        return voice.say("account.nobody", span=_span(voice, account))
    return voice.say("account.nothing", span=_span(voice, account)) if account.ended else ""


def _span(voice: Voice, account: AccountFacts) -> str:
    """« 1er mars, 08:00 – 2 mars, 08:00 »: its end has a day where it is another than that of its beginning."""
    return f"{_at(voice, account.since)} – {voice.reader.moment(account.until, account.since)}"


def _counts(voice: Voice, account: AccountFacts) -> Iterator[str]:
    """What the reader would have had, and all together; and that somebody listened, for silence is no peace."""
    yours, everybody = account.yours, account.all
    if everybody.messages:
        if yours.messages:
            yield voice.say("account.yours", messages=_messages(voice, yours.messages, yours.by_night))
        if everybody != yours:
            to = _names(voice, account.receivers)
            yield voice.say("account.all", messages=_messages(voice, everybody.messages, everybody.by_night), to=to)
    if account.calm:
        yield voice.count("account.heard", account.heard) if account.heard else voice.say("account.unheard")


def _goes_on(voice: Voice, account: AccountFacts) -> str:
    if account.ended:
        return voice.say("account.now_rings.but" if account.switches else "account.now_rings")
    return voice.say("account.until", ends=_at(voice, account.ends)) if account.ends is not None else ""


def next_step(voice: Voice, account: AccountFacts) -> tuple[str, str]:
    """What to do, and the command that does it."""
    if account.calm and not account.heard:
        return voice.say("do.account.unheard"), "tocsin status"
    everything = next((each for each in account.switches if each.what == "all"), None)
    if everything is not None and account.ends is not None:
        ends, place = _at(voice, account.ends), one_line(everything.place, _PLACE)
        return voice.say("do.account.wait", ends=ends, place=place), ""
    switch = _switch_of_what_rang(account)
    if switch is None:
        return voice.say("do.account.none"), ""
    return voice.say(f"do.account.{switch[0]}", name=switch[1], place=switch[2]), ""


def _switch_of_what_rang(account: AccountFacts) -> tuple[str, str, str] | None:
    """How to let that ring which rang most gravely, else anything that is only observed."""
    rang = [("rule", rule.alert.rule) for rule in account.rules] + [("plan", plan.id) for plan in account.plans]
    switches = {(each.what, each.id): each for each in account.switches}
    found = [switches[each] for each in rang if each in switches] or [*switches.values()]
    return (found[0].what, one_line(found[0].id, _NAME), one_line(found[0].place, _PLACE)) if found else None


def otherwise(voice: Voice, account: AccountFacts) -> tuple[str, str]:
    """How to make it quieter before it rings."""
    loudest = max((rule for rule in account.rules if not rule.removed), key=lambda rule: len(rule.at), default=None)
    if loudest is None:
        return "", ""
    return voice.say("do.account.quieter"), f"tocsin backtest {one_line(loudest.alert.rule, _NAME)} store --wanted 2"


# --- what stands below ---------------------------------------------------------------------------------------------------


def sections(voice: Voice, account: AccountFacts, describe: Describe) -> list[tuple[str, Sequence[Line]]]:
    """What would have rung, which plans would have opened, and where it is written that they are only observed."""
    found: list[tuple[str, Sequence[Line]]] = [
        (voice.say("account.rules"), [_rule(voice, each, describe) for each in account.rules[:_MOST_RULES]]),
        (voice.say("account.opened"), [_plan(voice, plan) for plan in account.plans[:_MOST_RULES]]),
        (voice.say("account.switches"), [(said, ()) for said in _switches(voice, account)]),
    ]
    return [(title, lines) for title, lines in found if lines]


def _rule(voice: Voice, rule: WouldRingFacts, describe: Describe) -> Line:
    """« Les plaintes affluent (critique), 3 fois : 12:04 · 15:30 · 18:10 », what was observed, and « Pour : Camille. »."""
    alert = rule.alert
    about = Voice(replace(voice.message, subject=rule.subject, posts=(), account=None))
    said = voice.count(
        "account.rule",
        len(rule.at),
        rule=one_line(alert.title or alert.rule, _NAME),
        severity=voice.say(f"severity.{alert.severity}").lower(),
        at=_moments(voice, rule.at),
    )
    to = voice.say("account.to", to=_names(voice, rule.to)) if rule.to else ""
    last = " ".join(filter(None, (to, voice.say("account.rings_on") if rule.ringing else "")))
    return said, [each for each in (f"{describe(about, alert)}.", last) if each]


def _moments(voice: Voice, moments: Sequence[datetime]) -> str:
    """The day where it is another than that of the moment before."""
    shown = moments[:_MOST_MOMENTS]
    said = [voice.reader.moment(at, before) for before, at in zip((voice.message.created_at, *shown), shown, strict=False)]
    return " · ".join([*said, *_rest(voice, len(moments) - len(shown))])


def _plan(voice: Voice, plan: WouldOpenFacts) -> Line:
    title = one_line(plan.title, _NAME)
    if plan.opened is None:
        return voice.say("account.plan.goes_on", plan=title), list(_all_told(voice, plan))
    return voice.say("account.plan", plan=title, at=_at(voice, plan.opened)), list(_all_told(voice, plan))


def _all_told(voice: Voice, plan: WouldOpenFacts) -> Iterator[str]:
    before = plan.opened or voice.message.created_at
    for each in plan.told[:_MOST_TOLD]:
        yield _told(voice, each, before)
        before = each.at
    if len(plan.told) > _MOST_TOLD:
        yield voice.count("account.plan.more", len(plan.told) - _MOST_TOLD)


def _told(voice: Voice, told: WouldTellFacts, before: datetime) -> str:
    said = {"at": voice.reader.moment(told.at, before), "to": _names(voice, told.to)}
    if not told.step:
        return voice.say("account.told", **said)
    return voice.say("account.told.step", step=voice.title(told.step, _NAME), **said)


def _switches(voice: Voice, account: AccountFacts) -> Iterator[str]:
    for each in account.switches:
        yield voice.say(f"account.switch.{each.what}", name=one_line(each.id, _NAME), place=one_line(each.place, _PLACE))


def _names(voice: Voice, names: Sequence[str]) -> str:
    said = [one_line(name, _NAME) for name in names[:_MOST_NAMES]]
    return ", ".join([*said, *_rest(voice, len(names) - len(said))])


def _rest(voice: Voice, number: int) -> list[str]:
    """Of what is not named, how many there are."""
    return [voice.count("account.others", number)] if number else []


def _at(voice: Voice, at: datetime) -> str:
    return voice.reader.moment(at, voice.message.created_at)
