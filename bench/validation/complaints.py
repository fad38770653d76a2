"""What the shipped complaint model is worth on French posts that were set aside: `python -m bench.validation.complaints`.

The labels are those of docs/labelling/complaints.fr.md; only the fifth is asked about that no model was taught or chosen by.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.validation.labels import DATA, LABELS
from monitor.sentiment import evaluation
from monitor.sentiment.complaint import Complaints
from monitor.sentiment.training import corpora
from monitor.sentiment.training.corpora import Labelled

ORDINARY = "fr:umsab"  # the group of the tweets that were written to nobody


def set_aside(data: Path, split: str = "test") -> tuple[list[Labelled], list[Labelled]]:
    """Posts to brands, and ordinary tweets."""
    asked = corpora.labelled_by_hash(LABELS, data, "fr", splits=frozenset({split}))
    return [each for each in asked if each.group != ORDINARY], [each for each in asked if each.group == ORDINARY]


def unseen(data: Path) -> list[str]:
    """Every ordinary French tweet that the model was not taught; of 400 that were labelled, 2 complain."""
    taught = {each.text for part in set_aside(data, "train") for each in part}
    return [text for text in corpora.ordinary(data, "fr") if text not in taught]


def judged(model: Complaints, asked: Sequence[Labelled]) -> evaluation.ComplaintReport:
    """What the model says, against what readers said."""
    said = model.probabilities([each.text for each in asked], [each.language for each in asked])
    return evaluation.complaint([each.label == 1 for each in asked], said, threshold=model.threshold)


def called(model: Complaints, texts: Sequence[str]) -> float:
    """The share of French texts that the model calls complaints."""
    said = model.probabilities(texts, ["fr"] * len(texts))
    return sum(each is not None and each >= model.threshold for each in said) / len(texts)


def report(model: Complaints, data: Path) -> str:
    """The figures that docs/reference/models.md quotes."""
    brands, tweets = set_aside(data)
    rest = unseen(data)
    lines = [f"{'set aside':<24}{'posts':>7}{'complaints':>12}{'F1':>7}{'macro-F1':>10}{'AUC':>7}{'false alarms':>14}{'ECE':>7}"]
    for name, asked in (("to brands", brands), ("ordinary tweets", tweets), ("together", [*brands, *tweets])):
        found = judged(model, asked)
        figures = f"{found.quality.f1:>7.3f}{found.macro_f1:>10.3f}" if found.complaints else f"{'–':>7}{'–':>10}"
        area = f"{found.auc:>7.3f}" if found.auc else f"{'–':>7}"
        error = found.calibration.ece if found.calibration else 0.0
        lines.append(
            f"{name:<24}{found.texts:>7}{found.complaints:>12}{figures}{area}{found.false_alarms or 0:>14.1%}{error:>7.3f}"
        )
    lines.append(f"\n{len(rest):,} ordinary tweets that were not taught: {called(model, rest):.1%} called complaints\n")
    lines.append(f"{'probability':<12}{'posts':>7}{'promised':>10}{'complaints':>12}")
    calibration = judged(model, [*brands, *tweets]).calibration
    lines += (
        [f"{each.low:.1f}-{each.high:.1f}{each.texts:>12}{each.promised:>10.2f}{each.right:>12.2f}" for each in calibration.bins]
        if calibration
        else []
    )
    return "\n".join(lines)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.validation.complaints", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of real data; default: the one beside the project")
    parser.add_argument("--model", type=Path, help="a model file; without it, the shipped one")
    asked = parser.parse_args()
    print(report(Complaints(asked.model), asked.data))


if __name__ == "__main__":
    main()
