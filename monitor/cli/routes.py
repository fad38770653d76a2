"""Commands that say who is told: `tocsin oncall`, and `tocsin routes try`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from monitor.cli.app import RINGS, app, routes
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigDir,
    clock,
    loaded,
    opened,
    out,
    row,
    run,
    said,
    say,
    show_json,
    table,
    typed_moment,
    unknown,
)
from monitor.cli.understood import typed
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.mention import Observed
    from monitor.settings import Settings

At = Annotated[str, typer.Option("--at", help="Another moment: 2026-07-14 or 2026-07-14T03:00, in the team's time.")]
_HELD = {True: ("yes", "green"), False: ("no", "red"), None: ("unknown", "yellow")}


@app.command(rich_help_panel=RINGS)
def oncall(
    role: Annotated[str, typer.Argument(help="A role; without one, all of them.")] = "",
    at: At = "",
    config: ConfigDir = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say who is told now of what goes to each role, why, and until when."""
    settings = loaded(config)
    moment = _moment(at, settings)
    known = settings.contacts.roles
    if role and role not in known:
        raise unknown("role", role, known)
    found = [each for name in ([role] if role else known) for each in _on_duty(settings, name, moment)]
    if as_json:
        show_json(found)
    elif not found:
        say("There are no roles: contacts.yaml can name some.")
    else:
        _show_duty(settings, moment, found)


def _moment(written: str, settings: Settings) -> datetime:
    return typed_moment("--at", written, settings.timezone) if written else clock.now()


def _on_duty(settings: Settings, role: str, moment: datetime) -> list[dict[str, Any]]:
    """For scripts, and for the table."""
    from monitor.settings.duty import on_duty

    until = _until(settings, role, moment)
    return [
        {"role": role, "person": each.person, "receivers": settings.resolve(each.person), "why": each.why, "until": until}
        for each in on_duty(settings.contacts, role, moment, settings.timezone)
    ]


def _until(settings: Settings, role: str, moment: datetime) -> datetime | None:
    """When somebody else is on call."""
    roster = settings.contacts.roles[role].roster
    if roster is None:
        return None
    day = roster.next_change(roster.day_at(moment, settings.timezone))
    return roster.turn_over(day, settings.timezone) if day else None


def _show_duty(settings: Settings, moment: datetime, found: Sequence[dict[str, Any]]) -> None:
    say((_local(moment, settings), "bold"))
    rows, shown = table("role", "told", "by", "why"), ""
    for each in found:
        until = f", until {_local(each['until'], settings)}" if each["until"] and each["role"] != shown else ""
        name = each["role"] if each["role"] != shown else ""
        row(rows, (name, "bold"), each["person"], ", ".join(each["receivers"]), f"{each['why']}{until}")
        shown = each["role"]
    out.print(rows)


def _local(moment: datetime, settings: Settings) -> str:
    return moment.astimezone(ZoneInfo(settings.timezone)).strftime("%a %Y-%m-%d %H:%M")


@routes.command("try")
def attempt(
    rule: Annotated[str, typer.Argument(help="The rule that rings.")],
    mention: Annotated[
        str, typer.Argument(help="The mention that rings it: its number, or a text as a stranger might write it.")
    ] = "",
    subject: Annotated[str, typer.Option(help="What it is about, where no mention says it: a window's subject.")] = "",
    severity: Annotated[str, typer.Option(help="Another severity than the rule's: info, warning or critical.")] = "",
    at: At = "",
    config: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Say whom an alert of a rule goes to: which route it takes, why not the others, and who is told now."""
    settings = loaded(config)
    moment = _moment(at, settings)

    async def work() -> None:
        found: Observed | None = None
        if mention.isdecimal():
            found = await _stored(int(mention), config)
        elif mention:
            found = typed(settings, mention, clock.now())
        _show_routes(settings, _alert(settings, rule, subject, severity, found, moment), found, moment)

    run(work)


async def _stored(number: int, config: Path) -> Observed:
    async with opened(config) as (_, store), store.read() as tx:
        found = await tx.mentions.get([number])
    if not found:
        raise UsageError(f"there is no mention {number}")
    return found[0]


def _alert(settings: Settings, rule_id: str, subject: str, severity: str, mention: Observed | None, moment: datetime) -> Any:
    """The alert that the rule would open."""
    from monitor.domain.alert import SEVERITIES, NewAlert

    rule = next((each for each in settings.rules if each.id == rule_id), None)
    if rule is None:
        raise unknown("rule", rule_id, (each.id for each in settings.rules))
    if severity and severity not in SEVERITIES:
        raise unknown("severity", severity, SEVERITIES)
    if subject and subject not in settings.subjects:
        raise unknown("subject", subject, settings.subjects)
    loud = next((each for each in SEVERITIES if each == severity), rule.severity)
    about = subject or (min(mention.subjects) if mention and mention.subjects else "")
    key = {"subject": about} if about and "subject" in rule.key else {}
    labels = {"subject": about} if about else {}
    return NewAlert(rule.id, rule.kind, key, loud, moment, 1, None, "mentions", category=rule.category, labels=labels)


def _show_routes(settings: Settings, alert: Any, mention: Observed | None, moment: datetime) -> None:
    from monitor.pipeline.recipients import Recipients
    from monitor.settings.routes import Routes
    from rules import AlertSeen

    recipients = Recipients(settings)
    say((alert.rule, "bold"), f" ({alert.severity}) goes to:")
    told = table("", "told now", "why")
    for each in recipients.addressees(alert, mention):
        row(told, (each.name, "bold"), ", ".join(recipients.expand([each.name], moment)), each.why)
    out.print(told)
    if any(rule.id == alert.rule and rule.notify for rule in settings.rules):
        return  # no route is asked
    asked = table("", "route", "condition", "seen")
    for route, verdicts in Routes(settings).explain(AlertSeen.of(alert, mention)):
        for number, verdict in enumerate(verdicts):
            name = (route.name if number == 0 else "", "bold")
            row(asked, _HELD[verdict.held], name, verdict.condition.partition("].")[2], _seen(verdict.seen))
    if asked.row_count:
        say("")
        out.print(asked)


def _seen(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else said(str(value), 60)
