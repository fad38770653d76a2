"""Finding words and phrases."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.lists import BadListError, Lists, UnknownListError
from rules.words import BadEntryError, Found, Said, WordList, fold, fold_label, parse_entry, said


def _find(entries: list[str], text: str) -> str | None:
    said = Said(text)
    found = WordList(entries).find(said)
    return said.quote(found) if found else None


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("panne", "Une PANNE !"),
        ("panne", "marre d'une panne-éclair"),
        ("résilier", "je veux RESILIER"),
        ("rembours*", "et mon remboursement ?"),
        ("ne marche pas", "ça ne marche\n pas, hélas"),
        ("n'en peux plus", "je n’en peux plus"),
        ("jusqu'à quand", "JUSQU'A QUAND ?"),
        ("hors-service", "c'est hors service"),
        ("cœur", "un coup au coeur"),
        ("ne fonctionne* pas", "ne fonctionnent pas du tout"),
        ("😡", "encore 😡😡"),
        ("👎", "service 👎🏽"),
        ("❤️", "❤ merci"),
        ("straße", "STRASSE"),
        ("سيء", "هذا سيءٌ"),
        ("bug*", "#bugs partout"),
    ],
)
def test_spelling_does_not_hide_a_word(entry: str, text: str) -> None:
    """Accents, capitals, apostrophes, hyphens, ligatures, skin tones and vowel signs do not matter."""
    assert _find([entry], text)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("panne", "des panneaux solaires"),
        ("nul", "une nullité"),
        ("ne marche pas", "ne marche plus"),
        ("ne marche pas", "ça ne marche"),
        ("rembours*", "le mot remb"),
        ("panne", "voir https://example.org/panne?x=panne"),
        ("कम", "कमी"),
    ],
)
def test_part_of_a_word_is_another_word(entry: str, text: str) -> None:
    """Words are whole, phrases are complete, and addresses are not read."""
    assert _find([entry], text) is None


def test_a_hostile_text_is_folded_in_proportion_to_its_length() -> None:
    """A hundred times the marks cost about a hundred times as much, not ten thousand times."""

    def cost(marks: int) -> int:
        began = time.process_time_ns()
        fold("e" + "\u0f71\u0f72" * marks)
        return time.process_time_ns() - began

    assert min(cost(50_000) for _ in range(2)) < 1_000 * min(cost(500) for _ in range(5))


def test_a_long_text_is_folded_to_its_end() -> None:
    """What is said in the last line is found, and slices do not part a letter from its accent visibly."""
    assert fold("e\u0301" * 5_000) == "e" * 5_000
    assert _find(["panne"], "é" * 90_000 + " la pànne") == "pànne"


def test_what_is_found_is_what_was_said_first() -> None:
    """The reasons of an alert show the words of the text as their author spelt them."""
    assert (
        _find(["honte", "rembours*", "ne march* pas"], "Ça ne marchait\n PAS, remboursez-moi, quelle honte") == "ne marchait PAS"
    )


@pytest.mark.parametrize(
    ("entry", "text", "quoted"),
    [
        ("débité deux fois", "On m’a Débité deux  FOIS !", "Débité deux FOIS"),
        ("brûle*", "mon grille-pain bru\u0302le", "bru\u0302le"),
        ("brule*", "Ça a brûlé…", "brûlé"),
        ("l'enfer", "c’est L’ENFER", "L’ENFER"),
        ("coeur", "un cœur ﬁn", "cœur"),
        ("fin", "un cœur ﬁn", "ﬁn"),
        ("👎", "bof 👎🏽 bof", "👎"),
        ("hors service", "voir https://example.org/é puis HORS-service", "HORS-service"),
        ("strasse", "Große Straße", "Straße"),
    ],
)
def test_reasons_quote_what_was_written(entry: str, text: str, quoted: str) -> None:
    """With its accents, capitals and apostrophes, whatever folding does to the letters before it."""
    assert _find([entry], text) == quoted


def test_where_letters_lose_their_order_the_folded_words_are_quoted() -> None:
    """Marks that only a whole word puts in order may make other words of it letter by letter; a quotation is still made."""
    said = Said("panne")
    said._places = []
    assert said.quote(Found(0, 1)) == "panne"


def test_entries_that_begin_alike_are_told_apart() -> None:
    """One beginning, several ends: each is found, and so is the short one alone."""
    entries = ["plus de réseau", "plus de connexion", "plus jamais", "pl* rien"]
    assert _find(entries, "plus de connexion") == "plus de connexion"
    assert _find(entries, "plus jamais ça") == "plus jamais"
    assert _find(entries, "plus rien") == "plus rien"
    assert _find(entries, "plus de tout") is None


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("...", "holds no word and no emoji"),
        ("", "holds no word and no emoji"),
        ("*", "holds no word"),
        ("pan*ne", "only at the end of a word"),
        ("*panne", "only at the end of a word"),
        ("p*", "at least 2 letters before `*`"),
        ("panne~", "after a space at the end of an entry, like `panne ~`"),
        ("en ~ panne", "after a space at the end"),
        (" ~", "holds no word"),
    ],
)
def test_an_entry_that_cannot_be_looked_for_is_refused(entry: str, says: str) -> None:
    """The error quotes it and says what to write."""
    with pytest.raises(BadEntryError) as wrong:
        parse_entry(entry)
    assert says in str(wrong.value)


def test_all_bad_entries_of_a_list_are_named_at_once() -> None:
    """Nobody likes to find them one by one."""
    with pytest.raises(BadListError) as wrong:
        Lists({"words": ["ok", "...", "p*"]}).words(["words"])
    assert wrong.value.name == "words"
    assert "'...'" in str(wrong.value)
    assert "'p*'" in str(wrong.value)


def test_a_misspelt_name_of_a_list_is_no_phrase() -> None:
    """Otherwise it would be a phrase that nobody ever says, and the rule would be silent for ever."""
    lists = Lists({"complaint_fr": ["panne"], "complaint-en": ["broken"]})
    for wrong, meant in [("complaint_fa", "complaint_fr"), ("other_words", "complaint"), ("complaints-en", "complaint-en")]:
        with pytest.raises(UnknownListError, match=f"there is no list `{wrong}`.*{meant}"):
            lists.words([wrong])
    assert lists.words(["e-mail", "hors-service"])


def test_lists_are_compiled_once() -> None:
    """Rules that name the same list share its compiled form, and what it has learnt of the language."""
    lists = Lists({"words": ["panne"]})
    assert lists.words(["words"])[0] is lists.words(["words", "honte"])[0]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory of idle words is cleared at its bound, and nothing is missed for it."""
    monkeypatch.setattr("rules.words.REMEMBERED", 4)
    words = WordList(["panne totale", "honte"])
    for number in range(20):
        assert words.find(Said(f"mot{number} et autre{number} puis panne totale {number}")) == Found(4, 6)
    assert words.find(Said("rien à dire")) is None


def test_names_are_compared_without_their_marks() -> None:
    """A hashtag is one with and without its sign, a handle likewise."""
    assert fold_label("#Été") == fold_label("ete")
    assert fold_label("@Acme") == fold_label("ACME")


_ALPHABET = st.text(alphabet="aàbéz ’'-*!😡", max_size=30)


@given(text=_ALPHABET)
def test_folding_twice_changes_nothing(text: str) -> None:
    """Entries and texts are folded at different moments and still meet."""
    assert fold(fold(text)) == fold(text)


@given(before=st.text(max_size=20), after=st.text(max_size=20), phrase=st.sampled_from(["en panne", "honte", "ne marche pas"]))
def test_a_phrase_is_found_whatever_stands_around_it(before: str, after: str, phrase: str) -> None:
    """Apart by a space, a phrase is heard in any text."""
    said = Said(f"{before} . {phrase} . {after}")
    found = WordList([phrase]).find(said)
    assert found is not None
    assert said.quote(found).lower() == phrase


@given(text=st.text(max_size=40) | st.text(alphabet="aé\u0301\u0323ﬁß œ’.'क\u093c\u094d가😡👎🏽", max_size=20))
def test_every_word_of_every_text_can_be_quoted(text: str) -> None:
    """Whatever the letters: a quotation stands in the text (blanks apart), or it is the folded word."""
    said = Said(text)
    for at, token in enumerate(said.tokens):
        quoted = said.quote(Found(at, at + 1))
        assert quoted == token or quoted in text


def test_a_text_is_parted_once() -> None:
    """Enrichment and the rules share the work; a very long text is not remembered."""
    assert said("My kettle is broken") is said("My kettle is broken")
    long = "kettle " * 1_000
    assert said(long) is not said(long)
    assert said(long).tokens == Said(long).tokens
