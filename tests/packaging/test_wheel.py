"""The wheel carries all that the program needs, and works where no source tree is near."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"
FOLDERS = {"config": "monitor/shipped", "systemd": "monitor/systemd"}


@pytest.mark.parametrize(("source", "inside"), FOLDERS.items())
@pytest.mark.timeout(600)
def test_what_is_data_travels_inside(wheel: Path, source: str, inside: str) -> None:
    """Every file of config/ and systemd/ is in the wheel, as it is in the source tree."""
    with zipfile.ZipFile(wheel) as opened:
        for file in (ROOT / source).rglob("*"):
            if file.is_file():
                assert opened.read(f"{inside}/{file.relative_to(ROOT / source)}") == file.read_bytes()


@pytest.mark.timeout(600)
def test_nothing_else_travels(wheel: Path) -> None:
    """No test, bench, page or script becomes part of somebody's environment."""
    with zipfile.ZipFile(wheel) as opened:
        tops = {name.partition("/")[0].partition("-")[0] for name in opened.namelist()}
    assert tops == {"monitor", "rules", "notifiers", "tocsin"}


@pytest.mark.timeout(600)
def test_it_works_with_no_source_tree_near(wheel: Path, run: Callable[..., str], tmp_path: Path) -> None:
    """In an environment of its own the program writes a configuration, finds it good, and plays its demo."""
    bare, pins = tmp_path / "environment", tmp_path / "pins.txt"
    run(UV, "export", "--quiet", "--frozen", "--no-dev", "--all-extras", "--no-emit-project", "--no-hashes", "-o", pins)
    run(UV, "venv", "--quiet", "--python", sys.executable, bare)
    # Most of the modules are not needed below, and none of them has to be copied.
    hurried = {**os.environ, "UV_COMPILE_BYTECODE": "0", "UV_LINK_MODE": "symlink"}
    install = (UV, "pip", "install", "--quiet", "--python", bare / "bin/python", f"{wheel}[demo]", "--constraint", pins)
    run(*install, environment=hurried)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "COV_", "COVERAGE", "PYTHON"))}
    tocsin, brand, elsewhere = bare / "bin/tocsin", tmp_path / "brand", {"cwd": tmp_path, "environment": kept}

    (tmp_path / "posts.jsonl").touch()
    asked = ("--brand", "Acme", "--source", tmp_path / "posts.jsonl", "--send-to", "ops@acme.example")
    run(tocsin, "init", brand, *asked, **elsewhere)
    assert "19 shipped rules" in run(tocsin, "check", "--config", brand, **elsewhere)
    outcome = json.loads(run(tocsin, "demo", "--json", "--seconds", "10", "--out", tmp_path / "out", **elsewhere))
    assert outcome["mentions"]["stored"] > 0
