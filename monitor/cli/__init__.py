"""The `tocsin` command: what a person types. Every command says what it did and what to do next."""

from __future__ import annotations

import sys

from monitor.cli import act, configure, plans, respect, serve  # importing a module of commands registers them
from monitor.cli.app import app
from monitor.domain.errors import ExitCode, TocsinError


def main() -> None:
    """Run the command, and turn what went wrong into words and the right exit code."""
    try:
        app()
    except TocsinError as error:
        sys.stderr.write(f"tocsin: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(ExitCode.INPUT_OUTPUT)


__all__ = ["act", "app", "configure", "main", "plans", "respect", "serve"]
