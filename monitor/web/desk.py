"""What everybody at the public door who reads or acts is served from: one configuration, the store, and who people are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Final

from aiohttp import web

from monitor.access import Access
from monitor.domain.clock import Clock
from monitor.pipeline.compose import Composer
from monitor.pipeline.links import Links
from monitor.settings import Settings
from monitor.settings.duty import names_of
from monitor.storage import Store


class Desk:
    """Serves one configuration, as long as it is at work and until the next one is."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.since = clock.now()  # when this configuration came to work

    @cached_property
    def links(self) -> Links:
        """Reads the links that we sent."""
        return Links(self.settings, self.store)

    @cached_property
    def access(self) -> Access:
        """Knows who may come in, by cookie, token or proxy."""
        return Access(self.settings, self.store, self.clock)

    @cached_property
    def composer(self) -> Composer:
        """Writes what a page says, in the words of messages."""
        return Composer(self.settings, self.store.installation, replay=False)

    def now(self) -> datetime:
        """Story time, in which people act."""
        return self.clock.now()

    def wall(self) -> datetime:
        """Real time, which signed calls are checked against."""
        return self.clock.wall()

    def called(self, name: str | None) -> str:
        """What a person is called, whom the store knows by a short name; anybody else by the name they gave."""
        person = self.settings.contacts.people.get(name or "")
        return person.name if person is not None else name or ""

    def names(self, person: str) -> frozenset[str]:
        """All that stands for a person at this moment."""
        return names_of(self.settings.contacts, person, self.now(), self.settings.timezone)

    def readers(self, receiver: str) -> tuple[str, ...]:
        """The people who may be reading what a receiver gets: whom it is, or whom it reaches, or, if nobody says so, anybody."""
        people = self.settings.contacts.people
        if receiver in people:
            return (receiver,)
        return tuple(name for name, person in people.items() if receiver in person.receivers) or tuple(people)


DESK: Final[web.AppKey[Callable[[], Desk]]] = web.AppKey("desk")
