"""A process that was killed leaves leases behind; whoever comes next on the same machine frees them at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.domain.alert import DeliveryState, NotificationKind
from monitor.domain.clock import ManualClock
from monitor.pipeline import leases
from monitor.storage import Store

LEASE = timedelta(minutes=1)


def named_after(pid: int) -> str:
    """The name a holder with this process number would have on this machine."""
    machine = leases.owner().partition(":")[0]
    return f"{machine}:{pid}:0123abcd"


@pytest.fixture(scope="module")
def dead() -> str:
    """The name of a holder whose process has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return named_after(process.pid)


async def hold(store: Store, clock: ManualClock, owner: str) -> None:
    """Take the evaluator's lease, and claim a delivery."""
    async with store.begin() as tx:
        incident = await tx.incidents.open(subject=None, open_key=owner, severity="info", at=clock.now())
        await tx.notifications.add(
            incident_id=incident.id,
            receiver="ops",
            kind=NotificationKind.FIRST,
            events=(),
            created_at=clock.now(),
            due_at=clock.now(),
        )
        assert await tx.evaluator.claim(owner, wall=clock.wall(), lease=LEASE)
        assert await tx.deliveries.claim("ops", owner=owner, now=clock.now(), wall=clock.wall(), lease=LEASE, limit=1)
        await tx.commit()


async def test_what_a_dead_process_held_is_free_at_once(store: Store, clock: ManualClock, dead: str) -> None:
    """The evaluator may be claimed and the delivery is due again, with no lease to wait for."""
    await hold(store, clock, dead)
    assert await leases.free_the_dead(store, clock.wall()) == []
    async with store.begin() as tx:
        assert await tx.evaluator.claim("next", wall=clock.wall(), lease=LEASE) is not None
        assert await tx.deliveries.due_receivers(clock.now(), clock.wall()) == {"ops"}
        assert [each.state for each in await tx.deliveries.list()] == [DeliveryState.PENDING]


async def test_what_a_living_process_holds_stays_its_own(store: Store, clock: ManualClock) -> None:
    """We are alive, and so is the process that started us."""
    for owner in (leases.owner(), named_after(os.getppid())):
        await hold(store, clock, owner)
        assert await leases.free_the_dead(store, clock.wall()) == [owner]
        async with store.begin() as tx:
            assert await tx.evaluator.holder(clock.wall()) == owner
            await tx.evaluator.free(owner)
            await tx.deliveries.free(owner)
            for each in await tx.deliveries.claim("ops", owner="x", now=clock.now(), wall=clock.wall(), lease=LEASE, limit=9):
                await tx.deliveries.delivered(each.id, "x", clock.now())
            await tx.commit()


async def test_an_expired_lease_is_nobodys(store: Store, clock: ManualClock) -> None:
    """Whoever let its lease run out is not asked about any more: anybody may claim."""
    await hold(store, clock, "elsewhere:1:0123abcd")
    assert await leases.free_the_dead(store, clock.wall()) == ["elsewhere:1:0123abcd"]
    clock.advance(LEASE)
    assert await leases.free_the_dead(store, clock.wall()) == []


def test_only_processes_of_this_machine_can_be_judged(dead: str) -> None:
    """Another machine, no number at all, an impossible number: none of them is called dead."""
    assert leases.is_dead(dead)
    assert leases.is_dead(named_after(os.getpid())), "our number under another name: a former process of this container"
    assert not leases.is_dead(leases.owner())
    assert not leases.is_dead(named_after(1)), "it lives, and is not ours to judge"
    assert not leases.is_dead("elsewhere:" + dead.partition(":")[2])
    assert not leases.is_dead("replay-0123")
    assert not leases.is_dead(named_after(10**30))


@pytest.mark.parametrize("differs", ["_BOOT", "_NAMESPACE"])
def test_a_namesake_elsewhere_is_not_judged(dead: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, differs: str) -> None:
    """A cloned machine or a container of the same name has other processes: its lease is waited for."""
    there = tmp_path / "there"
    if differs == "_BOOT":
        there.write_text("another boot")
    else:
        there.symlink_to("pid:[1]")
    assert leases.is_dead(dead)
    monkeypatch.setattr(leases, differs, there)
    assert not leases.is_dead(dead)


def test_where_no_boot_is_known_the_name_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without /proc a former process of this machine is judged by the machine's name, as well as can be."""
    monkeypatch.setattr(leases, "_BOOT", tmp_path / "nowhere")
    name, pid, _ = leases.owner().split(":")
    assert name == socket.gethostname().replace(":", "-")[: len(name)]
    assert leases.is_dead(f"{name}:{pid}:0123abcd")


def test_a_hardened_service_and_the_command_line_know_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A unit may say which boot this is, in systemd's spelling: without hyphens."""
    seen = leases.owner().partition(":")[0]
    boot = leases._BOOT.read_text()
    monkeypatch.setattr(leases, "_BOOT", tmp_path / "hidden")
    monkeypatch.setenv(leases.BOOT_ID, boot.strip().replace("-", ""))
    assert leases.owner().partition(":")[0] == seen


def test_a_name_fits_into_the_store() -> None:
    """However long the machine's name is."""
    assert len(leases.owner()) <= 64
