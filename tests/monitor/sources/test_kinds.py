"""Kinds of sources that installed packages bring, with a real little package on the path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.sources import KINDS
from monitor.sources.kinds import gathered

USELESS = "which cannot be used:"
CODE = '''
from typing import Literal
from monitor.sources import Batch, Kind, SourceSettings

class WallSettings(SourceSettings):
    """What is written on a wall."""

    kind: Literal["wall"]
    street: str

class Wall:
    network = "wall"

    def __init__(self, settings):
        self.street = settings.street

    async def poll(self, cursor):
        return Batch(cursor=cursor)

KIND = Kind(WallSettings, lambda settings, kit: Wall(settings))
'''


def install(site: Path, name: str, code: str, **points: str) -> None:
    """As pip would."""
    (site / f"{name}.py").write_text(code)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    listed = "".join(f"{point} = {name}:{value}\n" for point, value in points.items())
    (info / "entry_points.txt").write_text(f"[tocsin.sources]\n{listed}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where packages are installed: one that works, one that does not, one that takes a name of ours, one that is no kind."""
    made = tmp_path / "site"
    made.mkdir()
    install(made, "walls", CODE, wall="KIND", plaster="KIND")
    install(made, "broken", "import not_there", smoke="KIND")
    install(made, "greedy", "KIND = 1", feed="KIND", nothing="KIND")
    monkeypatch.syspath_prepend(str(made))
    return made


def test_a_package_brings_a_kind(site: Path) -> None:
    """Its settings and its factory serve like ours, whatever is wrong with other packages."""
    kinds, problems = gathered([KINDS["feed"]])
    settings = kinds["wall"].settings.model_validate({"kind": "wall", "street": "rue Haute", "every": "PT1M"})
    assert kinds["wall"].build(settings, None).network == "wall"  # type: ignore[arg-type]
    assert kinds["feed"] is KINDS["feed"]
    assert problems == [
        "the package greedy brings the source kind `feed`, and another has that name",
        f"the package greedy brings the source kind `nothing`, {USELESS} TypeError: greedy:KIND is no monitor.sources.Kind",
        f"the package walls brings the source kind `plaster`, {USELESS} TypeError: walls:KIND calls itself `wall`",
        f"the package broken brings the source kind `smoke`, {USELESS} ModuleNotFoundError: No module named 'not_there'",
    ]
    with pytest.raises(ValidationError, match=r"the package broken brings .*; install a version that fits"):
        kinds["smoke"].settings.model_validate({"kind": "smoke", "tower": 3})


def test_the_configuration_knows_them(site: Path, tmp_path: Path) -> None:
    """`tocsin check` checks their settings, and a kind that cannot be used is an error where it is used."""
    sources = "{there: {kind: wall, street: rue Haute}, away: {kind: smoke, tower: 3}, odd: {kind: wall, strete: rue Haute}}"
    (tmp_path / "monitor.yaml").write_text(f"version: 1\nsubjects: {{acme: Acme}}\nsources: {sources}\n")
    call = [sys.executable, "-c", "from monitor.cli import main; main()", "check", "--config", str(tmp_path)]
    environment = {"PYTHONPATH": str(site), "PATH": "", "COLUMNS": "200"}
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=environment)
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 78
    assert "sources.away: the package broken brings the source kind `smoke`, which cannot be used" in told
    assert "sources.odd" in told
    assert "sources.there" not in told
