"""VADER's arithmetic, to the last bit, several times faster than the library that defines it.

vaderSentiment 3.3.2 (Hutto and Gilbert, 2014; MIT licence) stays the source of every word list and constant, and the oracle: a
property test compares the two on real, lexicon-aware and arbitrary texts. What makes the difference: a text without emoji
is not walked through letter by letter, a token is taken apart once and remembered, only words that carry feeling are weighed,
and what stands before them is looked into only where a word stands that could turn it.

Where the library does something odd (its `but` rule looks values up by what they are, not where they are), so does this.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from string import punctuation
from typing import Protocol

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    C_INCR,
    N_SCALAR,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
    normalize,
)

from monitor.sentiment.weighing import Weighed, weighed

_SHORTEST = 2  # a word this short without its punctuation was an emoticon
_MANY = 1 << 13  # tokens remembered, some 1.5 MB: most texts repeat the same few thousand
_REMEMBERED = 30  # letters of a token that may come again
_REACH = 3  # words before a feeling that may turn it
_FADING = (1.0, 0.95, 0.9)  # of a booster one word, two and three words before
_NEGATIONS = frozenset(NEGATE)
_EMPHASIS = frozenset({"so", "this"})
_TURNING = _NEGATIONS | _EMPHASIS | {"no", "or", "nor", "without", "doubt", "least"} | BOOSTER_DICT.keys()
# Of each phrase of several words its longest: where none of these stands, there is no phrase.
_PHRASE_WORDS = frozenset(max(phrase.split(), key=len) for phrase in (*SPECIAL_CASES, *BOOSTER_DICT) if " " in phrase)

_NEAR = 0x400  # between emoji as close as this there is no alphabet: what else stands there is looked at and found to be none

Polarity = dict[str, float]


class Lists(Protocol):
    """What words weigh and what emoji are called: all that is the library's own about a `SentimentIntensityAnalyzer`."""

    lexicon: Mapping[str, float]
    emojis: Mapping[str, str]


class FastVader:
    """Answers as `SentimentIntensityAnalyzer.polarity_scores` does, with the same floats."""

    def __init__(self, oracle: Lists | None = None) -> None:
        oracle = oracle or SentimentIntensityAnalyzer()
        self._lexicon: Mapping[str, float] = oracle.lexicon
        self._emojis: Mapping[str, str] = {sign: said for sign, said in oracle.emojis.items() if len(sign) == 1}
        self._emoji = _any_of(self._emojis)
        self._laden = self._lexicon.keys() - BOOSTER_DICT.keys()
        self._notable = self._laden | _TURNING | _PHRASE_WORDS | {"but"}
        self._plain = self._laden - _TURNING - _PHRASE_WORDS - {"but"}
        self._bare = _Bare()

    def polarity_scores(self, text: str) -> Polarity:
        """`neg`, `neu`, `pos` in [0, 1] and `compound` in [-1, 1] of one text."""
        if not text.isascii() and self._emoji.search(text):
            text = self._emoji.sub(self._described, text)
        tokens = text.split()
        words = [self._bare[token] for token in tokens]
        notable = self._notable.intersection(words)
        denying = [word for word in words if "n't" in word] if "'" in text else ()
        if denying or not notable <= self._plain:
            felt = self._among_others(words, tokens, notable.union(denying))
        else:
            felt = self._by_themselves(words, tokens, notable)
        if felt:
            return _polarity([feeling for feeling in felt if feeling], len(words), text)
        return {"neg": 0.0, "neu": 1.0 if words else 0.0, "pos": 0.0, "compound": 0.0}

    def weigh(self, text: str) -> list[Weighed]:
        """The words that carry feeling, in their order, with what each adds in its place."""
        tokens = self._emoji.sub(self._described, text).split()
        words = [self._bare[token] for token in tokens]
        notable = self._notable.intersection(words) | {word for word in words if "n't" in word}
        places = [at for at, word in enumerate(words) if word in self._laden]
        felt = self._among_others(words, tokens, notable)
        if "but" in notable:  # then there is one for each word
            felt = [felt[at] for at in places]
        return [weighed(words, tokens, at, self._lexicon[words[at]], each) for at, each in zip(places, felt, strict=True)]

    def _by_themselves(self, words: Sequence[str], tokens: Sequence[str], laden: AbstractSet[str]) -> list[float]:
        """What is felt where nothing turns it but capitals."""
        if not laden:
            return []
        felt = [(self._lexicon[word], token) for word, token in zip(words, tokens, strict=True) if word in laden]
        if any(token.isupper() for _, token in felt) and _shouted(tokens):
            return [_louder(own) if token.isupper() else own for own, token in felt]
        return [own for own, _ in felt]

    def _among_others(self, words: Sequence[str], tokens: Sequence[str], notable: AbstractSet[str]) -> list[float]:
        """What is felt where other words boost it, deny it or turn it."""
        laden = notable & self._laden
        places = [at for at, word in enumerate(words) if word in laden]
        sentence = _Sentence(words, tokens, notable, self._lexicon)
        felt = [sentence.valence(at) for at in places]
        return _contrasted(felt, places, words) if "but" in notable else felt

    def _described(self, found: re.Match[str]) -> str:
        """What an emoji is called, set off from the word before it; another sign stays."""
        at, described = found.start(), self._emojis.get(found[0])
        if described is None:
            return found[0]
        return described if at == 0 or found.string[at - 1] == " " else " " + described


def _any_of(signs: Collection[str]) -> re.Pattern[str]:
    """Finds one of them. As few ranges as there are: a set is tried range by range at each letter."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, signs)):
        if ranges and code - ranges[-1][1] <= _NEAR:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return re.compile("[" + "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges) + "]")


class _Bare(dict[str, str]):
    """A token's word: in lower case, without the punctuation around it; an emoticon as it is. Most tokens come again."""

    def __missing__(self, token: str) -> str:
        bare = token.strip(punctuation)
        word = (bare if len(bare) > _SHORTEST else token).lower()
        if len(token) <= _REMEMBERED:
            if len(self) >= _MANY:
                self.clear()
            self[token] = word
        return word


class _Sentence:
    """A text's words, and what each of those that carry feeling says among the others."""

    __slots__ = ("_lexicon", "_phrases", "_tokens", "_turning", "_words")

    def __init__(
        self, words: Sequence[str], tokens: Sequence[str], notable: AbstractSet[str], lexicon: Mapping[str, float]
    ) -> None:
        self._words = words
        self._lexicon = lexicon
        self._tokens = tokens
        self._turning = {word for word in notable if word in _TURNING or "n't" in word}
        self._phrases = not _PHRASE_WORDS.isdisjoint(notable)

    def valence(self, at: int) -> float:
        """What the word at this place adds: its own valence, as those before it boost, deny or turn it."""
        words = self._words
        if words[at] == "kind" and words[at + 1 : at + 2] == ["of"]:
            return 0.0
        before = words[at - _REACH if at > _REACH else 0 : at]
        turned = self._turning and (words[at] == "no" or not self._turning.isdisjoint(before))
        valence = self._own(at, before) if turned else self._lexicon[words[at]]
        if self._tokens[at].isupper() and _shouted(self._tokens):
            valence = _louder(valence)
        if turned:
            valence = self._turned(valence, at, before)
        if self._phrases and len(before) == _REACH and before[0] not in self._lexicon:
            valence = _idiom(valence, words[at - _REACH : at + _REACH])
        return _least(valence, before) if turned else valence

    def _turned(self, valence: float, at: int, before: Sequence[str]) -> float:
        for distance in range(1, len(before) + 1):
            word = before[-distance]
            # What stands three words before counts even so: by it the library hangs an emphasis on the nearest word.
            if (word in self._turning or distance == _REACH) and word not in self._lexicon:
                valence = self._boosted(valence, at, distance)
                valence = _denied(valence, before[-distance:])
        return valence

    def _own(self, at: int, before: Sequence[str]) -> float:
        """The word's own valence; "no" denies what follows it instead of being counted itself."""
        own, after = self._lexicon[self._words[at]], self._words[at + 1 : at + 2]
        if "no" in before[-2:] or (len(before) == _REACH and before[0] == "no" and before[-1] in {"or", "nor"}):
            return own * N_SCALAR
        return 0.0 if self._words[at] == "no" and after and after[0] in self._lexicon else own

    def _boosted(self, valence: float, at: int, distance: int) -> float:
        boost = BOOSTER_DICT.get(self._words[at - distance])
        if boost is None:
            return valence
        if valence < 0:
            boost = -boost
        if self._tokens[at - distance].isupper() and _shouted(self._tokens):
            boost += C_INCR if valence > 0 else -C_INCR
        return valence + boost * _FADING[distance - 1]


def _shouted(tokens: Sequence[str]) -> bool:
    """Whether there are words that are not in capitals: only then those in capitals are emphasised."""
    return not all(token.isupper() for token in tokens)


def _louder(valence: float) -> float:
    return valence + (C_INCR if valence > 0 else -C_INCR)


def _least(valence: float, before: Sequence[str]) -> float:
    """Apply a "least" before the word, which denies it; "at least" and "very least" do not."""
    if before[-1:] != ["least"]:
        return valence
    return valence if before[-2:-1] in (["at"], ["very"]) else valence * N_SCALAR


def _denied(valence: float, since: Sequence[str]) -> float:
    """A denial one to three words before; "never so good" is stronger than "good", and "without doubt" denies nothing."""
    first, between = since[0], since[1:]
    if between:
        emphasised = first == "never" and between[0] in _EMPHASIS
        if emphasised or (len(since) == _REACH and between[-1] in _EMPHASIS):  # as the library groups it
            return valence * 1.25
        if first == "without" and "doubt" in between:
            return valence
    return valence * N_SCALAR if first in _NEGATIONS or "n't" in first else valence


def _idiom(valence: float, around: Sequence[str]) -> float:
    """The valence of a set phrase around the fourth of these words, if any; then boosters of two words ("kind of") before it."""
    if _PHRASE_WORDS.isdisjoint(around):
        return valence
    three, two, one, zero, *after = around
    before = (f"{three} {two} {one}", f"{three} {two}", f"{two} {one}")
    for phrase in (f"{one} {zero}", f"{two} {one} {zero}", before[2], before[0], before[1]):
        if phrase in SPECIAL_CASES:
            valence = SPECIAL_CASES[phrase]
            break
    for length in range(1, len(after) + 1):
        valence = SPECIAL_CASES.get(" ".join((zero, *after[:length])), valence)
    for phrase in before:
        valence += BOOSTER_DICT.get(phrase, 0)
    return valence


def _contrasted(felt: Sequence[float], places: Sequence[int], words: Sequence[str]) -> list[float]:
    """After the first "but" feelings count for more, before it for less; as the library does it, value by value."""
    turn, all_felt = words.index("but"), [0.0] * len(words)
    for at, feeling in zip(places, felt, strict=True):
        all_felt[at] = feeling
    for feeling in all_felt:
        at = all_felt.index(feeling)
        if at != turn:
            all_felt[at] = feeling * (0.5 if at < turn else 1.5)
    return all_felt


def _polarity(feelings: Sequence[float], count: int, text: str) -> Polarity:
    """From what is felt, zeros left out, in a text of `count` words."""
    emphasis = min(text.count("!"), 4) * 0.292 + _questions(text.count("?"))
    total = float(sum(feelings))
    if total:
        total += emphasis if total > 0 else -emphasis
    positive = negative = 0.0
    for value in feelings:
        if value > 0:
            positive += value + 1
        else:
            negative += value - 1
    neutral = count - len(feelings)
    if positive > -negative:
        positive += emphasis
    elif positive < -negative:
        negative -= emphasis
    whole = positive - negative + neutral
    return {
        "neg": round(-negative / whole, 3) if negative else 0.0,
        "neu": round(neutral / whole, 3),
        "pos": round(positive / whole, 3) if positive else 0.0,
        "compound": round(normalize(total), 4),
    }


def _questions(count: int) -> float:
    """Two and three question marks emphasise, and from the fourth on no more than that."""
    return 0 if count < 2 else count * 0.18 if count <= 3 else 0.96  # noqa: PLR2004 VADER's own steps
