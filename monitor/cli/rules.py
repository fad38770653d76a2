"""`tocsin rules explain`: how each condition of a rule fares with what somebody said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import rules
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
)
from monitor.cli.context import unknown as unknown_name
from monitor.cli.understood import typed
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.mention import Observed
    from rules import Calm, Engine, Finding, States
    from rules.finding import Verdict

_HELD = {True: ("yes", "green"), False: ("no", "red"), None: ("unknown", "yellow")}
_OUTCOME = {True: "holds for", False: "does not hold for", None: "cannot be told for"}
_SHOWN = 100  # characters of what was said


@rules.command("explain")
def explain(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    mention: Annotated[
        str, typer.Argument(help="A mention's number, as `tocsin alert show` names it; or a text, as a stranger might write it.")
    ],
    config: ConfigDir = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say how each condition of a rule fares with a mention: what it asks, what it sees, and whether that holds.

    `unknown` is what nobody can tell, as a feeling that no scorer was sure of: it never matches. Of a rule that counts over time,
    the windows in which the mention counts are told as they stand now.
    """
    asked = _stored(rule, int(mention), config) if mention.isdecimal() else _written(rule, mention, config)

    async def work() -> None:
        _show(await asked, as_json=as_json)

    run(work)


async def _stored(rule: str, number: int, config: Path) -> _Explained:
    from rules import Engine, RuleError, States

    async with opened(config, rules=True) as (settings, store), store.read() as tx:
        found = await tx.mentions.get([number])
        states = States.load(await tx.rule_states.load())
    if not found:
        raise UsageError(f"there is no mention {number}")
    try:
        engine = Engine(settings.rules, settings.lists, settings.calendar)
    except RuleError:
        loaded(config)  # says which line of which file is wrong
        raise
    return _Explained(engine, rule, found[0], states, clock.now(), f"mention {number}")


async def _written(rule: str, text: str, config: Path) -> _Explained:
    """What is not stored counts in no window: only its conditions can be asked."""
    from rules import Engine

    settings, now = loaded(config), clock.now()
    return _Explained(Engine(settings.rules, settings.lists), rule, typed(settings, text, now), None, now, "this text")


class _Explained:
    """A rule beside a mention: its conditions, and its windows where it counts."""

    def __init__(self, engine: Engine, rule: str, mention: Observed, states: States | None, now: datetime, what: str) -> None:
        if engine.rule(rule) is None:
            raise unknown_name("rule", rule, engine.ids())
        self.rule, self.mention, self.what = rule, mention, what
        self.verdicts: Sequence[Verdict] = engine.explain(rule, mention)
        self.windows: Sequence[Finding | Calm] = [] if states is None else engine.standing(rule, mention, states, now)

    @property
    def holds(self) -> bool | None:
        return self.verdicts[0].held

    def facts(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "rule": self.rule,
            "holds": self.holds,
            "conditions": [{"asks": each.condition, "seen": _plain(each.seen), "holds": each.held} for each in self.verdicts],
            "windows": [_window(each) for each in self.windows],
        }


def _show(found: _Explained, *, as_json: bool) -> None:
    if as_json:
        show_json(found.facts())
        return
    text = " ".join(part for part in (found.mention.title, found.mention.text) if part)
    say((found.rule, "bold"), f" {_OUTCOME[found.holds]} {found.what}: ", (f"“{said(text, _SHOWN)}”", "dim"))
    asked = table("", "condition", "seen")
    for each in found.verdicts:
        row(asked, _HELD[each.held], each.condition, _told(each.seen))
    out.print(asked)
    for window in found.windows:
        say(
            (f"{_named(window.key)} ", "bold"),
            "rings now: " if _rings(window) else "does not ring now: ",
            "; ".join(window.reasons),
        )


def _window(each: Finding | Calm) -> dict[str, Any]:
    figures = {"observed": each.observed, "expected": each.expected, "reasons": each.reasons}
    return {"key": each.key, "rings": _rings(each), **figures}


def _rings(window: Finding | Calm) -> bool:
    from rules import Finding

    return isinstance(window, Finding)


def _named(key: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in key.items())


def _plain(seen: object) -> object:
    return sorted(seen) if isinstance(seen, frozenset) else seen


def _told(seen: object) -> str:
    """What a condition saw; a block sees nothing by itself."""
    if isinstance(seen, frozenset):
        return ", ".join(sorted(seen))
    if isinstance(seen, bool):
        return "yes" if seen else "no"
    return "" if seen is None else f"{seen:g}" if isinstance(seen, float) else str(seen)
