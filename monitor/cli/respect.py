"""Commands the law asks for: what do you hold about me, forget me, and keep what a claim needs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from monitor.cli.app import KEEPS, app, hold
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    By,
    ConfigDir,
    actor,
    clock,
    local,
    opened,
    out,
    plural,
    row,
    run,
    said,
    say,
    show_json,
    table,
)
from monitor.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from monitor.settings import Outline
    from monitor.storage import Erased, Hold, Store, UnitOfWork
    from notifiers.message import Language

Network = Annotated[str, typer.Argument(help="The network, for instance mastodon.")]
Who = Annotated[str, typer.Argument(help="The author's handle, or id on the network.")]

# What a person may be told, word for word: the law wants an answer within a month.
_ANSWERS = {
    "erased": {
        "fr": "Nous avons effacé vos données le {date}. Une empreinte calculée avec une clé secrète, qui ne permet pas de vous"
        " identifier, empêche que vos publications soient collectées de nouveau. Les messages internes déjà envoyés et les"
        " sauvegardes sont supprimés à l’échéance de leur durée de conservation.",
        "en": "We erased your data on {date}. A keyed hash, by which nobody can identify you, keeps your posts from being"
        " collected again. Internal messages that were already sent, and backups, are deleted when their retention ends.",
    },
    "held": {
        "fr": "Nous avons enregistré votre demande d’effacement. Une partie de vos données est nécessaire à la constatation,"
        " à l’exercice ou à la défense de droits en justice (article 17, paragraphe 3, point e du RGPD). Elle sera effacée dès"
        " que ce motif aura cessé. Vous pouvez saisir la CNIL (www.cnil.fr) d’une réclamation.",
        "en": "We recorded your request for erasure. Some of your data is needed for the establishment, exercise or defence of"
        " legal claims (Article 17(3)(e) GDPR). It will be erased as soon as that reason ends. You may lodge a complaint with"
        " your supervisory authority.",
    },
}


@app.command(rich_help_panel=KEEPS)
def export(network: Network, author: Who, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Print all that is kept about one author, as JSON: the answer to an access request."""

    async def work() -> None:
        async with opened(config) as (_, store), store.read() as tx:
            show_json(await tx.access.export(network, author))

    run(work)


@app.command(rich_help_panel=KEEPS)
def erase(
    network: Annotated[str, typer.Argument(help="The network, for instance mastodon.", show_default=False)] = "",
    author: Annotated[str, typer.Argument(help="The author's handle, or id on the network.", show_default=False)] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    as_json: AsJson = False,
    by: By = "",
    listed: Annotated[
        Path | None,
        typer.Option(
            "--from",
            exists=True,
            dir_okay=False,
            help="Erase anew whoever stands on this list of erasures, kept beside another copy of the store.",
        ),
    ] = None,
) -> None:
    """Forget one author, for good: the texts go, and the next poll does not bring them back."""
    if (listed is None) == (not (network and author)) or (listed is not None and (network or author)):
        raise UsageError("say whom to erase, as in `tocsin erase mastodon @ada`, or give a list with --from FILE")

    async def work() -> None:
        async with opened(config) as (settings, store):
            if listed is not None:
                await _erase_listed(settings, store, listed, as_json=as_json)
                return
            async with store.read() as tx:
                planned = await tx.erasures.preview(network, author, clock.now())
            if dry_run:
                _tell(planned, settings, done=False, as_json=as_json)
                return
            if not yes:
                _tell(planned, settings, done=False)
                typer.confirm(f"Erase {author} on {network}? This cannot be undone.", abort=True)
            await _erase(settings, store, network, author, by, as_json=as_json)

    run(work)


async def _erase(settings: Outline, store: Store, network: str, author: str, by: str, *, as_json: bool) -> None:
    from monitor.pipeline import operations

    erased, written = await operations.erase(store, network, author, actor(by), clock.now())
    _tell(erased, settings, done=True, as_json=as_json)
    if not written:
        typer.echo(
            f"{store.erased_list.path} cannot be written. A backup put back later will bring this person back; give the folder to"
            " the daemon's user, and the next start writes the list.",
            err=True,
        )
    if erased.pending:
        raise typer.Exit(ExitCode.FAILED)


async def _erase_listed(settings: Outline, store: Store, listed: Path, *, as_json: bool) -> None:
    done = await store.bury_again(listed)
    if as_json:
        show_json([_facts(each, settings) for each in done])
    else:
        people = "1 person" if len(done) == 1 else f"{len(done)} people"
        say(f"Erased anew: {people}. Everybody on the list is kept out.")


def _facts(erased: Erased, settings: Outline) -> dict[str, Any]:
    return {
        "author": erased.author,
        "erased_at": erased.erased_at,
        "already": erased.already,
        "mentions": erased.mentions,
        "kept": erased.kept,
        "alerts": erased.alerts,
        "pending": erased.pending,
        "holds": [{"id": each.id, "on": _on(each), "reason": each.reason, "until": each.until} for each in erased.holds],
        "cannot_be_recalled": [asdict(each) for each in erased.sent],
        "backups": _backups(settings),
        "answer": {"fr": _answer(erased, "fr"), "en": _answer(erased, "en")},
    }


def _answer(erased: Erased, language: Language) -> str:
    from notifiers.reader import Reader

    date = Reader(language, "UTC").day(erased.erased_at)
    return _ANSWERS["held" if erased.pending else "erased"][language].format(date=date)


def _tell(erased: Erased, settings: Outline, *, done: bool, as_json: bool = False) -> None:
    if as_json:
        show_json(_facts(erased, settings) | {"done": done and not erased.pending})
        return
    if erased.already:
        say(f"Already erased on {local(erased.erased_at, settings)}: nothing is held.")
        return
    verb = "Erased" if done else "To be erased"
    say(f"{verb}: {plural(erased.mentions, 'mention')} emptied, quotes in {plural(erased.alerts, 'alert')} removed.")
    for each in erased.holds:
        say(("Kept: ", "yellow"), f"hold {each.id} on {_on(each)} ({said(each.reason)}), until {local(each.until, settings)}.")
    if erased.kept:
        say(f"{plural(erased.kept, 'mention')} kept by legal holds; they are erased by themselves when the holds are released.")
    elif erased.pending:
        say("What these holds keep of others names them; that goes by itself when the holds are released.")
    _tell_recall(erased, settings)
    if done:
        say("")
        say("You may answer the person: ", (_answer(erased, settings.language), "bold"))


def _tell_recall(erased: Erased, settings: Outline) -> None:
    """What has left the house, by name: whoever received it must be asked to delete it."""
    for each in erased.sent:
        say(f"Cannot be recalled: {each.kind} to {each.receiver}, {local(each.ended_at, settings)} (notification {each.id}).")
    for name in _backups(settings):
        say(f"Still in the backup {name}: should it be put back, the list beside the store erases anew.")


def _backups(settings: Outline) -> list[str]:
    from monitor.storage.backup import made

    return [str(path) for path in made(settings.storage)]


def _on(hold_: Hold) -> str:
    return f"{hold_.what} {hold_.number if hold_.number is not None else '(gone)'}"


@hold.command("add")
def add(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="`author`, `mention` or `incident`.")],
    which: Annotated[str, typer.Argument(help="NETWORK/AUTHOR for an author, else a number.")],
    reason: Annotated[str, typer.Option("--reason", help="Which claim needs it: for whoever asks later.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    until: Annotated[str, typer.Option("--until", help="The day on which it ends by itself, as 2027-01-31.")] = "",
) -> None:
    """Keep an author, a mention or an incident for a legal claim: neither retention nor erasure touches it."""

    async def work() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (settings, store):
            async with store.read() as tx:
                kind, number = await _target(tx, what, which)
            ends = day_in(until, settings) if until else None
            held = await operations.place_hold(store, kind, number, reason=reason, actor=actor(by), at=clock.now(), until=ends)
        say(f"Hold {held.id} is in force on {_on(held)}: {plural(len(held.covers), 'mention')} kept.")
        say(f"SHA-256 of the evidence: {held.evidence_hash} (tocsin hold evidence {held.id} | sha256sum).")

    run(work)


async def _target(tx: UnitOfWork, what: str, which: str) -> tuple[Any, int]:
    from monitor.storage.holds import WHATS

    if what not in WHATS:
        raise UsageError(f"`{what}` cannot be held; say author, mention or incident")
    if what == "author":
        network, slash, who = which.partition("/")
        if not (slash and who):
            raise UsageError("an author is written NETWORK/AUTHOR, for instance mastodon/@ada@social.example")
        return what, (await tx.authors.find(network, who))["id"]
    if not (which.isascii() and which.isdecimal()):
        raise UsageError(f"`{which}` is no number of a {what}")
    return what, int(which)


def day_in(written: str, settings: Outline) -> datetime:
    """The end of a day, as the team counts it."""
    try:
        day = datetime.strptime(written, "%Y-%m-%d")  # noqa: DTZ007 the zone follows
    except ValueError:
        raise UsageError(f"`{written}` is no day; write it as 2027-01-31") from None
    ends = (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(settings.timezone))
    if ends <= clock.now():
        raise UsageError(f"{written} is over: a hold ends in the future")
    return ends


@hold.command("list")
def holds(
    config: ConfigDir = DEFAULT_CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what is kept for legal claims, and whether it is still as it was."""

    async def work() -> None:
        async with opened(config) as (settings, store), store.read() as tx:
            found = [(each, await _intact(tx, each)) for each in await tx.holds.all(everything=everything)]
            waiting = await tx.erasures.waiting()
            if as_json:
                show_json([asdict(each) | {"unchanged": intact} for each, intact in found])
                return
            _show_holds(found, settings)
            if waiting:
                say(f"{plural(waiting, 'erasure')} waiting for a hold to be released.")

    run(work)


async def _intact(tx: UnitOfWork, held: Hold) -> bool | None:
    """Whether the evidence is what it was; None for a hold that was placed before evidence was hashed, or has ended."""
    from monitor.storage.holds import fingerprint

    if not held.evidence_hash or held.released_at is not None:
        return None
    return fingerprint(await tx.holds.evidence(held)) == held.evidence_hash


def _show_holds(found: list[tuple[Hold, bool | None]], settings: Outline) -> None:
    if not found:
        say("Nothing is under legal hold.")
        return
    rows = table("id", "on", "since", "until", "by", "evidence", "reason")
    states = {True: ("unchanged", "green"), False: ("CHANGED", "red"), None: ("not hashed", "dim")}
    for each, intact in found:
        ends = f"released {local(each.released_at, settings)}" if each.released_at else local(each.until, settings)
        row(rows, str(each.id), _on(each), local(each.placed_at, settings), ends, each.placed_by, states[intact], each.reason)
    out.print(rows)


@hold.command("evidence")
def evidence(number: Annotated[int, typer.Argument(help="The hold's number.")], config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Print what a hold was placed on, one JSON object a line: `sha256sum` of it is the hash that was recorded."""

    async def work() -> None:
        import sys

        async with opened(config) as (_, store), store.read() as tx:
            held = await tx.holds.get(number)
            if held is None:
                raise UsageError(f"there is no hold {number}; `tocsin hold list --all` lists them")
            lines = await tx.holds.evidence(held)
        sys.stdout.write("".join(f"{line}\n" for line in lines))

    run(work)


@hold.command("release")
def release(
    number: Annotated[int, typer.Argument(help="The hold's number.")], config: ConfigDir = DEFAULT_CONFIG, by: By = ""
) -> None:
    """End a hold. Erasures that waited for it are carried out at once."""

    async def work() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (_, store):
            erased = await operations.release_hold(store, number, actor(by), clock.now())
        say(f"Hold {number} is released.")
        for each in erased:
            say(f"Erased, as was asked: author {each.author}, {plural(each.mentions, 'mention')} emptied.")

    run(work)
