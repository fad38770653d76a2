"""The end of one alert in an incident that goes on is told as that, and says who does what about the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from notifiers import samples
from notifiers.message import Message
from notifiers.render import html, payload, short, text
from notifiers.wording import headline, next_action, opening, why


def unfinished(**changes: Any) -> Message:
    """The sample, what is still open changed."""
    message = samples.unfinished("en")
    return replace(message, still_open=(replace(message.still_open[0], **changes),))


def unwatched(message: Message) -> Message:
    """As it is told when the rule was removed."""
    return replace(message, alerts=tuple(replace(alert, unwatched=True) for alert in message.alerts))


def test_what_goes_on_stands_in_the_first_line() -> None:
    """The crisis with its figure, the plan with its progress; in French too."""
    assert headline(samples.unfinished("en")) == (
        "Over: “Everybody talks about us”. Still going on: “Complaints pour in” (51 people), "
        "plan “Negative storm” (1 of 5 steps done)"
    )
    said = headline(samples.unfinished("fr")).replace("\u00a0", " ")
    assert said.startswith("Fini : « On ne parle que de nous ». Encore en cours : « Les plaintes affluent » (51 personnes), ")
    assert said.endswith("), plan « Bad buzz » (1 étape faite sur 5)")


def test_nobody_reads_of_calm_before_it_is_calm() -> None:
    """Neither words nor colours nor signs say that it is over."""
    message = samples.unfinished("en")
    for said in (headline(message), why(message), text(message), html(message), short(message)):
        assert "calm" not in said.lower()
        assert "Nothing to do" not in said
    assert short(message).startswith("🟡")
    assert payload(message)["data"]["still_open"][0]["id"] == 15


def test_what_is_grave_and_untaken_comes_before_the_plan() -> None:
    """Then the plan is carried on, then the rest is taken; at last the plan is closed."""
    assert next_action(unfinished()) == "Nobody has taken what is left. Acknowledge: tocsin ack 15"
    assert next_action(unfinished(acknowledged=True)) == "Carry on with the plan: tocsin plan show 4"
    assert next_action(replace(unfinished(severity="warning"), plan=None)).endswith("tocsin ack 15")
    assert next_action(replace(unfinished(acknowledged=True), plan=None)).startswith("Nothing more")
    assert next_action(replace(unfinished(), still_open=())) == "Finish the plan, or close it: tocsin plan show 4"


def test_a_closed_plan_holds_nothing_open() -> None:
    """With the plan closed and nothing ringing it is calm."""
    closed = replace(unfinished(), still_open=(), plan=samples.plan("en", "closed"))
    assert headline(closed).startswith("Back to calm")


def test_a_share_and_odd_measures_are_told() -> None:
    """Shares are percentages; what is no count has no figure."""
    assert "(41%), plan" in headline(unfinished(measure="share", observed=0.41))
    assert "“Complaints pour in”, plan" in headline(unfinished(measure="seconds", acknowledged=True))


def test_an_end_without_a_date_tells_no_duration() -> None:
    """How long it took is said when it is known."""
    message = samples.unfinished("en")
    assert why(message).startswith("It lasted 2 hours 10 minutes.")
    undated = replace(message, alerts=(replace(message.alerts[0], resolved_at=None),))
    assert why(undated) == "The incident itself is not over."


def test_a_removed_rule_is_no_all_clear() -> None:
    """Neither words nor colours nor signs say that it is over: nobody watches any more, and somebody must look."""
    message = unwatched(samples.resolved("en"))
    assert headline(message) == "No longer watched: “complaint-storm”"
    assert why(message) == "The rule was removed or changed: it may go on, and Tocsin would not see it."
    assert next_action(message) == "See for yourself whether it goes on, and put the rule back if it is missed."
    for said in (text(message), html(message), short(message)):
        assert "calm" not in said.lower()
    assert short(message).startswith("🟡")
    assert payload(message)["data"]["alerts"][0]["unwatched"] is True


def test_a_removed_rule_is_told_beside_what_is_over_and_what_goes_on() -> None:
    """Each in its own sentence, and what is grave still comes first."""
    message = unwatched(samples.unfinished("en"))
    assert headline(message).startswith("No longer watched: “Everybody talks about us”. Still going on: “Complaints pour in”")
    assert why(message).endswith("Tocsin would not see it. The incident itself is not over.")
    assert next_action(message).startswith("Nobody has taken what is left.")
    over = replace(message.alerts[0], rule="quiet", title="All is quiet", unwatched=False)
    said = headline(replace(message, alerts=(over, *message.alerts), still_open=(), plan=None))
    assert said == "Over: “All is quiet”. No longer watched: “Everybody talks about us”"


def test_a_danger_to_people_is_named_first() -> None:
    """Before the crowd, however large."""
    message = samples.unfinished("en")
    danger = replace(samples.complaint("en").alerts[0], rule="danger", title="Possible danger", severity="critical")
    said = headline(replace(message, still_open=(*message.still_open, danger)))
    assert "Still going on: “Possible danger”, “Complaints pour in” (51 people), plan" in said


def test_the_opening_names_nobody() -> None:
    """A name can be erased one day, and the topic stays: the incident's number keeps two complaints apart."""
    assert opening(samples.complaint("en")) == "New complaint about Acme (incident 3)"
    assert opening(samples.crisis("en")) == headline(samples.crisis("en"))
