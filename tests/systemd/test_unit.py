"""The systemd units: what operators rely on is in them, and systemd itself finds them sound and tight."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from monitor.cli import app
from monitor.domain.errors import ExitCode

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
SANDBOX = "# What the service can reach, and nothing else."


def settings(unit: str = "tocsin.service") -> dict[str, list[str]]:
    """A unit's settings; one that is given twice has two values."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / unit).read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def sandbox(unit: Path) -> str:
    """The part of a unit that says what it can reach, up to the next section."""
    return unit.read_text(encoding="utf-8").partition(SANDBOX)[2].partition("\n[")[0].strip()


@pytest.fixture
def analyze() -> str:
    """The path of systemd-analyze."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    return found


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Type", ["notify"]),
        ("ExecStart", ["tocsin run --config /etc/tocsin"]),
        ("ExecReload", ["kill -HUP $MAINPID"]),
        ("WatchdogSec", ["30"]),
        ("Restart", ["on-failure"]),
        ("RestartPreventExitStatus", [str(int(ExitCode.CONFIGURATION))]),
        ("StartLimitIntervalSec", ["0"]),
        ("StateDirectory", ["tocsin"]),
        ("WorkingDirectory", ["/var/lib/tocsin"]),
        ("User", ["tocsin"]),
        ("NoNewPrivileges", ["yes"]),
        ("ProtectSystem", ["strict"]),
        ("CapabilityBoundingSet", [""]),
    ],
)
def test_operators_find_what_they_rely_on(name: str, values: list[str]) -> None:
    """Ready, reload, watchdog, restart and the state folder are as the documentation says."""
    assert settings()[name] == values


def test_stopping_has_time_to_drain() -> None:
    """The service manager waits longer than the ten seconds in which the daemon drains."""
    assert int(settings()["TimeoutStopSec"][0]) > 10


def test_the_account_is_declared() -> None:
    """The user the unit names is the one that systemd-sysusers makes."""
    lines = (FOLDER / "tocsin.sysusers.conf").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith(f"u {settings()['User'][0]} ") for line in lines)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_all_units_can_reach_the_same(unit: Path) -> None:
    """What protects the daemon protects the commands that work on its store, to the letter."""
    assert sandbox(unit) == sandbox(FOLDER / "tocsin.service") != ""


def test_the_migration_stops_the_daemon_and_starts_it_again() -> None:
    """Two versions of the tables are never at work at once, and a migration by hand leaves nobody unwatched."""
    migrate = settings("tocsin-migrate.service")
    assert migrate["Before"] == migrate["Conflicts"] == migrate["OnSuccess"] == ["tocsin.service"]
    assert "WantedBy" not in migrate


def test_the_backup_may_write_where_it_is_told_to() -> None:
    """The folder of the backups is writable for that unit alone, and made for its account only."""
    backup = settings("tocsin-backup.service")
    (folder,) = backup["ReadWritePaths"]
    assert backup["ExecStart"] == [f"tocsin backup {folder} --config /etc/tocsin --keep 14"]
    made = [line.split() for line in (FOLDER / "tocsin.tmpfiles.conf").read_text(encoding="utf-8").splitlines()]
    assert ["d", folder, "0700", "tocsin", "tocsin"] in made
    assert "ReadWritePaths" not in settings()


def test_a_backup_missed_is_made_up_for() -> None:
    """A machine that was off at night is backed up when it is back."""
    assert settings("tocsin-backup.timer")["Persistent"] == ["yes"]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_what_a_unit_types_is_a_command(unit: Path) -> None:
    """`tocsin` has every command and every option that the units call."""
    root = typer.main.get_command(app)
    for line in settings(unit.name)["ExecStart"] + settings(unit.name).get("ExecReload", []):
        program, name, *words = line.split()
        if program == "tocsin":
            command = root.commands[name]  # type: ignore[attr-defined]
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", sorted((FOLDER.parent / "docs/how-to").glob("*.md")), ids=lambda page: page.name)
def test_pages_name_units_that_exist(page: Path) -> None:
    """What a page tells to start, stop or look at is there."""
    named = re.findall(
        r"(?:systemctl [a-z-]+(?: --\w+)*|journalctl -u|start|stop|restart|reload) (tocsin[\w.-]*)", page.read_text("utf-8")
    )
    units = {unit.name for unit in FOLDER.iterdir()}
    assert {name if "." in name else f"{name}.service" for name in (each.rstrip(".") for each in named)} <= units


@pytest.mark.fault("operations", "a stranger takes the process over")
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_systemd_finds_it_tight(analyze: str, unit: Path) -> None:
    """Every unit's exposure, as systemd computes it, is at most 1.5 of 10."""
    checked = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=15", "--no-pager", str(unit)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout[-400:] + checked.stderr
    assert f"Overall exposure level for {unit.name}" in checked.stdout


def test_systemd_understands_every_line(analyze: str, tmp_path: Path) -> None:
    """With a program in its place no unit has an unknown setting, a wrong value or a wrong section."""
    copies = [tmp_path / unit.name for unit in (*SERVICES, *FOLDER.glob("*.timer"))]
    for copy in copies:
        copy.write_text((FOLDER / copy.name).read_text(encoding="utf-8").replace("=tocsin ", "=/bin/true "), encoding="utf-8")
    command = [analyze, "verify", "--man=no", *map(str, copies)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "tocsin" not in checked.stderr
