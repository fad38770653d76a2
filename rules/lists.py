"""Named lists, as the rules look things up in them: words compiled once each, names folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

from rules.base import suggest
from rules.words import BadEntryError, WordList, fold_label

_LOOKS_LIKE_A_NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)+")


class BadListError(ValueError):
    """A list cannot be used: `name` says which, the text why and what to do."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class UnknownListError(ValueError):
    """A rule names a list that is not there. The text suggests one."""


class Lists:
    """All lists of a configuration."""

    def __init__(self, entries: Mapping[str, Sequence[str]]) -> None:
        self._entries = entries

    def labels(self, name: str) -> frozenset[str]:
        """The entries of a list as folded names. Raises UnknownListError."""
        if name not in self._entries:
            raise self._unknown(name)
        return folded(self._entries[name])

    def words(self, written: Iterable[str]) -> list[WordList]:
        """What finds these words: the lists they name (shared by all rules), and one for those written out."""
        named, plain = self._parted(written)
        return [*map(self._word_list, named), *([WordList(plain)] if plain else [])]

    def words_apart(self, written: Iterable[str]) -> list[WordList]:
        """What finds each of these by itself."""
        named, plain = self._parted(written)
        return [*map(self._word_list, named), *(WordList([word]) for word in plain)]

    def _parted(self, written: Iterable[str]) -> tuple[list[str], list[str]]:
        named: list[str] = []
        plain: list[str] = []
        for entry in written:
            if self._meant_as_a_list(entry):
                raise self._unknown(entry)
            (named if entry in self._entries else plain).append(entry)
        return named, plain

    def _word_list(self, name: str) -> WordList:
        try:
            return _compiled(tuple(self._entries[name]))
        except BadEntryError as wrong:
            raise BadListError(name, str(wrong)) from None

    def _meant_as_a_list(self, entry: str) -> bool:
        """A misspelt name of a list must not become a phrase that nobody ever says; underscores stand in no phrase."""
        if entry in self._entries or not _LOOKS_LIKE_A_NAME.fullmatch(entry):
            return False
        return "_" in entry or bool(get_close_matches(entry, self._entries, n=1, cutoff=0.8))

    def _unknown(self, name: str) -> UnknownListError:
        return UnknownListError(f"there is no list `{name}`; {suggest(name, self._entries)}")


@lru_cache(maxsize=64)
def _compiled(entries: tuple[str, ...]) -> WordList:
    """Compiled once for all rules, for checking and for judging, and not again when the configuration is read anew."""
    return WordList(entries)


def folded(names: Iterable[str]) -> frozenset[str]:
    """Names in the form in which they are compared."""
    return frozenset(map(fold_label, names))
