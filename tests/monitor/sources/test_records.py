"""Cutting bytes into records."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.records import LONGEST, Record, Splitter


def cut(chunks: list[bytes], *, quoted: bool = False, final: bool = True) -> list[Record]:
    """All records of a stream that comes in these chunks."""
    splitter, records = Splitter(quoted), []

    def empty(*, ended: bool) -> None:
        while (record := splitter.peek(final=ended)) is not None:
            records.append(record)
            splitter.take()

    for chunk in chunks:
        splitter.push(chunk)
        empty(ended=False)
    if final:
        splitter.finish()
        empty(ended=True)
    return records


def in_chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    """The same bytes, cut at these sizes."""
    chunks, start = [], 0
    for size in sizes:
        chunks.append(data[start : start + size])
        start += size
    return [*chunks, data[start:]]


@given(
    st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))),
    st.lists(st.integers(0, 9)),
)
def test_lines_are_lines_however_they_come(lines: list[bytes], sizes: list[int]) -> None:
    """The records do not depend on how the bytes were cut in transit, and their sizes add up."""
    data = b"".join(line + b"\n" for line in lines)
    records = cut(in_chunks(data, sizes))
    assert [record.data for record in records] == lines
    assert [record.line for record in records] == list(range(1, len(lines) + 1))
    assert sum(record.size for record in records) == len(data)


CELLS = st.text(st.sampled_from('ab,"\n é'), max_size=8)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=6), st.lists(st.integers(0, 9)))
def test_quoted_line_breaks_stay_inside(rows: list[list[str]], sizes: list[int]) -> None:
    """What a CSV writer wrote is cut where its records end."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    records = cut(in_chunks(stream.getvalue().encode(), sizes), quoted=True)
    assert [next(csv.reader([record.data.decode()])) for record in records] == rows


def test_an_unfinished_line_waits() -> None:
    """Without an end, a last line is not yet a record; at the end of a file it is."""
    assert [record.data for record in cut([b"a\nb"], final=False)] == [b"a"]
    assert [record.data for record in cut([b"a\r\nb"])] == [b"a", b"b"]


def test_an_endless_line_is_thrown_away_as_it_comes() -> None:
    """Ten megabytes without a line break are one problem, and the line after them is whole."""
    records = cut([b"x" * 2**16] * 160 + [b"\nnext\n"])
    assert [(record.line, record.problem and record.problem[:6]) for record in records] == [(1, "longer"), (2, None)]
    assert (records[0].size, records[1].data) == (160 * 2**16 + 1, b"next")


def test_a_quote_never_closed_spoils_one_line() -> None:
    """Everything after the stray quote is still read, at the end of the file or after too much text."""
    short = cut([b'a,"b\nc,d\ne,f'], quoted=True)
    assert [(record.data, record.problem) for record in short] == [
        (b'a,"b', "a quote is opened and never closed"),
        (b"c,d", None),
        (b"e,f", None),
    ]
    lines = LONGEST // 500 + 1
    long = cut([b'a,"b\n', (b"c" * 500 + b"\n") * lines], quoted=True, final=False)
    assert (len(long), sum(record.problem is not None for record in long)) == (lines + 1, 1)


def test_a_quote_still_open_waits() -> None:
    """While a file grows, the rest of the record may still come."""
    assert cut([b'a,"b\nc'], quoted=True, final=False) == []


def test_a_quote_that_stays_open_holds_no_million_lines() -> None:
    """A short line costs far more memory than it has bytes: after ten thousand of them the quote is a mistake."""
    splitter = Splitter(quoted=True)
    splitter.push(b'"' + b"\n" * 20_000)
    record = splitter.peek()
    assert record is not None
    assert (record.lines, record.problem) == (1, "a quote is opened and never closed")
