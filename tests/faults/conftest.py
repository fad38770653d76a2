"""Faults are made around the real daemon: its folder of configuration, itself here or in a process, patience, a small disk."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.monitor.daemon.conftest import at_work, folder, launched, logged, patiently

__all__ = ["at_work", "disk", "folder", "launched", "logged", "patiently"]


@dataclass
class Ext4:
    """A file system on a loop device, which does as the kernel does with a disk that fails: it becomes read-only."""

    path: Path

    @property
    def image(self) -> Path:
        """What the loop device shows as a disk."""
        return self.path.with_suffix(".img")

    def fail(self) -> None:
        """Let the kernel meet an error of the file system."""
        mounted = next(line.split()[0] for line in Path("/proc/mounts").read_text().splitlines() if f" {self.path} " in line)
        Path(f"/sys/fs/ext4/{Path(mounted).name}/trigger_fs_error").write_text("1")

    def mount(self) -> None:
        """As /etc/fstab of a server says."""
        _run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.path))

    def mend(self) -> None:
        """What an operator does: unmount, check, mount."""
        _run("umount", str(self.path))
        done = subprocess.run(["e2fsck", "-fy", str(self.image)], capture_output=True, text=True, check=False)
        assert done.returncode <= 1, done.stdout + done.stderr  # 1: errors were corrected
        self.mount()


@dataclass
class Disk:
    """A file system of its own, in memory."""

    path: Path

    def fill(self) -> None:
        """Leave not a byte."""
        with (self.path / "somebody-elses.log").open("ab", buffering=0) as file:
            for size in (2**20, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.path / "somebody-elses.log").unlink()

    def remount(self, how: str) -> None:
        """`ro`, as the kernel does after an error of the disk, or `rw` again."""
        _run("mount", "-o", f"remount,{how}", str(self.path))


def _run(*command: str) -> None:
    """Try for a while: a file that was just closed may keep the disk busy for a moment."""
    for left in range(50, -1, -1):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        assert left, done.stderr
        time.sleep(0.1)


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Ext4]:
    """32 MB of disk that can fail; tests that need one skip where nobody may mount."""
    made = Ext4(tmp_path / "ext4")
    made.path.mkdir()
    script = f"truncate -s 32M {made.image} && mkfs.ext4 -q -F {made.image} && mount -o loop {made.image} {made.path}"
    done = subprocess.run(["sh", "-c", f"{script} && umount {made.path}"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no loop device can be mounted here: {done.stderr.strip()}")
    made.mount()
    yield made
    _run("umount", "--lazy", str(made.path))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """16 MB of disk; tests that need one skip where nobody may mount."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    yield Disk(path)
    _run("umount", "--lazy", str(path))
