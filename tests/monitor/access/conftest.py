"""A house with a door: a store, a clock, settings, and people who have accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from monitor.access import Access, Client
from monitor.access.passwords import Passwords
from monitor.domain.account import Account, Role
from monitor.domain.clock import ManualClock
from monitor.settings import Settings
from monitor.storage import StorageSettings, Store

PASSWORD = "correct donkey battery"
HERE = Client("192.0.2.1", "Firefox")


class CountingHasher(PasswordHasher):
    """The cheapest argon2id there is, which counts how often it works."""

    def __init__(self, **how: int) -> None:
        super().__init__(**({"time_cost": 1, "memory_cost": 8, "parallelism": 1} | how))
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002 the library's own signature
        """Check, and count it."""
        self.verified += 1
        return super().verify(hash, password)


@dataclass
class House:
    """One installation's door."""

    store: Store
    clock: ManualClock
    settings: Settings
    access: Access
    hasher: CountingHasher

    async def moves_in(self, name: str = "claire", role: Role = Role.VIEWER, password: str | None = PASSWORD) -> Account:
        """Somebody with an account."""
        async with self.store.begin() as tx:
            account = await tx.accounts.add(name, name.title(), role, self.clock.now())
            if password is not None:
                await tx.accounts.set_password(account.id, self.hasher.hash(password))
            await tx.commit()
        return account

    async def audited(self) -> list[str]:
        """What was written down, the oldest first."""
        async with self.store.read() as tx:
            return [each.action for each in reversed(await tx.audit.page(100))]


Build = Callable[..., House]


@pytest.fixture
async def memory(clock: ManualClock) -> AsyncIterator[Store]:
    """A store in memory: what differs between databases is the business of the store's own contract."""
    store = await Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:")), clock=clock)
    yield store
    await store.close()


@pytest.fixture
def build(memory: Store, clock: ManualClock) -> Build:
    """Builds the door as settings under `console` have it."""

    def built(**more: Any) -> House:
        settings = Settings.model_validate({"version": 1, "subjects": {"acme": None}, **more})
        access, hasher = Access(settings, memory, clock), CountingHasher()
        access._passwords = Passwords(hasher)
        return House(memory, clock, settings, access, hasher)

    return built


@pytest.fixture
def house(build: Build) -> House:
    """With the settings that everybody has."""
    return build()
