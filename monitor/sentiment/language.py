"""Which language a text is written in: what the network claims, checked against what the words look like.

A detector that may only answer with the configured languages calls every German post English: told only of English and
French, py3langid took 265 of 324 German tweets for English. So it also knows the languages most written on the networks,
and answers with them. Its probability already falls with the length of the text, so one threshold serves short and long ones:
on pieces of one to eight words, at most 2 % were named wrongly, and what it could not tell is `und`.
"""

from __future__ import annotations

import mmap
import re
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from tempfile import TemporaryFile
from typing import Protocol

UNDETERMINED = "und"

# All that py3langid 0.4's model can name, save its entry for "no linguistic content".
_MODEL = """
ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa fi fo fr fuv fy ga
gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab kik kk km kn ko ku ky la lb lg lij
ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so
sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu
"""

# The languages most written on the networks: never guessed to be a configured one.
_MOST_WRITTEN = "ar bn ca cs da de el en es fa fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh"

KNOWN = frozenset(_MODEL.split())
NEIGHBOURS = frozenset(_MOST_WRITTEN.split())

SURE = 0.5  # below this, without a claim, the language is `und`
OVERRULES = 0.7  # from here the words outweigh the claim: keeps 99 % of right ones and mends 86 % of wrong ones on six words
MANY = 16  # texts, from which on it pays to look at them side by side
ENOUGH = 200  # characters: on six posts joined, 150 gave the answers that all of them gave, in five languages

_CODE = re.compile(r"^([a-z]{2,3})(?:[-_].*)?$")
_OLD_CODES = {"in": "id", "iw": "he", "ji": "yi", "nb": "no", "nn": "no", "eng": "en", "fra": "fr", "fre": "fr"}
_NO_CLAIM = frozenset({"und", "mul", "mis", "zxx", "art"})


class _Identifier(Protocol):
    def classify(self, instance: str) -> tuple[str, float]: ...


class _Identifiers(Protocol):
    def classify(self, texts: Sequence[str]) -> list[tuple[str, float]]: ...


class Detector:
    """Names a text's language. `languages` are the configured ones; `NEIGHBOURS` are always known beside them."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._identifier, self._side_by_side = _identifier(frozenset(languages) | NEIGHBOURS)

    def language(self, text: str, claimed: str | None) -> str:
        """An ISO 639 code or `und`.

        No claim: what the words look like, if that is sure. A claim stands unless the words surely look otherwise: people
        write English from accounts set to French, and a text of two words proves nothing against its author's setting.
        """
        claim = claimed_code(claimed)
        return _agreed(claim, *self._identifier.classify(text[:ENOUGH]))

    def seen(self, text: str) -> tuple[str, float]:
        """What the words alone look like, and how probable that is."""
        code, probability = self._identifier.classify(text[:ENOUGH])
        return code, float(probability)

    def languages(self, said: Sequence[tuple[str, str | None]]) -> list[str]:
        """The same for many texts, each with its claim; from `MANY` on, much faster."""
        if len(said) < MANY:
            return [self.language(text, claimed) for text, claimed in said]
        seen = self._side_by_side.classify([text[:ENOUGH] for text, _ in said])
        return [_agreed(claimed_code(claimed), *found) for (_, claimed), found in zip(said, seen, strict=True)]


def _agreed(claim: str | None, seen: str, probability: float) -> str:
    """What the claim and the words come to together."""
    if probability >= (OVERRULES if claim else SURE):
        return seen
    return claim or UNDETERMINED


def claimed_code(claimed: str | None) -> str | None:
    """The language a network's tag names ("fr-FR" is "fr"), or None where it names none (Twitter's "qme", "und")."""
    found = _CODE.match((claimed or "").strip().lower())
    if found is None:
        return None
    code = _OLD_CODES.get(found[1], found[1])
    private = "qaa" <= code <= "qtz" and len(code) == 3  # noqa: PLR2004 - the range ISO 639-2 leaves to private use
    return None if private or code in _NO_CLAIM else code


@lru_cache(maxsize=2)
def _identifier(languages: frozenset[str]) -> tuple[_Identifier, _Identifiers]:
    """Loads the model (about half a second, once) and keeps only the columns of `languages`: 19 MB instead of 73."""
    import numpy as np  # noqa: PLC0415 most commands score nothing
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 likewise

    from monitor.sentiment.side_by_side import SideBySide  # noqa: PLC0415 likewise

    full = LanguageIdentifier.from_model_file(MODEL_FILE)
    keep = [i for i, code in enumerate(full.nb_classes) if code in languages]
    identifier = LanguageIdentifier(
        np.ascontiguousarray(full.nb_ptc[:, keep], dtype=np.float32),  # half the time of half the bytes, and the same sums
        full.nb_pc[keep],
        [full.nb_classes[i] for i in keep],
        _mapped(full.tk_nextmove),
        array("i", full.tk_output),
        norm_probs=True,
        tk_row=full.tk_row,
    )
    return identifier, SideBySide(identifier)


def _mapped(table: array[int]) -> memoryview[int]:
    """The same table, read from an unnamed file: of its 39 MB only the pages that texts really touch stay in memory."""
    assert table.typecode == "I", "py3langid 0.4 keeps its states as unsigned integers of four bytes"
    with TemporaryFile() as file:
        table.tofile(file)
        file.flush()
        return memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)).cast("I")
