"""Turns a JSON Schema into a page of Markdown in which every setting has a heading, a sentence and its facts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from monitor.settings.schema import ALWAYS
from monitor.settings.shape import TAGS
from rules.where import Where

NOTE = "<!-- Generated from the code by `make docs`: edit the descriptions there, not here. -->"

Schema = Mapping[str, Any]
# Models that have a section of their own wherever they are used: the prefix of their settings, and their title.
SHARED = {
    "Where": ("where", "Conditions: `where`"),
    "AlertWhere": ("alert", "Conditions on alerts"),
    "FiguresWhere": ("figures", "Conditions on figures"),
    "SeverityTest": ("severity", "Tests of a severity"),
    "NumberTest": ("number", "Tests of a number"),
    "LabelTest": ("name", "Tests of a name"),
    "FlagTest": ("flag", "Tests of true or false"),
    "WordsTest": ("text", "Tests of text"),
}
# Of these only what is their own is told: the rest stands elsewhere.
EXTENDING = {
    "AlertWhere": (
        {field.alias or name for name, field in Where.model_fields.items()},
        "All other conditions, and the blocks `any`, `all` and `not`, are [those of rules](rules.md#conditions-where).",
    )
}
# Unions that have pages of their own.
ELSEWHERE = {"sources": "sources.md", "receivers": "receivers.md"}
# Unions of kinds that have much in common: that is told once, before the kinds.
ALIKE = {"plan.steps"}
_LANGUAGES = {"fr", "en"}
_DURATION = "duration (`90s`, `5m`, `2h`, `1d`, `1w`)"
_FORMATS = {
    "duration": _DURATION,
    "password": "secret",
    "date": "date (`2026-11-01`)",
    "path": "path of a file",
    "file-path": "path of a file",
    "uri": "web address",
}
_PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_PLURALS = {kind: f"{kind}s" for kind in ("text", "number", "whole number", "secret", "short name")}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "maxLength": "up to {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


class Page:
    """One page of settings. `defaults` are those that the schema hides because the setting may hold a password."""

    def __init__(self, title: str, intro: str, schema: Schema, defaults: Mapping[str, str] | None = None) -> None:
        self._schema = schema
        self._defs: Schema = schema.get("$defs", {})
        self._defaults = defaults or {}
        self._lines = [NOTE, "", f"# {title}", "", intro]
        self._shared: list[str] = []

    def text(self) -> str:
        """The finished page, with the shared sections at its end; telling one may call for another."""
        for name in self._shared:
            prefix, title = SHARED[name]
            model = self._defs[name]
            self._section(title, model)
            told, where = EXTENDING.get(name, (frozenset(), ""))
            self._lines += ["", where] if where else []
            self._fields({**model, "properties": _without(model["properties"], told)}, f"{prefix}.", 3)
        return "\n".join(self._lines).rstrip() + "\n"

    def tree(self) -> Page:
        """The settings of the file that the schema describes."""
        self._fields(self._schema, "", 2)
        return self

    def kinds(self, common: type[BaseModel], title: str) -> Page:
        """One section per kind of a union; what all have in common stands once, at the beginning."""
        base = common.model_json_schema()
        self._defs = {**self._defs, **base.get("$defs", {})}
        self._section(title, {})
        self._fields(base, "", 3)
        for branch in self._schema["oneOf"]:
            model = self._defs[_name(branch)]
            self._section(f"`{_tag(model)}`", model)
            self._fields({**model, "properties": _without(model["properties"], base["properties"])}, f"{_tag(model)}.", 3)
        return self

    def _section(self, title: str, model: Schema) -> None:
        self._lines += ["", f"## {title}"]
        if model.get("description"):
            self._lines += ["", _markdown(model["description"])]

    def _fields(self, model: Schema, prefix: str, level: int) -> None:
        """A heading per setting, and below it the settings inside."""
        for name, field in model.get("properties", {}).items():
            if name not in TAGS or "const" not in field:
                self._field(prefix + name, field, level, required=name in model.get("required", ()))

    def _field(self, path: str, field: Schema, level: int, *, required: bool) -> None:
        self._lines += ["", f"{'#' * level} `{path}`", "", _sentence(_markdown(self._about(path, field)))]
        self._lines += ["", self._facts(path, field, required=required)]
        if path in ELSEWHERE:
            self._lines += ["", f"Each has a kind: see [{path}]({ELSEWHERE[path]})."]
            return
        inside = max(level, min(level + 1, 4))
        models = list(self._inside(field))
        common = _common([model for _, _, model in models]) if path in ALIKE else {}
        if common:
            suffix, _, first = models[0]
            self._fields({**first, "properties": common}, f"{path}{suffix}.", inside)
        for suffix, tag, model in models:
            own = {**model, "properties": _without(model["properties"], common)}
            if tag:
                self._lines += ["", f"{'#' * inside} `{path}{suffix}` {_of_its_kind(model)}"]
                self._lines += ["", _markdown(model.get("description", ""))]
            self._fields(own, f"{tag}." if tag else f"{path}{suffix}.", min(inside + bool(tag), 5))

    def _facts(self, path: str, field: Schema, *, required: bool) -> str:
        default = self._defaults.get(path, field.get("default"))
        said = "required" if required else "optional"
        if default not in (None, "", [], {}) and not isinstance(default, Mapping):
            said = f"default {_value(default)}"
        return f"*{self._type(field)}; {said}*"

    def _about(self, path: str, field: Schema) -> str:
        """What the setting is for: its own description, else that of the model inside, else what its name always means."""
        inside = next(self._models(field), None)
        told = str(inside[2].get("description", "")) if inside else ""
        return str(field.get("description") or told or ALWAYS.get(path.rpartition(".")[2], ""))

    def _inside(self, field: Schema) -> Iterator[tuple[str, str, Schema]]:
        """The models one level down that are told in place: (what to add to the path, tag in a union of kinds, model)."""
        kinds = "oneOf" in str(field)
        told: set[str] = set()  # what may stand alone or in a list is told once
        for suffix, name, model in self._models(field):
            if name in told:
                continue
            told.add(name)
            if name not in SHARED:
                yield suffix, _tag(model) if kinds else "", model
            elif name not in self._shared:
                self._shared.append(name)

    def _models(self, field: Schema, suffix: str = "") -> Iterator[tuple[str, str, Schema]]:
        """All models that may stand in a field: (what to add to the path, name, schema)."""
        if "$ref" in field:
            model = self._defs[_name(field)]
            yield from [(suffix, _name(field), model)] if "properties" in model else self._models(model, suffix)
        for branch in _branches(field):
            yield from self._models(branch, suffix)
        if isinstance(field.get("items"), Mapping):
            yield from self._models(field["items"], f"{suffix}[]")
        if (inner := _by_name(field)) is not None:
            yield from self._models(inner, f"{suffix}.<name>")

    def _type(self, field: Schema) -> str:
        """What may be written there, in words."""
        if "$ref" in field and _name(field) in SHARED:
            title = SHARED[_name(field)][1]
            return f"[{title.lower()}](#{_anchor(title)})"
        if "$ref" in field:
            return self._type(self._defs[_name(field)])
        if branches := _branches(field):
            return self._one_of(branches)
        if "const" in field or "enum" in field:
            return _either([f"`{value}`" for value in field.get("enum", [field.get("const")])])
        if field.get("type") in {"array", "object"}:
            return self._collection(field)
        return _limited(_FORMATS.get(field.get("format", "")) or _text_like(field), field)

    def _one_of(self, branches: Sequence[Schema]) -> str:
        types = list(dict.fromkeys(self._type(branch) for branch in branches if branch.get("type") != "null"))
        if types[1:] == [f"list of {types[0]}"] and " or " in types[0]:
            return f"{types[0]}, or a list of them"
        return " or ".join(types)

    def _collection(self, field: Schema) -> str:
        if "properties" in field:
            return "settings"
        if pair := field.get("prefixItems"):
            return f"list of {len(pair)} {_plural(self._type(pair[0]))}"
        if field["type"] == "array":
            return _limited(f"list of {_plural(self._type(field.get('items', {})))}", field)
        if named := field.get("propertyNames", {}).get("enum"):
            kind = "text by language" if set(named) <= _LANGUAGES else "texts by name"
            return f"{kind} ({', '.join(f'`{name}`' for name in named)})"
        inner = _by_name(field)
        kind = _plural(self._type(inner)) if inner is not None else "settings"
        return "settings by name" if " or " in kind else f"{kind} by name"


def _without(properties: Schema, told: Collection[str]) -> Schema:
    return {name: field for name, field in properties.items() if name not in told}


def _common(models: Sequence[Schema]) -> dict[str, Any]:
    """The properties that all models have, told alike."""
    first, *others = (model["properties"] for model in models)
    return {name: field for name, field in first.items() if all(other.get(name) == field for other in others)}


def _either(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _text_like(field: Schema) -> str:
    pattern = field.get("pattern", "")
    if "(?:" in pattern or "s|m|h" in pattern:
        return _DURATION
    return "short name" if pattern.startswith("^[a-z0-9]") else _PLAIN.get(str(field.get("type")), "anything")


def _branches(field: Schema) -> list[Schema]:
    return [*field.get("anyOf", ()), *field.get("oneOf", ()), *field.get("allOf", ())]


def _by_name(field: Schema) -> Schema | None:
    """What stands under the names of a mapping whose names are free."""
    named = field.get("additionalProperties")
    return named if isinstance(named, Mapping) else next(iter(field.get("patternProperties", {}).values()), None)


def _name(field: Schema) -> str:
    return str(field["$ref"]).rpartition("/")[2]


def _tag(model: Schema) -> str:
    """The kind that a model says it is."""
    found = (model.get("properties", {}).get(tag, {}) for tag in TAGS)
    return next((str(field["const"]) for field in found if "const" in field), "")


def _of_its_kind(model: Schema) -> str:
    """How a kind is told from the others."""
    action = model["properties"].get("action", {}).get("const")
    return f"with `action: {action}`" if action else f"of the kind `{_tag(model)}`"


def _limited(words: str, field: Schema) -> str:
    limits = [said.format(field[name]) for name, said in _LIMITS.items() if field.get(name)]
    return f"{words} ({', '.join(limits)})" if limits and words != _DURATION else words


def _plural(words: str) -> str:
    kind, bracket, rest = words.partition(" (")
    return _PLURALS.get(kind, kind) + bracket + rest


def _value(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{_duration(str(default))}`"


def _duration(written: str) -> str:
    """ISO 8601, as JSON Schema has it, in the way it is written in our files."""
    plain = written[1:].replace("T", "").lower()
    return plain if written.startswith("P") and plain[:1].isdigit() else written


def _sentence(text: str) -> str:
    """A description as a sentence; codes keep their case."""
    begun = text if text.startswith(("fr ", "`")) else text[:1].upper() + text[1:]
    return begun if not begun or begun.endswith((".", "!", "?", "…")) else f"{begun}."


def _markdown(text: str) -> str:
    """A docstring as Markdown: unwrapped, and what looks like HTML outside of code is not."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return "\n\n".join(part if "`" in part else part.replace("<", "&lt;") for part in paragraphs)


def _anchor(title: str) -> str:
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")
