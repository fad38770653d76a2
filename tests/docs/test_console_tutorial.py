"""The tutorial of the console names what stands on its pages, word for word."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.console.tongue import texts
from monitor.demo.visitors import PEOPLE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tutorial-console.md").read_text("utf-8")


def test_whatever_is_to_be_pressed_is_called_so() -> None:
    """Every word in bold is a text of the console; what is in bold and is none would be looked for in vain."""
    bold = set(re.findall(r"\*\*([^*]+)\*\*", PAGE))
    assert len(bold) > 25
    assert bold <= set(texts()), sorted(bold - set(texts()))


def test_its_people_are_those_of_the_demo() -> None:
    """In the same roles."""
    told = re.findall(r"^## .* \((\w+), (\w+)\)$", PAGE, re.MULTILINE)
    assert [(name.replace("è", "e").lower(), role) for name, role in told] == list(PEOPLE.items())
