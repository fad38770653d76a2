"""What a source has brought already, and as it was: what comes again unchanged need not be scored and stored again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from monitor.domain.mention import Mention

MOST_BROUGHT = 2_000  # that a cursor remembers: what it has forgotten is brought again, and the store knows it
_WHO, _WHAT = 12, 8  # letters of hashes


@dataclass(frozen=True, slots=True)
class Brought:
    """The mentions that were brought last: of each a hash of its identity, and one of all it said. It lives in a cursor."""

    known: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, state: object) -> Brought:
        """What `dump` has put into a cursor."""
        return cls({str(who): str(what) for who, what in state.items()}) if isinstance(state, Mapping) else cls()

    def dump(self) -> dict[str, str]:
        """What a cursor keeps of it."""
        return dict(self.known)

    def knows(self, uri: str) -> bool:
        """Whether the mention with this identity is among them."""
        return _hash(uri)[:_WHO] in self.known

    def news(self, mentions: Iterable[Mention]) -> tuple[Brought, list[Mention]]:
        """What was not brought yet, or says something else now, oldest first; and what is known from then on."""
        known, found = dict(self.known), []
        for mention in mentions:
            who, what = _hash(mention.key)[:_WHO], _hash(_said(mention))[:_WHAT]
            if known.pop(who, None) != what:
                found.append(mention)
            known[who] = what  # those met last are forgotten last
        recent = dict(list(known.items())[-MOST_BROUGHT:])
        return Brought(recent), sorted(found, key=lambda mention: mention.written_at)


def _said(mention: Mention) -> str:
    sets = sorted(mention.hashtags), sorted(mention.subjects)  # as they are, their order is another after a restart
    return f"{sets}{replace(mention, hashtags=frozenset(), subjects=frozenset())!r}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
