"""Problems are sentences: where, what, and the nearest right name."""

from __future__ import annotations

import pytest

from monitor.settings import Problem
from monitor.settings.problems import choices, suggest
from rules.base import nearest


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem("a.yaml", 3, "b.c", "is wrong.", "Right it."), "a.yaml:3: b.c: is wrong. Right it."),
        (Problem("a.yaml", 3, "b.c", "is wrong."), "a.yaml:3: b.c: is wrong."),
        (Problem("a.yaml", 3, "", "is wrong."), "a.yaml:3: is wrong."),
        (Problem("a.yaml", 0, "", "is wrong."), "a.yaml: is wrong."),
    ],
)
def test_a_problem_is_one_line(problem: Problem, said: str) -> None:
    """File, line, field, what, fix: whatever of it there is."""
    assert str(problem) == said


def test_the_nearest_name_is_found_whatever_its_capitals() -> None:
    """And nothing is made up where nothing is near."""
    assert nearest("EVREY", ["every", "url"]) == "every"
    assert nearest("zzz", ["every", "url"]) is None
    assert nearest("x" * 100_000, ["every"]) is None


def test_a_fix_names_what_exists() -> None:
    """The nearest name, else all of them, cut short when there are many."""
    assert suggest("mee", ["me", "you"]) == "Did you mean `me`?"
    assert suggest("zzz", ["you", "me"]) == "Known here: `me` or `you`."
    assert suggest("zzz", []) == "There are none yet: add it, or remove this."
    assert choices(["a", "b", "c"]) == "`a`, `b` or `c`"
    assert choices([str(number) for number in range(100, 120)]).endswith("`111`, …")
