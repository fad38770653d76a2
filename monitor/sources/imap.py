"""A mailbox that notices and alerts are sent to: the bridge to networks that no interface opens. Nothing in it is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from monitor.domain.mention import Mention
from monitor.mailbox import Arrived, Mailbox, MailboxSettings
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, load_cursor
from monitor.sources.imap_mail import Heading, heading, read
from monitor.sources.imap_reading import Reading, mention
from monitor.sources.kinds import Kind, Kit
from monitor.workshop.pool import WorkError

PATIENCE = timedelta(seconds=10)  # for taking one letter apart: hundredths of a second are usual
_DAY = timedelta(days=1)  # a server counts days in a zone of its own
_PLAIN = Reading()


class ImapSettings(SourceSettings, MailboxSettings):
    """Letters in a folder of a mailbox, read by IMAP: notices of networks, alert services, what customers write.

    Every letter is a mention; nothing is marked, moved or deleted. The first look goes back as far as `max_age`. Of each letter
    the first 256 kB are read, without what is attached.
    """

    kind: Literal["imap"] = Field(description="a mailbox")
    every: timedelta = Field(
        timedelta(minutes=1),
        ge=timedelta(seconds=10),
        le=timedelta(minutes=25),
        description="how often to look; a server that offers IDLE also says at once that something came",
    )
    network: str = Field("mail", min_length=1, max_length=32, description="the network of what no entry of `letters` names")
    letters: tuple[Reading, ...] = Field(
        (), description="how the letters of some senders are read; the first that fits a letter counts"
    )
    others: Literal["read", "ignore"] = Field("read", description="what becomes of letters that no entry of `letters` fits")

    def networks(self) -> frozenset[str]:
        return frozenset({self.network, *(each.network for each in self.letters if each.network)})

    def reading(self, of: Heading) -> Reading | None:
        """How a letter is read; None: not at all."""
        found = next((each for each in self.letters if each.fits(of)), _PLAIN if self.others == "read" else None)
        return None if of.passed_over or found is None or found.ignore else found


class Imap:
    """The cursor holds the folder with its UIDVALIDITY and the last UID, and for when these change the day of the last letter."""

    def __init__(self, settings: ImapSettings, kit: Kit) -> None:
        self.network = settings.network
        self._settings = settings
        self._kit = kit
        self._mailbox = Mailbox(settings)
        self._origin = f"imap {settings.host} {settings.username} {settings.folder}"

    async def poll(self, cursor: str | None) -> Batch:
        """The next letters, oldest first. Raises `SourceError`."""
        state, now = load_cursor(self._origin, cursor), self._kit.clock.wall()
        looked = await self._mailbox.new(_place(state), self._wanted, self._since(state, now))
        outcomes = await self._outcomes(looked.letters, now)
        done = looked.first(len(outcomes))
        last = max((each.at for each in done.letters if each.at), default=None)
        day = last.astimezone(UTC).date().isoformat() if last else state.get("day")
        return Batch(
            sorted((each for each in outcomes if isinstance(each, Mention)), key=lambda each: each.written_at),
            dump_cursor(self._origin, {"place": done.cursor, "day": day}),
            more=done.more,
            watermark=last if done.more else None,
            rejected=[each for each in outcomes if isinstance(each, Rejected)],
        )

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` once, when something comes, where the server says so (IDLE). Raises `SourceError`."""
        await self._mailbox.listen(ring)

    async def close(self) -> None:
        """Hang up."""
        await self._mailbox.close()

    def _since(self, state: Mapping[str, Any], now: datetime) -> date:
        """From which day on letters are looked at where the place in the cursor means nothing any more."""
        try:
            return date.fromisoformat(state["day"]) - _DAY
        except (KeyError, TypeError, ValueError, OverflowError):
            return (now - self._settings.max_age).date()

    def _wanted(self, head: bytes) -> bool:
        """One whose head nobody can read is wanted: what is wrong with it will be told."""
        try:
            return self._settings.reading(heading(head)) is not None
        except Exception:  # noqa: BLE001 - it must not hold up the others
            return True

    async def _outcomes(self, letters: Sequence[Arrived], now: datetime) -> list[Mention | Rejected | None]:
        """What becomes of each, for half the time of a poll: letters may be made to be slow, and then the others wait."""
        outcomes: list[Mention | Rejected | None] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout.total_seconds() / 2):
                for letter in letters:
                    outcomes.append(await self._outcome(letter, now))  # noqa: PERF401 - what is done is kept
        return outcomes

    async def _outcome(self, letter: Arrived, now: datetime) -> Mention | Rejected | None:
        try:
            mail = await self._kit.workshop.run(read, letter.raw, within=min(PATIENCE, self._settings.timeout / 4))
            reading = self._settings.reading(mail.heading)
            if reading is None:
                return None
            return mention(mail, reading, self.network, letter.at or now, self._settings.own_accounts)
        except Exception as error:  # noqa: BLE001 - whatever it makes the library raise, it must not hold up the others
            return Rejected(f"letter {letter.uid} of {self._settings.folder}", _why(error))


def _place(state: Mapping[str, Any]) -> str | None:
    return place if isinstance(place := state.get("place"), str) else None


def _why(error: Exception) -> str:
    if isinstance(error, WorkError):
        return f"it {error}"
    return str(error) if isinstance(error, ValueError) else f"it cannot be taken apart ({type(error).__name__})"


KIND = Kind(
    ImapSettings,
    Imap,
    where="The mailbox's password; many providers make one for a program, under Security, App passwords.",
    page="watch-a-mailbox.md",
    documents=(
        "https://www.rfc-editor.org/rfc/rfc3501",
        "https://www.rfc-editor.org/rfc/rfc2177",
        "https://www.rfc-editor.org/rfc/rfc5322",
    ),
    example={"host": "imap.brand.example", "username": "notices@brand.example"},
)
