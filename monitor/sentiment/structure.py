"""Reads off the form of a text what no word of it says: that it sells, shares an article, or tells where somebody lives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from rules.words import Said


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_TAG = re.compile(r"#\w+")
# A French or an international number: nine digits and more, so that a date or a price is none.
_TELEPHONE = re.compile(r"(?<![\d.])(?:\+\d{1,3}[ .-]?)?\(?\d{2,4}\)?(?:[ .-]?\d{2,4}){2,4}(?!\d)")
_DIGITS = 9
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_STREET = re.compile(
    r"\b\d{1,4}(?: ?(?:bis|ter))?,? (?i:rue|avenue|av\.|boulevard|bd|chemin|impasse|allée|place|quai|route) +\w"
    r"|\b\d{1,5} [A-Z]\w{1,20}(?: [A-Z]\w{1,20})? (?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive|Close|Court)\b"
)
_SOMEBODY = re.compile(
    r"\b(?:M\.|[Mm][Rr]\.?|MR\.?|[Mm]me|MME|[Mm]lle|[Mm]onsieur|[Mm]adame|Mrs\.?|Ms\.?|Miss|Dr\.?)\s+[A-ZÀ-Þ][\w'’-]+"
)
_REACHABLE = re.compile(r"[\d@]")
_BESIDE = 80  # characters between a name and what makes it somebody's address
_NAMES = 20  # looked at in one text

_MANY_LINKS = 3
_MANY_TAGS = 8
_HEADLINE = 4  # words at least
# Headlines speak of others: whoever says "I" or "you" speaks for himself.
_SPEAKING = _words(
    """
    je j moi me m mon ma mes tu te t toi ton ta tes vous votre vos nous notre nos on svp bonjour bonsoir merci lol mdr ptdr
    i im ive me my mine you your yours u ur we our us please thanks thank hello hi
    """
)
_FEELING = re.compile("[!?\U0001f300-\U0001faff\u2600-\u27bf]")


class Form(NamedTuple):
    """What the form of a text gives away."""

    pushes: bool  # many links or hashtags: it wants to be found, not to be read
    shares: bool  # a headline with its link
    exposes: bool  # a person's name beside a telephone number, an e-mail address or a street


def form(text: str, said: Said) -> Form:
    """The form of a text; `said` is the same text, parted."""
    links = len(_LINK.findall(text)) if "://" in text or "www." in text else 0
    tags = len(_TAG.findall(text)) if text.count("#") >= _MANY_TAGS else 0
    pushes = links >= _MANY_LINKS or tags >= _MANY_TAGS
    return Form(pushes, links > 0 and _is_headline(text, said), _exposes(text))


def _is_headline(text: str, said: Said) -> bool:
    """Whether nothing but its link distinguishes the text from a newspaper's headline: no person speaks, asks or shouts."""
    return len(said.tokens) >= _HEADLINE and said.vocabulary.isdisjoint(_SPEAKING) and not _FEELING.search(_LINK.sub("", text))


def _exposes(text: str) -> bool:
    if not _REACHABLE.search(text):
        return False
    names = list(islice(_SOMEBODY.finditer(text), _NAMES))
    return bool(names) and any(_beside(name, place) for place in _places(text) for name in names)


def _places(text: str) -> Iterator[re.Match[str]]:
    yield from (place for place in _TELEPHONE.finditer(text) if sum(map(str.isdigit, place[0])) >= _DIGITS)
    yield from _EMAIL.finditer(text)
    yield from _STREET.finditer(text)


def _beside(name: re.Match[str], place: re.Match[str]) -> bool:
    return place.start() - _BESIDE < name.end() and name.start() < place.end() + _BESIDE
