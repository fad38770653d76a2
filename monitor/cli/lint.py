"""`tocsin rules lint`: rules that load and cannot be meant so."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import rules
from monitor.cli.context import DEFAULT_CONFIG, AsJson, ConfigDir, plural, run, said, say, show_json, unknown
from monitor.domain.errors import ExitCode

if TYPE_CHECKING:
    from monitor.settings import Settings
    from monitor.settings.lint import Finding, Usual

_WIDTH = 80
_INDENT = "    "


@rules.command("lint")
def lint(
    config: ConfigDir = DEFAULT_CONFIG,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 when anything is found, for a build server.")] = False,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A kind of finding to leave out, by its name; may be repeated.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for rules that load and cannot be meant so: what never rings, always rings, or says what another says already.

    Only what is certain is said of conditions; what is usual is taken from the store, where there is one. What each finding
    means stands in docs/reference/lint.md. Exit code 0; with `--strict` 1 when anything is found; 78 when a file is wrong.
    """
    from monitor.settings import lint as looking

    for code in ignore or ():
        if code not in looking.CODES:
            raise unknown("finding", code, looking.CODES)
    configuration = looking.read_configuration(config)
    learnt: list[Usual] = []

    async def work() -> None:
        learnt.extend(await _learnt(configuration.settings))

    run(work)
    usual = learnt[0] if learnt else None
    found = [each for each in looking.findings(configuration, usual) if each.code not in (ignore or ())]
    if as_json:
        show_json([_facts(each) for each in found])
    else:
        _show(found, len(configuration.settings.rules), known=usual is not None)
    if strict and found:
        raise typer.Exit(ExitCode.FAILED)


async def _learnt(settings: Settings) -> Sequence[Usual]:
    """What the store knows to be usual; nothing where there is none, or none that answers."""
    from monitor.domain.errors import StorageError
    from monitor.storage import Store
    from rules import Engine, States

    try:
        store = await Store.open(settings.storage, create=False)
    except StorageError:
        return ()
    try:
        async with store.read() as tx:
            states = States.load(await tx.rule_states.load())
    finally:
        await store.close()
    return (Engine(settings.rules, settings.lists).usual(states),)


def _show(found: Collection[Finding], rules: int, *, known: bool) -> None:
    for each in found:
        problem = each.problem
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        say((place, "bold"), f"  {each.rule}  " if each.rule else "  ", (each.code, "yellow"))
        for line in _told(each):
            say(line)
        say("")
    told = plural(len(found), "finding") if found else "nothing found"
    say(f"{plural(rules, 'rule')}: {told}.", style="yellow" if found else "green")
    if not known:
        say("What is usual is not known here: there is no store, or none that answers.", style="dim")


def _told(finding: Finding) -> Iterator[str]:
    """Where in the rule, what, and what to do, in lines of a terminal's width."""
    _, _, inside = finding.problem.field.partition("].") if finding.rule else ("", "", finding.problem.field)
    what = f"{inside}: {finding.problem.what}" if inside else finding.problem.what
    for words in (what, finding.problem.fix):
        yield from textwrap.wrap(
            said(words), _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False, break_long_words=False
        )


def _facts(finding: Finding) -> dict[str, Any]:
    """For scripts."""
    problem = finding.problem
    return {
        "code": finding.code,
        "file": problem.file,
        "line": problem.line,
        "rule": finding.rule or None,
        "field": problem.field,
        "what": problem.what,
        "fix": problem.fix,
    }
