"""Takes a text apart into what may carry feeling: words, emoji, emoticons and runs of punctuation; addresses become marks.

A model reads a text as it was posted, so what `clean.for_scoring` strips is kept as a mark: that a post carries a link or is
addressed to somebody says something about its feeling, whoever is addressed.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

LONGEST = 5_000  # characters that are read; VADER's time grows with the square of a text's length

LINK = "http"
HANDLE = "ʘuser"  # a letter that nobody writes, so that no word is taken for it
_NO_WORDS = frozenset((LINK, HANDLE))

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_LINK = re.compile(r"https?(?:://\S+|/url\b)?|www\.\S+", re.IGNORECASE)
_HANDLE = re.compile(r"@\w+(?:@\w+(?:[.-]\w+)*)?")
_EMOJI = r"[\U0001F000-\U0001FAFF☀-➿←-⇿⬀-⯿‼⁉〰〽©®]"
_EMOTICON = (
    r"(?:[<>]?(?<!\d)[:;=][-o'^ ]?[)(\]\[dDpP/\\|}{@3oO*c]{1,9}|[xX8][-o'^]?[)(dDpP]{1,9}|[)(\]\[]{1,9}[-o^']?[:;=]|<3{1,9}|</3"
    r"|\^[_.-]{0,5}\^|-[_.]{1,5}-|[tT]_[tT]|:'\({1,9}|[oO]_[oO])(?![a-z])"
)
_TOKEN = re.compile(rf"{_EMOJI}|{_EMOTICON}|#?\w+(?:['’]\w+)*|[!?]+|\.{{2,}}|…|[^\w\s]")
LENGTHENED = re.compile(r"(\w)\1{2,}")
DIGIT = re.compile(r"\d")
_TAIL = re.compile(r"(.)\1+$")


class Reading(NamedTuple):
    """A text as the models see it: `plain` with links and handles turned into marks, and its tokens as they are written."""

    plain: str
    tokens: list[str]

    @property
    def has_words(self) -> bool:
        """Whether there is more than links and handles."""
        return not _NO_WORDS.issuperset(self.tokens)


def read(text: str) -> Reading:
    """Never raises, whatever the text; of a long one only the beginning is read."""
    plain = _marked(_unescaped(text[:LONGEST]))
    return Reading(plain, _TOKEN.findall(plain))


def spelt(token: str) -> str:
    """The token as a model knows it: small letters, digits alike, "sooooo" and "sooo" the same."""
    if token[0].isalnum() or token[0] == "#":
        small = LENGTHENED.sub(r"\1\1\1", token.lower())
        return small if small.isalpha() else DIGIT.sub("0", small.replace("’", "'"))
    return token[:3] if token[0] in "!?." else _TAIL.sub(r"\1\1", token)


def is_word(token: str) -> bool:
    """Whether it is a word or a hashtag, not punctuation, an emoji or an emoticon."""
    return token[0].isalnum() or (token[0] == "#" and len(token) > 1)


def _unescaped(text: str) -> str:
    r"""What some interfaces escape twice ("don\u2019t", "&amp;") as it was written."""
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        text = text.replace('\\""', '"').replace('\\"', '"').replace("\\n", " ")
    return html.unescape(text) if "&" in text else text


def _marked(text: str) -> str:
    if "http" in text or "www" in text or "HTTP" in text or "WWW" in text:
        text = _LINK.sub(f" {LINK} ", text)
    return _HANDLE.sub(f" {HANDLE} ", text) if "@" in text else text
