"""Describes the API as OpenAPI 3.1: generated from the rows of its table and the types of their functions, never by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import BaseModel, TypeAdapter

from monitor.console.api.answering import LONGEST_KEY, ONCE
from monitor.console.api.endpoint import ROOT, Endpoint
from monitor.console.api.problems import CONTENT_TYPE, HINTS, ProblemDetails
from monitor.console.api.words import Number

_REF: Final = "#/components/schemas/{model}"
_JSON: Final = "application/json"
_RETRY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PLACE: Final = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole of it: a pure function of the table."""
    paths: dict[str, dict[str, Any]] = {}
    answers, schemas = _schemas(endpoints)
    for each in endpoints:
        paths.setdefault(path_of(each), {})[each.method.lower()] = _operation(each, answers[each.id])
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Tocsin",
            "version": "1",
            "description": "What the pages of the console show and do, for programs. Lists are paged by `before` and `next`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem(status) for status in HINTS},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an API token, `tocsin_…`; the words behind it are its scopes",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "tocsin",
                    "description": "the console's session (`__Host-tocsin` by https); POST also needs the header X-CSRF-Token",
                },
            },
        },
    }


def path_of(endpoint: Endpoint) -> str:
    """As OpenAPI writes paths: without the patterns."""
    return ROOT + _PLACE.sub(r"{\1}", endpoint.path)


def problems_of(endpoint: Endpoint) -> list[int]:
    """The statuses with which it may refuse."""
    found = [400, 401, 403, 422, 429, 500, 503]
    if _PLACE.search(endpoint.path):
        found += [404]
    if endpoint.method == "POST" or endpoint.id == "runs_one":
        found += [409]
    if endpoint.method == "POST":
        found += [408, 413, 415]
    return sorted(found)


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer of each endpoint by its id, and what stands behind all references."""
    rows = list(endpoints)
    wanted: list[tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        *((each.id, "validation", TypeAdapter(each.body)) for each in rows if each.has_body),
        *((each.id, "serialization", each.answer) for each in rows),
        ("problem", "serialization", TypeAdapter(ProblemDetails)),
    ]
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    by_row: dict[str, Any] = {each.id: {} for each in rows}
    for (row, mode), schema in found.items():
        if row in by_row:
            by_row[row][mode] = schema
    return by_row, definitions["$defs"]


def _operation(endpoint: Endpoint, schemas: Mapping[str, Any]) -> dict[str, Any]:
    summary, _, more = endpoint.says.partition("\n")
    answers = {str(endpoint.status.value): _answer(endpoint, schemas["serialization"])}
    answers |= {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in problems_of(endpoint)}
    found = {
        "operationId": endpoint.id,
        "tags": [endpoint.path.split("/")[1].removesuffix(".json")],
        "summary": summary,
        "parameters": [*_places(endpoint), *_parameters(endpoint.query), *([_ONCE] if endpoint.once else [])],
        "security": [{"token": [endpoint.need]}, {"session": []}],
        "responses": answers,
    }
    if more.strip():
        found["description"] = " ".join(more.split())
    if endpoint.has_body:
        required = bool(endpoint.body.model_json_schema().get("required"))
        found["requestBody"] = {"content": {_JSON: {"schema": schemas["validation"]}}, "required": required}
    return found


def _answer(endpoint: Endpoint, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": endpoint.status.phrase, "content": {_JSON: {"schema": schema}}}


def _places(endpoint: Endpoint) -> list[dict[str, Any]]:
    schema = TypeAdapter(Number).json_schema() | {"minimum": 0, "maximum": 10**18 - 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in _PLACE.findall(endpoint.path)]


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    schema = query.model_json_schema(ref_template=_REF)
    return [_parameter(name, each, schema.get("$defs", {})) for name, each in schema.get("properties", {}).items()]


def _parameter(name: str, schema: Mapping[str, Any], defined: Mapping[str, Any]) -> dict[str, Any]:
    plain = _without_null(_resolved(schema, defined))
    found: dict[str, Any] = {"name": name, "in": "query", "schema": plain}
    if said := plain.pop("description", None):
        found["description"] = said
    return found


def _resolved(schema: Any, defined: Mapping[str, Any]) -> Any:
    """Parameters are short: what they refer to stands in them."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            return _resolved(defined[schema["$ref"].rpartition("/")[2]], defined)
        return {name: _resolved(each, defined) for name, each in schema.items()}
    return [_resolved(each, defined) for each in schema] if isinstance(schema, list) else schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not given is left out: nobody can write null into an address."""
    rest = {
        name: each for name, each in schema.items() if name not in {"anyOf", "title"} and not (name == "default" and each is None)
    }
    kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(kinds) == 1:
        return {**kinds[0], **rest}
    return {**rest, "anyOf": kinds} if kinds else rest


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: {HINTS[status]}",
        "content": {CONTENT_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
    }
    if status == HTTPStatus.BAD_REQUEST:  # the server itself refuses an address of more than 8 kB, and what is no HTTP
        found["content"]["text/plain"] = {"schema": {"type": "string"}}
    if status in _RETRY:
        found["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return found


_ONCE: Final = {
    "name": ONCE,
    "in": "header",
    "description": "what you make up for one act: a retry with the same key and the same body changes nothing again",
    "schema": {"type": "string", "maxLength": LONGEST_KEY},
}
