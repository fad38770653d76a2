"""In a plan run people are told what they are to do, why, and by which command; at its end, that it is over."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from monitor.plans.effects import Why
from notifiers import samples
from notifiers.message import Kind, Language, Message
from notifiers.render import html, payload, short, text
from notifiers.wording import headline, next_action, next_step, opening, other_step, stands_out, topic, why

SOON = samples.NOW + timedelta(minutes=20)
LANGUAGES: tuple[Language, ...] = ("fr", "en")
OF_A_STEP = ("ready", "approval", "approved", "rejected", "late", "failed")


def plain(said: str) -> str:
    """Typographic spaces as plain ones, so that the tests below can be read."""
    return said.replace("\u00a0", " ").replace("\u202f", " ")


def with_step(message: Message, **changes: Any) -> Message:
    """The message, the step that it is about changed."""
    plan = message.plan
    assert plan is not None
    steps = tuple(replace(step, **changes) if step.id == plan.step else step for step in plan.steps)
    return replace(message, plan=replace(plan, steps=steps))


def with_plan(message: Message, **changes: Any) -> Message:
    """The message, its plan changed."""
    assert message.plan is not None
    return replace(message, plan=replace(message.plan, **changes))


FACTS = "23 people complain about Acme within 60 minutes, usually 2"


@pytest.mark.parametrize(
    ("reason", "step", "facts", "first", "command"),
    [
        ("ready", "facts", {}, "Your turn: “Establish the facts” (plan “Negative storm”)", "check 4 facts 1"),
        ("approval", "answer", {}, "To approve: “Answer in substance” (plan “Negative storm”)", "approve 4 answer"),
        ("approved", "hold", {}, "Approved: “Publish the holding statement” (plan “Negative storm”)", "done 4 hold"),
        ("rejected", "answer", {}, "To rework: “Answer in substance” (plan “Negative storm”)", 'edit 4 answer en "…"'),
        ("late", "hold", {}, "Late: “Publish the holding statement” (plan “Negative storm”)", "done 4 hold"),
        (
            "failed",
            "pause",
            {},
            "Failed, to be done by hand: “Pause the scheduled posts” (plan “Negative storm”)",
            "done 4 pause",
        ),
        ("assigned", "facts", {}, "Now yours: “Establish the facts” (plan “Negative storm”)", "check 4 facts 1"),
        ("unconfirmed", None, {}, f"Is this a crisis? Plan “Negative storm” waits for your answer: {FACTS}", "confirm 4"),
        ("untaken", None, {}, f"Plan “Negative storm” needs somebody to take it: {FACTS}", "ack 4"),
        ("level", None, {"risen": True}, f"Plan “Negative storm” rises to level “alert”: {FACTS}", "ack 4"),
        ("level", None, {}, f"Level “alert” for plan “Negative storm”: {FACTS}", "ack 4"),
        ("level", None, {"acknowledged": True}, f"Level “alert” for plan “Negative storm”: {FACTS}", "show 4"),
        ("level", None, {"proposed": (1, "watch")}, "Plan “Negative storm” may fall to level “watch”", 'level 4 1 --why "…"'),
        ("quiet", None, {"acknowledged": True}, "How is plan “Negative storm” going?", "check 4 facts 1"),
        ("assigned", None, {}, f"You lead plan “Negative storm”: {FACTS}", "ack 4"),
        ("assigned", None, {"acknowledged": True}, f"You lead plan “Negative storm”: {FACTS}", "check 4 facts 1"),
        ("escalated", None, {}, f"Your help is needed with plan “Negative storm”: {FACTS}", "ack 4"),
        ("escalated", None, {"acknowledged": True}, f"Your help is needed with plan “Negative storm”: {FACTS}", "show 4"),
        ("sign_off", None, {}, "Plan “Negative storm” waits for you to sign it off", "sign-off 4"),
    ],
)
def test_each_reason_has_its_first_line_and_its_command(
    reason: str, step: str | None, facts: dict[str, Any], first: str, command: str
) -> None:
    """What happened comes first, then what to do about it; the figures stand in it for whoever may not know them."""
    message = samples.call("en", reason, step, **facts)
    assert headline(message) == first
    assert next_step(message)[1] == f"tocsin plan {command}"
    assert f"    tocsin plan {command}\n" in text(message)
    assert next_action(message).endswith(f": tocsin plan {command}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "reason",
    [each.value for each in Why if each not in {Why.OPENED, Why.STEP, Why.OVER, Why.FALSE_ALARM, Why.DRILLED, Why.UNDO}],
)
def test_every_reason_of_the_plans_has_words(reason: str, language: Language) -> None:
    """None is told in the words that are left for a reason nobody knows."""
    unknown = headline(samples.call(language, "of-a-later-version"))
    message = samples.call(language, reason, "answer" if reason in OF_A_STEP else None)
    assert headline(message) != unknown
    assert why(message)
    assert len(headline(message)) <= 160
    assert len(short(message)) <= 500


@pytest.mark.parametrize("reason", [*OF_A_STEP, "of-a-later-version", None])
def test_a_call_that_is_not_understood_still_calls(reason: str | None) -> None:
    """An unknown reason, or one about a step that is gone, leads to the run."""
    message = samples.call("fr", reason)
    assert plain(headline(message)) == "Le plan « Bad buzz » attend votre regard"
    assert plain(next_action(message)) == "Voyez où en est le plan : tocsin plan show 4"


def test_a_call_without_its_plan_is_told_as_its_alert() -> None:
    """A run that was erased since loses nobody's message."""
    for kind in ("call", "over"):
        assert headline(replace(samples.untaken("en"), plan=None, kind=kind)) == FACTS


def test_an_approval_says_until_when_and_what_stands_behind_it() -> None:
    """Whoever approves may hear of it all for the first time."""
    message = samples.approval("fr")
    assert plain(headline(message)) == "À valider avant 18:25 : « Répondre sur le fond » (plan « Bad buzz »)"
    assert plain(why(message)) == (
        "Le texte attend depuis 18:03. Rien ne sort sans validation. 23 personnes se plaignent d’Acme en 60 min — d’habitude 2."
    )
    assert other_step(message)[1] == 'tocsin plan reject 4 answer --why "…"'
    for deadline in (None, samples.NOW):
        assert "avant" not in headline(with_plan(message, deadline=deadline))


def test_words_to_approve_are_read_before_they_are_approved() -> None:
    """The whole text stands above the button, once, and is not called approved."""
    message = with_step(samples.approval("en"), text="First. " + "So it was. " * 400 + "Last.", words={})
    for said in (text(message), html(message)):
        assert said.index("To approve, word for word") < said.index("First.") < said.index("Last.")
        assert said.index("Last.") < said.index("https://tocsin.acme.example/plan/4/approve")
        assert said.count("First.") == said.count("Last.") == 1
        assert "ready to copy" not in said


def test_words_to_approve_stand_there_in_every_language() -> None:
    """The reader's first: a yes is one to all of them, and the command names them."""
    message = samples.approval("fr")
    for layout in (text, html):
        said = " ".join(plain(layout(message)).replace("| ", "").split())
        assert said.index("À valider, mot pour mot (français)") < said.index("À valider, mot pour mot (anglais)")
        assert said.index("Nous vous présentons nos excuses.") < said.index("We apologise.") < said.index("5f0c31ab")
    assert next_step(message)[1] == "tocsin plan approve 4 answer 5f0c31ab"


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_past_their_last_day_are_called_so(language: Language) -> None:
    """Where somebody is asked for a yes, and where the step stands among others: nobody takes them for ready."""
    day = {"fr": "1er mai 2026", "en": "1 May 2026"}[language]
    asked = with_step(samples.approval(language), expired=date(2026, 5, 1))
    assert day in plain(why(asked))
    opened = with_step(with_plan(samples.plan_opened(language), step="hold"), expired=date(2026, 5, 1), approved=False)
    said = " ".join(plain(text(opened)).split())
    assert {"fr": f"Validé jusqu’au {day}", "en": f"Approved until {day}"}[language] in said


def test_a_run_of_which_all_is_done_asks_whether_it_is_over() -> None:
    """With the command that stands down."""
    message = samples.call("en", "quiet", acknowledged=True)
    assert message.plan is not None
    done = with_plan(message, steps=[replace(step, state="done") for step in message.plan.steps])
    assert headline(done) == "All is done: is plan “Negative storm” over?"
    assert next_step(done)[1] == "tocsin plan stand-down 4"
    assert other_step(done) == ("", "")


def test_the_short_text_of_an_approval_holds_the_words_and_where_to_tap() -> None:
    """As far as there is room; what does not fit is marked as cut, and the action says to read all of it."""
    said = short(samples.approval("fr"))
    assert "«\u00a0Ce midi, entre" in said
    assert "…" in said
    assert "Lisez le texte en entier" in said
    assert said.endswith("\nhttps://tocsin.acme.example/plan/4/approve")
    without = short(replace(samples.approval("fr"), links={}))
    assert without.endswith("tocsin plan approve 4 answer 5f0c31ab")


def test_the_short_text_of_a_list_holds_what_is_left_of_it() -> None:
    """On a telephone nobody has the plan at hand."""
    assert short(samples.late("en")).split("\n")[1] == "2. Capture the most-seen posts"
    long = with_step(samples.late("en"), items=("Ask everybody. " * 40,) * 9)
    assert len(short(long)) <= 500
    assert short(long).endswith("tocsin plan check 4 facts 2")


def test_words_that_were_approved_or_not_are_said_to_be() -> None:
    """With the reason for a no, in whoever's words it was given."""
    approved, rejected = samples.call("en", "approved", "hold"), samples.call("en", "rejected", "answer")
    assert "Approved text, ready to copy" in text(approved)
    rejected = with_step(rejected, note="“Repaired” is not\nknown yet")
    assert "Reason: “Repaired” is not known yet" in why(rejected)
    assert "To rework: this text is not approved" in text(rejected)
    assert html(rejected).count("The outage came from") == 1


@pytest.mark.parametrize(("language", "said"), [("fr", "mot pour mot"), ("en", "word for word")])
def test_without_words_there_is_no_empty_box(language: Language, said: str) -> None:
    """A statement without a text in any language shows none."""
    assert said not in html(with_step(samples.approval(language), text="", words={}))


def test_links_stand_above_the_command() -> None:
    """What the message asks for first, the run's page last; each with its words, in both parts."""
    links = {name: f"https://t.example/{name}" for name in ("run", "acknowledge", "reject", "approve")}
    message = replace(samples.approval("en"), links=links)
    lines = text(message).split("\n")
    at = lines.index("Approve: https://t.example/approve")
    assert lines[at + 1 : at + 5] == [
        "Reject: https://t.example/reject",
        "Acknowledge: https://t.example/acknowledge",
        "Open the plan’s page: https://t.example/run",
        "    tocsin plan approve 4 answer 5f0c31ab",
    ]
    assert html(message).count('<a class="button') == 4
    assert html(message).index("https://t.example/run") < html(message).index("tocsin")
    assert '<a class="button' not in html(replace(message, links={}))


def test_the_page_of_the_run_is_a_link_of_its_own() -> None:
    """Also where no links were given; only one that leads to the web."""
    message = samples.untaken("fr", page="https://t.example/plan/4")
    assert "Ouvrir la page du plan\u00a0: https://t.example/plan/4" in text(message)
    assert payload(message)["data"]["plan"]["page"] == "https://t.example/plan/4"
    odd = samples.untaken("fr", page="javascript:alert(1)")
    assert "javascript" not in text(odd) + html(odd)
    assert payload(odd)["data"]["plan"]["page"] is None


def test_who_takes_it_must_know_until_when_as_long_as_that_is_to_come() -> None:
    """A moment that has passed is no deadline any more."""
    assert "To be taken by 18:25." in why(samples.untaken("en"))
    assert "To be taken" not in why(samples.untaken("en", deadline=samples.NOW))
    assert "To be done by 18:25." in why(samples.call("en", "ready", "facts", deadline=SOON))


def test_who_is_told_whatever_happens_learns_that_it_is_taken() -> None:
    """Nobody is asked to take what somebody has: a rung may be told all the same."""
    message = samples.untaken("en", acknowledged=True, lead="Camille Roy")
    assert headline(message) == f"Plan “Negative storm” is under way: {FACTS}"
    assert why(message) == "That is 12 times the usual. The plan has been open since 17:55. Camille Roy leads it."
    assert next_step(message)[1] == "tocsin plan show 4"


def test_what_is_late_may_be_done_and_only_not_noted() -> None:
    """Nobody is blamed; whoever is asked beside its owner learns whose it is."""
    message = samples.late("en")
    assert headline(message) == "Late since 18:00: “Establish the facts” (plan “Negative storm”)"
    assert why(message) == "The step is not noted as done; if it is, just say so. It is Camille Roy’s."
    assert "Camille" not in why(with_step(message, owner=""))
    assert "overdue) \n         due 18:00".replace(" \n", "\n") in text(message)


def test_a_list_goes_on_where_it_was_left() -> None:
    """What is ticked is drawn so, and the command names the next thing by its number."""
    message = samples.late("en")
    assert "[x] 1. Call support" in text(message)
    assert "[ ] 2. Capture the most-seen posts" in text(message)
    assert html(message).count("☑") == html(message).count("☐") == 1
    assert next_step(message)[1] == "tocsin plan check 4 facts 2"
    assert next_step(with_step(message, checked=(0, 1)))[1] == "tocsin plan done 4 facts"


def test_a_running_step_that_is_late_is_said_to_be() -> None:
    """Its state alone would not say so; of one that has ended it is no news."""
    message = samples.call("en", "late", "support")
    assert "(under way)\n         overdue · due 18:25" in text(with_step(message, late=True, deadline=SOON))
    assert "overdue" not in text(with_step(message, state="done", late=True, deadline=SOON))


@pytest.mark.parametrize(
    ("step", "approved", "start"),
    [
        ("facts", False, "Do the following, in order"),
        ("hold", True, "Publish this text as it stands"),
        ("answer", False, "Have this text approved, publish it"),
        ("pause", False, "Do it, then say so"),
    ],
)
def test_what_can_begin_is_told_with_how_it_is_done(step: str, approved: bool, start: str) -> None:
    """Only approved words are published as they stand."""
    message = with_step(samples.call("en", "ready", step), approved=approved)
    assert next_step(message)[0].startswith(start)


def test_a_call_about_one_step_only_names_the_others() -> None:
    """On a telephone nobody scrolls through five lists for theirs."""
    said = text(samples.late("en"))
    assert "Publish the holding statement" in said
    assert "We have seen your messages" not in said
    assert "WHAT THE RULE SAW" not in said
    assert "We have seen your messages" in text(samples.untaken("en"))


def test_a_run_where_all_is_done_may_end() -> None:
    """Nobody is sent to a step that is over."""
    plan = samples.plan("en", "running")
    message = samples.call("en", "quiet", steps=tuple(replace(step, state="done") for step in plan.steps))
    assert next_action(message) == "All steps are done. Stand down if it is over: tocsin plan stand-down 4"


@pytest.mark.parametrize(
    ("reason", "step", "command"),
    [
        ("unconfirmed", None, 'false-alarm 4 --why "…"'),
        ("quiet", None, "assign 4 QUI"),
        ("assigned", None, "assign 4 QUI"),
        ("assigned", "facts", "assign 4 QUI --step facts"),
        ("late", "facts", "assign 4 QUI --step facts"),
        ("untaken", None, ""),
        ("failed", "pause", ""),
    ],
)
def test_where_there_is_a_second_way_it_is_shown(reason: str, step: str | None, command: str) -> None:
    """Below the first, in both parts."""
    message = samples.call("fr", reason, step)
    label, typed = other_step(message)
    assert typed == (f"tocsin plan {command}" if command else "")
    assert bool(label) == bool(command)
    if command:
        assert text(message).index(f"    {next_step(message)[1]}") < text(message).index(f"    {typed}\n")
        assert "passer la main" in html(message) or "fausse alerte" in html(message)


def test_an_alert_has_no_second_way() -> None:
    """It belongs to plan runs."""
    assert other_step(samples.crisis("en")) == ("", "")


def test_the_level_and_who_leads_stand_beside_the_plan() -> None:
    """Where they are known."""
    assert "Negative storm (level “alert” · 1 of 5 steps done · led by Camille Roy)" in text(samples.late("en"))
    assert "Negative storm (1 of 5 steps done)" in text(samples.plan_opened("en"))


def test_a_call_offers_no_silence() -> None:
    """Nobody keeps quiet what they are called to; the run is acknowledged, not the alert."""
    footer = text(samples.call("en", "unconfirmed")).rpartition("-- \n")[2]
    assert "tocsin silence" not in footer
    assert "Take the plan: tocsin plan ack 4" in footer
    assert "tocsin plan ack" not in text(samples.call("en", "unconfirmed", acknowledged=True))
    assert "tocsin plan ack" in text(samples.call("en", "unconfirmed", acknowledged=True, drill="[DRILL]"))


def test_the_message_that_opens_a_plan_says_how_to_take_it() -> None:
    """Until somebody has: to acknowledge the alert does not end the chase."""
    opened = samples.plan_opened("en")
    assert "Take the plan: tocsin plan ack 4\nAcknowledge: tocsin ack 15\n" in text(opened)
    assert "tocsin plan ack" not in text(with_plan(opened, acknowledged=True))
    assert "tocsin plan ack" not in text(samples.plan_step("en"))


def test_a_call_always_has_a_subject_of_its_own() -> None:
    """Also the first of a conversation, whose topic names the plan and does not change with the day's tasks."""
    message = replace(samples.approval("en"), sequence=1, severity="info")
    assert stands_out(message)
    assert opening(message) == opening(samples.late("en")) == "Emergency plan “Negative storm” (incident 3)"
    assert opening(replace(message, incident_id=None)) == "Emergency plan “Negative storm” (incident 4)"


def test_the_end_is_calm() -> None:
    """How long it took, how each step ended, and nothing to hurry for."""
    message = samples.over("fr")
    assert plain(headline(message)) == "Le plan « Bad buzz » est clos, après 3 heures 15 minutes"
    assert plain(next_action(message)) == "Notez à chaud ce qui a bien marché et ce qui a manqué."
    assert "3 étapes faites sur 5" in text(message)
    assert "> La panne était réparée" in text(message)
    assert short(message).startswith("🟢 ")
    assert "Critique" not in html(message)
    assert not stands_out(message)
    assert headline(with_plan(samples.over("en"), since=None)) == "Plan “Negative storm” is closed"
    later = with_plan(samples.over("en"), since=samples.NOW + timedelta(days=1))
    assert headline(later) == "Plan “Negative storm” is closed"


@pytest.mark.parametrize("kind", ["step", "call"])
def test_what_a_step_did_is_taken_back_by_a_machine(kind: Kind) -> None:
    """The call says so in its type, and to whoever reads along in words: nobody is to act."""
    message = replace(with_plan(samples.plan_step("en", "pause"), why="undo"), kind=kind)
    assert "Your turn" not in html(message)
    assert payload(message)["type"] == "plan.undo"
    assert headline(message) == "Plan “Negative storm”, to be taken back: “Pause the scheduled posts”"
    assert next_step(message)[0].startswith("The machine that gets this call")
    assert why(message) == "The plan was opened for Acme."


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", samples.EVERY)
def test_a_drill_says_so_before_everything_else(name: str, language: Language) -> None:
    """In every subject, headline and short line, once, and in what machines get: nobody takes it for a crisis."""
    message = samples.EVERY[name](language)
    assert payload(message)["data"]["drill"] is (name in {"drill", "drilled"})
    if message.plan is None or message.kind == "resolved":
        return
    rehearsed = with_plan(replace(message, topic="What it is about"), drill="[EXERCICE]")
    for said in (headline(rehearsed), topic(rehearsed), opening(rehearsed)):
        assert said.startswith("[EXERCICE] ")
        assert said.count("[EXERCICE]") == 1
    assert topic(replace(rehearsed, topic="[EXERCICE] What it is about")) == "[EXERCICE] What it is about"
    assert short(rehearsed).startswith("⚪ [EXERCICE] ")
    assert text(rehearsed).startswith("[EXERCICE] ")
    assert re.search(r'class="badge"[^>]*>(Exercice|Drill)</span>', html(rehearsed))
    assert ("Un exercice" if language == "fr" else "A drill") in text(rehearsed)
    assert payload(rehearsed)["data"]["drill"] is True


def test_the_payload_says_what_is_asked_until_when() -> None:
    """For tools that keep their own list of tasks."""
    data = payload(samples.late("en"))["data"]
    told = {name: data["plan"][name] for name in ("why", "step", "level", "lead", "acknowledged", "since", "deadline")}
    assert told == {
        "why": "late", "step": "facts", "level": "alert", "lead": "Camille Roy", "acknowledged": True,
        "since": "2026-03-02T16:55:00Z", "deadline": "2026-03-02T17:00:00Z",
    }  # fmt: skip
    step = next(each for each in data["plan"]["steps"] if each["id"] == "facts")
    assert (step["deadline"], step["late"], step["checked"], step["note"]) == ("2026-03-02T17:00:00Z", True, [0], None)
    assert {payload(samples.EVERY[name]("en"))["type"] for name in ("approval", "untaken", "level", "late")} == {"plan.call"}
    assert payload(samples.over("en"))["type"] == "plan.closed"
