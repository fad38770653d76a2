"""What the tests of the rule language share: mentions to look at, and rules written as in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.domain.mention import Engagement, Observed, ObservedAuthor
from rules import AnyRule, Engine, RuleFile

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
