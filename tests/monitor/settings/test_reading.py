"""A YAML file is read as what it looks like, or refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.settings import reading
from monitor.settings.reading import MAX_BYTES, MAX_NODES, Data, Document, decode, dotted, read


def _read(tmp_path: Path, raw: str | bytes) -> tuple[Document, list[str]]:
    path = tmp_path / "it.yaml"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    document, problems = read(path, "it.yaml")
    return document, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("22:00", "22:00"),
        ("0612345678", "0612345678"),
        ("2026-11-01", "2026-11-01"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 30, "9" * 30),
        ("-9999999999999999999", "-9999999999999999999"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("-12", -12),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.5e-3", 0.0015),
        ('"12"', "12"),
        ("L'Été 🚲", "L'Été 🚲"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
    ],
)
def test_plain_words_stay_what_they_look_like(tmp_path: Path, written: str, meant: Data) -> None:
    """YAML 1.1 would turn a brand called `On` into true, and 22:00 into 1320."""
    document, problems = _read(tmp_path, f"it: {written}\n")
    assert document.data == {"it": meant}
    assert not problems


def test_keys_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    """A subject may be called 1664, on or null."""
    document, _ = _read(tmp_path, "1664: a\non: b\nnull: c\n")
    assert document.data == {"1664": "a", "on": "b", "null": "c"}


def test_every_value_knows_its_line(tmp_path: Path) -> None:
    """A key counts for its value, and an entry of a list for itself; what is not there has the line of what is around it."""
    document, _ = _read(tmp_path, "a: 1\nb:\n  - x\n  - c:\n      d\n")
    places = [("a",), ("b",), ("b", 0), ("b", 1, "c"), ("b", 1, "absent", "too"), ()]
    assert [document.line(path) for path in places] == [1, 2, 3, 4, 4, 1]


def test_paths_are_written_as_people_write_them() -> None:
    """Entries of lists count from 0 in brackets."""
    assert dotted(("plan", "steps", 2, "receiver")) == "plan.steps[2].receiver"
    assert dotted((0, "a")) == "[0].a"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    assert _read(tmp_path, b"\xef\xbb\xbfa: 1\n")[0].data == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a: 1\nb: caf\xe9\n", "it.yaml:2: is not UTF-8 text. Save the file with the UTF-8 encoding."),
        ("a: 1\n".encode("utf-16"), "it.yaml:1: holds a NUL byte: it is not a text file in UTF-8. Save it as plain UTF-8 text."),
        (b"a: 1\nb: \0\n", "it.yaml:2: holds a NUL byte: it is not a text file in UTF-8. Save it as plain UTF-8 text."),
        (b"a: 1\nb: \x07\n", "it.yaml:2: holds a control character. Delete the invisible character, or retype the line."),
        (b'a: "\\UFFFFFFFF"\n', "it.yaml:1: holds an escape that is no character. Check what follows the backslash."),
        (b"", "it.yaml: is empty. Write something into it, or remove the file."),
        (b"[" * 100_000, "it.yaml:1: is nested more than 40 levels deep. Nothing in the configuration needs that."),
        (b"- " * 50_000, "it.yaml:1: is nested more than 40 levels deep. Nothing in the configuration needs that."),
        (b"a: b\n" * 60_000, "it.yaml: is larger than 256 KiB. Split it, or move long lists into text files."),
        (b"%YAML x\n---\na: 1\n", "it.yaml:1: is not YAML: "),
    ],
)
def test_what_is_no_settings_file_is_refused_in_words(tmp_path: Path, raw: bytes, said: str) -> None:
    """Whatever the bytes: one problem, on its line, and no crash."""
    document, problems = _read(tmp_path, raw)
    assert document.data is None
    assert len(problems) == 1
    assert problems[0].startswith(said)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor(tmp_path: Path) -> None:
    """A billion laughs: nine lines that would become a billion values."""
    lines = ["a0: &a0 [lol, lol, lol]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))]
    _, problems = _read(tmp_path, "\n".join(lines))
    assert problems == ["it.yaml:1: anchors (&) and aliases (*) are not used here. Write the value out, or quote the text."]


def test_a_file_of_too_many_values_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser is careful rather than fast: a file's size alone does not bound its work."""
    monkeypatch.setattr(reading, "MAX_NODES", 1000)
    _, problems = _read(tmp_path, "[" + ",".join("a" for _ in range(1010)) + "]")
    assert problems == ["it.yaml:1: holds more than 1000 values. Split it, or move long lists into text files."]
    assert MAX_NODES * 2 < MAX_BYTES


def test_all_faults_of_a_readable_file_are_told_together(tmp_path: Path) -> None:
    """What can still be read is read on."""
    document, problems = _read(tmp_path, 'a: 1\na: 2\n? [x]\n: y\nb: "\\0"\nc: 3\n')
    assert document.data == {"a": 1, "b": "", "c": 3}
    assert [problem.split(". ")[0] for problem in problems] == [
        "it.yaml:2: a: is written twice",
        "it.yaml:3: a name must be plain text",
        r"it.yaml:5: b: holds an escape (\0, \ud800 …) that is no character",
    ]


def test_a_file_that_is_not_there_or_no_file_is_said_to_be_so(tmp_path: Path) -> None:
    """The words of the operating system, without its numbers."""
    assert str(read(tmp_path / "none.yaml", "none.yaml")[1][0]).startswith("none.yaml: no such file.")
    assert str(read(tmp_path, "folder")[1][0]).startswith("folder: cannot be read: Is a directory.")


def test_bytes_that_are_no_text_decode_to_nothing() -> None:
    """For secrets in files: a key in binary is no password."""
    assert decode(b"\xff") is None
    assert decode(b"a\0b") is None
    assert decode("é".encode()) == "é"


def _read_by(parser: object, text: str) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_Libyaml", parser)
        try:
            document, problems = reading._parse("it.yaml", text)
        except reading._Refused as refused:
            return refused.line, refused.what, refused.fix
    return document.data, document.lines, document.written, problems


PIECES = (
    *"-:?,[]{}#&*!|>'\"%@` \n\r\t~.01ab",
    ": ",
    "- ",
    "\n  ",
    "\n---\n",
    "|2\n",
    ">-\n",
    "\\x41",
    "\x85",
    "é",
    "[?",
    "{a: ",
    "a?b",
)


@given(text=st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example(text="---")
@example(text="a: >#b\n  c")
@example(text="{a?b: c}")
@example(text="[?::]")
@example(text="[a, {b: c}]")
def test_both_parsers_read_the_same(text: str) -> None:
    """The faster one is not everywhere, and without it a file must not mean something else, or stand on other lines."""
    assert _read_by(reading._Libyaml, text) == _read_by(object, text)


def test_libyaml_reads_the_shipped_files() -> None:
    """They are large: it is for them that there is a faster parser."""
    others = {"prometheus", "sources"}  # what Prometheus reads, and descriptions that name a list twice
    files = [path for path in (Path(__file__).parents[3] / "config").rglob("*.yaml") if path.parent.name not in others]
    assert files
    assert [path for path in files if reading._compose_fast(path.read_text()) is None] == []
