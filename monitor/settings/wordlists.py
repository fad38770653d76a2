"""The word lists of all rule files and of the scoring, with the text files they stand in; and what rules ask of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.packaged import shipped
from monitor.sentiment.settings import Entries, SentimentSettings, Words
from monitor.settings.names import conditions, texts
from monitor.settings.problems import Problem
from monitor.settings.reading import Document, Path_, at, read_lines
from rules import patterns
from rules.lists import BadListError, Lists, UnknownListError
from rules.words import BadEntryError, parse_entry

MAX_BYTES = 8 * 1024 * 1024
_WORDS = ("any_of", "all_of", "none_of")


@dataclass
class WordLists:
    """What was read: lists by name, and what is wrong with them."""

    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    places: dict[str, tuple[Document, Path_]] = field(default_factory=dict)


def read_lists(documents: Sequence[Document], directory: Path) -> WordLists:
    """All lists of all rule files. A text in place of a list is the path of a text file with one entry a line."""
    found = WordLists()
    for document in documents:
        written = at(document.data, ("lists",))
        for name in written if isinstance(written, Mapping) else ():
            path: Path_ = ("lists", name)
            found.places.setdefault(name, (document, path))
            value = at(document.data, path)
            if isinstance(value, str):
                found.lists[name] = _word_file(found, document, path, value, directory)
            else:
                found.lists[name] = tuple(entry for _, entry in texts(document.data, path))
    return found


def _word_file(found: WordLists, document: Document, path: Path_, written: str, directory: Path) -> tuple[str, ...]:
    """The entries of a text file, looked for beside the rule file, in the configuration, and among the shipped ones."""
    for folder in (Path(document.file).parent, directory, shipped()):
        if (folder / written).is_file():
            words, problems = read_lines(folder / written, MAX_BYTES)
            found.problems += problems
            if not words and not problems:
                found.warnings.append(document.problem(path, f"the list {written} is empty.", "Write one entry a line."))
            return words
    if not written:
        found.problems.append(document.problem(path, "is empty.", "Write entries in brackets, or the path of a text file."))
        return ()
    if any((folder / written).is_dir() for folder in (Path(document.file).parent, directory)):
        found.problems.append(document.problem(path, f"{written} is a folder.", "Name one of the text files in it."))
        return ()
    fix = f"It is looked for beside this file, in {directory} and among the shipped lists."
    found.problems.append(document.problem(path, f"there is no file {written}.", fix))
    return ()


def read_vocabularies(document: Document, sentiment: SentimentSettings, directory: Path, found: WordLists) -> SentimentSettings:
    """The settings of scoring with the words of the files that they name; what is wrong is noted in `found`."""
    filled = {
        kind: {name: _filled(found, document, ("sentiment", kind, name), words, directory) for name, words in own.items()}
        for kind, own in (("topics", sentiment.topics), ("intents", sentiment.intents))
    }
    return sentiment.model_copy(update=filled)


def _filled(found: WordLists, document: Document, path: Path_, words: Words, directory: Path) -> Words:
    if isinstance(words, Mapping):
        return {each: _entries(found, document, (*path, each), inside, directory) for each, inside in words.items()}
    return _entries(found, document, path, words, directory)


def _entries(found: WordLists, document: Document, path: Path_, words: Entries | str, directory: Path) -> Entries:
    """The words, or those of the file whose path they are."""
    if not isinstance(words, str):
        return words
    read = _word_file(found, document, path, words, directory)
    for entry in read:
        try:
            parse_entry(entry)
        except BadEntryError as bad:
            found.problems.append(document.problem(path, _sentence(ValueError(f"in {words}, {bad}"))))
    return read


def check_uses(documents: Sequence[Document], found: WordLists) -> Iterator[Problem]:
    """Problems with the lists, words and patterns that conditions name, in the rule language's own words."""
    lists = Lists(found.lists)
    for document in documents:
        for path, entry in uses(document):
            try:
                if path[-1] in {"in_list", "list"}:
                    lists.labels(entry)
                elif "regex" in path[-2:]:
                    patterns.compiled([entry])
                else:
                    lists.words([entry])
            except BadListError as bad:
                where, place = found.places[bad.name]
                yield where.problem(place, _sentence(bad))
            except (UnknownListError, BadEntryError, patterns.BadPatternError) as bad:
                yield document.problem(path, _sentence(bad))


def uses(document: Document) -> Iterator[tuple[Path_, str]]:
    """Every entry of every condition that may name a list or is a pattern, with its path, which ends in what it is."""
    for place in _asking(document):
        for path, condition in conditions(document.data, place):
            if not isinstance(condition, Mapping):
                continue
            if isinstance(name := condition.get("in_list"), str):
                yield (*path, "in_list"), name
            if isinstance(near := condition.get("near"), Mapping) and isinstance(name := near.get("list"), str):
                yield (*path, "near", "list"), name
            for operator in (*_WORDS, "regex"):
                yield from texts(document.data, (*path, operator))


def _asking(document: Document) -> Iterator[Path_]:
    """What has conditions: the rules of a rule file; the routes, inhibitions and silences of monitor.yaml."""
    sections: tuple[Path_, ...] = (("rules",), ("routing", "routes"), ("routing", "inhibit"), ("silences",))
    for section in sections:
        found = at(document.data, section)
        if section == ("routing", "inhibit") and isinstance(found, Mapping):
            yield section  # a single one
        elif isinstance(found, Mapping):
            yield from ((*section, name) for name in found)
        elif isinstance(found, list):
            yield from ((*section, index) for index, _ in enumerate(found))


def _sentence(error: Exception) -> str:
    said = str(error)
    return said if said.endswith((".", "?", "!")) else f"{said}."
