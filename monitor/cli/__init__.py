"""The `tocsin` command: what a person types. Every command says what it did and what to do next."""

from __future__ import annotations

import os
import sys

# Importing a module registers its commands.
from monitor.cli import (
    accounts,
    act,
    add_source,
    aftermath,
    backtest,
    configure,
    digests,
    drills,
    evaluate,
    feedback,
    figures,
    lint,
    observed,
    operate,
    plan_files,
    plans,
    postbox,
    replies,
    respect,
    room,
    routes,
    rule_files,
    rule_tests,
    rules,
    score,
    serve,
    silences,
    sources,
    state,
    thread,
)
from monitor.cli.app import app
from monitor.domain.errors import ExitCode, TocsinError

_TYPERS_USAGE_ERROR = 2


def main() -> None:
    """Run the command, and turn what went wrong into words and the right exit code."""
    try:
        app()
    except TocsinError as error:
        sys.stderr.write(_clean(f"tocsin: {error}") + "\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _forget_output()
        sys.exit(ExitCode.INPUT_OUTPUT)
    except SystemExit as ending:
        if ending.code == _TYPERS_USAGE_ERROR:
            sys.exit(ExitCode.USAGE)
        raise


def _clean(words: str) -> str:
    """An error may quote a server or a file: no line of it may play tricks with the terminal."""
    from monitor.telemetry import one_line

    return "\n".join(one_line(line) for line in words.split("\n"))


def _forget_output() -> None:
    """Nobody reads on (`tocsin alerts | head -1`): what is left in the buffer must not raise again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


__all__ = [
    "accounts",
    "act",
    "add_source",
    "aftermath",
    "app",
    "backtest",
    "configure",
    "digests",
    "drills",
    "evaluate",
    "feedback",
    "figures",
    "lint",
    "main",
    "observed",
    "operate",
    "plan_files",
    "plans",
    "postbox",
    "replies",
    "respect",
    "room",
    "routes",
    "rule_files",
    "rule_tests",
    "rules",
    "score",
    "serve",
    "silences",
    "sources",
    "state",
    "thread",
]
