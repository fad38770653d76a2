"""What is built once for all tests of the packages: the wheel, and the Debian package."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 600.0  # seconds, for what takes half a minute on a machine that has nothing else to do


def carry_out(*command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end; what it printed. What it complained of is in the failure."""
    own = BIN / command[0]  # a tool of the development environment, wherever it was started from
    typed = [str(own if own.is_file() else command[0]), *map(str, command[1:])]
    done = subprocess.run(typed, cwd=cwd, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """A folder that `build` filled: by the first of pytest-xdist's workers that asks, for all of them."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """Runs a command, in a folder and an environment, and returns what it printed."""
    return carry_out


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as uv builds it."""
    made = once(tmp_path_factory, "wheel", lambda to: carry_out(BIN / "uv", "build", "--quiet", "--wheel", "--out-dir", to))
    return next(made.glob("*.whl"))


@pytest.fixture(scope="session")
def debian_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package, as its script builds it."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no Debian: dpkg-deb is not here")
    script, environment = ROOT / "packaging" / "debian" / "build", {**os.environ, "UV": str(BIN / "uv")}
    made = once(tmp_path_factory, "debian", lambda to: carry_out(script, to, environment=environment))
    return next(made.glob("*.deb"))
