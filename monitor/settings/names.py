"""Every name that one file uses for something in another: found, and checked against what exists; of plans see `plan_names`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from monitor.domain.alert import BY_HAND
from monitor.plans import VERBS
from monitor.settings.contacts import Person
from monitor.settings.model import RESERVED
from monitor.settings.problems import Problem, suggest
from monitor.settings.reading import Data, Document, Path_, at
from rules.model import RULE_KINDS, Category
from rules.words import fold_label


@dataclass(frozen=True)
class Files:
    """All documents of a configuration, secrets filled in. None: the file cannot be read, so nobody knows what it names."""

    monitor: Document | None
    contacts: Document | None
    rules: Sequence[Document]
    plans: Sequence[Document]
    whole: bool = True  # every rule and plan file could be read

    @property
    def receivers(self) -> list[str] | None:
        """The receivers of monitor.yaml; None when nobody can tell."""
        return keys(self.monitor, "receivers")

    @property
    def people(self) -> list[str] | None:
        """The people of contacts.yaml, likewise."""
        return keys(self.contacts, "people")

    @property
    def roles(self) -> list[str] | None:
        """The roles of contacts.yaml, likewise."""
        return keys(self.contacts, "roles")

    @property
    def known(self) -> set[str] | None:
        """Receivers, people and roles: they share one namespace."""
        if self.receivers is None or self.people is None or self.roles is None:
            return None
        return {*self.receivers, *self.people, *self.roles}


@dataclass
class Check:
    """Collects a problem for each name that is not known. A `known` of None means that nobody can tell."""

    problems: list[Problem] = field(default_factory=list)

    def name(
        self, document: Document, path: Path_, known: Collection[str] | None, noun: str, same: Callable[[str], str] = str
    ) -> None:
        """Check the name or names at `path`; names that `same` makes equal are the same name."""
        alike = {same(name) for name in known or ()}
        for place, name in texts(document.data, path):
            if known is not None and same(name) not in alike:
                self.problems.append(document.problem(place, f"there is no {noun} called `{name}`.", suggest(name, known)))

    def once(self, places: Sequence[tuple[Document, Path_, str]], noun: str) -> None:
        """Check that no two things have one name."""
        first: dict[str, str] = {}
        for document, path, name in places:
            here = f"{document.file}:{document.line(path)}"
            if name in first:
                fix = f"It is already in {first[name]}: rename one of them."
                self.problems.append(document.problem(path, f"there are two {noun} called `{name}`.", fix))
            first.setdefault(name, here)


def check(files: Files) -> list[Problem]:
    """Problems with the names in all files."""
    found = Check()
    monitor = files.monitor
    _namespace(found, files)
    known = files.known
    anybody = None if known is None else {*known, *RESERVED}
    subjects = keys(monitor, "subjects") or None
    if monitor:
        _monitor(found, monitor, files, known, subjects)
    if files.contacts:
        _contacts(found, files.contacts, files.receivers, files.people)
        for person in files.people or ():
            found.name(files.contacts, ("people", person, "fallback"), known, "receiver, person or role")
    plans = None if not files.whole else {name for _, _, name in _plan_ids(files.plans)}
    for document in files.rules:
        _rules(found, document, anybody, plans, subjects, keys(monitor, "sources"))
    found.once(_lists(files.rules), "lists")
    if monitor:
        rules = {name for document in files.rules for _, _, name in _rule_ids(document)} if files.whole else None
        _routes(found, monitor, anybody, rules, subjects)
    _called(found, [place for document in files.rules for place in _rule_ids(document)])
    found.once(_plan_ids(files.plans), "plans")
    return found.problems


def _monitor(
    found: Check, monitor: Document, files: Files, known: Collection[str] | None, subjects: Collection[str] | None
) -> None:
    found.name(monitor, ("routing", "default"), known, "receiver, person or role")
    found.name(monitor, ("routing", "ops"), None if known is None else {*known, "default"}, "receiver, person or role")
    found.name(monitor, ("observing", "to"), None if known is None else {*known, *RESERVED}, "receiver, person or role")
    for path in _held_for(monitor):
        found.name(monitor, path, known, "receiver, person or role")
    for receiver in keys(monitor, "receivers") or ():
        found.name(monitor, ("receivers", receiver, "fallback"), known, "receiver, person or role")
    for source in keys(monitor, "sources") or ():
        found.name(monitor, ("sources", source, "subject"), subjects, "subject")
    for campaign in keys(monitor, "campaigns") or ():
        found.name(monitor, ("campaigns", campaign, "subjects"), subjects, "subject")
        _campaign(found, monitor, campaign, files)
    for caller in keys(monitor, "callers") or ():
        somebody = None if files.people is None or files.roles is None else {*files.people, *files.roles}
        if caller in (known or ()):
            what = f"the name `{caller}` is somebody's: what the program does would pass for theirs."
            found.problems.append(monitor.problem(("callers", caller), what, "Choose another name."))
        found.name(monitor, ("callers", caller, "acts_as"), somebody, "person or role")
        found.name(monitor, ("callers", caller, "verbs"), VERBS, "verb")
    for silence in keys(monitor, "silences") or ():
        _silence(found, monitor, silence, files, subjects)


# Without these sections a file is wrong as a whole, and complaints about their names would only repeat it.
_REQUIRED = {"subjects"}


def _namespace(found: Check, files: Files) -> None:
    """Receivers, people and roles share one namespace."""
    places: list[tuple[Document, Path_, str]] = []
    for document, section in ((files.monitor, "receivers"), (files.contacts, "people"), (files.contacts, "roles")):
        places += [(document, (section, name), name) for name in keys(document, section) or () if document]
    for document, path, name in places:
        if name in RESERVED:
            fix = "Choose another name: this one stands for what `routing` says."
            found.problems.append(document.problem(path, f"the name `{name}` is taken.", fix))
    found.once(places, "receivers, people or roles")


def _contacts(found: Check, document: Document, receivers: Collection[str] | None, people: Collection[str] | None) -> None:
    for person in people or ():
        found.name(document, ("people", person, "receivers"), receivers, "receiver")
        said = at(document.data, ("people", person))
        if isinstance(said, Mapping) and Person.model_fields.keys() - {"email", "receivers"} >= said.keys():
            found.problems.append(
                document.problem(("people", person), "cannot be told anything.", "Give this person an `email` or `receivers`.")
            )
    for role in keys(document, "roles") or ():
        if isinstance(at(document.data, ("roles", role)), str):
            found.name(document, ("roles", role), people, "person")
        for part in ("primary",), ("backup",), ("roster", "people"):
            found.name(document, ("roles", role, *part), people, "person")
        for index, _ in enumerate(entries(at(document.data, ("roles", role, "roster")), "replacements")):
            found.name(document, ("roles", role, "roster", "replacements", index, "person"), people, "person")


def _rules(
    found: Check,
    document: Document,
    anybody: Collection[str] | None,
    plans: Collection[str] | None,
    subjects: Collection[str] | None,
    sources: Collection[str] | None,
) -> None:
    found.name(document, ("defaults", "notify"), anybody, "receiver, person or role")
    for index, _ in enumerate(entries(document.data, "rules")):
        rule: Path_ = ("rules", index)
        found.name(document, (*rule, "notify"), anybody, "receiver, person or role")
        found.name(document, (*rule, "plan"), plans, "plan")
        found.name(document, (*rule, "sources"), sources, "source")
        _asked(found, document, rule, {"subjects": ("subject", subjects)})


def _routes(
    found: Check,
    document: Document,
    anybody: Collection[str] | None,
    rules: Collection[str] | None,
    subjects: Collection[str] | None,
) -> None:
    asked = {
        "subjects": ("subject", subjects),
        "rule": ("rule", rules),
        "kind": ("kind of rule", RULE_KINDS),
        "category": ("category that takes a route", get_args(Category)),
    }
    for index, _ in enumerate(entries(at(document.data, ("routing",)), "routes")):
        route: Path_ = ("routing", "routes", index)
        found.name(document, (*route, "to"), anybody, "receiver, person or role")
        _asked(found, document, route, asked)


def _asked(found: Check, document: Document, where: Path_, known: Mapping[str, tuple[str, Collection[str] | None]]) -> None:
    """Names that conditions ask for, by field: what each is, and which there are."""
    for path, _ in conditions(document.data, where):
        noun, names = known.get(str(path[-1]), ("", None))
        for part in ((), ("is",), ("in",), ("not",)):
            found.name(document, (*path, *part), names, noun, same=fold_label)


def _held_for(monitor: Document) -> Iterator[Path_]:
    """Where `routing` names those for whom something is held back."""
    for section in ("quiet_hours", "inhibit"):
        path: Path_ = ("routing", section)
        found = at(monitor.data, path)
        yield from ((*path, index, "for") for index in range(len(found))) if isinstance(found, list) else ((*path, "for"),)


def _campaign(found: Check, monitor: Document, name: str, files: Files) -> None:
    """The rules for which a campaign says how much more is asked."""
    known = {rule for document in files.rules for _, _, rule in _rule_ids(document)}
    path: Path_ = ("campaigns", name, "times")
    times = at(monitor.data, path)
    for rule in times if isinstance(times, Mapping) and files.whole else ():
        if rule not in known:
            found.problems.append(monitor.problem((*path, rule), f"there is no rule called `{rule}`.", suggest(rule, known)))


def _silence(found: Check, monitor: Document, name: str, files: Files, subjects: Collection[str] | None) -> None:
    """The rules and subjects that a silence asks for: one that nothing ever matches would keep nobody quiet."""
    rules = {rule for document in files.rules for _, _, rule in _rule_ids(document)} if files.whole else None
    where: Path_ = ("silences", name, "where")
    for part, known, noun in (("rule", rules, "rule"), ("subjects", subjects, "subject")):
        for path, _ in asked(at(monitor.data, where), where, part):
            found.name(monitor, path, known, noun, same=fold_label)


def _called(found: Check, rules: Sequence[tuple[Document, Path_, str]]) -> None:
    """What rules are called: each otherwise, and none as what people open is."""
    for document, path, _ in (each for each in rules if each[2] == BY_HAND):
        fix = "Choose another id: alerts that people open because of a mention are called so."
        found.problems.append(document.problem(path, f"the id `{BY_HAND}` is taken.", fix))
    found.once(rules, "rules")


def _rule_ids(document: Document) -> list[tuple[Document, Path_, str]]:
    return [(document, ("rules", index, "id"), name) for index, name in ids(document.data, "rules")]


def _lists(documents: Sequence[Document]) -> list[tuple[Document, Path_, str]]:
    """Every list; where several files define one in the same words, so that each can be read alone, it counts once."""
    places: dict[tuple[str, str], tuple[Document, Path_, str]] = {}
    for document in documents:
        for name in keys(document, "lists") or ():
            path: Path_ = ("lists", name)
            places.setdefault((name, repr(at(document.data, path))), (document, path, name))
    return list(places.values())


def _plan_ids(documents: Sequence[Document]) -> list[tuple[Document, Path_, str]]:
    found = ((document, at(document.data, ("plan", "id"))) for document in documents)
    return [(document, ("plan", "id"), name) for document, name in found if isinstance(name, str)]


def ids(data: Data, section: str) -> list[tuple[int, str]]:
    """The ids of the entries of a list, with their places in it."""
    found = ((index, at(item, ("id",))) for index, item in enumerate(entries(data, section)))
    return [(index, name) for index, name in found if isinstance(name, str)]


def keys(document: Document | None, section: str) -> list[str] | None:
    """The names defined in a section; None when the file or the section is not as it should be, so that nobody can tell."""
    if document is None:
        return None
    found = at(document.data, (section,))
    if isinstance(found, Mapping):
        return list(found)
    return [] if found is None and section not in _REQUIRED else None


def entries(data: Data, section: str) -> list[Data]:
    """The entries of a list, or nothing when there is no list."""
    found = at(data, (section,))
    return found if isinstance(found, list) else []


def texts(data: Data, path: Path_) -> Iterator[tuple[Path_, str]]:
    """The text at `path`, or the texts of the list there, each with its own path."""
    found = at(data, path)
    if isinstance(found, str):
        yield path, found
    elif isinstance(found, list):
        yield from (((*path, index), item) for index, item in enumerate(found) if isinstance(item, str))


def conditions(data: Data, rule: Path_) -> Iterator[tuple[Path_, Data]]:
    """Every condition of a rule (also of shares, signals and `raise`), route, silence or inhibition, with its path."""
    signals = at(data, (*rule, "signals", "of"))
    counted = [(*rule, "signals", "of", index) for index in range(len(signals) if isinstance(signals, list) else 0)]
    for place in (rule, *counted):
        for part in (("where",), ("measure", "share"), ("source",), ("target",)):
            yield from _conditions(at(data, (*place, *part)), (*place, *part))
    louder = at(data, (*rule, "raise"))
    for index in range(len(louder) if isinstance(louder, list) else 0):
        path = (*rule, "raise", index, "where")
        yield from _conditions(at(data, path), path)


def asked(where: Data, path: Path_, field: str) -> Iterator[tuple[Path_, str]]:
    """The names that conditions ask for in one field, blocks included, each with its path."""
    for place, _ in _conditions(where, path):
        if place[-1] == field:
            inside = place[len(path) :]
            for part in ((), ("is",), ("in",), ("not",)):
                yield from (((*path, *found), name) for found, name in texts(where, (*inside, *part)))


def _conditions(where: Data, path: Path_) -> Iterator[tuple[Path_, Data]]:
    if isinstance(where, list):
        for index, block in enumerate(where):
            yield from _conditions(block, (*path, index))
    elif isinstance(where, Mapping):
        for name, condition in where.items():
            inside = (*path, name)
            if name in {"any", "all", "not"}:
                yield from _conditions(condition, inside)
            else:
                yield inside, condition
