"""PostgreSQL's own programs: `pg_dump`, `pg_restore`, `psql`. The environment tells them where the server is; `ps` does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sqlalchemy.engine import URL

from monitor.domain.errors import InputError, StorageError, TocsinError

_INSTALL = "install PostgreSQL's client programs (Debian: apt-get install postgresql-client)"
_ADVICE = {
    "server version mismatch": "install the client programs of the server's version (Debian: postgresql-client-NN)",
    "database is not empty": "a backup is restored into an empty one: create one (createdb) and name it in `storage.url`",
    "unsupported version": "the file was written by a newer pg_dump: install the client programs of that version",
}
_TELLING = (b"error:", b"ERROR:", b"FATAL:", b"server version:")


def dump(url: URL, to: Path) -> None:
    """Write all of a database into a file, as it is at one moment. Raises `StorageError`."""
    with tempfile.TemporaryFile() as said:
        with _started("pg_dump", "--format=custom", "--no-password", f"--file={to}", url=url, stderr=said) as pg_dump:
            pass
        _require_success(pg_dump, said, StorageError("pg_dump failed"))


@contextmanager
def script_of(file: Path, *options: str) -> Iterator[IO[bytes]]:
    """A dump as the lines of an SQL script. Raises `InputError`, at the end too: a dump may have been cut short."""
    options = ("--file=-", "--no-owner", "--no-privileges", *options, str(file))
    with tempfile.TemporaryFile() as said:
        with _started("pg_restore", *options, stdout=subprocess.PIPE, stderr=said) as pg_restore:
            assert pg_restore.stdout is not None
            try:
                yield pg_restore.stdout
            except BaseException:
                pg_restore.kill()
                raise
        _require_success(pg_restore, said, InputError(f"{file} is damaged: pg_restore failed"))


def restore(url: URL, file: Path, *, first: str, last: str) -> None:
    """Carry out a dump between two statements, in one transaction: all of it, or nothing. Raises `TocsinError`."""
    options = ("--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
    with tempfile.TemporaryFile() as said:
        with _started("psql", *options, url=url, stdin=subprocess.PIPE, stderr=said) as psql:
            assert psql.stdin is not None
            # Where the pipe breaks, psql has ended, and says why.
            with suppress(BrokenPipeError):
                _feed(psql.stdin, file, first, last)
        _require_success(psql, said, StorageError("psql failed"))


def _feed(psql: IO[bytes], file: Path, first: str, last: str) -> None:
    with psql:
        psql.write(f"BEGIN;\n{first}\n".encode())
        with script_of(file) as script:
            shutil.copyfileobj(script, psql)
        # Reached only by a dump that was read to its end: without the COMMIT the server forgets all of it.
        psql.write(f"{last}\nCOMMIT;\n".encode())


# Nothing else of our environment is theirs to know: secrets of the configuration may stand there.
_HANDED_ON = re.compile("PATH|HOME|TMPDIR|TZ|LD_LIBRARY_PATH|PG[A-Z]+|SSL_CERT_[A-Z]+")


def _started(name: str, *options: str, url: URL | None = None, **pipes: Any) -> subprocess.Popen[bytes]:
    """A program at work, told where the server is by its environment. Raises `StorageError` when it is not installed."""
    program = shutil.which(name)
    if program is None:
        raise StorageError(f"{name} is not there: {_INSTALL}")
    silent: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    # Its messages are to be understood, whatever language the machine speaks.
    handed_on = {variable: value for variable, value in os.environ.items() if _HANDED_ON.fullmatch(variable)}
    told = {**handed_on, "LC_ALL": "C", **(environment(url) if url else {})}
    return subprocess.Popen([program, *options], env=told, text=False, **(silent | pipes))  # noqa: S603 no shell


def _require_success(ended: subprocess.Popen[bytes], said: IO[bytes], failure: TocsinError) -> None:
    """Add to `failure` what the program said of its trouble; its other lines may quote what is stored."""
    if ended.returncode == 0:
        return
    said.seek(0)
    telling = [line.decode(errors="replace").strip() for line in said if any(mark in line for mark in _TELLING)]
    words = "; ".join(telling[:3])[:500] or f"exit code {ended.returncode}"
    advice = next((f": {what}" for mark, what in _ADVICE.items() if mark in words), "")
    raise type(failure)(f"{failure} ({words}){advice}") from None


def environment(url: URL) -> dict[str, str]:
    """What libpq is to know of a server: the password, too, which must stand in no list of processes."""
    said = {
        "PGHOST": url.query.get("host", url.host),
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("ssl"),
        "PGAPPNAME": "tocsin",
        "PGCONNECT_TIMEOUT": 10,
    }
    return {name: str(value) for name, value in said.items() if value is not None}
