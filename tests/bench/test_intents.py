"""The figures of the intents: counted as precision and recall are, and quoted as they are printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.validation.intents import Count, Judged, calibration, count, judge, main, table
from bench.validation.labels import DATA, AbsentError, Label, Reading, read
from monitor.domain.mention import Scores

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "scoring.md"


def _judged(intents: set[str], found: set[str], risk: float | None = 0.01, safety: int = 0) -> Judged:
    reading = Reading(0, 0, safety, frozenset(intents))
    return Judged(Label("", "free", "test", reading, reading, reading), Scores(intents=frozenset(found), safety_risk=risk))


def test_precision_and_recall_by_hand() -> None:
    """Of three found two are right; of four labelled two are found."""
    found = count([(True, True), (True, True), (True, False), (False, True), (False, True), (False, False)])
    assert found == Count(2, 1, 2)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(1 / 2)
    assert (Count(0, 0, 0).precision, Count(0, 0, 0).recall) == (0.0, 0.0)


def test_few_labels_are_called_few() -> None:
    """A figure of three posts says nothing, and says so."""
    lines = list(table([_judged({"refund"}, {"refund"})] * 10 + [_judged({"churn"}, set(), 0.8, 1)] * 3))
    assert next(line for line in lines if line.startswith("refund")).split() == ["refund", "10", "10", "1.00", "1.00"]
    assert next(line for line in lines if line.startswith("churn")).endswith("(too few to tell)")
    assert next(line for line in lines if line.startswith("safety")).split()[:5] == ["safety", "3", "3", "1.00", "1.00"]


def test_calibration_counts_each_risk() -> None:
    """How many posts of a risk are dangerous."""
    lines = list(calibration([_judged(set(), set(), 0.8, 1), _judged(set(), set(), 0.8, 0), _judged(set(), set(), None)]))
    assert [line.split() for line in lines[1:]] == [["0", "1", "0", "0.00"], ["0.8", "2", "1", "0.50"]]


def test_without_the_texts_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which file is missing."""
    with pytest.raises(AbsentError):
        judge(read(), tmp_path)
    monkeypatch.setattr("sys.argv", ["intents", "--data", str(tmp_path)])
    assert main() == 1
    assert "not measured: the real data is not here" in capsys.readouterr().err


def test_the_page_quotes_what_is_measured(shared: Path) -> None:
    """The figures of docs/reference/scoring.md are the printed ones."""
    judged = judge(read(), DATA)
    page = PAGE.read_text(encoding="utf-8")
    for part in ("train", "test"):
        some = [each for each in judged if each.label.split == part]
        assert "\n".join([f"{part}: {len(some)} posts", *table(some), "", *calibration(some)]) in page
