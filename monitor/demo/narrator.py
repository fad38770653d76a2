"""Tells the demo's day on the terminal, as it happens: one line for each thing that people would want to know."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from monitor.domain.alert import Alert, NotificationKind
from monitor.domain.plan import EventKind, TimelineEvent, localized
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork
from notifiers.safe import one_line

_MARK = {"info": ("·", "blue"), "warning": ("▲", "yellow"), "critical": ("■", "bold red")}
_MANY = 10_000
_LONGEST = 200  # characters of a line; the terminal shows what fits
_RINGS = frozenset({EventKind.ALERT_OPENED, EventKind.ALERT_WORSE, EventKind.ALERT_REOPENED})
# Single complaints shown one by one: enough to see that each is flagged, few enough to see the storm.
_ONE_BY_ONE = 12
_WORTH_A_LINE = 10  # complaints; fewer wait for the next line
# The day fits a terminal on the slowest machine too, where a lull between two polls ends an alert that then rings again.
_SUMS = 4  # lines of complaints summed up on the way; one more stands at the end
_OFTEN = 2  # times that the same alert is told to ring, and to be over

_Part = tuple[str, str]


class Narrator:
    """Looks at the timeline and prints what is new, one line each. Times are the brand's own."""

    def __init__(self, settings: Settings, store: Store, *, quiet: bool, console: Console | None = None) -> None:
        self._settings = settings
        self._store = store
        self._zone = ZoneInfo(settings.timezone)
        self._console = console or Console(highlight=False, quiet=quiet)
        self._seen = 0  # the number of the last event that was told
        self._shown = 0  # complaints told one by one
        self._more = 0  # complaints since, to be summed up
        self._sums = 0  # how often that was done
        self._told: Counter[tuple[int, bool]] = Counter()  # how often an alert was told to ring (True), or to be over
        self._crises: set[int] = set()  # incidents that a whole subject is in

    def open(self, start: datetime, seconds: float) -> None:
        """Set the scene."""
        day = start.astimezone(self._zone)
        self._say((f"\nA bad day for {self._settings.brand}", "bold"), (", maker of coffee machines that do not exist.", ""))
        self._say((f"{day:%A %d %B %Y}, in {seconds:.0f} s: real daemon, real SMTP, real webhooks.\n", "dim"))

    async def look(self) -> None:
        """Print what has happened since the last look."""
        async with self._store.read() as tx:
            for number, event in await tx.timeline.after(self._seen, _MANY):
                self._seen = number
                await self._tell(tx, event)

    async def _tell(self, tx: UnitOfWork, event: TimelineEvent) -> None:
        alert = await tx.alerts.get(event.alert_id) if event.alert_id is not None else None
        if alert is not None and event.kind in _RINGS:
            await self._tell_alert(tx, event, alert)
        elif alert is not None and event.kind == EventKind.ALERT_RESOLVED and alert.kind != "mention":
            if self._too_often(alert, rings=False):
                return
            self._line(event.at, ("✓", "green"), (f"{self._title(alert)}: it is over", "green"))
        elif event.kind == EventKind.PLAN_OPENED:
            await self._tell_plan(tx, event)
        elif event.kind in {EventKind.STEP_DONE, EventKind.STEP_FAILED}:
            self._tell_step(event)

    async def _tell_alert(self, tx: UnitOfWork, event: TimelineEvent, alert: Alert) -> None:
        if alert.kind != "mention":
            if self._too_often(alert, rings=True):
                return
            reasons = (event.detail or {}).get("reasons")
            why = str(reasons[0]) if isinstance(reasons, list) and reasons else ""
            self._line(event.at, _MARK[alert.severity], (self._title(alert), "bold"), (f"  {why}", ""))
            self._crises.add(alert.incident_id)
        elif alert.severity != "critical" and (alert.incident_id in self._crises or self._shown >= _ONE_BY_ONE):
            self._more += 1
        else:
            self._shown += alert.severity != "critical"
            posts = await tx.alerts.evidence([alert.id], 1)
            self._line(
                event.at, _MARK[alert.severity], (f"{self._title(alert)}: ", ""), (posts[0].text if posts else "", "italic")
            )

    def _too_often(self, alert: Alert, *, rings: bool) -> bool:
        """Whether everybody has understood that this alert comes and goes."""
        self._told[alert.id, rings] += 1
        return self._told[alert.id, rings] > _OFTEN

    async def _tell_plan(self, tx: UnitOfWork, event: TimelineEvent) -> None:
        """The plan, and who is told of it: their messages are owed in the same transaction."""
        plan = self._settings.plans[str((event.detail or {})["plan"])]
        title = localized(plan.title, self._settings.language)
        self._line(event.at, ("☎", "bold red"), (f"The emergency plan « {title} » is opened", "bold"))
        owed = await tx.deliveries.list(limit=_MANY, incident_id=event.incident_id)
        told = sorted({each.receiver for each in owed if each.kind is NotificationKind.PLAN})
        self._line(event.at, (" ", ""), (f"told at once: {', '.join(told)}", ""))

    def _tell_step(self, event: TimelineEvent) -> None:
        detail = event.detail or {}
        step = next(each for each in self._settings.plans[str(detail["plan"])].steps if each.id == detail["step"])
        title = localized(step.called, self._settings.language)
        self._line(event.at, (" ", ""), (f"{event.kind.rpartition('.')[2]}: {title}", "dim"))

    def _title(self, alert: Alert) -> str:
        rule = next((each for each in self._settings.rules if each.id == alert.rule), None)
        return localized(rule.title, "en") if rule is not None and rule.title else alert.rule

    def _line(self, at: datetime, mark: _Part, *words: _Part) -> None:
        """One line, what was only counted before it."""
        if self._more >= _WORTH_A_LINE and self._sums < _SUMS:
            self._sum_up()
        self._say((f"{at.astimezone(self._zone):%H:%M} ", "dim"), mark, (" ", ""), *words)

    def _sum_up(self) -> None:
        joined = "joined the crisis" if self._crises else "were flagged, each on its own"
        self._say((f"      … {self._more} more complaint{'' if self._more == 1 else 's'} {joined}", "dim"))
        self._more = 0
        self._sums += 1

    def _say(self, *parts: _Part) -> None:
        """Strangers' words are no markup and stay on their line; what does not fit the terminal is cut off."""
        clean = (text if text[:1] == "\n" or text[-1:] == "\n" else _plain(text) for text, _ in parts)
        words = Text.assemble(*zip(clean, (style for _, style in parts), strict=True))
        self._console.print(words, no_wrap=True, overflow="ellipsis")

    def stay(self, folder: Path, links: Mapping[str, str]) -> None:
        """Say that the day goes on, and where people look, decide and show. `links`: by who somebody is there."""
        self._say(("\nThe day goes on in the console. Be one of these, with any password:", "bold"))
        for who, link in links.items():
            self._say((f"  {who}", ""))
            self._type(link)
        self._say(("The links of its e-mails work, too; open an .html in", ""))
        self._type(str(folder / "e-mails"))
        self._say(("docs/tutorial-console.md shows you around. Ctrl+C ends it.\n", ""))

    def close(self, folder: Path, to_try: Path, mails: Collection[Path], hooks: Mapping[str, Path]) -> None:
        """Say where everything is, and where to go from here. `to_try` is the demo's own configuration."""
        if self._more:
            self._sum_up()
        self._say((f"\n{len(mails)} e-mails", "bold"), (", whose links lead somewhere, as the console does, with --stay", ""))
        self._say((f"  {folder / 'e-mails'} (.eml, and .html to open in a browser)", ""))
        self._say((f"{len(hooks)} signed webhooks", "bold"), (", each verified", ""))
        self._say((f"  {folder / 'webhooks'}", ""))
        self._say(("\nNext: ", ""), ("what the rules saw on this day, and what they promise:", ""))
        self._type(f"export TOCSIN_CONFIG={shlex.quote(str(to_try))}")
        self._type(".venv/bin/tocsin backtest crisis storm $TOCSIN_CONFIG/story.jsonl")
        self._type(".venv/bin/tocsin rules test")
        self._say(("docs/how-to/change-a-threshold.md goes on from there.", ""))
        self._say(("Then ", ""), (".venv/bin/tocsin init my-brand", "bold"), (" asks three questions;", ""))
        self._say(("docs/tutorial.md takes you from there to your first alert.\n", ""))

    def _type(self, command: str) -> None:
        """A command to copy: whole, however narrow the terminal."""
        self._console.print(Text(f"  {command}", "bold"), soft_wrap=True)


def _plain(text: str) -> str:
    """One line without control characters; leading and trailing spaces are ours and stay."""
    bare = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}{one_line(bare, _LONGEST)}{after}" if bare else text
