"""Source archives of other projects, for what their tests recorded: fetched once by the package client, kept elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tocsin-tests" / "archives"
_PATIENCE = 120  # seconds for one archive, from an index that is slow today


def files(package: str, version: str, within: str) -> Iterator[tuple[str, bytes]]:
    """The files below a folder of a package's source archive, by their paths in it. Skips the test where no index answers."""
    with tarfile.open(_fetched(package, version)) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            opened = archive.extractfile(member) if path.startswith(within) and member.isfile() else None
            if opened is not None:
                yield path, opened.read()


def _fetched(package: str, version: str) -> Path:
    kept = _CACHE / f"{package}-{version}.tar.gz"
    if not kept.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
            _download(f"{package}=={version}", package, folder)
            (found,) = Path(folder).glob("*.tar.gz")
            found.replace(kept)  # whole, whoever else fetches it at the same time
    return kept


def _download(wanted: str, package: str, folder: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", package, wanted, "-d", folder]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index did not give {wanted} within {_PATIENCE} s")
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        pytest.skip(f"no package index gives the source archive of {wanted}: {said}")
