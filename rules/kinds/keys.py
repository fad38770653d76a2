"""Whose alert it is: the key of an alert, made of what a mention is about, who wrote it and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import product

from rules.logic import Test
from rules.observation import Observation

REMEMBERED = 4_096  # sets of subjects

_ONE: dict[str, Callable[[Observation], str]] = {
    # An author nobody knows is nobody else either: each of their mentions stands for itself.
    "author": lambda mention: str(mention.author.id) if mention.author.id is not None else f"mention:{mention.id}",
    "network": lambda mention: mention.network,
    "source": lambda mention: mention.source,
    "language": lambda mention: mention.language or "und",
}


class Keys:
    """Makes the keys of a rule's alerts: one for each subject that the rule lets through, if the subject is part of the key."""

    def __init__(self, parts: Sequence[str], admits: Test[Collection[str]] | None) -> None:
        self._parts = parts
        self._admits = admits
        self._by_subject_alone = tuple(parts) == ("subject",)
        self._known: dict[frozenset[str], list[str]] = {}  # the subjects let through: the same few sets come again and again

    def of(self, mention: Observation) -> list[dict[str, str]]:
        """The keys of this mention; none where the subject is part of the key and it has none."""
        if self._by_subject_alone:
            return [{"subject": subject} for subject in self.subjects(mention)]
        values = [self.subjects(mention) if part == "subject" else [_ONE[part](mention)] for part in self._parts]
        return [dict(zip(self._parts, combined, strict=True)) for combined in product(*values)]

    def subjects(self, mention: Observation) -> list[str]:
        """The subjects that the rule lets through, in alphabetical order."""
        known = self._known.get(mention.subjects)
        if known is None:
            admits = self._admits
            known = sorted(subject for subject in mention.subjects if admits is None or admits((subject,)))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[mention.subjects] = known
        return known


def canonical(key: Mapping[str, str]) -> str:
    """A key as text: the same for the same parts, in whatever order."""
    return _written(tuple(sorted(key.items())))


@lru_cache(maxsize=4_096)
def _written(parts: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(parts), ensure_ascii=False, separators=(",", ":"))


def labels(mention: Observation) -> dict[str, str]:
    """What is said beside the key: where it was written and how. No personal data: authors stand as pseudonyms."""
    said = {"network": mention.network, "source": mention.source, "form": str(mention.form), "language": mention.language}
    return {name: value for name, value in said.items() if value}
