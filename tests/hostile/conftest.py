"""A process that springs the traps of `bench.hostile` for the tests of one worker, so that each is measured on its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.hostile import Springing


@pytest.fixture(scope="session")
def springing() -> Iterator[Springing]:
    """Warm: what is measured is the input, not the imports."""
    with Springing() as process:
        yield process
