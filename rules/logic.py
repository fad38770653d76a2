"""Three-valued logic over tests of anything: True, False, and None for what is not known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Test = Callable[[T], bool | None]


def every(tests: Sequence[Test[T]]) -> Test[T]:
    """All hold: False if one is False, else None if one is unknown. Without tests: True."""
    if len(tests) == 1:
        return tests[0]

    def holds(value: T) -> bool | None:
        answer: bool | None = True
        for test in tests:
            held = test(value)
            if held is False:
                return False
            if held is None:
                answer = None
        return answer

    return holds


def some(tests: Sequence[Test[T]]) -> Test[T]:
    """One holds: True if one is True, else None if one is unknown."""
    if len(tests) == 1:
        return tests[0]

    def holds(value: T) -> bool | None:
        answer: bool | None = False
        for test in tests:
            held = test(value)
            if held is True:
                return True
            if held is None:
                answer = None
        return answer

    return holds


def negation(test: Test[T]) -> Test[T]:
    """It does not hold; the unknown stays unknown."""

    def holds(value: T) -> bool | None:
        held = test(value)
        return None if held is None else not held

    return holds


def known(test: Test[T]) -> Test[T | None]:
    """The test where there is a value; unknown where there is none."""
    return lambda value: None if value is None else test(value)
