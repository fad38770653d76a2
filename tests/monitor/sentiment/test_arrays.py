"""A model file is used only if it is whole, ours, and of this version; otherwise the error says what to do."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from monitor.sentiment import arrays
from monitor.sentiment.arrays import ModelFileError, load, save

ARRAYS = {"table": np.arange(6000, dtype=np.int16).reshape(2000, 3)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small model file."""
    save(tmp_path / "model.npz", {"kind": "sentiment", "version": "1"}, ARRAYS)
    return tmp_path / "model.npz"


def test_what_was_saved_is_loaded(file: Path) -> None:
    """With what it says of itself."""
    about, found = load(file, kind="sentiment")
    assert about["version"] == "1"
    assert (found["table"] == ARRAYS["table"]).all()


def test_a_missing_file(tmp_path: Path) -> None:
    """Says that it is missing."""
    with pytest.raises(ModelFileError, match=r"none\.npz is missing: install the package again"):
        load(tmp_path / "none.npz", kind="sentiment")


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_file(file: Path, kept: float) -> None:
    """Says that it is damaged, wherever it was cut."""
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole)) if 0 < kept < 1 else int(kept)])
    with pytest.raises(ModelFileError, match="damaged"):
        load(file, kind="sentiment")


@pytest.mark.parametrize("content", [b"not a model", pickle.dumps({"a": 1})])
def test_a_file_that_is_something_else(file: Path, content: bytes) -> None:
    """Is never unpickled."""
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged or no model file"):
        load(file, kind="sentiment")


def test_pickled_objects_within(tmp_path: Path) -> None:
    """An array of objects is refused: it could run code."""
    np.savez(tmp_path / "model.npz", about=np.array([{"kind": "sentiment"}], dtype=object))
    with pytest.raises(ModelFileError, match="damaged or no model file"):
        load(tmp_path / "model.npz", kind="sentiment")


def test_a_file_that_says_nothing_of_itself(tmp_path: Path) -> None:
    """Neither one without a word nor one whose words are no table."""
    for about in (b"[1]", b"{"):
        np.savez(tmp_path / "model.npz", about=np.frombuffer(about, np.uint8))
        with pytest.raises(ModelFileError, match="damaged or no model file"):
            load(tmp_path / "model.npz", kind="sentiment")


def test_a_file_that_unpacks_to_too_much(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is refused before it is unpacked."""
    monkeypatch.setattr(arrays, "LARGEST", 1000)
    with pytest.raises(ModelFileError, match="more than any model of ours"):
        load(file, kind="sentiment")


def test_another_format(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names both versions."""
    monkeypatch.setattr(arrays, "FORMAT", 7)
    with pytest.raises(ModelFileError, match="has format 1, and this version of Tocsin reads format 7"):
        load(file, kind="sentiment")


def test_another_kind(file: Path) -> None:
    """A model of complaints is no model of sentiment."""
    with pytest.raises(ModelFileError, match="a model of sentiment, not of complaint"):
        load(file, kind="complaint")


def test_altered_arrays(file: Path, tmp_path: Path) -> None:
    """A file in which one array was exchanged is found out by its checksum."""
    save(tmp_path / "other.npz", {"kind": "sentiment"}, {"table": ARRAYS["table"] + 1})
    with (
        zipfile.ZipFile(file) as ours,
        zipfile.ZipFile(tmp_path / "other.npz") as theirs,
        zipfile.ZipFile(tmp_path / "mixed.npz", "w") as mixed,
    ):
        mixed.writestr("about.npy", ours.read("about.npy"))
        mixed.writestr("table.npy", theirs.read("table.npy"))
    with pytest.raises(ModelFileError, match="checksum is wrong"):
        load(tmp_path / "mixed.npz", kind="sentiment")


def test_altered_words_about_it(file: Path) -> None:
    """What a file says of itself (its languages, its threshold) is under the same checksum."""
    with np.load(file) as read:
        about, table = json.loads(read["about"].tobytes()), read["table"]
    told = json.dumps({**about, "version": "2"}).encode()
    np.savez(file, about=np.frombuffer(told, np.uint8), table=table)
    with pytest.raises(ModelFileError, match="checksum is wrong"):
        load(file, kind="sentiment")
