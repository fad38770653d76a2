"""What `tocsin check` says: every problem, every warning, and in one line what the configuration amounts to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.domain.clock import SystemClock
from monitor.domain.errors import ExitCode
from monitor.settings import advice, plan_advice
from monitor.settings.load import folder_of, read_all
from monitor.settings.model import Settings
from monitor.settings.problems import Problem


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a configuration folder. Problems stop the start; warnings never do."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    summary: str
    observed: str = ""  # what nobody is told of, as long as it is only observed

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with: 0, or 78."""
        return ExitCode.CONFIGURATION if self.problems else ExitCode.OK


def check(
    directory: Path,
    *,
    environ: Mapping[str, str] | None = None,
    today: date | None = None,
    now: datetime | None = None,
    last_drills: Callable[[Settings], Mapping[str, date] | None] = lambda _: None,
) -> Report:
    """Look a configuration folder over. Never raises for what it finds there.

    `last_drills` says when each plan was last rehearsed, or None where nobody can tell.
    """
    now = now or SystemClock().now()
    today = today or now.date()
    loaded = read_all(directory, environ=environ, today=today)
    if loaded.settings is not None and (drilled := last_drills(loaded.settings)) is not None:
        for document, plan in loaded.own_plans:
            loaded.warnings += plan_advice.unrehearsed(document, plan, drilled.get(plan.id), today)
    if loaded.settings is not None and loaded.monitor is not None:
        loaded.warnings += advice.observed_no_more(loaded.monitor, loaded.settings, now)
    problems, warnings = tuple(loaded.problems), tuple(sorted(set(loaded.warnings)))
    if loaded.settings is not None and loaded.monitor is not None:
        # Not at every start: what an update of Apprise no longer knows must not keep the other receivers from being told.
        problems = (
            *advice.unknown_services(loaded.monitor, loaded.settings),
            *advice.unusable_models(loaded.monitor, loaded.settings),
        )
    settings = None if problems else loaded.settings
    return Report(problems, warnings, _summary(directory, settings, len(problems), len(warnings)), _observed(settings, now))


def render(report: Report) -> str:
    """The report as text: a line per problem and per warning, then the summary."""
    lines = [*(str(problem) for problem in report.problems), *(f"warning: {warning}" for warning in report.warnings)]
    return "\n".join([*lines, report.summary, *([report.observed] if report.observed else [])])


def _observed(settings: Settings | None, now: datetime) -> str:
    """Nobody must believe that something rings when it does not."""
    if settings is None:
        return ""
    ends, named = settings.observing.ends(settings.timezone), settings.observed_by_themselves
    if ends is not None and now < ends:
        until = ends.astimezone(ZoneInfo(settings.timezone)).strftime("%Y-%m-%d %H:%M")
        return f"Everything is only observed until {until}: nothing rings but exempt rules and Tocsin's own health."
    said = ", ".join(f"{what} {name}" for what, name in named)
    return f"Only observed, nobody is told: {said}." if said else ""


def _summary(directory: Path, settings: Settings | None, problems: int, warnings: int) -> str:
    if settings is None:
        return f"{directory}: {_count(problems, 'problem')} to put right."
    # One file of one's own puts all shipped rules out of force, that about danger to people included: it is said.
    whose = "own" if folder_of(directory, "rules") == directory / "rules" else "shipped"
    parts = (
        (len(settings.subjects), "subject"),
        (len(settings.sources), "source"),
        (len(settings.receivers), "receiver"),
        (len(settings.rules), f"{whose} rule"),
        (len(settings.plans), "plan"),
    )
    said = f"{directory}: fine. {', '.join(_count(number, noun) for number, noun in parts)}"
    said = f"{said}; {_count(warnings, 'warning')}." if warnings else f"{said}."
    return f"{said} Store: {settings.storage.place}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
