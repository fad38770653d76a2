"""Every name that a plan uses: whoever is told, people who must act themselves, webhooks that are called, and its own parts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from monitor.settings.model import RESERVED
from monitor.settings.names import Check, Files, entries, ids, texts
from monitor.settings.problems import Problem, choices
from monitor.settings.reading import Data, Document, Path_, at

Places = tuple[str | None, ...]
"""Where something stands in a plan; None stands for each entry of a list."""

_STEP: Places = ("steps", None)
ACTS: Mapping[Places, str] = {
    ("owner",): "keep a plan up to date",
    ("read_by",): "read a plan",
    ("severity", None, "approver"): "say yes",
    (*_STEP, "role"): "do a step",
    (*_STEP, "to"): "lead a run",
    (*_STEP, "approval", "role"): "say yes",
    (*_STEP, "undo", "approval"): "say yes",
    ("statements", None, "approved_by"): "say yes",
    ("closure", "sign_off"): "sign",
    ("after_action", "owner"): "write a report",
}
"""Where a plan names somebody who must act, and what a receiver, which is only told, cannot do there."""

_TOLD: tuple[Places, ...] = (("notify",), ("escalation", None, "notify"))
_CALLED: tuple[Places, ...] = ((*_STEP, "publish"), (*_STEP, "undo", "receiver"))


def check(files: Files) -> list[Problem]:
    """Problems with the names in all plan files."""
    found = Check()
    for document in files.plans:
        _told(found, document, files)
        _called(found, document, files)
        for path, name, act in acting(document):
            _acts(found, document, path, name, act, files)
        _own(found, document)
    return found.problems


def written(document: Document, where: Places) -> Iterator[tuple[Path_, Data]]:
    """What a plan says in such a place, in each entry of the lists on the way, with its path."""
    paths: list[Path_] = [("plan",)]
    for part in where:
        if part is None:
            paths = [(*path, n) for path in paths for n in _places(at(document.data, path))]
        else:
            paths = [(*path, part) for path in paths]
    yield from ((path, found) for path in paths if (found := at(document.data, path)) is not None)


def acting(document: Document) -> Iterator[tuple[Path_, str, str]]:
    """Each name of somebody who must act: where it stands, the name, and what a receiver could not do there."""
    for where, act in ACTS.items():
        for path, _ in written(document, where):
            yield from ((place, name, act) for place, name in texts(document.data, path))


def _places(found: Data) -> range:
    return range(len(found) if isinstance(found, list) else 0)


def _told(found: Check, document: Document, files: Files) -> None:
    anybody = None if files.known is None else {*files.known, *RESERVED}
    for where in _TOLD:
        for path, _ in written(document, where):
            found.name(document, path, anybody, "receiver, person or role")
    for path, step in written(document, _STEP):
        if at(step, ("action",)) != "webhook":
            found.name(document, (*path, "receiver"), anybody, "receiver, person or role")


def _called(found: Check, document: Document, files: Files) -> None:
    """What is called must be a webhook: only that takes what a step says without a person."""
    webhooks = _webhooks(files)
    for where in _CALLED:
        for path, _ in written(document, where):
            found.name(document, path, webhooks, "webhook receiver")
    for path, step in written(document, _STEP):
        if at(step, ("action",)) == "webhook":
            found.name(document, (*path, "receiver"), webhooks, "webhook receiver")


def _webhooks(files: Files) -> set[str] | None:
    if files.monitor is None or files.receivers is None:
        return None
    return {name for name in files.receivers if at(files.monitor.data, ("receivers", name, "kind")) == "webhook"}


def _acts(found: Check, document: Document, path: Path_, name: str, act: str, files: Files) -> None:
    if files.people is None or files.roles is None:
        return
    people = {*files.people, *files.roles}
    if name not in people and name in {*RESERVED, *(files.receivers or ())}:
        stands = "stands for receivers" if name in RESERVED else "is a receiver"
        what = f"`{name}` {stands}, and a receiver cannot {act}."
        found.problems.append(document.problem(path, what, _name_somebody(people)))
    else:
        found.name(document, path, people, "person or role")


def _name_somebody(people: Collection[str]) -> str:
    named = f": {choices(people)}" if people else ", which has none yet"
    return f"Name a person or role of contacts.yaml{named}."


def _own(found: Check, document: Document) -> None:
    """The plan's own steps and statements: each once, and those that others name exist."""
    plan = at(document.data, ("plan",))
    for section, noun, names in (("statements", "statement", "statement"), ("steps", "step", "needs")):
        known = ids(plan, section)
        for index, _ in enumerate(entries(plan, "steps")):
            path: Path_ = ("plan", "steps", index, names)
            found.name(document, path, {name for _, name in known}, f"{noun} in this plan")
        found.once([(document, ("plan", section, index, "id"), name) for index, name in known], section)
