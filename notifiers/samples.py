"""Sample messages about a brand that does not exist, of each sort, in both languages: for tests, previews and pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifiers.message import (
    AccountFacts,
    AlertFacts,
    AnswerFacts,
    CountFacts,
    DoneFacts,
    FigureFacts,
    GroupFacts,
    Language,
    Message,
    PaceFacts,
    PlanFacts,
    PlanStepFacts,
    Post,
    StandingFacts,
    StatementFacts,
    SwitchFacts,
    WouldOpenFacts,
    WouldRingFacts,
    WouldTellFacts,
)

NOW = datetime(2026, 3, 2, 17, 5, tzinfo=UTC)

_TEXTS = {
    "fr": (
        "Troisième colis @acme arrivé ouvert, et le service client raccroche. Je veux être remboursée, pas un bon d’achat.",
        "Bravo @acme, 4 h d’attente au téléphone pour entendre une musique d’ascenseur. On tient le record du monde !",
        "Quelqu’un d’autre n’a plus accès à son compte Acme depuis ce midi ? Message « erreur 500 » en boucle.",
    ),
    "en": (
        "Third @acme parcel that arrives open, and support hangs up on me. I want my money back, not a voucher.",
        "Well done @acme, four hours on hold listening to lift music. Surely a world record!",
        "Anybody else locked out of their Acme account since noon? I get “error 500” over and over.",
    ),
}


def posts(language: Language) -> tuple[Post, ...]:
    """Three posts: small reach, large reach, unknown reach."""
    small, large, unknown = _TEXTS[language]
    return (
        Post(
            large,
            "mastodon",
            NOW - timedelta(minutes=21),
            "@rails.et.tasses",
            48_200,
            "https://mastodon.example/@rails/112",
            language,
            -0.44,
        ),
        Post(small, "mastodon", NOW - timedelta(minutes=4), "@lea", 120, "https://social.example/@lea/113", language, -0.82),
        Post(
            unknown, "forum", NOW - timedelta(minutes=38), "jean-marc", None, "https://www.forum.example/t/acme/881#p4", language
        ),
    )


def complaint(language: Language = "fr", **changes: Any) -> Message:
    """One complaint, of somebody whom few people follow."""
    alert = AlertFacts(
        12,
        "complaint",
        "mention",
        "alert",
        "first",
        "warning",
        {"subject": "acme"},
        NOW - timedelta(minutes=4),
        1,
        None,
        "mentions",
        reasons=(
            "about acme",
            "text “remboursee” (any_of complaints)",
            "sentiment -0.8213 (lte -0.5)",
            "hour 18 (gte 8)",
        ),
    )
    message = Message(
        "note-12",
        "first",
        "warning",
        language,
        "Europe/Paris",
        NOW,
        "incident-3-me",
        1,
        "Acme",
        3,
        "Acme",
        (alert,),
        (posts(language)[1],),
        receiver="community-manager",
    )
    return replace(message, **changes)


def crisis(language: Language = "fr", **changes: Any) -> Message:
    """Twenty-three people within an hour, against two."""
    alert = AlertFacts(
        15,
        "complaint-storm",
        "window",
        "alert",
        "first",
        "critical",
        {"subject": "acme"},
        NOW - timedelta(minutes=1),
        23,
        2.1,
        "authors",
        timedelta(hours=1),
        reasons=("23 authors within 1h, usually 2.1", "rings from 10 authors, 3 times the usual"),
    )
    loud, changed, gone = posts(language)
    shown = (loud, replace(changed, edited=True), replace(gone, deleted=True))
    message = complaint(language, id="note-15", severity="critical", sequence=2, alerts=(alert,), posts=shown, more_posts=24)
    return replace(message, **changes)


def _say(language: Language, french: str, english: str) -> str:
    return french if language == "fr" else english


def plan(language: Language = "fr", state: str = "awaiting_confirmation", step: str | None = None) -> PlanFacts:
    """A plan of five steps, one of each sort."""
    steps = (
        PlanStepFacts(
            "pause",
            "contain",
            "webhook",
            _say(language, "Suspendre les publications programmées", "Pause the scheduled posts"),
            "done",
            automatic=True,
        ),
        PlanStepFacts(
            "facts",
            "assess",
            "checklist",
            _say(language, "Établir les faits", "Establish the facts"),
            "ready",
            owner="Camille Roy",
            items=(
                _say(
                    language,
                    "Appeler le support : combien de tickets, depuis quand ?",
                    "Call support: how many tickets, since when?",
                ),
                _say(language, "Capturer les messages les plus vus", "Capture the most-seen posts"),
            ),
        ),
        PlanStepFacts(
            "hold",
            "respond",
            "statement",
            _say(language, "Publier le message d’attente", "Publish the holding statement"),
            "waiting",
            owner="Camille Roy",
            approved=True,
            text=_say(
                language,
                "Nous avons bien vu vos messages. Nos équipes cherchent la cause et nous revenons vers vous avant 20 h, ici même."
                "\n\nMerci de votre patience.",
                "We have seen your messages. Our teams are looking for the cause and we will be back before 8 pm, right here."
                "\n\nThank you for your patience.",
            ),
        ),
        PlanStepFacts(
            "answer",
            "respond",
            "statement",
            _say(language, "Répondre sur le fond", "Answer in substance"),
            "waiting",
            owner="Direction",
            text=_say(
                language, "La panne venait de … Elle est réparée depuis …", "The outage came from … It has been repaired since …"
            ),
        ),
        PlanStepFacts(
            "support",
            "respond",
            "notify",
            _say(language, "Prévenir le service client", "Tell customer support"),
            "running",
            automatic=True,
        ),
    )
    never = (
        _say(language, "Supprimer une critique", "Delete criticism"),
        _say(language, "Avancer une cause sans preuve", "Name a cause without proof"),
    )
    statements = [StatementFacts(each.id, each.text, each.approved) for each in steps if each.text]
    return PlanFacts(4, "negative-storm", _say(language, "Bad buzz", "Negative storm"), state, steps, never, step, statements)


def plan_opened(language: Language = "fr", **changes: Any) -> Message:
    """The crisis opened the emergency plan, which waits for a person's word."""
    message = crisis(language, id="note-16", kind="plan", sequence=3, plan=plan(language))
    return replace(message, **changes)


def plan_step(language: Language = "fr", step: str = "hold") -> Message:
    """One step of the plan, delivered."""
    return plan_opened(language, id="note-17", kind="step", sequence=4, plan=plan(language, "running", step), posts=())


def call(language: Language = "fr", why: str | None = "untaken", step: str | None = None, **facts: Any) -> Message:
    """Somebody is to act in the run that the crisis opened at five to six. `facts` change those of the plan."""
    known: dict[str, Any] = {
        "why": why,
        "level": _say(language, "alerte", "alert"),
        "since": NOW - timedelta(minutes=10),
        "lead": "Camille Roy",
    }
    told = replace(plan(language, "running", step), **(known | facts))
    return plan_opened(language, id="note-22", kind="call", sequence=5, plan=told)


def untaken(language: Language = "fr", **facts: Any) -> Message:
    """Nobody has taken the run."""
    known: dict[str, Any] = {"lead": "", "deadline": NOW + timedelta(minutes=20)}
    return call(language, "untaken", **(known | facts))


def approval(language: Language = "fr") -> Message:
    """Words wait for somebody's yes or no. The same message has links where the pages are set up."""
    by = NOW + timedelta(minutes=20)
    message = call(language, "approval", "answer", acknowledged=True, deadline=by, since=NOW - timedelta(minutes=2))
    links = {name: f"https://tocsin.acme.example/plan/4/{name}" for name in ("approve", "reject", "run")}
    words = {"text": _APOLOGY[language], "words": _APOLOGY, "fingerprint": "5f0c31ab"}
    return replace(_with_step(message, state="ready", deadline=by, **words), links=links, posts=())


_APOLOGY: dict[Language, str] = {
    "fr": "Ce midi, entre 11 h 40 et 16 h 10, une partie de nos clients n’a pas pu ouvrir son compte. La cause est une mise à"
    " jour de nos serveurs ; elle est annulée, et tout fonctionne de nouveau depuis 16 h 10.\n\nNous vous présentons nos excuses."
    " Les colis reçus abîmés sont remboursés, sans bon d’achat : écrivez-nous à aide@acme.example, une personne vous répond"
    " aujourd’hui.",
    "en": "Today between 11:40 and 16:10 some of our customers could not open their accounts. The cause was an update of our"
    " servers; it was taken back, and everything has worked again since 16:10.\n\nWe apologise. Parcels that arrived damaged"
    " are refunded, in money: write to help@acme.example, and a person will answer you today.",
}


def level_up(language: Language = "fr") -> Message:
    """The figures have raised the level."""
    message = call(language, "level", level=_say(language, "crise", "crisis"), risen=True, since=NOW)
    alert = replace(message.alerts[0], event="worse", observed=64, reasons=("64 authors within 1h, usually 2.1",))
    return replace(message, alerts=(alert,))


def late(language: Language = "fr") -> Message:
    """A step was not noted as done in time."""
    by = NOW - timedelta(minutes=5)
    message = call(language, "late", "facts", acknowledged=True, deadline=by)
    return replace(_with_step(message, state="overdue", late=True, deadline=by, checked=(0,)), posts=())


def over(language: Language = "fr") -> Message:
    """The run was closed, and support had not been told by then."""
    message = call(language, "over", acknowledged=True)
    assert message.plan is not None
    states = ("done", "done", "done", "skipped", "running")
    steps = [replace(step, state=state) for step, state in zip(message.plan.steps, states, strict=True)]
    unneeded = _say(language, "La panne était réparée avant que ce texte ne serve.", "The outage was over before it was of use.")
    steps[3] = replace(steps[3], note=unneeded)
    closed = replace(message.plan, state="closed", steps=steps)
    return replace(
        message, id="note-23", kind="over", plan=closed, posts=(), more_posts=0, created_at=NOW + timedelta(hours=3, minutes=5)
    )


def _standing(language: Language) -> StandingFacts:
    """Two hours into it: taken, the holding statement out, the answer still to come."""
    two = NOW - timedelta(hours=2)
    taken = _say(language, "Plan pris en charge, par Camille Roy", "Plan acknowledged, by Camille Roy")
    level = _say(language, "crise", "crisis")
    raised = _say(language, f"Niveau relevé à « {level} » par les chiffres", f"Level raised to “{level}” by the figures")
    step = _say(language, "Publier le message d’attente", "Publish the holding statement")
    published = _say(language, f"Fait : « {step} », par Camille Roy", f"Done: “{step}”, by Camille Roy")
    done = (
        DoneFacts(two + timedelta(minutes=7), "acknowledged", "Camille Roy", said=taken),
        DoneFacts(two + timedelta(minutes=12), "level.raised", about=level, said=raised),
        DoneFacts(two + timedelta(minutes=31), "step.done", "Camille Roy", step, said=published),
    )
    asked = _say(
        language, "Le technicien de Lyon rappelle à 18 h : d’autres sites touchés ?", "Lyon calls back at 6 pm: other sites?"
    )
    return StandingFacts(
        since=two,
        began=two - timedelta(minutes=10),
        window=timedelta(hours=1),
        level_since=two + timedelta(minutes=12),
        figures=(
            FigureFacts("mentions", 412, 298, 530),
            FigureFacts("authors", 187, 201, 201),
            FigureFacts("negative_share", 0.41, 0.35, 0.45),
        ),
        done=done,
        notes=(DoneFacts(two + timedelta(minutes=50), "noted", "Camille Roy", note=asked),),
        groups=(
            GroupFacts("customers", "info-page", two + timedelta(minutes=31), two + timedelta(minutes=151)),
            GroupFacts("press", "", None, NOW - timedelta(minutes=10)),
        ),
        next_at=NOW + timedelta(hours=2),
    )


def situation(language: Language = "fr") -> Message:
    """The report to a board, every two hours."""
    message = plan_step(language, "support")
    assert message.plan is not None
    states = ("done", "overdue", "done", "waiting", "running")
    steps = [replace(step, state=state) for step, state in zip(message.plan.steps, states, strict=True)]
    steps[1] = replace(steps[1], late=True, deadline=NOW - timedelta(minutes=20), checked=(0,))
    steps[2] = replace(steps[2], ended=NOW - timedelta(minutes=89))
    level = _say(language, "crise", "crisis")
    told = replace(message.plan, steps=steps, level=level, lead="Camille Roy", why="step", standing=_standing(language))
    return replace(message, id="note-24", sequence=7, plan=told)


def handover(language: Language = "fr") -> Message:
    """The note at the end of a shift, to whoever leads from then on."""
    message = situation(language)
    assert message.plan is not None
    told = replace(message.plan, why="handover", step=None, acknowledged=True, lead="Sam Okafor")
    return replace(message, id="note-25", kind="call", sequence=8, plan=told)


def read(language: Language = "fr") -> Message:
    """A plan that somebody must have read, in calm weather."""
    asked = replace(plan(language, "observing"), why="read", version="4f1c9a02de")
    return Message("note-26", "read", "info", language, "Europe/Paris", NOW, "digest-me", 1, "Acme", plan=asked, receiver="lea")


def drill(language: Language = "fr") -> Message:
    """The rehearsal of a run that nobody has taken."""
    return untaken(language, drill=_say(language, "[EXERCICE]", "[DRILL]"))


def drilled(language: Language = "fr") -> Message:
    """What came of the rehearsal: who answered, and who did not."""
    message = over(language)
    assert message.plan is not None
    answers = (
        AnswerFacts("Inès Delorme", NOW, ("e-mail", "ines-sms"), (), True, ("community-manager",)),
        AnswerFacts(
            "Bastien Roche", NOW + timedelta(minutes=15), ("e-mail",), ("bastien-sms",), roles=("head-of-communication",)
        ),
        AnswerFacts("crisis-room", NOW, (), ("crisis-room",)),
        AnswerFacts("Maud Ferrier", answered=True),
    )
    prefix = _say(language, "[EXERCICE]", "[DRILL]")
    plan = replace(message.plan, why="drilled", drill=prefix, answers=answers, silent_roles=("head-of-communication",))
    plan = replace(plan, pace=PaceFacts(timedelta(minutes=4)))
    return replace(message, id="note-24", plan=plan)


def _with_step(message: Message, **changes: Any) -> Message:
    """The message, the step that it is about changed."""
    plan = message.plan
    assert plan is not None
    steps = [replace(step, **changes) if step.id == plan.step else step for step in plan.steps]
    return replace(message, plan=replace(plan, steps=steps))


def resolved(language: Language = "fr") -> Message:
    """Calm again."""
    alert = replace(crisis(language).alerts[0], event="resolved", observed=1, resolved_at=NOW + timedelta(hours=2, minutes=9))
    return crisis(
        language,
        id="note-19",
        kind="resolved",
        sequence=6,
        alerts=(alert,),
        posts=(),
        more_posts=0,
        created_at=NOW + timedelta(hours=3),
    )


def unfinished(language: Language = "fr") -> Message:
    """One rule is calm again, while a graver one rings and the plan is under way."""
    done = resolved(language)
    title = _say(language, "On ne parle que de nous", "Everybody talks about us")
    over = replace(done.alerts[0], id=14, rule="storm", title=title, severity="warning")
    crowd = replace(
        crisis(language).alerts[0], event="more", observed=51, title=_say(language, "Les plaintes affluent", "Complaints pour in")
    )
    return replace(done, id="note-18", severity="warning", alerts=(over,), still_open=(crowd,), plan=plan(language, "running"))


def support(language: Language = "fr") -> Message:
    """The step that tells customer care what is happening, and what to answer."""
    return plan_step(language, "support")


def source_down(language: Language = "fr") -> Message:
    """A source stopped answering."""
    alert = AlertFacts(
        21,
        "source-health",
        "source_health",
        "alert",
        "first",
        "warning",
        {"source": "mastodon-hashtags", "trouble": "unavailable", "last_success": "2026-03-02T16:02:00+00:00"},
        NOW - timedelta(minutes=63),
        3780,
        360,
        "seconds",
        reasons=("mastodon-hashtags has not answered since 2026-03-02T16:02:00+00:00: unavailable: HTTP 503",),
    )
    return complaint(language, id="note-21", conversation="incident-5-me", incident_id=5, subject=None, alerts=(alert,), posts=())


def account(language: Language = "fr", **facts: Any) -> Message:
    """A day of the first week, in which everything is only observed. `facts` change those of the account."""
    hour, morning = timedelta(hours=1), NOW.replace(hour=7, minute=0)
    crowd = replace(
        crisis(language).alerts[0],
        title=_say(language, "Les plaintes affluent", "Complaints pour in"),
        fired_at=morning - 19 * hour,
        learning=False,
    )
    one = replace(complaint(language).alerts[0], title=_say(language, "Un client se plaint", "A customer complains"))
    rules = (
        WouldRingFacts(crowd, (morning - 19 * hour, morning - 5 * hour), ("Camille Roy", "crisis-room"), "Acme", ringing=1),
        WouldRingFacts(one, tuple(morning - n * hour for n in (22, 20, 18, 14, 13, 9, 3)), ("Camille Roy",), "Acme"),
    )
    steps = (
        WouldTellFacts(morning - 19 * hour, ("Camille Roy", "crisis-room")),
        WouldTellFacts(morning - 18.5 * hour, ("Direction",)),
        WouldTellFacts(morning - 18 * hour, ("Camille Roy",), _say(language, "Établir les faits", "Establish the facts")),
    )
    known: dict[str, Any] = {
        "since": morning - 24 * hour,
        "until": morning,
        "heard": 1_204,
        "rules": rules,
        "plans": (WouldOpenFacts("negative-storm", _say(language, "Bad buzz", "Negative storm"), morning - 19 * hour, steps),),
        "yours": CountFacts(14, 2),
        "all": CountFacts(23, 3),
        "receivers": ("Camille Roy", "crisis-room", "Direction"),
        "ends": morning + 5 * 24 * hour,
        "switches": (
            SwitchFacts("all", "", "monitor.yaml:12"),
            SwitchFacts("rule", "new-topic", "rules/acme.yaml:31"),
        ),
    }
    facts = known | facts
    shown = posts(language)[:2] if facts["rules"] else ()
    return Message(
        "note-27",
        "account",
        "info",
        language,
        "Europe/Paris",
        morning,
        "account-me",
        5,
        "Acme",
        posts=shown,
        more_posts=29 if shown else 0,
        account=AccountFacts(**facts),
        receiver="camille",
    )


def calm_account(language: Language = "fr") -> Message:
    """A day on which nothing would have rung, of one rule that is tried."""
    nobody = CountFacts()
    tried = SwitchFacts("rule", "new-topic", "rules/acme.yaml:31")
    return account(language, rules=(), plans=(), yours=nobody, all=nobody, receivers=(), ends=None, switches=(tried,))


def last_account(language: Language = "fr") -> Message:
    """The end of the first week."""
    return account(language, ends=None, ended=True, switches=(), plans=())


EVERY = {
    "complaint": complaint,
    "crisis": crisis,
    "plan": plan_opened,
    "step": plan_step,
    "support": support,
    "unfinished": unfinished,
    "untaken": untaken,
    "approval": approval,
    "level": level_up,
    "late": late,
    "over": over,
    "situation": situation,
    "handover": handover,
    "read": read,
    "drill": drill,
    "drilled": drilled,
    "resolved": resolved,
    "source": source_down,
    "account": account,
    "account-calm": calm_account,
    "account-last": last_account,
}
