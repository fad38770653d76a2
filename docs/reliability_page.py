"""The table of what must never happen: read from the marks and docstrings of the tests that try it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"

AREAS = {
    "crash": "The process dies",
    "storage": "The store and its disk",
    "time": "Clocks",
    "network": "Networks and their servers",
    "hostile": "Hostile input",
    "delivery": "Receivers, and very many messages",
    "operations": "Operations",
    "people": "People who act: links, pages, calls",
    "respect": "Law and respect",
}

# What a sceptic would try too, and why there is nothing to try it on.
NOT_YET = {
    "A broker is killed, its stream deleted, its partitions moved": "there is no broker: the store is the only queue",
    "Brute force at a login, a stolen session, cross-site requests": "there is no login and no cookie yet: a link is its own"
    " proof, calls are signed, and the operator's door is on loopback",
    "An approval, an escalation or a deadline of a plan is cut in two": "plans notify and call webhooks in order, no more",
    "A user's regular expression takes for ever": "rules have words and lists, no expressions",
    "A user's template takes all memory": "messages and plans have fixed places to fill in, no templates",
    "CPython's own memory runs out": "the unit's `MemoryMax` ends the process, which is then the first table's case",
}


# Where a promise is asserted.
CI = "in CI"
LONG = "by `make soak`"
BOTH = "in CI; larger by `make soak`"


class Row(NamedTuple):
    """One promise: the area, what goes wrong, what then holds, the test, and where that asserts it."""

    area: str
    what: str
    promise: str
    test: str
    asserted: str


def rows() -> list[Row]:
    """Every mark, of a test or of one of its parameters, in the order of the files."""
    return [row for file in sorted(TESTS.rglob("test_*.py")) for row in _of_file(file)]


def _of_file(file: Path) -> Iterator[Row]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    long = any(
        isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark" and _soaks(node) for node in tree.body
    )
    tests = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    for test in sorted(tests, key=lambda node: node.lineno):
        promise = " ".join((ast.get_docstring(test) or "").split())
        for mark in _faults(test.decorator_list):
            area, what = (ast.literal_eval(argument) for argument in mark.args)
            yield Row(area, what, promise, f"{file.relative_to(ROOT)}", LONG if long else _asserted(test.decorator_list))


def _asserted(marks: list[ast.expr]) -> str:
    """By the long tier when the whole test is marked `soak`; by both when that is only so for some of its parameters."""
    if any(isinstance(mark, ast.Attribute) and mark.attr == "soak" for mark in marks):
        return LONG
    return BOTH if any(_soaks(mark) for mark in marks) else CI


def _soaks(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "soak" for node in ast.walk(tree))


def _faults(decorators: list[ast.expr]) -> Iterator[ast.Call]:
    """The marks `fault` of a test, and those that stand at one of its parameters."""
    for node in (each for decorator in decorators for each in ast.walk(decorator)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fault":
            yield node


def reliability_page(note: str) -> str:
    """The page: a table for each area, and what does not apply."""
    found = rows()
    lines = [
        note,
        "",
        "# What must never happen",
        "",
        "A mention seen, an alert raised, a notification due and a step of a plan are on disk before anything is done about",
        "them, and nothing that was acknowledged is ever lost. Messages leave at least once, with an id that stays the same;",
        "alerts and steps exist once. Below is everything that was done to Tocsin to break these promises: each line is a test",
        "of that name's file. What it asserts in CI holds for every change that landed: one that breaks it does not land. What",
        "takes long, or larger numbers, is asserted by `make soak`; that also streams posts for an hour and measures whether",
        "memory and descriptors grow. The figures that go with all this, those that miss their bar included, are in",
        "[how fast it is](performance.md).",
    ]
    for area, title in AREAS.items():
        own = [row for row in found if row.area == area]
        if own:
            lines += ["", f"## {title}", "", "| what goes wrong | what holds | tried by | asserted |", "| --- " * 4 + "|"]
            lines += [f"| {_cell(row.what)} | {_cell(row.promise)} | `{row.test}` | {row.asserted} |" for row in own]
    lines += ["", "## What does not apply", "", "| what goes wrong | why nothing is promised |", "| --- | --- |"]
    lines += [f"| {_cell(what)} | {_cell(why)} |" for what, why in NOT_YET.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """The text as a table can hold it."""
    return text.replace("|", "\\|")
