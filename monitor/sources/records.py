"""Cutting a stream of bytes into records: lines, or CSV records whose quoted fields may hold line breaks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

LONGEST = 2**20  # bytes of one record; a mention is a few hundred
_MOST_LINES = 10_000  # of one CSV record: an empty line has one byte in the file, and a hundred in memory


class Record(NamedTuple):
    """One record: the number of its first line (from 1), its lines and bytes, the bytes themselves, what is wrong with them."""

    line: int
    lines: int
    size: int
    data: bytes
    problem: str | None = None


@dataclass
class Splitter:
    """Push bytes as they come, peek at the next complete record, and take it once it is dealt with.

    `offset` and `line` say how many bytes and lines have been taken. A record longer than `LONGEST` is a problem of its own,
    up to the next line break. A quote that is never closed spoils one line, not the rest of the file.
    """

    quoted: bool = False
    offset: int = 0
    line: int = 0
    _lines: deque[tuple[bytes, int]] = field(default_factory=deque)  # complete lines: what was kept of them, their true size
    _tail: bytes = b""  # what was kept of a line whose end has not come
    _tail_size: int = 0
    _next: Record | None = None

    def push(self, chunk: bytes) -> None:
        """Take more bytes in."""
        first, *others = chunk.split(b"\n")
        self._grow(first)
        for part in others:
            self._end_line(b"\n")
            self._grow(part)

    def finish(self) -> None:
        """There will be no more bytes: an unfinished last line counts as one."""
        if self._tail_size:
            self._end_line(b"")

    def _grow(self, part: bytes) -> None:
        self._tail_size += len(part)
        self._tail = self._tail + part if self._tail_size <= LONGEST else b""

    def _end_line(self, end: bytes) -> None:
        self._lines.append((self._tail + end, self._tail_size + len(end)))
        self._tail, self._tail_size = b"", 0

    def peek(self, *, final: bool = False) -> Record | None:
        """The next complete record. With `final`, a quote still open is a problem rather than a reason to wait."""
        if self._next is None:
            count = self._count(final=final) if self._lines else None
            self._next = self._record(count) if count else None
        return self._next

    def take(self) -> None:
        """The record just peeked at is dealt with."""
        assert self._next is not None
        for _ in range(self._next.lines):
            self._lines.popleft()
        self.offset += self._next.size
        self.line += self._next.lines
        self._next = None

    def _count(self, *, final: bool) -> int | None:
        """How many lines the next record has; None: it is not complete yet. A quote closed nowhere near leaves one line."""
        odd, size = 0, 0
        for count, (line, true_size) in enumerate(self._lines, 1):
            odd ^= self.quoted and line.count(b'"') & 1
            size += true_size
            if not odd:
                return count
            if size > LONGEST or count >= _MOST_LINES:
                return 1
        return 1 if final else None

    def _record(self, count: int) -> Record:
        lines = [self._lines[index] for index in range(count)]
        data, size = b"".join(line for line, _ in lines), sum(true_size for _, true_size in lines)
        return Record(self.line + 1, count, size, data.rstrip(b"\r\n"), self._problem(data, size))

    def _problem(self, data: bytes, size: int) -> str | None:
        if size > LONGEST:
            return f"longer than {LONGEST:,} bytes"
        return "a quote is opened and never closed" if self.quoted and data.count(b'"') & 1 else None
