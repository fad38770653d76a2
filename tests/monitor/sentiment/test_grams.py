"""The numbers of pieces of text never change: a model that was trained once must find its rows for ever."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment import grams


def test_numbers_are_the_same_for_ever() -> None:
    """Changing any of these needs a new format of model files, and every model trained again."""
    assert grams.key("déçu") == 4_004_622_319
    assert grams.of_word("ok") == (2_044_517_703, 3_929_344_606, 2_673_523_678, 4_221_762_248)
    assert grams.of_neighbours([1, 2]) == [2_190_303_111, 2_654_435_763, 1_231_560_709]


def test_letters_and_words_have_rows_of_their_own() -> None:
    """No run of letters can be taken for a word, in a table of any size."""
    rows = grams.row(np.array(grams.of_word("bonjour")), 10)
    assert rows[0] % 2 == 1
    assert not (rows[1:] % 2).any()
    assert all(row % 2 for row in grams.of_neighbours([4, 8, 9]))


@given(st.text(min_size=1), st.integers(2, 20))
def test_any_word_has_rows_in_the_table(word: str, bits: int) -> None:
    """Whatever the letters, half surrogates included."""
    rows = grams.row(np.array(grams.of_word(word)), bits)
    assert rows.max() < 1 << bits


def test_beginnings_go_from_the_whole_word_to_four_letters() -> None:
    """A short word has only itself."""
    assert grams.beginnings("#livraisons") == tuple(grams.key("livraisons"[:end]) for end in (10, 9, 8, 7, 6, 5, 4))
    assert grams.beginnings("ok") == (grams.key("ok"),)
