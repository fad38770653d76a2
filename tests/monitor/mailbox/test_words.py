"""What somebody wrote themselves, and whether it takes charge: answers as mail programs really write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.mailbox import own_words, takes_charge

GMAIL_FR = """OK merci

Le mar. 24 nov. 2026 à 10:12, Tocsin <tocsin@marque.example> a écrit :

> Un client se plaint : « cassé »
>
> MAINTENANT
> Répondez-lui, puis prenez en charge
"""
GMAIL_WRAPPED = """Je m\u2019en occupe

On Tue, 24 Nov 2026 at 10:12, Tocsin <tocsin@marque.example>
wrote:

> A customer complains
"""
APPLE_FR = """Pris en charge.

Envoyé de mon iPhone

> Le 24 nov. 2026 à 10:12, Tocsin <tocsin@marque.example> a écrit\u00a0:
>
> \ufeffUn client se plaint
"""
OUTLOOK_FR = """Je prends

Julie Martin
Community manager

De : Tocsin <tocsin@marque.example>
Envoyé : mardi 24 novembre 2026 10:12
À : Julie Martin <julie@marque.example>
Objet : Un client se plaint

OK
"""
OUTLOOK_EN = """on it
________________________________
From: Tocsin <tocsin@brand.example>
Sent: Tuesday, November 24, 2026 10:12
To: Julie Martin <julie@brand.example>
Subject: A customer complains

ok
"""
OUTLOOK_OLD = """ok

-----Message d'origine-----
De : Tocsin [mailto:tocsin@marque.example]
Envoyé : mardi 24 novembre 2026 10:12
"""
YAHOO = """Ack

    Le mardi 24 novembre 2026 à 10:12:00 UTC+1, Tocsin <tocsin@marque.example> a écrit :

 Un client se plaint
"""
BELOW = """> Un client se plaint
> Répondez-lui

OK
"""
BELOW_INTRODUCED = """Le 24/11/2026 à 10:12, Tocsin a écrit :
> Un client se plaint

je m'en charge
--\u0020
Julie
"""
ON_IT = "on it\n\nOn Tue, Nov 24, 2026 at 10:12 AM Tocsin <tocsin@brand.example> wrote:\n\n> A customer complains\n"
ON_IT_CLOSE = "on it\nOn Tue, Nov 24, 2026 at 10:12 AM Tocsin <tocsin@brand.example>\nwrote:\n> A customer complains\n"
QUOTING = "ok\nLe client nous a écrit :\nc'est réparé"
SIGNED = "ok\n\nSent from my iPhone\nsecret"
ANSWERS = {
    "gmail-fr": (GMAIL_FR, "OK merci"),
    "gmail-wrapped": (GMAIL_WRAPPED, "Je m\u2019en occupe"),
    "apple-fr": (APPLE_FR, "Pris en charge."),
    "outlook-fr": (OUTLOOK_FR, "Je prends\n\nJulie Martin\nCommunity manager"),
    "outlook-en": (OUTLOOK_EN, "on it"),
    "outlook-old": (OUTLOOK_OLD, "ok"),
    "yahoo": (YAHOO, "Ack"),
    "below": (BELOW, "OK"),
    "below-introduced": (BELOW_INTRODUCED, "je m'en charge"),
    "signed": (SIGNED, "ok"),
    "on-it": (ON_IT, "on it"),
    "on-it-close": (ON_IT_CLOSE, "on it"),
    "quoting": (QUOTING, "ok\nLe client nous a écrit :\nc'est réparé"),
}


@pytest.mark.parametrize(("text", "own"), ANSWERS.values(), ids=ANSWERS)
def test_quotes_and_signatures_are_left_out(text: str, own: str) -> None:
    """Above or below the quote, with marks or without: their own words remain, and take charge."""
    assert own_words(text) == own
    assert takes_charge(own)


@pytest.mark.parametrize(
    "line",
    [
        "OK", "ok.", "Ok merci !", "Okay, thanks", "D’accord", "je prends", "Je prends ça", "Je m'en occupe tout de suite",
        "Bonjour, je m’en occupe", "pris en charge, merci", "C’est pris", "oui, je gère", "ACK", "I'm on it",
        "on it!", "Got it, thanks",
        "👍", "👍🏽", "✅ ok", "OK OK", "I\u2019ll take it", "ok je regarde",
    ],
)  # fmt: skip
def test_what_takes_charge(line: str) -> None:
    """As people write it, in French and English."""
    assert takes_charge(f"{line}\nwhatever follows")


@pytest.mark.parametrize(
    "line",
    [
        "", "OK ?", "ok, mais pas avant 14 h", "pas ok", "Ok pour demain", "not me", "Je ne peux pas", "je prends pas", "merci",
        "oui", "bien reçu", "Who is on it?", "okapi", "ok " * 40, "acknowledgement of what", "nok", "mine is broken",
        "Je m'en occupe demain si personne ne le fait",
    ],
)  # fmt: skip
def test_what_does_not(line: str) -> None:
    """What is not clear, or asks, or says when: it goes on ringing."""
    assert not takes_charge(f"{line}\nOK")


@given(st.text(max_size=400))
def test_any_text_is_understood(text: str) -> None:
    """Nothing trips it, and what is quoted never takes charge."""
    own = own_words(text)
    assert takes_charge(own) in {True, False}
    assert not takes_charge(own_words("\n".join(f"> {line}" for line in text.splitlines())))


def test_hostile_text_takes_no_time() -> None:
    """Long lines and many of them are gone through once."""
    assert own_words("le " * 20_000 + "a écrit") != ""
    assert own_words("le a écrit\n" * 2_000) != ""
    assert not takes_charge("ok " * 33 + "!x")
