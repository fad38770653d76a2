"""JSON Schemas of the configuration's files, so that an editor completes and checks them while somebody types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, TypeAdapter

from monitor.domain.plan import PlanFile
from monitor.settings.contacts import Contacts
from monitor.settings.model import MonitorFile
from monitor.settings.shape import TAGS
from rules import RuleFile, RuleTestFile
from rules.duration import Duration, format_duration

_FILES: Mapping[str, tuple[type[BaseModel], str]] = {
    "monitor": (MonitorFile, "monitor.yaml"),
    "contacts": (Contacts, "contacts.yaml"),
    "rules": (RuleFile, "rules/*.yaml"),
    "rule-tests": (RuleTestFile, "rules/*.test.yaml"),
    "plans": (PlanFile, "plans/*.yaml"),
}
ALWAYS: Mapping[str, str] = {"id": "its short name, unique among its like", "version": "the version of this file's format"}
"""What settings of these names always mean, where nothing else is said of them."""

_DURATION = TypeAdapter(Duration).json_schema()
_PLAIN = TypeAdapter(timedelta)
# What pydantic says beside the pattern of a length of time and beside kinds, and JSON Schema does not know.
_FOREIGN = {"gt", "ge", "lt", "le", "discriminator"}
_ISO = re.compile(r"P(?=[T\d])(\d+D)?(T[\dHMS.]+)?")


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each kind of file: `monitor`, `contacts`, `rules`, `rule-tests`, `plans`."""
    return {name: _schema(model, title) for name, (model, title) in _FILES.items()}


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    plain = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_as_written(plain), "title": f"Tocsin: {title}"}


def _short(default: Any) -> Any:
    """A default, with the lengths of time in it as people write them."""
    if isinstance(default, dict):
        return {name: _short(value) for name, value in default.items()}
    if isinstance(default, str) and _ISO.fullmatch(default):
        return format_duration(_PLAIN.validate_python(default))
    return default


def _as_written(schema: Any) -> Any:
    """Lengths of time as people write them here (`5m`), where pydantic describes ISO 8601 (`PT5M`)."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in _told(schema).items() if name not in _FOREIGN}
    written = {name: _short(value) if name == "default" else _as_written(value) for name, value in kept.items()}
    if written.get("format") != "duration":
        return written
    return {**_DURATION, **{name: value for name, value in written.items() if name not in {"format", "type"}}}


def _told(schema: dict[str, Any]) -> dict[str, Any]:
    """A model in which every setting says what it is for: what tells its kind, what the model itself is for."""
    if not isinstance(schema.get("properties"), dict):
        return schema
    always = {**ALWAYS, **{tag: schema.get("description", "") for tag in TAGS}}
    told = {
        name: {"description": always[name], **field} if always.get(name) and "$ref" not in field else field
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": told}
