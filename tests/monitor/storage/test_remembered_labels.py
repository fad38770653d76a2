"""Sets of names that come again and again are understood once; what somebody makes up to fill our memory is not kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from sqlalchemy.dialects import sqlite

from monitor.storage.bulk import _ready
from monitor.storage.engine import to_json
from monitor.storage.tables import Labels

LABELS = Labels()


def _read(names: tuple[str, ...]) -> None:
    read = LABELS.result_processor(sqlite.dialect(), None)
    assert read is not None
    assert read(to_json(names)) == frozenset(names)


def _write(names: tuple[str, ...]) -> None:
    assert _ready(LABELS, [names]) == [to_json(names)]


@pytest.mark.parametrize("use", [_read, _write])
def test_long_lists_of_hashtags_leave_nothing_behind(use: Callable[[tuple[str, ...]], None]) -> None:
    """Three hundred posts, each with a hundred long hashtags of its own, cost no memory once they are stored."""
    tracemalloc.start()
    try:
        for post in range(300):
            use(tuple(f"{post}-{tag}".ljust(100, "é") for tag in range(100)))
        assert tracemalloc.get_traced_memory()[0] < 2**20
    finally:
        tracemalloc.stop()
