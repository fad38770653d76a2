"""The kind `source_health`: how a source that fell silent is told."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from rules.duration import PositiveDuration
from rules.model.base import Told
from rules.model.parts import Evidence, Ids, Receivers, Severity


class SourceHealthRule(Told):
    """Says how a source that fell silent is told. Of several such rules the first that covers the source counts.

    Without one, every source is watched all the same, and `routing.ops` is told.
    """

    key: ClassVar = ("source",)
    category: ClassVar = "health"
    plan: ClassVar = None
    evidence: ClassVar = Evidence()

    kind: Literal["source_health"]
    sources: Ids = Field((), description="names of sources of monitor.yaml; left out, all")
    silent_for: PositiveDuration | None = Field(
        None, description="how long a source may be silent; left out, its `silent_after`, or else three polls and at least 10m"
    )
    stopped: Severity = Field("critical", description="how loud it rings when the source is not asked again: access was refused")
    notify: Receivers = Field((), description="receivers, people or roles; empty means `routing.ops`")

    def covers(self, source: str) -> bool:
        """Whether it watches a source of this name."""
        return not self.sources or source in self.sources
