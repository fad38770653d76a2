"""How much faster than vaderSentiment our VADER says the very same, in eight languages: `python -m bench --only vader`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench import stream
from bench.figure import Figure
from bench.validation.labels import DATA
from monitor.sentiment.fast_vader import FastVader

TEXTS = 1_000  # of each kind
PIECE = 25  # texts that are timed together
RUNS = 7
WARM, COLD = 4.0, 2.5

_Score = Callable[[str], Mapping[str, float]]


def measure() -> list[Figure]:
    """Time both on the same texts in turn, in one process; the slowest kind of text is held against the bar."""
    measured = {kind: _ratios(texts) for kind, texts in _texts().items()}
    warm, cold = ({kind: pair[way] for kind, pair in measured.items()} for way in (0, 1))
    how = f"{TEXTS:,} texts of each kind, {PIECE} at a time, the best of {RUNS} runs in turn with the library"
    return [
        Figure("vader", "times as fast as the library, warm, at least", min(warm.values()), "", WARM, at_least=True, how=how),
        *(Figure("vader", f"  {kind}", ratio, "") for kind, ratio in warm.items()),
        Figure("vader", "the same, first texts of a process, at least", min(cold.values()), "", COLD, at_least=True),
    ]


def _texts() -> Mapping[str, Sequence[str]]:
    """Real posts where they are; else those of the made-up stream."""
    if not DATA.is_dir():
        return {"made up": [str(record["text"]) for record in stream.records(TEXTS)]}
    found = {file.parent.name: file.read_text("utf-8").split("\n") for file in sorted(DATA.glob("umsab/*/train_text.txt"))}
    for file in sorted(DATA.glob("streams/*.jsonl")):
        found[file.stem] = [_said(line) for line in file.read_text("utf-8").splitlines()]
    return {kind: texts[:TEXTS] for kind, texts in found.items()}


def _said(line: str) -> str:
    return str(json.loads(line)["text"])


def _ratios(texts: Sequence[str]) -> tuple[float, float]:
    """How many times the library's time is ours, once it has seen the texts and when it sees them first."""
    library = SentimentIntensityAnalyzer()
    first, again, theirs = [], [], []
    for _ in range(RUNS):
        ours = FastVader(library)
        first.append(_seconds(ours.polarity_scores, texts))
        again.append(_seconds(ours.polarity_scores, texts))
        theirs.append(_seconds(library.polarity_scores, texts))
    return _best(theirs) / _best(again), _best(theirs) / _best(first)


def _seconds(score: _Score, texts: Sequence[str]) -> list[float]:
    """The time of each piece, in order."""
    taken = []
    for at in range(0, len(texts), PIECE):
        began = time.perf_counter()
        for text in texts[at : at + PIECE]:
            score(text)
        taken.append(time.perf_counter() - began)
    return taken


def _best(runs: Sequence[Sequence[float]]) -> float:
    """The sum of each piece's shortest time: what another program took of the processor meanwhile is nobody's merit."""
    return sum((min(times) for times in zip(*runs, strict=True)), 0.0)
