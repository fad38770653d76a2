"""Commands about accounts: who may use the console, how they come in, and what was done with them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import account
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    By,
    ConfigDir,
    clock,
    local,
    me,
    opened,
    out,
    plural,
    row,
    run,
    say,
    show_json,
    table,
)
from monitor.domain.account import Account, Permission, Role
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.access.auditing import By as Deed
    from monitor.settings import Outline
    from monitor.storage import Store

Name = Annotated[str, typer.Argument(help="The login name.")]
Level = Annotated[Role, typer.Option(help="What the person may do; each role may all that those before it may.")]


def _by(by: str) -> Deed:
    from monitor.access.auditing import By as Deed

    return Deed(by or me(), "cli")


@account.command("list")
def list_accounts(config: ConfigDir = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Who may use the console, as what, and when they last did."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                found = await tx.accounts.all()
            if as_json:
                show_json([asdict(each) for each in found])
                return
            rows = table("name", "called", "role", "signs in by", "last seen")
            for each in found:
                row(rows, each.name, each.called, each.role, _enters_by(each), local(each.seen_at, settings))
            out.print(rows if found else "Nobody has an account yet. The first one: tocsin account link")

    run(work)


def _enters_by(account: Account) -> str:
    if account.disabled_at is not None:
        return "disabled"
    ways = {
        "a password": account.has_password,
        "codes": account.has_password and account.has_codes,
        "the identity provider": account.subject is not None,
    }
    return ", ".join(way for way, there in ways.items() if there) or "nothing yet: invited"


@account.command()
def add(
    name: Name,
    role: Level = Role.VIEWER,
    called: Annotated[str, typer.Option(help="What others read.", show_default="the person of this name, or the name")] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Make an account, and print the link by which its owner sets a password."""

    async def work() -> None:
        from monitor.access import keeping

        async with opened(config) as (settings, store):
            made, secret = await keeping.add(store, name, called, role, _by(by), clock.now())
            say(f"{made.name} may enter as {role}, once a password is set by this link (24 h, works once):")
            _show_link(settings, secret)

    run(work)


@account.command()
def link(
    name: Annotated[str, typer.Argument(help="The login name; none for the first account.")] = "",
    without_codes: Annotated[
        bool, typer.Option("--without-codes", help="Also forget the one-time codes: the telephone is lost.")
    ] = False,
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Print a link by which somebody sets a new password, or the first admin makes an account."""

    async def work() -> None:
        from monitor.access import keeping

        async with opened(config) as (settings, store):
            if not name:
                await _show_first(settings, store)
                return
            found, secret = await keeping.link(store, name, _by(by), clock.now(), without_codes=without_codes)
            say(f"{found.name} sets a new password by this link (24 h, works once); all sessions end then:")
            _show_link(settings, secret)

    run(work)


async def _show_first(settings: Outline, store: Store) -> None:
    from monitor.access.links import first_link

    secret = await first_link(store, clock.now())
    if secret is None:
        raise UsageError("there are accounts already: say whose link, `tocsin account link NAME` (tocsin account list)")
    say("The first admin is made by this link (24 h, works once; a link that was printed before works no more):")
    _show_link(settings, secret)


def _show_link(settings: Outline, secret: str) -> None:
    """A plain line: it is copied from here, and must not be broken."""
    from monitor.access.links import address

    typer.echo(address(settings.web, secret))


@account.command("role")
def give_role(
    name: Name,
    to: Annotated[Role, typer.Argument(help="The new role.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Give somebody another role, from the next page on."""

    async def work() -> None:
        from monitor.access import keeping

        async with opened(config) as (_, store):
            before = await keeping.give_role(store, name, to, _by(by), clock.now())
        say(f"{before.name} was {before.role}, and is {to} now.")

    run(work)


@account.command()
def disable(name: Name, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Let nobody enter by an account: its sessions end at once, its tokens rest."""

    async def work() -> None:
        from monitor.access import keeping

        async with opened(config) as (_, store):
            found = await keeping.disable(store, name, _by(by), clock.now())
        say(f"Nobody enters as {found.name} any more. To take it back: tocsin account enable {found.name}")

    run(work)


@account.command()
def enable(name: Name, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Let somebody enter again who was disabled; their tokens work again, too."""

    async def work() -> None:
        from monitor.access import keeping

        async with opened(config) as (_, store):
            found = await keeping.enable(store, name, _by(by), clock.now())
        say(f"{found.name} may enter again.")

    run(work)


@account.command()
def token(
    name: Annotated[str, typer.Argument(help="The login name; none lists everybody's tokens.")] = "",
    make: Annotated[str, typer.Option(help="Make one, by this name: what for, such as `grafana`.")] = "",
    scope: Annotated[list[Permission] | None, typer.Option(help="What it may do; several are possible.")] = None,
    lasting: Annotated[str, typer.Option("--for", help="How long it works: up to 366d.")] = "90d",
    end: Annotated[int, typer.Option(help="End the token of this number.")] = 0,
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """List the tokens of programs, make one, or end one."""
    if make and end:
        raise UsageError("--make and --end are two things: type two commands")
    if make and not name:
        raise UsageError("say whose token it is to be: a token may no more than its owner")

    async def work() -> None:
        from monitor.access import keeping, tokens
        from rules.duration import parse_duration

        async with opened(config) as (settings, store):
            if end:
                ended = await tokens.end(store, end, _by(by), clock.now())
                say(f"The token {end} ({ended.name}) works no more.")
                return
            async with store.read() as tx:
                owner = await keeping.named(tx, name) if name else None
            if owner is None or not make:
                await _list_tokens(settings, store, owner)
                return
            try:
                period = parse_duration(lasting)
            except ValueError as error:
                raise UsageError(f"--for {lasting}: {error}") from None
            made, secret = await tokens.make(store, owner, make, scope or [Permission.LOOK], period, _by(by), clock.now())
            say(f"Token {made.id} works until {local(made.ends_at, settings)}. It is shown this once; it goes into")
            say("the header `Authorization: Bearer …`:")
            typer.echo(secret)

    run(work)


async def _list_tokens(settings: Outline, store: Store, owner: Account | None) -> None:
    async with store.read() as tx:
        found = await tx.tokens.all(owner.id if owner is not None else None)
        owners = await tx.accounts.many([each.account_id for each in found])
    rows = table("number", "of", "for", "may", "until", "last used")
    for each in found:
        whose, may = owners[each.account_id].name, ", ".join(sorted(each.scopes))
        row(rows, str(each.id), whose, each.name, may, local(each.ends_at, settings), local(each.used_at, settings))
    out.print(rows if found else "There are no tokens. Make one: tocsin account token NAME --make grafana --scope look")


@account.command()
def sessions(
    name: Name,
    end: Annotated[bool, typer.Option("--end", help="Sign the person out everywhere.")] = False,
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Where somebody is signed in; with --end, no longer."""

    async def work() -> None:
        from monitor.access import keeping
        from monitor.access.sessions import goes_on

        async with opened(config) as (settings, store):
            if end:
                ended = await keeping.end_sessions(store, name, _by(by), clock.now())
                say(f"{plural(ended, 'session')} ended.")
                return
            async with store.read() as tx:
                found = await tx.sign_ins.sessions((await keeping.named(tx, name)).id)
            alive = [each for each in found if goes_on(each, settings.console.sessions, clock.now())]
            rows = table("since", "last used", "from", "with")
            for each in alive:
                row(rows, local(each.began_at, settings), local(each.seen_at, settings), each.address, each.agent)
            out.print(rows if alive else f"{name} is not signed in.")

    run(work)


@account.command()
def audit(
    name: Annotated[str, typer.Argument(help="Only what was done by or to this account.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many entries, the newest first.")] = 30,
    before: Annotated[int, typer.Option(help="Those older than the entry of this number.")] = 0,
    config: ConfigDir = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What was done with accounts: who, what, to whom, from where, when."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                found = await tx.audit.page(limit, before=before or None, whom=name or None)
            if as_json:
                show_json([asdict(each) for each in found])
                return
            rows = table("number", "at", "who", "did", "to", "through")
            for each in found:
                way = f"{each.through} {each.address}".strip()
                row(rows, str(each.id), local(each.at, settings), each.actor or "somebody", each.action, each.whom, way)
            out.print(rows if found else "Nothing was done yet.")

    run(work)
