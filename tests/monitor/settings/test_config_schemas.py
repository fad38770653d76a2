"""The published JSON Schemas describe the files as people write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.settings import schemas


def test_each_kind_of_file_has_a_schema() -> None:
    """They are plain JSON, with a title an editor can show."""
    found = schemas()
    assert set(found) == {"monitor", "contacts", "rules", "rule-tests", "plans"}
    assert json.loads(json.dumps(found)) == found
    assert all(schema["title"].startswith("Tocsin: ") for schema in found.values())


def _properties(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for value in schema.values():
            yield from _properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _properties(value)


@pytest.mark.parametrize("name", ["monitor", "contacts", "rules", "rule-tests", "plans"])
def test_lengths_of_time_are_written_as_here(name: str) -> None:
    """`5m`, where ISO 8601 would have PT5M, defaults included."""
    text = json.dumps(schemas()[name])
    assert '"format": "duration"' not in text
    assert '"PT' not in text


def test_defaults_of_lengths_of_time_are_short() -> None:
    """The editor shows what a person would write."""
    feed = schemas()["monitor"]["$defs"]["FeedSettings"]["properties"]["every"]
    assert feed["default"] == "2m"
    assert feed["type"] == "string"


@pytest.mark.parametrize("name", ["monitor", "contacts", "plans"])
def test_every_setting_says_what_it_is_for(name: str) -> None:
    """The description is the reference documentation."""
    silent = {field for field, schema in _properties(schemas()[name]) if not schema.get("description") and "$ref" not in schema}
    assert not silent - {"days", "begin", "end"}


def test_an_editor_shows_what_a_step_does_where_its_action_is_chosen() -> None:
    """Whoever types `action:` reads what each of them is for."""
    steps = schemas()["plans"]["$defs"]
    assert steps["WaitStep"]["properties"]["action"]["description"] == "Let time pass before what needs it."
    assert all("action" in steps[each["$ref"].rpartition("/")[2]]["required"] for each in _choices("steps"))


def _choices(name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = schemas()["plans"]["$defs"]["Plan"]["properties"][name]["items"]["oneOf"]
    return found


def test_an_editor_asks_for_what_the_model_asks_for() -> None:
    """A condition without figures, and what is published without an approval, are underlined."""
    steps = schemas()["plans"]["$defs"]
    assert steps["FiguresWhere"]["minProperties"] == 1
    assert "when" in steps["ConditionStep"]["required"]
    assert steps["StatementStep"]["dependentRequired"] == {"publish": ["approval"]}


@pytest.mark.parametrize("name", ["monitor", "contacts", "rules", "rule-tests", "plans"])
def test_nothing_stands_in_a_schema_that_json_schema_does_not_know(name: str) -> None:
    """Strict editors refuse the keywords of OpenAPI."""
    assert '"discriminator"' not in json.dumps(schemas()[name])


def test_short_forms_are_in_the_schema() -> None:
    """An editor must not underline what is allowed."""
    found = schemas()
    assert {"type": "string"}.items() <= found["monitor"]["$defs"]["Routing"]["properties"]["default"]["anyOf"][0].items()
    subject = found["monitor"]["properties"]["subjects"]["patternProperties"].popitem()[1]
    assert {branch.get("type", "object") for branch in subject["anyOf"]} == {"string", "array", "object", "null"}
