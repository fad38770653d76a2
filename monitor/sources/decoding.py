"""From the bytes of one record to its named fields: one line of JSON, or one CSV record under its header."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Mapping
from typing import Any

from monitor.sources import strict_json
from monitor.sources.mapping import UnreadableError
from monitor.sources.records import Record

_DELIMITERS = ",;\t|"


class NotTextError(ValueError):
    """The file as a whole is not what it was taken for; the text says what to do."""


class Decoder:
    """Remembers the header of a CSV file, which is its first record; `header` takes it up again after a restart."""

    def __init__(self, csv_format: bool, encoding: str, delimiter: str | None, header: str | None) -> None:
        self._csv = csv_format
        self._encoding = encoding
        self._delimiter = delimiter
        self.header = header
        self._columns = self._row(header) if header else []

    def fields(self, record: Record) -> Mapping[str, Any] | None:
        """The fields; None for an empty line or the header. Raises `UnreadableError`, and `NotTextError` about the whole file."""
        if record.problem:
            raise UnreadableError(record.problem)
        text = self._text(record)
        if not text.strip():
            return None
        return self._csv_fields(text) if self._csv else _json_fields(text, record.line)

    def _text(self, record: Record) -> str:
        data = record.data
        if record.line == 1:
            if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise NotTextError("it is UTF-16; convert it first: iconv -f utf-16 -t utf-8")
            data = data.removeprefix(codecs.BOM_UTF8)
        try:
            return data.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise UnreadableError(f"not {self._encoding} (byte {error.start + 1} of the line); see `encoding`") from None

    def _csv_fields(self, text: str) -> Mapping[str, Any] | None:
        if not self._columns:
            self.header = text
            self._columns = self._row(text)
            return None
        values = self._row(text)
        if len(values) != len(self._columns):
            raise UnreadableError(f"{len(values)} fields where the header names {len(self._columns)}")
        return {column: value for column, value in zip(self._columns, values, strict=True) if value}

    def _row(self, text: str) -> list[str]:
        delimiter = self._delimiter or max(_DELIMITERS, key=(self.header or text).count)
        try:
            return next(csv.reader([text], delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise UnreadableError(f"not a CSV record: {error}") from None


def _json_fields(text: str, line: int) -> Mapping[str, Any]:
    try:
        fields = strict_json.loads(text)
    except strict_json.NotJsonError as error:
        if line == 1 and text.lstrip().startswith("["):
            raise NotTextError("it is one JSON list; one record a line is needed: jq -c '.[]' FILE") from None
        raise UnreadableError(f"not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise UnreadableError("not a JSON object")
    return fields
