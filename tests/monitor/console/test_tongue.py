"""Both languages say everything."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from monitor.console.tongue import CATALOGUE, N_, french, tongue

_METHODS = [("**.py", "python"), ("**.html.j2", "jinja2")]
_PLACES = re.compile(r"%\((\w+)\)s")


@cache
def said() -> frozenset[str | tuple[str, ...]]:
    """Every text that code and templates say."""
    found = extract_from_dir(str(files("monitor.console")), _METHODS, {"**.html.j2": {"trimmed": "true"}})
    return frozenset(text for _, _, text, _, _ in found)


def test_every_text_is_translated_and_no_other() -> None:
    """The catalogue has what is said, no more and no less; `make messages` brings it up to date."""
    translated = {message.id for message in french() if message.id}
    assert sorted(map(str, said() - translated)) == []
    assert sorted(map(str, translated - said())) == []


def test_nothing_is_left_open() -> None:
    """No text is empty, marked as doubtful, or left over from before."""
    with files("monitor.console").joinpath(CATALOGUE).open("rb") as file:
        catalogue = read_po(file, locale="fr")
    assert catalogue.obsolete == {}
    for message in catalogue:
        strings = [message.string] if isinstance(message.string, str) else message.string or [""]
        assert not message.id or (all(strings) and not message.fuzzy), message.id


def test_the_places_are_the_same() -> None:
    """What is filled in into the English text is filled in into the French one."""
    for message in french():
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else message.id
        strings = [message.string] if isinstance(message.string, str) else message.string or ()
        asked = set(_PLACES.findall(ids[-1]))
        assert all(set(_PLACES.findall(each)) == asked for each in strings), message.id


@pytest.mark.parametrize("sign", [" ;", " !", " ?", " :", "« ", " »", "'"])
def test_french_is_typeset(sign: str) -> None:
    """Double punctuation never begins a line, and an apostrophe is one."""
    texts = tongue("fr")
    for message in french():
        if isinstance(message.id, str) and message.id:
            assert sign not in texts.gettext(message.id)


def test_english_is_what_the_code_says() -> None:
    """There is no English catalogue that could differ from it; apostrophes are typographic there, too."""
    assert tongue("en").gettext(N_("Sign out")) == "Sign out"
    assert [text for text in map(str, said()) if "'" in text and not text.startswith("(")] == []
