"""The catalogue is complete in both languages, and its French is well set."""

from __future__ import annotations

import re
import string

from notifiers.catalogue import PHRASES, say, typeset
from notifiers.wording import TROUBLES

_PLACEHOLDERS = {"of_subject": "subject"}  # English has no elision, so it names the subject itself


def _placeholders(phrase: str) -> set[str]:
    names = {name for _, name, _, _ in string.Formatter().parse(phrase) if name}
    return {_PLACEHOLDERS.get(name, name) for name in names}


def test_both_languages_know_the_same_phrases() -> None:
    """No message can come to a phrase that one language lacks."""
    assert PHRASES["fr"].keys() == PHRASES["en"].keys()


def test_both_languages_say_the_same_facts() -> None:
    """A placeholder in one language stands in the other too."""
    for key, french in PHRASES["fr"].items():
        assert _placeholders(french) == _placeholders(PHRASES["en"][key]), key


def test_plural_forms_come_in_pairs() -> None:
    """A phrase with a plural has a singular, except where a number is above one by nature."""
    keys = PHRASES["fr"].keys()
    plural = {key.removesuffix(".other") for key in keys if key.endswith(".other")}
    assert all(f"{key}.one" in keys for key in plural)


def test_every_trouble_has_its_word() -> None:
    """Why a source is silent is said in the reader's language."""
    assert {f"trouble.{trouble}" for trouble in TROUBLES} <= PHRASES["fr"].keys()


def test_french_colons_and_quotes_never_stand_alone_at_a_line_end() -> None:
    """A plain space before `: ; ! ?` or inside « » would let the line break there."""
    for key, phrase in PHRASES["fr"].items():
        assert not re.search(r" [:;!?»]|« | —", phrase), key
        assert "'" not in phrase, key


def test_typesetting_knows_the_marks() -> None:
    """No-break spaces before a colon and inside quotes, narrow ones before the high marks."""
    assert typeset("Quoi ? « Oui » : non ; si !") == "Quoi\u202f? «\u00a0Oui\u00a0»\u00a0: non\u202f; si\u202f!"


def test_values_are_never_read_as_templates() -> None:
    """A name with braces stays a name with braces."""
    assert say("en", "topic", subject="{n.__class__}", n="1") == "{n.__class__}: incident 1"
