"""The brand's own words: what `panne` or `au top` weighs when people speak of this brand, whatever scorer reads it.

The scale is VADER's, from -4 to 4. VADER is given these words among its own, so that its negations, boosters and capitals turn
them as they turn any word; the score of any other scorer is shifted by what they come to together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from vaderSentiment.vaderSentiment import N_SCALAR

from monitor.sentiment.language import KNOWN
from monitor.sentiment.weighing import Weighed
from rules.words import BadEntryError, Entry, Found, Said, parse_entry, said

KNOWN_TO: Final = "your lexicon"
STRONGEST: Final = 4.0  # as VADER's own list has it

Valences = Mapping[str, float]
Written = Mapping[str, float | Valences]


class Hit(NamedTuple):
    """An entry that stands in a text: in the author's spelling, from where to where, and what denies it, if anything does."""

    words: str
    place: tuple[int, int] | None
    valence: float
    denied_by: str | None

    @property
    def counts(self) -> float:
        """What it adds to a score; VADER's own share of a word that is denied."""
        return self.valence * N_SCALAR if self.denied_by else self.valence


class Lexicon:
    """Entries for all languages and for single ones. Empty it changes nothing."""

    def __init__(self, written: Written | None = None) -> None:
        """`written` as in monitor.yaml, where it was checked."""
        written = written or {}
        everywhere = {word: value for word, value in written.items() if not isinstance(value, Mapping)}
        self._everywhere = _Finder(everywhere)
        self._by_language = {
            language: _Finder({**everywhere, **words}) for language, words in written.items() if isinstance(words, Mapping)
        }
        said = json.dumps(written, sort_keys=True, default=dict)
        self.version = f"lexicon {hashlib.sha256(said.encode()).hexdigest()[:8]}" if written else ""

    def __bool__(self) -> bool:
        return bool(self.version)

    def hits(self, text: str, language: str) -> list[Hit]:
        """Its entries in a text of this language, in their order; of those that begin at one word, the longest."""
        return list(self._of(language).hits(said(text)))

    def without(self, text: str, language: str) -> str:
        """The text with a space for each of its entries, for who would weigh these words by itself."""
        parts, at = [], 0
        for hit in self.hits(text, language):
            if hit.place is not None:
                start, end = hit.place
                parts += [text[at:start], " "]
                at = end
        return "".join([*parts, text[at:]])

    def valences(self, language: str) -> set[float]:
        """All that an entry for this language may weigh."""
        return set(self._of(language).valences.values())

    def _of(self, language: str) -> _Finder:
        return self._by_language.get(language, self._everywhere)

    def adjustment(self, text: str, language: str) -> float:
        """What the brand's words in a text come to together, on VADER's scale; 0 without any."""
        return sum(hit.counts for hit in self.hits(text, language))

    def weigh(self, text: str, language: str) -> list[Weighed]:
        """The same word by word, for whoever asks why."""
        return [
            Weighed(
                hit.words, hit.valence, round(hit.counts, 3), (f"denied by “{hit.denied_by}”",) if hit.denied_by else (), KNOWN_TO
            )
            for hit in self.hits(text, language)
        ]


class _Finder:
    """Entries by the word that they begin with, or by the beginning of it."""

    def __init__(self, valences: Valences) -> None:
        self.valences = {parse_entry(word): float(valence) for word, valence in valences.items()}
        self._whole: dict[str, list[Entry]] = {}
        self._begun: dict[str, list[Entry]] = {}
        for entry in self.valences:
            first = entry.words[0]
            (self._begun if first.is_prefix else self._whole).setdefault(first.text, []).append(entry)
        self._lengths = sorted({len(beginning) for beginning in self._begun})

    def hits(self, text: Said) -> Iterator[Hit]:
        at, tokens = 0, text.tokens
        begun = text.vocabulary & self._whole.keys()
        for length in self._lengths:
            begun |= {token for token in text.vocabulary if token[:length] in self._begun}
        while begun and at < len(tokens):
            fits = [entry for entry in self._candidates(tokens[at]) if _fits(entry, tokens, at)] if tokens[at] in begun else ()
            if not fits:
                at += 1
                continue
            best = max(fits, key=_exactness)
            found = Found(at, at + len(best.words))
            denial = text.denial(at)
            denied_by = None if denial is None else text.quote(Found(denial, denial + 1))
            yield Hit(text.quote(found), text.place(found), self.valences[best], denied_by)
            at = found.end

    def _candidates(self, token: str) -> Iterator[Entry]:
        yield from self._whole.get(token, ())
        for length in self._lengths:
            yield from self._begun.get(token[:length], ())


def _exactness(entry: Entry) -> tuple[int, int, int]:
    """The longest phrase is meant, and among those of one length the one with the fewest open ends."""
    return len(entry.words), -sum(word.is_prefix for word in entry.words), sum(len(word.text) for word in entry.words)


def _fits(entry: Entry, tokens: Sequence[str], at: int) -> bool:
    around = tokens[at : at + len(entry.words)]
    if len(around) < len(entry.words):
        return False
    return all(
        token.startswith(word.text) if word.is_prefix else token == word.text
        for token, word in zip(around, entry.words, strict=True)
    )


def _checked(written: Any) -> Any:
    """What monitor.yaml says, or an error for each entry that cannot be used, at its own line."""
    if not isinstance(written, Mapping):
        return written
    wrong = list(_faults(written))
    if wrong:
        raise ValidationError.from_exception_data("lexicon", wrong)
    return written


def _faults(written: Mapping[Any, Any]) -> Iterator[InitErrorDetails]:
    flat = {word: value for word, value in written.items() if not isinstance(value, Mapping)}
    yield from _faulty_entries((), flat)
    for language, words in written.items():
        if isinstance(words, Mapping):
            if language not in KNOWN:
                yield _fault((language,), words, f"`{language}` is no language: write a code such as en or fr, then its words")
            yield from _faulty_entries((language,), words)


def _faulty_entries(path: tuple[str, ...], words: Mapping[Any, Any]) -> Iterator[InitErrorDetails]:
    seen: dict[Entry, str] = {}
    for word, valence in words.items():
        what = _wrong_word(str(word), seen) or _wrong_valence(valence)
        if what:
            yield _fault((*path, str(word)), valence, what)


def _wrong_word(word: str, seen: dict[Entry, str]) -> str | None:
    try:
        entry = parse_entry(word)
    except BadEntryError as error:
        return str(error)
    if entry.unless_denied:
        return f"write {word.replace('~', '').strip()!r}: a negation turns every entry of the lexicon"
    if entry in seen:
        return f"this is the same as `{seen[entry]}`, for accents and capitals make no difference: keep one"
    seen[entry] = word
    return None


def _wrong_valence(valence: object) -> str | None:
    number = isinstance(valence, int | float) and not isinstance(valence, bool)
    if number and -STRONGEST <= float(str(valence)) <= STRONGEST:
        return None
    return f"a word weighs from {-STRONGEST:g} (as bad as can be) to {STRONGEST:g}, not `{valence}`: write a number such as -2.5"


def _fault(path: tuple[str, ...], given: object, what: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("lexicon_entry", "{what}", {"what": what}), loc=path, input=given)


LexiconSetting = Annotated[dict[str, float | dict[str, float]], BeforeValidator(_checked)]
