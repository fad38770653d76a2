"""One event of the timeline in a reader's words. Whoever shows it lays it out: as a line, in columns, many equal ones as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

from babel.lists import format_list

from monitor.domain.plan import Language, Localized, Plan, TimelineEvent, localized
from monitor.plans.phrases import BY_HAND, OWN_REASON, PHRASES, REASONS, WHO
from notifiers.catalogue import group, typeset
from notifiers.safe import one_line

Titles = Mapping[str, Localized]
"""What people call steps, levels and rules: by `step:ID`, `level:RANK` and `rule:ID`."""
Called = Callable[[str], str]
"""What a person, role or receiver is called."""

_NAME: Final = 120  # characters
_NOTE: Final = 600
_UNKNOWN: Final = "–"
_WRITTEN = ("why", "text", "note")  # where an event has what somebody wrote


@dataclass(frozen=True, slots=True)
class Told:
    """What happened, each part plain text on one line, yet to be escaped.

    `what` says it without `who` did it, which is empty for Tocsin; `said` is both. `about` is the step, level, rule, people or
    groups in it. `note` is what somebody wrote on it.
    """

    what: str
    about: str
    who: str
    note: str
    said: str


def titles_of(plan: Plan, rules: Mapping[str, Localized] | None = None) -> Titles:
    """What people call the steps and levels of a plan, and the rules."""
    return {
        **{f"rule:{name}": title for name, title in (rules or {}).items()},
        **{f"step:{step.id}": step.called for step in plan.steps},
        **{f"level:{level.level}": level.name for level in plan.severity},
    }


def told(event: TimelineEvent, titles: Titles, called: Called, language: Language) -> Told:
    """The event in words; one that only another version knows by the words of its kind, which beat a hole in the story."""
    phrase = _phrase(event, language)
    detail = event.detail or {}
    places = {name: _place(name, detail, titles, called, language) or _UNKNOWN for name in _places_in(phrase)}
    what = _typeset(phrase.format(**places), language)
    who = one_line(called(event.actor), _NAME) if event.by_hand else ""
    said = localized(WHO, language).format(what=what, who=who) if who else what
    return Told(what, next(iter(places.values()), ""), who, _note(event, language), said)


def reason(why: str, language: Language) -> str:
    """Why something is as it is: in the reader's words where Tocsin decided it, else as somebody wrote it."""
    return _typeset(localized(REASONS[why], language), language) if why in REASONS else one_line(why, _NOTE)


def _phrase(event: TimelineEvent, language: Language) -> str:
    texts = BY_HAND.get(event.kind) if event.by_hand else None
    texts = texts or PHRASES.get(event.kind)
    if texts is None:
        return event.kind.removeprefix("plan.").replace(".", " ").replace("_", " ")
    return localized(texts, language)


def _places_in(phrase: str) -> Iterator[str]:
    return (name for _, name, _, _ in Formatter().parse(phrase) if name)


def _place(name: str, detail: Mapping[str, object], titles: Titles, called: Called, language: Language) -> str:
    """What stands in a place of a phrase."""
    if name in {"to", "receiver"}:
        return _listed(map(called, names_in(detail.get(name))), language)
    if name == "groups":
        groups = names_in(detail.get("groups") or detail.get("group"))
        return _listed((group(language, each) for each in groups), language)
    found = detail.get(name)
    title = titles.get(f"{name}:{found}")
    return one_line(localized(title, language) if title else "" if found is None else str(found), _NAME)


def names_in(written: object) -> list[str]:
    """The names that an event holds, of one or of several."""
    several = written if isinstance(written, list | tuple) else [written]
    return [str(each) for each in several if each]


def _listed(names: Iterator[str], language: Language) -> str:
    """« clients, presse et salariés »."""
    return format_list([one_line(each, _NAME) for each in names], locale=language)


def _note(event: TimelineEvent, language: Language) -> str:
    detail = {} if event.kind in OWN_REASON else event.detail or {}
    return reason(str(next((detail[name] for name in _WRITTEN if detail.get(name)), "")), language)


def _typeset(text: str, language: Language) -> str:
    return typeset(text) if language == "fr" else text
