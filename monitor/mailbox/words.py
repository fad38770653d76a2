"""What somebody wrote themselves in an answer, without what their mail program quotes; and whether it says « je m'en occupe »."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_LONGEST_LINE = 500  # of what is matched; nobody takes charge in more words
_LONGEST_YES = 100
# How mail programs introduce what they quote: one line that may be broken in two or three …
_WROTE = re.compile(r"(?:le|on|am|el)\b(?=.*\d).*\b(?:a écrit|wrote|schrieb|escribió)\s*:", re.IGNORECASE)
_WRAPPED = 3
# … or, in Outlook, the head of the letter as a list.
_FROM = re.compile(r"(?:de|from|von)\s*:\s*\S", re.IGNORECASE)
_HEAD = re.compile(r"(?:envoyé|sent|date|à|to|cc|objet|subject|gesendet|an|betreff)\s*:", re.IGNORECASE)
_HEAD_WITHIN = 4
_RULE = re.compile(
    r"_{8,}|-{3,}\s*(?:message d.origine|original message|message transféré|forwarded message)\s*-{3,}", re.IGNORECASE
)
_SIGNED = re.compile(
    r"--|envoyé (?:de|depuis|à partir)\b.*|sent (?:from|via)\b.*|(?:obtenir|télécharger|get) outlook\b.*", re.IGNORECASE
)

# What is understood, as people write it, without accents, punctuation and case.
_YES = (
    "ok", "okay", "okey", "d'accord", "dac",
    "je prends", "je le prends", "je la prends", "je prends ca", "je prends en charge", "je le prends en charge",
    "je prends la main", "je m'en occupe", "je m'en charge", "je gere", "je suis dessus", "on s'en occupe", "on prend",
    "nous nous en occupons", "c'est pris", "c'est pris en charge", "pris", "pris en charge", "prise en charge", "pour moi",
    "ack", "acked", "acknowledge", "acknowledged", "on it", "i'm on it", "im on it", "i am on it", "we're on it",
    "i'll take it", "i take it", "i'll take this", "taking it", "i've got it", "i got it", "got it", "i have it",
    "i'll handle it", "handling it", "mine",
)  # fmt: skip
_POLITE = (
    "merci", "merci beaucoup", "merci bien", "bonjour", "bonsoir", "salut", "hello", "hi", "oui", "yes", "tres bien", "bien recu",
    "parfait", "tout de suite", "de suite", "maintenant", "je regarde", "thanks", "thank you", "thx", "great", "now",
    "right now", "right away", "looking", "i'm looking",
)  # fmt: skip
_THUMBS = re.compile("[\U0001f44d\U0001f44c\u2705\u2714]")


def _any_of(phrases: Sequence[str]) -> str:
    return "|".join(re.escape(each) for each in sorted(phrases, key=len, reverse=True))


_SAYS_YES = re.compile(rf"(?:(?:{_any_of(_POLITE)}) )*(?:{_any_of(_YES)})(?: (?:{_any_of((*_YES, *_POLITE))}))*")


def own_words(text: str) -> str:
    """What is new in an answer: without quotes, what introduces them, and what a telephone signs with."""
    lines = [line.strip().strip("*\u200b\ufeff").strip() for line in text.replace("\u00a0", " ").splitlines()]
    kept: list[str] = []
    here = 0
    while here < len(lines) and not _ends(lines, here):
        introduced = _introduces(lines, here)
        if introduced and not _quoted_next(lines, here + introduced):
            break  # what follows is quoted without marks
        if not introduced and not lines[here].startswith(">"):
            kept.append(lines[here])
        here += introduced or 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _ends(lines: Sequence[str], here: int) -> bool:
    """Whether nothing of their own follows: a signature, or the letter that is answered, without marks."""
    line = lines[here][:_LONGEST_LINE]
    if _SIGNED.fullmatch(line) or _RULE.fullmatch(line):
        return True
    return bool(_FROM.match(line)) and any(_HEAD.match(each) for each in lines[here + 1 : here + 1 + _HEAD_WITHIN])


def _introduces(lines: Sequence[str], here: int) -> int:
    """How many lines from here say « Le … a écrit : »; 0: none. « On it » may stand right above « On … wrote: »."""
    for count in range(1, _WRAPPED + 1):
        parts = lines[here : here + count]
        if not all(parts) or sum(map(len, parts)) > _LONGEST_LINE:
            return 0
        if _WROTE.fullmatch(" ".join(parts)):
            return 0 if any(_WROTE.fullmatch(" ".join(parts[below:])) for below in range(1, count)) else count
    return 0


def _quoted_next(lines: Sequence[str], here: int) -> bool:
    return next((line for line in lines[here:] if line), "").startswith(">")


def takes_charge(words: str) -> bool:
    """Whether the first line of somebody's own words says that they take charge, and nothing besides that is not mere politeness.

    « OK, mais pas avant 14 h » and « OK ? » do not: what is not clear must go on ringing.
    """
    line = _THUMBS.sub(" ok ", next(iter(words.splitlines()), ""))
    if "?" in line or len(line) > _LONGEST_YES:
        return False
    return _SAYS_YES.fullmatch(_bare(line)) is not None


def _bare(line: str) -> str:
    """Words alone: no accents, case or punctuation but the apostrophe."""
    plain = unicodedata.normalize("NFKD", line.replace("\u2019", "'")).casefold()
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(re.sub(r"[^\w']", " ", letters).split())
