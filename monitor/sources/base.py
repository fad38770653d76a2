"""What every source is: settings, a cursor whose meaning is one sentence, and one `poll`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from monitor.domain.mention import Mention
from monitor.sources.budget import Budget

S = TypeVar("S")
T = TypeVar("T")


class SourceSettings(BaseModel):
    """What all sources have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    every: timedelta = Field(timedelta(minutes=2), gt=timedelta(0), description="how often to ask")
    timeout: timedelta = Field(timedelta(seconds=60), gt=timedelta(0), description="the longest one poll may take")
    max_age: timedelta = Field(
        timedelta(hours=24),
        gt=timedelta(0),
        description="older mentions are told together, gently, instead of ringing one by one",
    )
    silent_after: timedelta | None = Field(
        None,
        gt=timedelta(0),
        description="how long it may not answer before `ops` are told; the default is three times `every`, at least ten minutes",
    )
    notice_quiet: bool = Field(
        True,
        description="false: nobody is told when it answers, and brings nothing although by its own habit it should",
    )
    quiet_surprise: float = Field(
        5,
        ge=2,
        le=300,
        description="how improbable a silence must be before `ops` are told, by what the same hours brought in the weeks before:"
        " once in ten to this power (3: a thousand, 5: a hundred thousand). More is later, and less often wrong",
    )
    error_budget: float = Field(
        0.05,
        gt=0,
        le=1,
        description="which share of a day's polls may fail, as `tocsin sources` and the metrics count it; nothing rings by it",
    )
    subject: str | None = Field(None, description="everything this source brings is about this subject, whatever it says")
    own_accounts: tuple[str, ...] = Field((), description="handles whose posts are our own, whichever source sees them")
    enabled: bool = Field(True, description="false keeps the settings and stops asking")

    if TYPE_CHECKING:

        @property
        def kind(self) -> str:
            """Which kind it is: each has a field of this name, a `Literal` of one word."""
            ...

    def asked(self) -> Mapping[str, str]:
        """The addresses that will be called, by the setting in which each stands."""
        url = getattr(self, "url", None)
        return {"url": url} if isinstance(url, str) else {}

    def networks(self) -> frozenset[str] | None:
        """All networks that its mentions may have; None: its records name theirs."""
        return None

    def budgets(self) -> Sequence[Budget]:
        """What may be spent on it; with what was spent (`SourceState.spent`) a `Purse` of these knows what is left."""
        return ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something a source could not understand: where (line or item) and why. Never contains a secret."""

    where: str
    why: str


def gave_up(where: str = "the rest of the list") -> Rejected:
    """A list whose server repeats its pages for ever."""
    return Rejected(where, "the server repeats its pages for ever; what is older was not read")


class Deleted(NamedTuple):
    """Something that a network says is no longer there: its network, and its canonical address, as its mention had them."""

    network: str
    uri: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll brought: stored in one transaction together with `cursor`.

    `mentions` are oldest first. One that was brought before and says something else (an edited text, more likes) takes the place
    of what is stored: edits, what the public did since, and the figures of our own posts need nothing else. `deleted` are gone.

    `more` asks for another poll at once (a full page, or a file that goes on). `watermark`: everything written before it has now
    been seen; None means "up to the moment of the poll". `rest`: all is well, and the network asks to be left alone for so long.
    """

    mentions: Sequence[Mention] = ()
    cursor: str | None = None
    more: bool = False
    watermark: datetime | None = None
    rejected: Sequence[Rejected] = ()
    deleted: Sequence[Deleted] = ()
    rest: timedelta | None = None


class Source(Protocol):
    """One configured source. `network` labels its mentions unless they carry their own."""

    network: str

    async def poll(self, cursor: str | None) -> Batch:
        """Fetch what has come since `cursor`. Raises `SourceError`, and nothing else, when it cannot."""
        ...


@runtime_checkable
class Attentive(Protocol):
    """A source whose network says at once that something came, on a connection that stays open between two polls."""

    async def listen(self, ring: Callable[[], None]) -> None:
        """After a poll that brought all there was: call `ring` once, when there is more. Raises `SourceError`.

        It is polled regularly all the same.
        """
        ...

    async def close(self) -> None:
        """End the connection."""
        ...


def understand(items: Sequence[S], read: Callable[[S], T]) -> tuple[list[T], list[Rejected]]:
    """What `read` makes of each entry of a page, and which are not as documented: one odd entry must not hide the others."""
    found, rejected = [], []
    for number, item in enumerate(items, 1):
        try:
            found.append(read(item))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            why = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            rejected.append(Rejected(f"entry {number}", why[:500]))
    return found, rejected


def dump_cursor(origin: str, state: Mapping[str, Any]) -> str:
    """A cursor that holds `state`, and of what it is the cursor: `origin` is the kind and the address, kept as a hash."""
    return json.dumps({"of": _digest(origin), **state}, separators=(",", ":"))


def load_cursor(origin: str, cursor: str | None) -> dict[str, Any]:
    """The state in a cursor. One of another origin (the settings were changed) is none at all: the store knows what it has."""
    try:
        state = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return state if isinstance(state, dict) and state.pop("of", None) == _digest(origin) else {}


def _digest(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


__all__ = [
    "Attentive",
    "Batch",
    "Deleted",
    "Rejected",
    "Source",
    "SourceSettings",
    "dump_cursor",
    "gave_up",
    "load_cursor",
    "understand",
]
