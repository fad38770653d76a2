"""Files and standard input as a source."""
# ruff: noqa: ASYNC240 - a test writes its own small files where it needs them

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.sources.file import BATCH, File, FileSettings
from monitor.sources.records import LONGEST
from monitor.testing import drain, trouble_of

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def line(number: int, **fields: object) -> str:
    """One line of JSON; `number` is its id, its text and its minute."""
    written = (START + timedelta(minutes=number)).isoformat()
    return json.dumps({"id": number, "text": f"post {number}", "created_at": written} | fields) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's file stands."""
    return tmp_path / "posts.jsonl"


def reading(path: Path | str, clock: ManualClock, **settings: Any) -> File:
    """A source over a file."""
    return File(FileSettings(kind="file", path=str(path), **settings), clock)


async def texts(source: File, cursor: str | None = None) -> list[str]:
    """The texts of all that a source still has."""
    return [mention.text for mention in (await drain(source, cursor)).mentions]


async def test_a_file_is_read_to_its_end(path: Path, clock: ManualClock) -> None:
    """In batches, each once, in order, and the watermark follows while there is more."""
    path.write_text("".join(line(n) for n in range(2 * BATCH + 1)))
    source = reading(path, clock)
    first = await source.poll(None)
    assert (len(first.mentions), first.more, first.watermark) == (BATCH, True, START + timedelta(minutes=BATCH - 1))
    everything = await drain(source)
    assert [mention.text for mention in everything.mentions] == [f"post {n}" for n in range(2 * BATCH + 1)]
    assert source.position(everything.cursor) == source.total == path.stat().st_size


async def test_a_killed_reading_goes_on_where_it_was(path: Path, clock: ManualClock) -> None:
    """A new source with the committed cursor reads the rest, and only the rest."""
    path.write_text("".join(line(n) for n in range(BATCH + 3)))
    first = await reading(path, clock).poll(None)
    assert await texts(reading(path, clock), first.cursor) == [f"post {n}" for n in range(BATCH, BATCH + 3)]


async def test_a_full_last_batch_ends(path: Path, clock: ManualClock) -> None:
    """When the last batch is full, the next one is empty and says that it is the end."""
    path.write_text("".join(line(n) for n in range(BATCH)))
    assert (await drain(reading(path, clock))).polls == 2


async def test_another_file_is_read_from_its_beginning(path: Path, clock: ManualClock) -> None:
    """A shorter file under the same name, and a file of another name, are new."""
    path.write_text(line(1) + line(2))
    cursor = (await reading(path, clock).poll(None)).cursor
    path.write_text(line(3))
    assert await texts(reading(path, clock), cursor) == ["post 3"]
    other = path.with_name("other.jsonl")
    other.write_text(line(4) + line(5) + line(6))
    assert await texts(reading(other, clock), cursor) == ["post 4", "post 5", "post 6"]


async def test_bad_lines_are_numbered_and_skipped(path: Path, clock: ManualClock) -> None:
    """Each is reported with its number and why; the good ones around them are read."""
    bad = [
        b"{nope\n",
        b"[1]\n",
        b"\n",
        b'{"text": "x"}\n',
        b"\xff\xfe\xfd\n",
        b"[" * 5000 + b"\n",
        b"x" * 10 * 2**20 + b"\n",
        b'{"a": NaN}\n',
    ]
    path.write_bytes(line(1).encode() + b"".join(bad) + line(2).encode().rstrip())
    seen = await drain(reading(path, clock))
    assert [mention.text for mention in seen.mentions] == ["post 1", "post 2"]
    assert [(rejected.where, rejected.why.split(" (")[0][:28]) for rejected in seen.rejected] == [
        ("line 2", "not JSON: Expecting property"),
        ("line 3", "not a JSON object"),
        ("line 5", "no time among the fields tex"),
        ("line 6", "not utf-8"),
        ("line 7", "not JSON: nested too deep"),
        ("line 8", f"longer than {LONGEST:,} bytes"[:28]),
        ("line 9", "not JSON: NaN is not JSON"),
    ]


async def test_a_bad_line_can_stop_the_reading(path: Path, clock: ManualClock) -> None:
    """What stands before it is given first, then the error names file and line, again and again until it is corrected."""
    path.write_text(line(1) + "{nope\n" + line(2))
    source = reading(path, clock, on_error="stop")
    first = await source.poll(None)
    assert ([mention.text for mention in first.mentions], first.more) == (["post 1"], True)
    for _ in range(2):
        error = await trouble_of(source.poll(first.cursor))
        assert error.trouble is Trouble.MALFORMED
        assert f"{path}, line 2: not JSON" in error.detail
    path.write_text(line(1) + line(9) + line(2))
    assert await texts(source, first.cursor) == ["post 9", "post 2"]


async def test_a_growing_file_is_followed(path: Path, clock: ManualClock) -> None:
    """A line still being written is left until its end is there."""
    path.write_text(line(1) + line(2)[:20])
    source = reading(path, clock, follow=True)
    first = await drain(source)
    assert [mention.text for mention in first.mentions] == ["post 1"]
    path.write_text(line(1) + line(2) + line(3))
    assert await texts(source, first.cursor) == ["post 2", "post 3"]


async def test_the_clock_sets_the_pace(path: Path, clock: ManualClock) -> None:
    """Each mention comes when its moment has come, and the reading does not ask to be repeated at once."""
    path.write_text("".join(line(n) for n in range(3)))
    clock.current = START + timedelta(seconds=61)
    source = reading(path, clock, pace="clock")
    first = await source.poll(None)
    assert ([mention.text for mention in first.mentions], first.more) == (["post 0", "post 1"], False)
    assert (await source.poll(first.cursor)).mentions == []
    clock.advance(timedelta(minutes=1))
    assert [mention.text for mention in (await source.poll(first.cursor)).mentions] == ["post 2"]


CSV = (
    'id;date;text;author\n1;2026-03-01 12:00;"two\nlines; ""quoted""";ann\n'
    "2;2026-03-01 12:01;short;\n3;2026-03-01;too;many;fields\n"
)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
async def test_csv_with_a_header(tmp_path: Path, clock: ManualClock, bom: bytes) -> None:
    """Quoted line breaks, a guessed delimiter, a byte order mark, empty cells; a record of the wrong width is reported."""
    path = tmp_path / "posts.csv"
    path.write_bytes(bom + CSV.encode())
    seen = await drain(reading(path, clock))
    assert [mention.text for mention in seen.mentions] == ['two\nlines; "quoted"', "short"]
    assert [mention.author and mention.author.id for mention in seen.mentions] == ["ann", None]
    assert [(rejected.where, rejected.why) for rejected in seen.rejected] == [("line 5", "5 fields where the header names 4")]


async def test_a_csv_goes_on_with_its_header(tmp_path: Path, clock: ManualClock) -> None:
    """After a restart in the middle the columns are still known."""
    path = tmp_path / "posts.csv"
    path.write_text("id,date,text\n" + "".join(f"{n},2026-03-01,post {n}\n" for n in range(BATCH + 1)))
    first = await reading(path, clock).poll(None)
    assert await texts(reading(path, clock), first.cursor) == [f"post {BATCH}"]


async def test_csv_in_other_clothes(tmp_path: Path, clock: ManualClock) -> None:
    """Latin-1, tabs named in the settings, and a quote that is never closed."""
    path = tmp_path / "export.txt"
    path.write_bytes('date\ttext\n2026-03-01\tdéçu\n2026-03-01\t"oops\n2026-03-01\tfin\n'.encode("latin-1"))
    seen = await drain(reading(path, clock, format="csv", encoding="latin-1", delimiter="\t"))
    assert [mention.text for mention in seen.mentions] == ["déçu", "fin"]
    assert [rejected.why for rejected in seen.rejected] == ["a quote is opened and never closed"]


async def test_a_csv_cell_that_is_no_csv(tmp_path: Path, clock: ManualClock) -> None:
    """Text after a closing quote is reported as such."""
    path = tmp_path / "posts.csv"
    path.write_text('date,text\n2026-03-01,"a"b"c"\n')
    assert "not a CSV record" in (await drain(reading(path, clock))).rejected[0].why


@pytest.mark.parametrize(
    ("content", "hint"), [(b"[\n{}]", "jq -c"), (b"[{},", "jq -c"), ('{"text": "x"}'.encode("utf-16"), "iconv")]
)
async def test_the_wrong_kind_of_file_is_told_at_once(path: Path, clock: ManualClock, content: bytes, hint: str) -> None:
    """One JSON list, or UTF-16: the error says how to convert it."""
    path.write_bytes(content)
    error = await trouble_of(reading(path, clock).poll(None))
    assert (error.trouble, hint in error.detail) == (Trouble.MALFORMED, True)


async def test_a_file_that_is_not_there(tmp_path: Path, clock: ManualClock) -> None:
    """It may come later; a folder or a pipe under the name never will."""
    source = reading(tmp_path / "missing", clock)
    error = await trouble_of(source.poll(None))
    assert (error.trouble, "missing" in error.detail, source.total) == (Trouble.UNAVAILABLE, True, None)
    assert (await trouble_of(reading(tmp_path, clock).poll(None))).trouble is Trouble.REFUSED
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert (await trouble_of(reading(fifo, clock).poll(None))).trouble is Trouble.REFUSED


async def test_standard_input_as_a_pipe(clock: ManualClock) -> None:
    """Read as it comes: what is there is given at once, the rest when it arrives, the end when the writer closes."""
    reader, writer = os.pipe()
    settings = FileSettings(kind="file", path="-", timeout=timedelta(seconds=0.02))
    with os.fdopen(reader, "rb") as stdin, os.fdopen(writer, "wb", buffering=0) as out:
        source = File(settings, clock, stdin=stdin)
        assert source.total is None
        out.write(line(1).encode() + line(2).encode()[:10])
        first = await source.poll(None)
        assert ([mention.text for mention in first.mentions], first.more) == (["post 1"], True)
        nothing = await source.poll(first.cursor)
        assert (nothing.mentions, nothing.more) == ([], True)
        out.write(line(2).encode()[10:] + line(3).encode().rstrip())
        out.close()
        rest = await drain(source, first.cursor)
    assert [mention.text for mention in rest.mentions] == ["post 2", "post 3"]


async def test_standard_input_as_a_file(path: Path, clock: ManualClock) -> None:
    """`tocsin … < posts.jsonl` has a size and can be taken up again."""
    path.write_text("".join(line(n) for n in range(BATCH + 1)))
    with path.open("rb") as stdin:
        source = File(FileSettings(kind="file", path="-"), clock, stdin=stdin)
        assert source.total == path.stat().st_size
        first = await source.poll(None)
        assert await texts(source, first.cursor) == [f"post {BATCH}"]


def test_standard_input_is_the_default(clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`-` is the process's own standard input."""
    (tmp_path / "in").write_bytes(b"123")
    with (tmp_path / "in").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert reading("-", clock).total == 3


@pytest.mark.parametrize(("encoding", "why"), [("utf-16", "iconv"), ("klingon", "no encoding is called")])
def test_encodings_that_cannot_be_read(encoding: str, why: str) -> None:
    """An encoding in which a line break is not one byte, or that does not exist, is refused with the configuration."""
    with pytest.raises(ValidationError, match=why):
        FileSettings(kind="file", path="x", encoding=encoding)


@pytest.mark.parametrize(
    ("name", "posts", "subjects", "own"),
    [
        ("airlines-2015-02-16-to-21", 6597, 6, 0),
        ("free-fr-2020-2025", 2796, 1, None),
        ("engie-fr-2023", 411, 1, None),
    ],
)
async def test_real_streams_are_understood_without_a_mapping(
    shared: Path, clock: ManualClock, name: str, posts: int, subjects: int, own: int | None
) -> None:
    """Every line of the recorded streams is a mention of its own."""
    seen = await drain(reading(shared / "data" / "streams" / f"{name}.jsonl", clock))
    assert (len(seen.mentions), len({mention.key for mention in seen.mentions}), seen.rejected) == (posts, posts, [])
    assert len({subject for mention in seen.mentions for subject in mention.subjects}) == subjects
    ours = sum(mention.author is not None and mention.author.own for mention in seen.mentions)
    assert ours == own if own is not None else True


async def test_one_poll_takes_no_more_than_memory_bears(tmp_path: Path, clock: ManualClock) -> None:
    """Lines of a megabyte, and lines that are nothing, come in several batches; all of them come."""
    long = "".join(json.dumps({"date": "2026-03-01", "text": f"{n} {'a' * 1_000_000}"}) + "\n" for n in range(9))
    for name, written, mentions, rejected in (("long", long, 9, 0), ("odd", "x\n" * 1200, 0, 1200)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(written)
        source = File(FileSettings(kind="file", path=str(path)), clock)
        first = await source.poll(None)
        assert first.more
        assert len(first.mentions) <= 5
        assert len(first.rejected) <= 500
        drained = await drain(source)
        assert (len(drained.mentions), len(drained.rejected)) == (mentions, rejected)
