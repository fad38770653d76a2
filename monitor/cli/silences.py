"""Commands that keep alerts quiet for a while, and say which are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import typer

from monitor.cli.app import RINGS, app
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
    typed_moment,
    unknown,
)
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.alert import Silence
    from monitor.settings import Outline
    from monitor.storage import Store
    from rules.recurrence import Weekly

T = TypeVar("T")


@app.command(rich_help_panel=RINGS)
def silence(
    reason: Annotated[str, typer.Option(help="Why: the next person will ask.")],
    lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = "",
    until: Annotated[str, typer.Option(help="Or until when: 18:00, 2026-12-24 (that day included), '2026-12-24 18:00'.")] = "",
    begin: Annotated[str, typer.Option("--from", help="From when, written likewise.", show_default="now")] = "",
    every: Annotated[
        list[str] | None,
        typer.Option(help="Of this time, only: sat-sun, 22:00-07:00, 'mon-fri 12:00-14:00'; several are possible."),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Whose clock shows these times.", show_default="that of monitor.yaml")] = "",
    alert: Annotated[int | None, typer.Option(help="This alert, and more of the same: its rule and what it is about.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Alerts of this rule; several are possible.")] = None,
    subject: Annotated[str, typer.Option(help="Alerts about this subject.")] = "",
    where: Annotated[str, typer.Option(help="Alerts of which this holds: 'severity: {lte: warning}, network: mastodon'.")] = "",
    everything: Annotated[bool, typer.Option("--everything", help="All alerts.")] = False,
    including_safety: Annotated[bool, typer.Option("--including-safety", help="Also alerts that people may be hurt.")] = False,
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Keep alerts quiet for a while. They are opened and kept; what still rings at the end is told once."""
    if alert is not None and (rule or subject or where or everything):
        raise UsageError("--alert says all that a silence needs: leave out --rule and --subject, --where and --everything")

    async def work() -> None:
        from monitor.pipeline import operations

        # All of the rules, or nobody can tell whether the silence covers a danger.
        async with opened(config, rules=True) as (settings, store):
            now = clock.now()
            when = _period(settings, now, begin, lasting, until, every or (), timezone)
            if alert is not None:
                matcher = await _of_alert(store, alert)
            else:
                matcher = _of_names(settings, rule or (), subject, where, everything=everything)
            if not including_safety:
                _spare_safety(settings, matcher)
            number = await operations.silence(
                store, matcher, lasting=when.end - when.begin, reason=reason, actor=actor(by), at=now,
                starts_at=when.begin, every=[str(each) for each in when.every], timezone=when.zone if when.every else None,
            )  # fmt: skip
            async with store.read() as tx:
                made = (await tx.silences.many([number]))[str(number)]
        say(f"Silence {number} {_when(made, now, settings)}. End it early: tocsin unsilence {number}")

    run(work)


class _Period(NamedTuple):
    begin: datetime
    end: datetime
    every: Sequence[Weekly]
    zone: str


def _period(
    settings: Outline, now: datetime, begin: str, lasting: str, until: str, every: Sequence[str], timezone: str
) -> _Period:
    """From when to when, and at which times of the week within that."""
    from rules.recurrence import Recurrence, parse_weekly
    from rules.wall_clock import parse_zone

    name = _said("--timezone", timezone, parse_zone) if timezone else settings.timezone
    first = typed_moment("--from", begin, name, now=now) if begin else now
    if bool(lasting) == bool(until):
        raise UsageError("a silence must end, for somebody else will ask: say --for 2h or --until 2026-12-24, one of the two")
    last = typed_moment("--until", until, name, ends=True, now=now) if until else first + _duration(lasting)
    if begin and first <= now:
        raise UsageError(f"--from {begin} has passed: leave it out for a silence that begins now")
    if last <= max(first, now):
        raise UsageError(f"--until {until} is not after {f'--from {begin}' if begin else 'now'}: a silence must last")
    times = tuple(_said("--every", each, parse_weekly) for each in every)
    if times and not any(Recurrence(times, ZoneInfo(name)).between(first, last)):
        said = f"{local(first, settings)} and {local(last, settings)}"
        raise UsageError(f"--every {', '.join(every)} never comes between {said}: the silence would hold nothing")
    return _Period(first, last, times, name)


def _said(option: str, written: str, read: Callable[[str], T]) -> T:
    try:
        return read(written)
    except ValueError as error:
        raise UsageError(f"{option} {written}: {error}") from None


def _when(silence: Silence, now: datetime, settings: Outline) -> str:
    """`until 2026-03-02 12:00`, `from … until …`, `(22:00-07:00, Europe/Paris) until …: quiet until 07:00, next …`."""
    from monitor.pipeline.silencing import in_force, next_period, quiet_until
    from monitor.settings.silences import FOREVER

    last = f"until {local(silence.ends_at, settings)}" if silence.ends_at < FOREVER else "for ever"
    if not silence.every:
        return last if silence.starts_at <= now else f"from {local(silence.starts_at, settings)} {last}"
    following = next_period(silence, now)
    then = f"next {local(following, settings)}" if following else ""
    here = f"quiet until {local(quiet_until(silence, now), settings)}" if in_force(silence, now) else ""
    at = f"at {' and '.join(silence.every)} ({silence.timezone})"
    return f"{at} {last}: {', '.join(each for each in (here, then) if each) or 'not again'}"


async def _of_alert(store: Store, number: int) -> dict[str, object]:
    async with store.read() as tx:
        found = await tx.alerts.get(number)
    if found is None:
        raise UsageError(f"there is no alert {number}; `tocsin alerts --all` lists them")
    return {"rule": found.rule, "key": dict(found.key)}


def _of_names(settings: Outline, rules: Sequence[str], subject: str, where: str, *, everything: bool) -> dict[str, object]:
    from monitor.pipeline.silencing import EVERYTHING

    _check(rules, [each.id for each in settings.rules], "rule")
    _check([subject] if subject else [], settings.subjects, "subject")
    asked = _conditions(settings, where) if where else {}
    if len(rules) > 1:
        asked = {"all": [asked, {"rule": {"in": list(rules)}}]} if asked else {"rule": {"in": list(rules)}}
    said = {"rule": rules[0] if len(rules) == 1 else "", "subject": subject, "where": asked}
    matcher: dict[str, object] = {name: value for name, value in said.items() if value}
    if everything and matcher:
        raise UsageError("--everything leaves nothing else to say: leave out --rule, --subject and --where, or give those alone")
    if not everything and not matcher:
        raise UsageError("a silence must say what it covers: a rule, a subject, or both; or --where, or --everything")
    return dict(EVERYTHING) if everything else matcher


def _conditions(settings: Outline, written: str) -> dict[str, object]:
    """What `--where` asks, once it is sure that it can be asked and names what exists."""
    from pydantic import ValidationError

    from monitor.settings import names
    from monitor.settings.reading import inline
    from rules import RuleError
    from rules.alert_condition import AlertCondition
    from rules.alert_where import AlertWhere

    asked = _said("--where", written, inline)
    if not asked:
        raise UsageError("--where asks for nothing: write `field: test`, as in a rule's `where`; --everything covers all alerts")
    for field, known in (("rule", [each.id for each in settings.rules]), ("subjects", list(settings.subjects))):
        _check([name for _, name in names.asked(asked, (), field)], known, field.removesuffix("s"))
    try:
        conditions = AlertWhere.model_validate(asked)
        AlertCondition(conditions, settings.lists)
    except RuleError as error:
        raise UsageError(f"--where: {error}") from None
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors())
        raise UsageError(f"--where: {'; '.join(wrong)}") from None
    return conditions.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _check(names: Iterable[str], known: Collection[str], what: str) -> None:
    from rules.words import fold_label

    alike = {fold_label(each) for each in known}
    for name in names:
        if fold_label(name) not in alike:
            raise unknown(what, name, known)


def _spare_safety(settings: Outline, matcher: Mapping[str, object]) -> None:
    """Somebody who is tired of complaints rarely means that they want to sleep through an accident."""
    from monitor.pipeline.dangers import dangers_in

    grave = ", ".join(f"`{each}`" for each in dangers_in(matcher, settings.rules, settings.lists, clock.now()))
    if grave:
        raise UsageError(
            f"this would also silence {grave}, by which you hear that people may be hurt: name another rule with --rule, leave"
            " it out with --where 'rule: {not: …}', or say --including-safety"
        )


def _duration(written: str) -> timedelta:
    from rules.duration import parse_duration

    try:
        length = parse_duration(written)
    except ValueError as error:
        raise UsageError(f"--for {written}: {error}") from None
    if not length:
        raise UsageError(f"--for {written}: a silence must last, for instance 30m")
    return length


@app.command(rich_help_panel=RINGS)
def silences(config: ConfigDir = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the silences in force, those that pause until they come again, and those that are planned."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            now = clock.now()
            async with store.read() as tx:
                found = [*await tx.silences.not_over(now), *(each for each in settings.standing_silences if each.ends_at > now)]
                authors = await handles(tx, (_key(each) for each in found))
            if as_json:
                show_json([asdict(each) for each in found])
                return
            rows = table("id", "covers", "when", "by", "why")
            for each in found:
                row(rows, str(each.id), _covers(each, settings, authors), _when(each, now, settings), each.author, each.reason)
            out.print(rows if found else "No silence is in force.")

    run(work)


def _covers(silence: Silence, settings: Outline, authors: Mapping[str, str]) -> str:
    """What a silence is about, for a table."""
    covers = [f"{name} {value}" for name, value in silence.matcher.items() if name in {"rule", "subject"}]
    covers += [about({}, _key(silence), settings, authors)] if _key(silence) else []
    covers += ["everything"] if "everything" in silence.matcher else []
    return ", ".join([*covers, *([_asked(silence.matcher["where"])] if "where" in silence.matcher else [])])


def _asked(where: object) -> str:
    """Conditions as somebody would type them."""
    if isinstance(where, Mapping):
        inside = where["is"] if where.keys() == {"is"} else where
        if inside is not where:
            return _asked(inside)
        return ", ".join(
            f"{name}: {{{_asked(each)}}}" if isinstance(each, Mapping) and each.keys() != {"is"} else f"{name}: {_asked(each)}"
            for name, each in where.items()
        )
    if isinstance(where, list):
        return f"[{', '.join(f'{{{_asked(each)}}}' if isinstance(each, Mapping) else _asked(each) for each in where)}]"
    return str(where).lower() if isinstance(where, bool) else str(where)


def _key(silence: Silence) -> Mapping[str, str]:
    found = silence.matcher.get("key")
    return found if isinstance(found, Mapping) else {}


@app.command(rich_help_panel=RINGS)
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
