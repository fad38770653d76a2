"""A configuration folder becomes one frozen `Settings`, or every problem in it at once."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from monitor.domain.clock import SystemClock
from monitor.domain.plan import Plan, PlanFile
from monitor.packaged import shipped
from monitor.sentiment import SentimentSettings
from monitor.settings import advice, inhibition, names, plan_advice, plan_names, plan_structure
from monitor.settings.contacts import Contacts
from monitor.settings.convert import convert
from monitor.settings.model import MonitorFile, Outline, Settings, implicit_receiver
from monitor.settings.place import state_folder
from monitor.settings.problems import ConfigError, Problem
from monitor.settings.reading import Data, Document, Path_, at, read
from monitor.settings.secrets import Filled, fill
from monitor.settings.shape import shape_of
from monitor.settings.translate import Translator
from monitor.settings.wordlists import WordLists, check_uses, read_lists, read_vocabularies
from monitor.sources import SourceUnion
from rules import RuleFile

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass
class Loaded:
    """What came of reading a folder. `settings` is None as soon as there is one problem."""

    settings: Settings | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    monitor: Document | None = None  # monitor.yaml, to say where in it something stands
    rules: list[Document] = field(default_factory=list)  # likewise
    plans: list[Document] = field(default_factory=list)
    own_plans: list[tuple[Document, Plan]] = field(default_factory=list)  # less those that are shipped


@dataclass(frozen=True)
class _File(Generic[_Model]):
    """One file: its document with secrets filled in (None when it is no YAML), and its model (None when that is wrong)."""

    path: Path
    document: Document | None = None
    model: _Model | None = None


def load(
    directory: Path,
    *,
    environ: Mapping[str, str] | None = None,
    today: date | None = None,
    rules: Sequence[Path] | None = None,
) -> Settings:
    """The settings of a configuration folder. Raises `ConfigError` with all problems of all its files.

    `rules` are files that stand in for its `rules/`; word lists that they name are looked for in the folder all the same.
    """
    loaded = read_all(directory, environ=environ, today=today, rules=rules)
    if loaded.settings is None:
        raise ConfigError(loaded.problems)
    return loaded.settings


def read_all(
    directory: Path,
    *,
    environ: Mapping[str, str] | None = None,
    today: date | None = None,
    rules: Sequence[Path] | None = None,
) -> Loaded:
    """Read a configuration folder. Never raises; `today` decides what has expired, `rules` stand in for its own."""
    reader = _Reader(directory, os.environ if environ is None else environ, today or SystemClock().now().date(), rules)
    loaded = reader.read()
    loaded.problems = _once(loaded.problems)
    return loaded


def outline(
    directory: Path, *, environ: Mapping[str, str] | None = None, rules: bool = False
) -> tuple[Outline, tuple[Problem, ...]]:
    """What a command about the store goes by, and the problems with all else in monitor.yaml, which hinder it in nothing.

    Raises `ConfigError` when it is not certain which store is meant, or, with `rules`, what the rules are.
    """
    reader = _Reader(directory, os.environ if environ is None else environ, SystemClock().now().date())
    return reader.outline(rules=rules)


def folder_of(directory: Path, name: str) -> Path:
    """Where the files of `rules` or `plans` are read from: the shipped folder when this configuration has none of its own."""
    own = directory / name
    return own if own.exists() else shipped() / name


def rule_files(path: Path) -> list[Path]:
    """The rule files of a folder, in order; a path that is no folder is one. Raises `OSError`."""
    return _yaml_files(path) if path.is_dir() else [path]


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """The first problem of each place: what is said there after it mostly follows from it."""
    first: dict[tuple[str, int, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.file, problem.line, problem.field), problem)
    return sorted(first.values())


class _Reader:
    """Reads one folder, collecting problems and warnings on the way."""

    def __init__(self, directory: Path, environ: Mapping[str, str], today: date, rules: Sequence[Path] | None = None) -> None:
        self._directory, self._environ, self._today = directory, environ, today
        self._rules = rules
        self._loaded = Loaded()
        self._problems = self._loaded.problems

    def read(self) -> Loaded:
        if not self._is_there():
            return self._loaded
        monitor = self._file(self._directory / "monitor.yaml", MonitorFile)
        contacts = self._contacts(self._directory / "contacts.yaml")
        rules = [self._file(path, RuleFile) for path in self._folder("rules")]
        plans = self._plans(rules)
        self._check_names(monitor, contacts, rules, plans)
        for file in plans:
            if file.document and file.model:
                self._problems += plan_structure.impossible(file.document, file.model.plan)
        self._settle(monitor, contacts, rules, plans, self._lists(rules, monitor.document))
        return self._loaded

    def outline(self, *, rules: bool) -> tuple[Outline, tuple[Problem, ...]]:
        """What is certain, and the problems with the rest. Raises `ConfigError`."""
        monitor = self._file(self._directory / "monitor.yaml", MonitorFile) if self._is_there() else _File(self._directory)
        read = [self._file(path, RuleFile) for path in self._folder("rules")] if rules else []
        found = _once(self._problems)
        elsewhere = tuple(each for each in found if each.file == str(monitor.path) and _section(each) in _DISPENSABLE)
        sound = monitor.model or self._sound(monitor.document, {_section(each) for each in elsewhere})
        if len(elsewhere) < len(found) or not (monitor.document and sound):
            raise ConfigError([each for each in found if each not in elsewhere] or found)
        place = state_folder(self._directory, self._environ)
        effective = tuple(rule for file in read if file.model for rule in file.model.effective(sound.timezone))
        before = len(self._problems)
        lists = self._lists(read)
        contacts = self._contacts(self._directory / "contacts.yaml").model or Contacts()
        elsewhere += tuple(self._problems[before:])  # neither hinders anybody who asks for the names of rules
        return replace(_outlined(monitor.document, sound, place), rules=effective, lists=lists, contacts=contacts), elsewhere

    def _sound(self, document: Document | None, faulty: Collection[str]) -> MonitorFile | None:
        """The file without its faulty sections. A file must have subjects: when they are faulty, one that nobody names."""
        if document is None or not isinstance(document.data, Mapping):
            return None
        rest = {name: section for name, section in document.data.items() if name not in faulty}
        data: Data = {"subjects": {"none": None}, **rest}
        return self._validate(document, Filled(data), MonitorFile)

    def _is_there(self) -> bool:
        if self._directory.is_dir():
            return True
        fix = "Give the folder that holds monitor.yaml, or write one with `tocsin init`."
        self._problems.append(Problem(str(self._directory), 0, "", "no such folder.", fix))
        return False

    def _contacts(self, path: Path) -> _File[Contacts]:
        """contacts.yaml; without it there are no people, which is fine."""
        return self._file(path, Contacts) if path.exists() else _File(path, Document(str(path)), Contacts())

    def _settle(
        self,
        monitor: _File[MonitorFile],
        contacts: _File[Contacts],
        rules: list[_File[RuleFile]],
        plans: list[_File[PlanFile]],
        lists: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Put the tree together when nothing is wrong, then look for what is merely unwise."""
        if not (monitor.document and monitor.model and contacts.model):
            return
        self._problems += advice.impossible(monitor.document, monitor.model, contacts.model)
        for file in rules:
            if file.document and file.model:
                self._problems += advice.outlives(file.document, file.model, monitor.model.storage.retention.mentions)
        sentiment = self._sentiment(monitor.document, monitor.model.sentiment)
        if self._problems:
            return
        read_rules, read_plans = [file.model for file in rules if file.model], [file.model for file in plans if file.model]
        settings = _compose(monitor.model, contacts.model, read_rules, read_plans, lists)
        place = state_folder(self._directory, self._environ)
        settings = settings.model_copy(update={"storage": settings.storage.beginning_at(place), "sentiment": sentiment})
        inhibitions, known = settings.routing.inhibit, (settings.rules, settings.lists)
        self._problems += inhibition.impossible(monitor.document, inhibitions, *known)
        read = [(file.document, file.model.plan) for file in plans if file.document and file.model]
        for document, plan in read:
            self._problems += plan_advice.unheard(document, plan, settings)
        if self._problems:
            return
        # Those that are shipped lie ready, to be made one's own.
        own = [(document, plan) for document, plan in read if Path(document.file).resolve().parent != shipped() / "plans"]
        places = _places(self._directory, monitor.document, rules, read)
        settings = settings.model_copy(update={"own_plans": tuple(plan.id for _, plan in own), "places": places})
        self._loaded.settings, self._loaded.monitor, self._loaded.own_plans = settings, monitor.document, own
        self._loaded.rules = [file.document for file in rules if file.document]
        self._loaded.warnings += advice.unwise(monitor.document, settings)
        self._loaded.warnings += advice.quiet_alarms(monitor.document, settings)
        self._loaded.warnings += advice.contacts_permissions(contacts.path)
        if contacts.document:
            self._loaded.warnings += advice.odd_times(contacts.document, contacts.model, self._today)
        self._loaded.plans = [document for document, _ in read]
        for document, plan in own:
            self._loaded.warnings += plan_advice.unwise(document, plan, settings, self._today)
        self._loaded.warnings += advice.idle_campaigns(monitor.document, settings, self._today)
        self._loaded.warnings += advice.silenced_dangers(monitor.document, settings)

    def _file(self, path: Path, model: type[_Model]) -> _File[_Model]:
        document, problems = read(path)
        self._problems += problems
        if problems and document.data is None:
            return _File(path)
        filled = self._fill(document) if model in {MonitorFile, Contacts} else Filled(document.data)
        validated = self._validate(document, filled, model)
        return _File(path, replace(document, data=filled.data), validated)

    def _fill(self, document: Document) -> Filled:
        filled = fill(document, self._directory, self._environ)
        self._problems += filled.problems
        self._loaded.warnings += filled.warnings
        if Path(document.file).name == "monitor.yaml":
            self._loaded.warnings += advice.written_in_clear(document, filled, shape_of(MonitorFile))
        return filled

    def _validate(self, document: Document, filled: Filled, model: type[_Model]) -> _Model | None:
        """The model, or None after noting why not."""
        shape = shape_of(model)
        data, problems = convert(document, filled, shape, self._directory)
        self._problems += problems
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self._problems += Translator(document, filled, shape).translate(error.errors(include_url=False))
            return None

    def _folder(self, name: str) -> list[Path]:
        """The YAML files of a folder in order; of the shipped one when this configuration has none of its own."""
        if name == "rules" and self._rules is not None:
            return list(self._rules)
        folder = folder_of(self._directory, name)
        try:
            return _yaml_files(folder)
        except OSError as error:
            what = f"cannot be read: {error.strerror}."
            self._problems.append(Problem(str(folder), 0, "", what, f"Make it a folder with the files of your {name}."))
            return []

    def _plans(self, rules: list[_File[RuleFile]]) -> list[_File[PlanFile]]:
        """The plans of this configuration; the shipped ones fill in for those that rules open and it does not have."""
        plans = [self._file(path, PlanFile) for path in self._folder("plans")]
        if not (self._directory / "plans").exists():
            return plans
        own = [at(file.document.data, ("plan", "id")) for file in plans if file.document]
        opened = [at(each, ("plan",)) for file in rules if file.document for each in names.entries(file.document.data, "rules")]
        more = [self._file(path, PlanFile) for path in _yaml_files(shipped() / "plans")]
        return [*plans, *(file for file in more if file.model and file.model.plan.id in opened and file.model.plan.id not in own)]

    def _check_names(
        self, monitor: _File[MonitorFile], contacts: _File[Contacts], rules: list[_File[RuleFile]], plans: list[_File[PlanFile]]
    ) -> None:
        files = names.Files(
            monitor=_mapping(monitor.document),
            contacts=_mapping(contacts.document),
            rules=[file.document for file in rules if file.document],
            plans=[file.document for file in plans if file.document],
            whole=all(file.document for file in rules) and all(file.document for file in plans),
        )
        self._problems += [*names.check(files), *plan_names.check(files)]

    def _lists(self, rules: list[_File[RuleFile]], monitor: Document | None = None) -> dict[str, tuple[str, ...]]:
        """All word lists by name, once it is sure that rules, and the conditions of monitor.yaml, use them rightly."""
        documents = [file.document for file in rules if file.document]
        found = read_lists(documents, self._directory)
        self._problems += found.problems
        self._loaded.warnings += found.warnings
        if len(documents) == len(rules) and not found.problems:  # else nobody knows what is missing
            self._problems += check_uses([*documents, *([monitor] if monitor else [])], found)
        return found.lists

    def _sentiment(self, document: Document, written: SentimentSettings) -> SentimentSettings:
        """The settings of scoring, with the words of the files that they name."""
        found = WordLists()
        settings = read_vocabularies(document, written, self._directory, found)
        self._problems += found.problems
        self._loaded.warnings += found.warnings
        return settings


# Without these sections it is certain all the same which store is meant. A name that is unknown may be `storage` misspelt.
_DISPENSABLE = MonitorFile.model_fields.keys() - {"version", "storage"}


def _section(problem: Problem) -> str:
    """The section of monitor.yaml in which a problem stands; nothing when it is one of the file as a whole."""
    return problem.field.partition(".")[0].partition("[")[0]


def _yaml_files(folder: Path) -> list[Path]:
    """The YAML files of a folder in order, less hidden ones and the tests of rules. Raises `OSError`."""
    found = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
    return [path for path in found if not path.name.startswith(".") and not path.stem.endswith(".test")]


def _mapping(document: Document | None) -> Document | None:
    """The document, unless it is no settings at all: then its names are unknown, not absent."""
    return None if document is None or (document.data is not None and not isinstance(document.data, Mapping)) else document


def _outlined(document: Document, sound: MonitorFile, place: Path) -> Outline:
    """The values of what is sound, and the names of all that is written, sound or not."""
    return Outline(
        storage=sound.storage.beginning_at(place),
        language=sound.language,
        timezone=sound.timezone,
        subjects={name: sound.subjects[name] for name in names.keys(document, "subjects") or () if name in sound.subjects},
        sources={
            name: at(document.data, ("sources", name, "enabled")) is not False for name in names.keys(document, "sources") or ()
        },
        receivers=names.keys(document, "receivers") or (),
        replies=at(document.data, ("replies",)) is not None,
        brand=sound.brand,
        calendar=tuple(each.campaign(name, sound.timezone) for name, each in sound.campaigns.items()),
        standing_silences=tuple(each.silence(name, sound.timezone) for name, each in sound.silences.items()),
        observing=sound.observing,
        source_settings=sound.sources,
        http=sound.http,
        web=sound.web,
        console=sound.console,
    )


def _places(
    directory: Path, monitor: Document, rules: Sequence[_File[RuleFile]], plans: Sequence[tuple[Document, Plan]]
) -> dict[str, str]:
    """Where each rule and plan is written, or the line by which it, or everything, is only observed, by its name: `file:line`.

    The file is named as it is within the configuration: where a server keeps it is nothing for an e-mail.
    """
    place = partial(_place, (directory, shipped()))
    found = {"all": place(monitor, ("observing", "until"))}
    for document, model in ((file.document, file.model) for file in rules):
        for index, rule in enumerate(model.rules if document and model else ()):
            if document:
                switch = ("mode",) if rule.mode == "observe" else ()
                found[f"rule.{rule.id}"] = place(document, ("rules", index, *switch))
    for document, plan in plans:
        observed = plan.activation.mode == "observe"
        found[f"plan.{plan.id}"] = place(document, ("plan", "activation", "mode") if observed else ("plan",))
    return found


def _place(folders: Sequence[Path], document: Document, path: Path_) -> str:
    file = Path(document.file)
    within = next((file.relative_to(folder) for folder in folders if file.is_relative_to(folder)), file)
    return f"{within}:{document.line(path)}"


def _of_ours(source: SourceUnion, ours: Sequence[str]) -> SourceUnion:
    """A source that knows the accounts that are named for all."""
    known = tuple(dict.fromkeys((*source.own_accounts, *ours)))
    return source if known == source.own_accounts else source.model_copy(update={"own_accounts": known})


def _compose(
    monitor: MonitorFile,
    contacts: Contacts,
    rules: list[RuleFile],
    plans: list[PlanFile],
    lists: Mapping[str, tuple[str, ...]],
) -> Settings:
    people = {name: implicit_receiver(person.email, person) for name, person in contacts.people.items() if person.email}
    routing = monitor.routing.model_copy(update={"ops": monitor.routing.ops or monitor.routing.default})
    parts = {name: getattr(monitor, name) for name in MonitorFile.model_fields}
    parts.update(
        sources={name: _of_ours(source, monitor.own_accounts) for name, source in monitor.sources.items()},
        receivers={**monitor.receivers, **people},
        routing=routing,
        contacts=contacts,
        rules=tuple(rule for file in rules for rule in file.effective(monitor.timezone, contacts.holidays)),
        plans={file.plan.id: file.plan for file in plans},
        lists=dict(lists),
    )
    # Every part has been validated on its own: validating again would only lose what the parts know of themselves.
    return Settings.model_construct(_fields_set=None, **parts)
