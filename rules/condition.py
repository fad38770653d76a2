"""A compiled condition: it decides, and it can say what it asked and what it saw."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rules.finding import Verdict
from rules.observation import Observation
from rules.word_index import WordIndex
from rules.words import Said, WordList, said

_SHOWN_AT_MOST = 80
_BLOCKS = {"", "where", "not"}  # parts of a path that name no field
_EXISTS = re.compile(r"(?:^|, )exists true(?:, |$)")


class Seen:
    """A mention on its way past the rules: its text is folded once for all of them, and each different test answered once."""

    __slots__ = ("_index", "_possible", "_text", "_title", "answers", "mention")

    def __init__(self, mention: Observation, index: WordIndex) -> None:
        self.mention = mention
        self.answers: dict[int, bool | None] = {}  # by the number of a test that several rules may ask
        self._index = index
        self._possible: AbstractSet[WordList] | None = None
        self._text: Said | None = None
        self._title: Said | None = None

    @classmethod
    def alone(cls, mention: Observation) -> Seen:
        """A mention that no rule's words are looked for in."""
        return cls(mention, WordIndex())

    @property
    def text(self) -> Said:
        """Title and text."""
        if self._text is None:
            title, text = self.mention.title, self.mention.text
            self._text = said(f"{title}\n{text}" if title else text)
        return self._text

    @property
    def possible(self) -> AbstractSet[WordList]:
        """The lists of which title and text may hold something."""
        if self._possible is None:
            self._possible = self._index.possible(self.text)
        return self._possible

    @property
    def title(self) -> Said:
        """The title alone."""
        if self._title is None:
            self._title = said(self.mention.title)
        return self._title


Holds = Callable[[Seen], bool | None]


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one field, or a block of conditions.

    `path` is where it stands in the rule (`where.any[1].author.reach`), `asks` what it asks (`gte 100000`; empty for a block),
    `look` returns what it sees of a mention. A block that negates has no reasons to give: nothing that it names was there.
    """

    path: str
    holds: Holds
    asks: str = ""
    look: Callable[[Seen], object] = lambda _: None
    children: tuple[Condition, ...] = ()
    negates: bool = False

    def explain(self, seen: Seen) -> Iterator[Verdict]:
        """How this condition and everything below it fared, each block before its parts."""
        yield Verdict(f"{self.path} {self.asks}".rstrip(), self.look(seen), self.holds(seen))
        for child in self.children:
            yield from child.explain(seen)

    def failed_at(self, seen: Seen) -> Iterator[str]:
        """The fields because of which it does not hold, or not for certain. Of a block that negates, all that it names."""
        if self.holds(seen) is not True:
            yield from self._fields() if self.negates or not self.children else self._below(seen)

    def _below(self, seen: Seen) -> Iterator[str]:
        return (field for child in self.children for field in child.failed_at(seen))

    def _fields(self) -> Iterator[str]:
        if self.children:
            yield from (field for child in self.children for field in child._fields())
        else:
            yield self.field

    @property
    def field(self) -> str:
        """Of a test: which field of a mention it looks at, as rules write it; nothing for `where` as a whole."""
        return ".".join(part for part in self.path.rpartition("]")[2].split(".") if part not in _BLOCKS)

    def reasons(self, seen: Seen) -> Iterator[str]:
        """The facts that made it hold, in plain English. What was asked to be absent gives none."""
        if self.negates or self.holds(seen) is not True:
            return
        if self.asks and not _is_absent(fact := self.look(seen)):
            yield self._fact(fact)
        for child in self.children:
            yield from child.reasons(seen)

    def _fact(self, fact: object) -> str:
        if self.field == "subjects":  # which of them the rule lets through is no news to whoever reads its name
            return f"about {_shown(fact)}"
        return f"{self.field} {_shown(fact)} ({_asks(self.asks)})"


def _asks(written: str) -> str:
    """What was asked, as a person would say it: that there is something at all goes without saying beside any other test."""
    others = [each for each in _EXISTS.split(written) if each]
    return ", ".join(others) or "any"


def _is_absent(fact: object) -> bool:
    return fact is None or fact is False or fact == frozenset()


def _shown(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, frozenset):
        return ", ".join(sorted(fact))[:_SHOWN_AT_MOST]
    return f"{fact:,.10g}" if isinstance(fact, int | float) else str(fact)[:_SHOWN_AT_MOST]
