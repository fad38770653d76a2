"""What is wrong with the configuration, in words that say where it stands and how to put it right."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.domain.errors import ExitCode, TocsinError
from rules.base import nearest


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault. `file` is the path as it was given, `line` counts from 1 (0: the file as a whole), `field` is dotted."""

    file: str
    line: int
    field: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        said = f"{self.what} {self.fix}".strip()
        return f"{where}: {self.field}: {said}" if self.field else f"{where}: {said}"


class ConfigError(TocsinError):
    """The configuration cannot be used. Its text has one line per problem, all files together, and never holds a secret."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def choices(names: Collection[str], limit: int = 12) -> str:
    """The names in order, quoted, cut short when there are many: "`a`, `b` or `c`"."""
    ordered = [f"`{name}`" for name in sorted(names)]
    if len(ordered) > limit:
        return ", ".join([*ordered[:limit], "…"])
    return " or ".join([", ".join(ordered[:-1]), ordered[-1]] if len(ordered) > 1 else ordered)


def suggest(written: str, known: Collection[str]) -> str:
    """The fix for an unknown name: the nearest known one, or all that exist."""
    if not known:
        return "There are none yet: add it, or remove this."
    near = nearest(written, known)
    return f"Did you mean `{near}`?" if near else f"Known here: {choices(known)}."
