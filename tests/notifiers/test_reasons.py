"""The engine's reasons in the reader's words: what is known is worded, what repeats is left out, the rest stands as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notifiers import samples
from notifiers.message import Language
from notifiers.reasons import worded
from notifiers.render import html, text
from notifiers.voice import Voice

SAID = [
    ("26 authors within 1h, usually 0.6", "26 personnes en 60 min — d’habitude 0,6", "26 people within 60 minutes, usually 0.6"),
    ("1 mentions within 1d", "1 publication en 24 h", "1 post within 24 hours"),
    ("at least 20,000 authors within 1h30m", "20 000 personnes au moins en 90 min", "at least 20,000 people within 90 minutes"),
    (
        "41% of the mentions within 1d, usually 12% of the mentions",
        "41 % des publications en 24 h — d’habitude 12 % des publications",
        "41% of the posts within 24 hours, usually 12% of the posts",
    ),
    (
        "41% of 118 scored mentions (9 not scored) within 1d, usually 12% of the mentions",
        "41 % de 118 publications notées (9 sans note) en 24 h — d’habitude 12 % des publications",
        "41% of 118 scored posts (9 not scored) within 24 hours, usually 12% of the posts",
    ),
    (
        "1,237 mentions (9 more could not be scored) within 1h",
        "1 237 publications (9 autres publications n’ont pas pu être notées) en 60 min",
        "1,237 posts (9 more posts could not be scored) within 60 minutes",
    ),
    (
        "7 texts within 1h, usually 1 texts",
        "7 textes différents en 60 min — d’habitude 1 texte",
        "7 different texts within 60 minutes, usually 1 text",
    ),
    ("12 of 40 mentions are copies of one text", "", ""),  # `why` has said it
    ("ana opened it by hand", "ouverte à la main par ana", "opened by hand by ana"),
    ("ana opened it by hand: look", "ouverte à la main par ana – look", "opened by hand by ana – look"),
    ("75% of 1,200 mentions within 1h", "75 % de 1 200 publications en 60 min", "75% of 1,200 posts within 60 minutes"),
    (
        "what is usual is still being learnt (needs 1d)",
        "niveau habituel encore en apprentissage (il faut 24 h d’historique)",
        "the usual level is still being learnt (it takes 24 hours of history)",
    ),
    (
        "late: held at 2001-02-03 12:05 UTC, seen only now",
        "vu après coup : c’était le cas (3 févr. 2001, 13:05), des publications sont arrivées en retard",
        "seen late: it was so (3 Feb 2001, 13:05), and posts only arrived since",
    ),
    ("rings from 20 authors", "sonne à partir de 20 personnes", "rings from 20 people"),
    (
        "rings from 20 mentions, 40% of the mentions, 2.5 times the usual",
        "sonne à partir de 20 publications et 40 % des publications et 2,5 fois l’habitude",
        "rings from 20 posts and 40% of the posts and 2.5 times the usual",
    ),
    (
        "rings from 20 authors, 3 times the usual, a surprise of 2.1",
        "sonne à partir de 20 personnes et 3 fois l’habitude et une surprise de 2,1",
        "rings from 20 people and 3 times the usual and a surprise of 2.1",
    ),
    (
        "a surprise of 3.4 over 6h: about one time in 2,512 so few by chance",
        "surprise de 3,4 sur 6 h : si peu ne vient par hasard qu’environ une fois sur 2 512",
        "a surprise of 3.4 over 6 hours: so few come about one time in 2,512 by chance",
    ),
    (
        "a surprise of 6.2 over 1h30m: about one time in more than a million by chance",
        "surprise de 6,2 sur 90 min : par hasard, environ une fois sur plus d’un million",
        "a surprise of 6.2 over 90 minutes: about one time in more than a million by chance",
    ),
    ("no surprise", "ce n’est pas une surprise", "no surprise"),
    (
        "rings where 5 mentions are usual, at 20% of it or less, a surprise of 3",
        "sonne là où 5 publications sont d’habitude et au plus 20 % de cela et une surprise de 3",
        "rings where 5 posts are usual and at most 20% of that and a surprise of 3",
    ),
    (
        "usually means at this hour of the week (Europe/Paris)",
        "l’habitude est celle de cette heure de la semaine (Europe/Paris)",
        "the usual is that of this hour of the week (Europe/Paris)",
    ),
    (
        "nothing has ever come of a key that the rule names, in 7d and more",
        "rien n’est jamais venu de ce que la règle nomme, en 7 j au moins",
        "nothing has ever come of what the rule names, in 7 days or more",
    ),
    (
        "a mean sentiment of -0.31 in 42 scored mentions (3 not scored) within 2h, usually 0.05",
        "tonalité moyenne -0,31 dans 42 publications notées (3 sans note) en 120 min — d’habitude 0,05",
        "mean sentiment -0.31 in 42 scored posts (3 not scored) within 120 minutes, usually 0.05",
    ),
    (
        "signal mood: a mean sentiment of -0.31 in 42 scored mentions within 2h, usually -0.05",
        "signal « mood » : tonalité moyenne -0,31 dans 42 publications notées en 120 min — d’habitude -0,05",
        "signal “mood”: mean sentiment -0.31 in 42 scored posts within 120 minutes, usually -0.05",
    ),
    (
        "signal topic: the new term “#AcmeFête” by at least 50 authors within 2h, usually 0.3",
        "signal « topic » : nouveau, « #AcmeFête », dit par 50 personnes au moins en 120 min — d’habitude 0,3",
        "signal “topic”: new, “#AcmeFête”, said by at least 50 people within 120 minutes, usually 0.3",
    ),
    (
        "0 of 2 signals hold, and 1 must",
        "signaux réunis : 0 sur 2 (il en faut 1)",
        "signals that hold: 0 of 2 (it needs 1)",
    ),
    (
        "not answered by any of our own accounts within 4h of work",
        "pas de réponse de l’un de nos comptes en 4 h d’ouverture",
        "not answered by any of our accounts within 4 hours of working time",
    ),
    (
        "a sum author.reach of 120,000 within 1h, usually 3,000",
        "120 000 abonnés en tout en 60 min — d’habitude 3 000",
        "120,000 followers in all within 60 minutes, usually 3,000",
    ),
    (
        "rings from a sum author.reach of 1,000, 3 times the usual",
        "sonne à partir de 1 000 abonnés en tout et 3 fois l’habitude",
        "rings from 1,000 followers in all and 3 times the usual",
    ),
    (
        "rings from 30 mentions, a mean lower than usual by 0.25, a mean of at most -0.3",
        "sonne à partir de 30 publications et une moyenne plus basse que d’habitude de 0,25 et une moyenne d’au plus -0,3",
        "rings from 30 posts and a mean lower than usual by 0.25 and a mean of at most -0.3",
    ),
    ("held back by `unless`", "retenu par `unless`", "held back by `unless`"),
    (
        "text “en panne”, “dead” (any_of complaints_fr, complaints_en)",
        "dans le texte : « en panne », « dead » (listes : complaints_fr, complaints_en)",
        "in the text: “en panne”, “dead” (lists: complaints_fr, complaints_en)",
    ),
    ("sentiment -0.0016 (gte -0.5)", "tonalité 0 (au moins -0,5)", "sentiment 0 (at least -0.5)"),
    ("sentiment -0.6486 (lte -0.5)", "tonalité -0,65 (au plus -0,5)", "sentiment -0.65 (at most -0.5)"),
    ("author.reach 150,000 (gte 100000)", "150 000 abonnés (au moins 100 000)", "150,000 followers (at least 100,000)"),
    (
        "complaint 0.973 (gte 0.8)",
        "plainte probable à 97 % (au moins 80 %)",
        "a complaint with a probability of 97% (at least 80%)",
    ),
    (
        "complaint 0.996 (gte 0.8)",
        "plainte probable à 99 % (au moins 80 %)",  # nothing is certain
        "a complaint with a probability of 99% (at least 80%)",
    ),
    (
        "safety_risk 0.7 (gte 0.5)",
        "danger probable à 70 % (au moins 50 %)",
        "a danger with a probability of 70% (at least 50%)",
    ),
    (
        "copies 12 (gte 10)",
        "publications presque identiques avant celle-ci : 12 (au moins 10)",
        "nearly identical posts before this one: 12 (at least 10)",
    ),
    (
        "sentiment by accurate 1 (second opinion)",
        "tonalité jugée une seconde fois, par accurate 1",
        "sentiment judged a second time, by accurate 1",
    ),
    (
        "sentiment by vader 3.3.2 (no second opinion)",
        "tonalité jugée par vader 3.3.2 ; le second avis n’est pas venu",
        "sentiment judged by vader 3.3.2; no second opinion came",
    ),
    (
        "the campaign “soldes-ete” multiplies the thresholds by 2.5",
        "la campagne « soldes-ete » multiplie les seuils par 2,5",
        "the campaign “soldes-ete” multiplies the thresholds by 2.5",
    ),
    ("about acme, rival", "", ""),
    ("subjects acme (exists true)", "", ""),  # of an alert that an older version opened
]


def plain(said: str | None) -> str | None:
    """Typographic spaces as plain ones."""
    return said.replace("\u00a0", " ").replace("\u202f", " ") if said is not None else None


@pytest.mark.parametrize(("reason", "french", "english"), SAID)
def test_known_reasons_are_worded(reason: str, french: str, english: str) -> None:
    """Figures, windows and limits, as the reader writes them."""
    assert plain(worded(Voice(samples.crisis("fr")), reason)) == french
    assert worded(Voice(samples.crisis("en")), reason) == english


@pytest.mark.parametrize(
    "reason",
    ["hour 18 (gte 8)", "many authors within 1h", "3 authors within soon", "what is usual is still being learnt (needs it)", ""],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_unknown_reasons_are_left_as_they_are(reason: str, language: Language) -> None:
    """Nothing is guessed, and no odd reason breaks a message."""
    assert worded(Voice(samples.crisis(language)), reason) is None


def test_what_nobody_worded_stands_on_one_technical_line() -> None:
    """Beside the words, not among them; a reason that only repeats the subject is gone."""
    message = samples.complaint("fr")
    odd = replace(message.alerts[0], reasons=("about acme", "hour 18 (gte 8)", "weekday 1 (is 1)"))
    assert "\n- hour 18 (gte 8) · weekday 1 (is 1)\n" in text(replace(message, alerts=(odd,)))
    assert "hour 18 (gte 8) · weekday 1 (is 1)</div>" in html(replace(message, alerts=(odd,)))
    assert "about acme" not in text(replace(message, alerts=(odd,)))
