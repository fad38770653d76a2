"""What every source is: settings, a cursor whose meaning is one sentence, and one `poll`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from monitor.domain.mention import Mention


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
    subject: str | None = Field(None, description="everything this source brings is about this subject, whatever it says")
    own_accounts: tuple[str, ...] = Field((), description="handles whose posts are our own")
    enabled: bool = Field(True, description="false keeps the settings and stops asking")


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something a source could not understand: where (line or item) and why. Never contains a secret."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll brought: stored in one transaction together with `cursor`.

    `mentions` are oldest first. `more` asks for another poll at once (a full page, or a file that goes on). `watermark`:
    everything written before it has now been seen; None means "up to the moment of the poll".
    """

    mentions: Sequence[Mention] = ()
    cursor: str | None = None
    more: bool = False
    watermark: datetime | None = None
    rejected: Sequence[Rejected] = ()


class Source(Protocol):
    """One configured source. `network` labels its mentions unless they carry their own."""

    network: str

    async def poll(self, cursor: str | None) -> Batch:
        """Fetch what has come since `cursor`. Raises `SourceError`, and nothing else, when it cannot."""
        ...


def dump_cursor(state: Mapping[str, Any]) -> str:
    """A cursor that holds more than one thing."""
    return json.dumps(state, separators=(",", ":"), sort_keys=True)


def load_cursor(cursor: str | None) -> dict[str, Any]:
    """The other way round. What is no cursor of ours is no cursor at all: the store knows what it has."""
    try:
        state = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}


__all__ = ["Batch", "Rejected", "Source", "SourceSettings", "dump_cursor", "load_cursor"]
