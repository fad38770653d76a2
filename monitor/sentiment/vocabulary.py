"""Finds which named vocabularies a text meets (`refund`, `delivery/late` …), looking through it once for all of them.

A file of vocabularies holds one entry a line under the name it belongs to: `[refund]`. Below `[question ?]` stands what counts
only in a text with a question mark; below `[refund -]`, what is said without meaning it: a match inside such a phrase does not
count, for the name and for its parts (`[delivery -]` holds for `delivery/late`, too).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rules.words import Entry, Said, parse_entry

_HEAD = re.compile(r"\[(?P<name>[a-z0-9/_-]+)(?: (?P<mark>[?-]))?\]")
_REMEMBERED = 1 << 13  # tokens, as in rules.words


@dataclass(frozen=True, slots=True)
class Section:
    """Entries of one name. Without a language they are looked for in every text."""

    name: str
    entries: tuple[str, ...]
    language: str = ""
    asked: bool = False  # they count only in a text with a question mark
    excepted: bool = False  # what stands within them does not count for the name


def read_entries(path: Path) -> tuple[str, ...]:
    """The entries of a plain word list: one a line, blank lines and lines that begin with `#` left out."""
    return tuple(line for _, line in _lines(path))


def read_sections(path: Path, language: str = "") -> list[Section]:
    """The sections of a file of vocabularies. Raises `ValueError` for a line that belongs to no name."""
    found: dict[tuple[str, str], list[str]] = {}
    into: list[str] | None = None
    for number, line in _lines(path):
        if head := _HEAD.fullmatch(line):
            into = found.setdefault((head["name"], head["mark"] or ""), [])
        elif into is None or line.startswith("["):
            raise ValueError(f"{path}:{number}: `{line}` stands below no [name]")
        else:
            into.append(line)
    return [Section(name, tuple(entries), language, mark == "?", mark == "-") for (name, mark), entries in found.items()]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if (entry := line.strip()) and not entry.startswith("#"):
            yield number, entry


class _Sought(NamedTuple):
    """One entry, as it is looked for from the one of its words that texts hold most rarely."""

    label: int  # the section it belongs to
    before: int  # how many of its words stand before that word
    words: list[str]
    prefixes: Sequence[bool] | None  # None: no word of it ends with `*`, so that a piece of the text can simply be compared
    unless_denied: bool

    def stands(self, tokens: Sequence[str], start: int) -> bool:
        end = start + len(self.words)
        if self.prefixes is None:
            return tokens[start:end] == self.words
        if end > len(tokens):
            return False
        return all(
            token.startswith(word) if prefix else token == word
            for token, word, prefix in zip(tokens[start:end], self.words, self.prefixes, strict=True)
        )


class _Begun(NamedTuple):
    """What a token can be part of: by itself, or only where a certain word stands after it, or before it."""

    alone: list[_Sought]
    followed: dict[str, list[_Sought]]
    preceded: dict[str, list[_Sought]]

    @classmethod
    def of(cls, every: Iterable[_Sought]) -> _Begun:
        """Most entries are phrases, and most texts that hold one of their words hold no other beside it."""
        found = cls([], {}, {})
        for each in every:
            after, before = each.before + 1, each.before - 1
            if after < len(each.words) and not (each.prefixes and each.prefixes[after]):
                found.followed.setdefault(each.words[after], []).append(each)
            elif before >= 0 and not (each.prefixes and each.prefixes[before]):
                found.preceded.setdefault(each.words[before], []).append(each)
            else:
                found.alone.append(each)
        return found

    def possible(self, tokens: Sequence[str], at: int) -> list[_Sought]:
        """What the words beside this place leave of it."""
        possible = self.alone
        if self.followed and (more := self.followed.get(tokens[at + 1] if at + 1 < len(tokens) else "")):
            possible = possible + more
        if self.preceded and (more := self.preceded.get(tokens[at - 1] if at else "")):
            possible = possible + more
        return possible


class _Span(NamedTuple):
    start: int
    end: int


class Vocabulary:
    """Many named lists, compiled into one. An entry is looked for by its rarest word, which few texts hold.

    What a token can be part of is remembered (up to a bound), so that most of a text costs one difference of sets.
    """

    def __init__(self, sections: Iterable[Section]) -> None:
        """Raises `BadEntryError` for an entry that cannot be looked for."""
        self._sections = tuple(sections)
        self._words: dict[str, list[_Sought]] = {}
        self._prefixes: dict[str, list[_Sought]] = {}
        entries = [(label, parse_entry(each)) for label, section in enumerate(self._sections) for each in section.entries]
        held = Counter(word.text for _, entry in entries for word in entry.words)
        for label, entry in entries:
            self._add(label, entry, held)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._languages = frozenset(section.language for section in self._sections)
        self._masks = _masks(self._sections)
        self._barred: dict[tuple[str, bool], frozenset[int]] = {}
        self._idle: set[str] = set()
        self._known: dict[str, _Begun] = {}

    def met(self, said: Said, *, language: str, asked: bool) -> set[str]:
        """The names that the text meets. In a language of which there are entries, those of others are not looked for."""
        present = said.vocabulary - self._idle
        if not present:
            return set()
        self._learn(present)
        barred = self._bar(language, asked=asked)
        found = self._find(said, barred)
        return {self._sections[label].name for label, spans in found.items() if self._counts(label, spans, found)}

    def _add(self, label: int, entry: Entry, held: Mapping[str, int]) -> None:
        """File an entry under the word of it that the fewest entries hold: what many of them hold, texts hold, too."""
        words = [word.text for word in entry.words]
        open_ = [word.is_prefix for word in entry.words]
        rarest = max(range(len(words)), key=lambda at: (not open_[at], -held[words[at]], len(words[at])))
        by = self._prefixes if open_[rarest] else self._words
        sought = _Sought(label, rarest, words, open_ if any(open_) else None, entry.unless_denied)
        by.setdefault(words[rarest], []).append(sought)

    def _learn(self, tokens: set[str]) -> None:
        if len(self._idle) + len(self._known) >= _REMEMBERED:
            self._idle.clear()
            self._known.clear()
        for token in tokens:
            if token in self._known:
                continue
            sought = [*self._words.get(token, ()), *self._begun(token)]
            if sought:
                self._known[token] = _Begun.of(sought)
            else:
                self._idle.add(token)

    def _begun(self, token: str) -> Iterator[_Sought]:
        for length in self._lengths:
            if length > len(token):
                return
            yield from self._prefixes.get(token[:length], ())

    def _bar(self, language: str, *, asked: bool) -> frozenset[int]:
        """The sections that do not count in such a text."""
        spoken = language if language in self._languages else ""
        key = spoken, asked
        if key not in self._barred:
            self._barred[key] = frozenset(
                label
                for label, section in enumerate(self._sections)
                if (spoken and section.language and section.language != spoken) or (section.asked and not asked)
            )
        return self._barred[key]

    def _find(self, said: Said, barred: frozenset[int]) -> dict[int, list[_Span]]:
        tokens, known, masks = said.tokens, self._known, self._masks
        found: dict[int, list[_Span]] = {}
        for at, token in enumerate(tokens):
            if token not in known:
                continue
            for sought in known[token].possible(tokens, at):
                label = sought.label
                if label in barred or (label in found and label not in masks):
                    continue  # one match says it, unless an exception could still take it back
                start = at - sought.before
                if start < 0 or not sought.stands(tokens, start) or (sought.unless_denied and said.denies(start)):
                    continue
                found.setdefault(label, []).append(_Span(start, start + len(sought.words)))
        return found

    def _counts(self, label: int, spans: list[_Span], found: Mapping[int, list[_Span]]) -> bool:
        if self._sections[label].excepted:
            return False
        covers = [cover for mask in self._masks.get(label, ()) for cover in found.get(mask, ())]
        return not covers or any(not any(_within(span, cover) for cover in covers) for span in spans)


def _within(span: _Span, cover: _Span) -> bool:
    return cover.start <= span.start and span.end <= cover.end


def _masks(sections: Sequence[Section]) -> dict[int, list[int]]:
    """Of each section, and of each exception itself, the exceptions that hold for it: all their places must be known."""
    exceptions = [(label, section.name) for label, section in enumerate(sections) if section.excepted]
    found: dict[int, list[int]] = {}
    for label, section in enumerate(sections):
        holding = [mask for mask, name in exceptions if section.name == name or section.name.startswith(f"{name}/")]
        if holding:
            found[label] = holding
    return found
