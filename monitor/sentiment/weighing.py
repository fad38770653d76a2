"""Says how a scorer came to its figure: which words it knew, what each weighs, and what before or after it changed that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE

LEXICON = "VADER"
_REACH = 3  # words before a feeling that may turn it
_REST = "(signs, pairs, the rest)"
_NOTABLE, _SHOWN = 0.1, 5  # a word's own part of a model's answer in logits, and how many words are worth showing


class Weighed(NamedTuple):
    """A word or phrase that counted: its own valence, what it came to in its place and why, and which list knows it."""

    words: str
    own: float
    valence: float
    why: Sequence[str]
    known_to: str


def weighed(words: Sequence[str], tokens: Sequence[str], at: int, own: float, valence: float) -> Weighed:
    """The word at this place of a text, with the reasons for what it came to."""
    why = tuple(_reasons(words, tokens, at)) if valence != own else ()
    return Weighed(words[at], own, round(valence, 3), why or (("by a phrase around it",) if valence != own else ()), LEXICON)


def by_a_model(name: str, tokens: Sequence[str], leanings: Sequence[float], whole: float) -> list[Weighed]:
    """The few tokens that said most, in their order, and what all else in the text came to; all in logits."""
    most = sorted(range(len(leanings)), key=lambda at: -abs(leanings[at]))[:_SHOWN]
    notable = [at for at in sorted(most) if abs(leanings[at]) >= _NOTABLE]
    said = [(tokens[at], leanings[at]) for at in notable]
    rest = whole - sum(leaning for _, leaning in said)
    return [Weighed(words, leaning, leaning, (), name) for words, leaning in [*said, (_REST, rest)]]


def _reasons(words: Sequence[str], tokens: Sequence[str], at: int) -> Iterator[str]:
    for before in words[max(at - _REACH, 0) : at]:
        if before in NEGATE or "n't" in before or before == "least":
            yield f"denied by “{before}”"
        elif before in BOOSTER_DICT:
            yield f"“{before}” {'strengthens' if BOOSTER_DICT[before] > 0 else 'weakens'}"
    if tokens[at].isupper() and not all(token.isupper() for token in tokens):
        yield "in capitals"
    if "but" in words and at != words.index("but"):
        yield "before “but” × 0.5" if at < words.index("but") else "after “but” × 1.5"
