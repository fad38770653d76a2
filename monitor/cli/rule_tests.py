"""`tocsin rules test`: rules tested like code, each file by the stories that it tells."""

from __future__ import annotations

import textwrap
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from xml.etree import ElementTree as ET

import typer

from monitor.cli.app import rules
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, creating, loaded, plural, run, said, say
from monitor.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from monitor.rehearsal import Looked, Missed, StoryAlert
    from monitor.settings import RuleTests, Settings
    from rules.cases import Expected, Explained

_WIDTH = 80
_PASSED, _FAILED = ("✓", "green"), ("✗", "red")


@rules.command("test")
def test(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of rule tests; without any, all `rules/*.test.yaml`.", show_default=False),
    ] = None,
    config: ConfigDir = DEFAULT_CONFIG,
    junit: Annotated[Path | None, typer.Option(help="Also write the results as JUnit XML, for a build server.")] = None,
) -> None:
    """Test the rules: play each story of a file on a clock of its own, and compare what rings with what it expects.

    Nothing is sent or stored, and no source is asked. Exit code 0; 1 when a test fails; 78 when a file is wrong.
    """
    from monitor.settings import read_rule_tests

    settings = loaded(config)
    every = read_rule_tests(config, settings, files or _of(config))
    played: list[_Played] = []

    async def work() -> None:
        for each in every:
            say(str(each.path), style="bold")
            async for result in _played(settings, each):
                played.append(result)
                result.show()

    run(work)
    if junit is not None:
        with creating(junit):
            junit.write_bytes(_as_junit(played))
    failed = sum(1 for each in played if each.missed)
    say(f"{plural(len(played), 'test')}, {failed or 'none'} failed.", style="red" if failed else "green")
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def _of(config: Path) -> Sequence[Path]:
    from monitor.settings import rule_test_files

    if found := rule_test_files(config):
        return found
    raise UsageError(f"{config} has no rule tests: write rules/NAME.test.yaml, or say which files (docs/how-to/test-a-rule.md)")


@dataclass(frozen=True)
class _Played:
    """How one test went, in `seconds` of real time."""

    file: Path
    name: str
    missed: Sequence[Missed]
    seconds: float

    def show(self) -> None:
        """One line, and below it what went otherwise than expected."""
        say(_FAILED if self.missed else _PASSED, f" {said(self.name)}")
        for line in self.told():
            say(line)

    def told(self) -> Iterator[str]:
        """What was expected and what was seen, in lines of a terminal's width."""
        for each in self.missed:
            yield from _wrapped("expected: ", _expected(each.expected))
            yield from _wrapped("seen:     ", _seen(each.seen))


async def _played(settings: Settings, tests: RuleTests) -> AsyncIterator[_Played]:
    from monitor.rehearsal import rehearse

    for each in tests.tests:
        began = time.perf_counter()
        missed = await rehearse(settings, tests, each)
        yield _Played(tests.path, each.name, missed, time.perf_counter() - began)


def _wrapped(head: str, words: str) -> list[str]:
    first, others = f"    {head}", " " * (len(head) + 4)
    return textwrap.wrap(said(words), _WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def _expected(wanted: Expected | Explained | None) -> str:
    from rules.cases import Explained
    from rules.duration import format_duration

    if wanted is None:
        return "no such alert"
    if isinstance(wanted, Explained):
        return _taken(wanted.rule, matched=wanted.matched, failed_at=[wanted.failed_at] if wanted.failed_at else ())
    parts = [wanted.rule, *_key(wanted.key or {})]
    parts += [wanted.severity] if wanted.severity else []
    parts.append(f"by {format_duration(wanted.firing_by)}")
    parts += [f"plan {wanted.plan}"] if wanted.plan else []
    parts += [plural(wanted.notifications, "notification")] if wanted.notifications is not None else []
    return ", ".join(parts)


def _seen(seen: StoryAlert | Looked | None) -> str:
    from monitor.rehearsal import Looked
    from rules.duration import format_duration

    if seen is None:
        return "nothing"
    if isinstance(seen, Looked):
        return _taken(seen.rule, matched=seen.matched, failed_at=seen.failed_at)
    plans = [f"plan {name}" for name in sorted(seen.plans)] or ["no plan"]
    told = plural(seen.notifications, "notification")
    return ", ".join([seen.rule, *_key(seen.key), seen.severity, f"at {format_duration(seen.at)}", *plans, told])


def _key(key: Mapping[Any, str]) -> list[str]:
    return [f"{part} {value}" for part, value in key.items()]


def _taken(rule: str, *, matched: bool, failed_at: Sequence[str]) -> str:
    where = f", which fails at {', '.join(failed_at)}" if failed_at else ""
    return f"{rule} {'matches' if matched else 'does not match'}{where}"


def _as_junit(played: Sequence[_Played]) -> bytes:
    """One suite per file, as build servers read it."""
    suites = ET.Element("testsuites")
    for file in dict.fromkeys(each.file for each in played):
        of_file = [each for each in played if each.file == file]
        failures = sum(1 for each in of_file if each.missed)
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=said(str(file)),
            tests=str(len(of_file)),
            failures=str(failures),
            errors="0",
            time=_seconds(sum(each.seconds for each in of_file)),
        )
        for each in of_file:
            case = ET.SubElement(suite, "testcase", classname=said(str(file)), name=said(each.name), time=_seconds(each.seconds))
            if each.missed:
                ET.SubElement(case, "failure", message="not as expected").text = "\n".join(each.told())
    ET.indent(suites)
    written: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return written


def _seconds(time_taken: float) -> str:
    return f"{time_taken:.3f}"
