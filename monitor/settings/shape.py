"""What may stand where: a model's JSON Schema, walked along a path of the file it describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from monitor.settings.reading import Data, Path_, at

_Schema = Mapping[str, Any]
Schemas = list[_Schema]
# The settings that say which of several shapes a mapping has.
TAGS = ("kind", "action")


class Shape:
    """The JSON Schema of one model, for questions about a path."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._root: _Schema = model.model_json_schema(mode="validation")

    def root(self, data: Data) -> Schemas:
        """The schemas that may describe the whole file."""
        return self._narrow(self._root, data)

    def below(self, schemas: Schemas, part: str | int, data: Data) -> Schemas:
        """The schemas that may describe `data`, which stands one step below something described by `schemas`."""
        return [inner for schema in schemas for step in _steps(schema, part) for inner in self._narrow(step, data)]

    def at(self, path: Path_, data: Data) -> Schemas:
        """The schemas that may describe what stands at `path`; `data` (the whole file) narrows the kinds down."""
        found = self.root(data)
        for part in path:
            data = at(data, (part,))
            found = self.below(found, part, data)
        return found

    def names(self, path: Path_, data: Data) -> set[str]:
        """The settings that exist at `path`."""
        return {name for schema in self.at(path, data) for name in schema.get("properties", ())}

    def is_secret(self, path: Path_, data: Data) -> bool:
        """Whether any reading of `path` takes it for a secret."""
        return holds_secret(self.at(path, data))

    def description(self, path: Path_, data: Data) -> str:
        """What the setting at `path` is for, in the model's own words."""
        return next((schema["description"] for schema in self.at(path, data) if "description" in schema), "")

    def _narrow(self, schema: _Schema, data: Data) -> Schemas:
        found = list(self._expand(schema))
        right = [candidate for candidate in found if not _other_kind(candidate, data)]
        return right or found

    def _expand(self, schema: _Schema) -> Iterator[_Schema]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            # What stands beside a reference (the field's description) speaks before what is referred to.
            yield from self._expand({**self._root["$defs"][name], **{k: v for k, v in schema.items() if k != "$ref"}})
            return
        branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
        if not branches:
            yield schema
        for branch in branches:
            yield from self._expand(branch)


@lru_cache(maxsize=16)
def shape_of(model: type[BaseModel]) -> Shape:
    """The shape of a model; made once, since schemas are slow to make."""
    return Shape(model)


def holds_secret(schemas: Schemas) -> bool:
    """Whether any of the schemas is a secret, or a list of secrets (of which one alone may be written without brackets)."""
    return any(schema.get("writeOnly") or schema.get("items", {}).get("writeOnly") for schema in schemas)


def _steps(schema: _Schema, part: str | int) -> Iterator[_Schema]:
    """The schemas one step below: a property, any property, or an entry of a list."""
    if isinstance(part, int):
        inside = schema.get("items")
        tuple_items = schema.get("prefixItems", ())
        if part < len(tuple_items):
            inside = tuple_items[part]
    else:
        # A name that breaks the pattern of names is another problem: what stands under it is known all the same.
        others = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        inside = schema.get("properties", {}).get(part, others[0])
    if isinstance(inside, Mapping):
        yield inside


def _other_kind(schema: _Schema, data: Data) -> bool:
    """Whether the data says that it is of another kind than this schema."""
    if not isinstance(data, Mapping):
        return False
    for tag in TAGS:
        wanted = schema.get("properties", {}).get(tag, {})
        allowed = wanted.get("enum", [wanted["const"]] if "const" in wanted else None)
        if allowed is not None and tag in data and data[tag] not in allowed:
            return True
    return False
