"""The Debian package holds what it should, where Debian expects it, and nothing of the machine it was built on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.timeout(600), pytest.mark.soak]


@pytest.fixture(scope="module")
def listed(debian_package: Path, run: Callable[..., str]) -> Mapping[str, str]:
    """Each path of the package, with its mode, owner and the like."""
    rows = [line.split(maxsplit=5) for line in run("dpkg-deb", "--contents", debian_package).splitlines()]
    return {row[5].partition(" -> ")[0].removeprefix("."): f"{row[0]} {row[1]}" for row in rows}


@pytest.fixture(scope="module")
def unpacked(debian_package: Path, run: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's files in a folder, its maintainer scripts in DEBIAN."""
    folder = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "--raw-extract", debian_package, folder)
    return folder


def test_everything_belongs_to_root(listed: Mapping[str, str]) -> None:
    """Whoever built it, no file belongs to them, and the service can change none."""
    assert {facts.split()[1] for facts in listed.values()} == {"root/root"}
    assert not [path for path, facts in listed.items() if facts[8] == "w" and not facts.startswith("l")]


def test_units_are_where_systemd_looks(listed: Mapping[str, str]) -> None:
    """Every file of systemd/ is installed, and the command is on everybody's path."""
    units = {f"/usr/lib/systemd/system/{unit.name}" for unit in (ROOT / "systemd").iterdir() if not unit.name.endswith(".conf")}
    assert units | {"/usr/lib/sysusers.d/tocsin.conf", "/usr/lib/tmpfiles.d/tocsin.conf", "/usr/bin/tocsin"} <= set(listed)


def test_configuration_is_the_administrator_s(listed: Mapping[str, str], unpacked: Path) -> None:
    """What is below /etc is a conffile, which an upgrade does not overwrite; a file for secrets is closed to others."""
    below = {path for path in listed if path.startswith("/etc/") and not path.endswith("/")}
    assert set((unpacked / "DEBIAN/conffiles").read_text().split()) == below == {"/etc/tocsin/environment"}
    assert listed["/etc/tocsin/environment"].startswith("-rw-------")


def test_the_pages_come_along(listed: Mapping[str, str]) -> None:
    """Whoever stands before the machine, without a network, can read how to repair it."""
    pages = {f"/usr/share/doc/tocsin/{page.relative_to(ROOT / 'docs')}" for page in (ROOT / "docs").rglob("*.md")}
    assert pages <= set(listed)


def test_the_store_is_no_part_of_it(listed: Mapping[str, str]) -> None:
    """What people said and what was rung is in no package, so that none can replace it."""
    assert not [path for path in listed if path.startswith("/var/")]


def test_nothing_names_the_folder_it_was_built_in(unpacked: Path) -> None:
    """The command starts the environment at the place where it will stand, not where it was put together."""
    home = unpacked / "usr/lib/tocsin"
    assert (home / "bin/tocsin").read_text().splitlines()[0] == "#!/usr/lib/tocsin/bin/python"
    assert str(ROOT) not in (home / "pyvenv.cfg").read_text()
    assert sorted(each.name for each in (home / "bin").iterdir() if not each.is_symlink()) == ["tocsin"]
    assert not list(home.rglob("direct_url.json"))


def test_it_is_made_of_this_source(unpacked: Path) -> None:
    """Every module is the one that stands in the source tree now, not one that some cache remembers."""
    (libraries,) = (unpacked / "usr/lib/tocsin/lib").glob("python3*/site-packages")
    modules = [module for folder in ("monitor", "rules", "notifiers") for module in (ROOT / folder).rglob("*.py")]
    assert [str(module) for module in modules if (libraries / module.relative_to(ROOT)).read_bytes() != module.read_bytes()] == []


def test_it_depends_on_the_python_it_was_built_for(unpacked: Path) -> None:
    """Compiled libraries fit one Python: the package asks for that one, which the environment's link names too."""
    fields = dict(line.split(": ", 1) for line in (unpacked / "DEBIAN/control").read_text().splitlines() if ": " in line)
    python = (unpacked / "usr/lib/tocsin/bin/python").readlink().name
    assert python in fields["Depends"].split(", ")
    assert (unpacked / "usr/lib/tocsin/lib" / python).is_dir()
    assert fields["Architecture"] != "all"


def test_the_program_of_the_package_runs(unpacked: Path, tmp_path: Path) -> None:
    """Its Python, with its libraries and nothing of this machine's, checks the example that comes along."""
    program, example = unpacked / "usr/lib/tocsin", unpacked / "usr/share/doc/tocsin/examples"
    bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(program / "bin/python"), "-c", "from monitor.cli import main; main()", "check", "--config", str(example)]
    done = subprocess.run(command, env=bare, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, "8 plans" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_maintainer_scripts_are_sound(unpacked: Path, script: str, run: Callable[..., str]) -> None:
    """Each is plain sh, and stops at its first failure."""
    path = unpacked / "DEBIAN" / script
    run("sh", "-n", path)
    assert path.read_text().startswith("#!/bin/sh\n")
    assert "\nset -e\n" in path.read_text()
