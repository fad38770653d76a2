"""`tocsin plan copy`: the plans that come with Tocsin, to be made one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import plan
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, creating, out, outlined, row, say, table, unknown

if TYPE_CHECKING:
    from notifiers.message import Language

Wanted = Annotated[
    list[str] | None, typer.Argument(metavar="[PLAN]...", help="Which plans; without any, it is said which there are.")
]


@plan.command("copy")
def copy(plans: Wanted = None, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Copy plans that come with Tocsin into the folder `plans` of the configuration, to make them yours.

    Files that are there already are left as they are. Once there is such a folder, the plans in it are the ones there are; of
    those that come with Tocsin, only what a rule opens fills a gap.
    """
    language = outlined(config).language
    known = _shipped()
    for name in plans or ():
        if name not in known:
            raise unknown("plan", name, known)
    if plans:
        _copy(list(dict.fromkeys(plans)), config)
    else:
        _list(known, config, language)


def _shipped() -> Mapping[str, Path]:
    """The file of each shipped plan, which is called as the plan is."""
    from monitor.packaged import shipped

    return {path.stem: path for path in sorted((shipped() / "plans").glob("*.yaml"))}


def _copy(plans: list[str], config: Path) -> None:
    from monitor.settings import copy_shipped

    first = not (config / "plans").exists()
    with creating(config / "plans"):
        written = copy_shipped(config, "plans", [f"{name}.yaml" for name in plans])
    for path in (_own(config, name) for name in plans):
        say(f"wrote {path}" if path in written else f"{path} was there already, and is as it was")
    if first:
        say("From now on this folder holds your plans. Copy the others that you may want to open by hand, too:")
        say(f"  tocsin plan copy --config {config}", style="bold")


def _own(config: Path, name: str) -> Path:
    return config / "plans" / f"{name}.yaml"


def _list(known: Mapping[str, Path], config: Path, language: Language) -> None:
    rows = table("plan", "for", "yours")
    for name, path in known.items():
        row(rows, name, _title(path, language), "copied" if _own(config, name).exists() else "")
    out.print(rows)
    say("")
    say("To make one yours:")
    say(f"  tocsin plan copy {next(iter(known))} --config {config}", style="bold")


def _title(path: Path, language: Language) -> str:
    import yaml

    title: str = yaml.safe_load(path.read_text(encoding="utf-8"))["plan"]["title"][language]
    return title
