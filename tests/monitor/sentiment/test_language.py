"""Which language a text is taken to be in, with and without a claim."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from monitor.sentiment import clean
from monitor.sentiment.language import KNOWN, NEIGHBOURS, OVERRULES, SURE, Detector, claimed_code

FRENCH = "Toujours pas de réseau depuis ce matin, personne ne répond au téléphone"
ENGLISH = "Still no network since this morning and nobody answers the phone"
GERMAN = "Seit heute Morgen habe ich kein Netz und niemand geht ans Telefon"


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The detector as configured by default."""
    return Detector(("en", "fr"))


@pytest.mark.parametrize(
    ("text", "claimed", "language"),
    [
        (FRENCH, None, "fr"),
        (ENGLISH, None, "en"),
        (ENGLISH, "en", "en"),
        (ENGLISH, "fr-FR", "en"),
        (GERMAN, None, "de"),
        (GERMAN, "en", "de"),
        ("ok", None, "und"),
        ("ok", "fr", "fr"),
        ("", None, "und"),
        ("😡😡😡", None, "und"),
        ("😡😡😡", "EN_us", "en"),
        ("12345", "qme", "und"),
    ],
)
def test_the_rules_of_agreement(detector: Detector, text: str, claimed: str | None, language: str) -> None:
    """A claim stands unless the words surely look otherwise; without one, what is unsure is `und`."""
    assert detector.language(text, claimed) == language


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("fr", "fr"),
        ("fr-FR", "fr"),
        ("PT_br", "pt"),
        (" en ", "en"),
        ("iw", "he"),
        ("nb", "no"),
        ("und", None),
        ("zxx", None),
        ("qme", None),
        ("qu", "qu"),
        ("", None),
        (None, None),
        ("français", None),
        ("e", None),
    ],
)
def test_tags_become_codes(tag: str | None, code: str | None) -> None:
    """Networks write tags in many ways; those that name no language claim none."""
    assert claimed_code(tag) == code


@given(text=st.text(), claimed=st.one_of(st.none(), st.text(max_size=10)))
def test_the_answer_is_always_a_code(detector: Detector, text: str, claimed: str | None) -> None:
    """Whatever comes in, a code of two or three letters comes out."""
    code = detector.language(text, claimed)
    assert 2 <= len(code) <= 3
    assert code.isascii()
    assert code.islower()


def test_known_languages_are_the_models() -> None:
    """The list that settings are checked against is what the installed model can name."""
    assert set(LanguageIdentifier.from_model_file(MODEL_FILE).labels) - {"zxx"} == KNOWN
    assert NEIGHBOURS <= KNOWN
    assert 0 < SURE <= OVERRULES < 1


@pytest.mark.parametrize(("folder", "code", "floor"), [("english", "en", 0.985), ("french", "fr", 0.975)])
def test_real_posts_are_recognised(shared: Path, detector: Detector, folder: str, code: str, floor: float) -> None:
    """On 324 real posts per language, hardly one is called another language or `und`."""
    posts = (shared / "data" / "umsab" / folder / "val_text.txt").read_text(encoding="utf-8").splitlines()
    found = [detector.language(clean.for_language(clean.for_scoring(post)), None) for post in posts]
    assert found.count(code) / len(found) >= floor


@pytest.mark.parametrize("folder", ["german", "spanish", "italian", "portuguese"])
def test_foreign_posts_are_not_called_ours(shared: Path, detector: Detector, folder: str) -> None:
    """At most 2 % of posts in another European language are taken for a configured one."""
    posts = (shared / "data" / "umsab" / folder / "val_text.txt").read_text(encoding="utf-8").splitlines()
    found = [detector.language(clean.for_language(clean.for_scoring(post)), None) for post in posts]
    assert sum(code in {"en", "fr"} for code in found) / len(found) <= 0.02


@given(st.lists(st.tuples(st.text(max_size=60), st.sampled_from([None, "fr", "en-GB", "qme"])), max_size=40))
def test_many_texts_are_named_as_one_by_one(detector: Detector, said: list[tuple[str, str | None]]) -> None:
    """Side by side in numpy or alone in the library: the same languages, for any text."""
    said = [*said, (FRENCH, None), (ENGLISH, "fr"), ("", None)] * 6
    assert detector.languages(said) == [detector.language(text, claimed) for text, claimed in said]


def test_real_texts_are_named_as_one_by_one(detector: Detector, shared: Path) -> None:
    """Nor does it matter for real posts in eight languages."""
    for folder in sorted((shared / "data/umsab").iterdir()):
        lines = (folder / "val_text.txt").read_text(encoding="utf-8").splitlines()
        assert detector.languages([(line, None) for line in lines]) == [detector.language(line, None) for line in lines]
