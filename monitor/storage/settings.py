"""Where everything is kept, and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_HELP = (
    "write sqlite:///FILE (four slashes for an absolute path) or postgresql://USER:PASSWORD@HOST/DATABASE,"
    " with every special character of the password as %XX"
)
_DIALECTS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


def parse_url(text: str) -> URL:
    """The address with the driver we use. Raises `ValueError`, never repeating the address: it may hold a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(f"this is no database address: {_HELP}") from None
    base = url.drivername.partition("+")[0]
    if base not in _DIALECTS:
        raise ValueError(f"{base!r} is no database that tocsin can use: {_HELP}")
    url = url.set(drivername=_DIALECTS[base])
    return url if base == "sqlite" else _as_asyncpg(url)


def _as_asyncpg(url: URL) -> URL:
    """People paste the addresses of libpq, where the driver's `ssl` is called `sslmode`."""
    query = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    return url.set(query=query)


class StorageSettings(BaseModel):
    """SQLite needs nothing and serves one machine; PostgreSQL serves several."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: SecretStr = Field(
        SecretStr("sqlite:///tocsin.db"),
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`. A file is looked for in the configuration's"
        " folder, or, for a configuration below /etc, in /var/lib/tocsin; four slashes make its path absolute",
    )
    retention: timedelta = Field(
        timedelta(days=90),
        gt=timedelta(0),
        description="mentions and their authors are forgotten this long after they were seen; the evidence of open alerts stays",
    )
    migrate: bool = Field(True, description="bring the database up to date at start; false refuses to start when it is behind")

    @field_validator("url")
    @classmethod
    def _known(cls, value: SecretStr) -> SecretStr:
        parse_url(value.get_secret_value())
        return value

    # Where a path that is not absolute begins; None is the current folder. It is not part of the address: a folder's name
    # may hold what an address cannot.
    _folder: Path | None = PrivateAttr(None)

    def beginning_at(self, folder: Path) -> StorageSettings:
        """The same settings, with a SQLite file that has no absolute path looked for in `folder`."""
        placed = self.model_copy()
        placed._folder = folder  # noqa: SLF001 our own
        return placed

    def parsed(self) -> URL:
        """The address, with the driver we use."""
        url = parse_url(self.url.get_secret_value())
        if self._folder is None or url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
            return url
        return url.set(database=str(self._folder / str(url.database)))

    @property
    def place(self) -> str:
        """Where it is, for people: the path of the file, or the server's address without its password."""
        url = self.parsed()
        if url.get_backend_name() == "sqlite":
            return str(url.database or ":memory:")
        return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
