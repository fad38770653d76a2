"""What people read, in their language: the English texts stand in the code of a package, the French ones in its catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from notifiers.catalogue import typeset
from notifiers.message import Language


@dataclass(frozen=True, slots=True)
class Texts:
    """The catalogue at `path` in a package. It is read once: no build step makes another file of it."""

    package: str
    path: str

    def tongue(self, language: Language) -> NullTranslations:
        """The texts in one language: `gettext`, `ngettext`, `pgettext`."""
        return NullTranslations() if language == "en" else _translations(self)

    def french(self) -> Catalog:
        """The French catalogue as it is written, with plain spaces."""
        with files(self.package).joinpath(self.path).open("rb") as file:
            return read_po(file, locale="fr")


@cache
def _translations(texts: Texts) -> Translations:
    compiled = BytesIO()
    write_mo(compiled, _typeset(texts.french()))
    compiled.seek(0)
    return Translations(compiled)


def _typeset(catalogue: Catalog) -> Catalog:
    for message in catalogue:
        if message.id:
            said = message.string or ""
            message.string = typeset(said) if isinstance(said, str) else tuple(map(typeset, said))
    return catalogue
