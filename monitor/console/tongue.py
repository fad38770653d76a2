"""What people read in the console, in their language: the English texts stand in the code, the French ones in a catalogue."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from notifiers.catalogue import typeset
from notifiers.message import Language

CATALOGUE = "locale/fr/LC_MESSAGES/console.po"


def N_(text: str) -> str:  # noqa: N802 - the name that every gettext tool looks for
    """Marks a text that is translated where it is shown."""
    return text


@lru_cache(maxsize=2)
def tongue(language: Language) -> NullTranslations:
    """The texts in one language: `gettext`, `ngettext`, `pgettext`."""
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, _typeset(french()))
    compiled.seek(0)
    return Translations(compiled)


def french() -> Catalog:
    """The French catalogue as it is written, with plain spaces."""
    with files("monitor.console").joinpath(CATALOGUE).open("rb") as file:
        return read_po(file, locale="fr")


@lru_cache(maxsize=1)
def texts() -> frozenset[str]:
    """Every English text that there is."""
    return frozenset(message.id if isinstance(message.id, str) else message.id[0] for message in french() if message.id)


def _typeset(catalogue: Catalog) -> Catalog:
    for message in catalogue:
        if message.id:
            said = message.string or ""
            message.string = typeset(said) if isinstance(said, str) else tuple(map(typeset, said))
    return catalogue
