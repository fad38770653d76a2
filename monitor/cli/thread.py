"""`tocsin thread`: what stands above and below a mention, asked of its network at this moment."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import RINGS, app
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigDir,
    clock,
    creating,
    loaded,
    local,
    plural,
    run,
    said,
    say,
    show_json,
)

if TYPE_CHECKING:
    from monitor.pipeline.threads import Said, Talk
    from monitor.settings import Settings
    from monitor.storage import Store

_WIDTH, _DEEPEST = 80, 12  # columns; steps to the right
_HIDDEN = "(sensitive subject: read it at the source)"


@app.command(rich_help_panel=RINGS)
def thread(
    number: Annotated[int, typer.Argument(help="The mention's number, as `tocsin alert show` names it.", metavar="MENTION")],
    config: ConfigDir = DEFAULT_CONFIG,
    stored: Annotated[bool, typer.Option("--stored", help="Ask nobody: show what is stored of it.")] = False,
    with_sensitive: Annotated[
        bool, typer.Option("--with-sensitive", help="Show the words of sensitive posts, too: health, politics, religion.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a mention answers and what was answered to it, as its network shows it now, and who of ours has answered.

    Nothing of it is stored. `tocsin plan keep RUN MENTION --thread FILE` keeps it as evidence.
    """
    settings = loaded(config)

    async def work() -> None:
        from monitor.storage import Store

        store = await Store.open(settings.storage, create=False)
        try:
            found = masked(await read(settings, store, number, stored=stored), with_sensitive=with_sensitive)
        finally:
            await store.close()
        if as_json:
            show_json(as_plain(found))
        else:
            _show(found, settings)

    run(work)


async def read(settings: Settings, store: Store, number: int, *, stored: bool = False) -> Talk:
    """The thread around a mention, of its network unless only what is `stored` is wanted. Raises `UsageError`."""
    from monitor.pipeline import threads
    from monitor.pipeline.asking import ask_network

    post = await threads.mention_of(store, number)
    asked = threads.Asked(None, None, "nobody was asked") if stored else await ask_network(store, settings, post, clock)
    async with store.read() as tx:
        return await threads.talk(tx, post, asked, settings.ours, clock.now())


def masked(found: Talk, *, with_sensitive: bool) -> Talk:
    """The same without the words of sensitive posts, unless they are wanted."""
    if with_sensitive:
        return found
    return replace(found, said=[replace(each, title="", text="") if each.sensitive else each for each in found.said])


def as_plain(found: Talk) -> dict[str, Any]:
    """For scripts, and for a file that is kept as evidence."""
    return {
        "mention": found.mention.id,
        "network": found.mention.network,
        "at": found.at.isoformat(),
        "source": found.source,
        "why_not_asked": found.why or None,
        "whole": found.whole,
        "answered_by_ours": bool(found.answers),
        "posts": [asdict(each) for each in found.said],
    }


def write(found: Talk, file: Path) -> str:
    """A file that its owner alone may read: it speaks of people. Returns its SHA-256."""
    from monitor.cards.folder import write as write_whole

    content = (json.dumps(as_plain(found), ensure_ascii=False, indent=2, default=str) + "\n").encode("utf-8", "surrogatepass")
    with creating(file):
        write_whole(file, content)
    return hashlib.sha256(content).hexdigest()


def _show(found: Talk, settings: Settings) -> None:
    say(_heading(found), style="dim")
    for each in found.said:
        say("")
        for line in _lines(each, found, settings):
            say(*line)
    say("")
    say(_count(found), _ours(found.answers, settings))
    if found.source is None:
        say("Look at it yourself: ", (said(found.mention.page) or "it has no address", "bold"))


def _heading(found: Talk) -> str:
    if found.source is not None:
        return f"As {said(found.mention.network)} shows it now (source {found.source}):"
    return f"As far as it is stored: {said(found.why)}."


def _lines(each: Said, found: Talk, settings: Settings) -> Iterator[Sequence[str | tuple[str, str]]]:
    indent = "  " * min(each.depth, _DEEPEST)
    marks = [
        *([f"mention {each.number}"] if each.number is not None else []),
        *(["edited"] if each.edited else []),
        *(["since deleted"] if each.deleted_at else ["not shown any more"] if found.source and not each.shown else []),
    ]
    yield (
        f"{indent}{local(each.written_at, settings)}  ",
        (said(each.author) or "?", "bold"),
        ("  OURS" if each.ours else "", "green"),
        ("  ← this one" if each.where == "here" else "", "cyan"),
        (f"  ({', '.join(marks)})" if marks else "", "dim"),
    )
    words = _HIDDEN if each.sensitive and not each.text else said(" — ".join(filter(None, (each.title, each.text))))
    for line in textwrap.wrap(words, _WIDTH - len(indent) - 2, break_on_hyphens=False):
        yield (f"{indent}  {line}",)


def _count(found: Talk) -> str:
    above, below = (sum(each.where == where for each in found.said) for where in ("above", "below"))
    more = "" if found.whole else ", and there are more" if found.source else "; of others nothing is known"
    return f"{plural(above, 'post')} above, {below} below{more}. "


def _ours(answers: Sequence[Said], settings: Settings) -> str:
    if not answers:
        return "Nobody of ours has answered, as far as this shows."
    named = dict.fromkeys(f"{said(each.author) or '?'} ({local(each.written_at, settings)})" for each in answers)
    return f"Ours have answered: {', '.join(named)}."
