"""Named vocabularies: one look through a text tells all that it meets, and what stands in an exception does not count."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.packaged import shipped
from monitor.sentiment.vocabulary import Section, Vocabulary, read_entries, read_sections
from rules.words import BadEntryError, WordList, parse_entry, said

FILES = sorted((shipped() / "vocabularies").glob("*.txt"))
FEW = ("panne ~", "ne marche pas", "rembours*", "plus de réseau", "où est mon colis", "aa* bb*")

PIECES = [*(word for entry in ("jamais en", "rembourser", "aab bbc", ". ,", *FEW) for word in entry.split())]


def _met(*sections: Section, text: str, language: str = "fr") -> set[str]:
    return Vocabulary(sections).met(said(text), language=language, asked="?" in text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Je veux être REMBOURSÉ", {"refund"}),
        ("en panne, et plus de reseau", {"outage", "network"}),
        ("jamais en panne", set()),
        ("où est mon colis", {"delivery"}),
        ("mon colis, où est-il", set()),
        ("colis", set()),
        ("", set()),
        ("😡", set()),
        ("https://example.org/rembourse?panne", set()),
    ],
)
def test_entries_are_found_as_those_of_word_lists_are(text: str, found: set[str]) -> None:
    """Accents, capitals, endings, phrases, negation and addresses: the rules of the word lists hold."""
    sections = (
        Section("refund", ("rembours*",)),
        Section("outage", ("panne ~",)),
        Section("network", ("plus de réseau",)),
        Section("delivery", ("où est mon colis",)),
    )
    assert _met(*sections, text=text) == found


def test_what_stands_in_an_exception_does_not_count() -> None:
    """« livré à moi-même » is no delivery; beside it, a delivery is one."""
    sections = (Section("delivery", ("livré", "colis")), Section("delivery", ("livré à moi-même",), excepted=True))
    assert _met(*sections, text="je suis livré à moi-même") == set()
    assert _met(*sections, text="livré à moi-même, livré trop tard") == {"delivery"}
    assert _met(*sections, text="livré à moi-même, sans colis") == {"delivery"}


def test_the_exceptions_of_a_whole_hold_for_its_parts() -> None:
    """But those of a part only for the part."""
    of_whole = (Section("app/bug", ("plante",)), Section("app", ("plante verte",), excepted=True))
    of_part = (Section("app", ("plante",)), Section("app/bug", ("plante verte",), excepted=True))
    assert _met(*of_whole, text="une plante verte") == set()
    assert _met(*of_part, text="une plante verte") == {"app"}


def test_some_words_ask_only_where_a_question_mark_stands() -> None:
    """« Comment » begins questions and exclamations."""
    section = Section("question", ("comment",), asked=True)
    assert _met(section, text="comment faire ?") == {"question"}
    assert _met(section, text="comment ils nous traitent") == set()


def test_words_of_a_language_are_looked_for_in_it_and_where_the_language_is_unknown() -> None:
    """« Pain » is bread in French; without a language every list has a say."""
    sections = (Section("health", ("pain",), "en"), Section("food", ("pain",), "fr"), Section("any", ("pain",)))
    assert _met(*sections, text="pain", language="fr") == {"food", "any"}
    assert _met(*sections, text="pain", language="en") == {"health", "any"}
    for unknown in ("und", "de"):
        assert _met(*sections, text="pain", language=unknown) == {"health", "food", "any"}


def test_an_entry_that_cannot_be_looked_for_is_refused() -> None:
    """As it is in every other list."""
    with pytest.raises(BadEntryError, match="at least 2 letters"):
        Vocabulary([Section("a", ("a*",))])


@given(st.lists(st.sampled_from(PIECES)))
def test_a_vocabulary_finds_what_a_word_list_finds(words: list[str]) -> None:
    """Whichever of its words an entry is looked for by."""
    text = " ".join(words)
    vocabulary = Vocabulary([Section(entry, (entry,)) for entry in FEW])
    found = vocabulary.met(said(text), language="fr", asked=False)
    assert found == {entry for entry in FEW if said(text).find(WordList([entry])) is not None}


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_raises(text: str) -> None:
    """Lone surrogates, marks and right-to-left letters included."""
    Vocabulary([Section("a", FEW)]).met(said(text), language="fr", asked=True)


def test_what_is_remembered_of_tokens_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its bound the memory is emptied, and the same is found."""
    monkeypatch.setattr("monitor.sentiment.vocabulary._REMEMBERED", 3)
    vocabulary = Vocabulary([Section("a", FEW)])
    for _ in range(3):
        for text, found in (("remboursez-moi un deux trois", {"a"}), ("quatre cinq six sept", set())):
            assert vocabulary.met(said(text), language="fr", asked=False) == found


def test_a_file_parts_into_sections(tmp_path: Path) -> None:
    """Marks say what counts only with a question mark and what does not count at all."""
    file = tmp_path / "words.txt"
    file.write_text("# said\n[a]\nun\n\n[b/c ?]\ndeux\n[a -]\ntrois\n[a]\nquatre\n", encoding="utf-8")
    assert read_sections(file, "fr") == [
        Section("a", ("un", "quatre"), "fr"),
        Section("b/c", ("deux",), "fr", asked=True),
        Section("a", ("trois",), "fr", excepted=True),
    ]


@pytest.mark.parametrize("text", ["un\n[a]\n", "[a]\n[A b]\n"])
def test_a_line_that_belongs_to_no_name_is_refused(tmp_path: Path, text: str) -> None:
    """The file and the line are told."""
    file = tmp_path / "words.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"words\.txt:\d: .* stands below no \[name\]"):
        read_sections(file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_shipped_files_can_be_looked_for_and_repeat_nothing(file: Path) -> None:
    """Each entry stands once in its section."""
    for section in read_sections(file):
        assert section.entries
        doubled = [entry for entry, count in Counter(map(parse_entry, section.entries)).items() if count > 1]
        assert doubled == [], section.name


@pytest.mark.parametrize("kind", sorted({file.name.partition(".")[0] for file in FILES}))
def test_both_languages_know_the_same_names(kind: str) -> None:
    """A topic that only one language knew would be missed in the other."""
    french, english = (
        {section.name for section in read_sections(shipped() / "vocabularies" / f"{kind}.{language}.txt") if not section.excepted}
        for language in ("fr", "en")
    )
    assert french == english


def test_plain_lists_are_read_as_the_rules_read_them(tmp_path: Path) -> None:
    """Comments and blank lines left out."""
    file = tmp_path / "words.txt"
    file.write_text("# said\n\n un \ndeux\n", encoding="utf-8")
    assert read_entries(file) == ("un", "deux")
