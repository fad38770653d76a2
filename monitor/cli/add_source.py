"""`tocsin sources add`: asks for what a kind needs, tries it, and writes it down, with the secrets elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import sources
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, out, plural, row, run, said, say, table, unknown
from monitor.cli.trial import preview
from monitor.domain.errors import CannotCreateError, ExitCode, SourceError, UsageError

if TYPE_CHECKING:
    from monitor.settings.adding import Asked, Checked
    from monitor.sources import HttpSettings

_SHOWN = 3  # mentions of the trial
_TIMES = 5  # that a wrong value is asked for again


@sources.command("add")
def add_source(
    kind: Annotated[str, typer.Argument(help="Its kind; without it, the kinds there are.")] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    name: Annotated[str, typer.Option(help="What to call it.", show_default="asked, or the kind")] = "",
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE, several times: then nothing is asked. A secret is named, not typed."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Put it into monitor.yaml; else it is only printed.")] = False,
    untried: Annotated[bool, typer.Option("--untried", help="Do not ask the network first.")] = False,
) -> None:
    """Ask for the settings of a new source, try it, and print what belongs into monitor.yaml, or write it there."""
    from monitor.settings import adding
    from monitor.sources import KINDS

    if not kind:
        _list_kinds()
        return
    if kind not in KINDS:
        raise unknown("kind of source", kind, KINDS)
    taken = _taken(config)
    asks = not given
    _introduce(kind)
    name = _named(name or ("" if asks else kind), kind, taken)
    secrets: dict[str, str] = {}
    data = {"kind": kind, **(_ask_all(kind, name, config, secrets) if asks else _given(kind, given or []))}
    checked = adding.checked(name, data | adding.literal(secrets), config, os.environ)
    if checked.problems:
        raise UsageError("\n".join(f"{each.field or name}: {each.what} {each.fix}".strip() for each in checked.problems))
    works = untried or _try(name, checked, config)
    data |= {setting: _kept_at(name, setting) if write else f"${{{_variable(name, setting)}}}" for setting in secrets}
    say("")
    typer.echo("sources:\n" + adding.block(name, data), nl=False)
    say("")
    if not write:
        _say_what_is_left(name, secrets)
        return
    if not works and not (asks and typer.confirm("Write it all the same?", default=False)):
        say("Nothing was written. --untried writes it without a trial.", style="yellow")
        raise typer.Exit(ExitCode.UNAVAILABLE)
    _write(config, name, data, secrets)


def _list_kinds() -> None:
    from monitor.sources import KINDS

    rows = table("kind", "what it brings")
    for name, kind in sorted(KINDS.items()):
        row(rows, name, (kind.settings.__doc__ or "").partition("\n")[0])
    out.print(rows)
    say("")
    say("Next: ", ("tocsin sources add KIND", "bold"))


def _taken(config: Path) -> Mapping[str, Any]:
    """The sources of monitor.yaml by their names, sound or not."""
    from monitor.settings.reading import at, read

    document, problems = read(config / "monitor.yaml")
    if document.data is None and problems:
        raise UsageError(f"{problems[0]} A source is added to a configuration: `tocsin init {config}` writes one.")
    found = at(document.data, ("sources",))
    return found if isinstance(found, Mapping) else {}


def _introduce(kind: str) -> None:
    from monitor.sources import KINDS

    known = KINDS[kind]
    say((known.settings.__doc__ or "").partition("\n")[0], style="bold")
    if known.where:
        say(known.where)
    if known.page:
        say(f"How to, with what it costs and cannot see: docs/how-to/{known.page}")


def _named(name: str, kind: str, taken: Mapping[str, Any]) -> str:
    from monitor.settings.adding import name_problem

    if name:
        if (problem := name_problem(name, taken)) is not None:
            raise UsageError(f"{problem} with --name")
        return name
    free = next(each for each in (kind, *(f"{kind}-{number}" for number in range(2, 1_000))) if each not in taken)
    for _ in range(_TIMES):
        name = typer.prompt("Name of the source", default=free).strip()
        problem = name_problem(name, taken)
        if problem is None:
            return name
        say(problem, style="yellow")
    raise UsageError("no name was found")


def _given(kind: str, given: list[str]) -> dict[str, Any]:
    """What the options say. A secret in them would stay in the shell's history: it must be named."""
    from monitor.settings import adding

    secrets = {each.name for each in adding.settings_of(kind) if each.secret}
    data: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        key = key.strip()
        if not equals:
            raise UsageError(f"--set wants KEY=VALUE, not `{key}`" if key not in secrets else f"--set wants {key}=VALUE")
        if (key in secrets and not adding.is_reference(value)) or adding.holds_password(value):
            raise UsageError(
                f"`{key}` holds a secret, and a command line stays in the shell's history. Say where it is:"
                f" --set '{key}=${{NAME}}' for an environment variable, --set {key}=file:PATH for a file,"
                f" --set {key}=credential:NAME for systemd's; or leave out --set and type it, unseen"
            )
        try:
            data[key] = adding.typed(kind, key, value)
        except ValueError as error:
            raise UsageError(f"--set {key}: {error}") from None
    return data


def _ask_all(kind: str, name: str, config: Path, secrets: dict[str, str]) -> dict[str, Any]:
    """Every setting of the kind; then, while they do not fit together, all of them again."""
    from monitor.settings import adding

    known: dict[str, Any] = {}
    for _ in range(_TIMES):
        for asked in adding.settings_of(kind):
            _ask(asked, kind, name, config, known, secrets)
        problems = adding.checked(name, {"kind": kind, **known, **adding.literal(secrets)}, config, os.environ).problems
        if not problems:
            return known
        for each in problems:
            say(f"{each.field + ': ' if each.field else ''}{each.what} {each.fix}".strip(), style="yellow")
        say("Once more; Enter keeps what you said.")
    raise UsageError("the settings do not fit together: nothing was written")


def _ask(asked: Asked, kind: str, name: str, config: Path, known: dict[str, Any], secrets: dict[str, str]) -> None:
    """One setting, until it is right. A secret is typed unseen, and kept apart."""
    from monitor.settings import adding

    say("")
    say(
        (asked.name, "bold"),
        f"  {asked.about}" + ("" if asked.required else " (Enter leaves it out)" if not asked.default else ""),
    )
    for _ in range(_TIMES):
        text = _typed(asked, known, secrets)
        if not text or (asked.default and text == asked.default):
            return
        try:
            value: Any = text if asked.secret else adding.typed(kind, asked.name, text)
        except ValueError as error:
            say(str(error), style="yellow")
            continue
        hidden = adding.holds_password(text) or (asked.secret and not adding.is_reference(text))
        new = adding.literal({asked.name: text}) if hidden else {asked.name: value}
        wrong = _wrong(asked.name, {"kind": kind, **known, **adding.literal(secrets), **new}, name, config)
        if not wrong:
            (secrets if hidden else known)[asked.name] = text if hidden else value
            return
        say(wrong, style="yellow")
    raise UsageError(f"{asked.name}: no right value was given")


def _typed(asked: Asked, known: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    if asked.secret:
        hint = "unseen, or where it is: ${NAME}, file:PATH, credential:NAME"
        default = None if asked.required and asked.name not in {*known, *secrets} else ""
        return str(typer.prompt(f"{asked.name} ({hint})", hide_input=True, default=default, show_default=False)).strip()
    before = known.get(asked.name)
    shown = ", ".join(map(str, before)) if isinstance(before, list) else str(before) if before is not None else asked.default
    return str(typer.prompt(asked.name, default=shown if shown or not asked.required else None, show_default=bool(shown))).strip()


def _wrong(setting: str, data: Mapping[str, Any], name: str, config: Path) -> str:
    """What is wrong with this one setting, whatever is still missing besides."""
    from monitor.settings import adding

    found = adding.checked(name, data, config, os.environ)
    about = [each for each in found.problems if each.field == setting or each.field.startswith((f"{setting}.", f"{setting}["))]
    return "; ".join(f"{each.what} {each.fix}".strip() for each in about)


def _try(name: str, checked: Checked, config: Path) -> bool:
    """Ask the network once, as `sources try` does. Says why it does not answer."""
    if checked.missing or checked.settings is None:
        for each in checked.missing:
            say(f"Not tried: {each.what} {each.fix}", style="yellow")
        return False
    source = checked.settings

    async def work() -> None:
        seen = await preview(name, source, _http_settings(config), _SHOWN)
        for mention in seen.mentions:
            say(f"  {said(mention.network)}  {said(mention.title or mention.text, 100)}", style="dim")
        say(" ".join(filter(None, (f"It answers: {plural(len(seen.mentions), 'mention')} shown.", seen.note))), style="green")

    say("")
    say("Trying it …")
    try:
        run(work)
    except SourceError as error:
        say(f"It does not answer as it should: {error.trouble}: {said(error.detail)}", style="red")
        return False
    return True


def _http_settings(config: Path) -> HttpSettings:
    """Those of the configuration, unless that has faults of its own."""
    from monitor.settings import ConfigError, outline
    from monitor.sources import HttpSettings

    try:
        return outline(config)[0].http
    except ConfigError:
        return HttpSettings()


def _variable(name: str, setting: str) -> str:
    return f"{name}_{setting}".upper().replace("-", "_")


def _kept_at(name: str, setting: str) -> str:
    return f"file:secrets/{name}-{setting}"


def _say_what_is_left(name: str, secrets: Mapping[str, str]) -> None:
    say("Nothing was written: put it into monitor.yaml, or do the same again with --write.")
    for setting in secrets:
        say(
            f"What you typed for {setting} was not kept: put it into the environment as {_variable(name, setting)}.",
            style="yellow",
        )


def _write(config: Path, name: str, data: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """The secrets first: a file that names one that is not there would stop the next start."""
    from monitor.settings import adding

    path = (config / "monitor.yaml").resolve()
    written: list[Path] = []
    try:
        text = adding.inserted(path.read_text(encoding="utf-8"), name, data)
        for setting, value in secrets.items():
            place = config / _kept_at(name, setting).removeprefix("file:")
            adding.write_secret(place, value)
            written.append(place)
        adding.replace_text(path, text)
    except OSError as error:
        for place in written:
            place.unlink(missing_ok=True)
        raise CannotCreateError(
            f"{error.filename or path} cannot be written: {error.strerror or error}. Nothing was changed: run it as whoever owns"
            " the configuration, or put the lines in by hand."
        ) from None
    say(f"wrote {path}")
    for place in written:
        say(f"wrote {place} (only its owner can read it: that must be the user whom the daemon runs as)")
    say("")
    say("Next: ", (f"tocsin check --config {config}", "bold"), ", then reload the daemon.")
