"""Who did what with accounts: written in the same transaction as the deed, or not done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.domain.account import Visitor
from monitor.domain.sign_in import Audited, Client
from monitor.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class By:
    """Who does something: a login name, through `console`, `token`, `proxy`, `oidc`, `link` or `cli`, and from which address."""

    actor: str
    through: str
    address: str = ""

    @classmethod
    def visitor(cls, visitor: Visitor, client: Client) -> By:
        """Somebody who is signed in."""
        return cls(visitor.account, visitor.through, client.address)


async def note(tx: UnitOfWork, by: By, action: str, at: datetime, whom: str = "", **detail: Any) -> None:
    """Write down one deed. `detail` must be JSON, and hold no secret."""
    await tx.audit.add(Audited(at, by.actor, by.through, action, whom, by.address, detail))
