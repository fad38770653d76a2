"""The words of a plan: in several languages, with places that the incident fills in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

Language = Literal["fr", "en"]
Localized = dict[Language, Annotated[str, Field(min_length=1)]]

PLACES: Final[Mapping[str, str]] = {
    "brand": "the name of the brand",
    "subject": "what the incident is about, as people call it",
    "level": "the level of the run, by its name",
    "since": "when it began, by the clock of whoever reads",
    "now": "the time at which the words are shown",
    "next_update": "when the next word is due: an hour from now, to the next quarter",
    "mentions": "how many posts spoke of it within the plan's window",
    "authors": "how many people did",
    "lead": "who leads the run",
}
"""What a `{{place}}` may be called, and what fills it. Nothing else is looked up, computed or run: they are no programs."""

ALWAYS_KNOWN: Final = frozenset({"brand", "subject", "since", "now", "next_update"})
"""The places that are filled in whatever is known: words that are published by a machine have no others."""

_PLACE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)


def places(text: str) -> Iterator[str]:
    """The names between double braces, in their order."""
    return (found[1] for found in _PLACE.finditer(text))


def filled(text: str, known: Mapping[str, str]) -> str:
    """The text with its places filled in. One that is not known stays as it is written, so that a person sees it."""
    return _PLACE.sub(lambda found: known.get(found[1], found[0]), text)


def localized(texts: Mapping[Language, str], language: Language) -> str:
    """The text in the language asked for, or in whichever there is: words in another language beat no words."""
    return texts.get(language) or next(iter(texts.values()), "")
