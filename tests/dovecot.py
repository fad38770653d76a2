"""A real IMAP server (Dovecot) of our own: its processes, its folder, its port, and letters that are put into its maildir."""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from monitor.mailbox import RepliesSettings
from monitor.testing.contract import SECRET

PASSWORD = "sésame, öffne dich"
USERS = ("reader", "idler", "many", "huge", "made-anew", "tls", "starttls", "tried", "daemon")
STAGES = tuple(f"stage-{number}" for number in range(100))  # a test takes one that nobody had; their password is SECRET
_CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_verbose = yes
auth_failure_delay = 0
first_valid_uid = 1
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <{home}/certificate.pem
ssl_key = <{home}/certificate.pem
mail_location = maildir:{home}/mail/%u
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # Who is refused once is not made to wait the next time.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


@dataclass
class Dovecot:
    """Where it listens, and where its letters lie."""

    home: Path
    plain: int
    tls: int
    authority: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _stages: Iterator[str] = field(default_factory=lambda: iter(STAGES))

    def fresh(self) -> str:
        """A user whose mailbox nobody has used."""
        return next(self._stages)

    def post(self, user: str, *letters: bytes, at: datetime | None = None) -> None:
        """Put letters into somebody's inbox, as a mail server does: now, or at another moment."""
        inbox, owner = self.home / "mail" / user, self.home.owner()
        if not (inbox / "new").exists():
            for sub in ("tmp", "new", "cur"):
                (inbox / sub).mkdir(parents=True, exist_ok=True)
            _give(inbox, owner)
        for letter in letters:
            name = f"{next(self._numbers):06}.tocsin"
            coming = inbox / "tmp" / name
            coming.write_bytes(letter)
            if at is not None:
                os.utime(coming, (at.timestamp(), at.timestamp()))
            if os.geteuid() == 0:
                shutil.chown(coming, owner)
            coming.rename(inbox / "new" / name)

    def marks(self, user: str) -> str:
        """All that was marked on somebody's letters: S for seen, T for thrown away."""
        return "".join(each.name.partition(":2,")[2] for each in (self.home / "mail" / user).rglob("*.tocsin*"))

    def settings(self, user: str, **more: object) -> RepliesSettings:
        """How to reach somebody's mailbox."""
        given = {"host": "127.0.0.1", "port": self.plain, "security": "none", "username": user, "password": PASSWORD}
        return RepliesSettings.model_validate(given | more)

    @property
    def log(self) -> str:
        """What it said."""
        return (self.home / "log").read_text(errors="replace")


def _give(folder: Path, user: str) -> None:
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", user, str(folder)], check=True)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@contextmanager
def running() -> Iterator[Dovecot]:
    """A Dovecot that runs while the tests last, as nobody where we are root."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("Dovecot is not installed: apt-get install dovecot-imapd")
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    with tempfile.TemporaryDirectory(prefix="dovecot-") as made:
        server = _lay_out(Path(made), user, group)
        config = server.home / "dovecot.conf"
        given = {"user": user, "group": group} if os.geteuid() == 0 else {}
        process = subprocess.Popen([program, "-F", "-c", str(config)], start_new_session=True, **given)  # type: ignore[call-overload]
        try:
            _wait_for(server)
            yield server
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # asked to end, it takes seconds
            process.wait(10)


def _lay_out(home: Path, user: str, group: str) -> Dovecot:
    plain, tls = _free_ports(2)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    (home / "certificate.pem").write_bytes(
        b"".join([certificate.private_key_pem.bytes(), *(each.bytes() for each in certificate.cert_chain_pems)])
    )
    authority.cert_pem.write_to_path(str(home / "authority.pem"))
    passwords = dict.fromkeys(USERS, PASSWORD) | dict.fromkeys(STAGES, SECRET)
    (home / "users").write_text("".join(f"{name}:{{PLAIN}}{password}\n" for name, password in passwords.items()))
    (home / "dovecot.conf").write_text(_CONFIG.format(home=home, user=user, group=group, plain=plain, tls=tls))
    (home / "mail").mkdir()
    _give(home, user)
    return Dovecot(home, plain, tls, home / "authority.pem")


def _wait_for(server: Dovecot) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", server.plain), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"Dovecot did not start: {server.log}")
