"""Writes `docs/reference/` from the models, the metrics table, the exit codes and the command line: `make docs`.

Every page it writes is a pure function of the code, so that a test can compare: `python docs/generate.py --check` exits with 1
when a committed page no longer says what the code says.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import api_page
import checklist_page
import log_page
import monitoring_page
import personal_page
import typer.main
from pydantic import TypeAdapter
from reliability_page import reliability_page
from schema_page import NOTE, Page

from monitor.domain.errors import ExitCode
from monitor.domain.plan import PLACES, PlanFile
from monitor.settings import lint
from monitor.settings.contacts import Contacts
from monitor.settings.model import MonitorFile
from monitor.sources import SourceUnion
from monitor.sources.base import SourceSettings
from monitor.storage import StorageSettings
from monitor.telemetry import metrics
from notifiers import ReceiverUnion
from notifiers.base import ReceiverSettings
from rules import RuleFile, RuleTestFile

REFERENCE = Path(__file__).parent / "reference"
# Defaults that JSON Schema hides, because the setting may hold a password.
HIDDEN_DEFAULTS = {"storage.url": StorageSettings().url.get_secret_value()}


def settings_page() -> str:
    """monitor.yaml."""
    intro = (
        "`monitor.yaml` says what to listen for, where, and whom to tell. A useful file has ten lines; all else has defaults.\n\n"
    )
    intro += "A secret never stands in the file: write `${NAME}` for an environment variable, `file:PATH` for a file, or"
    intro += " `credential:NAME` for a systemd credential. Unknown settings are errors; `tocsin check` shows them all at once."
    return Page("Settings: monitor.yaml", intro, MonitorFile.model_json_schema(), HIDDEN_DEFAULTS).tree().text()


def contacts_page() -> str:
    """contacts.yaml."""
    intro = (
        "`contacts.yaml` holds the people. It is personal data: `chmod 600 contacts.yaml`. People, roles and receivers share one"
    )
    intro += " namespace: rules and plans name any of them."
    return Page("Contacts: contacts.yaml", intro, Contacts.model_json_schema()).tree().text()


def sources_page() -> str:
    """The kinds of sources."""
    intro = "Where to listen: the entries under `sources` of [monitor.yaml](settings.md#sources)."
    intro += " `tocsin sources try NAME` shows what one understands, storing nothing."
    page = Page("Sources", intro, TypeAdapter(SourceUnion).json_schema())
    return page.kinds(SourceSettings, "Every source").text() + checklist_page.section()


def receivers_page() -> str:
    """The kinds of receivers."""
    intro = "How people are reached: the entries under `receivers` of [monitor.yaml](settings.md#receivers)."
    intro += " `tocsin receivers try NAME` sends a test message to one."
    page = Page("Receivers", intro, TypeAdapter(ReceiverUnion).json_schema())
    return page.kinds(ReceiverSettings, "Every receiver").text()


AFTER_AN_EDIT = """
## After an edit

What a rule remembers (the open window, what is usual, a `for` that has begun) depends on its `where`, `key`, `measure` and
`window`. When one of them changes, or a rule is new, its memory is built anew from the stored mentions, as if it had always
been so; nobody is told of what would have rung in the past.

- It reads four half-lives back (`baseline.level`; with `surprise` the longer of it and `baseline.dispersion`), or
  `min_history` if that is longer, and the window: of rules that say nothing, twelve days, or four weeks with `surprise`.
  What retention has removed, and whoever was forgotten, is missing.
- Judging goes on meanwhile. Until it is done (the log says `rules.rebuilt`; a million mentions take a minute or two) the
  rule rings by its floors alone, marked as learning. A process that dies on the way begins again.
- An alert that is open and still holds goes on, and nobody hears of the edit. One that no longer holds ends with « the rule
  was changed », and its receivers are told that it may go on unwatched.
- All other settings (who is told, how often, from which floor) take effect at once and cost nothing. So do the entries of
  lists: what was counted before stays counted.
"""

LATE_MENTIONS = """
## Late mentions

A mention counts when it was written, however late it comes. A window takes it in unless it is older than the window
itself, which ends at the newest mention, or at the moment at which the window was last looked at.

- It is judged by what the window shows now. Where that does not ring, each sixtieth of the window since the mention was
  written is looked at: one that held, and would hold no more, rings late, for its own moment and with the figures of then;
  its reasons say so.
- What is usual is what is usual now. What `unless` asks is asked of then: a mood, copies or a crowd that held a window
  back then does so late.
- A rule with `for` never rings for a moment that is over. It counts from when the late mention came: a window that holds
  now, thanks to it, rings once `for` has passed since. A wave that was over before its last mentions came, and that would
  have rung with them, is missed: choose `for` only for sources that bring mentions within it.
- A share, a mean or a surprise is known at the end of a sixtieth (a surprise: of a twelfth) of the window, not in between.
"""


def rules_page() -> str:
    """The rule language."""
    intro = "The files of `rules/` say what rings. Each rule has a kind; all kinds share the same conditions,"
    intro += " [`where`](#conditions-where). Test them like code: [how to test a rule](../how-to/test-a-rule.md).\n\n"
    intro += "`tocsin schema --out FOLDER`, with the folder that holds monitor.yaml, writes the schemas with which an editor"
    intro += " completes and checks them. Editors with the YAML language server find the right one by the first line of a file:"
    intro += " `# yaml-language-server: $schema=../rules.schema.json`."
    return Page("Rules: rules/*.yaml", intro, RuleFile.model_json_schema()).tree().text() + AFTER_AN_EDIT + LATE_MENTIONS


def rule_tests_page() -> str:
    """Tests of rules."""
    intro = "The files `rules/*.test.yaml` hold the stories that `tocsin rules test` plays."
    intro += " See [how to test a rule](../how-to/test-a-rule.md)."
    return Page("Rule tests: rules/*.test.yaml", intro, RuleTestFile.model_json_schema()).tree().text()


def lint_page() -> str:
    """What is remarked about rules."""
    intro = "What `tocsin rules lint` looks for: rules that load and cannot be meant so. `--ignore NAME` leaves one out."
    intro += " See [how to test a rule](../how-to/test-a-rule.md#look-for-what-cannot-be-meant)."
    lines = [NOTE, "", "# Findings of `tocsin rules lint`", "", intro]
    for code, what in lint.CODES.items():
        lines += ["", f"## `{code}`", "", f"{what[0].upper()}{what[1:]}."]
    return "\n".join(lines) + "\n"


PLACES_IN_WORDS = """
## Places in words

In the titles, items and statements of a plan, a name in double braces is filled in when somebody reads it: `{{brand}}`. They are
no programs: nothing else is looked up or computed. A name that is not one of these is a fault. What only a person can know stays
in square brackets, `[HOUR]`, and is filled in by hand.
"""
CHECKED = """
## What is checked when a plan is read

`tocsin check` and every start read all plans. A fault keeps a plan from being used, and is told with its file, line and field:

- a name that does not exist: receivers, people, roles, steps and statements;
- a receiver where somebody must act (`approver`, `approval.role`, `undo.approval`, `sign_off`, `role`, `to`, `owner`, `read_by`,
  `approved_by`): a receiver cannot say yes. `default` and `ops` stand for receivers, and go where somebody is only told;
- anything but a webhook receiver where something is called: `webhook` steps, `publish` and `undo.receiver`;
- people whom the plan waits for, and rungs, behind whom there is no receiver at all;
- steps that wait for each other, and steps that wait for a level that the plan does not have;
- two levels of one rank, levels that do not stand from the gravest down, a level that the figures never ask for because a graver
  one holds whenever it does, and a `below_level` that no level has or below which there is none;
- conditions that no figures meet, such as a share of 40 where shares go from 0 to 1;
- rungs that are not in the order of time, and a `repeat_from` that is not last or names no rung;
- a place in words that nothing fills in, or, in words that a step publishes, one that may stay open: `level`, `mentions`,
  `authors` and `lead`;
- `deny` beside a posture that admits something, and anything that would be published without an approval.

What follows is warned of by `tocsin check`, and never stops a start. It is looked for in one's own plans alone: the shipped ones
lie ready to be made one's own.

- A review that is overdue or that nobody has noted, and a statement whose day has passed.
- A statement that is still a draft, used by a step that asks for nobody's approval.
- A rung that e-mail alone carries, in a plan whose gravest level must be taken within 30 minutes; one whose people have none of
  the channels in `by`.
- A statement in no language that the people of the plan read.
- People of the plan without a telephone, where others of `contacts.yaml` have one.
"""


def plans_page() -> str:
    """Emergency plans."""
    intro = "The files of `plans/` say what is done when a rule with `plan:` rings: who is told, what is done in which order,"
    intro += " which words are ready, and when it is over. See [how to write one](../how-to/write-a-plan.md)."
    told = Page("Emergency plans: plans/*.yaml", intro, PlanFile.model_json_schema()).tree().text()
    places = "".join(f"\n### `{{{{{name}}}}}`\n\n{what[0].upper()}{what[1:]}.\n" for name, what in PLACES.items())
    return told + PLACES_IN_WORDS + places + CHECKED


def metrics_page() -> str:
    """The metrics."""
    lines = [NOTE, "", "# Metrics", "", "What `/metrics` shows, in the Prometheus text format."]
    for metric in metrics.definitions:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
        lines += ["", f"## `{metric.name}`", "", metric.help, "", f"*{metric.kind}; labels: {labels}*"]
    return "\n".join(lines) + "\n"


_CODES = {
    ExitCode.OK: "All went well.",
    ExitCode.FAILED: "A person said no when asked, or something failed that has no code of its own.",
    ExitCode.USAGE: "The command was called with something that does not exist or cannot be combined.",
    ExitCode.UNAVAILABLE: "Something that is needed does not answer: the database, a source, a receiver under test.",
    ExitCode.CANNOT_CREATE: "A file or folder could not be created, for instance because it exists already.",
    ExitCode.INPUT_OUTPUT: "A file could not be read, or says something that cannot be understood; or the store is damaged.",
    ExitCode.CONFIGURATION: "The configuration has faults; every one of them was printed.",
}


def exit_codes_page() -> str:
    """The exit codes."""
    lines = [
        NOTE,
        "",
        "# Exit codes",
        "",
        "What `tocsin` ends with: the numbers of `sysexits.h`, so that a unit file can tell them apart.",
    ]
    for code in ExitCode:
        lines += ["", f"## `{code.value}` {code.name.replace('_', ' ').lower()}", "", _CODES[code]]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The command line."""
    from monitor.cli import app  # noqa: PLC0415 the slowest import, and only this page needs it

    lines = [
        NOTE,
        "",
        "# Commands",
        "",
        "`tocsin COMMAND --help` says the same. What they end with: [exit codes](exit-codes.md).",
    ]
    return "\n".join([*lines, *_commands(typer.main.get_command(app), "tocsin")]) + "\n"


def _commands(command: Any, path: str) -> Iterator[str]:
    """A heading per command, and below it its arguments and options."""
    told = inspect.cleandoc(command.help or "").split("\f")[0].strip()
    if not hasattr(command, "commands"):
        yield from ("", f"## `{path}`", "", told)
        yield from _parameters(command)
        return
    if path != "tocsin":
        yield from ("", f"## `{path}`", "", told)
    for name, inner in sorted(command.commands.items()):
        if not inner.hidden:
            yield from _commands(inner, f"{path} {name}")


def _parameters(command: Any) -> Iterator[str]:
    shown = [p for p in command.params if "--help" not in p.opts]
    if shown:
        yield ""
    for p in shown:
        name = ", ".join(p.opts + p.secondary_opts) if p.param_type_name == "option" else (p.metavar or p.name or "").upper()
        default = p.default if isinstance(p.default, str | int | float) and p.default not in (False, True, "") else None
        said = " *required*" if p.required else f" *default `{default}`*" if default is not None else ""
        yield f"- `{name}`: {getattr(p, 'help', None) or ''}{said}"


# By their place below `docs/reference`.
PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "contacts.md": contacts_page,
    "sources.md": sources_page,
    "receivers.md": receivers_page,
    "rules.md": rules_page,
    "rule-tests.md": rule_tests_page,
    "lint.md": lint_page,
    "plans.md": plans_page,
    "metrics.md": metrics_page,
    "api.md": lambda: api_page.page(NOTE),
    "alerts.md": lambda: monitoring_page.alerts_page(NOTE),
    "../../config/prometheus/tocsin.rules.yaml": lambda: monitoring_page.rules_file(NOTE),
    "../../config/grafana/tocsin.json": monitoring_page.dashboard,
    "personal-data.md": lambda: personal_page.page(NOTE),
    "log-events.md": lambda: log_page.page(NOTE),
    "exit-codes.md": exit_codes_page,
    "commands.md": commands_page,
    "reliability.md": lambda: reliability_page(NOTE),
}


def stale(folder: Path = REFERENCE) -> list[str]:
    """The pages whose committed text differs from what the code says."""
    return [name for name, page in PAGES.items() if not (folder / name).is_file() or (folder / name).read_text("utf-8") != page()]


def main(arguments: Iterable[str]) -> int:
    """Write the pages; with `--check` only compare."""
    if "--check" in arguments:
        old = stale()
        print("\n".join(f"{name} is out of date: run `make docs`" for name in old) or "docs/reference is up to date")
        return 1 if old else 0
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).parent.mkdir(exist_ok=True)
        (REFERENCE / name).write_text(page(), "utf-8")
    print(f"Wrote {len(PAGES)} files: docs/reference, and what Prometheus and Grafana read")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
