"""How each shipped model is made and measured, from labelled posts to a file with a card beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment import complaint, evaluation, multilingual
from monitor.sentiment.arrays import save
from monitor.sentiment.training import vocabulary
from monitor.sentiment.training.card import error, felt, table
from monitor.sentiment.training.corpora import Labelled
from monitor.sentiment.training.features import Posts, posts
from monitor.sentiment.training.fit import (
    FOLDS,
    Fitted,
    Floats,
    Recipe,
    asked_unseen,
    brands,
    calibrated,
    folds,
    folds_by_group,
    probabilities,
)
from monitor.sentiment.valence import LANGUAGES

TAUGHT = frozenset({"train"})  # splits of the hand-made labels; the others are kept for checking

SENTIMENT = Recipe()
COMPLAINTS = Recipe(shared_bits=17, own_bits=15, pieces=3.0, cues=0.1)


def sentiment(
    taught: Sequence[Labelled],
    chosen: Sequence[Labelled],
    encode: vocabulary.Encoder,
    to: Path,
    *,
    version: str,
    cache: Path | None = None,
    recipe: Recipe = SENTIMENT,
    listed: int = vocabulary.LISTED,
) -> str:
    """Write the model to a file; the figures of cross-validation and on the posts to choose by, as lines of Markdown."""
    read = posts(taught, LANGUAGES)
    words = vocabulary.words((word for each in read.words for word in each), LANGUAGES, encode, listed=listed, cache=cache)
    answers, unknown = asked_unseen(read, words, LANGUAGES, recipe, folds(read, FOLDS))
    calibration = calibrated(answers, unknown, read, len(LANGUAGES))
    tables = Fitted(read, words, LANGUAGES, recipe).tables(calibration)
    save(to, {"kind": multilingual.KIND, "version": version, "languages": LANGUAGES}, tables._asdict())
    unseen = answers * calibration.slope[read.places, None] + calibration.shift[read.places]
    model = multilingual.Multilingual(to)
    opinions = model.feelings([each.text for each in chosen], [each.language for each in chosen])
    said = np.array([opinion or (1 / 3, 1 / 3, 1 / 3) for opinion in opinions], np.float32)
    rows = []
    for place, language in enumerate(LANGUAGES):
        own, mine = read.places == place, [row for row, each in enumerate(chosen) if each.language == language]
        crossed = felt(probabilities(unseen[own]), read.labels[own])
        held = felt(said[mine], [chosen[row].label for row in mine])
        rows.append((language, f"{crossed.macro_f1:.1%}", f"{held.macro_f1:.1%}", error(held)))
    return table(("language", "cross-validated", "val", "calibration error"), rows)


def complaints(
    taught: Sequence[Labelled],
    encode: vocabulary.Encoder,
    to: Path,
    *,
    version: str,
    cache: Path | None = None,
    recipe: Recipe = COMPLAINTS,
    listed: int = vocabulary.LISTED,
) -> str:
    """The same for complaints, in whichever languages there are labels; cross-validated by trade where there are several."""
    languages = tuple(language for language in LANGUAGES if any(each.language == language for each in taught))
    read = posts(taught, languages)
    words = vocabulary.words((word for each in read.words for word in each), languages, encode, listed=listed, cache=cache)
    answers, unknown = asked_unseen(read, words, languages, recipe, folds_by_group(read))
    real = read.at(read.real)
    calibration = calibrated(answers[read.real], unknown[read.real], real, len(languages))
    said = probabilities(answers[read.real] * calibration.slope[real.places, None] + calibration.shift[real.places])
    threshold = best_threshold(said, real)
    tables = Fitted(read, words, languages, recipe).tables(calibration)
    about = {"kind": complaint.KIND, "version": version, "languages": languages, "threshold": threshold}
    save(to, about, tables._asdict())
    head = ("language", "posts", "F1 of complaints", "macro-F1", "F1 in posts to companies", "false alarms", "calibration error")
    rows = []
    for place, language in enumerate(languages):
        own = real.places == place
        told, addressed = (_complaining(said, real, of, threshold) for of in (own, own & np.isin(real.groups, brands(real))))
        shares = (told.quality.f1, told.macro_f1, addressed.quality.f1, told.false_alarms or 0.0)
        rows.append((language, f"{told.texts:,}", *map("{:.1%}".format, shares), error(told)))
    return f"Threshold {threshold:.2f}.\n\n{table(head, rows)}\n{_reliability(said, real, languages, threshold)}"


def best_threshold(said: Floats, read: Posts) -> float:
    """From which probability on a post is best called a complaint, by F1, each language counting the same."""
    tried = [round(0.30 + 0.01 * step, 2) for step in range(41)]
    languages = [read.places == place for place in np.unique(read.places)]
    return max(tried, key=lambda each: sum(_complaining(said, read, own, each).quality.f1 for own in languages))


def _reliability(said: Floats, read: Posts, languages: Sequence[str], threshold: float) -> str:
    """Of each language's posts whose probability lay in a tenth: how many, what was promised on average, and what was so."""
    rows = [
        (language, f"{each.low:.1f}", f"{each.texts:,}", f"{each.promised:.2f}", f"{each.right:.2f}")
        for place, language in enumerate(languages)
        if (found := _complaining(said, read, read.places == place, threshold).calibration)
        for each in found.bins
    ]
    return table(("language", "from", "posts", "promised", "complaints"), rows)


def _complaining(said: Floats, read: Posts, of: NDArray[np.bool_], threshold: float) -> evaluation.ComplaintReport:
    return evaluation.complaint((read.labels[of] == 1).tolist(), said[of, 1].tolist(), threshold=threshold)
