"""Takes a person out of what rules remember, as it is saved: the rules may be gone by then. How many spoke stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rules.telling import tells
from rules.words import fold_label, said

_NO_REACH = -1


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to forget: our number for them, and the numbers of what they said.

    `terms` tells of each term in which mentions it is theirs: what they said, and what others did where it is part of their name.
    """

    number: int
    mentions: Collection[int]
    terms: Mapping[str, Collection[int]]

    @property
    def nobody(self) -> int:
        """Who stands in their place: whoever wrote the newest of it, and whom nobody knows."""
        return -max(self.mentions, default=0)


def terms_of(title: str, text: str, names: Iterable[str]) -> set[str]:
    """What a rule for new terms may have heard in a mention: its words, and the names (hashtags, topics) that it bears."""
    words = {token for token in said(f"{title}\n{text}").tokens if tells(token)}
    return words | {fold_label(name) for name in names}


def without(key: str, state: Mapping[str, Any], person: Person) -> Mapping[str, Any] | None:
    """A state of any kind of rule, under its key as JSON, as if nobody had known the person. None: all of it is theirs."""
    if json.loads(key).get("author") == str(person.number):
        return None
    forget = next((forget for sign, forget in _BY_SIGN.items() if sign in state), None)
    return state if forget is None else forget(state, person)


def _window(state: Mapping[str, Any], person: Person) -> Mapping[str, Any]:
    shown = [each for each in state["contributors"] if each[2] not in person.mentions]
    return {**state, "tally": _tally(state["tally"], person), "contributors": shown}


def _tally(tally: Any, person: Person) -> Any:
    """Who is in a window, where different people are counted (or texts, of which none is missed if one has the same number)."""
    if isinstance(tally, Mapping):
        first = [[*_others([who], person), since] for who, since in tally["first"]]
        return {"inside": _slices(tally["inside"], person), "first": first, "left": _slices(tally["left"], person)}
    return _slices(tally, person) if all(_is_slice(each) for each in tally) else tally


def _is_slice(each: Any) -> bool:
    """Whether it is a slice with those in it, as all of a tally was once."""
    return isinstance(each, list) and len(each) == 2 and isinstance(each[0], int) and isinstance(each[1], list)  # noqa: PLR2004


def _slices(slices: Iterable[Any], person: Person) -> list[Any]:
    return [[at, _others(who, person)] for at, who in slices]


def _others(who: Iterable[int], person: Person) -> list[int]:
    return sorted(person.nobody if each == person.number else each for each in who)


def _traffic(state: Mapping[str, Any], person: Person) -> Mapping[str, Any]:
    return {**state, "came": [[at, count, _others(who, person)] for at, count, who in state["came"]]}


def _waiting(state: Mapping[str, Any], person: Person) -> Mapping[str, Any]:
    return {**state, "author": None} if state["author"] == person.number else state


def _terms(state: Mapping[str, Any], person: Person) -> Mapping[str, Any] | None:
    left = {name: _term(term, person) for name, term in state["terms"].items() if not _is_theirs(name, term, person)}
    return {**state, "terms": left} if left or not state["terms"] else None


def _is_theirs(name: str, term: list[Any], person: Person) -> bool:
    """Whether perhaps nobody else has used a term: it was not heard more often than it is theirs."""
    _, _, voices, before, _ = term
    theirs, heard = person.terms.get(name, ()), len(voices) + sum(count for _, count in before)
    return all(mention in theirs for _, _, mention, *_ in voices) and heard <= len(theirs)


def _term(term: list[Any], person: Person) -> list[Any]:
    spelt, newest, voices, before, fired_at = term
    return [spelt, newest, [_voice(each, person) for each in voices], before, fired_at]


def _voice(voice: list[Any], person: Person) -> list[Any]:
    who, at, mention, _, sentiment = voice
    return [-mention, at, mention, _NO_REACH, sentiment] if who == person.number else voice


# By what the states of each kind are known.
_BY_SIGN: Mapping[str, Callable[[Mapping[str, Any], Person], Mapping[str, Any] | None]] = {
    "tally": _window,
    "came": _traffic,
    "rang_at": _waiting,
    "terms": _terms,
}
