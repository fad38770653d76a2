"""E-mails say that OK is enough where it is, and never where it would seem to mean more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notifiers import samples
from notifiers.message import Message
from notifiers.render import html, text


def offers(message: Message) -> bool:
    """Whether the e-mail says so, in both its parts."""
    line = "OK à cet e-mail"
    shown = " ".join(text(replace(message, answered=True)).split()), html(replace(message, answered=True))
    assert (line in shown[0]) == (line in shown[1])
    assert line not in text(message)
    return line in shown[0]


def test_where_ok_is_enough() -> None:
    """While nobody has taken what rings, or the plan."""
    assert offers(samples.complaint())
    assert offers(samples.plan_opened())
    assert offers(samples.untaken())
    taken = replace(samples.complaint().alerts[0], acknowledged=True)
    assert not offers(replace(samples.complaint(), alerts=(taken,)))
    assert not offers(samples.untaken(acknowledged=True))
    assert offers(samples.untaken(acknowledged=True, drill="[DRILL]")), "a drill asks everybody"


@pytest.mark.parametrize("message", [samples.approval(), samples.plan_step(), samples.late(), samples.over(), samples.resolved()])
def test_where_it_would_seem_to_mean_more(message: Message) -> None:
    """To words that wait for a yes, to a step, at the end: nobody is asked for an OK."""
    assert not offers(message)


def test_a_mailbox_that_is_not_read() -> None:
    """Whoever is told of that is not asked to answer by e-mail."""
    ill = replace(samples.source_down().alerts[0], kind="mailbox_health", labels={"mailbox": "ok@brand.example"})
    assert not offers(replace(samples.source_down(), alerts=(ill,)))
