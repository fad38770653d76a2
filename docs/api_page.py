"""The page of the console's API: its OpenAPI document as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.console.api import written
from monitor.console.api.limits import A_SECOND, BURST
from monitor.console.api.problems import HINTS
from monitor.web.reading import LARGEST_BODY

Schema = Mapping[str, Any]

_INTRO = f"""
JSON over the same operations as the pages of the console: [how to use it](../how-to/use-the-api.md). The OpenAPI 3.1 document is
served at `/api/v1/openapi.json`; this page says the same.

- **Who asks**: `Authorization: Bearer tocsin_…` with [a token](../how-to/sign-in-to-the-console.md#programs), or the session of
  the console; then a POST also needs its header `X-CSRF-Token`. Each operation names the scope that a token needs; the owner of
  the token must have that permission, too.
- **Lists** are `{{"items": […], "next": 17}}`, the newest first: `before=17` goes on. `next: null`: there is nothing more.
- **Moments** are RFC 3339 in UTC, and may be given as milliseconds since 1970; spans are seconds.
- **Bodies** are JSON of at most {LARGEST_BODY // 2**20} MB; what nobody knows in them is refused.
- **Limits**: a token may ask {BURST} times at once and {A_SECOND:g} times a second. Beyond that: 429 with `Retry-After`.
- **Refusals** are [problem details](https://www.rfc-editor.org/rfc/rfc9457) (`application/problem+json`): `status`, `title`,
  `detail` (what is wrong), `hint` (what to do), `errors` (each field that is wrong), and of a conflict `now`: how it stands, and
  who made it so.
"""


def page(note: str) -> str:
    """Each operation with its scope, its parameters, its body and its answer; then the records."""
    document = written()
    lines = [note, "", "# The API of the console", *_INTRO.splitlines(), "", "| status | what to do |", "| --- | --- |"]
    lines += [f"| {status} | {hint} |" for status, hint in HINTS.items()]
    kind = ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != kind:
                kind = operation["tags"][0]
                lines += ["", f"## {kind.capitalize()}"]
            lines += _operation(f"{method.upper()} {path}", operation)
    lines += ["", "## Records"]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += _record(name, schema)
    return "\n".join(lines) + "\n"


def _operation(named: str, operation: Schema) -> Iterator[str]:
    (scope,) = operation["security"][0]["token"]
    yield from ("", f"### `{named}`", "", operation["summary"])
    if "description" in operation:
        yield from ("", operation["description"])
    yield from ("", f"Scope `{scope}`. {_bodies(operation)}")
    if parameters := [each for each in operation["parameters"] if each["in"] != "path"]:
        yield from ("", "| parameter | | |", "| --- | --- | --- |")
    for each in parameters:
        yield f"| `{each['name']}` | {_kind(each['schema'])} | {_cell(each.get('description', ''))} |"


def _bodies(operation: Schema) -> str:
    status, answer = next(iter(operation["responses"].items()))
    told = f"Answers {status} with {_kind(answer['content']['application/json']['schema'])}"
    if "requestBody" not in operation:
        return f"{told}."
    return f"Takes {_kind(operation['requestBody']['content']['application/json']['schema'])}. {told}."


def _record(name: str, schema: Schema) -> Iterator[str]:
    yield from ("", f"### {name}", "", " ".join(schema.get("description", "").split()) or "One of a list of words.")
    if "enum" in schema:
        yield from ("", ", ".join(f"`{each}`" for each in schema["enum"]))
    if fields := schema.get("properties"):
        yield from ("", "| field | | |", "| --- | --- | --- |")
        required = schema.get("required", ())
        for field, each in fields.items():
            must = "" if field in required else ", may be left out"
            yield f"| `{field}` | {_kind(each)}{must} | {_cell(each.get('description', ''))} |"


def _kind(schema: Schema) -> str:
    """A type in words: « list of [MentionRecord](#mentionrecord) »."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_kind, schema["anyOf"])))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or schema.get("const", "anything"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
