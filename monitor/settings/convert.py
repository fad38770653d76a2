"""Between reading and validating: lengths of time such as `5m`, and paths that begin at the configuration's folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor.settings.problems import Problem
from monitor.settings.reading import Data, Document, Path_
from monitor.settings.secrets import Filled
from monitor.settings.shape import Schemas, Shape
from rules.duration import parse_duration

# Stands in for a length of time that could not be read, so that the rest of the file is still looked at.
_PLACEHOLDER = timedelta(minutes=1)
_PATHS = {"path", "file-path"}
STANDARD_INPUT = "-"


def convert(document: Document, filled: Filled, shape: Shape, folder: Path) -> tuple[Any, list[Problem]]:
    """The data, ready for the model, with a problem for each length of time that is none."""
    converter = _Converter(document, filled, shape, folder)
    return converter.walk(filled.data, shape.root(filled.data), ()), converter.problems


def _is_source_file(path: Path_) -> bool:
    """`path` of a source: a file, or `-`."""
    return path[:1] == ("sources",) and path[2:] == ("path",)


class _Converter:
    def __init__(self, document: Document, filled: Filled, shape: Shape, folder: Path) -> None:
        self._document, self._filled, self._shape, self._folder = document, filled, shape, folder
        self.problems: list[Problem] = []

    def walk(self, data: Data, schemas: Schemas, path: Path_) -> Any:
        if isinstance(data, Mapping):
            return {name: self.walk(item, self._shape.below(schemas, name, item), (*path, name)) for name, item in data.items()}
        if isinstance(data, list):
            return [self.walk(item, self._shape.below(schemas, index, item), (*path, index)) for index, item in enumerate(data)]
        formats = {schema.get("format") for schema in schemas}
        if "duration" in formats and data is not None:
            return self._duration(data, path)
        if isinstance(data, str) and data != STANDARD_INPUT and (formats & _PATHS or _is_source_file(path)):
            return str(self._folder / Path(data).expanduser())
        return data

    def _duration(self, written: Data, path: Path_) -> timedelta:
        try:
            return parse_duration(written)
        except ValueError as error:
            self.problems.append(self._document.problem(path, f"{self._filled.conceal(str(error))}."))
            return _PLACEHOLDER
