"""A digest in its reader's words, in sections: every way of writing it out shows this and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from monitor.charts.chart import Chart, Table
from monitor.charts.look import Look
from notifiers.reader import Reader

Tone = Literal["", "critical", "warning", "info", "good"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is said, with what belongs to it below. `mark` is a word that stands before it, in a tone.

    `link` is safe to follow, or "". Texts are cleaned, and hostile until escaped.
    """

    text: str
    under: str = ""
    link: str = ""
    mark: str = ""
    tone: Tone = ""
    quoted: bool = False  # somebody else's words
    page: str = ""  # of the console, from its root, such as "/alerts/7"


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading. `draw` makes its chart for whoever looks at it; the chart brings a table of its own."""

    key: str
    title: str
    lines: Sequence[Line] = ()
    table: Table | None = None
    verdicts: Sequence[Tone] = ()  # of the table's rows, where these were held against something
    draw: Callable[[Look], Chart] | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """All of it. `headline` says the whole in a line; `subject` is that of the mail; `facts` is what machines are told."""

    name: str
    kind: str
    day: str  # ISO 8601
    reader: Reader
    brand: str
    title: str
    period: str
    subject: str
    headline: str
    checked: str
    urgent: str
    calm: bool
    sections: Sequence[Section]
    footer: str
    console: str = ""  # where the console is reached from outside
    facts: Mapping[str, Any] = field(default_factory=dict)

    def leads(self, line: Line) -> str:
        """Where a line leads whoever reads it elsewhere than in the console; or ""."""
        return line.link or (f"{self.console}{line.page}" if self.console and line.page else "")


@dataclass(frozen=True, slots=True)
class Told:
    """What differs from one kind to another. Without a `subject` the mail is called by its title and period."""

    headline: str
    checked: str
    urgent: str
    sections: Sequence[Section]
    subject: str = ""
