"""Secrets stay out of the files: `${ENV}`, `file:PATH` and `credential:NAME` are filled in after reading.

`${NAME}` may stand anywhere inside a text (`$${` is a plain `${`); `file:` and `credential:` are a whole value. Relative paths
begin at the configuration's folder; credentials are systemd's (`LoadCredential=`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.settings.problems import Problem
from monitor.settings.reading import Data, Document, Path_, decode

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_BYTES = 64 * 1024
OTHERS = 0o077


class _MissingError(Exception):
    """A secret that is not there: (what, fix). Never holds the secret itself."""


@dataclass
class Filled:
    """A document with its secrets filled in. `values` are the secrets, each beside the reference as it was written."""

    data: Data = None
    values: dict[str, str] = field(default_factory=dict)
    paths: set[Path_] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def conceal(self, text: str) -> str:
        """`text` with every secret put back to the reference that stands in the file."""
        for value, reference in sorted(self.values.items(), key=lambda item: -len(item[0])):
            text = text.replace(value, reference)
        return text


def fill(document: Document, folder: Path, environ: Mapping[str, str]) -> Filled:
    """Fill in every reference of a document; each missing one is a problem that names it, its file and its line."""
    filled = Filled()
    filled.data = _Filler(document, folder, environ, filled).walk(document.data, ())
    return filled


@dataclass
class _Filler:
    document: Document
    folder: Path
    environ: Mapping[str, str]
    filled: Filled

    def walk(self, data: Data, path: Path_) -> Data:
        if isinstance(data, str):
            return self._text(data, path)
        if isinstance(data, list):
            return [self.walk(item, (*path, index)) for index, item in enumerate(data)]
        if isinstance(data, Mapping):
            return {name: self.walk(item, (*path, name)) for name, item in data.items()}
        return data

    def _text(self, text: str, path: Path_) -> str:
        try:
            found = self._resolve(text, path)
        except _MissingError as missing:
            self.filled.paths.add(path)
            self.filled.problems.append(self.document.problem(path, *missing.args))
            return text
        return found

    def _resolve(self, text: str, path: Path_) -> str:
        if text.startswith("file:") and not text.startswith("file://"):
            return self._secret(text, self._file(text.removeprefix("file:").strip(), path), path)
        if text.startswith("credential:"):
            return self._secret(text, self._credential(text.removeprefix("credential:").strip()), path)
        return _REFERENCE.sub(lambda found: self._variable(found, path), text)

    def _secret(self, reference: str, value: str, path: Path_) -> str:
        self.filled.paths.add(path)
        self.filled.values[value] = reference
        return value

    def _variable(self, found: re.Match[str], path: Path_) -> str:
        if found[0] == "$${":
            return "${"
        name = found[1]
        if not found[2] or not _NAME.fullmatch(name):
            raise _MissingError("holds `${` without the name of a variable.", "Write ${NAME}, or $${ for a plain ${.")
        value = self.environ.get(name)
        if value is None:
            raise _MissingError(f"the environment variable {name} is not set.", f"Set {name} before starting, or use file:PATH.")
        if not value:
            raise _MissingError(f"the environment variable {name} is empty.", f"Give {name} a value, or remove this setting.")
        return self._secret(found[0], value, path)

    def _file(self, name: str, path: Path_) -> str:
        file = self.folder / Path(name).expanduser()
        value = _read(file, f"the file {name}")
        if file.stat().st_mode & OTHERS:
            fix = f"Make it readable by its owner alone: chmod 600 {name}"
            self.filled.warnings.append(self.document.problem(path, f"the secret in {name} can be read by others.", fix))
        return value

    def _credential(self, name: str) -> str:
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        if folder is None:
            raise _MissingError(
                f"the credential {name} is not there: systemd passed none to this process.",
                f"Add LoadCredential={name}:/etc/tocsin/{name} to the unit, or use file:PATH outside systemd.",
            )
        if not name or name != Path(name).name:
            raise _MissingError(f"`{name}` is no name of a credential.", "Write credential:NAME, as in LoadCredential=NAME:PATH.")
        return _read(Path(folder) / name, f"the credential {name}")


def _read(file: Path, called: str) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "the path is not valid"
        raise _MissingError(f"{called} cannot be read: {said}.", "Check its path, owner and permissions.") from None
    value = decode(raw)
    if value is None or len(raw) > _MAX_BYTES:
        raise _MissingError(f"{called} is no short UTF-8 text.", "Put the secret alone into it, on one line.")
    if not value.strip():
        raise _MissingError(f"{called} is empty.", "Put the secret into it, on one line.")
    return value.rstrip("\r\n")
