"""The Debian package on a machine that systemd really runs: installed, configured, broken, upgraded, removed, purged."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

NEEDED = {"systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap", "dpkg-deb": "dpkg"}
INCLUDED = "systemd-sysv,dbus,procps,python3,ca-certificates,libstdc++6"
PATIENCE = 90  # seconds for what a machine with nothing else to do shows at once

FEED = """<rss version="2.0"><channel><title>Press</title><link>http://localhost:9000/</link><item><title>Acme on fire</title>
<link>http://localhost:9000/1</link><guid>http://localhost:9000/1</guid><pubDate>{now}</pubDate>
<description>The Acme battery caught fire.</description></item></channel></rss>"""
MONITOR = """
version: 1
subjects: {acme: {names: [Acme]}}
sources: {press: {kind: feed, url: "http://localhost:9000/feed.xml", every: 1m}}
receivers: {hub: {kind: webhook, url: "http://localhost:9001/", secret: "credential:hub"}}
routing: {default: hub}
http: {allow: [localhost]}
"""
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
COUNT = """python3 -c "
import sqlite3
store = sqlite3.connect('file:/var/lib/tocsin/tocsin.db?mode=ro', uri=True)
print(store.execute('SELECT count(*) FROM mention').fetchone()[0])"
"""
READY = """python3 -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:8081/-/ready', timeout=4)" """
DROP_IN = "[Service]\nLoadCredential=hub:/etc/tocsin/secrets/hub\n"


@dataclass(frozen=True)
class Machine:
    """A Debian in a folder, whose process 1 is systemd; it has a loopback of its own and no other network."""

    root: Path
    leader: int

    def tries(self, command: str) -> subprocess.CompletedProcess[str]:
        """Type a command as root, whatever comes of it."""
        inside = ["nsenter", f"--target={self.leader}", "--all", "--", "env", "--ignore-environment", "--chdir=/"]
        typed = [*inside, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "sh", "-c", command]
        return subprocess.run(typed, capture_output=True, text=True, timeout=600, check=False)

    def does(self, command: str) -> str:
        """Type a command that must succeed; what it printed."""
        done = self.tries(command)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}\n{self.log()}"
        return done.stdout.strip()

    def waits_until(self, command: str) -> None:
        """Type a command again and again until it succeeds."""
        self.does(f"timeout {PATIENCE} sh -c {shlex.quote(f'until {command}; do sleep 0.2; done')}")

    def log(self) -> str:
        """What the service said last."""
        return self.tries("journalctl --unit='tocsin*' --lines=30 --no-pager").stdout

    def write(self, path: str, text: str) -> None:
        """Write one file, with the folders above it."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def shows(self, unit: str, name: str) -> str:
        """One property of a unit, as systemd knows it."""
        return self.does(f"systemctl show --property={name} --value {unit}")


@pytest.fixture(scope="module")
def machine(run: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Generator[Machine]:
    """A machine that has just been set up."""
    for program, package in NEEDED.items():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install {package})")
    if os.geteuid() != 0:
        pytest.skip("only root may start a machine")
    root = tmp_path_factory.mktemp("machine") / "root"
    release = run("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}", release, root)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    # It shall speak to nobody: not to package indexes, not to the network of whoever tests.
    command = ["systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--private-network", "--console=pipe", "--boot"]
    unified = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with subprocess.Popen(
        [*command, "-D", root], env=unified, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as nspawn:
        booted = Machine(root, leader(nspawn))
        try:
            booted.does("systemctl is-system-running --wait")
            yield booted
        finally:
            booted.tries("systemctl poweroff")
            nspawn.wait(PATIENCE)


def leader(nspawn: subprocess.Popen[bytes]) -> int:
    """The machine's process 1, as we see it, once systemd answers in it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and nspawn.poll() is None:
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text().split()
        if children and Machine(Path(), int(children[0])).tries("systemctl show --property=Version").returncode == 0:
            return int(children[0])
        time.sleep(0.1)
    pytest.fail("the machine did not start")


def install(machine: Machine, package: Path, *, keep: str = "") -> str:
    """Install a package as an administrator does; what it said."""
    shutil.copy(package, machine.root / "root" / "tocsin.deb")
    return machine.does(f"DEBIAN_FRONTEND=noninteractive dpkg {keep} --install /root/tocsin.deb")


def configure(machine: Machine) -> None:
    """Listen to one feed and tell one webhook, both on this machine; the secret is a credential of all units."""
    machine.write("/srv/feed.xml", FEED.format(now=machine.does("date -R")))
    machine.tries("systemctl stop feed; systemctl reset-failed 'tocsin*' feed")
    machine.does("systemd-run --unit=feed --property=WorkingDirectory=/srv python3 -m http.server 9000")
    machine.write("/etc/tocsin/monitor.yaml", MONITOR)
    machine.write("/etc/tocsin/secrets/hub", SECRET)
    machine.write("/etc/systemd/system/tocsin.service.d/secrets.conf", DROP_IN)
    machine.does("mkdir -p /etc/systemd/system/tocsin-.service.d && chmod -R go= /etc/tocsin/secrets")
    machine.does("ln -sf ../tocsin.service.d/secrets.conf /etc/systemd/system/tocsin-.service.d/")
    machine.does("systemctl daemon-reload")


@pytest.fixture
def service(machine: Machine, debian_package: Path) -> Machine:
    """A machine where Tocsin is installed, configured, and at work."""
    if machine.tries("dpkg --status tocsin | grep -q 'ok installed'").returncode != 0:
        install(machine, debian_package)
    configure(machine)
    machine.does("systemctl enable --now tocsin")
    return machine


def mentions(machine: Machine) -> int:
    """How many mentions the store holds."""
    return int(machine.does(COUNT))


def test_nothing_starts_by_itself(machine: Machine, debian_package: Path) -> None:
    """Installing makes the account and the folders, and says what comes next; without a configuration a start fails, once."""
    assert "sudo tocsin init /etc/tocsin" in install(machine, debian_package)
    assert machine.tries("systemctl is-enabled tocsin").stdout.strip() == "disabled"
    assert machine.does("stat --format='%U:%G %a' /etc/tocsin /var/backups/tocsin").split("\n") == [
        "root:tocsin 750",
        "tocsin:tocsin 700",
    ]
    assert machine.tries("systemctl start tocsin").returncode != 0
    assert machine.shows("tocsin", "ExecMainStatus") == "78"
    assert machine.shows("tocsin", "NRestarts") == "0"


def test_it_works_in_its_sandbox(service: Machine) -> None:
    """Under every restriction of the unit a feed is fetched, parsed in the worker beside the daemon, judged and stored."""
    service.waits_until(f"[ $({COUNT}) -gt 0 ]")
    service.does(READY)
    status = service.does("cat /proc/$(systemctl show --property=MainPID --value tocsin)/status")
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert "CapBnd:\t0000000000000000" in status


@pytest.mark.fault("operations", "a reload finds a file with a fault")
def test_a_bad_file_is_refused_and_changes_nothing(service: Machine) -> None:
    """The journal has the file's line, `systemctl status` says that it was refused, and the daemon goes on with what it had."""
    before = service.shows("tocsin", "MainPID")
    service.write("/etc/tocsin/monitor.yaml", MONITOR + "bogus: 1\n")
    service.does("systemctl reload tocsin")
    service.waits_until("systemctl show --property=StatusText tocsin | grep -q 'refused'")
    service.does("journalctl --unit=tocsin | grep -q 'monitor.yaml:8: bogus: unknown setting'")
    service.write("/etc/tocsin/monitor.yaml", MONITOR)
    service.does("systemctl reload tocsin")
    service.waits_until("systemctl show --property=StatusText tocsin | grep -q 'at work'")
    assert (service.shows("tocsin", "MainPID"), service.shows("tocsin", "ActiveState")) == (before, "active")


@pytest.mark.fault("operations", "the service is killed")
def test_a_killed_daemon_is_started_again(service: Machine) -> None:
    """Killed without warning, it is back within seconds, with its store."""
    service.waits_until(f"[ $({COUNT}) -gt 0 ]")
    stored, before = mentions(service), service.shows("tocsin", "MainPID")
    service.does(f"kill -KILL {before}")
    service.waits_until(f"{READY} && [ $(systemctl show --property=MainPID --value tocsin) != {before} ]")
    assert mentions(service) >= stored


@pytest.mark.fault("operations", "the daemon hangs")
def test_a_hung_daemon_is_started_again(service: Machine) -> None:
    """A daemon that answers nobody is ended by systemd's watchdog within half a minute, and started anew."""
    before = service.shows("tocsin", "MainPID")
    service.does(f"kill -STOP {before}")
    service.waits_until(f"{READY} && [ $(systemctl show --property=MainPID --value tocsin) != {before} ]")
    assert "Watchdog timeout" in service.does("journalctl --unit=tocsin --no-pager")


def test_the_backup_of_the_night_can_be_restored(service: Machine) -> None:
    """The timer's unit leaves a file that only its account can read, and the store that is made of it holds what was there."""
    service.waits_until(f"[ $({COUNT}) -gt 0 ]")
    service.does("systemctl start tocsin-backup")
    assert service.does("stat --format='%U %a' /var/backups/tocsin/*").split("\n")[-1] == "tocsin 600"
    stored = mentions(service)
    service.does("systemctl stop tocsin && rm -r /var/lib/tocsin/*")
    restore = "tocsin restore $(ls /var/backups/tocsin/* | tail -n 1) --config /etc/tocsin --yes"
    service.does(
        f"systemd-run --pipe --wait --property=User=tocsin --property=LoadCredential=hub:/etc/tocsin/secrets/hub {restore}"
    )
    assert mentions(service) == stored
    service.does("systemctl start tocsin")
    service.waits_until(READY)


def test_the_timer_of_the_backup_is_understood(service: Machine) -> None:
    """Enabled, it says when it will ring next."""
    service.does("systemctl enable --now tocsin-backup.timer")
    assert "tocsin-backup.service" in service.does("systemctl list-timers --no-pager tocsin-backup.timer")
    service.does("systemctl disable --now tocsin-backup.timer")


def test_a_migration_by_hand_stops_and_starts_the_daemon(service: Machine) -> None:
    """One command: the daemon ends, the store is brought up to date, the daemon is at work again."""
    before = service.shows("tocsin", "MainPID")
    service.does("systemctl start tocsin-migrate")
    service.waits_until(READY)
    assert service.shows("tocsin", "MainPID") not in {before, "0"}


def newer(package: Path, run: Callable[..., str], folder: Path) -> Path:
    """The same package as a later version, with another text in its conffile."""
    run("dpkg-deb", "--raw-extract", package, folder / "tree")
    control, conffile = folder / "tree/DEBIAN/control", folder / "tree/etc/tocsin/environment"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 9:"))
    conffile.write_text(conffile.read_text() + "# New in this version.\n")
    run("dpkg-deb", "-Znone", "--root-owner-group", "--build", folder / "tree", folder / "newer.deb")
    return folder / "newer.deb"


@pytest.mark.fault("operations", "an upgrade comes while the daemon is at work")
def test_an_upgrade_keeps_what_is_the_operator_s(
    service: Machine, debian_package: Path, run: Callable[..., str], tmp_path: Path
) -> None:
    """The daemon is stopped, replaced and started again; the configuration, the store and an edited conffile stay."""
    service.waits_until(f"[ $({COUNT}) -gt 0 ]")
    stored, before = mentions(service), service.shows("tocsin", "MainPID")
    service.write("/etc/tocsin/environment", "MINE=1\n")
    install(service, newer(debian_package, run, tmp_path), keep="--force-confold")
    service.waits_until(READY)
    assert service.shows("tocsin", "MainPID") not in {before, "0"}
    assert service.does("cat /etc/tocsin/environment") == "MINE=1"
    assert service.does("cat /etc/tocsin/monitor.yaml") == MONITOR.strip()
    assert mentions(service) >= stored


def test_an_upgrade_starts_nothing_that_was_stopped(service: Machine, debian_package: Path) -> None:
    """Whoever stopped the daemon finds it stopped after an upgrade."""
    service.does("systemctl stop tocsin")
    install(service, debian_package, keep="--force-downgrade --force-confold")
    assert service.shows("tocsin", "ActiveState") == "inactive"


def test_removing_keeps_what_purging_takes(service: Machine) -> None:
    """Removed, the program is gone and the configuration and store are there; purged, they are gone, and backups remain."""
    service.does("systemctl start tocsin-backup")
    service.does("dpkg --remove tocsin")
    assert service.tries("systemctl is-active tocsin").stdout.strip() == "inactive"
    service.does("test ! -e /usr/lib/tocsin && test ! -e /usr/bin/tocsin")
    service.does("test -e /etc/tocsin/monitor.yaml && test -e /var/lib/tocsin/tocsin.db")
    assert "rm -r /var/backups/tocsin" in service.does("dpkg --purge tocsin")
    service.does("test ! -e /etc/tocsin && test ! -e /var/lib/tocsin && ls /var/backups/tocsin/*")
    assert service.does("find /etc/systemd/system -name '*tocsin*'") == ""
