"""JSON as the standard means it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.strict_json import NotJsonError, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_can_say_is_understood(value: object) -> None:
    """Everything that the standard library writes strictly is read back the same."""
    assert loads(json.dumps(value).encode()) == value


def test_a_byte_order_mark_is_tolerated() -> None:
    """Windows tools put one in front."""
    assert loads(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a": NaN}', "NaN"),
        (b"-Infinity", "Infinity"),
        (b"1e999", "too large"),
        (b"1" * 2000, "too large"),
        (b"\xff\xfe[1]", "UTF-8"),
        (b'{"a":', "character 6"),
        (b"[1] 2", "Extra data"),
        (b"", "Expecting value"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 50_000, "nested"),
        (b'"' + b"a" * 2**22 + b'"', "larger than 4 MB"),
        (b"[" + b"{}," * 300_000 + b"{}]", "more than 250,000 values"),
    ],
)
def test_what_is_not_json_says_why(raw: bytes, why: str) -> None:
    """The reason is named, the text is not quoted."""
    with pytest.raises(NotJsonError, match=why):
        loads(raw)


def test_brackets_in_strings_are_no_depth() -> None:
    """A text full of brackets, quotes and backslashes is a text."""
    text = '[{"' * 200 + "\\"
    assert loads(json.dumps([text, [], {}])) == [text, [], {}]
