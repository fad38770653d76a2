"""Shows the posts that a plan run captured, each with what proves it; what is no longer as it was says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.cli.context import local, said, say

if TYPE_CHECKING:
    from monitor.pipeline.evidence import Exhibit
    from monitor.settings import Outline

_WORDS = 20_000


def show_evidence(kept: Sequence[Exhibit], settings: Outline) -> None:
    """Print them, the loudest first."""
    if not kept:
        say("No post was captured: the step `capture` has not begun, or nothing was behind the alerts then.")
    for each in kept:
        post = each.post
        if post is None:
            say((f"{each.number}", "bold"), "  kept no longer: retention has removed it")
            continue
        where = " · ".join(filter(None, (local(post.written_at, settings), post.network, post.author.handle, post.url)))
        say((f"{each.number}", "bold"), f"  {said(where)}")
        say(f"    {_verdict(each)}")
        for line in filter(None, (post.title, post.text)):
            say(f"    {said(line, _WORDS)}")


def _verdict(each: Exhibit) -> str:
    if each.unchanged:
        return "as it was captured"
    erased = each.post is not None and each.post.is_erased
    return "erased at its author's request" if erased else "CHANGED since it was captured: its hash is another"
