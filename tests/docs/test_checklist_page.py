"""The checklist of the sources: what each is held to, from the stages themselves."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from monitor.sources import KINDS
from monitor.testing.contract import PROMISES
from tests.docs.conftest import script


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """The part of the generator that writes it."""
    return script("checklist_page")


def test_every_kind_has_its_checklist(page: ModuleType) -> None:
    """In the order of the page, each with what it follows; of a kind that nobody tries in common the page says so."""
    section = page.section()
    assert re.findall(r"^### The checklist of `(\w+)`$", section, re.MULTILINE) == list(KINDS)
    for kind in KINDS.values():
        assert all(f"<{address}>" in section for address in kind.documents)
    untried = KINDS.keys() - page.found().keys()
    assert section.count("It has no stage of its own.") == len(untried)


def test_every_promise_of_every_stage_is_a_row(page: ModuleType) -> None:
    """Done, or exempt with the reason that stands in the test."""
    section = page.section()
    stages = [stage for acted in page.found().values() for _, stage in acted]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith(("| promise", "| ---"))]
    assert len(rows) == len(PROMISES) * len(stages)
    assert sum(row.endswith("| done |") for row in rows) == sum(len(PROMISES) - len(stage.exempt) for stage in stages)
    assert all(f"| exempt: {reason} |" in section for stage in stages for reason in stage.exempt.values())


def test_a_kind_without_a_stage_or_a_document_says_so(page: ModuleType) -> None:
    """Nothing is claimed that nobody tried."""
    section = page.section({})
    assert section.count("It has no stage of its own.") == len(KINDS)
    assert "| done |" not in section
    assert "There is no document of a network to follow." in section
