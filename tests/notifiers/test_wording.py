"""What people read first, why, and what they are told to do, for every kind of message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any, get_args

import pytest

import notifiers.voice
from monitor.plans.effects import Why
from notifiers import catalogue, samples
from notifiers.message import (
    AlertFacts,
    CountFacts,
    DoneFacts,
    FigureFacts,
    Kind,
    Language,
    Message,
    PaceFacts,
    Post,
    Severity,
    SwitchFacts,
)
from notifiers.reasons import FIGURES
from notifiers.render import html, short, text
from notifiers.voice import NATURES, nature
from notifiers.wording import TROUBLES, headline, next_action, next_step, opening, topic, why

# What the engine says, word for word.
ENGINE = (
    "about acme",
    "text “en panne”, “dead” (any_of complaints_fr, complaints_en)",
    "sentiment -0.6486 (lte -0.5)",
    "sentiment 0.5 (gt 0.3)",
    "complaint 0.973 (gte 0.8)",
    "safety_risk 0.7 (gte 0.5)",
    "copies 12 (gte 10)",
    "sentiment by accurate 1 (second opinion)",
    "sentiment by vader 3.3.2 (no second opinion)",
    "author.reach 150,000 (gte 100000)",
    "author.reach 12 (lt 100)",
    "26 authors within 1h, usually 0.6",
    "1 mentions within 1h",
    "at least 20,000 authors within 1h30m",
    "41% of the mentions within 1d, usually 12% of the mentions",
    "41% of 118 scored mentions (9 not scored) within 1d",
    "1% of 1 scored mentions (9 not scored) within 1d",
    "37 mentions (9 more could not be scored) within 1h, usually 4 mentions",
    "1 texts (1 more could not be scored) within 1h",
    "2 texts within 1h",
    "12 of 40 mentions are copies of one text",
    "what is usual is still being learnt (needs 1d)",
    "rings from 20 mentions, 40% of the mentions, 2.5 times the usual",
)
LANGUAGES: tuple[Language, ...] = ("fr", "en")


def plain(said: str) -> str:
    """Typographic spaces as plain ones, so that the tests below can be read."""
    return said.replace("\u00a0", " ").replace("\u202f", " ")


def with_alert(message: Message, **changes: Any) -> Message:
    """The message, its one alert changed."""
    return replace(message, alerts=(replace(message.alerts[0], **changes),))


def test_a_complaint_names_its_author_and_their_reach() -> None:
    """Somebody with 120 followers rings by name, and nobody's sex is guessed."""
    assert plain(headline(samples.complaint("fr"))) == "Nouvelle plainte au sujet d’Acme, de @lea (120 abonnés)"
    assert headline(samples.complaint("en")) == "New complaint about Acme from @lea (120 followers)"


def test_an_unknown_reach_is_not_nought() -> None:
    """Without a number, no number is shown."""
    message = replace(samples.complaint("en"), posts=(Post("No!", "forum", samples.NOW, "jo"),))
    assert headline(message) == "New complaint about Acme from jo"


def test_a_complaint_without_author_still_rings() -> None:
    """Neither a nameless author nor missing posts empty the first line."""
    nameless = replace(samples.complaint("fr"), posts=(Post("Non", "forum", samples.NOW),))
    assert headline(nameless) == headline(replace(nameless, posts=())) == "Nouvelle plainte au sujet d’Acme"


def test_a_crisis_says_observed_against_expected() -> None:
    """The first line holds both figures and the window."""
    assert plain(headline(samples.crisis("fr"))) == "23 personnes se plaignent d’Acme en 60 min — d’habitude 2"
    assert headline(samples.crisis("en")) == "23 people complain about Acme within 60 minutes, usually 2"


def test_next_to_nothing_is_said_in_words() -> None:
    """Nobody pictures 0.7 of a person, and no ratio is made from it."""
    assert headline(with_alert(samples.crisis("en"), expected=0.7)).endswith("usually next to none")
    assert headline(with_alert(samples.crisis("en"), expected=0.2)).endswith("usually next to none")
    assert "next to nothing" in why(with_alert(samples.crisis("en"), expected=0.0))


def test_the_ratio_is_that_of_the_figures_shown() -> None:
    """Whoever divides 23 by 2 comes to what we say."""
    assert why(samples.crisis("en")).startswith("That is 12 times the usual.")
    assert why(with_alert(samples.crisis("en"), expected=float("nan"))).startswith("That is more than")


def test_a_share_is_told_in_percent() -> None:
    """Shares are never counts of people."""
    shared = with_alert(samples.crisis("fr"), measure="share", observed=0.41, expected=0.12)
    assert plain(headline(shared)) == "41 % des publications sur Acme sont des plaintes en 60 min — d’habitude 12 %"


def test_learning_is_said() -> None:
    """No history is no excuse, and no secret."""
    message = with_alert(samples.crisis("fr"), learning=True, expected=None)
    assert headline(message).endswith("(en apprentissage)")
    assert "seuils fixes" in why(message)


def test_one_is_singular() -> None:
    """« 1 personne se plaint »."""
    assert headline(with_alert(samples.crisis("fr"), observed=1, expected=None)).startswith("1 personne se plaint d’Acme")


def test_without_an_expectation_the_floor_is_the_reason() -> None:
    """An infinite or missing ratio is never printed."""
    assert "more than the rule accepts" in why(with_alert(samples.crisis("en"), expected=None))
    assert "more than the rule accepts" in why(with_alert(samples.crisis("en"), observed=2, expected=5))


def test_tone_blind_volume_is_talk() -> None:
    """A storm of irony is a storm: nobody claims that they complain."""
    storm = with_alert(samples.crisis("en"), rule="storm", observed=60, measure="mentions")
    assert headline(storm).startswith("60 posts about Acme within 60 minutes")


@pytest.mark.parametrize(
    ("rule", "title", "said"),
    [
        ("complaint-storm", "", "complaint"),
        ("crisis", "", "complaint"),
        ("storm", "", "talk"),
        ("influencer", "Une voix qui porte est mécontente", "complaint"),
        ("danger", "", "safety"),
        ("thanks", "", "praise"),
    ],
)
def test_the_rule_gives_its_nature_away(rule: str, title: str, said: str) -> None:
    """Without the label, the rule's id and title choose the words."""
    assert nature(replace(samples.complaint().alerts[0], rule=rule, title=title)) == said


def test_the_label_decides_the_nature() -> None:
    """What the rule says of itself wins over its name; nonsense does not."""
    alert = samples.complaint().alerts[0]
    assert nature(replace(alert, labels={"nature": "safety"})) == "safety"
    assert nature(replace(alert, labels={"nature": "nonsense"})) == "complaint"
    assert nature(replace(alert, category="opportunity")) == "praise"


def test_grouped_complaints_are_counted() -> None:
    """Six complaints in one message are six, and the loudest author is named."""
    one = samples.complaint("fr").alerts[0]
    message = replace(samples.complaint("fr"), kind="more", alerts=tuple(replace(one, id=n) for n in range(12, 18)))
    assert plain(headline(message)) == "Cela continue : 6 nouvelles plaintes au sujet d’Acme, dont @lea (120 abonnés)"
    assert plain(next_action(message)).startswith("Répondez d’abord aux publications les plus vues")
    assert headline(replace(message, posts=())).endswith("au sujet d’Acme")


def test_the_gravest_alert_leads() -> None:
    """Among several alerts the gravest is told, the others are counted, and all of a few can be acknowledged at once."""
    message = replace(samples.crisis("en"), alerts=(*samples.complaint("en").alerts, *samples.crisis("en").alerts))
    assert headline(message) == "23 people complain about Acme within 60 minutes, usually 2 (and 1 other alert)"
    assert next_action(message).endswith("tocsin ack 12 15")
    many = tuple(replace(samples.complaint("en").alerts[0], id=number) for number in range(20, 27))
    assert next_action(replace(message, alerts=(*many, message.alerts[1]))).endswith("tocsin ack 15")


@pytest.mark.parametrize(
    ("kind", "start"), [("more", "Still going: "), ("worse", "Getting worse: "), ("reminder", "Reminder, nobody ")]
)
def test_later_messages_say_why_again(kind: Kind, start: str) -> None:
    """The same facts, introduced by what is new about them."""
    assert headline(replace(samples.crisis("en"), kind=kind)).startswith(start)


def test_a_reminder_says_since_when() -> None:
    """An open alert without anybody on it is told with its age."""
    message = replace(samples.crisis("en"), kind="reminder")
    assert why(message).startswith("The alert has been open since 18:04")
    assert next_action(message) == "Somebody has to take this. Acknowledge: tocsin ack 15"


def test_calm_says_how_long_it_took() -> None:
    """The last message closes the story."""
    assert plain(headline(samples.resolved("fr"))) == "Retour au calme pour Acme, après 2 heures 10 minutes"
    unknown = with_alert(samples.resolved("en"), resolved_at=None)
    assert headline(unknown) == "Back to calm for Acme"


def test_silence_is_not_peace() -> None:
    """A source that stops answering is told with since when and why, in the reader's words."""
    said = plain(headline(samples.source_down("fr")))
    assert said == "Le silence n’est pas la paix : la source mastodon-hashtags ne répond plus depuis 17:02 (indisponible)"
    assert next_action(samples.source_down("en")).endswith(": tocsin sources try mastodon-hashtags")


def test_a_source_that_never_answered_says_so() -> None:
    """No date is invented."""
    message = with_alert(samples.source_down("en"), labels={"source": "s", "last_success": "never", "trouble": "credentials"})
    assert headline(message) == "Silence is not peace: source s has never answered yet (access refused)"


@pytest.mark.parametrize("written", ["", "nonsense", "2026-03-02T17:04:00"])
def test_an_odd_date_does_not_silence_silence(written: str) -> None:
    """Without a readable last answer the moment we noticed is told."""
    message = with_alert(samples.source_down("en"), labels={"source": "s", "last_success": written}, fired_at=samples.NOW)
    assert headline(message).startswith("Silence is not peace: source s has not answered since 18:0")


def test_a_source_that_answers_again_is_good_news() -> None:
    """Resolved: it answers, and nothing is to be done."""
    message = replace(samples.source_down("en"), kind="resolved")
    assert headline(message) == "Source mastodon-hashtags answers again"
    assert next_action(message) == "Nothing to do."


def test_a_receiver_that_takes_nothing_is_told_to_another() -> None:
    """The people who rely on it learn it elsewhere."""
    message = with_alert(
        samples.source_down("fr"), kind="receiver_health", rule="receiver-health", labels={"receiver": "astreinte"}
    )
    assert headline(message).startswith("Le récepteur astreinte n’accepte plus les messages")
    assert next_action(message).endswith("tocsin receivers try astreinte")


def test_a_full_disk_is_told_with_what_to_do() -> None:
    """Which disk, how much it takes, and that nothing else need be done."""
    labels = {"store": "/var/lib/tocsin/tocsin.db", "trouble": "full", "needed": "64 MB"}
    message = with_alert(samples.source_down("en"), kind="store_health", rule="store-health", labels=labels)
    assert headline(message) == "The disk is full: Tocsin takes in nothing new into /var/lib/tocsin/tocsin.db"
    assert next_action(message) == "Free at least 64 MB on that disk: work goes on by itself."
    assert next_action(with_alert(message, labels=labels | {"trouble": "damaged"})).endswith("restore the last backup.")


def test_old_mentions_are_told_gently() -> None:
    """A catch-up counts what it gathered, and asks for no hurry."""
    message = with_alert(samples.complaint("fr"), labels={"catch_up": "reviews"}, occurrences=12)
    assert plain(headline(message)) == "Rattrapage : 12 anciennes publications sur Acme"
    assert "quand vous aurez un moment" in next_action(message)


def test_a_window_of_long_ago_is_told_gently() -> None:
    """It says first that this is past, then how much there was."""
    message = with_alert(samples.complaint("en"), kind="window", labels={"catch_up": "news"}, measure="authors", observed=9)
    assert headline(message).startswith("Catching up on a past alert: 9 people ")
    assert next_action(message).startswith("Go through them when you have a moment")


def test_a_plan_to_confirm_asks_for_it() -> None:
    """Nothing automatic starts before somebody says so."""
    message = samples.plan_opened("fr")
    assert plain(headline(message)).startswith("Plan d’urgence « Bad buzz » à confirmer : 23 personnes")
    assert (
        plain(next_action(message))
        == "Prenez en charge, puis confirmez pour lancer les étapes automatiques : tocsin plan confirm 4"
    )


def test_a_running_plan_names_the_first_step_for_a_person() -> None:
    """Automatic and finished steps are nobody's first thing to do."""
    message = replace(samples.plan_opened("en"), plan=samples.plan("en", "running"))
    assert next_action(message) == "Start with “Establish the facts” (Camille Roy)."


def test_a_plan_without_a_step_for_a_person_is_followed() -> None:
    """There is always a next action."""
    plan = samples.plan("en", "running")
    message = replace(samples.plan_opened("en"), plan=replace(plan, steps=plan.steps[:1]), alerts=())
    assert next_action(message) == "Follow the plan, step by step."
    assert headline(message) == "Emergency plan “Negative storm” opened for Acme"


def test_a_step_without_an_owner_names_none() -> None:
    """No empty brackets."""
    plan = samples.plan("en", "running")
    steps = (replace(plan.steps[1], owner=""),)
    assert next_action(replace(samples.plan_opened("en"), plan=replace(plan, steps=steps))) == "Start with “Establish the facts”."


def test_a_step_says_which_of_how_many() -> None:
    """Whoever gets one step knows where it stands."""
    assert plain(headline(samples.plan_step("fr"))) == "Plan « Bad buzz », étape 3 sur 5 : Publier le message d’attente"


@pytest.mark.parametrize(
    ("step", "start"),
    [
        ("hold", "Copy"),
        ("answer", "Have the text below approved"),
        ("facts", "Do the following"),
        ("support", "Read what is happening, then answer with the approved text"),
        ("pause", "A step for the machine"),
    ],
)
def test_each_sort_of_step_has_its_action(step: str, start: str) -> None:
    """Only approved words may be copied."""
    assert next_action(samples.plan_step("en", step)).startswith(start)


def test_a_step_the_plan_does_not_know_is_told_as_the_plan() -> None:
    """An odd reference loses nobody's message."""
    assert headline(samples.plan_step("en", "nowhere")).startswith("Emergency plan “Negative storm”")


def test_a_test_is_marked_and_asks_for_nothing() -> None:
    """Nobody is frightened by an exercise of the bell."""
    bare = replace(samples.complaint("fr"), kind="test", alerts=(), posts=())
    assert headline(bare).startswith("[ESSAI] Tocsin sonne bien")
    assert headline(replace(samples.crisis("en"), kind="test")).startswith("[TEST] 23 people")
    assert next_step(bare) == (catalogue.say("fr", "do.test"), "")
    assert "essai" in why(bare)


def test_a_replay_is_marked() -> None:
    """The past is not mistaken for now."""
    assert headline(replace(samples.crisis("en"), replay=True)).startswith("[REPLAY] 23 people")


def test_missing_coverage_is_said() -> None:
    """Missing data never suppresses, and is never hidden."""
    assert "only 80%" in why(with_alert(samples.crisis("en"), coverage=0.8))
    assert "only" not in why(with_alert(samples.crisis("en"), coverage=1.0))


def test_a_repeated_alert_says_how_often() -> None:
    """Of posts, how many; of a crowd, since when: how often its rule looked is nobody's concern."""
    assert "That makes 5 posts since 18:01." in why(with_alert(samples.complaint("en"), occurrences=5))
    assert "Over the limit since 18:04." in why(with_alert(samples.crisis("en"), occurrences=91))
    assert "91" not in why(with_alert(samples.crisis("en"), occurrences=91))


def test_a_rule_is_called_by_its_title() -> None:
    """People know the title; the id is for the file."""
    assert why(with_alert(samples.crisis("en"), title="Complaints pour in")).endswith("Rule: Complaints pour in.")


def test_a_message_without_alerts_still_says_something() -> None:
    """No combination of missing facts gives an empty line."""
    empty = replace(samples.crisis("en"), alerts=(), posts=(), kind="more")
    assert headline(empty) == "Still going: An alert about Acme"
    assert why(empty) == ""
    assert next_action(empty) == "The details could not be put into words. Look at the open alerts: tocsin alerts"


def test_the_topic_is_the_same_in_the_whole_conversation() -> None:
    """Mail programs keep a conversation together only under one subject."""
    first, later = samples.complaint("en"), samples.crisis("en")
    assert topic(first) == topic(later) == "Acme: incident 3"
    named = headline(first)
    assert topic(replace(first, topic=named)) == topic(replace(later, topic=named)) == named


def test_a_message_outside_any_incident_has_a_topic() -> None:
    """A test's own headline, or the brand's name."""
    bare = replace(samples.complaint("en"), incident_id=None)
    assert topic(bare) == "News about Acme"
    assert topic(replace(bare, kind="test")).startswith("[TEST]")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "1 200 publications sur 3 400 sont des copies d’un même texte."),
        ("en", "1,200 of 3,400 posts are copies of one text."),
    ],
)
def test_a_campaign_of_copies_is_told_as_one(language: Language, said: str) -> None:
    """Beside the reason of the alert, wherever the message is read."""
    base = samples.crisis(language)
    told = replace(base, alerts=(replace(base.alerts[0], reasons=("1,200 of 3,400 mentions are copies of one text",)),))
    assert said in " ".join(why(told).split())
    assert said in " ".join(text(told).split())


def _alerts(base: AlertFacts) -> Iterator[tuple[AlertFacts, ...]]:
    """Alerts of every sort, alone or together."""
    for said, measure in product(NATURES, ("mentions", "authors", "texts", "share")):
        for observed, expected in ((1, 5.0), (23, 2.1), (7, 0.001)):
            yield (replace(base, kind="window", labels={"nature": said}, measure=measure, observed=observed, expected=expected),)
    for said, together in product(NATURES, (1, 2)):
        yield (replace(base, kind="mention", labels={"nature": said}),) * together
    yield (base, replace(base, id=1))
    yield (base, replace(base, id=1), replace(base, id=2))
    for kind, trouble in product(("source_health", "receiver_health", "mailbox_health"), ("", *TROUBLES)):
        yield (replace(base, kind=kind, labels={"last_success": "never" if trouble == "gone" else "", "trouble": trouble}),)
    yield (replace(base, kind="mention", labels={"catch_up": "x"}, observed=1),)
    yield (replace(base, kind="window", labels={"catch_up": "x"}),)
    yield (replace(base, kind="mention", labels={"catch_up": "x"}, occurrences=5),)
    yield (replace(base, window=None, learning=True, coverage=0.5, occurrences=3),)
    yield (replace(base, window=None),)
    yield (replace(base, kind="mention", occurrences=3, reasons=ENGINE),)
    yield (replace(base, severity="info", category="opportunity"),)
    yield (replace(base, expected=None, resolved_at=samples.NOW),)
    yield ()


def _plans(base: Message) -> Iterator[Message]:
    """Plan and step messages, each step in each state."""
    plan = samples.plan(base.language, "running")
    steps = [*plan.steps, replace(plan.steps[1], action="webhook")]
    states = ("waiting", "ready", "running", "done", "failed", "skipped", "overdue")
    for step, (state, phase) in product(steps, zip(states, ("contain", "assess", "respond", "recover") * 2, strict=False)):
        told = replace(plan, step=step.id, steps=(replace(step, state=state, phase=phase),))
        yield replace(base, kind="step", plan=told, replay=True)
    for alerts, state in product((tuple(base.alerts), ()), ("running", "awaiting_confirmation")):
        yield replace(base, kind="plan", alerts=alerts, plan=samples.plan(base.language, state))
    ownerless = tuple(replace(step, owner="", state="done" if step.automatic else "ready") for step in plan.steps)
    yield replace(base, kind="plan", plan=replace(plan, steps=ownerless), incident_id=None, receiver="")
    yield replace(base, kind="plan", plan=replace(plan, steps=plan.steps[:1]), alerts=())


def _calls(language: Language) -> Iterator[Message]:
    """Everybody who is called to something in a plan run, knowing much or little of it, and its end."""
    at = samples.NOW + timedelta(minutes=5)
    known: dict[str, Any] = {"deadline": at, "page": "https://p.example", "drill": "[X]"}
    links = {"approve": "https://a.example", "reject": "https://r.example", "acknowledge": "https://k.example"}
    for reason, step in product(Why, (None, "pause", "facts", "hold", "answer")):
        yield replace(samples.call(language, reason, step), links=links)
        yield samples.call(language, reason, step, acknowledged=True, since=None, lead="", **known)
    done = [replace(step, state="done") for step in samples.plan(language).steps]
    for changes in ({"risen": True}, {"proposed": (1, "x")}):
        yield samples.call(language, "level", **changes)
    yield samples.call(language, "quiet", steps=done)
    yield replace(samples.plan_step(language), plan=replace(samples.plan(language, step="pause"), why="undo"))
    late = replace(samples.plan(language).steps[1], late=True, deadline=at, note="why", checked=(0,))
    for sample in (samples.late, samples.approval, samples.over, samples.untaken):
        yield sample(language)
    yield replace(samples.late(language), plan=replace(samples.plan(language, step="facts"), steps=(late,), why="failed"))
    old = [replace(step, expired=date(2026, 2, 1), approved=False) for step in samples.plan(language).steps]
    yield samples.call(language, "approval", "hold", steps=old)
    yield replace(samples.plan_opened(language), plan=replace(samples.plan(language), steps=old))
    yield replace(samples.over(language), plan=samples.plan(language))


def _unfinished(language: Language) -> Iterator[Message]:
    """What is over in an incident that goes on: taken or not, grave or not, with a plan and without."""
    base = samples.unfinished(language)
    for alert in (base.still_open[0], replace(base.still_open[0], measure="mentions"), replace(base.still_open[0], observed=1)):
        for severity, taken, plan in product(get_args(Severity), (True, False), (base.plan, None)):
            some = (replace(alert, severity=severity, acknowledged=taken), replace(alert, measure="mentions", observed=1))
            yield replace(base, still_open=some[:1], plan=plan)
            yield replace(base, still_open=some, plan=plan)
    yield replace(base, still_open=())
    removed = tuple(replace(alert, unwatched=True) for alert in base.alerts)
    yield replace(base, alerts=removed)
    yield replace(base, alerts=(*base.alerts, *removed), still_open=(), plan=None)
    plan = samples.plan(language, "running", "support")
    for statements in ((), plan.statements, plan.statements[1:]):
        yield replace(samples.support(language), plan=replace(plan, statements=statements))


def _quiet(alert: AlertFacts) -> Iterator[AlertFacts]:
    """Alerts that compare with what is usual in another way than by more: silence, moods, means and sums."""
    reasons = (
        "rings where 5 mentions are usual, at 20% of it or less, a surprise of 3",
        "a surprise of 3.4 over 6h: about one time in 2,512 so few by chance",
        "a surprise of 7.4 over 6h: about one time in more than a million by chance",
        "no surprise",
        "nothing has ever come of a key that the rule names, in 7d and more",
        "usually means at this hour of the week (Europe/Paris)",
        "held back by `unless`",
        "signal topic: the new term “#AcmeFail” by 12 authors within 1h, usually 0.3",
        "0 of 2 signals hold, and 1 must",
        "not answered by any of our own accounts within 4h of work",
        "late: held at 2026-03-02 12:59 UTC, seen only now",
        "the campaign “soldes” multiplies the thresholds by 2.5",
        "a mean sentiment of -0.31 in 42 scored mentions within 2h, usually 0.05",
        "signal far: a mean author.reach of 31 in 42 scored mentions within 2h",
        "Ana opened it by hand: they called us, too",
        "a sum author.reach of 120,000 within 1h, usually 3,000",
        "rings from 30 mentions, a mean lower than usual by 0.25, a mean of at least 1, a mean of at most 2",
    )
    later = alert.fired_at + timedelta(hours=3)
    flat = replace(alert, kind="flatline", reasons=reasons, expected=31.0, occurrences=3, resolved_at=later)
    for measure, count in product(("mentions", "authors", "texts"), (1, 2)):
        yield replace(flat, measure=measure, observed=count)
    yield replace(flat, observed=0, resolved_at=flat.fired_at, labels={"network": "mastodon"})
    yield replace(flat, observed=0, expected=None)
    for observed, expected in ((-0.3, None), (-0.3, 0.1), (0.4, 0.1)):
        yield replace(flat, kind="sentiment_drop", measure="mean sentiment", observed=observed, expected=expected)
    for how, field in product(("mean", "sum"), FIGURES):
        yield replace(flat, kind="window", measure=f"{how} {field}", observed=40.0, expected=12.0)


def _trend(**more: Any) -> AlertFacts:
    """A hashtag that eighteen people use, and nobody did before."""
    reasons = ("18 authors within 2h", "nobody said it in the 12d before", "mean sentiment 0.25", "rings from 15 authors")
    facts: dict[str, Any] = {
        "kind": "new_term",
        "observed": 18.0,
        "expected": 0.0,
        "window": timedelta(hours=2),
        "reasons": reasons,
    }
    return replace(samples.crisis().alerts[0], labels={"subject": "acme", "term": "#AcmeFest"}, **(facts | more))


def _unanswered(**more: Any) -> AlertFacts:
    """A post that waited four hours for an answer."""
    facts: dict[str, Any] = {
        "kind": "absence",
        "window": timedelta(hours=4),
        "reasons": ("not answered by any of our own accounts within 4h",),
    }
    return replace(samples.complaint().alerts[0], **(facts | more))


def _newly_told(base: Message) -> Iterator[Message]:
    """New terms, and answers that do not come."""
    kinds: tuple[Kind, ...] = ("first", "resolved")
    for alert, kind in product((_trend(), _trend(observed=1.0), _trend(expected=2.0), _unanswered()), kinds):
        yield replace(base, alerts=(alert,), kind=kind)
        yield replace(base, alerts=(alert, replace(alert, id=99)), kind=kind, posts=())
        yield replace(base, alerts=(alert,), kind=kind, posts=())


def test_a_new_term_is_told_with_who_says_it() -> None:
    """What, how many people, in which time, and that it is new, or how many usually do."""
    told = samples.crisis("fr", alerts=(_trend(),))
    assert headline(told) == "#AcmeFest\u00a0: 18 personnes en 120\u00a0min au sujet d’Acme, du jamais vu"
    assert "Personne ne le disait auparavant." in why(told)
    known = samples.crisis("en", alerts=(_trend(expected=2.0),))
    assert headline(known) == "#AcmeFest: 18 people within 120 minutes about Acme, usually 2"
    assert "9 times the usual" in why(known)
    over = samples.crisis("en", alerts=(_trend(),), kind="resolved")
    assert headline(over) == "#AcmeFest is no longer much spoken of"


def test_an_answer_that_does_not_come_names_who_waits() -> None:
    """And for how long; its end says that we have answered, which is no calm after a storm."""
    told = samples.complaint("fr", alerts=(_unanswered(),))
    assert " ".join(headline(told).split()).startswith("Sans réponse de notre part depuis 4 h : @")
    assert next_action(told).startswith("Répondez-lui")
    assert "pas de réponse de l’un de nos comptes en 4 h" in " ".join(text(told).split())
    over = samples.complaint("en", alerts=(_unanswered(),), kind="resolved", posts=())
    assert headline(over) == "A post about Acme has got our answer"
    assert why(over).startswith("One of our accounts has answered.")


def _messages(language: Language) -> Iterator[Message]:
    links = {"ack": "https://a.example", "console": "https://c.example", "room": "https://r.example"}
    base = samples.crisis(language, links=links)
    for alerts in _alerts(base.alerts[0]):
        yield replace(base, alerts=alerts)
        yield replace(base, alerts=alerts, posts=(), severity="info")
    others = (base.alerts, samples.source_down().alerts, samples.resolved().alerts, ())
    for some, kind in product(others, get_args(Kind)):
        yield replace(base, alerts=some, kind=kind, more_posts=1, severity="warning")
        yield replace(base, alerts=some, kind=kind, incident_id=None, posts=base.posts[:1])
    yield from _plans(base)
    yield from _calls(language)
    yield from _reports(language)
    yield from _unfinished(language)
    for quiet, kind in product(_quiet(base.alerts[0]), get_args(Kind)):
        yield replace(base, kind=kind, alerts=(quiet,), posts=())
    yield from _newly_told(base)
    own = ("receiver_health", "mailbox_health", "store_health", "judging_health", "plan_health")
    for ill, trouble, times in product(own, ("full", "damaged", "stuck"), (1, 2)):
        labels = {"trouble": trouble, "store": "s", "needed": "64 MB"}
        alert = replace(samples.source_down().alerts[0], kind=ill, labels=labels, occurrences=times)
        yield replace(base, kind="first", alerts=(alert,))
        yield replace(base, kind="resolved", alerts=(alert,))
    for window, expected in ((timedelta(hours=9), 41.3), (None, None)):
        alert = replace(samples.source_down().alerts[0], kind="source_quiet", window=window, expected=expected)
        yield replace(base, kind="first", alerts=(alert,), plan=None)
        yield replace(base, kind="resolved", alerts=(alert,), plan=None)
    for due in ("review", "drill", "statement"):
        labels = {"plan": "storm", "due": due, "on": "2026-11-02", "statement": "holding"}
        alert = replace(samples.source_down().alerts[0], kind="plan_due", labels=labels)
        yield replace(base, kind="first", alerts=(alert,), plan=None)
        yield replace(base, kind="resolved", alerts=(alert,), plan=None)
    yield from (*_drilled(language), *_accounts(language))
    odd = (
        replace(base.posts[0], sentiment=0.0, text="", author="", copies=1),
        replace(base.posts[0], sentiment=1.0, sensitive=True, reach=1, copies=2),
    )
    yield replace(samples.complaint(language), posts=odd, subject=None)
    yield replace(base, new_words=("écran noir", "décodeur"))
    yield replace(base, answered=True)
    yield samples.plan_opened(language, answered=True)
    yield replace(samples.complaint(language), posts=odd[1:])


def _reports(language: Language) -> Iterator[Message]:
    """Reports, notes at the end of a shift and reminders, whatever happened and however the figures went."""
    yield from (samples.situation(language), samples.handover(language), samples.read(language))
    base = samples.situation(language)
    assert base.plan is not None
    assert base.plan.standing is not None
    standing = base.plan.standing
    figures = [
        [FigureFacts("mentions", 0, 5), FigureFacts("authors", 4, 0, 4), FigureFacts("negative_share", None)],
        [FigureFacts("mentions", 5, 5, 9), FigureFacts("authors", None), FigureFacts("negative_share", 0.4, 0.4)],
    ]
    did = [DoneFacts(samples.NOW, "step.done", note=note, said="Fait") for note in [*12 * ["y"], "", ""]]
    for done, some, next_at in product([did[:1], [replace(did[0], said="")]], figures, (None, samples.NOW)):
        changed = replace(standing, done=done, figures=some, next_at=next_at, level_since=None)
        yield replace(base, plan=replace(base.plan, standing=changed, level=""))
    for reason in ("handover", "waiting"):
        for groups in ((), standing.groups):
            changed = replace(standing, done=did[:13] if groups else did, groups=groups)
            told = [replace(step, state="done", ended=None, late=False) for step in base.plan.steps]
            yield replace(base, kind="call", plan=replace(base.plan, why=reason, step=None, steps=told, standing=changed))
    waits = [replace(step, state="ready", deadline=samples.NOW, approved=False, late=False) for step in base.plan.steps]
    yield replace(base, plan=replace(base.plan, steps=waits, standing=replace(standing, done=())))
    yield replace(base, kind="over", plan=replace(base.plan, why="false_alarm", standing=None))


def _accounts(language: Language) -> Iterator[Message]:
    """What is only observed: everything, a rule, a plan or nothing any more; whether or not anything would have rung."""
    base = samples.account(language)
    assert base.account is not None
    one, opened = base.account.rules[1], base.account.plans[0]
    switches = [(), *((SwitchFacts(what, "x", "rules/x.yaml:3"),) for what in ("rule", "plan"))]
    rang = [
        base.account,
        replace(base.account, rules=(replace(one, at=one.at[:1], to=[f"p{n}" for n in range(7)]),), ends=None),
        replace(base.account, rules=(replace(one, to=[f"p{n}" for n in range(8)]),), ends=None, plans=()),
        replace(base.account, rules=(), plans=(opened, replace(opened, told=[*opened.told] * 5)), yours=CountFacts()),
        replace(base.account, rules=(), plans=(replace(opened, opened=None, told=[opened.told[0]] * 13),), all=CountFacts(1)),
        *(replace(base.account, rules=(), plans=(), all=CountFacts(), ends=None, heard=n) for n in (0, 1, 5)),
    ]
    for told, still, ended in product(rang, switches, (False, True)):
        kept = told.switches if told is base.account and not ended else still
        yield replace(base, account=replace(told, switches=kept, ended=ended))


def _drilled(language: Language) -> Iterator[Message]:
    """What came of drills: some answered, all did, none did."""
    some = samples.drilled(language)
    assert some.plan is not None
    yield some
    for answered in (True, False):
        answers = tuple(replace(each, answered=answered) for each in some.plan.answers)
        took = [timedelta(minutes=each) for each in (4, 6, 9)]
        yield replace(
            some, plan=replace(some.plan, answers=answers, pace=PaceFacts(*took) if answered else None, silent_roles=())
        )


@pytest.mark.no_cover  # tens of thousands of messages
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_is_reached_and_no_message_lacks_one(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the facts, there are words; and no phrase is translated that nobody reads."""
    used: set[str] = set()

    def listen(tongue: Language, key: str, **values: str) -> str:
        used.add(key)
        return catalogue.say(tongue, key, **values)

    monkeypatch.setattr(notifiers.voice, "say", listen)
    for message in _messages(language):
        assert headline(message)
        assert text(message)
        assert html(message)
        assert len(short(message)) <= 500
        assert topic(message)
        assert opening(message)
    assert set(catalogue.PHRASES[language]) - used == set()


def test_calm_after_a_moment_is_not_negative() -> None:
    """A resolve that is older than the firing (clocks) tells no duration."""
    early = with_alert(samples.resolved("en"), resolved_at=samples.NOW - timedelta(days=1))
    assert headline(early) == "Back to calm for Acme"


def test_a_danger_among_complaints_stands_alone_in_the_headline() -> None:
    """Seventeen complaints gathered with one danger are a number beside it; they are never counted as dangers."""
    complaints = tuple(replace(samples.complaint().alerts[0], id=number) for number in range(20, 37))
    danger = replace(complaints[0], id=40, rule="danger", severity="critical", labels={"nature": "safety"})
    message = samples.complaint("en", severity="critical", alerts=(*complaints, danger))
    assert headline(message) == "Possible danger: a post about Acme from @lea (120 followers) (and 17 other alerts)"
    assert [line for line in text(message).splitlines() if "17" in line] != []
    assert text(message).count("complaint") < 10
