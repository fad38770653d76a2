"""What is said of each kind of event, in French and in English: the same wherever a run is told of.

A phrase tells what happened and not who did it. Its places say what it is about; what fills them is in `story`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from monitor.domain.plan import EventKind, Localized
from monitor.plans.effects import ONLY_OBSERVED
from monitor.plans.steps import NOT_REACHED, REHEARSED

PHRASES: Final[Mapping[str, Localized]] = {
    # --- alerts ---
    EventKind.ALERT_OPENED: {"fr": "Alerte « {rule} »", "en": "Alert “{rule}”"},
    EventKind.ALERT_REOPENED: {"fr": "L’alerte « {rule} » reprend", "en": "Alert “{rule}” rings again"},
    EventKind.ALERT_WORSE: {"fr": "L’alerte « {rule} » s’aggrave", "en": "Alert “{rule}” becomes graver"},
    EventKind.ALERT_RESOLVED: {"fr": "Retour au calme : « {rule} »", "en": "Calm again: “{rule}”"},
    EventKind.ALERT_ACKNOWLEDGED: {"fr": "Alerte « {rule} » prise en charge", "en": "Alert “{rule}” acknowledged"},
    EventKind.ALERT_FALSE_ALARM: {
        "fr": "Fausse alerte signalée : « {rule} »",
        "en": "Said to have rung for nothing: “{rule}”",
    },
    EventKind.ALERT_ESCALATED: {"fr": "« {rule} » : {to} est prévenu", "en": "“{rule}”: {to} is told"},
    EventKind.DELIVERY_FAILED: {"fr": "{receiver} n’a pas pu être prévenu", "en": "{receiver} could not be told"},
    # --- whether it is a crisis, and who has it ---
    EventKind.PLAN_OPENED: {"fr": "Plan ouvert", "en": "Plan opened"},
    EventKind.PLAN_REOPENED: {"fr": "Plan rouvert : la crise revient", "en": "Plan opened again: the crisis is back"},
    EventKind.PLAN_JOINED: {"fr": "L’alerte « {rule} » rejoint ce plan", "en": "Alert “{rule}” joins this plan"},
    EventKind.PLAN_CONFIRMED: {"fr": "Crise confirmée", "en": "Crisis confirmed"},
    EventKind.PLAN_ACTIVATED: {
        "fr": "Personne n’a répondu à temps : le plan démarre, comme prévu",
        "en": "Nobody answered in time: the plan begins, as it says",
    },
    EventKind.PLAN_UNCONFIRMED: {
        "fr": "Personne n’a dit à temps si c’est une crise : d’autres sont appelés",
        "en": "Nobody said in time whether this is a crisis: others are called",
    },
    EventKind.PLAN_ACKNOWLEDGED: {"fr": "Plan pris en charge", "en": "Plan acknowledged"},
    EventKind.PLAN_ANSWERED: {"fr": "Une réponse de plus", "en": "One more answer"},
    EventKind.PLAN_ASSIGNED: {"fr": "Conduite du plan confiée à {to}", "en": "Lead given to {to}"},
    EventKind.PLAN_HANDED_OVER: {"fr": "Passation à {to}", "en": "Handed over to {to}"},
    EventKind.PLAN_ESCALATED: {"fr": "On fait remonter à {to}", "en": "Escalated to {to}"},
    EventKind.PLAN_QUIET: {
        "fr": "Rien de nouveau depuis un moment : un rappel part",
        "en": "Nothing new for a while: a reminder leaves",
    },
    # --- how grave it is ---
    EventKind.LEVEL_SET: {"fr": "Niveau « {level} »", "en": "Level “{level}”"},
    EventKind.LEVEL_RAISED: {
        "fr": "Niveau relevé à « {level} » par les chiffres",
        "en": "Level raised to “{level}” by the figures",
    },
    EventKind.LEVEL_LOWERED: {
        "fr": "Niveau abaissé à « {level} » par la règle du plan",
        "en": "Level lowered to “{level}” by the plan’s rule",
    },
    EventKind.LEVEL_PROPOSED: {
        "fr": "Niveau « {level} » proposé : les chiffres sont plus calmes",
        "en": "Level “{level}” proposed: the figures are calmer",
    },
    # --- what is done ---
    EventKind.STEP_ASSIGNED: {"fr": "« {step} » confié à {to}", "en": "“{step}” given to {to}"},
    EventKind.STEP_STARTED: {"fr": "Commence : « {step} »", "en": "Begins: “{step}”"},
    EventKind.STEP_CHECKED: {"fr": "Point coché : « {step} »", "en": "Item ticked: “{step}”"},
    EventKind.STEP_DONE: {"fr": "Fait : « {step} »", "en": "Done: “{step}”"},
    EventKind.STEP_SKIPPED: {"fr": "Sans objet : « {step} »", "en": "Not needed: “{step}”"},
    EventKind.STEP_FAILED: {"fr": "Échec : « {step} »", "en": "Failed: “{step}”"},
    EventKind.STEP_LATE: {"fr": "En retard : « {step} »", "en": "Late: “{step}”"},
    EventKind.STEP_EDITED: {"fr": "Texte modifié : « {step} »", "en": "Words changed: “{step}”"},
    EventKind.STEP_APPROVED: {"fr": "Validé : « {step} »", "en": "Approved: “{step}”"},
    EventKind.STEP_REJECTED: {"fr": "Texte refusé : « {step} »", "en": "Words rejected: “{step}”"},
    EventKind.STEP_UNAPPROVED: {"fr": "Validation en retard : « {step} »", "en": "Approval late: “{step}”"},
    EventKind.PLAN_CAPTURED: {"fr": "Messages gardés en preuve : {posts}", "en": "Posts kept as evidence: {posts}"},
    EventKind.PLAN_KEPT: {"fr": "Message {mention} gardé en preuve", "en": "Post {mention} kept as evidence"},
    EventKind.PLAN_THREAD: {
        "fr": "Conversation autour du message {post} gardée en preuve",
        "en": "Thread around post {post} kept as evidence",
    },
    EventKind.PLAN_NOTED: {"fr": "Note", "en": "Note"},
    EventKind.PLAN_SITUATION: {"fr": "Point de situation envoyé", "en": "Situation report sent"},
    EventKind.PLAN_UPDATED: {"fr": "Informés : {groups}", "en": "Informed: {groups}"},
    EventKind.PLAN_NEWS_LATE: {
        "fr": "Sans nouvelles depuis trop longtemps : {groups} ; un rappel part",
        "en": "Without news for too long: {groups}; a reminder leaves",
    },
    EventKind.PLAN_STUCK: {
        "fr": "Tocsin ne peut plus mener le plan : menez-le à la main",
        "en": "Tocsin cannot carry on: carry the plan by hand",
    },
    EventKind.PLAN_FREED: {"fr": "Tocsin mène de nouveau le plan", "en": "Tocsin carries the plan again"},
    EventKind.PLAN_WOULD_TELL: {"fr": "Aurait prévenu {to}", "en": "Would have told {to}"},
    EventKind.PLAN_WOULD_CAPTURE: {"fr": "Aurait gardé les preuves", "en": "Would have kept the evidence"},
    # --- its end, and what comes after ---
    EventKind.PLAN_STOOD_DOWN: {"fr": "Crise levée", "en": "Stood down"},
    EventKind.PLAN_FALSE_ALARM: {"fr": "Fausse alerte signalée", "en": "Said to be a false alarm"},
    EventKind.PLAN_CLOSED: {"fr": "Plan clos", "en": "Plan closed"},
    EventKind.ACTION_ADDED: {"fr": "Action à faire notée", "en": "Action noted"},
    EventKind.ACTION_DONE: {"fr": "Action faite", "en": "Action done"},
    EventKind.REPORT_SIGNED: {"fr": "RETEX signé", "en": "Report signed"},
    EventKind.REPORT_OVERDUE: {"fr": "RETEX en retard : un rappel part", "en": "Report overdue: a reminder leaves"},
}

BY_HAND: Final[Mapping[str, Localized]] = {
    EventKind.PLAN_ESCALATED: {"fr": "Renfort demandé à {to}", "en": "Help asked of {to}"},
    EventKind.LEVEL_RAISED: {"fr": "Niveau relevé à « {level} »", "en": "Level raised to “{level}”"},
    EventKind.LEVEL_LOWERED: {"fr": "Niveau abaissé à « {level} »", "en": "Level lowered to “{level}”"},
    EventKind.STEP_SKIPPED: {"fr": "Laissé de côté : « {step} »", "en": "Left out: “{step}”"},
}
"""What is said instead when a person did it, and that is another thing than when Tocsin does."""

UNTOLD: Final = frozenset(
    {
        EventKind.ALERT_SILENCED, EventKind.ALERT_OBSERVED, EventKind.ALERT_INHIBITED, EventKind.ALERT_RELEASED,
        EventKind.ALERT_LIMITED, EventKind.ALERT_HELD, EventKind.ALERT_TOLD, EventKind.ALERT_TESTED, EventKind.ALERT_CALLED_OVER,
        EventKind.PLAN_WENT_ON,
        EventKind.DELIVERY_DELIVERED, EventKind.DELIVERY_FALLBACK, EventKind.DELIVERY_DRY_RUN,
        EventKind.PLAN_READ, EventKind.PLAN_READ_ASKED,
        EventKind.OBSERVED_BEGAN, EventKind.OBSERVED_ACCOUNT, EventKind.OBSERVED_ENDED,
        EventKind.SILENCE_ADDED, EventKind.SILENCE_ENDED, EventKind.FEEDBACK_GIVEN, EventKind.MENTION_UNJUDGED,
        EventKind.AUTHOR_ERASED, EventKind.HOLD_PLACED, EventKind.HOLD_RELEASED,
    }
)  # fmt: skip
"""No part of a run's story: how alerts and messages went on their way, and what has commands of its own."""

WHO: Final[Localized] = {"fr": "{what}, par {who}", "en": "{what}, by {who}"}

OWN_REASON: Final = frozenset({EventKind.PLAN_ACTIVATED, EventKind.PLAN_WOULD_TELL})
"""Kinds whose reason is a word of ours, which the phrase says already."""

REASONS: Final[Mapping[str, Localized]] = {
    NOT_REACHED: {"fr": "les chiffres ne le demandaient pas", "en": "the figures did not ask for it"},
    ONLY_OBSERVED: {"fr": "il n’était qu’observé", "en": "it was only observed"},
    REHEARSED: {"fr": "exercice : rien n’a été appelé", "en": "a drill: nothing was called"},
}
"""What is said for the reasons that Tocsin gives itself; all others are a person's."""
