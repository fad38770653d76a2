"""The labelled French posts: hashes without texts, a split that never moves, and figures that the guide may quote."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from bench.validation.labels import INTENTS, LABELS, SOURCES, AbsentError, joined, kappa, read, report, split_of, texts
from monitor.domain.feedback import text_hash

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "labelling" / "complaints.fr.md"


def test_the_labels_hold_no_text_and_nothing_unknown() -> None:
    """A hash, once; words that the guide defines; numbers in their range."""
    labels = read()
    assert len({label.hash for label in labels}) == len(labels) >= 1_200
    assert {label.source for label in labels} == set(SOURCES)
    for reading in (reading for label in labels for reading in (label.final, label.first, label.second)):
        assert reading.complaint in {0, 1}
        assert reading.safety in {0, 1}
        assert reading.sentiment in {-1, 0, 1}
        assert reading.intents <= set(INTENTS)
    with LABELS.open(encoding="utf-8", newline="") as file:
        assert all(re.fullmatch(r"[a-z0-9 -]*", cell) for row in csv.reader(file) for cell in row if "_" not in cell)


def test_a_fifth_is_set_aside_by_the_hash_alone() -> None:
    """Nobody can move a post from one side to the other."""
    labels = read()
    assert all(label.split == split_of(label.hash) for label in labels)
    assert 0.15 < sum(label.split == "test" for label in labels) / len(labels) < 0.25


def test_the_guide_quotes_what_the_labels_say() -> None:
    """The figures of the guide are the printed ones, word for word, and it explains every intent."""
    guide = GUIDE.read_text(encoding="utf-8")
    assert f"```text\n{report(read())}\n```" in guide
    assert all(f"| `{intent}` |" in guide for intent in INTENTS)


def test_kappa_takes_away_what_chance_gives() -> None:
    """By hand: agreement of 7 in 10 where chance gives 5 in 10 is 0.4; readings that never vary agree wholly."""
    first, second = [1] * 5 + [0] * 5, [1, 1, 1, 1, 0, 0, 0, 0, 1, 1]
    assert kappa(first, second) == pytest.approx((0.7, 0.4))
    assert kappa([0, 0], [0, 0]) == (1.0, 1.0)


def test_without_the_texts_it_says_which_file_is_missing(tmp_path: Path) -> None:
    """The labels alone are worth their figures; the texts are asked for by name."""
    with pytest.raises(AbsentError, match="engie-fr-2023"):
        texts(tmp_path)


def test_every_label_finds_its_text(shared: Path) -> None:
    """No label is lost, and a text bears the name it was found by."""
    labels = read()
    found = joined(labels, shared / "data")
    assert [label for label, _ in found] == labels
    assert all(text_hash(text) == label.hash for label, text in found)
