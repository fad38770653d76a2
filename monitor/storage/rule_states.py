"""What the rules remember: one compact JSON state per (rule, shape, key), and of each (rule, shape) whether it is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, tuple_

from monitor.storage.session import Repository
from monitor.storage.tables import rule_state as table
from rules.forgetting import Person, without

StateKey = tuple[str, str, str]  # rule, hash of the fields that shape the state, key
Shape = tuple[str, str]  # the first two of them

# No rule is called so: its rows say of the rule in `key` whether its states of this shape are complete. An earlier version
# takes them for the states of a rule that is gone, and forgets them.
_NOTES = ""


class RuleStates(Repository):
    """Loaded whole when the evaluator starts, saved in part with every batch it evaluates."""

    async def load(self) -> dict[StateKey, dict[str, Any]]:
        """Every state."""
        states = select(table.c.rule, table.c.shape, table.c.key, table.c.state).where(table.c.rule != _NOTES)
        rows = await self._session.rows(states)
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

    async def complete(self) -> dict[Shape, bool]:
        """Whether the states of a rule hold all that they should, as far as that was noted."""
        notes = select(table.c.key, table.c.shape, table.c.state).where(table.c.rule == _NOTES)
        return {(row["key"], row["shape"]): row["state"]["complete"] for row in await self._session.rows(notes)}

    async def note(self, complete: Mapping[Shape, bool], at: datetime) -> None:
        """Note that the states of these rules hold all that they should, or do not yet. It is pruned with them."""
        await self.save({(_NOTES, shape, rule): {"complete": each} for (rule, shape), each in complete.items()}, at)

    async def saved_at(self, shapes: Collection[Shape]) -> datetime | None:
        """When anything of these was saved last, by the clock of whoever did it; None: nothing ever was."""
        states = tuple_(table.c.rule, table.c.shape).in_(list(shapes))
        notes = and_(table.c.rule == _NOTES, tuple_(table.c.key, table.c.shape).in_(list(shapes)))
        found: datetime | None = await self._session.scalar(select(func.max(table.c.updated_at)).where(or_(states, notes)))
        return found

    async def forget(self, person: Person, at: datetime) -> None:
        """Take a person out of every state, as of rules that are gone: how many spoke stays."""
        states = await self.load()
        await self.save(await asyncio.to_thread(_changed, states, person), at)  # ten thousand full windows take a second

    async def prune(self, known: Collection[Shape]) -> int:
        """Forget the states of rules, or shapes of rules, that are no longer configured. Returns how many."""
        states = and_(table.c.rule != _NOTES, tuple_(table.c.rule, table.c.shape).not_in(list(known)))
        notes = and_(table.c.rule == _NOTES, tuple_(table.c.key, table.c.shape).not_in(list(known)))
        return await self._session.changed(delete(table).where(or_(states, notes)))


def _changed(states: Mapping[StateKey, dict[str, Any]], person: Person) -> dict[StateKey, Mapping[str, Any] | None]:
    """The states that know a person, as they are without."""
    left = {key: without(key[2], state, person) for key, state in states.items()}
    return {key: state for key, state in left.items() if state != states[key]}
