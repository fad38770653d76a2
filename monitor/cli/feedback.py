"""Commands by which the team says what was judged wrongly, to be counted, evaluated against, and given out for training."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import feedback
from monitor.cli.context import DEFAULT_CONFIG, By, ConfigDir, clock, me, opened, run, said, say, unknown
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.feedback import Corrected, Kind
    from monitor.domain.mention import Observed

_ANSWERS: dict[Kind, str] = {"complaint": "complaint {}", "sentiment": "sentiment {}", "not_about": "not about {}"}


@feedback.command("give")
def give(
    mention: Annotated[int, typer.Argument(help="The mention's number, as `tocsin alert show` names it.")],
    complaint: Annotated[
        bool | None, typer.Option("--complaint/--not-complaint", help="It is a complaint; it is none.", show_default=False)
    ] = None,
    sentiment: Annotated[str, typer.Option(help="How it really feels: negative, neutral or positive.")] = "",
    not_about: Annotated[
        str, typer.Option(help="A subject that it does not speak of: it is not counted for it any more. This is final.")
    ] = "",
    note: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Say that a mention was judged wrongly; the word `give` may be left out. The last word about a mention counts.

    It is kept as long as the mention, counted by `tocsin evaluate --feedback`, and printed for training by
    `tocsin feedback export`. Only `--not-about` cannot be taken back.
    """
    words = _words(complaint, sentiment, not_about)

    async def work() -> None:
        from monitor.domain.feedback import Feedback
        from monitor.pipeline import operations

        at, who = clock.now(), by or me()
        async with opened(config) as (_, store):
            given = [Feedback(mention, kind, value, who, at, note) for kind, value in words.items()]
            found = await operations.give_feedback(store, given, "cli")
        for kind, value in words.items():
            _say_what(found, kind, value)

    run(work)


def _words(complaint: bool | None, sentiment: str, not_about: str) -> dict[Kind, str]:
    from monitor.sentiment.labels import LABELS

    if sentiment and sentiment not in LABELS:
        raise unknown("sentiment", sentiment, LABELS)
    words: dict[Kind, str] = {}
    if complaint is not None:
        words["complaint"] = "yes" if complaint else "no"
    if sentiment:
        words["sentiment"] = sentiment
    if not_about:
        words["not_about"] = not_about
    if not words:
        raise UsageError("say what is wrong: --complaint, --not-complaint, --sentiment LABEL or --not-about SUBJECT")
    return words


def _say_what(found: Observed, kind: Kind, value: str) -> None:
    say(f"Mention {found.id}: {_ANSWERS[kind].format(value)}. ", (said(found.text, 60), "dim"))


@feedback.command("export")
def export(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Print what the team said, one JSON object a mention: labelled texts for `tocsin evaluate` and for training.

    It holds what people wrote: treat the file as personal data.
    """

    async def work() -> None:
        async with opened(config) as (_, store), store.read() as tx:
            corrected = await tx.feedback.corrected()
        sys.stdout.write("".join(f"{json.dumps(_facts(each), ensure_ascii=False)}\n" for each in corrected))

    run(work)


def _facts(each: Corrected) -> dict[str, object]:
    return {
        "text": each.text,
        "language": each.language,
        "label": each.sentiment,
        "complaint": each.complaint,
        "not_about": sorted(each.not_about),
        "hash": each.text_hash,
        "mention": each.mention_id,
    }
