"""Word lists of this project's own: which words, emoji and emoticons feel good or bad, and which deny, in eight languages.

`valences/LANGUAGE.txt` has one line for each degree (`++`, `+`, `-`, `--`); `word*` stands for every word that begins so. A line
`!` lists the words that deny what follows them. Where there are labelled complaints, there is a line for each of `CUES` as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple, TypeVar

T = TypeVar("T")

LANGUAGES = ("ar", "en", "fr", "de", "hi", "it", "pt", "es")

# What people speak of when they complain to a company, and when they do not.
CUES = ("waiting", "failing", "asking", "serving", "paying", "questioning", "addressing", "telling", "praising")

_DEGREES = {"++": 2, "+": 1, "-": -1, "--": -2}
_DENIALS = "!"
_NONE: frozenset[str] = frozenset()
_DOUBLED = re.compile(r"(.)\1\1+")
_SHORTEST, _LONGEST = 2, 14  # letters of a beginning that stands for words

_GLAD = frozenset(
    "😀😁😂😃😄😅😆😇😉😊😋😌😍😎😘😗😙😚😛😜😝🙂🤗🤩🥰😸😹😺😻👍👏🙌💪🎉🎊❤💕💖💗💙💚💛💜💓💞💘✨⭐🌟🔥💯✌👌🌹🌺🌸🎁🏆🥇☺♥♡💝💐🙏"
)
_SORRY = frozenset("😒😓😔😕😖😞😟😠😡😢😣😤😥😦😧😨😩😪😫😬😭😰😱😲😵😷🙁🤢🤮🤬🤦👎💔😑😐🙄😿😾🖕💩☹")
_SMILE = re.compile(r"[:;=xX8][-o'^ ]?[)dDpP\]*}]|<3|\^[_.-]*\^|\(:")
_FROWN = re.compile(r"[:;=][-o'^ ]?[(\[/\\|]|:'\(|-[_.]+-|[tT]_[tT]|\)[:=]|</3")


class WordList(NamedTuple):
    """One language's valences from -2 to 2: of whole words, and of all words with a beginning."""

    words: Mapping[str, int]
    beginnings: Mapping[str, int]
    denials: frozenset[str]
    cues: Mapping[str, frozenset[str]]
    cue_beginnings: Mapping[str, frozenset[str]]

    def valence(self, word: str) -> int:
        """Of a word in small letters, 0 where nothing is known of it; the longest beginning counts."""
        word = word.lstrip("#")
        return self._known(word) or (self._known(_DOUBLED.sub(r"\1", word)) if _DOUBLED.search(word) else 0)

    def spoken_of(self, word: str) -> frozenset[str]:
        """The cues that a word in small letters gives."""
        if not self.cues:
            return _NONE
        lengths = range(_SHORTEST, min(len(word), _LONGEST) + 1)
        found = [self.cues.get(word, _NONE), *(self.cue_beginnings.get(word[:length], _NONE) for length in lengths)]
        return frozenset().union(*found)

    def _known(self, word: str) -> int:
        if word in self.words:
            return self.words[word]
        lengths = range(min(len(word), _LONGEST), _SHORTEST - 1, -1)
        return next((self.beginnings[word[:length]] for length in lengths if word[:length] in self.beginnings), 0)


NOTHING: WordList = WordList({}, {}, frozenset(), {}, {})


@lru_cache(maxsize=16)
def word_list(language: str) -> WordList:
    """The language's own list; an empty one for a language without."""
    if language not in LANGUAGES:
        return NOTHING
    return _parsed(files("monitor.sentiment").joinpath("valences", f"{language}.txt").read_text(encoding="utf-8"))


def emoji(sign: str) -> int:
    """1, -1 or 0."""
    return (sign in _GLAD) - (sign in _SORRY)


def emoticon(sign: str) -> int:
    """1, -1 or 0."""
    return 1 if _SMILE.match(sign) else -1 if _FROWN.match(sign) else 0


def _parsed(text: str) -> WordList:
    lines = [(mark, listed) for mark, *listed in map(str.split, text.splitlines())]
    degrees = [(word, _DEGREES[mark]) for mark, listed in lines if mark in _DEGREES for word in listed]
    words, beginnings = _sorted_out(reversed(degrees))
    cues, cue_beginnings = _sorted_out((word, mark) for mark, listed in lines if mark in CUES for word in listed)
    return WordList(
        {word: found[-1] for word, found in words.items()},
        {word: found[-1] for word, found in beginnings.items()},
        frozenset(word for mark, listed in lines if mark == _DENIALS for word in listed),
        {word: frozenset(found) for word, found in cues.items()},
        {word: frozenset(found) for word, found in cue_beginnings.items()},
    )


def _sorted_out(listed: Iterable[tuple[str, T]]) -> tuple[dict[str, list[T]], dict[str, list[T]]]:
    """Whole words, and beginnings without their star, each with all that was said of it."""
    words: dict[str, list[T]] = {}
    beginnings: dict[str, list[T]] = {}
    for word, said in listed:
        (beginnings if word.endswith("*") else words).setdefault(word.rstrip("*"), []).append(said)
    return words, beginnings
