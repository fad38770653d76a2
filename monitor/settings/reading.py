"""A YAML file becomes plain data that remembers on which line each value stands; whatever is odd becomes a `Problem`.

Configuration is a subset of YAML 1.2: no anchors, no tags, no second document, and none of the surprises of YAML 1.1, so
that a brand called `On`, a language called `no` and a time written 22:00 stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from monitor.settings.problems import Problem

Data = Mapping[str, "Data"] | list["Data"] | str | int | float | bool | None
Path_ = tuple[str | int, ...]

MAX_BYTES = 256 * 1024
MAX_NODES = 50_000
MAX_DEPTH = 40
_MAX_INT = 2**63


@dataclass(frozen=True)
class Document:
    """A file that was read. `written` holds the scalars as typed in the file (before secrets are filled in)."""

    file: str
    data: Data = None
    lines: Mapping[Path_, int] = field(default_factory=dict)
    written: Mapping[Path_, str] = field(default_factory=dict)

    def line(self, path: Path_) -> int:
        """The line of `path`, or of the nearest thing around it that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path_, what: str, fix: str = "") -> Problem:
        """A problem with what stands at `path`."""
        return Problem(self.file, self.line(path), dotted(path), what, fix)


def dotted(path: Path_) -> str:
    """`("steps", 2, "receiver")` as people write it: `steps[2].receiver`, counting list entries from 0 as JSON Schema does."""
    said = ""
    for part in path:
        said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else part
    return said


def at(data: Data, path: Path_) -> Data:
    """What stands at `path`, or None."""
    for part in path:
        if isinstance(data, Mapping) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


class _Refused(Exception):  # noqa: N818 it never leaves this module
    """The text cannot be used: (line, what, fix)."""

    def __init__(self, line: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.line, self.what, self.fix = line, what, fix


class _Resolver(BaseResolver):
    """The types of plain scalars in YAML 1.2's core schema, less octal, hexadecimal, infinity and not-a-number."""


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]\.?[eE][-+]?[0-9]+)", list("-+.0123456789")),
):
    _Resolver.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


# What libyaml and PyYAML's own parser are known to read in two ways, or one of them not at all.
_TWO_READINGS = re.compile(r"\t|^%|\ufeff|[|>][-+0-9]*#|[\[{,]\s*\?", re.MULTILINE)


class _TwoReadingsError(Exception):
    """The same, seen only when it is composed. It never leaves this module."""


class _Composer(Composer):
    """Composes with a budget of nodes and depth, and without anchors and tags."""

    _nodes = 0
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[attr-defined]
        self._refuse_cleverness(event)
        self._nodes += 1
        self._depth += 1
        line = _line(event.start_mark)
        if self._nodes > MAX_NODES:
            raise _Refused(line, f"holds more than {MAX_NODES} values.", "Split it, or move long lists into text files.")
        if self._depth > MAX_DEPTH:
            raise _Refused(line, f"is nested more than {MAX_DEPTH} levels deep.", "Nothing in the configuration needs that.")
        node: yaml.Node | None = super().compose_node(parent, index)  # type: ignore[arg-type]
        self._depth -= 1
        return node

    @staticmethod
    def _refuse_cleverness(event: yaml.Event) -> None:
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused(line, "anchors (&) and aliases (*) are not used here.", "Write the value out, or quote the text.")
        if getattr(event, "tag", None) is not None:
            raise _Refused(line, "tags (!) are not used here.", "Remove the tag, or quote the text.")


class _Loader(Reader, Scanner, Parser, _Composer, _Resolver):
    """On PyYAML's own parser, whose errors are the ones that we explain."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        _Composer.__init__(self)
        _Resolver.__init__(self)


# Where PyYAML was built without libyaml, its own parser reads everything, only slower.
_Libyaml: Any = getattr(yaml, "CBaseLoader", object)


class _FastLoader(_Composer, _Resolver, _Libyaml):  # type: ignore[misc]
    """The same on libyaml's parser, several times faster."""

    def __init__(self, text: str) -> None:
        _Libyaml.__init__(self, text)
        _Composer.__init__(self)
        _Resolver.__init__(self)

    def compose_scalar_node(self, anchor: dict[Any, yaml.Node]) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        if not node.style and "?" in node.value:
            raise _TwoReadingsError
        return node


def read(path: Path, name: str | None = None) -> tuple[Document, list[Problem]]:
    """Read one file. Never raises: what is wrong comes back beside the (then empty) document. `name` is shown for `path`."""
    shown = name or str(path)
    try:
        text = read_text(path, MAX_BYTES)
        return _parse(shown, text)
    except _Refused as refused:
        return Document(shown), [Problem(shown, refused.line, "", refused.what, refused.fix)]


def inline(text: str) -> Data:
    """A mapping as somebody types it in a command: `rule: {in: [a, b]}, severity: info`. Raises ValueError."""
    try:
        document, problems = _parse("", text if text.strip().startswith("{") else f"{{{text}}}")
    except _Refused as refused:
        raise ValueError(refused.what) from None
    if problems or not isinstance(document.data, Mapping):
        raise ValueError(problems[0].what if problems else "write `field: test`, as in a rule's `where`")
    return document.data


def read_lines(path: Path, max_bytes: int) -> tuple[tuple[str, ...], list[Problem]]:
    """The entries of a text list: one a line, blank lines and lines that begin with `#` left out."""
    try:
        text = read_text(path, max_bytes)
    except _Refused as refused:
        return (), [Problem(str(path), refused.line, "", refused.what, refused.fix)]
    stripped = (line.strip() for line in text.splitlines())
    return tuple(line for line in stripped if line and not line.startswith("#")), []


def read_text(path: Path, max_bytes: int) -> str:
    """The file as text. Raises `_Refused` with the words for whatever stops that."""
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise _Refused(0, "no such file.", "Check the path, or write one with `tocsin init`.") from None
    except OSError as error:
        raise _Refused(0, f"cannot be read: {error.strerror}.", "Check what it is, its owner and its permissions.") from None
    if len(raw) > max_bytes:
        raise _Refused(0, f"is larger than {max_bytes // 1024} KiB.", "Split it, or move long lists into text files.")
    if b"\0" in raw:
        line = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise _Refused(line, "holds a NUL byte: it is not a text file in UTF-8.", "Save it as plain UTF-8 text.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _Refused(line, "is not UTF-8 text.", "Save the file with the UTF-8 encoding.") from None


def decode(raw: bytes) -> str | None:
    """`raw` as text, or None when it is not UTF-8 text."""
    try:
        return None if b"\0" in raw else raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _parse(file: str, text: str) -> tuple[Document, list[Problem]]:
    node = _compose(text)
    if node is None:
        raise _Refused(0, "is empty.", "Write something into it, or remove the file.")
    builder = _Builder(file)
    data = builder.build(node, ())
    return Document(file, data, builder.lines, builder.written), builder.problems


def _compose(text: str) -> yaml.Node | None:
    if (node := _compose_fast(text)) is not None:
        return node
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _Refused(line, "holds a control character.", "Delete the invisible character, or retype the line.") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text) from None
    except (ValueError, OverflowError):
        line = loader.line + 1 if loader else 0
        raise _Refused(line, "holds an escape that is no character.", "Check what follows the backslash.") from None
    return node


def _compose_fast(text: str) -> yaml.Node | None:
    """What libyaml makes of it; None where PyYAML's own parser has to look, be it only for the words for what is wrong."""
    if _Libyaml is object or _TWO_READINGS.search(text):
        return None
    with suppress(yaml.YAMLError, ValueError, _Refused, _TwoReadingsError):
        node: yaml.Node | None = _FastLoader(text).get_single_node()
        return node if isinstance(node, yaml.CollectionNode) else None
    return None


def _line(mark: object) -> int:
    """The line of a mark, counting from 1; 0 without a mark."""
    return getattr(mark, "line", -1) + 1


# What PyYAML says, or what stands on the line: the words for people, and the fix. The first that is found speaks.
_SYNTAX = (
    (r"'\\t'", r"^ *\t", "the line is indented with a tab.", "Indent with spaces: YAML allows no tabs there."),
    (r"another document", r"^---", "holds a second document (---).", "Keep one document per file."),
    (r"^$", r"[\[{,]\s*#", "a # outside quotes begins a comment.", 'Quote what begins with #, as in ["#acme"].'),
    (
        r"mapping values|but got ':'",
        r"^$",
        "a `:` stands where it cannot.",
        'Quote text that holds ": ", or check the indentation.',
    ),
    (
        r"but found '<block mapping start>'",
        r"^$",
        "the indentation fits none of the lines above.",
        "Indent it as far as its neighbours.",
    ),
    (r"cannot start any", r"^$", "this text must stand in quotes.", 'Quote what begins with @, % or `, as in ["@acme"].'),
)


def _syntax(error: yaml.MarkedYAMLError, text: str) -> _Refused:
    """Words for a syntax error, on the line where a person must look."""
    said, lines = error.problem or "it breaks off", text.splitlines()
    line, begun = _line(error.problem_mark or error.context_mark), _line(error.context_mark)
    left_open = 0 < begun < line and "flow" in (error.context or "")
    line = begun if left_open else line  # the bracket that was never closed, not the place where that came out
    near = lines[line - 1] if 0 < line <= len(lines) else ""
    for in_error, in_line, what, fix in _SYNTAX:
        if re.search(in_error, said) or (near and re.search(in_line, near)):
            return _Refused(line, what, fix)
    if left_open:
        return _Refused(line, "a bracket or quote is opened here and not closed.", "Close it on this line.")
    since = f" (begun on line {begun})" if begun not in {0, line} else ""
    return _Refused(line, f"is not YAML: {said}{since}.", "Check quotes, brackets and indentation, here and on the line above.")


class _Builder:
    """Turns composed nodes into plain data, noting lines and faults on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path_, int] = {}
        self.written: dict[Path_, str] = {}
        self.problems: list[Problem] = []

    def build(self, node: yaml.Node, path: Path_) -> Data:
        self.lines.setdefault(path, _line(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        self.written[path] = node.value
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> Data:
        built: dict[str, Data] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(key_node, path, "a name must be plain text.", "Quote it if it begins with [ or {.")
                continue
            key = self._text(key_node, path)
            inside = (*path, key)
            if key in built:
                fix = f"It stands already on line {self.lines[inside]}: keep one of them."
                self._note(key_node, inside, "is written twice.", fix)
                continue
            self.lines[inside] = _line(key_node.start_mark)
            built[key] = self.build(value_node, inside)
        return built

    def _scalar(self, node: yaml.Node, path: Path_) -> Data:
        value: str = node.value
        match node.tag.rpartition(":")[2]:
            case "null":
                return None
            case "bool":
                return value.lower() == "true"
            case "int":
                return int(value) if len(value) < 20 and abs(int(value)) < _MAX_INT else value  # noqa: PLR2004 the digits of 2**63
            case "float":
                return value if float(value) in {float("inf"), float("-inf")} else float(value)
            case _:
                return self._text(node, path)

    def _text(self, node: yaml.Node, path: Path_) -> str:
        value: str = node.value
        if any("\ud800" <= character <= "\udfff" or character == "\0" for character in value):
            self._note(node, path, r"holds an escape (\0, \ud800 …) that is no character.", "Check what follows the backslash.")
            return ""
        return value

    def _note(self, node: yaml.Node, path: Path_, what: str, fix: str) -> None:
        self.problems.append(Problem(self.file, _line(node.start_mark), dotted(path), what, fix))
