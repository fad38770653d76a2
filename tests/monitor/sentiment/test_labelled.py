"""Texts and their labels are read from files of four shapes, and what is wrong in one is said with its line."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from monitor.domain.errors import InputError
from monitor.sentiment.labelled import LONGEST, Example, batches, examples, lines


def read(path: Path, content: str | bytes) -> list[Example]:
    """What a file of this name and content holds."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with path.open("rb") as stream:
        return list(examples(path, stream))


def test_json_lines(tmp_path: Path) -> None:
    """Text, label, language and complaint under their names; blank lines are none; unknown fields do not matter."""
    found = read(
        tmp_path / "a.jsonl",
        '\ufeff{"text": "nul", "label": "Negative", "language": "fr", "complaint": true, "id": 7}\n\n'
        '{"text": "ok", "sentiment": 1, "lang": "en", "complaint": 0}\r\n{"text": "?", "label": null, "complaint": null}',
    )
    assert found == [
        Example("nul", "negative", "fr", True),
        Example("ok", "neutral", "en", False),
        Example("?"),
    ]


def test_csv(tmp_path: Path) -> None:
    """Quoted fields may hold commas and line breaks; an empty field is no label."""
    found = read(tmp_path / "a.csv", 'text,label,complaint\n"so, \nso",2,no\nplain,,\n')
    assert found == [Example("so, \nso", "positive", None, False), Example("plain")]


def test_the_two_files_of_umsab(tmp_path: Path) -> None:
    """A text and its label stand on the same line of `_text.txt` and `_labels.txt`; an empty line is a text, too."""
    (tmp_path / "val_labels.txt").write_text("0\n1\n2\n")
    assert read(tmp_path / "val_text.txt", "bad\n\ngood\n") == [
        Example("bad", "negative"),
        Example("", "neutral"),
        Example("good", "positive"),
    ]


def test_plain_lines(tmp_path: Path) -> None:
    """Only a line feed ends a line: some letters look like line ends to Python."""
    assert read(tmp_path / "a.txt", "one\u2028still one\x0b\r\n\ntwo") == [
        Example("one\u2028still one\x0b"),
        Example(""),
        Example("two"),
    ]
    assert read(tmp_path / "b.txt", b"caf\xe9 \xed\xa0\xbd\n") == [Example("caf\ufffd \ufffd\ufffd\ufffd")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"text": "x"}\n{"text":', ":2: this is not JSON"),
        ("a.jsonl", '["x"]', ":1: this is no JSON object"),
        ("a.jsonl", '{"txt": "x"}', ":1: there is no text"),
        ("a.jsonl", "[" * 200_000, ":1: this is not JSON"),
        ("a.jsonl", '{"text": "x", "label": "angry"}', ":1: the label is `angry`: write negative, neutral or positive"),
        ("a.jsonl", '{"text": "x", "complaint": "perhaps"}', ":1: `complaint` is `perhaps`: write 1"),
        ("a.csv", "texts,label\nx,1\n", ":2: there is no text"),
        ("a.csv", 'text\n"' + "x" * 200_000, "this is not CSV"),
        ("short_text.txt", "a\nb\n", "short_labels.txt ends before line 2"),
        ("long_text.txt", "a\n", "long_labels.txt goes on after line 1"),
        ("odd_text.txt", "a\n", "odd_labels.txt:1: the label is `3`"),
    ],
)
def test_what_cannot_be_understood_is_said(tmp_path: Path, name: str, content: str, words: str) -> None:
    """Where it stands, and what to write instead."""
    for kind, labels in (("short", "0\n"), ("long", "0\n1\n"), ("odd", "3\n")):
        (tmp_path / f"{kind}_labels.txt").write_text(labels)
    with pytest.raises(InputError, match=words.replace("[", r"\[")):
        read(tmp_path / name, content)


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    """Only the beginning of a line is kept: the scorer reads no more than that."""
    (only,) = lines(BytesIO(b"x" * (5 * LONGEST)))
    assert len(only) == LONGEST


def test_what_has_arrived_is_given_at_once(tmp_path: Path) -> None:
    """Whoever reads a pipe gets what is there; whoever reads a file gets so many at a time."""
    found = list(batches(Path("-"), BytesIO(b"a\nb\nc\nd"), 2))
    assert [[each.text for each in some] for some in found] == [["a", "b"], ["c"], ["d"]]
    path = tmp_path / "a.csv"
    path.write_text("text\na\nb\nc\n")
    with path.open("rb") as stream:
        assert [len(some) for some in batches(path, stream, 2)] == [2, 1]
