"""Users' patterns, run on RE2: the time they take grows with the text and with nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, cast

LONGEST = 1_000
"""Characters of a pattern; longer ones are lists of words, for which there is `any_of`."""


class BadPatternError(ValueError):
    """A pattern cannot be used. Its text says why and what to write."""


class Match(Protocol):
    """Where a pattern was found; `[0]` is what was found."""

    def __getitem__(self, group: int) -> str: ...

    def groupdict(self) -> Mapping[str, str | None]:
        """What each named group found."""


class Pattern(Protocol):
    """A compiled pattern. `groupindex` holds its named groups."""

    groupindex: Mapping[str, int]

    def search(self, text: str) -> Match | None:
        """The first place in the text where it is found."""


def compiled(patterns: Iterable[str]) -> list[Pattern]:
    """Raises `BadPatternError` for the first that cannot be used."""
    return [_compiled(pattern) for pattern in patterns]


def first(patterns: Sequence[Pattern], text: str) -> str | None:
    """What is found first, by the first pattern that finds anything; None where none does."""
    found = (pattern.search(text) for pattern in patterns)
    return next((match[0] for match in found if match is not None), None)


@lru_cache(maxsize=1_024)
def _compiled(pattern: str) -> Pattern:
    import re2  # noqa: PLC0415 few configurations have a pattern

    if len(pattern) > LONGEST:
        raise BadPatternError(f"a pattern has {len(pattern):,} characters, and may have {LONGEST:,}: write words in any_of")
    options = re2.Options()
    options.log_errors = False
    try:
        return cast("Pattern", re2.compile(pattern, options))
    except re2.error as wrong:
        (why,) = wrong.args
        said = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise BadPatternError(
            f"the pattern `{pattern}` cannot be used: {said}. It is RE2's language: no look-around, no back-references, at most"
            r" 1,000 repetitions; a sign that is meant itself has a backslash before it, as in \( or \?"
        ) from None
