"""`tocsin oncall` and `tocsin routes try`: who is told, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

CONTACTS = """
version: 1
people:
  ada: {name: Ada, receivers: [hub], hours: mon-fri 09:00-18:00}
  bob: {name: Bob, receivers: [hub]}
roles:
  lead: {primary: ada, backup: bob}
  on-call: {roster: {people: [ada, bob], start: 2026-01-05}}
"""
ROUTES = """routing:
  default: hub
  routes:
    - {title: Press, where: {text: {any_of: journalist}}, to: bob, continue: true}
    - {title: Crisis room, where: {severity: critical, subjects: acme}, to: on-call}
"""


@pytest.fixture
def staffed(tocsin: Tocsin) -> Tocsin:
    """Two people, a role, a roster and two routes."""
    (tocsin.config / "contacts.yaml").write_text(CONTACTS)
    monitor = tocsin.config / "monitor.yaml"
    monitor.write_text(monitor.read_text().replace("routing: {default: hub}\n", ROUTES))
    return tocsin


def test_who_is_on_call_is_said_with_the_reason(staffed: Tocsin) -> None:
    """Of each role, at any moment, in the team's time; of a roster until when."""
    told = [line.split() for line in staffed.at("oncall", "--at", "2026-01-11T22:00").output.splitlines()]
    assert told[0] == ["Sun", "2026-01-11", "22:00"]
    assert " ".join(told[2]) == "lead ada hub has the role, off duty"
    assert " ".join(told[3]) == "bob hub backup: ada is off duty"
    assert " ".join(word for line in told[4:] for word in line) == (
        "on-call ada hub on call by the roster, until Mon 2026-01-12 09:00"
    )


def test_scripts_get_who_is_on_call_as_json(staffed: Tocsin) -> None:
    """With an offset where one is given."""
    assert json.loads(staffed.at("oncall", "on-call", "--at", "2026-01-12T08:00+00:00", "--json").output) == [
        {
            "role": "on-call",
            "person": "bob",
            "receivers": ["hub"],
            "why": "on call by the roster",
            "until": "2026-01-19T08:00:00+00:00",
        }
    ]


def test_a_route_is_tried_with_a_text_and_says_what_stood_in_the_way(staffed: Tocsin) -> None:
    """First whom it goes to, then how each condition of each route fares."""
    told = staffed.at("routes", "try", "complaint", "I am a journalist and Acme is broken", "--at", "2026-01-13").output
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[0] == "complaint (warning) goes to:"
    assert lines[2] == "bob hub route 1 (Press)"
    assert "yes route 1 (Press) where.text any_of journalist “journalist”" in lines
    assert "no where.severity is critical warning" in lines


def test_a_windows_alert_is_tried_by_its_subject(staffed: Tocsin) -> None:
    """The text of a mention is unknown of it, and so matches no route."""
    lines = [" ".join(line.split()) for line in staffed.at("routes", "try", "crisis", "--subject", "acme").output.splitlines()]
    assert lines[0] == "crisis (critical) goes to:"
    assert lines[2] == "on-call hub route 2 (Crisis room)"
    assert "unknown route 1 (Press) where.text any_of journalist" in lines
    milder = staffed.at("routes", "try", "crisis", "--subject", "acme", "--severity", "info").output
    assert "default  hub       no route is for it" in milder


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("oncall", "on-cal"), "there is no role `on-cal`; did you mean `on-call`?"),
        (
            ("oncall", "--at", "tomorrow"),
            "--at tomorrow: `tomorrow` is not understood: write a day, or a day and a time: 2026-12-24, or 2026-12-24 18:00",
        ),
        (("routes", "try", "crisys"), "there is no rule `crisys`; did you mean `crisis`?"),
        (("routes", "try", "crisis", "--subject", "acne"), "there is no subject `acne`; did you mean `acme`?"),
        (("routes", "try", "crisis", "--severity", "grave"), "there is no severity `grave`; known: critical, info, warning"),
    ],
)
def test_what_is_typed_wrongly_is_named(staffed: Tocsin, typed: tuple[str, ...], says: str) -> None:
    """With what was probably meant."""
    error = staffed.at(*typed).exception
    assert isinstance(error, UsageError)
    assert str(error) == says


def test_an_alert_shows_whom_it_goes_to(rung: Tocsin) -> None:
    """And why, before who was told."""
    lines = rung.at("alert", "show", "1").output.splitlines()
    assert lines[lines.index("Goes to") + 1] == "  default: its rule names nobody"
