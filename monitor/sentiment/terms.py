"""Names the words that a crisis brings with it: those that far more people say now than usual.

Each term (a word, or two that stand together, « mise à jour ») is compared by the log-odds ratio with an informative Dirichlet
prior (Monroe, Colaresi and Quinn, "Fightin' Words", 2008): a rare word needs more evidence than a common one before it is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import log, sqrt
from typing import NamedTuple

from monitor.domain.mention import Utterance
from monitor.sentiment import clean
from rules.telling import SHORTEST, tells
from rules.words import Found, Said, said

READ = 500  # characters of each text: what is new is said early, and all texts have to be read before a message goes out

_FEWEST = 3  # people who must say it: one who repeats himself makes no news
_LEAST_USUAL = 20  # texts, below which nobody knows what is usual
_SURE = 1.64  # standard deviations: one word in twenty that is not new comes so far


class _Counted(NamedTuple):
    people: Counter[str]  # by term: how many different people say it
    spelt: Mapping[str, str]  # by term: as its first author spells it


def emerging(now: Iterable[Utterance], usually: Sequence[Utterance], *, most: int = 5) -> list[str]:
    """The terms that far more people say now, the surest first; none as long as hardly anything is known to be usual."""
    if len(usually) < _LEAST_USUAL:
        return []
    here, there = _counted(now), _counted(usually)
    odds = _LogOdds(here.people, there.people)
    new = {term: odds.score(term) for term, people in here.people.items() if people >= _FEWEST}
    ranked = sorted((term for term, score in new.items() if score >= _SURE), key=lambda term: (-new[term], term))
    return [here.spelt[term] for term in _without_parts(ranked, here.people)][:most]


class _LogOdds:
    """How much likelier a term is in one corpus than in another, in standard deviations.

    The prior is how often it is said in both together, and weighs as much as what is said now.
    """

    def __init__(self, here: Counter[str], there: Counter[str]) -> None:
        self._here, self._there = here, there
        self._sums = here.total(), there.total()

    def score(self, term: str) -> float:
        here, there, (all_here, all_there) = self._here[term], self._there[term], self._sums
        prior = all_here * (here + there) / (all_here + all_there)
        ratio = _logit(here + prior, 2 * all_here) - _logit(there + prior, all_there + all_here)
        return ratio / sqrt(1 / (here + prior) + 1 / (there + prior))


def _logit(part: float, whole: float) -> float:
    return log(part / (whole - part)) if part < whole else log(part)


def _without_parts(ranked: Sequence[str], people: Counter[str]) -> Iterator[str]:
    """Each term once: a pair instead of its words where these are new, too, and most who say one say the pair; else the words."""
    pairs = {pair: pair.split(" ") for pair in ranked if " " in pair}
    new = set(ranked)
    whole = {pair for pair, words in pairs.items() if all(word in new and _mostly(people[pair], people[word]) for word in words)}
    inside = {word for pair in whole for word in pairs[pair]}
    return (term for term in ranked if term in whole or (term not in pairs and term not in inside))


def _mostly(pair: int, word: int) -> bool:
    return 5 * pair >= 4 * word


def _counted(utterances: Iterable[Utterance]) -> _Counted:
    people: Counter[str] = Counter()
    spelt: dict[str, str] = {}
    seen: set[tuple[int | str, str]] = set()
    for author, text in utterances:
        read = text[:READ]
        who = read if author is None else author  # nobody knows who wrote it: the same text again makes no second person
        parted = said(clean.for_scoring(read))
        for term, place in _terms(parted).items():
            if (who, term) in seen:
                continue
            seen.add((who, term))
            people[term] += 1
            if term not in spelt:
                spelt[term] = parted.quote(place).lower()
    return _Counted(people, spelt)


def _terms(parted: Said) -> dict[str, Found]:
    """The terms of a text, each once, with its first place."""
    tokens = parted.tokens
    telling = [tells(token) for token in tokens]
    found: dict[str, Found] = {}
    for at, token in enumerate(tokens):
        if telling[at]:
            found.setdefault(token, Found(at, at + 1))
    for first, second in _pairs(tokens, telling):
        found.setdefault(f"{tokens[first]} {tokens[second]}", Found(first, second + 1))
    return found


def _pairs(tokens: Sequence[str], telling: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Places of two words that tell something and stand together, or with a small word between them: « mise à jour »."""
    for first, second in pairwise(at for at, says in enumerate(telling) if says):
        between = tokens[first + 1 : second]
        if not between or (len(between) == 1 and len(between[0]) <= SHORTEST and not between[0].isnumeric()):
            yield first, second
