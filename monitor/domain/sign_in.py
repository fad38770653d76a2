"""How people and programs come in: their sessions and tokens, and what is written down of what was done with accounts.

All times are aware and in UTC. None of these records holds a secret: the store keeps hashes, and gives out not even those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from monitor.domain.account import Permission

Step = Literal["", "code", "enrol"]
"""What is still missing before a session opens anything: a one-time code, or setting such codes up, or nothing."""


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: the address, behind our own proxies, and what the browser calls itself."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's browser, from signing in until `ends_at` at the latest."""

    id: int
    account_id: int
    step: Step
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Token:
    """What a program shows instead of a password. It may what its owner may, as far as `scopes` go."""

    id: int
    account_id: int
    name: str
    scopes: frozenset[Permission]
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """How often it was tried in vain since it last succeeded, and when last."""

    failures: int
    tried_at: datetime
    succeeded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Audited:
    """One thing done with accounts: by whom, through what, to whom, from where. `detail` never holds a secret."""

    at: datetime
    actor: str
    through: str
    action: str
    whom: str = ""
    address: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0
