"""What the form of a text gives away: that it sells, that it shares an article, that it tells where somebody lives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment.structure import Form, form
from rules.words import said

PLAIN = Form(pushes=False, shares=False, exposes=False)


def _form(text: str) -> Form:
    return form(text, said(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "😡",
        "https://example.org/a",
        "Toujours en panne, merci de me répondre",
        "Ma ligne : 04 26 09 42 05, rappelez-moi",
        "M. Dupont a été très aimable",
        "Rendez-vous le 12.11.2026 avec M. Dupont, il y avait 3 500 personnes",
        "Je suis en panne https://example.org/photo",
        "Vous êtes sérieux ? https://example.org/photo",
    ],
)
def test_an_ordinary_post_gives_nothing_away(text: str) -> None:
    """One link, one's own number and somebody's name are everyday."""
    assert _form(text) == PLAIN


def test_many_links_or_hashtags_want_to_be_found() -> None:
    """Three links; eight hashtags."""
    assert _form("https://a.example https://b.example www.c.example").pushes
    assert _form(" ".join(f"#tag{n}" for n in range(8))).pushes
    assert not _form("#acme #panne https://a.example").pushes


@pytest.mark.parametrize(
    "text", ["Acme lance un vélo électrique à Lyon https://a.example/1", "Acme recalls 300 bikes in Ohio www.a.example"]
)
def test_a_headline_with_its_link_is_shared_press(text: str) -> None:
    """Nobody speaks for himself in it, asks or shouts."""
    assert _form(text).shares
    assert not _form(f"{text} 😡").shares
    assert not _form(f"my view: {text}").shares


@pytest.mark.parametrize(
    "text",
    [
        "Le voleur : M. Dupont, 06 12 34 56 78",
        "Mme Martin habite 12 bis rue des Lilas à Lyon",
        "call Mr Smith at home: +44 20 7946 0958",
        "écrivez à Monsieur Durand durand@example.org",
        "Mrs Jones lives at 221 Baker Street",
    ],
)
def test_a_name_beside_a_number_or_a_street_exposes_somebody(text: str) -> None:
    """Whoever reads it could call, write or go there."""
    assert _form(text).exposes


def test_a_name_far_from_a_number_exposes_nobody() -> None:
    """They need not belong together."""
    assert not _form(f"M. Dupont m'a aidé. {'Encore merci. ' * 10} Le service : 06 12 34 56 78").exposes


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_raises(text: str) -> None:
    """Any string has a form."""
    _form(text)


@pytest.mark.parametrize("piece", ["0", "1 ", "M. Abc ", "a@", "12 rue ", "12 Aa ", "http://", "#a ", "+33 "])
def test_no_repetition_takes_long(piece: str) -> None:
    """The time grows with the length alone: five thousand characters of anything are read before the test's limit."""
    for _ in range(20):
        _form((piece * 5_000)[:5_000])
