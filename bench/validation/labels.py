"""Joins the labels of French posts with their texts, and prints their figures: `python -m bench.validation.labels`.

The project holds hashes and labels only; the texts stand in the folder of real data beside it. docs/labelling/complaints.fr.md
says what the labels mean and how they came about.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from monitor.domain.feedback import text_hash

LABELS = Path(__file__).with_name("complaints-fr.csv")
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SOURCES = {
    "free": ("streams/free-fr-2020-2025.jsonl",),
    "engie": ("streams/engie-fr-2023.jsonl",),
    "umsab": ("umsab/french/train_text.txt", "umsab/french/val_text.txt"),
}
INTENTS = (
    "refund",
    "question",
    "purchase",
    "praise",
    "suggestion",
    "churn",
    "recommendation",
    "press",
    "threat",
    "spam",
    "doxxing",
)
ONE_IN = 5  # the share of posts that is set aside for tests


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody who read a post says of it."""

    complaint: int
    sentiment: int
    safety: int
    intents: frozenset[str]


@dataclass(frozen=True, slots=True)
class Label:
    """One post by its hash, what is held of it, and the two readings this was made from."""

    hash: str
    source: str
    split: str
    final: Reading
    first: Reading
    second: Reading


class AbsentError(Exception):
    """The texts are not on this machine; the message says which."""


def split_of(name: str) -> str:
    """`test` for a fifth of all texts, whatever else is labelled later: decided by the hash alone."""
    return "train" if int(name[:8], 16) % ONE_IN else "test"


def read(path: Path = LABELS) -> list[Label]:
    """Every label of a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_label(row) for row in csv.DictReader(file)]


def _label(row: dict[str, str]) -> Label:
    first = _reading(row["first"], row["first_sentiment"], row["first_safety"], row["first_intents"])
    second = _reading(row["second"], row["second_sentiment"], row["second_safety"], row["second_intents"])
    final = _reading(row["complaint"], row["sentiment"], row["safety"], row["intents"])
    return Label(row["hash"], row["source"], row["split"], final, first, second)


def _reading(complaint: str, sentiment: str, safety: str, intents: str) -> Reading:
    return Reading(int(complaint), int(sentiment), int(safety), frozenset(intents.split()))


def texts(data: Path = DATA) -> dict[str, str]:
    """Every text that could be labelled, by its hash. Raises AbsentError where a file is not here."""
    files = [data / name for names in SOURCES.values() for name in names]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise AbsentError(f"the real data is not here: {', '.join(missing)}")
    return {text_hash(text): text for file in files for text in _texts_in(file)}


def _texts_in(file: Path) -> Iterator[str]:
    # A tweet may hold what Python takes for the end of a line: only "\n" is one here.
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            yield json.loads(line)["text"] if file.suffix == ".jsonl" else line


def joined(labels: Sequence[Label], data: Path = DATA) -> list[tuple[Label, str]]:
    """Each label with its text; one whose text is gone is left out. Raises AbsentError without the data."""
    known = texts(data)
    return [(label, known[label.hash]) for label in labels if label.hash in known]


def kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> tuple[float, float]:
    """How often two readings agree, and Cohen's kappa: the share of what chance leaves to agree on."""
    raw = sum(one == other for one, other in zip(first, second, strict=True)) / len(first)
    ones, others = Counter(first), Counter(second)
    chance = sum(ones[value] * others[value] for value in ones) / len(first) ** 2
    return raw, 1.0 if chance == 1.0 else (raw - chance) / (1.0 - chance)


def report(labels: Sequence[Label]) -> str:
    """The figures that the guide quotes."""
    return "\n".join([*_counts(labels), "", *_kinds(labels), "", *_agreement(labels)])


def _counts(labels: Sequence[Label]) -> Iterator[str]:
    heads = f"{'source':<8}{'posts':>7}{'complaints':>12}{'share':>7}"
    yield f"{heads}{'test':>7}{'complaints':>12}{'unhappy':>9}{'happy':>7}{'safety':>8}"
    for source in (*SOURCES, "all"):
        some = [label for label in labels if source in {label.source, "all"}]
        tests = [label for label in some if label.split == "test"]
        complaints, set_aside = (sum(label.final.complaint for label in part) for part in (some, tests))
        moods = Counter(label.final.sentiment for label in some)
        yield (
            f"{source:<8}{len(some):>7}{complaints:>12}{complaints / len(some):>7.1%}{len(tests):>7}{set_aside:>12}"
            f"{moods[-1]:>9}{moods[1]:>7}{sum(label.final.safety for label in some):>8}"
        )


def _kinds(labels: Sequence[Label]) -> Iterator[str]:
    yield f"{'intent':<16}" + "".join(f"{source:>8}" for source in SOURCES)
    for intent in INTENTS:
        found = Counter(label.source for label in labels if intent in label.final.intents)
        yield f"{intent:<16}" + "".join(f"{found[source]:>8}" for source in SOURCES)


def _agreement(labels: Sequence[Label]) -> Iterator[str]:
    yield f"{'two readings':<16}{'agree':>8}{'kappa':>8}{'differ':>8}"
    for name, of in _questions():
        first, second = [of(label.first) for label in labels], [of(label.second) for label in labels]
        raw, beyond_chance = kappa(first, second)
        differ = sum(one != other for one, other in zip(first, second, strict=True))
        yield f"{name:<16}{raw:>8.3f}{beyond_chance:>8.3f}{differ:>8}"
    differ = sum(label.first != label.second for label in labels)
    revised = sum(label.first == label.second != label.final for label in labels)
    yield f"posts on which the readings differ in anything: {differ}; revised although they agreed: {revised}"


def _questions() -> Iterator[tuple[str, Callable[[Reading], Hashable]]]:
    yield "complaint", lambda reading: reading.complaint
    yield "sentiment", lambda reading: reading.sentiment
    yield "safety", lambda reading: reading.safety
    for intent in INTENTS:
        yield intent, partial(_wants, intent)


def _wants(intent: str, reading: Reading) -> bool:
    return intent in reading.intents


def main() -> None:
    """Print the figures, and whether the texts are here."""
    parser = argparse.ArgumentParser(prog="python -m bench.validation.labels", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of real data; default: the one beside the project")
    data, labels = parser.parse_args().data, read()
    print(report(labels))
    try:
        print(f"\n{len(joined(labels, data))} of {len(labels)} labels have their text here")
    except AbsentError as absent:
        print(f"\nnot joined with the texts: {absent}")


if __name__ == "__main__":
    main()
