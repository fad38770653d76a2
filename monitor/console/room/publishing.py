"""Words cut to what each network takes, ready to copy: one post, or several with their numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LIMITS: Final[Mapping[str, int]] = {"X": 280, "Bluesky": 300, "Mastodon": 500, "Threads": 500, "LinkedIn": 3_000}
"""Characters of one post, as the networks give them to everybody."""

_NUMBER: Final = len(" (10/10)")
_BREAKS: Final = re.compile(r"(?<=[.!?…])\s+|\n+|\s+")


@dataclass(frozen=True, slots=True)
class Cut:
    """What is posted on some networks that take as much: `posts` in their order."""

    networks: Sequence[str]
    posts: Sequence[str]


def cuts(text: str) -> list[Cut]:
    """The same words for each network; those on which they come out alike together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for network, limit in LIMITS.items():
        together.setdefault(tuple(cut(text, limit)), []).append(network)
    return [Cut(networks, posts) for posts, networks in together.items()]


def cut(text: str, limit: int) -> list[str]:
    """Posts of at most `limit` characters: cut between sentences where that leaves them half full, else between words."""
    text = text.strip()
    if len(text) <= limit:
        return [text]
    posts, room = [], limit - _NUMBER
    while text:
        end = len(text) if len(text) <= room else _end(text, room)
        posts.append(text[:end].strip())
        text = text[end:].strip()
    return [f"{post} ({number}/{len(posts)})" for number, post in enumerate(posts, 1)]


def _end(text: str, room: int) -> int:
    """Where to cut: after the last sentence, or word, that fits; within a word that is longer than a post."""
    breaks = [found for found in _BREAKS.finditer(text, 0, room + 1) if found.start() <= room]
    sentences = [found.start() for found in breaks if text[found.start() - 1] in ".!?…" or "\n" in found[0]]
    if sentences and sentences[-1] > room // 2:
        return sentences[-1]
    return breaks[-1].start() if breaks and breaks[-1].start() else room
