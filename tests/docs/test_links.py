"""Every link inside the documentation leads somewhere, down to the heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have on GitHub."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        repeats = sum(1 for known in found if known == anchor or re.fullmatch(re.escape(anchor) + r"-\d+", known))
        found.add(f"{anchor}-{repeats}" if repeats else anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    """Each relative link names a file that exists, and a heading that stands in it."""
    for target in LINK.findall(prose(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}: no such heading"


def test_every_decision_is_listed_in_the_first() -> None:
    """The list of decisions is complete."""
    folder = ROOT / "docs" / "decisions"
    listed = set(LINK.findall(prose(folder / "0001-record-decisions.md")))
    assert {page.name for page in folder.glob("*.md")} - {"0001-record-decisions.md"} <= listed


def test_every_page_can_be_reached_from_the_readme() -> None:
    """No page is an orphan."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = [
            (page.parent / target.partition("#")[0]).resolve() for target in LINK.findall(prose(page)) if "://" not in target
        ]
        waiting += [link for link in links if link.suffix == ".md" and link.exists()]
    assert reached >= set(PAGES)
