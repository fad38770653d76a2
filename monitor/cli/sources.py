"""`tocsin sources`: how each source stands, for people and for scripts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.cli.app import sources
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigDir,
    clock,
    local,
    opened,
    out,
    outlined,
    row,
    run,
    said,
    say,
    show_json,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.pipeline.source_standing import ErrorBudget, Quota, SourceStanding
    from monitor.settings import Outline

_STATES = {
    "well": ("fine", "green"),
    "quiet": ("quiet", "yellow"),
    "resting": ("resting", "green"),
    "failing": ("backing off", "yellow"),
    "stopped": ("stopped", "red"),
    "never": ("never asked", "dim"),
    "off": ("off", "dim"),
}
_SHORT = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@sources.command("list")
def list_sources(config: ConfigDir = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show how each source stands; `tocsin sources` alone does the same.

    `budget` is what is left of the share of a day's polls that may fail, `quota` of what may be spent.
    """

    async def work() -> None:
        settings, found = await _standings(config)
        if as_json:
            show_json([_as_json(each) for each in found])
            return
        if found:
            _show(found, settings)
        elif not settings.sources:
            say("There are no sources: add one with `tocsin sources add KIND`.")
        if faulty := [name for name in settings.sources if name not in settings.source_settings]:
            say(f"Not shown, because `sources` has faults: {', '.join(faulty)}. `tocsin check` says which.", style="yellow")

    run(work)


async def _standings(config: Path) -> tuple[Outline, Sequence[SourceStanding]]:
    """As the store says; before there is one, none was ever asked."""
    from monitor.domain.source import SourceState
    from monitor.pipeline.source_standing import standing, standings
    from monitor.storage.migrate import NoStoreError

    try:
        async with opened(config) as (settings, store), store.read() as tx:
            return settings, await standings(tx, settings.source_settings, clock)
    except NoStoreError:
        settings = outlined(config)
        return settings, [standing(SourceState(name), each, clock) for name, each in settings.source_settings.items()]


def _as_json(each: SourceStanding) -> dict[str, Any]:
    plain = asdict(each)
    plain["lag_seconds"] = each.lag.total_seconds() if each.lag is not None else None
    del plain["lag"]
    return plain | {"errors": {**plain["errors"], "left": each.errors.left}, "state": in_words(each)}


def _show(found: Sequence[SourceStanding], settings: Outline) -> None:
    now = clock.now()
    rows = table("source", "kind", "network", "state", "answered", "lag", "budget", "next", "quota")
    for each in found:
        row(
            rows,
            each.name,
            each.kind,
            ", ".join(each.networks) or "–",
            _STATES[each.condition],
            _ago(each.answered_at, now),
            short(each.lag) if each.lag is not None else "–",
            _budget(each.errors),
            _until(each.next_poll, now),
            _least(each.quotas),
        )
    out.print(rows)
    told = [line for each in found for line in _details(each, settings)]
    if told:
        say("")
    for line in told:
        say(line)


def in_words(each: SourceStanding, at: str = "") -> str:
    """The state of a source in plain words. `at`: when it is asked again, as the reader's clocks have it."""
    from notifiers.catalogue import say as phrase
    from notifiers.wording import TROUBLES

    state = _STATES[each.condition][0]
    if each.condition not in {"failing", "stopped"}:
        return state
    until = at or (each.next_poll.isoformat(timespec="seconds") if each.next_poll else "")
    why = phrase("en", f"trouble.{each.trouble}") if each.trouble in TROUBLES else each.trouble or ""
    detail = said(each.detail, 300)
    said_so = ": ".join(filter(None, (why, detail)))
    return f"{state} until {until}: {said_so}" if each.condition == "failing" else f"{state}: {said_so}"


def _details(each: SourceStanding, settings: Outline) -> list[str]:
    """What a column is too narrow for: why it is not well, and what is left of each budget."""
    lines = []
    if each.condition in {"failing", "stopped"}:
        lines.append(f"{each.name}: {in_words(each, local(each.next_poll, settings))}.")
    if each.condition == "quiet":
        lines.append(f"{each.name}: answers, and has brought nothing since {local(each.brought_at, settings)}: too long for it.")
    if each.condition == "stopped":
        lines.append(f"{each.name}: mend its settings or its key, then reload; `tocsin sources try {each.name}` asks it once.")
    if each.errors.left is not None and each.errors.left < 0:
        errors = each.errors
        lines.append(f"{each.name}: {errors.failed} of the last day's {errors.polls} polls failed; {errors.allowed:.0%} may.")
    lines += [f"{each.name}: {_left(quota)}." for quota in each.quotas]
    return lines


def _left(quota: Quota) -> str:
    return f"{quota.left:g} of {quota.amount:g} {quota.counts or 'calls'} left of this {quota.per}"


def _budget(errors: ErrorBudget) -> str | tuple[str, str]:
    if errors.left is None:
        return "–"
    return (f"{errors.left:.0%}", "yellow") if errors.left < 0 else f"{errors.left:.0%}"


def _least(quotas: Sequence[Quota]) -> str:
    """Of the budget of which least is left."""
    return f"{min(quota.left / quota.amount for quota in quotas):.0%}" if quotas else "–"


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{short(now - moment)} ago" if moment is not None else "never"


def _until(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "–"
    return f"in {short(moment - now)}" if moment > now else "now"


def short(lasts: timedelta) -> str:
    """In the largest unit: `45s`, `3m`, `2h`, `5d`."""
    seconds = max(int(lasts.total_seconds()), 0)
    return next((f"{seconds // size}{unit}" for unit, size in _SHORT if seconds >= size), "0s")
