"""Labelled posts to learn from: tweets with sentiment in eight languages, and posts with or without a complaint."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from monitor.domain.errors import InputError
from monitor.domain.feedback import text_hash
from monitor.sentiment.labelled import Example, examples
from monitor.sentiment.labels import LABELS
from monitor.sentiment.language import claimed_code

FOLDERS: Mapping[str, str] = {
    "ar": "arabic",
    "en": "english",
    "fr": "french",
    "de": "german",
    "hi": "hindi",
    "it": "italian",
    "pt": "portuguese",
    "es": "spanish",
}


INVENTED = "invented"  # the group, behind its language


class Labelled(NamedTuple):
    """A post, its language, its class, and the group (a language, a trade) that must not be split when that is asked for."""

    text: str
    language: str
    label: int
    group: str


def sentiment(folder: Path, part: str) -> list[Labelled]:
    """Tweets of `folder/LANGUAGE/PART_text.txt` and `_labels.txt`: 0 negative, 1 neutral, 2 positive."""
    return [
        Labelled(text, language, int(label), language)
        for language, name in FOLDERS.items()
        for text, label in zip(
            _lines(folder / name / f"{part}_text.txt"), _lines(folder / name / f"{part}_labels.txt"), strict=True
        )
    ]


def english_complaints(file: Path) -> list[Labelled]:
    """Rows of `text,complaint,domain`."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [Labelled(row["text"], "en", int(row["complaint"]), row["domain"]) for row in csv.DictReader(opened)]


def labelled_by_hash(labels: Path, data: Path, language: str, *, splits: frozenset[str]) -> list[Labelled]:
    """Posts in `data` whose text's hash stands in `labels` (`hash`, `source`, `split`, `complaint`) in one of the splits.

    They are looked for in `streams/*-LANGUAGE-*.jsonl`, less what the brand's own accounts wrote, and in the tweets of `umsab`.
    Raises `InputError` where a label has no text: a model that learnt from some of them would not be the one that was measured.
    """
    with labels.open(encoding="utf-8", newline="") as opened:
        rows = {row["hash"]: row for row in csv.DictReader(opened) if row["split"] in splits and row["complaint"] in {"0", "1"}}
    found = {name: text for text in _posted(data, language) if (name := text_hash(text)) in rows}
    if missing := len(rows) - len(found):
        raise InputError(f"{labels}: {missing} of {len(rows)} labels have no text in {data}/streams or {data}/umsab")
    return [Labelled(found[name], language, int(row["complaint"]), f"{language}:{row['source']}") for name, row in rows.items()]


def invented(language: str) -> list[Labelled]:
    """Posts of this project's own, of a kind that labelled ones hold too few of: thanks, praise, questions without a fault, news.

    Where nine in ten posts to a brand complain, a model takes being written to a brand for a complaint.
    """
    text = files("monitor.sentiment.training").joinpath(f"invented.{language}.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return [Labelled(row["text"], language, int(row["complaint"]), f"{language}:{INVENTED}") for row in rows]


def felt(example: Example) -> int | None:
    """The class of a text for the model of sentiment; None where nobody said it."""
    return None if example.label is None else LABELS.index(example.label)


def complained(example: Example) -> int | None:
    """The class of a text for the model of complaints; None where nobody said it."""
    return None if example.complaint is None else int(example.complaint)


def corrected(taught: Sequence[Labelled], exported: Sequence[Path], label: Callable[[Example], int | None]) -> list[Labelled]:
    """What was taught, with the words of the team (`tocsin feedback export`, or any labelled file): theirs is the last.

    What bears no such label, or is in no language with word lists, teaches nothing. Raises `InputError` as `examples` does.
    """
    said = [each for file in exported for each in _corrections(file, label)]
    theirs = {text_hash(each.text): each for each in said}
    return [*(each for each in taught if text_hash(each.text) not in theirs), *theirs.values()]


def _corrections(file: Path, label: Callable[[Example], int | None]) -> Iterator[Labelled]:
    with file.open("rb") as stream:
        for each in examples(file, stream):
            language, found = claimed_code(each.language), label(each)
            if language is not None and language in FOLDERS and found is not None:
                yield Labelled(each.text, language, found, f"{language}:feedback")


def ordinary(data: Path, language: str) -> Iterator[str]:
    """Tweets about anything, without labels of complaints."""
    for part in ("train", "val"):
        file = data / "umsab" / FOLDERS[language] / f"{part}_text.txt"
        yield from _lines(file) if file.is_file() else ()


def _posted(data: Path, language: str) -> Iterator[str]:
    for stream in sorted((data / "streams").glob(f"*-{language}-*.jsonl")):
        records = map(json.loads, _lines(stream))
        yield from (each["text"] or "" for each in records if not each.get("own_account"))
    yield from ordinary(data, language)


def _lines(file: Path) -> list[str]:
    """Split at line feeds alone: a tweet may hold other separators."""
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
