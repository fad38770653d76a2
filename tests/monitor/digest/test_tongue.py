"""Both languages say everything that digests say."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

from monitor.digest.tongue import TEXTS

_METHODS = [("**.py", "python"), ("**.html.j2", "jinja2")]
_KEYWORDS = DEFAULT_KEYWORDS | {"say": None}
_PLACES = re.compile(r"%\((\w+)\)s")


@cache
def said() -> frozenset[str | tuple[str, ...]]:
    """Every text that code and templates say."""
    found = extract_from_dir(str(files("monitor.digest")), _METHODS, {"**.html.j2": {"trimmed": "true"}}, keywords=_KEYWORDS)
    return frozenset(text for _, _, text, _, _ in found)


def test_every_text_is_translated_and_no_other() -> None:
    """The catalogue has what is said, no more and no less; `make messages` brings it up to date."""
    translated = {message.id for message in TEXTS.french() if message.id}
    assert sorted(map(str, said() - translated)) == []
    assert sorted(map(str, translated - said())) == []


def test_nothing_is_left_open_and_the_places_are_the_same() -> None:
    """What is filled in into the English text is filled in into the French one."""
    for message in TEXTS.french():
        if message.id:
            strings = [message.string] if isinstance(message.string, str) else message.string or [""]
            ids = [message.id] if isinstance(message.id, str) else message.id
            assert all(strings), message.id
            assert not message.fuzzy, message.id
            assert all(set(_PLACES.findall(each)) == set(_PLACES.findall(ids[-1])) for each in strings), message.id


@pytest.mark.parametrize("sign", [" ;", " !", " ?", " :", "« ", " »", "'"])
def test_french_is_typeset(sign: str) -> None:
    """Double punctuation never begins a line, and an apostrophe is one."""
    for message in TEXTS.french():
        if isinstance(message.id, str) and message.id:
            assert sign not in TEXTS.tongue("fr").gettext(message.id)
