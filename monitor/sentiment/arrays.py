"""Files of a model's arrays: written with a format, a name and a checksum, and read only when all three are right."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.domain.errors import ExitCode, TocsinError

FORMAT = 1
LARGEST = 64 * 1024 * 1024  # bytes: a file that claims more than this is no model of ours

_ABOUT = "about"
_CHECKSUM = "checksum"

Arrays = Mapping[str, NDArray[Any]]


class ModelFileError(TocsinError):
    """A model cannot be used; the message says which file, why, and what to do."""

    exit_code = ExitCode.INPUT_OUTPUT


def save(path: Path, about: Mapping[str, Any], arrays: Arrays) -> None:
    """Write the arrays, and `about` (what this is, how it was made) beside them."""
    told = {**about, "format": FORMAT}
    told[_CHECKSUM] = _checksum(told, arrays)
    np.savez_compressed(path, **{_ABOUT: np.frombuffer(json.dumps(told).encode(), np.uint8)}, **arrays)  # type: ignore[arg-type]


def load(path: Path, *, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What was saved. Raises `ModelFileError` in words for whatever is wrong with the file."""
    try:
        about, arrays = _read(path)
    except FileNotFoundError:
        raise ModelFileError(
            f"{path} is missing: install the package again, or run `python -m monitor.sentiment.training`"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFileError(f"{path} is damaged or no model file ({error}): install the package again") from None
    if about.get("format") != FORMAT:
        raise ModelFileError(
            f"{path} has format {about.get('format')}, and this version of Tocsin reads format {FORMAT}:"
            " use the file that came with it, or train the model again"
        )
    if about.get("kind") != kind:
        raise ModelFileError(f"{path} holds a model of {about.get('kind')}, not of {kind}")
    if about.pop(_CHECKSUM, None) != _checksum(about, arrays):
        raise ModelFileError(f"{path} was altered or damaged: its checksum is wrong; install the package again")
    return about, arrays


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    with zipfile.ZipFile(path) as packed:
        if sum(each.file_size for each in packed.infolist()) > LARGEST:
            raise ValueError("it unpacks to more than any model of ours")
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != _ABOUT}
        about = json.loads(file[_ABOUT].tobytes())
    if not isinstance(about, dict):
        raise TypeError("it does not say what it is")
    return about, arrays


def _checksum(about: Mapping[str, Any], arrays: Arrays) -> str:
    """Over what the file says of itself, and names, types, shapes and bytes: nothing can be exchanged unseen."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
