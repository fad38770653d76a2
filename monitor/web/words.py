"""Every phrase of the pages, in French and in English. A test holds the two complete and their placeholders equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from notifiers.catalogue import typeset
from notifiers.message import Language

_FR: Final = {
    "take.title": "Prendre en charge",
    "take.as": "Vous prenez en charge au nom de {who}.",
    "take.who": "Qui prend en charge ?",
    "take.choose": "Choisissez votre nom",
    "take.missing": "Dites d’abord qui vous êtes : les autres doivent savoir qui s’en occupe.",
    "take.else": "quelqu’un d’autre ({receiver})",
    "take.button": "Je prends en charge",
    "take.means.run": "Les relances s’arrêtent et vous menez le plan. Rien n’est publié.",
    "take.means.drill": "Votre réponse compte aussi : cet exercice interroge tout le monde. Rien n’est publié.",
    "take.means.alerts": "Les rappels s’arrêtent et les autres voient que vous vous en occupez. Rien n’est publié.",
    "take.alerts.one": "Alerte {alerts}",
    "take.alerts.other": "Alertes {alerts}",
    "taken.title": "C’est pris en charge",
    "taken": "Pris en charge par {who} à {at}.",
    "taken.before": "Pris en charge par {who} le {at}.",
    "taken.already": "Déjà pris en charge par {who} à {at} : rien n’a changé.",
    "taken.already.before": "Déjà pris en charge par {who} le {at} : rien n’a changé.",
    "over.title": "C’est terminé",
    "over": "Il n’y a plus rien à prendre en charge.",
    "test.over": "C’était un essai : il n’y a rien à prendre en charge, et ce lien fonctionne.",
    "used.title": "Ce lien a déjà servi",
    "used": "Depuis, cela a repris ou s’est aggravé : prenez en charge depuis le message le plus récent.",
    "see.run": "Ouvrir la page du plan",
    "see.console": "Agir dans la console (avec un compte)",
    "expired.title": "Ce lien a expiré",
    "expired": "Ouvrez le message le plus récent sur ce sujet, ou demandez où l’on en est à qui suit les alertes.",
    "altered.title": "Ce lien n’est pas valable",
    "altered": "Il a été coupé ou modifié en chemin. Ouvrez-le depuis le message d’origine, en entier.",
    "foreign.title": "Ce lien ne mène pas ici",
    "foreign": "Il vient d’un autre Tocsin que celui-ci. Ouvrez-le depuis le message d’origine.",
    "gone.title": "Il n’y a plus rien ici",
    "gone": "Ce dont parlait ce lien a été effacé, ou n’est plus suivi.",
    "unread.title": "Ce plan ne peut pas être affiché",
    "unread": "Une autre version de Tocsin l’a ouvert. Suivez-le à la main, et prévenez qui s’occupe de Tocsin.",
    "away.title": "Rien n’a été fait",
    "away": "Tocsin ne peut rien noter en ce moment. Réessayez dans une minute.",
    "state.awaiting_confirmation": "à confirmer",
    "state.running": "en cours",
    "state.observing": "seulement observé",
    "state.stood_down": "levé, à signer",
    "state.closed": "clos",
    "run.untaken": "Personne ne l’a encore pris en charge.",
    "run.alerts": "Ce qui se passe",
    "run.steps": "Étapes",
    "run.statements": "Textes",
    "run.never": "Ce que l’on ne fait jamais",
    "run.posts": "Les publications les plus vues",
    "run.story": "Ce qui a été fait",
    "run.story.cut": "Le début n’est pas montré ici. Tout :",
    "run.as_of": "État à {at} ({zone}). Rechargez la page pour le suivre.",
    "run.read_only": "Cette page se lit seulement. Pour agir :",
    "times": "{n} fois",
}
_EN: Final = {
    "take.title": "Take charge",
    "take.as": "You take charge as {who}.",
    "take.who": "Who takes charge?",
    "take.choose": "Choose your name",
    "take.missing": "Say who you are first: the others must know who is on it.",
    "take.else": "somebody else ({receiver})",
    "take.button": "I take charge",
    "take.means.run": "Nobody is chased any more, and you lead the plan. Nothing is published.",
    "take.means.drill": "Your answer counts, too: this drill asks everybody. Nothing is published.",
    "take.means.alerts": "Reminders stop, and the others see that you are on it. Nothing is published.",
    "take.alerts.one": "Alert {alerts}",
    "take.alerts.other": "Alerts {alerts}",
    "taken.title": "Somebody is on it",
    "taken": "Taken by {who} at {at}.",
    "taken.before": "Taken by {who} on {at}.",
    "taken.already": "Already taken by {who} at {at}: nothing has changed.",
    "taken.already.before": "Already taken by {who} on {at}: nothing has changed.",
    "over.title": "It is over",
    "over": "Nothing is left to take charge of.",
    "test.over": "That was a test: there is nothing to take charge of, and this link works.",
    "used.title": "This link was used before",
    "used": "Since then it came back or became graver: take charge from the newest message.",
    "see.run": "Open the plan’s page",
    "see.console": "Act in the console (with an account)",
    "expired.title": "This link has expired",
    "expired": "Open the newest message about it, or ask whoever follows the alerts how it stands.",
    "altered.title": "This link is not valid",
    "altered": "It was cut off or changed on its way. Open it from the message that it came in, as a whole.",
    "foreign.title": "This link does not lead here",
    "foreign": "It comes from another Tocsin than this one. Open it from the message that it came in.",
    "gone.title": "Nothing is here any more",
    "gone": "What this link was about has been erased, or is no longer followed.",
    "unread.title": "This plan cannot be shown",
    "unread": "Another version of Tocsin opened it. Follow it by hand, and tell whoever looks after Tocsin.",
    "away.title": "Nothing was done",
    "away": "Tocsin cannot write anything down at this moment. Try again in a minute.",
    "state.awaiting_confirmation": "to be confirmed",
    "state.running": "under way",
    "state.observing": "only observed",
    "state.stood_down": "stood down, to be signed off",
    "state.closed": "closed",
    "run.untaken": "Nobody has taken it yet.",
    "run.alerts": "What is going on",
    "run.steps": "Steps",
    "run.statements": "Statements",
    "run.never": "What we never do",
    "run.posts": "The most-seen posts",
    "run.story": "What was done",
    "run.story.cut": "The beginning is not shown here. All of it:",
    "run.as_of": "As of {at} ({zone}). Reload the page to follow it.",
    "run.read_only": "This page is for reading. To act:",
    "times": "{n} times",
}

PHRASES: Final[Mapping[Language, Mapping[str, str]]] = {"fr": {key: typeset(said) for key, said in _FR.items()}, "en": _EN}


class Words:
    """The phrases in one language. Calling it says one of them; what is filled in is never read as a template."""

    def __init__(self, language: Language) -> None:
        self._phrases = PHRASES[language]

    def __call__(self, key: str, **values: str) -> str:
        """One phrase with its values in place. An unknown key is a bug: KeyError."""
        return self._phrases[key].format(**values)
