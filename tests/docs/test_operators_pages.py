"""The pages of whoever keeps it running do what they say, typed as they are: only the machine around them is made of shims."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.storage.migrate import HEAD
from tests.docs.test_commands import ROOT, Shell, Step, steps
from tests.faults.next_version import NEXT, scripts

NAMED = "tocsin-20260302T030000Z.db"  # the backup of the pages
SECRET = "canary-of-the-relay"
MONITOR = """
version: 1
subjects: {acme: {}}
smtp: {host: localhost, port: 25, security: none, sender: bell@acme.example, username: bell, password: "credential:smtp-password"}
storage: {url: "sqlite:///LIB/tocsin.db"}
web: {port: 0}
"""
SHIMS = {
    "sudo": '[ "$1" = -u ] && shift 2\nexec "$@"',
    # What is installed: this version, or the one after it.
    "apt-get": 'for file; do :; done\ncase "$file" in *NEW*) touch HERE/next ;; *OLD*) rm HERE/next ;; esac',
    "tocsin": """
[ -e HERE/next ] && export NEXT_VERSION=SCRIPTS
exec TYPED "$@\"""",
    # Gives the command the credential of one `-p LoadCredential=NAME:PATH`, and whatever else is asked for already is.
    "systemd-run": """
while [ "$1" != tocsin ]; do
    case "$1" in LoadCredential=*) given="${1#LoadCredential=}" ;; esac
    shift
done
mkdir -p HERE/given && cp "${given#*:}" "HERE/given/${given%%:*}"
CREDENTIALS_DIRECTORY=HERE/given exec "$@\"""",
    "systemctl": """
case "$1" in
start) CREDENTIALS_DIRECTORY=HERE/etc/secrets tocsin run --config HERE/etc >HERE/daemon.log 2>&1 & echo $! >HERE/pid ;;
stop)
    kill "$(cat HERE/pid)"
    while grep -q config "/proc/$(cat HERE/pid)/cmdline" 2>/dev/null; do sleep 0.05; done
    rm HERE/pid ;;
esac""",
}


@dataclass
class Machine(Shell):
    """A shell on a machine where Tocsin is installed as the pages say, with everything below one folder."""

    def set_up(self) -> None:
        """The folders, the configuration, and the programs of a system."""
        for name in ("etc", "lib", "backups", "bin"):
            (self.folder / name).mkdir()
        (self.folder / "etc" / "secrets").mkdir()
        (self.folder / "etc" / "secrets" / "smtp-password").write_text(SECRET)
        (self.folder / "etc" / "monitor.yaml").write_text(MONITOR.replace("LIB", str(self.folder / "lib")))
        made = {"HERE": self.folder, "SCRIPTS": scripts(self.folder), "TYPED": self.program}
        for name, script in SHIMS.items():
            program = self.folder / "bin" / name
            program.write_text(re.sub("|".join(made), lambda word: str(made[word[0]]), f"#!/bin/sh\n{script}\n"))
            program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Our shims first."""
        found = super().environment
        return {**found, "PATH": f"{self.folder}/bin:{found['PATH']}"}

    def here(self, text: str) -> str:
        """A page's words, with its folders below ours."""
        folders = {"/etc/tocsin": "etc", "/var/lib/tocsin": "lib", "/var/backups/tocsin": "backups"}
        for folder, ours in folders.items():
            text = text.replace(folder, str(self.folder / ours))
        return text.replace("upgrade-from-0001", f"upgrade-from-{HEAD}")

    def carry_out(self, page: str) -> None:
        """Type all that the page says is run, and see what it shows."""
        for step in steps((ROOT / "docs" / "how-to" / page).read_text("utf-8")):
            wanted = Step(self.here(step.command), [self.here(line) for line in step.shown])
            if NAMED in wanted.command and not (self.folder / "backups" / NAMED).exists():
                newest = max((self.folder / "backups").glob("tocsin-*.db"))
                shutil.copy(newest, self.folder / "backups" / NAMED)
            printed = self.run(wanted.command)
            assert SECRET not in printed
            assert wanted.expected.search(printed), f"$ {wanted.command}\n{printed}\ninstead of\n" + "\n".join(wanted.shown)


@pytest.fixture
def machine(tmp_path: Path, typed_program: Path) -> Generator[Machine]:
    """A machine on which the service runs."""
    made = Machine(tmp_path, typed_program)
    made.set_up()
    made.run("tocsin migrate -c etc; systemctl start tocsin")
    yield made
    made.run("[ ! -e pid ] || systemctl stop tocsin")


@pytest.mark.timeout(300)
@pytest.mark.fault("operations", "somebody backs up and restores from the page alone")
def test_backing_up_and_restoring_work_as_typed(machine: Machine) -> None:
    """Every command of the page prints what the page shows, against a service that runs."""
    machine.carry_out("back-up-and-restore.md")
    assert (machine.folder / "pid").exists(), "the service was started again"
    assert len(list((machine.folder / "lib").glob("tocsin-before-restore-*.db"))) == 1
    assert not (machine.folder / "trial").exists()


@pytest.mark.timeout(300)
@pytest.mark.fault("operations", "somebody upgrades and rolls back from the page alone")
def test_upgrading_and_rolling_back_work_as_typed(machine: Machine) -> None:
    """The new version changes the tables after a backup; the old one refuses them, and goes on with the backup."""
    machine.carry_out("upgrade-and-roll-back.md")
    assert f"has the tables of this version ({HEAD}): nothing to do.\n" in machine.run("tocsin migrate -c etc")
    (aside,) = (machine.folder / "lib").glob("tocsin-before-restore-*.db")
    machine.run(f"touch next; cp {aside} lib/aside.db; sed -i s/tocsin.db/aside.db/ etc/monitor.yaml")
    assert f"has the tables of this version ({NEXT})" in machine.run("tocsin migrate -c etc")
