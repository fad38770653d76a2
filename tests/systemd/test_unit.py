"""The systemd unit: what operators rely on is in it, and systemd itself finds it sound and tight."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.domain.errors import ExitCode

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "tocsin.service"


def settings() -> dict[str, list[str]]:
    """The unit's settings; one that is given twice has two values."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def analyze(tmp_path: Path) -> str:
    """The path of systemd-analyze."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("ExecStart", "/opt/tocsin/.venv/bin/tocsin run --config /etc/tocsin"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("WatchdogSec", "30"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", str(int(ExitCode.CONFIGURATION))),
        ("StateDirectory", "tocsin"),
        ("WorkingDirectory", "/var/lib/tocsin"),
        ("User", "tocsin"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
    ],
)
def test_operators_find_what_they_rely_on(name: str, value: str) -> None:
    """Ready, reload, watchdog, restart and the state folder are as the documentation says."""
    assert settings()[name] == [value]


def test_stopping_has_time_to_drain() -> None:
    """The service manager waits longer than the ten seconds in which the daemon drains."""
    assert int(settings()["TimeoutStopSec"][0]) > 10


def test_the_account_is_declared() -> None:
    """The user the unit names is the one that systemd-sysusers makes."""
    lines = (FOLDER / "tocsin.sysusers.conf").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith(f"u {settings()['User'][0]} ") for line in lines)


def test_systemd_finds_it_tight(analyze: str) -> None:
    """The exposure that systemd computes is at most 1.5 of 10."""
    checked = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout[-400:] + checked.stderr
    assert "Overall exposure level for tocsin.service" in checked.stdout


def test_systemd_understands_every_line(analyze: str, tmp_path: Path) -> None:
    """With a program in its place the unit has no unknown setting, no wrong value and no wrong section."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/tocsin/.venv/bin/tocsin", "/bin/true"), encoding="utf-8")
    checked = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "tocsin.service:" not in checked.stderr
