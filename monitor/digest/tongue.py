"""What digests and reports say, in French and English: the English texts stand in the code, the French ones in a catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from monitor.catalogues import Texts
from notifiers.reader import Reader

CATALOGUE: Final = "locale/fr/LC_MESSAGES/digest.po"
TEXTS: Final = Texts("monitor.digest", CATALOGUE)


def N_(text: str) -> str:  # noqa: N802 - the name that every gettext tool looks for
    """Marks a text that is translated where it is told."""
    return text


@dataclass(frozen=True, slots=True)
class Tongue:
    """Says texts to one reader, with what is filled in."""

    reader: Reader

    def gettext(self, text: str, **values: object) -> str:
        """A text, with its places filled in."""
        said = TEXTS.tongue(self.reader.language).gettext(text)
        return said % values if values else said

    def ngettext(self, one: str, several: str, number: int, **values: object) -> str:
        """A text about so many; `n` is the number as its reader writes it."""
        said = TEXTS.tongue(self.reader.language).ngettext(one, several, number)
        return said % {"n": self.reader.count(number), **values}
