"""What a text shows on its surface, as numbers: valences of its words, emoji, marks, capitals, length, and what VADER says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from monitor.sentiment.fast_vader import FastVader
from monitor.sentiment.reading import DIGIT, HANDLE, LENGTHENED, LINK, Reading, is_word, spelt
from monitor.sentiment.valence import CUES, emoji, emoticon, word_list

REMEMBERED = 1 << 13  # tokens: at most about 4 MB; what is written on the networks is mostly the same few thousand
_REACH = 3  # words after a denial that it turns
_TURNED = -0.6
_MANY = 15
_LOGARITHMS = tuple(math.log1p(count) for count in range(_MANY + 1))
_PAUSES = frozenset(".,;:!?…")
_NO_CUES = [0.0] * len(CUES) + [False] * len(CUES)

CUE_NAMES = (*CUES, *(f"any_{cue}" for cue in CUES))
NAMES = (
    "vader_positive", "vader_negative", "vader_neutral", "vader", "vader_glad", "vader_sorry",
    "glad", "sorry", "mood", "glad_share", "sorry_share", "any_glad", "any_sorry", "last", "no_valence", "denials",
    "glad_emoji", "sorry_emoji", "any_glad_emoji", "any_sorry_emoji", "smile", "frown",
    "exclamations", "questions", "ellipsis", "capitals", "shouted", "words", "characters",
    "link", "addressed", "handles", "hashtags", "repeats", "quotes", "lengthened", "digits",
    "ends_exclaiming", "ends_asking", "ends_with_link", "ends_with_stop", "colon", "begins_addressed",
    *CUE_NAMES,
)  # fmt: skip


class Token(NamedTuple):
    """What is known of one token, wherever it stands."""

    spelt: str
    valence: float
    denies: bool
    pause: bool
    emoji: int
    emoticon: int
    letters: int
    capitals: int
    lengthened: bool
    digit: bool
    cues: tuple[int, ...]  # places in `CUES`


@lru_cache(maxsize=REMEMBERED)
def token(written: str, language: str) -> Token:
    """Looks one token up; remembered, so that a common word costs one look."""
    known, word = spelt(written), is_word(written)
    words, letters = word_list(language), written.isalpha()
    return Token(
        known,
        words.valence(known) if word else 0,
        known in words.denials,
        written[0] in _PAUSES,
        emoji(written),
        0 if word else emoticon(written),
        len(written) if letters else sum(map(str.isalpha, written)),
        0 if letters and written == known else sum(map(str.isupper, written)),
        word and LENGTHENED.search(written) is not None,
        word and not letters and DIGIT.search(written) is not None,
        tuple(CUES.index(cue) for cue in words.spoken_of(known)),
    )


def signals(reading: Reading, language: str) -> list[float]:
    """The numbers named in `NAMES`, of about the same size."""
    tokens = [token(written, language) for written in reading.tokens if written not in _MARKS]
    _, valence, denies, pause, emojis, emoticons, letters, capitals, lengthened, digit, cues = (
        zip(*tokens, strict=True) if tokens else _NOTHING
    )
    shouted = sum(capitals) / (sum(letters) or 1)
    return [
        *_vader(reading.plain),
        *_valences(valence, denies, pause),
        *_signs(emojis, emoticons),
        *_surface(reading, shouted, lengthened=any(lengthened), digit=any(digit)),
        *_cues(cues),
    ]


_MARKS = frozenset((LINK, HANDLE))
_NOTHING: tuple[tuple[()], ...] = ((),) * len(Token._fields)


def _vader(plain: str) -> list[float]:
    text = plain.replace(HANDLE, " ").replace(LINK, " ")
    said = _analyser().polarity_scores(text)
    compound = said["compound"]
    return [said["pos"], said["neg"], said["neu"], compound, compound > 0, compound < 0]


def _valences(valence: Sequence[float], denies: Sequence[bool], pause: Sequence[bool]) -> list[float]:
    glad = sorry = last = 0.0
    reach = 0
    if any(valence):  # most texts have no word that is laden with feeling
        for felt, denial, stop in zip(valence, denies, pause, strict=True):
            if denial:
                reach = _REACH
            elif stop:
                reach = 0
            if felt:
                last = felt * _TURNED if reach > 0 and not denial else felt
                if last > 0:
                    glad += last
                else:
                    sorry -= last
            reach -= 1
    root = math.sqrt(len(valence)) or 1.0
    return [
        math.log1p(glad), math.log1p(sorry), math.tanh((glad - sorry) / 2), glad / root, sorry / root,
        glad > 0, sorry > 0, math.tanh(last), not (glad or sorry), math.log1p(sum(denies)),
    ]  # fmt: skip


def _signs(emojis: Sequence[int], emoticons: Sequence[int]) -> list[float]:
    glad = sorry = 0
    if any(emojis):
        glad = sum(1 for each in emojis if each > 0)
        sorry = sum(1 for each in emojis if each < 0)
    return [math.log1p(glad), math.log1p(sorry), glad > 0, sorry > 0, 1 in emoticons, -1 in emoticons]


def _surface(reading: Reading, capitals: float, *, lengthened: bool, digit: bool) -> list[float]:
    plain, written = reading.plain, reading.tokens
    handles, end = written.count(HANDLE), written[-1] if written else ""
    return [
        min(plain.count("!"), 4) / 2, min(plain.count("?"), 3) / 2, "..." in plain or "…" in plain,
        capitals, capitals > 0.5, math.log1p(len(written)) / 3, math.log1p(len(plain)) / 5,  # noqa: PLR2004 half of them
        LINK in written, handles > 0, min(handles, 3) / 2, min(plain.count("#"), 5) / 3,
        plain[:3].lower() == "rt ", '"' in plain or "«" in plain or "“" in plain,
        lengthened, digit,
        end[:1] == "!", end[:1] == "?", end == LINK, end[:1] == ".", ":" in plain, written[:1] == [HANDLE],
    ]  # fmt: skip


def _cues(cues: Sequence[Sequence[int]]) -> list[float]:
    if not any(cues):
        return _NO_CUES
    counts = [0] * len(CUES)
    for each in cues:
        for cue in each:
            counts[cue] += 1
    return [*map(_LOGARITHMS.__getitem__, (min(count, _MANY) for count in counts)), *map(bool, counts)]


@lru_cache(maxsize=1)
def _analyser() -> FastVader:
    return FastVader()
