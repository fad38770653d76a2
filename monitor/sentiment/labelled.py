"""Reads texts from files, with what people said of them where they did: JSON Lines, CSV, or plain lines.

A plain file `NAME_text.txt` beside a `NAME_labels.txt` is a labelled one: a text, and its label, on the same line of the two.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from monitor.domain.errors import InputError
from monitor.sentiment.labels import LABELS, Label

LONGEST: Final = 2**20  # characters of one line: what comes after is dropped, for only the first thousands are scored
_MOST_BYTES = 4 * LONGEST
_CHUNK = 2**16
_RECORDS = frozenset({".jsonl", ".csv"})
_TEXTS, _LABELS = "_text.txt", "_labels.txt"
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})
_AS_NUMBERS: Mapping[str, Label] = {str(number): name for number, name in enumerate(LABELS)}
_AS_WORDS: Mapping[str, Label] = {name: name for name in LABELS}


class Example(NamedTuple):
    """A text with what is known of it: the language that is claimed, how people call its sentiment, whether it complains."""

    text: str
    label: Label | None = None
    language: str | None = None
    complaint: bool | None = None


def examples(path: Path, stream: BinaryIO) -> Iterator[Example]:
    """The texts of a file, which is open at its beginning. Raises `InputError` at what cannot be understood."""
    try:
        match path.suffix.lower():
            case ".jsonl":
                yield from _from_records(path, _json_lines(path, stream))
            case ".csv":
                yield from _from_records(path, _csv_rows(path, stream))
            case _ if _is_plain(path):
                yield from map(Example, lines(stream))
            case _:
                yield from _paired(path, stream)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def batches(path: Path, stream: BinaryIO, most: int) -> Iterator[list[Example]]:
    """The same, up to so many at once; of plain lines those that have arrived, for somebody may be waiting at a pipe."""
    if _is_plain(path):
        for some in _arriving(stream):
            yield from ([Example(line) for line in some[at : at + most]] for at in range(0, len(some), most))
        return
    rest = examples(path, stream)
    while several := list(islice(rest, most)):
        yield several


def lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a file, whatever their bytes: what is no UTF-8 becomes a replacement character."""
    return chain.from_iterable(_arriving(stream))


def _arriving(stream: BinaryIO) -> Iterator[list[str]]:
    rest, encoding = b"", "utf-8-sig"
    while chunk := stream.read1(_CHUNK):  # type: ignore[attr-defined] # what is opened to be read as bytes has it
        *whole, rest = (rest + chunk).split(b"\n")
        rest = rest[:_MOST_BYTES]
        if whole:
            yield [_decoded(line, encoding if at == 0 else "utf-8") for at, line in enumerate(whole)]
            encoding = "utf-8"
    if rest:
        yield [_decoded(rest, encoding)]


def _decoded(line: bytes, encoding: str) -> str:
    return line[:_MOST_BYTES].decode(encoding, "replace").removesuffix("\r")[:LONGEST]


def _is_plain(path: Path) -> bool:
    paired = path.name.endswith(_TEXTS) and _beside(path).is_file()
    return path.suffix.lower() not in _RECORDS and not paired


def _beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_TEXTS) + _LABELS)


def _paired(path: Path, stream: BinaryIO) -> Iterator[Example]:
    labels = _beside(path)
    with labels.open("rb") as beside:
        told = lines(beside)
        for number, text in enumerate(lines(stream), 1):
            written = next(told, None)
            if written is None:
                raise InputError(f"{labels} ends before line {number}: {path.name} has more texts than there are labels")
            yield Example(text, _label(f"{labels}:{number}", written))
        if any(rest.strip() for rest in told):
            raise InputError(f"{labels} goes on after line {number}: there are more labels than texts in {path.name}")


def _from_records(path: Path, records: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[Example]:
    for line, record in records:
        where, text = f"{path}:{line}", record.get("text")
        if not isinstance(text, str):
            raise InputError(f"{where}: there is no text: name the field or column with the text `text`")
        language = record.get("language") or record.get("lang") or None
        label = _label(where, record.get("label", record.get("sentiment")))
        yield Example(text[:LONGEST], label, str(language) if language else None, _complains(where, record.get("complaint")))


def _json_lines(path: Path, stream: BinaryIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines(stream), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{path}:{number}: this is not JSON: write one object a line") from None
        if not isinstance(record, dict):
            raise InputError(f"{path}:{number}: this is no JSON object: write one a line, with a `text`")
        yield number, record


def _csv_rows(path: Path, stream: BinaryIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(codecs.iterdecode(stream, "utf-8-sig", "replace"))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: this is not CSV: {error}") from None


def _label(where: str, written: object) -> Label | None:
    """What somebody called the sentiment; nothing, where they did not."""
    said = "" if written is None else str(written).strip().lower()
    if not said:
        return None
    found = _AS_WORDS.get(said) or _AS_NUMBERS.get(said)
    if found is None:
        raise InputError(f"{where}: the label is `{said[:40]}`: write negative, neutral or positive (or 0, 1, 2)")
    return found


def _complains(where: str, written: object) -> bool | None:
    said = "" if written is None else str(written).strip().lower()
    if not said:
        return None
    if said not in _YES | _NO:
        raise InputError(f"{where}: `complaint` is `{said[:40]}`: write 1 for a complaint and 0 for none")
    return said in _YES
