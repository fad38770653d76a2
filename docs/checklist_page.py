"""What each source is held to: every promise of the contract, kept or exempt with its reason, from tests/contracts."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from monitor.domain.clock import ManualClock
from monitor.sources import KINDS, HttpClient, Kind
from monitor.testing.contract import NOW, Scene, SourceContract, Stage, checklist
from monitor.testing.servers import Site

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / "tests" / "contracts"

INTRO = """
## What each is held to

Every kind is tried by [one suite of tests](../how-to/write-a-source.md#hold-it-to-what-every-source-must-hold-to): pages, equal
times, restarts at any moment, refused keys, limits, redirects inward, servers that talk nonsense. What a network does not tell,
or what needs no telling, is exempt, with the reason; the suite then checks that the source does not pretend to know it.
"""

Acted = Sequence[tuple[str, Stage]]
"""The stages of one kind, each with what it is a stage of."""


def section(stages: Mapping[str, Acted] | None = None) -> str:
    """The end of the page of sources."""
    acted = found() if stages is None else stages
    return INTRO + "".join(_of(kind, acted.get(name, ())) for name, kind in KINDS.items())


def found() -> dict[str, Acted]:
    """The stages that tests/contracts sets up, by kind, in the order of their names."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    for path in sorted(CONTRACTS.glob("test_*.py")):
        importlib.import_module(f"tests.contracts.{path.stem}")
    stages: dict[str, list[tuple[str, Stage]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        # By their names: what pytest has imported already is there twice.
        for _, contract in sorted({each.__qualname__: each for each in _contracts(SourceContract)}.items()):
            # Nobody is called: a stage says what its source is exempt from before anything is published on it.
            scene = Scene(Site(), cast("HttpClient", None), ManualClock(NOW), Path(tempfile.mkdtemp(dir=folder)))
            stage = contract().perform(scene)
            stages.setdefault(stage.kind.name, []).append(((contract.__doc__ or "").strip().split("\n")[0], stage))
    return dict(stages)


def _contracts(base: type[SourceContract]) -> Iterator[type[SourceContract]]:
    for each in base.__subclasses__():
        ours = each.__module__.startswith("tests.contracts.")
        if ours and each.__dict__.get("__test__", getattr(each, "__test__", True)):
            yield each
        yield from _contracts(each)


def _of(kind: Kind[Any], stages: Acted) -> str:
    lines = ["", f"### The checklist of `{kind.name}`", ""]
    follows = ", ".join(f"<{address}>" for address in kind.documents)
    lines += [f"It follows {follows}." if follows else "There is no document of a network to follow."]
    if kind.page and kind.page != "add-a-source.md":
        lines += ["", f"What it costs and cannot see: [{kind.page}](../how-to/{kind.page})."]
    if not stages:
        lines += ["", "It has no stage of its own."]
    for about, stage in stages:
        lines += ["", *_table(about, checklist(stage))]
    return "\n".join(lines) + "\n"


def _table(about: str, promises: Sequence[tuple[str, str]]) -> list[str]:
    done = sum(said == "done" for _, said in promises)
    rows = [f"| {words[0].upper()}{words[1:]} | {said} |" for words, said in promises]
    return [f"*{about.rstrip('.')}:* {done} of {len(promises)}.", "", "| promise | |", "| --- | --- |", *rows]
