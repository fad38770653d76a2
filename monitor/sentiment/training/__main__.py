"""Trains the shipped models: `python -m monitor.sentiment.training DATA`, with the extra `training` installed."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from monitor.sentiment import complaint, embedded, multilingual
from monitor.sentiment.training import corpora, heads, recipes, vocabulary


def main(argv: list[str] | None = None) -> int:
    """Train what was asked for, write it with its card, and print what it is worth."""
    parser = argparse.ArgumentParser(prog="python -m monitor.sentiment.training", description=__doc__)
    parser.add_argument("model", choices=("sentiment", "complaint", *embedded.ASKED))
    parser.add_argument("data", type=Path, help="the folder with umsab/, complaints/ and streams/")
    parser.add_argument("--french", type=Path, help="labels of French posts by hash (complaint alone)")
    parser.add_argument(
        "--feedback", type=Path, action="append", default=[], help="what `tocsin feedback export` printed; may be given again"
    )
    parser.add_argument("--to", type=Path, help="the file to write; without it, the one that is shipped")
    parser.add_argument("--cache", type=Path, help="a folder that keeps vectors between runs")
    parser.add_argument("--version", default=datetime.now(UTC).strftime("%Y.%m.%d"), help="what scores are stored with")
    asked = parser.parse_args(argv)
    if asked.model in embedded.ASKED:
        taught, chosen = (corpora.sentiment(asked.data / "umsab", part) for part in ("train", "val"))
        to = asked.to or embedded.shipped(asked.model)
        told = heads.train(asked.model, taught, chosen, to, version=asked.version, cache=asked.cache)
        sys.stdout.write(told)
        return 0
    encode = vocabulary.universal_sentence_encoder()
    if asked.model == "sentiment":
        taught, chosen = (corpora.sentiment(asked.data / "umsab", part) for part in ("train", "val"))
        taught = corpora.corrected(taught, asked.feedback, corpora.felt)
        told = recipes.sentiment(
            taught, chosen, encode, asked.to or multilingual.SHIPPED, version=asked.version, cache=asked.cache
        )
    else:
        taught = corpora.english_complaints(asked.data / "complaints" / "english-train.csv")
        if asked.french:
            taught += corpora.labelled_by_hash(asked.french, asked.data, "fr", splits=recipes.TAUGHT) + corpora.invented("fr")
        taught = corpora.corrected(taught, asked.feedback, corpora.complained)
        told = recipes.complaints(taught, encode, asked.to or complaint.SHIPPED, version=asked.version, cache=asked.cache)
    sys.stdout.write(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
