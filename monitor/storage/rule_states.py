"""What the rules remember: one compact JSON state per (rule, shape, key)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, tuple_

from monitor.storage.session import Repository
from monitor.storage.tables import rule_state as table

StateKey = tuple[str, str, str]  # rule, hash of the fields that shape the state, key


class RuleStates(Repository):
    """Loaded whole when the evaluator starts, saved in part with every batch it evaluates."""

    async def load(self) -> dict[StateKey, dict[str, Any]]:
        """Every state."""
        rows = await self._session.rows(select(table.c.rule, table.c.shape, table.c.key, table.c.state))
        return {(row["rule"], row["shape"], row["key"]): row["state"] for row in rows}

    async def save(self, states: Mapping[StateKey, Mapping[str, Any] | None], at: datetime) -> None:
        """Keep the given states; None forgets one. The others are left alone."""
        kept = [
            {"rule": rule, "shape": shape, "key": key, "state": state, "updated_at": at}
            for (rule, shape, key), state in states.items()
            if state is not None
        ]
        gone = [{"r": rule, "s": shape, "k": key} for (rule, shape, key), state in states.items() if state is None]
        if kept:
            add = self._session.insert(table)
            changed = {"state": add.excluded.state, "updated_at": add.excluded.updated_at}
            keys = [table.c.rule, table.c.shape, table.c.key]
            await self._session.run(add.on_conflict_do_update(index_elements=keys, set_=changed), kept)
        if gone:
            same = (table.c.rule == bindparam("r"), table.c.shape == bindparam("s"), table.c.key == bindparam("k"))
            await self._session.run(delete(table).where(*same), gone)

    async def prune(self, known: Collection[tuple[str, str]]) -> int:
        """Forget the states of rules, or shapes of rules, that are no longer configured. Returns how many."""
        shapes = tuple_(table.c.rule, table.c.shape)
        return await self._session.changed(delete(table).where(shapes.not_in(list(known))))
