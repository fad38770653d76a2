"""The store's inbox of calls, in memory, for sources that are called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Call:
    """One stored call."""

    id: int
    body: bytes
    received_at: datetime


@dataclass
class Inbox:
    """The store's inbox, in memory."""

    calls: dict[int, Call] = field(default_factory=dict)
    done: dict[int, str | None] = field(default_factory=dict)

    def put(self, call: Mapping[str, Any] | bytes, at: datetime) -> None:
        """A call that was verified."""
        number = len(self.calls) + 1
        self.calls[number] = Call(number, call if isinstance(call, bytes) else json.dumps(call).encode(), at)

    async def pending(self, source: str, limit: int, most: int) -> Sequence[Call]:
        """Those that are not marked."""
        del source, most
        return [call for number, call in self.calls.items() if number not in self.done][:limit]

    async def processed(self, id_: int, at: datetime, error: str | None = None) -> None:
        """Mark one."""
        del at
        self.done[id_] = error
