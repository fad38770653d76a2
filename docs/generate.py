"""Writes `docs/reference/` from the models, the metrics table, the exit codes and the command line: `make docs`.

Every page it writes is a pure function of the code, so that a test can compare: `python docs/generate.py --check` exits with 1
when a committed page no longer says what the code says.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel, TypeAdapter

from monitor.domain.errors import ExitCode
from monitor.domain.plan import PlanFile
from monitor.settings.contacts import Contacts
from monitor.settings.model import MonitorFile
from monitor.sources import SourceUnion
from monitor.sources.base import SourceSettings
from monitor.telemetry import metrics
from notifiers import ReceiverUnion
from notifiers.base import ReceiverSettings
from rules.model import RuleFile

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Generated from the code by `make docs`: edit the descriptions there, not here. -->"

Schema = Mapping[str, Any]
# Models that have a section of their own wherever they are used, and the name under which people know them.
SHARED = {"Where": "where", "NumberTest": "number", "LabelTest": "name", "FlagTest": "flag", "WordsTest": "text"}
SHARED_TITLES = {
    "Where": "Conditions: `where`",
    "NumberTest": "Tests of a number",
    "LabelTest": "Tests of a name",
    "FlagTest": "Tests of true or false",
    "WordsTest": "Tests of text",
}
# Unions that have pages of their own.
ELSEWHERE = {"sources": "sources.md", "receivers": "receivers.md"}
TAGS = ("kind", "action")
ALWAYS = {"id": "its short name, unique among its like", "version": "the version of this file's format"}
_LIMITS = {
    "minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}", "exclusiveMaximum": "less than {}",
    "minLength": "", "maxLength": "up to {} characters", "minItems": "at least {}", "maxItems": "at most {}",
}  # fmt: skip
_PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "nothing"}
_FORMATS = {
    "duration": "duration (`90s`, `5m`, `2h`, `1d`, `1w`)", "password": "secret", "date": "date (`2026-11-01`)", "path": "path of a file",
    "uri": "web address", "binary": "text", "date-time": "time",
}  # fmt: skip


class Page:
    """One page of settings, written by walking a JSON Schema: every setting becomes a heading."""

    def __init__(self, title: str, intro: str, schema: Schema) -> None:
        self._schema = schema
        self._defs: Schema = schema.get("$defs", {})
        self._lines = [NOTE, "", f"# {title}", "", intro]
        self._shared: list[str] = []

    def text(self) -> str:
        """The finished page, with the shared sections at its end."""
        done = 0
        while done < len(self._shared):
            name = self._shared[done]
            done += 1
            self._section(SHARED_TITLES[name], self._defs[name])
            self.fields(self._defs[name], f"{SHARED[name]}.", 3)
        return "\n".join(self._lines).rstrip() + "\n"

    def tree(self) -> Page:
        """The settings of the file that the schema describes."""
        self.fields(self._schema, "", 2)
        return self

    def kinds(self, common: type[BaseModel], shared_title: str) -> Page:
        """One section per kind of a union; what all have in common stands once, at the beginning."""
        base = common.model_json_schema()
        self._section(shared_title, {})
        self._defs = {**self._defs, **base.get("$defs", {})}
        self.fields(base, "", 3)
        for tag, model in self._branches(self._schema):
            self._section(f"`{tag}`", model)
            own = {name: field for name, field in model["properties"].items() if name not in base["properties"]}
            self.fields({**model, "properties": own}, f"{tag}.", 3)
        return self

    def fields(self, model: Schema, prefix: str, level: int) -> None:
        """A heading per setting, and below it the settings inside."""
        for name, field in model.get("properties", {}).items():
            self._field(prefix + name, field, name in model.get("required", ()), level)

    def _section(self, title: str, model: Schema) -> None:
        self._lines += ["", f"## {title}"]
        if model.get("description"):
            self._lines += ["", _markdown(model["description"])]

    def _field(self, path: str, field: Schema, required: bool, level: int) -> None:  # noqa: FBT001
        self._lines += ["", f"{'#' * level} `{path}`", "", _sentence(_markdown(self._about(path, field)))]
        self._lines += ["", self._facts(field, required)]
        if path in ELSEWHERE:
            self._lines += ["", f"Each has a kind: see [{path}]({ELSEWHERE[path]})."]
            return
        inside = min(level + 1, 4)
        for suffix, tag, model in self._inside(field):
            if tag:
                self._lines += ["", f"{'#' * inside} `{path}{suffix}` of the kind `{tag}`", "", _markdown(model.get("description", ""))]
            self.fields(_untagged(model), f"{tag}." if tag else f"{path}{suffix}.", min(inside + bool(tag), 5))

    def _facts(self, field: Schema, required: bool) -> str:  # noqa: FBT001
        facts = self._type(field)
        default = field.get("default", ... if required else None)
        said = "required" if default is ... else f"default {_value(default)}" if default not in (None, "", [], {}) else "optional"
        if isinstance(default, Mapping) or (said == "optional" and any(True for _ in self._inside(field))):
            said = "optional"
        return f"*{facts}; {said}*"

    def _about(self, path: str, field: Schema) -> str:
        """What the setting is for: its own description, else that of the model inside, else what its name always means."""
        inside = next(self._models(field), None)
        told = str(inside[2].get("description", "")) if inside else ""
        return str(field.get("description") or told or ALWAYS.get(path.rpartition(".")[2], ""))

    def _inside(self, field: Schema) -> Iterator[tuple[str, str, Schema]]:
        """The models one level down that are told in place: (what to add to the path, tag of a union, model)."""
        for suffix, name, model in self._models(field):
            if name in SHARED:
                if name not in self._shared:
                    self._shared.append(name)
            elif "properties" in model:
                yield suffix, _tag(model) if self._is_union(field) else "", model

    def _is_union(self, field: Schema) -> bool:
        return "discriminator" in str(field) or "oneOf" in str(field)

    def _models(self, field: Schema, suffix: str = "") -> Iterator[tuple[str, str, Schema]]:
        if "$ref" in field:
            name = field["$ref"].rpartition("/")[2]
            model = self._defs[name]
            yield from [(suffix, name, model)] if "properties" in model else self._models(model, suffix)
        for branch in (*field.get("anyOf", ()), *field.get("oneOf", ()), *field.get("allOf", ())):
            yield from self._models(branch, suffix)
        if isinstance(field.get("items"), Mapping):
            yield from self._models(field["items"], f"{suffix}[]")
        if isinstance(field.get("additionalProperties"), Mapping):
            yield from self._models(field["additionalProperties"], f"{suffix}.<name>")

    def _branches(self, schema: Schema) -> Iterator[tuple[str, Schema]]:
        for branch in schema["oneOf"]:
            model = self._defs[branch["$ref"].rpartition("/")[2]]
            yield _tag(model), _untagged(model)

    def _type(self, field: Schema) -> str:
        """What may be written there, in words."""
        if "$ref" in field:
            name = field["$ref"].rpartition("/")[2]
            return f"[{SHARED_TITLES[name].lower()}](#{_anchor(SHARED_TITLES[name])})" if name in SHARED else self._type_of(self._defs[name])
        branches = [*field.get("anyOf", ()), *field.get("oneOf", ()), *field.get("allOf", ())]
        if branches:
            return " or ".join(dict.fromkeys(self._type(branch) for branch in branches if branch.get("type") != "null"))
        return self._type_of(field)

    def _type_of(self, field: Schema) -> str:
        if "const" in field or "enum" in field:
            return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
        if "properties" in field:
            return "settings"
        kind = field.get("type")
        if kind == "array":
            items = field.get("items", {})
            return _limited(f"list of {_plural(self._type(items))}" if items else "list", field)
        if kind == "object" and "propertyNames" in field and "enum" in field["propertyNames"]:
            return f"text by language ({', '.join(f'`{name}`' for name in field['propertyNames']['enum'])})"
        if kind == "object":
            inner = field.get("additionalProperties")
            return f"{_plural(self._type(inner))} by name" if isinstance(inner, Mapping) else "settings by name"
        if "pattern" in field:
            return _FORMATS["duration"] if "(?:" in field["pattern"] else "short name" if "a-z0-9" in field["pattern"] else "text"
        return _limited(_FORMATS.get(field.get("format", ""), _PLAIN.get(str(kind), "anything")), field)


def _tag(model: Schema) -> str:
    for tag in TAGS:
        found = model.get("properties", {}).get(tag, {})
        if "const" in found:
            return str(found["const"])
    return ""


def _untagged(model: Schema) -> Schema:
    return {**model, "properties": {name: field for name, field in model["properties"].items() if name not in TAGS or "const" not in field}}


def _limited(words: str, field: Schema) -> str:
    limits = [said.format(f"{field[name]:g}") for name, said in _LIMITS.items() if said and name in field and (name, field[name]) != ("minItems", 0)]
    return f"{words} ({', '.join(limits)})" if limits else words


def _plural(words: str) -> str:
    first, _, rest = words.partition(" ")
    several = {"text": "texts", "number": "numbers", "whole": "whole numbers", "secret": "secrets", "settings": "settings"}.get(first)
    return words if several is None else several + (" " + rest if rest and first != "whole" else "")


def _value(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{_duration(str(default))}`"


def _duration(written: str) -> str:
    """ISO 8601, as JSON Schema has it, in the way it is written in our files."""
    if not written.startswith("P") or not written[1:2].strip("T").isdigit() and not written[1:].startswith("T"):
        return written
    return written[1:].replace("T", "").lower()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")


def _markdown(text: str) -> str:
    """A docstring as Markdown: unwrapped; what looks like HTML is not."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "\n\n".join(paragraphs).replace("<", "&lt;") if "`" not in text else "\n\n".join(" ".join(p.split()) for p in text.split("\n\n"))


def _anchor(title: str) -> str:
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def settings_page() -> str:
    """monitor.yaml."""
    intro = "`monitor.yaml` says what to listen for, where, and whom to tell. A useful file has ten lines; all else has defaults.\n\n"
    intro += "A secret never stands in the file: write `${NAME}` for an environment variable, `file:PATH` for a file, or"
    intro += " `credential:NAME` for a systemd credential. Unknown settings are errors; `tocsin check` shows them all at once."
    return Page("Settings: monitor.yaml", intro, MonitorFile.model_json_schema()).tree().text()


def contacts_page() -> str:
    """contacts.yaml."""
    intro = "`contacts.yaml` holds the people. It is personal data: `chmod 600 contacts.yaml`. People, roles and receivers share one"
    intro += " namespace: rules and plans name any of them."
    return Page("Contacts: contacts.yaml", intro, Contacts.model_json_schema()).tree().text()


def sources_page() -> str:
    """The kinds of sources."""
    intro = "Where to listen: the entries under `sources` of [monitor.yaml](settings.md#sources). `tocsin sources try NAME` shows what"
    intro += " one understands, storing nothing."
    page = Page("Sources", intro, TypeAdapter(SourceUnion).json_schema())
    return page.kinds(SourceSettings, "Every source").text()


def receivers_page() -> str:
    """The kinds of receivers."""
    intro = "How people are reached: the entries under `receivers` of [monitor.yaml](settings.md#receivers). `tocsin receivers try NAME`"
    intro += " sends a test message to one."
    page = Page("Receivers", intro, TypeAdapter(ReceiverUnion).json_schema())
    return page.kinds(ReceiverSettings, "Every receiver").text()


def rules_page() -> str:
    """The rule language."""
    intro = "The files of `rules/` say what rings. Each rule has a kind; all kinds share the same conditions, [`where`](#conditions-where)."
    return Page("Rules: rules/*.yaml", intro, RuleFile.model_json_schema()).tree().text()


def plans_page() -> str:
    """Emergency plans."""
    intro = "The files of `plans/` say what is done when a rule with `plan:` rings. See [how to write one](../how-to/write-a-plan.md)."
    return Page("Emergency plans: plans/*.yaml", intro, PlanFile.model_json_schema()).tree().text()


def metrics_page() -> str:
    """The metrics."""
    lines = [NOTE, "", "# Metrics", "", "What `/metrics` shows, in the Prometheus text format."]
    for metric in metrics.definitions:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
        lines += ["", f"## `{metric.name}`", "", metric.help, "", f"*{metric.kind}; labels: {labels}*"]
    return "\n".join(lines) + "\n"


_CODES = {
    ExitCode.OK: "All went well.",
    ExitCode.FAILED: "It was tried and did not work, for instance a test message that was not taken.",
    ExitCode.USAGE: "The command was called with something that does not exist or cannot be combined.",
    ExitCode.UNAVAILABLE: "Something that is needed does not answer: the database, a server.",
    ExitCode.CANNOT_CREATE: "A file or folder could not be created, for instance because it exists already.",
    ExitCode.INPUT_OUTPUT: "A file could not be read, or says something that cannot be understood.",
    ExitCode.CONFIGURATION: "The configuration has faults; every one of them was printed.",
}


def exit_codes_page() -> str:
    """The exit codes."""
    lines = [NOTE, "", "# Exit codes", "", "What `tocsin` ends with: the numbers of `sysexits.h`, so that a unit file can tell them apart."]
    for code in ExitCode:
        lines += ["", f"## `{code.value}` {code.name.replace('_', ' ').lower()}", "", _CODES[code]]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The command line."""
    from monitor.cli import app  # noqa: PLC0415 the slowest import, and only this page needs it

    lines = [NOTE, "", "# Commands", "", "`tocsin COMMAND --help` says the same. What they end with: [exit codes](exit-codes.md)."]
    return "\n".join([*lines, *_commands(typer.main.get_command(app), "tocsin")]) + "\n"


def _commands(command: Any, path: str) -> Iterator[str]:
    """A heading per command, and below it its arguments and options."""
    told = inspect.cleandoc(command.help or "").split("\f")[0].strip()
    if not hasattr(command, "commands"):
        yield from ("", f"## `{path}`", "", told)
        yield from _parameters(command)
        return
    if path != "tocsin":
        yield from ("", f"## `{path}`", "", told)
    for name, inner in sorted(command.commands.items()):
        if not inner.hidden:
            yield from _commands(inner, f"{path} {name}")


def _parameters(command: Any) -> Iterator[str]:
    shown = [p for p in command.params if "--help" not in p.opts]
    if shown:
        yield ""
    for p in shown:
        name = ", ".join(p.opts + p.secondary_opts) if p.param_type_name == "option" else (p.metavar or p.name or "").upper()
        default = p.default if isinstance(p.default, str | int | float) and p.default not in (False, True, "") else None
        said = " *required*" if p.required else f" *default `{default}`*" if default is not None else ""
        yield f"- `{name}`: {_sentence(getattr(p, 'help', None) or '')}{said}"


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "contacts.md": contacts_page,
    "sources.md": sources_page,
    "receivers.md": receivers_page,
    "rules.md": rules_page,
    "plans.md": plans_page,
    "metrics.md": metrics_page,
    "exit-codes.md": exit_codes_page,
    "commands.md": commands_page,
}


def stale(folder: Path = REFERENCE) -> list[str]:
    """The pages whose committed text differs from what the code says."""
    return [name for name, page in PAGES.items() if not (folder / name).is_file() or (folder / name).read_text("utf-8") != page()]


def main(arguments: Iterable[str]) -> int:
    """Write the pages; with `--check` only compare."""
    if "--check" in arguments:
        old = stale()
        print("\n".join(f"{name} is out of date: run `make docs`" for name in old) or "docs/reference is up to date")
        return 1 if old else 0
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), "utf-8")
    print(f"Wrote {len(PAGES)} pages to docs/reference")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
