"""What people read in the console, in their language: the English texts stand in the code, the French ones in a catalogue."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from babel.messages.catalog import Catalog
from babel.support import NullTranslations

from monitor.catalogues import Texts
from notifiers.message import Language

CATALOGUE: Final = "locale/fr/LC_MESSAGES/console.po"
_TEXTS: Final = Texts("monitor.console", CATALOGUE)


def N_(text: str) -> str:  # noqa: N802 - the name that every gettext tool looks for
    """Marks a text that is translated where it is shown."""
    return text


def tongue(language: Language) -> NullTranslations:
    """The texts in one language: `gettext`, `ngettext`, `pgettext`."""
    return _TEXTS.tongue(language)


def french() -> Catalog:
    """The French catalogue as it is written, with plain spaces."""
    return _TEXTS.french()


@lru_cache(maxsize=1)
def texts() -> frozenset[str]:
    """Every English text that there is."""
    return frozenset(message.id if isinstance(message.id, str) else message.id[0] for message in french() if message.id)
