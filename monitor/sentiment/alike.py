"""Recognises texts that say nearly what an earlier one said, so that a campaign of copies is seen as one text and not as forty.

Two texts are alike when most of their pairs of neighbouring words are the same (the Jaccard index of word bigrams, estimated by
MinHash), whatever their accents, capitals, links and handles. A text joins the text that was said first: chains of small
changes do not lead from one text to another. What is remembered follows from the mentions that were added, in their order, and
from nothing else: whoever adds the same ones comes to the same clusters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from typing import Final, NamedTuple

from rensa import RMinHash, RMinHashLSH

from monitor.sentiment import clean
from rules.words import Said, said

ALIKE: Final = 0.7  # one changed word of twenty leaves 0.81; people who write in their own words share far less
FEWEST: Final = 8  # different words: what is shorter is said alike by people who never heard of each other
READ: Final = 1_000  # characters of each text
KEPT: Final = 20_000  # mentions that are remembered
WITHIN: Final = timedelta(hours=24)  # how long they are

_PERMUTATIONS, _BANDS = 128, 16  # finds 95 % of what is alike by 0.8, 99.9 % by 0.9, and looks at few others
_SEED = 1
_COMPARED = 100  # texts: a stream of forms that differ in a few words must not make each mention as dear as all of them
_FIRST_SYMBOL = "\u2190"  # where the signs and emoji begin that `said` takes for tokens
_NUMBER_BITS = 52  # of a cluster's number: any JSON reader keeps it whole


class Placed(NamedTuple):
    """Where a text belongs: the number of its cluster (None: too short to be a copy), and how many said it before.

    `first` is the mention that began the cluster, given once, when its second member comes.
    """

    cluster: int | None
    copies: int = 0
    first: int | None = None


class RecentTexts:
    """The texts of the last mentions, by what they say: bounded in number and in time, as they were seen."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._order: deque[tuple[datetime, int | None]] = deque()  # the mentions: when they were seen, and their cluster
        self._members: dict[int, int] = {}  # by cluster: how many of them there are
        self._alone: dict[int, int] = {}  # by cluster: its only mention so far
        self._firsts: dict[int, RMinHash] = {}  # by cluster: the text that began it
        self._index = RMinHashLSH(ALIKE, _PERMUTATIONS, _BANDS)

    def add(self, mention: int, seen_at: datetime, text: str) -> Placed:
        """Place a mention among those before it, and remember it."""
        self._let_go(seen_at)
        words = _words(text)
        if words is None:
            self._order.append((seen_at, None))
            return Placed(None)
        number = self._place(words)
        copies = self._members.get(number, 0)
        first = self._alone.pop(number, None)
        if not copies:
            self._alone[number] = mention
        self._remember(number, seen_at)
        return Placed(number, copies, first)

    def restore(self, mention: int, seen_at: datetime, text: str, cluster: int | None, began: str) -> None:
        """Remember a mention as it was placed before. `began` is the text of its cluster's first, while that is known."""
        self._let_go(seen_at)
        words = _words(text)
        number = cluster if cluster is not None else None if words is None else _number(words)
        if number is None or words is None:
            self._order.append((seen_at, number))
            return
        if number not in self._firsts:
            self._begin(number, _signature(_words(began) or words))
        if cluster is None:
            self._alone[number] = mention
        self._remember(number, seen_at)

    def _place(self, words: Sequence[str]) -> int:
        number = _number(words)
        if number in self._firsts:
            return number
        signature = _signature(words)
        found = self._most_alike(signature)
        if found is not None:
            return found
        self._begin(number, signature)
        return number

    def _most_alike(self, signature: RMinHash) -> int | None:
        candidates = sorted(self._index.query(signature))[:_COMPARED]
        compared = [(self._firsts[number].jaccard(signature), number) for number in candidates]
        return max((each for each in compared if each[0] >= ALIKE), default=(0.0, None))[1]

    def _begin(self, number: int, signature: RMinHash) -> None:
        self._firsts[number] = signature
        self._index.insert(number, signature)

    def _remember(self, number: int, seen_at: datetime) -> None:
        self._members[number] = self._members.get(number, 0) + 1
        self._order.append((seen_at, number))

    def _let_go(self, now: datetime) -> None:
        """Of what is too long ago, and of one more than may stay."""
        while self._order and (len(self._order) >= self._kept or self._order[0][0] < now - WITHIN):
            _, number = self._order.popleft()
            if number is not None:
                self._forget_one(number)

    def _forget_one(self, number: int) -> None:
        self._members[number] -= 1
        if not self._members[number]:
            del self._members[number], self._firsts[number]
            self._alone.pop(number, None)
            self._index.remove(number)


def _words(text: str) -> list[str] | None:
    """The words of a text, folded; None where there are too few to be a copy. Emoji are no words."""
    read = text[:READ]
    # The rules part the same text, which is remembered; links are no words to them either.
    parted = Said(clean.for_scoring(read)) if "@" in read else said(read)
    return parted.tokens if _different(parted.vocabulary) >= FEWEST else None


def _different(vocabulary: set[str]) -> int:
    """How many different words there are. Few texts hold an emoji: for the others one look at the greatest token is enough."""
    if max(vocabulary, default="") < _FIRST_SYMBOL:
        return len(vocabulary)
    return sum(token[0].isalnum() for token in vocabulary)


def _number(words: Sequence[str]) -> int:
    """The number of the cluster that these words begin: the same wherever they are read."""
    digest = blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> (64 - _NUMBER_BITS)


def _signature(words: Sequence[str]) -> RMinHash:
    signature = RMinHash(_PERMUTATIONS, _SEED)
    signature.update(list(map(" ".join, pairwise(words))))
    return signature
