"""Other people's text is made harmless before it is shown anywhere."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.safe import cell, clean, host, link, one_line, quiet, shorten

ANYTHING = st.text(st.characters(), max_size=300)  # lone surrogates included
FORBIDDEN = {"\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


@given(ANYTHING, st.integers(10, 200))
def test_nothing_harmful_survives(said: str, limit: int) -> None:
    """No control character but the line break, no direction mark, no surrogate, never longer than asked."""
    cleaned = clean(said, limit)
    assert len(cleaned) <= limit
    assert not FORBIDDEN & set(cleaned)
    assert all(letter == "\n" or unicodedata.category(letter) not in {"Cc", "Cs", "Zl", "Zp"} for letter in cleaned)
    cleaned.encode()


@given(ANYTHING)
def test_one_line_is_one_line(said: str) -> None:
    """Whatever line break there was, none is left."""
    assert len(one_line(said, 100).splitlines()) <= 1


def test_plain_words_are_untouched() -> None:
    """Accents, emoji with joiners and paragraphs stay as they were written."""
    said = "Déçue… 👩‍👩‍👧 vraiment !\n\nمرحبا"
    assert clean(said, 200) == said


def test_the_override_that_reads_backwards_is_removed() -> None:
    """U+202E would make a file name or a sentence read from the end."""
    assert one_line("invoice\u202egpj.exe", 100) == "invoicegpj.exe"


def test_line_ends_of_all_sorts_are_line_breaks() -> None:
    """Paragraph separators too; more than one blank line is one."""
    assert clean("a\r\nb\rc\u2028d\u2029e\x85f\n \n\n\n g", 100) == "a\nb\nc\nd\ne\nf\n\ng"


def test_piled_accents_are_cut() -> None:
    """A tower of accents would paint over the lines above it."""
    assert clean("e" + "\u0301" * 500, 600) == "e" + "\u0301" * 3


def test_a_megabyte_is_cut_before_it_is_read() -> None:
    """The cost does not grow with the text."""
    assert clean("x " * 500_000, 100).endswith("…")
    assert len(clean("\0" * 1_000_000, 100)) == 0


def test_a_cut_prefers_a_space() -> None:
    """Words stay whole where they can; a cut is marked."""
    assert shorten("one two three", 100) == "one two three"
    assert shorten("the quick brown fox", 17) == "the quick brown…"
    assert shorten("abcdefghij", 5) == "abcd…"


@pytest.mark.parametrize(
    "address",
    ["https://mastodon.example/@lea/113", "http://forum.example:8080/t?a=1&b=2#p4", "HTTPS://EXAMPLE.ORG/é", "https://[::1]/x"],
)
def test_web_addresses_are_links(address: str) -> None:
    """Both http and https lead somewhere."""
    assert link(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None, "", "javascript:alert(1)", "JaVaScRiPt://x%0aalert(1)", "data:text/html,<script>", "vbscript:x", "file:///etc/passwd",
        "https://acme.com@evil.example/", "https://", "https:///x", "//evil.example", "https://a b.example", "https://a\n.example",
        'https://x.example/"onmouseover=alert(1)', "https://x.example/<script>", "https://x.example/\u202egro", "\x01https://x.example",
        "https://x.example/'", "https://[::1", "https://x.example/" + "a" * 3000, "https://x\ud800.example",
    ],
)  # fmt: skip
def test_everything_else_is_no_link(address: str | None) -> None:
    """Scripts, files, look-alike user names, odd characters: shown as text at most."""
    assert link(address) is None


def test_hosts_are_shown_as_machines_read_them() -> None:
    """A Cyrillic look-alike gives itself away."""
    assert host("https://www.example.org/x") == "example.org"
    assert host("https://\u0430cme.com/") == "xn--cme-5cd.com"
    assert host("https://[::1/x") == ""
    assert host("https://" + "a" * 70 + ".example/") == ""


@pytest.mark.parametrize("call", ["@everyone", "@here", "@Channel", "<!channel>", "<@U123>", "<#C1>", "@all", "@room"])
def test_a_post_cannot_call_a_whole_room(call: str) -> None:
    """The words that ring a chat are broken; a person's name is not."""
    assert call not in quiet(f"hey {call}!")
    assert quiet("hey @lea, 3 < 4") == "hey @lea, 3 < 4"


@given(st.text(max_size=20))
def test_a_harmless_cell_is_never_a_formula(text: str) -> None:
    """Whatever it is, it is a number, or begins with what spreadsheets take for text."""
    said = cell(text)
    assert said.replace("'", "") == text.replace("'", "")
    assert not said.strip().startswith(("=", "@", "|", "%"))


@pytest.mark.parametrize("end", [";", "\t", "\r\n"])
def test_a_cell_in_a_cell_is_no_formula(end: str) -> None:
    """A French spreadsheet parts cells at semicolons, whatever quotes stand around what lies between two commas."""
    written = ",".join(cell(each) for each in ["complaint", f'Bonjour "x"{end} =1+1 ;-) et https://a.example/;@b', "x"])
    for part in re.split("[;\t\r\n]", written):
        assert not part.lstrip(' "').startswith(("=", "+", "-", "@")), written


@pytest.mark.parametrize("number", ["-5", "+3.5", "-12\u202f000", "-5\u00a0%", "-1,234"])
def test_a_negative_number_is_a_number(number: str) -> None:
    """Spreadsheets add it up."""
    assert cell(number) == number
