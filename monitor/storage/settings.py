"""Where everything is kept, and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr, field_validator
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


class Retention(BaseModel):
    """How long each kind of record is kept. A single length of time is that of the mentions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mentions: timedelta = Field(
        timedelta(days=90),
        gt=timedelta(0),
        description="mentions and their authors are forgotten this long after they were seen; the evidence of open alerts and"
        " what is under legal hold stay",
    )
    evidence: timedelta = Field(
        timedelta(days=90),
        ge=timedelta(0),
        description="the posts behind a run of an emergency plan are kept at least this long after it was closed, to show what"
        " stood there; sensitive ones only while it is open: a legal hold keeps more",
    )
    sensitive: timedelta = Field(
        timedelta(days=14),
        gt=timedelta(0),
        description="the same for mentions marked as sensitive (health, politics, religion …), if that is shorter",
    )
    raw: timedelta = Field(
        timedelta(days=14),
        gt=timedelta(0),
        description="pushed calls that could not be understood, and the marks by which a repeated call is recognised",
    )
    incidents: timedelta = Field(
        timedelta(days=365),
        ge=timedelta(days=1),
        description="incidents with their alerts, messages, plan runs and timeline, counted from the end of the incident; an"
        " open one is never removed. Silences, whatever else the timeline holds, the audit log and the record of digests go by"
        " the same time",
    )
    counts: timedelta = Field(
        timedelta(days=1095),
        gt=timedelta(0),
        description="how many mentions, alerts and messages a day there were of those that have been forgotten",
    )

    figures: timedelta = Field(
        timedelta(days=1095),
        ge=timedelta(days=7),
        description="how much was said per hour, subject, topic and network, of which the dashboard and reports are made: numbers"
        " alone, which outlive the mentions",
    )

    @property
    def soonest(self) -> timedelta:
        """How long a sensitive mention is kept."""
        return min(self.sensitive, self.mentions)

    def periods(self) -> dict[str, timedelta]:
        """How long each kind is really kept, by its name."""
        return dict(self) | {"sensitive": self.soonest}


_Retention = Annotated[
    Retention,
    BeforeValidator(
        lambda written: {"mentions": written} if isinstance(written, timedelta) else written,
        json_schema_input_type=timedelta | Retention,
    ),
]


class StorageSettings(BaseModel):
    """SQLite needs nothing and serves one machine; PostgreSQL serves several."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: SecretStr = Field(
        SecretStr("sqlite:///tocsin.db"),
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`. A file is looked for in the configuration's"
        " folder, or, for a configuration below /etc, in /var/lib/tocsin; four slashes make its path absolute",
    )
    retention: _Retention = Field(
        default_factory=Retention, description="how long each kind of record is kept; a single length of time is that of mentions"
    )
    migrate: bool = Field(
        True,
        description="bring an older database up to date at start, after a backup; false refuses to start, until somebody"
        " types `tocsin migrate`",
    )
    ballast_mb: int = Field(
        32,
        ge=0,
        le=10_000,
        description="SQLite: megabytes that the daemon keeps of the disk for the day it is full. They are given up then, so that"
        " what is stored is still judged and told, and nothing new is taken in until twice as much is free. 0 keeps none",
    )

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

    @property
    def folder(self) -> Path:
        """Where files of the store belong that have no place of their own."""
        return self._folder or Path()

    def parsed(self) -> URL:
        """The address, with the driver we use."""
        url = parse_url(self.url.get_secret_value())
        if self._folder is None or url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
            return url
        return url.set(database=str(self._folder / str(url.database)))

    @property
    def in_a_file(self) -> bool:
        """Whether it is SQLite's, and no server's."""
        return self.url.get_secret_value().startswith("sqlite")

    @property
    def erased_list(self) -> Path | None:
        """The file that remembers who was erased when a backup is put back (docs/decisions/0015-forgetting-people.md)."""
        url = self.parsed()
        if url.get_backend_name() == "postgresql":
            return self._folder / "tocsin.erased" if self._folder else None
        return None if url.database in {None, "", ":memory:"} else Path(f"{url.database}.erased")

    @property
    def place(self) -> str:
        """Where it is, for people: the path of the file, or the server's address without its password."""
        url = self.parsed()
        if url.get_backend_name() == "sqlite":
            return str(url.database or ":memory:")
        return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
