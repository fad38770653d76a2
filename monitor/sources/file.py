"""Mentions from a file or from standard input: JSON Lines or CSV, for replays, imports, backtests and the demo."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import AfterValidator, Field

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, load_cursor
from monitor.sources.decoding import Decoder, NotTextError
from monitor.sources.mapping import Mapper, MappingSettings, UnreadableError
from monitor.sources.records import Record, Splitter

BATCH = 500  # records in one poll
_MOST = 4 * 2**20  # bytes in one poll: a line may have a megabyte
_CHUNK = 64 * 1024
_STDIN = "-"


def _single_bytes(name: str) -> str:
    """Validate an encoding in which a line break and a quote are the bytes of ASCII."""
    try:
        fits = '\n",'.encode(name) == b'\n",'
    except LookupError:
        raise ValueError(f"no encoding is called {name!r}; usual ones are utf-8, cp1252, latin-1") from None
    if not fits:
        raise ValueError(f"{name} files must be converted first: iconv -f {name} -t utf-8")
    return name


class FileSettings(SourceSettings, MappingSettings):
    """A file of JSON Lines or CSV, or standard input."""

    kind: Literal["file"] = Field(description="a file, or standard input")
    path: str = Field(min_length=1, description="the file; `-` is standard input")
    format: Literal["auto", "jsonl", "csv"] = Field(
        "auto", description="`auto` goes by the name: .csv and .tsv are CSV, all else JSON Lines"
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="what separates CSV fields; guessed from the first line"
    )
    encoding: Annotated[str, AfterValidator(_single_bytes)] = Field("utf-8", description="the file's encoding")
    on_error: Literal["skip", "stop"] = Field(
        "skip", description="a bad line is reported and skipped, or the reading stops there"
    )
    follow: bool = Field(False, description="true for a file that grows: its last line is read once its line break is there")
    pace: Literal["none", "clock"] = Field(
        "none", description="`clock` gives each mention only when its moment has come; the file must be in order of time"
    )

    @property
    def is_csv(self) -> bool:
        """Whether the records are CSV."""
        return self.format == "csv" or (self.format == "auto" and self.path.lower().endswith((".csv", ".tsv")))


@dataclass
class _Found:
    """What a stretch of records gave, and why reading stopped, if something stopped it."""

    mentions: list[Mention] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    spoiled: Rejected | None = None  # a bad line, and we were told to stop there
    early: bool = False  # the next mention's moment has not come
    size: int = 0  # bytes of all records

    @property
    def full(self) -> bool:
        """Whether there is reason to read no further in this poll."""
        return self.early or self.more

    @property
    def more(self) -> bool:
        """Whether there is reason to read on in another poll, at once."""
        return self.spoiled is not None or len(self.mentions) + len(self.rejected) >= BATCH or self.size >= _MOST


class File:
    """The cursor is the offset in bytes of the next record (its line and the CSV header too): a killed replay goes on there.

    A pipe cannot be read again: there the cursor means nothing, and the store knows what it has.
    """

    def __init__(self, settings: FileSettings, clock: Clock, *, stdin: BinaryIO | None = None) -> None:
        self.network = settings.network
        self._settings = settings
        self._clock = clock
        self._origin = f"file {settings.path}"
        self._mapper = Mapper(settings, own_accounts=settings.own_accounts)
        self._stdin = stdin
        self._pipe: _Pipe | None = None

    @property
    def total(self) -> int | None:
        """The size in bytes, for a progress bar; None for a pipe or a file that is not there."""
        try:
            status = os.fstat(self._input.fileno()) if self._settings.path == _STDIN else Path(self._settings.path).stat()
        except (OSError, ValueError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    async def poll(self, cursor: str | None) -> Batch:
        """The next records, at most `BATCH`. `more` is true until the end is reached. Raises `SourceError`."""
        if self._settings.path == _STDIN and self.total is None:
            return await self._poll_pipe()
        return await asyncio.to_thread(self._poll_file, load_cursor(self._origin, cursor))

    @staticmethod
    def position(cursor: str | None) -> int:
        """How many bytes a cursor has left behind, for a progress bar."""
        return int(json.loads(cursor or "{}").get("offset", 0))

    @property
    def _input(self) -> BinaryIO:
        return self._stdin or sys.stdin.buffer

    @property
    def _where(self) -> str:
        return "standard input" if self._settings.path == _STDIN else self._settings.path

    def _poll_file(self, state: Mapping[str, Any]) -> Batch:
        try:
            with self._open() as stream:
                if state.get("offset", 0) > os.fstat(stream.fileno()).st_size:
                    state = {}  # another, shorter file stands under the name now
                return self._read(stream, state)
        except OSError as error:
            raise SourceError(Trouble.UNAVAILABLE, f"cannot read {self._where}: {error.strerror}; check `path`") from None

    def _open(self) -> BinaryIO:
        if self._settings.path == _STDIN:
            return os.fdopen(os.dup(self._input.fileno()), "rb")
        if self.total is None and Path(self._settings.path).exists():
            raise SourceError(
                Trouble.REFUSED, f"{self._where} is no ordinary file; to read a pipe, set `path: '-'` and redirect it"
            )
        return Path(self._settings.path).open("rb")

    def _read(self, stream: BinaryIO, state: Mapping[str, Any]) -> Batch:
        splitter = Splitter(self._settings.is_csv, state.get("offset", 0), state.get("line", 0))
        decoder = self._decoder(state.get("header"))
        found, ended = _Found(), False
        stream.seek(splitter.offset)
        while not (ended or found.full):
            chunk = stream.read(_CHUNK)
            ended = not chunk
            self._understand(splitter, decoder, found, chunk, final=ended and not self._settings.follow)
        return self._batch(found, splitter, decoder, more=found.more)

    async def _poll_pipe(self) -> Batch:
        if self._pipe is None:
            self._pipe = await _Pipe.open(self._input, Splitter(self._settings.is_csv), self._decoder(None))
        pipe, found = self._pipe, _Found()
        self._understand(pipe.splitter, pipe.decoder, found, b"", final=pipe.ended)
        if not (found.full or found.mentions or pipe.ended):
            chunk = await pipe.read(self._settings.timeout.total_seconds() / 2)
            self._understand(pipe.splitter, pipe.decoder, found, chunk, final=pipe.ended)
        more = not found.early and (not pipe.ended or found.more)
        return self._batch(found, pipe.splitter, pipe.decoder, more=more)

    def _decoder(self, header: str | None) -> Decoder:
        return Decoder(self._settings.is_csv, self._settings.encoding, self._settings.delimiter, header)

    def _understand(self, splitter: Splitter, decoder: Decoder, found: _Found, chunk: bytes, *, final: bool) -> None:
        splitter.push(chunk)
        if final:
            splitter.finish()
        while not found.full and (record := splitter.peek(final=final)) is not None:
            self._one(record, decoder, found)
            if not (found.early or found.spoiled):
                found.size += record.size
                splitter.take()

    def _one(self, record: Record, decoder: Decoder, found: _Found) -> None:
        try:
            fields = decoder.fields(record)
            mention = self._mapper.mention(fields) if fields is not None else None
        except NotTextError as error:
            raise SourceError(Trouble.MALFORMED, f"{self._where}: {error}") from None
        except UnreadableError as error:
            self._bad(Rejected(f"line {record.line}", str(error)), found)
            return
        if mention is not None and self._settings.pace == "clock" and mention.written_at > self._clock.now():
            found.early = True
        elif mention is not None:
            found.mentions.append(mention)

    def _bad(self, rejected: Rejected, found: _Found) -> None:
        if self._settings.on_error == "skip":
            found.rejected.append(rejected)
            return
        if not found.mentions:
            raise SourceError(
                Trouble.MALFORMED, f"{self._where}, {rejected.where}: {rejected.why}; correct the line or set `on_error: skip`"
            )
        found.spoiled = rejected  # what stands before it is stored first; the next poll raises

    def _batch(self, found: _Found, splitter: Splitter, decoder: Decoder, *, more: bool) -> Batch:
        state = {"offset": splitter.offset, "line": splitter.line} | ({"header": decoder.header} if decoder.header else {})
        latest = max((mention.written_at for mention in found.mentions), default=None)
        return Batch(
            found.mentions,
            cursor=dump_cursor(self._origin, state),
            more=more,
            watermark=latest if more else None,
            rejected=found.rejected,
        )


@dataclass
class _Pipe:
    """Standard input when it is no file: read as it comes, without holding a thread that nobody could stop."""

    reader: asyncio.StreamReader
    splitter: Splitter
    decoder: Decoder
    ended: bool = False

    @classmethod
    async def open(cls, stream: BinaryIO, splitter: Splitter, decoder: Decoder) -> _Pipe:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
        return cls(reader, splitter, decoder)

    async def read(self, seconds: float) -> bytes:
        """What has come within `seconds`; nothing when nothing has."""
        try:
            async with asyncio.timeout(seconds):
                chunk = await self.reader.read(_CHUNK)
        except TimeoutError:
            return b""
        self.ended = not chunk
        return chunk
