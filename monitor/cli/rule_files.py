"""`tocsin rules list` and `tocsin rules copy`: which rules are in force and where they stand, and the shipped ones to change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.app import rules
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, creating, out, outlined, plural, row, say, table


@rules.command("list")
def list_rules(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show the rules in force, when they ring, and the line at which each stands."""
    from monitor.settings.lint import places, read_configuration
    from monitor.settings.load import folder_of

    read = read_configuration(config)
    found = places(read.rules)
    say(str(folder_of(config, "rules")), style="bold")
    rows = table("rule", "severity", "line", "rings when")
    for rule in read.settings.rules:
        document, index = found[rule.id]
        line = document.problem(("rules", index), "", "").line
        title = (rule.title or {}).get(read.settings.language, "–")
        row(rows, rule.id, rule.severity, f"{Path(document.file).name}:{line}", title)
    out.print(rows if read.settings.rules else "There are no rules: nothing rings.")
    if folder_of(config, "rules") != config / "rules":
        say("")
        say("These come with Tocsin. To change one, copy them all into your configuration:")
        say(f"  tocsin rules copy --config {config}", style="bold")


@rules.command("copy")
def copy(
    config: ConfigDir = DEFAULT_CONFIG,
    words: Annotated[bool, typer.Option("--words", help="Copy the lists of words that they name, too.")] = False,
) -> None:
    """Copy the rules that come with Tocsin, and their tests, into the configuration, to change them there.

    Files that are there already are left as they are. From then on what is in the folder `rules` is in force, and nothing else:
    a file that you remove rings for nobody.
    """
    from monitor.settings import copy_shipped

    outlined(config)
    for name in ("rules", "words") if words else ("rules",):
        with creating(config / name):
            written = copy_shipped(config, name)
        say(f"wrote {plural(len(written), 'file')} into {config / name}")
