"""Who may look around in the demo's console: one of its people for each role, and a link for each."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from typing import Final

from monitor.access import keeping
from monitor.access.auditing import By
from monitor.access.links import address
from monitor.domain.account import Role
from monitor.domain.clock import Clock
from monitor.settings import Settings
from monitor.storage import Store

_BY: Final = By("demo", "cli")
PEOPLE: Final[Mapping[str, Role]] = {"awa": Role.MONITOR, "ines": Role.MANAGER, "maud": Role.ADMIN}
"""By their short names in contacts.yaml."""


async def invite(store: Store, settings: Settings, clock: Clock) -> Mapping[str, str]:
    """Make their accounts, in the language of whoever looks. By who somebody is there: a link that works once, for a day."""
    language = "fr" if (locale.getlocale()[0] or "").startswith("fr") else "en"
    links = {}
    for name, role in PEOPLE.items():
        called = settings.contacts.people[name].name
        account, secret = await keeping.add(store, name, called, role, _BY, clock.wall())
        async with store.begin() as tx:
            await tx.accounts.change(account.id, language=language)
            await tx.commit()
        links[f"{called}, {role}"] = address(settings.web, secret)
    return links
