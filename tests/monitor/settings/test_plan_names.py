"""Whom a plan names: who is told, who must act, what is called."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from monitor.domain.plan import Plan, Step
from monitor.settings.names import Files
from monitor.settings.plan_names import ACTS, Places, acting, check, written
from monitor.settings.reading import Document

MONITOR = Document("monitor.yaml", {"receivers": {"queue": {"kind": "webhook"}, "me": {"kind": "email"}}})
CONTACTS = Document("contacts.yaml", {"people": {"lea": {"name": "Léa"}}, "roles": {"direction": "lea"}})
PEOPLE = ["lea", "direction"]


def _document(where: Places, name: str | list[str], **beside: str) -> Document:
    """A plan that says one thing in one place."""
    inside: Any = name
    for depth, part in enumerate(reversed(where)):
        inside = [inside] if part is None else {part: inside, **(beside if depth == 0 else {})}
    return Document("plans/storm.yaml", {"plan": inside})


def _faults(plan: Document, contacts: Document | None = CONTACTS, monitor: Document | None = MONITOR) -> list[str]:
    return [problem.what for problem in check(Files(monitor, contacts, [], [plan]))]


@pytest.mark.parametrize("where", ACTS)
def test_whoever_must_act_is_a_person_or_has_a_role(where: Places) -> None:
    """In every such place: people and roles may, receivers and what stands for them cannot, and strangers are unknown."""
    assert _faults(_document(where, "lea")) == _faults(_document(where, "direction")) == []
    assert _faults(_document(where, "me")) == [f"`me` is a receiver, and a receiver cannot {ACTS[where]}."]
    assert _faults(_document(where, "default")) == [f"`default` stands for receivers, and a receiver cannot {ACTS[where]}."]
    assert _faults(_document(where, "marc")) == ["there is no person or role called `marc`."]


@pytest.mark.parametrize("where", [("notify",), ("escalation", None, "notify"), ("steps", None, "receiver")])
def test_whoever_is_only_told_may_be_anybody(where: Places) -> None:
    """Receivers, people, roles, and what `routing` says."""
    assert _faults(_document(where, ["me", "queue", "lea", "direction", "default", "ops"])) == []
    assert _faults(_document(where, ["me", "marc"])) == ["there is no receiver, person or role called `marc`."]


@pytest.mark.parametrize(
    ("where", "beside"),
    [
        (("steps", None, "receiver"), {"action": "webhook"}),
        (("steps", None, "publish"), {}),
        (("steps", None, "undo", "receiver"), {}),
    ],
)
def test_what_is_called_is_a_webhook(where: Places, beside: dict[str, str]) -> None:
    """Nobody reads a mail to a mailbox as an order to publish."""
    assert _faults(_document(where, "queue", **beside)) == []
    for name in ("me", "lea", "default"):
        assert _faults(_document(where, name, **beside)) == [f"there is no webhook receiver called `{name}`."]


def test_without_contacts_the_fix_says_that_there_are_none() -> None:
    """A file of ten lines has no people."""
    empty = Document("contacts.yaml")
    (problem,) = check(Files(MONITOR, empty, [], [_document(("closure", "sign_off"), "me")]))
    assert problem.fix == "Name a person or role of contacts.yaml, which has none yet."


@pytest.mark.parametrize("where", [*ACTS, ("notify",)])
def test_what_nobody_can_tell_is_no_fault(where: Places) -> None:
    """Contacts that cannot be read have a fault of their own, which is enough."""
    assert _faults(_document(where, "marc"), contacts=None) == []


@pytest.mark.parametrize("plan", [None, [], "storm", {"steps": {"id": "a"}}, {"steps": [None, 3, []]}, {"severity": "grave"}])
def test_a_plan_of_any_shape_is_looked_at(plan: Any) -> None:
    """Names are looked for before anybody knows that the rest is right."""
    document = Document("plans/storm.yaml", {"plan": plan})
    assert _faults(document) == []
    assert list(acting(document)) == []


def test_each_place_where_somebody_must_act_is_one_of_the_plan() -> None:
    """A setting that is called otherwise tomorrow must not be forgotten here."""
    for where in ACTS:
        models: list[Any] = [Plan]
        for part in where:
            if part is not None:
                models = [model for each in models for model in _inside(each, part)]
                assert models, where


def _inside(model: Any, name: str) -> list[Any]:
    """The models in a field, the fields of which may have further ones; the field itself where there is none."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)) or name not in model.model_fields:
        return []
    found = list(_models(Step if name == "steps" else model.model_fields[name].annotation))
    return found or [name]


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for each in get_args(annotation) for model in _models(each)]


def test_places_hold_what_is_written_in_each_entry() -> None:
    """Where nothing is written there is nothing."""
    document = Document("p.yaml", {"plan": {"steps": [{"role": "lea"}, {}, {"role": "marc"}]}})
    assert dict(written(document, ("steps", None, "role"))) == {
        ("plan", "steps", 0, "role"): "lea",
        ("plan", "steps", 2, "role"): "marc",
    }
