"""How well texts are scored, against what people said of them: for sentiment and for complaint, with how far to believe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment.labels import LABELS, Label

BINS = 10  # of a reliability table, each a tenth wide
COMPLAINS = 0.5  # from this probability on it is taken for a complaint

_Floats = NDArray[np.float64]
_ABSTAINED = len(LABELS)  # its column in a confusion matrix


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose probability lies in [`low`, `high`): what they promised on average, and how many were right."""

    low: float
    high: float
    texts: int
    promised: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`ece` is the expected calibration error: how far promises and truth are apart, on average over all answers."""

    ece: float
    bins: Sequence[Bin]


@dataclass(frozen=True, slots=True)
class Quality:
    """Precision, recall and their harmonic mean for one answer; None where it was never given, or never right to give."""

    precision: float | None
    recall: float | None
    f1: float


@dataclass(frozen=True, slots=True)
class SentimentReport:
    """`confusion` has a row for each label of people's, and a column for each that was told, and one for abstentions.

    `macro_f1` is the mean F1 of the labels that people used, an abstention being a miss; `macro_f1_told` looks only at what was
    told; `macro_f1_neutral` takes an abstention for "neutral", as published figures of scorers do that never abstain.
    """

    texts: int
    told: int
    macro_f1: float
    macro_f1_told: float | None
    macro_f1_neutral: float
    confusion: Sequence[Sequence[int]]
    labels: dict[Label, Quality]
    calibration: Calibration | None

    @property
    def coverage(self) -> float:
        """The share of texts that were told."""
        return self.told / self.texts


@dataclass(frozen=True, slots=True)
class ComplaintReport:
    """A text that was not told counts as no complaint. `auc`: how often a complaint has the higher probability of two texts.

    `macro_f1` is the mean F1 of complaints and of all else; `false_alarms` is the share of all else that was called a complaint.
    """

    texts: int
    told: int
    complaints: int
    quality: Quality
    macro_f1: float
    false_alarms: float | None
    auc: float | None
    calibration: Calibration | None


def sentiment(truth: Sequence[Label], told: Sequence[Label | None], confidence: Sequence[float | None]) -> SentimentReport:
    """Compare labels, text by text; there is at least one."""
    confusion = np.zeros((len(LABELS), len(LABELS) + 1), dtype=np.int64)
    for right, said in zip(truth, told, strict=True):
        confusion[LABELS.index(right), _ABSTAINED if said is None else LABELS.index(said)] += 1
    as_neutral = confusion[:, :_ABSTAINED].copy()
    as_neutral[:, LABELS.index("neutral")] += confusion[:, _ABSTAINED]
    promised = [
        (each, said == right)
        for right, said, each in zip(truth, told, confidence, strict=True)
        if said is not None and each is not None
    ]
    count = int(confusion[:, :_ABSTAINED].sum())
    return SentimentReport(
        texts=len(truth),
        told=count,
        macro_f1=_macro_f1(confusion),
        macro_f1_told=_macro_f1(confusion[:, :_ABSTAINED]) if count else None,
        macro_f1_neutral=_macro_f1(as_neutral),
        confusion=confusion.tolist(),
        labels={name: _of_label(confusion, at) for at, name in enumerate(LABELS)},
        calibration=calibration([each for each, _ in promised], [right for _, right in promised]) if promised else None,
    )


def complaint(truth: Sequence[bool], probability: Sequence[float | None], *, threshold: float = COMPLAINS) -> ComplaintReport:
    """Compare complaints with their probabilities, text by text; there is at least one. From `threshold` on it is called one."""
    told = [(right, each) for right, each in zip(truth, probability, strict=True) if each is not None]
    called, true, texts = sum(each >= threshold for _, each in told), sum(truth), len(truth)
    hits = sum(right and each >= threshold for right, each in told)
    quality = _quality(hits, called, true)
    others = _quality(texts - called - true + hits, texts - called, texts - true)
    return ComplaintReport(
        texts=texts,
        told=len(told),
        complaints=true,
        quality=quality,
        macro_f1=(quality.f1 + others.f1) / 2,
        false_alarms=None if others.recall is None else 1 - others.recall,
        auc=auc([right for right, _ in told], [each for _, each in told]),
        calibration=calibration([each for _, each in told], [right for right, _ in told]) if told else None,
    )


def calibration(probability: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Sort the answers by what they promised, and see how many of each were right."""
    promised, true = np.asarray(probability, dtype=np.float64), np.asarray(right, dtype=np.float64)
    places = np.minimum((promised * BINS).astype(np.int64), BINS - 1)
    bins = [
        Bin(at / BINS, (at + 1) / BINS, int(here.sum()), float(promised[here].mean()), float(true[here].mean()))
        for at in range(BINS)
        if (here := places == at).any()
    ]
    apart = sum(each.texts * abs(each.promised - each.right) for each in bins)
    return Calibration(apart / len(promised), bins)


def auc(truth: Sequence[bool], score: Sequence[float]) -> float | None:
    """The area under the ROC curve, ties counted half; None unless there are texts of both sorts."""
    right, values = np.asarray(truth, dtype=bool), np.asarray(score, dtype=np.float64)
    positive, negative = int(right.sum()), int((~right).sum())
    if not positive or not negative:
        return None
    ranks = _ranks(values)
    return float((ranks[right].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _ranks(values: _Floats) -> _Floats:
    """From 1, equal values sharing the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: _Floats = last - (counts - 1) / 2
    return means[which]


def _macro_f1(confusion: NDArray[np.int64]) -> float:
    used = [at for at in range(len(LABELS)) if confusion[at].sum()]
    return float(np.mean([_of_label(confusion, at).f1 for at in used])) if used else 0.0


def _of_label(confusion: NDArray[np.int64], at: int) -> Quality:
    return _quality(int(confusion[at, at]), int(confusion[:, at].sum()), int(confusion[at].sum()))


def _quality(hits: int, told: int, true: int) -> Quality:
    return Quality(hits / told if told else None, hits / true if true else None, 2 * hits / (told + true) if hits else 0.0)
