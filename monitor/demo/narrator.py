"""Tells the demo's day on the terminal, as it happens: one line for each thing that people would want to know."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape

from monitor.domain.alert import Alert
from monitor.domain.plan import TimelineEvent
from monitor.pipeline.compose import localized
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork

_MARK = {"info": "[blue]·[/]", "warning": "[yellow]▲[/]", "critical": "[bold red]■[/]"}
_MANY = 100_000
_WIDTH = 58


class Narrator:
    """Looks at the timeline and prints what is new. Times are the brand's own."""

    def __init__(self, settings: Settings, store: Store, *, quiet: bool) -> None:
        self._settings = settings
        self._store = store
        self._zone = ZoneInfo(settings.timezone)
        self._console = Console(highlight=False, quiet=quiet)
        self._told = 0

    def open(self, start: datetime, seconds: float) -> None:
        """Set the scene."""
        day = start.astimezone(self._zone)
        self._console.print(
            f"\n[bold]A bad day for {self._settings.brand}[/], a maker of connected coffee machines that does not exist."
        )
        self._console.print(
            f"[dim]{day:%A %d %B %Y}, a whole day in {seconds:.0f} s: real daemon, real SMTP, real webhooks.[/]\n"
        )

    async def look(self) -> None:
        """Print what has happened since the last look."""
        async with self._store.read() as tx:
            events = await tx.timeline.list(limit=_MANY)
            fresh = events[: len(events) - self._told][::-1]
            self._told = len(events)
            for event in fresh:
                await self._tell(tx, event)

    async def _tell(self, tx: UnitOfWork, event: TimelineEvent) -> None:
        alert = await tx.alerts.get(event.alert_id) if event.alert_id is not None else None
        detail = event.detail or {}
        if alert is not None and event.kind in {"alert.opened", "alert.worse", "alert.reopened"}:
            await self._tell_alert(tx, event, alert)
        elif alert is not None and event.kind == "alert.resolved" and alert.kind != "mention":
            self._line(event.at, "[green]✓[/]", f"[green]{alert.rule} is over[/]")
        elif event.kind == "plan.opened":
            plan = self._settings.plans[str(detail["plan"])]
            self._line(event.at, "[bold red]☎[/]", f"[bold]the emergency plan « {localized(plan.title, 'fr')} » is opened[/]")
        elif event.kind in {"plan.step.done", "plan.step.failed"}:
            self._line(event.at, "  ", f"[dim]plan step {detail['step']}: {event.kind.rpartition('.')[2]}[/]")

    async def _tell_alert(self, tx: UnitOfWork, event: TimelineEvent, alert: Alert) -> None:
        rule = next((each for each in self._settings.rules if each.id == alert.rule), None)
        title = localized(rule.title, "en") if rule is not None and rule.title else alert.rule
        if alert.kind == "mention":
            posts = await tx.alerts.evidence([alert.id], 1)
            said = " ".join(posts[0].text.split()) if posts else ""
            shown = said if len(said) <= _WIDTH else said[: _WIDTH - 1] + "…"
            self._line(event.at, _MARK[alert.severity], f"{title}: [italic]{escape(shown)}[/]")
        else:
            reasons = (event.detail or {}).get("reasons")
            why = str(reasons[0]) if isinstance(reasons, list) and reasons else ""
            self._line(event.at, _MARK[alert.severity], f"[bold]{title}[/] {escape(why)}")

    def _line(self, at: datetime, mark: str, words: str) -> None:
        self._console.print(f"[dim]{at.astimezone(self._zone):%H:%M}[/] {mark} {words}")

    def close(self, folder: Path, mails: Collection[Path], hooks: Mapping[str, Path]) -> None:
        """Say where everything is, and where to go from here."""
        self._console.print(f"\n[bold]{len(mails)} e-mails[/] in {folder / 'e-mails'} (.eml, and .html to open in a browser)")
        self._console.print(f"[bold]{len(hooks)} signed webhooks[/] in {folder / 'webhooks'}, each verified")
        self._console.print(
            "\nNext: [bold].venv/bin/tocsin init my-brand[/] asks three questions and writes your own configuration;"
        )
        self._console.print("docs/tutorial.md takes you from there to your first alert.\n")
