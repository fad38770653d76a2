"""The index of the rules' words beside Aho-Corasick automata, over the same words and texts: `python -m bench.automata`.

The automata are no dependency of ours: `uv run --with pyahocorasick --with ahocorasick-rs python -m bench.automata`.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench import machine, rule_speed
from rules.word_index import WordIndex
from rules.words import Said, WordList, said

TRIES = 5


def main() -> None:
    """Texts in a second of processor time, the best of some tries, in turn. Texts are folded and cut into words before."""
    rules, telling = rule_speed.thousand_rules()
    texts = [said(mention.text) for mention in rule_speed.mentions(list(telling), telling)]
    entries = [rule["where"]["text"]["any_of"] for rule in rules]
    print(machine.describe())
    print(f"{sum(map(len, entries)):,} words of {len(entries):,} lists, {len(texts):,} texts of 25 words")
    ways = dict(_ways(entries))
    tries = [{name: _rate(look, texts) for name, look in ways.items()} for _ in range(TRIES)]
    for name in ways:
        print(f"{name:<20} {max(each[name] for each in tries):>10,.0f} texts/s")


def _ways(entries: Sequence[Sequence[str]]) -> Iterator[tuple[str, Callable[[Said], object]]]:
    """Each finds the lists that may match. Only the index knows beginnings of words; the automata need the text in one piece."""
    index = WordIndex()
    for words in entries:
        index.add(WordList(words))
    yield "our index", index.possible
    padded = [f" {word} " for words in entries for word in words]
    if (pyahocorasick := _library("ahocorasick")) is not None:
        automaton = pyahocorasick.Automaton()
        for number, word in enumerate(padded):
            automaton.add_word(word, number)
        automaton.make_automaton()
        yield "pyahocorasick", lambda text: list(automaton.iter(_whole(text)))
    if (rust := _library("ahocorasick_rs")) is not None:
        compiled = rust.AhoCorasick(padded)
        yield "ahocorasick_rs", lambda text: compiled.find_matches_as_indexes(_whole(text), overlapping=True)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out")
        return None


def _whole(text: Said) -> str:
    return f" {' '.join(text.tokens)} "


def _rate(look: Callable[[Said], object], texts: Sequence[Said]) -> float:
    began = time.process_time()
    for text in texts:
        look(text)
    return len(texts) / (time.process_time() - began)


if __name__ == "__main__":
    main()
