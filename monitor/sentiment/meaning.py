"""Says what a text is about and what its author wants: topics, intents, what is sensitive, and whether somebody may be in danger.

It goes by words, not by understanding: the shipped lists (config/vocabularies) in French and English, and those of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from monitor.packaged import shipped
from monitor.sentiment import structure
from monitor.sentiment.safety import risk
from monitor.sentiment.settings import SentimentSettings, Words
from monitor.sentiment.vocabulary import Section, Vocabulary, read_entries, read_sections
from rules.words import said

LANGUAGES = ("en", "fr")  # of the shipped lists
_FILES = {"intents": "intents", "moderation": "intents", "topics": "topics", "sensitive": "sensitive", "safety": "safety"}
_DANGER = "danger"


class Met(NamedTuple):
    """What a text is about. `sensitive` and `safety_risk` are None where nothing was found in a language without lists."""

    topics: frozenset[str]
    intents: frozenset[str]
    sensitive: bool | None
    safety_risk: float | None


class Meaning:
    """Looks through a text once for everything that it may be about."""

    def __init__(self, settings: SentimentSettings) -> None:
        self._limit = settings.max_chars
        self._vocabulary = _vocabulary(settings)

    def of(self, text: str, *, cleaned: str, language: str) -> Met:
        """What a text is about; `cleaned` is the same text without addresses, whose question marks ask nothing."""
        parted = said(text[: self._limit])
        found = _Found(self._vocabulary.met(parted, language=language, asked="?" in cleaned or "؟" in cleaned))
        readable = language in LANGUAGES
        signs = found.of("safety")
        return Met(
            topics=frozenset(_with_wholes(found.of("topics"))),
            intents=frozenset(found.of("intents") | _formal(structure.form(text[: self._limit], parted))),
            sensitive=True if found.of("sensitive") else False if readable else None,
            safety_risk=risk(signs) if readable or signs else None,
        )


class _Found:
    """Names that were met, by their kind: they are looked for as `topics:delivery`."""

    def __init__(self, names: set[str]) -> None:
        self._by_kind: dict[str, set[str]] = {}
        for name in names:
            kind, _, plain = name.partition(":")
            self._by_kind.setdefault(kind, set()).add(plain)

    def of(self, kind: str) -> set[str]:
        return self._by_kind.get(kind, set())


def _with_wholes(names: set[str]) -> set[str]:
    """Who speaks of a part speaks of the whole: `delivery/late` is `delivery`, too."""
    return names | {name.partition("/")[0] for name in names}


def _formal(form: structure.Form) -> set[str]:
    """The intents that the form of a text gives away."""
    return {name for name, has in (("spam", form.pushes), ("press", form.shares), ("doxxing", form.exposes)) if has}


def _vocabulary(settings: SentimentSettings) -> Vocabulary:
    if not (settings.topics or settings.intents) and settings.shipped_topics:
        return _shipped_alone()
    return Vocabulary([*_configured("topics", settings), *_configured("intents", settings), *_rest()])


@lru_cache(maxsize=1)
def _shipped_alone() -> Vocabulary:
    return Vocabulary(_shipped())


@lru_cache(maxsize=1)
def _shipped() -> tuple[Section, ...]:
    """What comes with the program, each name under its kind."""
    return tuple(_read())


def _read() -> Iterator[Section]:
    vocabularies, words = shipped() / "vocabularies", shipped() / "words"
    for language in LANGUAGES:
        for file, kind in _FILES.items():
            for section in read_sections(vocabularies / f"{file}.{language}.txt", language):
                yield replace(section, name=f"{kind}:{section.name}")
        yield Section(f"safety:{_DANGER}", read_entries(words / f"{_DANGER}.{language}.txt"), language)


def _rest() -> Iterator[Section]:
    return (section for section in _shipped() if section.name.partition(":")[0] in {"sensitive", "safety"})


def _configured(kind: str, settings: SentimentSettings) -> Iterator[Section]:
    """The shipped vocabularies of a kind, less those that the configuration empties, and its own words."""
    own: Mapping[str, Words] = settings.topics if kind == "topics" else settings.intents
    emptied = {f"{kind}:{name}" for name, words in own.items() if not words}
    for section in _shipped() if kind == "intents" or settings.shipped_topics else ():
        if section.name.startswith(f"{kind}:") and not {section.name, section.name.partition("/")[0]} & emptied:
            yield section
    for name, words in own.items():
        for language, entries in words.items() if isinstance(words, Mapping) else [("", words)]:
            assert not isinstance(entries, str), "word files are read when the configuration is"
            yield Section(f"{kind}:{name}", tuple(entries), language)
