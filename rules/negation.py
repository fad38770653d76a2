"""Tells whether a word of a text is denied: "no problem at all", « jamais eu une seule panne »."""

from __future__ import annotations

from collections.abc import Sequence

REACH = 4
"""A negation is looked for among this many words before the word that it denies; n' and d' count as words."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# All words here are folded: lower case, without accents, parted at apostrophes ("isn't" is "isn" and "t").
_NEGATIONS = _words(
    """
    pas jamais aucun aucune aucuns aucunes sans ni zero rien
    no not never without nor neither nothing nobody cannot doesnt didnt isnt arent wasnt werent hasnt havent hadnt aint
    """
)
_BEFORE_T = _words("don doesn didn isn aren wasn weren hasn haven hadn ain can couldn won wouldn shouldn needn")  # of "n't"
# "plus de panne" says that there is none any more; « encore plus de pannes », « de plus en plus de pannes » say the contrary.
_AFTER_PLUS = _words("de d en aucun aucune jamais")
_AFTER_NOBODY = _words("n ne")
_BEFORE_MORE = _words("encore toujours beaucoup bien en de")
# Only such words may stand between a negation and what it denies. "Not fixed the problem" denies the fixing, not the problem;
# "not the first problem" speaks of more than one, and "never been so disappointed" of the worst.
_LIGHT = _words(
    """
    de d du des un une en eu eue ete etre avoir a ai suis es est sommes etes sont tout vraiment trop tres
    n ne seul seule reel reelle vrai vraie grand grande gros grosse petit petite tombe tombee rencontre connu subi encore
    one an any at all been be being is was were am have has had having get got getting ever yet really very single major real big
    """
)


def negation(words: Sequence[str], at: int) -> int | None:
    """Where the negation stands that denies the (folded) word at this place; None if nothing denies it."""
    for place in range(at - 1, max(at - REACH, 0) - 1, -1):
        if _negates(words, place):
            return place
        if words[place] not in _LIGHT:
            return None
    return None


def _negates(words: Sequence[str], at: int) -> bool:
    word = words[at]
    if word == "personne":  # « personne n'est blessé », but « une personne blessée »
        return words[at + 1] in _AFTER_NOBODY
    if word == "plus":
        return words[at + 1] in _AFTER_PLUS and (at == 0 or words[at - 1] not in _BEFORE_MORE)
    return word in _NEGATIONS or _is_apostrophe_t(words, at)


def _is_apostrophe_t(words: Sequence[str], at: int) -> bool:
    return words[at] == "t" and at > 0 and words[at - 1] in _BEFORE_T
