"""A text on its way to those who score it: in the forms that each of them needs, each made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.sentiment.reading import Reading


@dataclass(frozen=True)
class Post:
    """`posted` is the text as it was posted, with links and handles; `cleaned` without; `language` an ISO 639 code or `und`."""

    posted: str
    cleaned: str
    language: str

    @cached_property
    def reading(self) -> Reading:
        """As the models read it."""
        from monitor.sentiment.reading import read  # noqa: PLC0415 for those whom a model scores

        return read(self.posted)

    @cached_property
    def shown(self) -> list[float]:
        """The signals in its reading."""
        from monitor.sentiment.signals import signals  # noqa: PLC0415 likewise

        return signals(self.reading, self.language)
