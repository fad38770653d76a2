"""Shows the posts that a plan run captured, each with what proves it; what is no longer as it was says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.cli.context import local, said, say

if TYPE_CHECKING:
    from monitor.report.evidence import Exhibit
    from monitor.settings import Outline

_WORDS = 20_000
_VERDICTS = {
    "unchanged": "as it was captured",
    "erased": "erased at its author's request",
    "changed": "CHANGED since it was captured: its hash is another",
}


def show_evidence(captured: Sequence[Exhibit], settings: Outline) -> None:
    """Print them in the order in which they were written."""
    if not captured:
        say("No post was captured: the step `capture` has not begun, or nothing was behind the alerts then.")
    for each in captured:
        if each.verdict == "gone":
            say((f"{each.mention}", "bold"), "  kept no longer: retention has removed it")
            continue
        where = " · ".join(filter(None, (local(each.written_at, settings), each.network, each.author, each.uri)))
        say((f"{each.mention}", "bold"), f"  {said(where)}")
        say(f"    {_VERDICTS[each.verdict]}{_fate(each, settings)}")
        for line in filter(None, (each.title, each.text)):
            say(f"    {said(line, _WORDS)}")


def _fate(each: Exhibit, settings: Outline) -> str:
    """What became of it on its network: the words here are those that it had."""
    told = (("its author has changed it", each.edited_at), ("it was deleted", each.deleted_at))
    return "".join(f"; {what}, seen {local(at, settings)}" for what, at in told if at is not None)
