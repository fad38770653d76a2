"""The figures of an evaluation are those that a person gets with a pencil."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment.evaluation import Bin, auc, calibration, complaint, sentiment
from monitor.sentiment.labels import LABELS, Label

TRUTH: list[Label] = ["negative", "negative", "negative", "neutral", "positive", "positive"]
TOLD: list[Label | None] = ["negative", "negative", None, "negative", "positive", None]
SURE = [0.9, 0.6, None, 0.65, 1.0, None]
labels = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1, max_size=40)


def test_confusion_and_coverage() -> None:
    """A row for each label of people's; what was not told has a column of its own."""
    report = sentiment(TRUTH, TOLD, SURE)
    assert report.confusion == [[2, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1]]
    assert (report.texts, report.told) == (6, 4)
    assert report.coverage == pytest.approx(4 / 6)


def test_f1_counts_an_abstention_in_three_ways() -> None:
    """As a miss, not at all, and as "neutral"."""
    report = sentiment(TRUTH, TOLD, SURE)
    assert report.labels["negative"].precision == pytest.approx(2 / 3)
    assert report.labels["negative"].recall == pytest.approx(2 / 3)
    assert report.labels["neutral"].precision is None
    assert report.macro_f1 == pytest.approx((2 / 3 + 0 + 2 / 3) / 3)
    assert report.macro_f1_told == pytest.approx((4 / 5 + 0 + 1) / 3)
    assert report.macro_f1_neutral == pytest.approx((2 / 3 + 0 + 2 / 3) / 3)


def test_a_label_that_nobody_used_is_not_averaged() -> None:
    """A file of complaints alone is not two thirds wrong."""
    assert sentiment(["negative"], ["negative"], [1.0]).macro_f1 == 1


def test_nothing_told_has_no_figures_of_what_was_told() -> None:
    """And no promise that could be kept."""
    report = sentiment(["positive"], [None], [None])
    assert (report.macro_f1, report.macro_f1_told, report.calibration, report.coverage) == (0, None, None, 0)


def test_reliability() -> None:
    """What promised nine in ten, and how many of those were right; 1.0 belongs to the last tenth."""
    found = calibration([0.9, 0.92, 1.0, 0.65], [True, False, True, True])
    low, high = found.bins
    assert low == Bin(0.6, 0.7, 1, 0.65, 1.0)
    assert (high.low, high.high, high.texts) == (0.9, 1.0, 3)
    assert high.promised == pytest.approx(0.94)
    assert high.right == pytest.approx(2 / 3)
    assert found.ece == pytest.approx((0.35 + 3 * (0.94 - 2 / 3)) / 4)


def test_complaints() -> None:
    """A half and more is a complaint; what was not told is taken for none."""
    report = complaint([True, True, True, False, False], [0.9, 0.5, None, 0.8, 0.1])
    assert (report.texts, report.told, report.complaints) == (5, 4, 3)
    assert report.quality.precision == report.quality.recall == pytest.approx(2 / 3)
    assert report.quality.f1 == pytest.approx(2 / 3)
    assert report.auc == pytest.approx(3 / 4)
    assert report.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert report.false_alarms == pytest.approx(1 / 2)
    assert complaint([True], [0.4], threshold=0.3).quality.f1 == 1
    assert complaint([True], [0.4]).false_alarms is None
    assert complaint([False], [None]).auc is None
    assert complaint([False], [None]).calibration is None


@pytest.mark.parametrize(
    ("truth", "score", "area"),
    [
        ([True, False], [0.9, 0.1], 1.0),
        ([True, False], [0.1, 0.9], 0.0),
        ([True, False], [0.5, 0.5], 0.5),
        ([True, False, True, False], [0.3, 0.3, 0.3, 0.1], 0.75),
        ([True], [0.5], None),
        ([], [], None),
    ],
)
def test_area_under_the_curve(truth: list[bool], score: list[float], area: float | None) -> None:
    """How often the complaint has the higher score, a tie being half."""
    assert auc(truth, score) == area


@given(labels)
def test_no_text_is_lost(pairs: list[tuple[Label, Label | None]]) -> None:
    """Every text stands in the confusion once, and no figure leaves its scale."""
    truth, told = [right for right, _ in pairs], [said for _, said in pairs]
    report = sentiment(truth, told, [None if said is None else 0.5 for said in told])
    assert sum(map(sum, report.confusion)) == len(pairs)
    assert 0 <= report.macro_f1 <= 1
    assert report.macro_f1 <= (report.macro_f1_told or 0) + 1e-9
    assert report.calibration is None or 0 <= report.calibration.ece <= 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=20))
def test_the_area_is_the_share_of_pairs_in_order(pairs: list[tuple[bool, int]]) -> None:
    """Counted pair by pair it is the same."""
    yes, no = [s for right, s in pairs if right], [s for right, s in pairs if not right]
    found = auc([right for right, _ in pairs], [s for _, s in pairs])
    if yes and no:
        order = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no)
        assert found == pytest.approx(order / (len(yes) * len(no)))
    else:
        assert found is None
