"""The figures that a model's card quotes, and how they are set out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment import evaluation
from monitor.sentiment.labels import LABELS

Floats = NDArray[np.float32]


def felt(said: Floats, truth: Iterable[int]) -> evaluation.SentimentReport:
    """Probabilities of the three labels, against what readers said (0 negative, 1 neutral, 2 positive)."""
    return evaluation.sentiment(
        [LABELS[each] for each in truth], [LABELS[each] for each in said.argmax(axis=1)], said.max(axis=1).tolist()
    )


def error(report: evaluation.SentimentReport | evaluation.ComplaintReport) -> str:
    """How far what was promised is from what was so."""
    return f"{report.calibration.ece:.3f}" if report.calibration else "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))
