"""What the tests of the rule language share: mentions to look at, and rules written as in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.domain.mention import Engagement, Observed, ObservedAuthor
from rules import AnyRule, Engine, Finding, RuleFile, States
from rules.cases import History
from rules.state import StateKey

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_AUTHOR = {"handle", "reach", "verified", "own", "tier", "prior_mentions"}
_ENGAGEMENT = {"replies", "shares", "likes"}


def _mention(number: int = 1, **said: Any) -> Observed:
    author = ObservedAuthor(id=said.pop("author", number), **{name: said.pop(name) for name in _AUTHOR & set(said)})
    engagement = Engagement(**{name: said.pop(name) for name in _ENGAGEMENT & set(said)})
    at = said.pop("at", NOON)
    plain = Observed(
        id=number, network="mastodon", source="here", form="post", text="Hello", written_at=at, seen_at=at, language="en",
        subjects=frozenset({"acme"}), author=author, engagement=engagement,
    )  # fmt: skip
    sets: dict[str, Any] = {name: frozenset(value) if isinstance(value, set) else value for name, value in said.items()}
    return replace(plain, **sets)


def _rules(*written: Mapping[str, Any]) -> tuple[AnyRule, ...]:
    return RuleFile.model_validate({"version": 1, "rules": list(written)}).effective()


def _engine(*written: Mapping[str, Any], lists: Mapping[str, Sequence[str]] | None = None) -> Engine:
    return Engine(_rules(*written), lists or {})


def _holds(where: Mapping[str, Any], mention: Observed, lists: Mapping[str, Sequence[str]] | None = None) -> bool | None:
    rule = {"id": "probe", "kind": "mention", "where": where}
    return _engine(rule, lists=lists).explain("probe", mention)[0].held


class Daemon:
    """One engine that is shown mentions in order, and looks at the clock now and then in between."""

    def __init__(self, rules: Engine, *, look: timedelta = timedelta(minutes=1), listened: History | None = None) -> None:
        """`listened`: what was heard of acme before."""
        self.rules, self.states = rules, States()
        if listened:
            self.rules.learnt(listened, {"subject": "acme"}, self.states, NOON)
        self.rang: list[Finding] = []
        self._look, self._looked = look, NOON
        self._stored: dict[StateKey, str] = {}

    def hear(self, mention: Observed) -> None:
        """A mention, after whatever rang before it because time had passed."""
        self.wait(mention.written_at)
        self.rang += self.rules.observe(mention, self.states)

    def wait(self, until: datetime) -> None:
        """Let time pass. Everything that was said has come."""
        while self._looked + self._look <= until:
            self._looked += self._look
            self.rang += self.rules.due(self.states, self._looked)

    def sweep(self, at: datetime) -> None:
        """Forget what is long over."""
        self.rules.sweep(self.states, at)

    def restart(self) -> None:
        """Forget everything but what was stored."""
        for key, state in self.states.take_dirty().items():
            if state is None:
                self._stored.pop(key, None)
            else:
                self._stored[key] = json.dumps(state)
        self.states = States.load({key: json.loads(state) for key, state in self._stored.items()})


MakeDaemon = Callable[..., Daemon]


@pytest.fixture(scope="session")
def daemon() -> MakeDaemon:
    """Makes a daemon around an engine: `daemon(rules, look=…)`."""
    return Daemon


@pytest.fixture(scope="session")
def mention() -> Callable[..., Observed]:
    """Makes a mention: `mention(7, text="…", own=True, reach=10, at=…)`; its author is number 7 unless told otherwise."""
    return _mention


@pytest.fixture(scope="session")
def engine() -> Callable[..., Engine]:
    """Makes an engine of rules written as in a file."""
    return _engine


@pytest.fixture(scope="session")
def holds() -> Callable[..., bool | None]:
    """Whether a condition, written as in a file, holds for a mention."""
    return _holds
