"""What `tocsin rules lint` says: rules that load and cannot be meant so, with file, line, field and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.domain.mention import Form
from monitor.packaged import shipped
from monitor.settings.load import folder_of, read_all
from monitor.settings.model import Settings
from monitor.settings.names import entries
from monitor.settings.problems import ConfigError, Problem
from monitor.settings.reading import Document, Path_, at, read
from monitor.settings.rule_tests import rule_test_files
from monitor.settings.wordlists import uses
from rules import lint
from rules.alert_contradiction import AlertPossibilities
from rules.lint import Remark, Surroundings

CODES: Mapping[str, str] = {
    **lint.CODES,
    "shadowed-route": "a route that no alert ever takes: an earlier one takes them all, and does not `continue`",
    "untested": "a file of rules that no file of rule tests names",
    "unused-list": "a list that neither a rule names, nor a route, an inhibition or a silence",
    "unused-plan": "a plan that no rule opens",
}
"""What is looked for, by the stable name of each finding."""

Usual = Mapping[str, tuple[Mapping[str, str], float]]
"""Of each rule the window in which most is usual: its key, and how much that is."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding: where it stands and what to do, its stable name, and the rule, if it is about one."""

    problem: Problem
    code: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A folder that can be used, and the documents of its files, to say where in them something stands."""

    directory: Path
    settings: Settings
    monitor: Document
    rules: Sequence[Document]
    plans: Sequence[Document]


def read_configuration(directory: Path) -> Configuration:
    """Raises `ConfigError` when it cannot be used at all."""
    loaded = read_all(directory)
    if loaded.settings is None or loaded.monitor is None:
        raise ConfigError(loaded.problems)
    return Configuration(directory, loaded.settings, loaded.monitor, loaded.rules, loaded.plans)


def findings(read: Configuration, usual: Usual | None = None) -> list[Finding]:
    """What is remarkable in a configuration, file by file."""
    amid, known = _surroundings(read.settings, usual or {}), places(read.rules)
    found = [_placed(remark, known) for remark in lint.lint(read.settings.rules, amid)]
    return sorted([*found, *_untested(read), *_unused_lists(read), *_unused_plans(read), *_shadowed(read)])


def _surroundings(settings: Settings, usual: Usual) -> Surroundings:
    heard = {"default", "ops", *(name for rule in settings.rules for name in rule.notify)}
    return Surroundings(
        lists=settings.lists,
        names=_names(settings),
        every={name: source.every for name, source in settings.sources.items() if source.enabled},
        usual=usual,
        unheard={name for name in heard if not settings.resolve(name)},
    )


def _names(settings: Settings) -> dict[str, set[str]]:
    """All that some fields can hold. The network is certain only where no record can name its own."""
    networks = [source.networks() for source in settings.sources.values()]
    names = {"subjects": set(settings.subjects), "source": set(settings.sources), "form": {str(form) for form in Form}}
    if networks and None not in networks:
        names["network"] = {name for each in networks for name in each or ()}
    return names


def places(documents: Sequence[Document]) -> dict[str, tuple[Document, int]]:
    """In which document each rule stands, and at which place in it."""
    return {
        str(at(each, ("id",))): (document, index)
        for document in documents
        for index, each in enumerate(entries(document.data, "rules"))
    }


def _placed(remark: Remark, known: Mapping[str, tuple[Document, int]]) -> Finding:
    document, index = known[remark.rule]
    path: Path_ = ("rules", index, *remark.path)
    return Finding(document.problem(path, remark.what, remark.fix), remark.code, remark.rule)


def _untested(configuration: Configuration) -> Iterator[Finding]:
    folder = folder_of(configuration.directory, "rules")
    named = (name for path in rule_test_files(configuration.directory) for name in entries(read(path)[0].data, "rule_files"))
    tested = {(folder / str(name)).resolve() for name in named}
    for document in configuration.rules:
        path = Path(document.file)
        if path.resolve() not in tested and entries(document.data, "rules"):
            what, fix = "no file of rule tests names these rules.", f"Write {path.stem}.test.yaml beside it."
            yield Finding(Problem(document.file, 0, "", what, fix), "untested")


def _unused_lists(configuration: Configuration) -> Iterator[Finding]:
    used = {name for document in (configuration.monitor, *configuration.rules) for _, name in uses(document)}
    told: set[str] = set()
    for document in configuration.rules:
        lists = at(document.data, ("lists",))
        for name in lists if isinstance(lists, Mapping) else ():
            if name not in used | told:
                told.add(name)
                problem = document.problem(("lists", name), "nothing names this list.", "Remove it, or name it in a rule.")
                yield Finding(problem, "unused-list")


def _unused_plans(configuration: Configuration) -> Iterator[Finding]:
    """Only of the plans that somebody wrote: the shipped ones, copied or not, lie ready for rules to come."""
    opened = {rule.plan for rule in configuration.settings.rules}
    ready = {path.stem for path in (shipped() / "plans").glob("*.yaml")}
    for document in configuration.plans:
        own = Path(document.file).is_relative_to(configuration.directory)
        if own and at(document.data, ("plan", "id")) not in opened | ready:
            problem = document.problem(("plan", "id"), "no rule opens this plan.", "Write `plan:` with its id at a rule.")
            yield Finding(problem, "unused-plan")


def _shadowed(configuration: Configuration) -> Iterator[Finding]:
    """Routes of which it is certain that an earlier one takes every alert that they would."""
    routes = configuration.settings.routing.routes
    possible = AlertPossibilities(configuration.settings.lists)
    document = read(configuration.directory / "monitor.yaml")[0]
    for number, route in enumerate(routes):
        ending = (at for at, other in enumerate(routes[:number]) if not other.continue_)
        first = next((at for at in ending if possible.shadows(routes[at].where, route.where)), None)
        if first is not None:
            what = f"no alert ever takes this route: route {first + 1} takes them all, and does not `continue`."
            fix = f"Put it before route {first + 1}, or write `continue: true` there."
            yield Finding(document.problem(("routing", "routes", number, "where"), what, fix), "shadowed-route")
