"""One more source for monitor.yaml: what can be asked for, what was typed, and where it goes without touching all else there."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from monitor.domain.errors import UsageError
from monitor.settings.convert import convert
from monitor.settings.model import MonitorFile
from monitor.settings.problems import Problem
from monitor.settings.reading import Data, Document, at, inline
from monitor.settings.secrets import fill
from monitor.settings.shape import shape_of
from monitor.settings.translate import Translator
from monitor.sources import KINDS, SourceSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|(?:file|credential):(?!//).+")
_PASSWORD = re.compile(r"://[^/@:\s]*:[^/@\s]+@")
_YES, _NO = ("y", "yes", "true"), ("n", "no", "false")


@dataclass(frozen=True, slots=True)
class Asked:
    """One setting that a person may be asked for. `default` is as it would be written, empty where there is none."""

    name: str
    about: str
    required: bool
    secret: bool
    default: str


def example(kind: str, brand: str, tag: str) -> dict[str, Data]:
    """Settings to begin with. A secret is an environment variable, named like the kind and the setting."""
    known = KINDS[kind].example
    required = {
        each.name: f"${{{kind}_{each.name}}}".upper() if each.secret else "…" for each in settings_of(kind) if each.required
    }
    return {"kind": kind, **{name: _filled(value, brand, tag) for name, value in {**required, **known}.items()}}


def _filled(value: Any, brand: str, tag: str) -> Any:
    if isinstance(value, list):
        return [_filled(each, brand, tag) for each in value]
    return value.replace("{brand}", brand).replace("{tag}", tag) if isinstance(value, str) else value


def settings_of(kind: str) -> list[Asked]:
    """What the kind's own settings are, those that are required first."""
    schema = KINDS[kind].settings.model_json_schema()
    own = [name for name in schema["properties"] if name != "kind" and name not in SourceSettings.model_fields]
    asked = [_asked(name, schema["properties"][name], required=name in schema.get("required", ())) for name in own]
    return sorted(asked, key=lambda each: not each.required)


def _asked(name: str, field: Mapping[str, Any], *, required: bool) -> Asked:
    default = field.get("default")
    plain = isinstance(default, str | int | float | bool) and default != ""
    shown = ("yes" if default else "no") if isinstance(default, bool) else str(default)
    return Asked(name, field.get("description", ""), required, _is_secret(field), shown if plain else "")


def _is_secret(field: Mapping[str, Any]) -> bool:
    return any(form.get("writeOnly") or form.get("items", {}).get("writeOnly") for form in _forms(field))


def _forms(field: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield field
    for form in field.get("anyOf", ()):
        yield from _forms(form)


def typed(kind: str, name: str, text: str) -> Data:
    """What a person typed for a setting, as YAML has it. Raises ValueError where it cannot be that."""
    fields = KINDS[kind].settings.model_json_schema()["properties"]
    if name not in fields:
        raise UsageError(_unknown_setting(kind, name, fields))
    types = {form.get("type") for form in _forms(fields[name])}
    text = text.strip()
    if "array" in types and not text.startswith("["):
        parts: list[Data] = [part.strip() for part in text.split(",") if part.strip()]
        return text if "string" in types and len(parts) == 1 else parts
    if "boolean" in types and text.lower() in (*_YES, *_NO):
        return text.lower() in _YES
    if "string" in types and not types & {"integer", "number", "array"}:
        return text
    return _value(text)


def _value(text: str) -> Data:
    return at(inline(f"{{value: {text}}}"), ("value",))


def _unknown_setting(kind: str, name: str, known: Mapping[str, Any]) -> str:
    from rules.base import suggest  # noqa: PLC0415

    return f"{kind} has no setting `{name}`; {suggest(name, known)}"


def is_reference(text: str) -> bool:
    """Whether a secret was not typed, but said where it is: `${NAME}`, `file:PATH` or `credential:NAME`."""
    return bool(_REFERENCE.fullmatch(text.strip()))


def literal(secrets: Mapping[str, str]) -> dict[str, Data]:
    """Secrets that were typed, as a file would have to say them: whatever is in them stands for itself."""
    return {name: value.replace("${", "$${") for name, value in secrets.items()}


def holds_password(text: str) -> bool:
    """Whether it is an address with a password in it."""
    return bool(_PASSWORD.search(text))


def name_problem(name: str, taken: Mapping[str, Any]) -> str | None:
    """What is wrong with a name for a source."""
    if not _NAME.fullmatch(name):
        return f"`{name}` is no name: write small letters, digits, - and _ (64 at most)"
    return f"a source called `{name}` exists already: choose another name" if name in taken else None


def checked(name: str, data: Mapping[str, Data], folder: Path, environ: Mapping[str, str]) -> Checked:
    """The settings that `data` comes to in the configuration of `folder`, as `tocsin check` would see it."""
    whole: Data = {"version": 1, "subjects": {"none": None}, "sources": {name: dict(data)}}
    document = Document(name, whole)
    filled, shape = fill(document, folder, environ), shape_of(MonitorFile)
    converted, problems = convert(document, filled, shape, folder)
    source = None
    try:
        source = MonitorFile.model_validate(converted).sources[name]
    except ValidationError as error:
        problems += Translator(document, filled, shape).translate(error.errors(include_url=False))
    faults, missing = (tuple(_of_the_source(name, each) for each in some) for some in (problems, filled.problems))
    return Checked(None if faults else source, faults, missing)


@dataclass(frozen=True, slots=True)
class Checked:
    """Settings that are right, or what is wrong with them (`field` is the setting); `missing` are secrets that are not there."""

    settings: SourceSettings | None
    problems: tuple[Problem, ...]
    missing: tuple[Problem, ...]


def _of_the_source(name: str, problem: Problem) -> Problem:
    field = problem.field.removeprefix(f"sources.{name}").removeprefix(".")
    return Problem("", 0, field, problem.what, problem.fix)


def block(name: str, data: Mapping[str, Data], indent: int = 2) -> str:
    """The entry as it stands below `sources:`; its lines end in a line break."""
    dumped = yaml.dump({name: dict(data)}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000, indent=2)
    return "".join(" " * indent + line for line in dumped.splitlines(keepends=True))


class _Dumper(yaml.SafeDumper):
    """Lists and inner settings in one line, as the pages have them."""


def _flow(dumper: yaml.SafeDumper, data: Any) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


_Dumper.add_representer(list, _flow)


def inserted(text: str, name: str, data: Mapping[str, Data]) -> str:
    """The text of a monitor.yaml with one more source. All that stands in it, comments and blank lines included, stays as it is.

    Raises `UsageError` where that is not possible.
    """
    after = _inserted(text, name, data)
    before, now = yaml.safe_load(text) or {}, yaml.safe_load(after)
    expected = {**before, "sources": {**(before.get("sources") or {}), name: yaml.safe_load(block(name, data))[name]}}
    if now != expected:
        raise UsageError("monitor.yaml is written in a way that leaves no safe place for another source: add the lines by hand")
    return after


def _inserted(text: str, name: str, data: Mapping[str, Data]) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise UsageError("monitor.yaml is no list of settings, one a line: add the source by hand")
    found = next((value for key, value in root.value if key.value == "sources"), None)
    if found is None:
        return f"{_ended(text)}sources:\n{block(name, data)}"
    if isinstance(found, yaml.MappingNode) and found.flow_style:
        return _into_braces(text, found, name, data)
    if isinstance(found, yaml.MappingNode):
        indent = found.value[0][0].start_mark.column
        return _after_line(text, _last(found), block(name, data, indent))
    key = next(key for key, _ in root.value if key.value == "sources")
    return _after_line(text, key.end_mark.line, block(name, data))


def _into_braces(text: str, found: yaml.MappingNode, name: str, data: Mapping[str, Data]) -> str:
    close = found.end_mark.index - 1
    entry = yaml.dump({name: dict(data)}, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    head = text[:close].rstrip()
    comma = ", " if found.value and not head.endswith(",") else ""
    return head + comma + entry.strip()[1:-1] + text[close:]


def _last(node: yaml.Node) -> int:
    """The last line of what a node says: its own end mark lies behind the comments that follow."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _last(node.value[-1])
    line: int = node.end_mark.line
    return line - 1 if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"} else line


def _after_line(text: str, line: int, new: str) -> str:
    lines = _ended(text).splitlines(keepends=True)
    return "".join([*lines[: line + 1], new, *lines[line + 1 :]])


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def write_secret(path: Path, value: str) -> None:
    """A secret alone in a new file that only its owner can read. Raises `OSError`, also where there is such a file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        file.write(value + "\n")


def replace_text(path: Path, text: str) -> None:
    """Put `text` in the place of a file's, whole or not at all; owner and permissions stay. Raises `OSError`."""
    before = path.stat()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    made = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(before.st_mode & 0o7777)
        with suppress(PermissionError):
            os.chown(made, before.st_uid, before.st_gid)
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
