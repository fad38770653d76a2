"""The rule's reasons in the reader's words, where their pattern is known. The engine gives them in plain English."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from notifiers.voice import Voice

_DURATION = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WHOLE = r"\d[\d,]{0,14}"
_NUMBER = rf"-?{_WHOLE}(?:\.\d{{1,9}})?"
_MEAN = re.compile(
    rf"a mean (?P<field>[a-z_.]{{1,40}}) of (?P<n>{_NUMBER}) in (?P<of>{_WHOLE}) scored mentions"
    rf"(?: \((?P<untold>{_WHOLE}) not scored\))?"
)
_SUM = re.compile(rf"a sum (?P<field>[a-z_.]{{1,40}}) of (?P<n>{_NUMBER})")
_AMOUNT = re.compile(
    rf"(?P<bound>at least )?(?P<n>-?{_WHOLE}(?:\.\d+)?)(?: (?P<unit>authors|texts|mentions))?"
    rf"(?: \((?P<unscored>{_WHOLE}) more could not be scored\))?"
)
_SHARE = re.compile(
    r"(?P<share>\d{1,3})% of (?:the|(?P<judged>\d[\d,]{0,14}))(?: scored)? mentions(?: \((?P<untold>\d[\d,]{0,14}) not scored\))?"
)
COPIED = re.compile(rf"(?P<copies>{_WHOLE}) of (?P<mentions>{_WHOLE}) mentions are copies of one text")
_PROBABILITIES = frozenset({"complaint", "safety_risk"})
_SUREST = 0.99  # no model knows a thing for certain, and nobody should read 100 %
_Words = Callable[[Voice, "re.Match[str]"], str | None]


def worded(voice: Voice, reason: str) -> str | None:
    """The reason in the reader's language; empty when it only repeats what everybody knows; None when nobody worded it yet."""
    return next((say(voice, found) for pattern, say in _KNOWN if (found := pattern.fullmatch(reason))), None)


def _known(voice: Voice, found: re.Match[str]) -> str:
    del voice, found
    return ""


def _by_hand(voice: Voice, found: re.Match[str]) -> str:
    said = voice.say("saw.by_hand", who=found["who"])
    return f"{said} – {found['said']}" if found["said"] else said


def _seen(voice: Voice, found: re.Match[str]) -> str | None:
    """« 20 personnes en 60 min — d’habitude 0,6 »."""
    return _within(voice, found, _amount(voice, found["seen"]), of_a_mean=found["seen"].startswith("a mean "))


def _within(voice: Voice, found: re.Match[str], seen: str | None, *, of_a_mean: bool = False) -> str | None:
    window = _span(voice, found["window"])
    if seen is None or window is None:
        return None
    said = voice.say("within", headline=seen, window=window)
    usual = _usual(voice, found["usual"], of_a_mean=of_a_mean) if found["usual"] else None
    return voice.say("usually", headline=said, expected=usual) if usual else said


def _new_term(voice: Voice, found: re.Match[str]) -> str | None:
    """« nouveau, « #panne », dit par 12 personnes en 60 min — d’habitude 0,3 »."""
    amount = _amount(voice, found["amount"])
    return _within(voice, found, voice.say("saw.new_term", term=found["term"], amount=amount)) if amount else None


def _usual(voice: Voice, said: str, *, of_a_mean: bool) -> str | None:
    """A mean has decimals that count."""
    return voice.reader.decimal(float(said.replace(",", ""))) if of_a_mean else _amount(voice, said)


def _learning(voice: Voice, found: re.Match[str]) -> str | None:
    window = _span(voice, found["window"])
    return voice.say("saw.learning", window=window) if window else None


def _unanswered(voice: Voice, found: re.Match[str]) -> str | None:
    window = _span(voice, found["window"])
    return voice.say("saw.unanswered.work" if found["work"] else "saw.unanswered", window=window) if window else None


def _unsaid(voice: Voice, found: re.Match[str]) -> str | None:
    window = _span(voice, found["window"])
    return voice.say("saw.unsaid", window=window) if window else None


def _late(voice: Voice, found: re.Match[str]) -> str | None:
    """« vu après coup : c’était le cas à 14:05 »."""
    at = datetime.strptime(f"{found['at']} +0000", "%Y-%m-%d %H:%M %z")
    return voice.say("saw.late", at=voice.reader.moment(at, voice.message.created_at))


def _mood(voice: Voice, found: re.Match[str]) -> str:
    return voice.say("saw.mood", n=voice.reader.decimal(float(found["n"])))


def _asks(voice: Voice, found: re.Match[str]) -> str | None:
    """« sonne à partir de 20 personnes et 4 fois l’habitude »."""
    floor, *others = found["parts"].split(", ")
    said = _amount(voice, floor)
    return voice.say("saw.floor", amount=_joined(voice, said, others) or "") if said and _joined(voice, said, others) else None


def _flat(voice: Voice, found: re.Match[str]) -> str | None:
    """« sonne là où 5 messages sont d’habitude et au plus 20 % de cela »."""
    usual = _amount(voice, found["floor"])
    others = found["others"].split(", ")[1:]
    return _joined(voice, voice.say("saw.flat", amount=usual), others) if usual else None


def _joined(voice: Voice, said: str, parts: list[str]) -> str | None:
    """What a rule asks besides; None where one part has no words yet."""
    for part in parts:
        also = _part_asked(voice, part)
        if also is None:
            return None
        said = voice.say("saw.and", one=said, other=also)
    return said


def _part_asked(voice: Voice, part: str) -> str | None:
    for pattern, key in _PARTS:
        if found := pattern.fullmatch(part):
            n = float(found["n"].replace(",", ""))
            return voice.say(key, n=voice.reader.percent(n / 100) if "%" in part else voice.reader.decimal(n))
    return None


def _odds(voice: Voice, found: re.Match[str]) -> str | None:
    """« surprise de 3,4 sur 6 h : si peu ne vient par hasard qu’environ une fois sur 2 512 »."""
    window = _span(voice, found["window"])
    if window is None:
        return None
    once = whole(voice, found["once"]) if found["once"][0].isdigit() else voice.say("saw.odds.million")
    key = "saw.odds.few" if found["few"] else "saw.odds"
    return voice.say(key, n=voice.reader.decimal(float(found["n"])), window=window, once=once)


def _signal(voice: Voice, found: re.Match[str]) -> str | None:
    said = worded(voice, found["said"])
    return voice.say("saw.signal", signal=found["signal"], said=said) if said else None


def _figure(voice: Voice, found: re.Match[str], how: str) -> str:
    """« tonalité moyenne -0,31 », « en tout 120 000 abonnés »."""
    n, field = voice.reader.decimal(float(found["n"].replace(",", ""))), found["field"]
    if (how, field) == ("mean", "sentiment"):
        return voice.say("saw.mean.sentiment", n=n)
    return voice.say(f"saw.{how}", n=n, what=voice.say(f"figure.{field}") if field in FIGURES else field)


def _mean(voice: Voice, found: re.Match[str]) -> str:
    of, untold = int(found["of"].replace(",", "")), found["untold"]
    said = voice.say("saw.mean.of", said=_figure(voice, found, "mean"), messages=voice.count("unit.scored", of))
    return voice.say("saw.untold", said=said, n=whole(voice, untold)) if untold else said


def _said(voice: Voice, found: re.Match[str]) -> str:
    quoted = found["words"]
    words = quoted.replace("“", "«\u00a0").replace("”", "\u00a0»") if voice.message.language == "fr" else quoted
    return voice.say("saw.words", words=words, lists=found["lists"])


def _measured(voice: Voice, found: re.Match[str]) -> str:
    """A number of the post or its author, against the rule's limit."""
    value, limit = (float(found[name].replace(",", "")) for name in ("n", "limit"))
    probable = found["field"] in _PROBABILITIES
    shown = voice.reader.percent if probable else voice.reader.decimal
    bound = voice.say(f"saw.{found['test']}", n=shown(limit))
    if found["field"] == "author.reach":
        return voice.say("saw.reach", who=voice.count("followers", value), bound=bound)
    return voice.say(f"saw.{found['field']}", n=shown(min(value, _SUREST) if probable else value), bound=bound)


def _campaign(voice: Voice, found: re.Match[str]) -> str:
    """« la campagne « soldes » multiplie les seuils par 3 »."""
    return voice.say("saw.campaign", name=found["name"], n=voice.reader.decimal(float(found["times"])))


def _judged(voice: Voice, found: re.Match[str]) -> str:
    """« tonalité jugée par accurate 1, second avis »."""
    return voice.say("saw.first_opinion" if found["no"] else "saw.second_opinion", engine=found["engine"])


def _amount(voice: Voice, said: str) -> str | None:
    """« 20 personnes », « 41 % des messages », « 0,6 »."""
    if share := _SHARE.fullmatch(said):
        return _part(voice, share)
    if mean := _MEAN.fullmatch(said):
        return _mean(voice, mean)
    if total := _SUM.fullmatch(said):
        return _figure(voice, total, "sum")
    found = _AMOUNT.fullmatch(said)
    if not found:
        return None
    value = float(found["n"].replace(",", ""))
    amount = voice.count(f"unit.{found['unit']}", value) if found["unit"] else voice.reader.number(value)
    bound = voice.say("saw.bound", amount=amount) if found["bound"] else amount
    unscored = int((found["unscored"] or "0").replace(",", ""))
    return voice.count("saw.unscored", unscored, said=bound) if unscored else bound


def _part(voice: Voice, found: re.Match[str]) -> str:
    """« 41 % des messages », « 41 % de 118 messages notés (9 sans note) »."""
    percent = voice.reader.percent(int(found["share"]) / 100)
    if found["judged"] is None:
        return voice.say("saw.share", n=percent)
    judged, untold = (int((found[name] or "0").replace(",", "")) for name in ("judged", "untold"))
    messages = voice.count("unit.scored" if untold else "unit.mentions", judged)
    said = voice.say("saw.share.of", n=percent, messages=messages)
    return voice.say("saw.untold", said=said, n=voice.reader.number(untold)) if untold else said


def whole(voice: Voice, written: str) -> str:
    """A whole number as the engine writes it (1,234), as the reader does."""
    return voice.reader.number(int(written.replace(",", "")))


def _span(voice: Voice, written: str) -> str | None:
    """A duration as rules write it (1h30m), as the reader does."""
    parts = _DURATION.findall(written)
    if "".join(number + unit for number, unit in parts) != written:
        return None
    length = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))
    return voice.reader.span(length, short=voice.message.language == "fr")


FIGURES = frozenset(
    {
        "sentiment",
        "complaint",
        "safety_risk",
        "author.reach",
        "engagement.replies",
        "engagement.shares",
        "engagement.likes",
    }
)
_PARTS = tuple(
    (re.compile(pattern.replace("N", rf"(?P<n>{_NUMBER})")), key)
    for pattern, key in (
        ("N% of the mentions", "saw.share"),
        ("N times the usual", "saw.times"),
        ("a surprise of N", "saw.surprise"),
        ("a mean of at least N", "saw.above"),
        ("a mean of at most N", "saw.below"),
        ("a mean lower than usual by N", "saw.drop"),
        ("at N% of it or less", "saw.flat.part"),
    )
)
_KNOWN: tuple[tuple[re.Pattern[str], _Words], ...] = (
    # Which subject it is about, the headline says already.
    (re.compile(r"about .*|subjects .* \((?:is|in|exists) .*\)"), _known),  # and as it was written before
    (COPIED, _known),  # `why` has said it
    (re.compile(r"(?P<who>.{1,200}?) opened it by hand(?:: (?P<said>.*))?", re.DOTALL), _by_hand),
    (re.compile(r"signal (?P<signal>[a-z0-9_-]{1,64}): (?P<said>.{1,240})"), _signal),
    (
        re.compile(
            r"the new term “(?P<term>.{1,110})” by (?P<amount>.{1,40}) within (?P<window>\w{1,20})"
            r"(?:, usually (?P<usual>.{1,20}))?"
        ),
        _new_term,
    ),
    (
        re.compile(r"(?P<hold>\d{1,3}) of (?P<all>\d{1,3}) signals hold, and (?P<need>\d{1,3}) must"),
        lambda voice, found: voice.say("saw.signals", n=found["hold"], all=found["all"], need=found["need"]),
    ),
    (re.compile(r"not answered by any of our own accounts within (?P<window>\w{1,20})(?P<work> of work)?"), _unanswered),
    (re.compile(r"nobody said it in the (?P<window>\w{1,20}) before"), _unsaid),
    (re.compile(r"mean sentiment (?P<n>-?\d{1,3}\.\d{1,4})"), _mood),
    (re.compile(r"(?P<seen>.{1,90}?) within (?P<window>\w{1,20})(?:, usually (?P<usual>.{1,60}))?"), _seen),
    (re.compile(r"what is usual is still being learnt \(needs (?P<window>\w{1,20})\)"), _learning),
    (re.compile(r"rings from (?P<parts>.{1,200})"), _asks),
    (re.compile(r"rings where (?P<floor>.{1,40}) are usual(?P<others>.{0,120})"), _flat),
    (
        re.compile(
            rf"a surprise of (?P<n>\d{{1,3}}\.\d) over (?P<window>\w{{1,20}}): about one time in"
            rf" (?P<once>{_WHOLE}|more than a million) (?P<few>so few )?by chance"
        ),
        _odds,
    ),
    (re.compile("no surprise"), lambda voice, _: voice.say("saw.odds.none")),
    (re.compile(r"late: held at (?P<at>\d{4}-\d\d-\d\d \d\d:\d\d) UTC, seen only now"), _late),
    (re.compile("held back by `unless`"), lambda voice, _: voice.say("saw.held_back")),
    (
        re.compile(r"usually means at this hour of the week \((?P<zone>[\w/+-]{1,60})\)"),
        lambda voice, found: voice.say("saw.season", zone=found["zone"]),
    ),
    (
        re.compile(r"nothing has ever come of a key that the rule names, in (?P<window>\w{1,20}) and more"),
        lambda voice, found: voice.say("saw.flat.never", window=_span(voice, found["window"]) or found["window"]),
    ),
    (re.compile(r"(?:text|title) (?P<words>“.*”) \(any_of (?P<lists>[^()]*)\)"), _said),
    (
        re.compile(
            r"(?P<field>sentiment|complaint|safety_risk|copies|author\.reach) (?P<n>-?\d[\d,]{0,14}(?:\.\d+)?)"
            r" \((?P<test>gte|gt|lte|lt) (?P<limit>-?\d{1,15}(?:\.\d+)?)\)"
        ),
        _measured,
    ),
    (re.compile(r"the campaign “(?P<name>.{1,64})” multiplies the thresholds by (?P<times>\d{1,5}(?:\.\d+)?)"), _campaign),
    (re.compile(r"sentiment by (?P<engine>.{1,120}) \((?P<no>no )?second opinion\)"), _judged),
)
