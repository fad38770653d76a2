"""Commands that keep alerts quiet for a while, and say which are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import app
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    By,
    ConfigDir,
    about,
    actor,
    clock,
    handles,
    local,
    opened,
    out,
    row,
    run,
    say,
    show_json,
    table,
    unknown,
)
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.alert import Silence
    from monitor.settings import Outline
    from monitor.storage import Store
    from rules import Rule


@app.command()
def silence(
    lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")],
    reason: Annotated[str, typer.Option(help="Why: the next person will ask.")],
    alert: Annotated[int | None, typer.Option(help="This alert, and more of the same: its rule and what it is about.")] = None,
    rule: Annotated[str, typer.Option(help="Alerts of this rule.")] = "",
    subject: Annotated[str, typer.Option(help="Alerts about this subject.")] = "",
    including_safety: Annotated[bool, typer.Option("--including-safety", help="Also alerts that people may be hurt.")] = False,
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Keep alerts quiet for a while. They are opened and kept; what still rings at the end is told once."""
    if alert is not None and (rule or subject):
        raise UsageError("--alert says all that a silence needs: leave out --rule and --subject, or give those alone")

    async def work() -> None:
        from monitor.pipeline import operations

        length = _duration(lasting)
        # All of the rules, or nobody can tell whether the silence covers a danger.
        async with opened(config, rules=True) as (settings, store):
            matcher = await _of_alert(store, alert) if alert is not None else _of_names(settings, rule, subject)
            if not including_safety:
                _spare_safety(settings, matcher)
            now = clock.now()
            number = await operations.silence(store, matcher, lasting=length, reason=reason, actor=actor(by), at=now)
        say(f"Silence {number} until {local(now + length, settings)}. End it early: tocsin unsilence {number}")

    run(work)


async def _of_alert(store: Store, number: int) -> dict[str, object]:
    async with store.read() as tx:
        found = await tx.alerts.get(number)
    if found is None:
        raise UsageError(f"there is no alert {number}; `tocsin alerts --all` lists them")
    return {"rule": found.rule, "key": dict(found.key)}


def _of_names(settings: Outline, rule: str, subject: str) -> dict[str, object]:
    rules = [each.id for each in settings.rules]
    if rule and rule not in rules:
        raise unknown("rule", rule, rules)
    if subject and subject not in settings.subjects:
        raise unknown("subject", subject, settings.subjects)
    return {name: value for name, value in (("rule", rule), ("subject", subject)) if value}


def _spare_safety(settings: Outline, matcher: Mapping[str, object]) -> None:
    """Somebody who is tired of complaints rarely means that they want to sleep through an accident."""
    if not matcher:
        return
    covered = (each for each in settings.rules if matcher.get("rule") in {None, each.id})
    grave = ", ".join(f"`{each.id}`" for each in _about_safety(covered))
    if grave:
        raise UsageError(
            f"this would also silence {grave}, by which you hear that people may be hurt: name another rule with --rule, or say"
            " --including-safety"
        )


def _about_safety(rules: Iterable[Rule]) -> list[Rule]:
    """The rules that messages call a danger."""
    from notifiers.message import AlertFacts
    from notifiers.voice import nature

    def is_grave(rule: Rule, title: str) -> bool:
        now = clock.now()
        facts = AlertFacts(0, rule.id, rule.kind, rule.category, "first", "info", {}, now, 1.0, None, "mentions", title=title)
        return nature(facts) == "safety"

    return [each for each in rules if any(is_grave(each, title) for title in ("", *(each.title or {}).values()))]


def _duration(written: str) -> timedelta:
    from rules.duration import parse_duration

    try:
        length = parse_duration(written)
    except ValueError as error:
        raise UsageError(f"--for {written}: {error}") from None
    if not length:
        raise UsageError(f"--for {written}: a silence must last, for instance 30m")
    return length


@app.command()
def silences(config: ConfigDir = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the silences in force."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                found = await tx.silences.active(clock.now())
                authors = await handles(tx, (_key(each) for each in found))
            if as_json:
                show_json([asdict(each) for each in found])
                return
            rows = table("id", "covers", "until", "by", "why")
            for each in found:
                covers = [f"{name} {value}" for name, value in each.matcher.items() if name != "key"]
                covers += [about({}, _key(each), settings, authors)] if _key(each) else []
                row(rows, str(each.id), ", ".join(covers), local(each.ends_at, settings), each.author, each.reason)
            out.print(rows if found else "No silence is in force.")

    run(work)


def _key(silence: Silence) -> Mapping[str, str]:
    found = silence.matcher.get("key")
    return found if isinstance(found, Mapping) else {}


@app.command()
def unsilence(
    number: Annotated[int, typer.Argument(help="The silence's number.")], config: ConfigDir = DEFAULT_CONFIG, by: By = ""
) -> None:
    """End a silence before its time."""

    async def work() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (_, store):
            await operations.end_silence(store, number, actor(by), clock.now())
        say(f"Silence {number} has ended.")

    run(work)
