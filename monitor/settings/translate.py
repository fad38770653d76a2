"""What pydantic found wrong, in plain words: the value as written, what is wanted instead, and the nearest right name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from pydantic_core import ErrorDetails

from monitor.sentiment.settings import PATTERN
from monitor.settings.kinds import PHONE
from monitor.settings.problems import Problem, choices, suggest
from monitor.settings.reading import Data, Document, Path_, at
from monitor.settings.secrets import Filled
from monitor.settings.shape import TAGS, Shape
from rules.base import nearest

# The noun for what is wanted, by the beginning of pydantic's error type.
_WANTED = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_": "a whole number",
    "float_": "a number",
    "finite_number": "a number",
    "decimal_": "a number",
    "bool_": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "settings by name (`name: value`)",
    "mapping_type": "settings by name (`name: value`)",
    "model_type": "settings by name (`name: value`)",
    "model_attributes_type": "settings by name (`name: value`)",
    "date_": "a date such as 2026-11-01",
    "time_delta_": "a length of time such as 90s, 5m, 2h or 1d",
    "time_": "a time of day such as 08:30",
    "url_": "a web address such as https://example.org/feed",
    "path_type": "the path of a file",
}
_PATTERNS = {
    r"^[a-z0-9][a-z0-9_-]{0,63}$": "a short name of small letters, digits, - and _ (64 at most)",
    PHONE: "a telephone number such as +33 6 12 34 56 78",
    PATTERN: "a name of small letters, digits, - and _, or two joined by a stroke such as delivery/late",
}
_LIMITS = {
    "greater_than_equal": ("ge", "must be at least {}."),
    "greater_than": ("gt", "must be more than {}."),
    "less_than_equal": ("le", "must be at most {}."),
    "less_than": ("lt", "must be less than {}."),
    "multiple_of": ("multiple_of", "must be a multiple of {}."),
}
_EMPTY, _FILL = "is empty.", "Give it a value (in quotes when it begins with #), or remove the line."
_MAX_QUOTED = 60
_NAMED = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")


class Translator:
    """Translates the errors of one document; never quotes what is, or was filled in from, a secret."""

    def __init__(self, document: Document, filled: Filled, shape: Shape) -> None:
        self._document, self._filled, self._shape = document, filled, shape

    def translate(self, errors: Iterable[ErrorDetails]) -> list[Problem]:
        """One problem per place: of a value that may have several forms, the form that came nearest speaks."""
        by_path: dict[Path_, list[ErrorDetails]] = defaultdict(list)
        for error in errors:
            path = self._path(error)
            if not self._only_seems_short(path, error):
                by_path[path].append(error)
        return [self._problem(path, found) for path, found in by_path.items() if not _is_other_form(path, found, by_path)]

    def _only_seems_short(self, path: Path_, error: ErrorDetails) -> bool:
        """Whether a list is called too short because its faulty entries, which have problems of their own, do not count."""
        value = at(self._filled.data, path)
        return error["type"] == "too_short" and isinstance(value, list) and len(value) >= error["ctx"]["min_length"]

    def _path(self, error: ErrorDetails) -> Path_:
        """Where the error stands in the file: pydantic's own location, less the names of kinds and forms it puts in."""
        here: Data = self._filled.data
        path: Path_ = ()
        tagged = False
        for part in error["loc"]:
            if isinstance(here, Mapping) and part in here and (tagged or part not in {here.get(tag) for tag in _tags(here)}):
                here, path, tagged = here[str(part)], (*path, part), False
            elif isinstance(here, list) and isinstance(part, int) and part < len(here):
                here, path, tagged = here[part], (*path, part), False
            else:
                tagged = True
        name = error["loc"][-1] if error["loc"] else None
        return (*path, name) if error["type"] == "missing" and isinstance(name, str) else path

    def _problem(self, path: Path_, errors: list[ErrorDetails]) -> Problem:
        nouns = list(dict.fromkeys(noun for error in errors if (noun := _noun(error))))
        if len(nouns) == len(errors) or (nouns and len({error["type"] for error in errors}) == 1):
            return self._not_a(path, nouns)
        error = next(error for error in errors if not _noun(error))
        match error["type"]:
            case "extra_forbidden" | "unknown_key":
                return self._unknown(path)
            case "missing" if isinstance(error["loc"][-1], str):
                return self._missing(path)
            case "union_tag_not_found":
                return self._no_kind(path)
            case "union_tag_invalid" | "literal_error" | "enum":
                return self._not_one_of(path, error)
        return self._document.problem(self._named(path, error), *self._other(path, error))

    def _named(self, path: Path_, error: ErrorDetails) -> Path_:
        """The setting that a check of a whole section names first, where it is written; else the section."""
        named = _NAMED.search(error["msg"]) if error["type"] == "value_error" else None
        inside = (*path, *named[1].split(".")) if named else path
        return inside if inside in self._document.lines else path

    def _unknown(self, path: Path_) -> Problem:
        parent = path[:-1]
        beside = at(self._filled.data, parent)
        known = self._shape.names(parent, self._filled.data) - set(beside if isinstance(beside, Mapping) else ())
        for tag in TAGS:
            if kinds := self._kinds_with(path, tag):
                what = f"is a setting of the {tag} {choices(kinds)} alone."
                return self._document.problem(path, what, f"Remove it, or write that {tag}.")
        return self._document.problem(path, "unknown setting.", suggest(str(path[-1]), known))

    def _kinds_with(self, path: Path_, tag: str) -> set[str]:
        """The other kinds of the same thing that have this setting."""
        others = [schema.get("properties", {}) for schema in self._shape.at(path[:-1], {})]
        return {
            properties[tag]["const"] for properties in others if path[-1] in properties and "const" in properties.get(tag, {})
        }

    def _missing(self, path: Path_) -> Problem:
        about = self._shape.description(path, self._filled.data)
        fix = f"Add `{path[-1]}:` ({about})." if about else f"Add `{path[-1]}:`."
        return self._document.problem(path, "is missing.", fix)

    def _no_kind(self, path: Path_) -> Problem:
        known = self._kinds(path)
        tag = next(tag for tag in TAGS if known[tag])
        return self._document.problem((*path, tag), "is missing.", f"Add `{tag}:` with one of {choices(known[tag])}.")

    def _kinds(self, path: Path_) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {tag: set() for tag in TAGS}
        for schema in self._shape.at(path, {}):
            for tag in TAGS:
                wanted = schema.get("properties", {}).get(tag, {})
                found[tag].update(wanted.get("enum", [wanted["const"]] if "const" in wanted else []))
        return found

    def _not_one_of(self, path: Path_, error: ErrorDetails) -> Problem:
        context = error.get("ctx", {})
        if error["type"] == "union_tag_invalid":
            path = (*path, str(context["discriminator"]).strip("'"))
        allowed = re.findall(r"'([^']*)'|\b(\d+)\b", str(context.get("expected_tags", context.get("expected"))))
        names = [name or number for name, number in allowed]
        near = nearest(self._document.written.get(path, ""), names)
        fix = f"Did you mean `{near}`?" if near else ""
        instead = f", not `{path[-1]}`" if error["loc"][-1:] == ("[key]",) else self._instead(path)
        return self._document.problem(path, f"must be {choices(names)}{instead}.", fix)

    def _not_a(self, path: Path_, nouns: list[str]) -> Problem:
        value = at(self._filled.data, path)
        if value is None and path in self._document.written:
            return self._document.problem(path, _EMPTY, _FILL)
        fix = "Put it in quotes." if isinstance(value, int | float) and "text" in nouns else ""
        if nouns == ["a list"] and isinstance(value, Mapping):
            fix = "Begin each entry with `- `, or put brackets around it."
        plain = (schema for schema in self._shape.at(path, self._filled.data) if "format" not in schema)
        if "text" not in nouns and any(schema.get("type") == "string" for schema in plain):
            nouns = ["text", *nouns]
        return self._document.problem(path, f"must be {' or '.join(nouns)}{self._instead(path)}.", fix)

    def _other(self, path: Path_, error: ErrorDetails) -> tuple[str, str]:
        kind, context = error["type"], error.get("ctx", {})
        if at(self._filled.data, path) is None and path in self._document.written:
            return _EMPTY, _FILL
        if kind in _LIMITS:
            name, words = _LIMITS[kind]
            return words.format(_said(context[name])).removesuffix(".") + f"{self._instead(path)}.", ""
        if kind == "string_pattern_mismatch":
            wanted = _PATTERNS.get(context["pattern"], f"text like {context['pattern']}")
            return f"must be {wanted}{self._instead(path)}.", ""
        if kind == "missing":
            return "has too few entries.", "Add what is missing."
        if kind in {"too_short", "string_too_short"} and context["min_length"] == 1:
            return "must not be empty.", "Write at least one, or remove the setting."
        return self._own_words(path, error), ""

    def _own_words(self, path: Path_, error: ErrorDetails) -> str:
        """The words of a model's own check, with every secret taken out."""
        said = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        value = at(self._filled.data, path)
        if isinstance(value, str) and value and self._shape.is_secret(path, self._filled.data):
            said = said.replace(value, "…")
        said = self._filled.conceal(said)
        return said if said.endswith((".", "?")) else f"{said}."

    def _instead(self, path: Path_) -> str:
        """What was written instead, where that may be shown."""
        written = self._document.written.get(path)
        if not written or self._shape.is_secret(path, self._filled.data):
            return ""
        return f", not `{written if len(written) <= _MAX_QUOTED else written[:_MAX_QUOTED] + '…'}`"


def _tags(here: Mapping[str, Any]) -> list[str]:
    return [tag for tag in TAGS if isinstance(here.get(tag), str)]


def _noun(error: ErrorDetails) -> str | None:
    return next((noun for start, noun in _WANTED.items() if error["type"].startswith(start)), None)


def _is_other_form(path: Path_, errors: list[ErrorDetails], all_paths: Mapping[Path_, Any]) -> bool:
    """Whether another form of the same value got further, so that this one's complaint would only confuse."""
    deeper = any(len(other) > len(path) and other[: len(path)] == path for other in all_paths)
    return deeper and all(_noun(error) for error in errors)


def _said(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    return f"{value:g}" if isinstance(value, float) else str(value)
