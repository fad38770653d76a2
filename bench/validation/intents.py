"""Measures the intents and the safety risk against the labelled French posts: `python -m bench.validation.intents`.

The word lists were written with the labelled posts of `train` at hand, so that only the figures of `test` say how they fare
with posts that nobody looked at. The texts stand in the folder of real data beside the project; without it, nothing is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.validation.labels import DATA, INTENTS, AbsentError, Label, joined, read
from monitor.domain.mention import Scores
from monitor.sentiment import Scorer

_DANGER = 0.5  # from this risk on, the shipped rule wakes somebody
_FEW = 10  # labelled posts, below which a figure says nothing


class Judged(NamedTuple):
    """A labelled post, and what the scorer made of it."""

    label: Label
    scores: Scores


class Count(NamedTuple):
    """How often something was found rightly, wrongly, and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0


def count(pairs: Sequence[tuple[bool, bool]]) -> Count:
    """The count of pairs (found, labelled)."""
    seen = Counter(pairs)
    return Count(seen[True, True], seen[True, False], seen[False, True])


def judge(labels: Sequence[Label], data: Path) -> list[Judged]:
    """Every post with its text at hand, scored as French. Raises AbsentError without the data."""
    pairs = joined(labels, data)
    # Tweets of `umsab` have "http" in the place of each link.
    texts = [" ".join("https://t.co/x" if word == "http" else word for word in text.split(" ")) for _, text in pairs]
    scored = Scorer().score_all([(text, "fr") for text in texts])
    return [Judged(label, scores) for (label, _), scores in zip(pairs, scored, strict=True)]


def table(judged: Sequence[Judged]) -> Iterator[str]:
    """A line an intent, and one for safety."""
    yield f"{'intent':<16}{'labelled':>9}{'found':>7}{'precision':>11}{'recall':>8}"
    for intent in INTENTS:
        yield _line(intent, count([(intent in each.scores.intents, intent in each.label.final.intents) for each in judged]))
    pairs = [((each.scores.safety_risk or 0) >= _DANGER, bool(each.label.final.safety)) for each in judged]
    yield _line("safety", count(pairs))


def _line(name: str, found: Count) -> str:
    labelled = found.right + found.missed
    figures = f"{found.precision:>11.2f}{found.recall:>8.2f}"
    return f"{name:<16}{labelled:>9}{found.right + found.wrong:>7}{figures}{'' if labelled >= _FEW else '  (too few to tell)'}"


def calibration(judged: Sequence[Judged]) -> Iterator[str]:
    """How many of the posts of each safety risk are labelled dangerous."""
    yield f"{'safety risk':<16}{'posts':>7}{'dangerous':>11}{'share':>8}"
    for risk in sorted({each.scores.safety_risk or 0 for each in judged}):
        those = [each.label.final.safety for each in judged if (each.scores.safety_risk or 0) == risk]
        yield f"{risk:<16}{len(those):>7}{sum(those):>11}{sum(those) / len(those):>8.2f}"


def main() -> int:
    """Print the figures of both parts, or why there are none."""
    parser = argparse.ArgumentParser(prog="python -m bench.validation.intents", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of real data; default: the one beside the project")
    parser.add_argument("--part", choices=["train", "test", "all"], default="all", help="of the labelled posts")
    chosen = parser.parse_args()
    try:
        judged = judge(read(), chosen.data)
    except AbsentError as absent:
        print(f"not measured: {absent}", file=sys.stderr)
        return 1
    for part in ("train", "test") if chosen.part == "all" else (chosen.part,):
        some = [each for each in judged if each.label.split == part]
        print("\n".join([f"{part}: {len(some)} posts", *table(some), "", *calibration(some), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
