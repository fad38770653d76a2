"""One measured figure, beside the bar it must clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`bar` is None for what is told for its own sake; `at_least` says on which side of the bar the good lies."""

    group: str
    what: str
    value: float
    unit: str
    bar: float | None = None
    at_least: bool = False
    how: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the figure clears its bar; None without one."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value < self.bar

    def as_json(self) -> dict[str, Any]:
        """The figure for scripts."""
        return {
            "group": self.group,
            "figure": self.what.strip(),
            "value": round(self.value, 4),
            "unit": self.unit,
            "bar": self.bar,
            "holds": self.holds,
            "how": self.how,
        }
