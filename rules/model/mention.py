"""The kind `mention`: each mention that matches rings."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from rules.base import Settings
from rules.duration import PositiveDuration
from rules.model.base import OfMentions
from rules.model.parts import Key, Raised
from rules.where import Where


class RaisedByMention(Raised):
    """When the alert of a mention rule is louder."""

    where: Where = Field(description="conditions on top of the rule's own `where`")


class Resolve(Settings):
    """When the alert of a mention rule ends by itself."""

    after: PositiveDuration = Field(timedelta(hours=24), description="this long after the last mention that rang it")
    answered: bool = Field(
        False, description="true: also once one of our own accounts has replied to a mention that rang it, or in its thread"
    )


class Limit(Settings):
    """How many new alerts of a rule are told one by one; nothing beyond is lost."""

    per: PositiveDuration = Field(timedelta(hours=1), description="within how long they are counted")
    max: int = Field(ge=1, description="so many alerts are told on their own")
    overflow: Literal["digest"] = Field("digest", description="`digest`: the others are gathered into one message a receiver")


class MentionRule(OfMentions):
    """Rings for each mention that matches: one complaint is heard, however small the account."""

    kind: Literal["mention"]
    key: Key = Field(("author",), description="what makes an alert its own: later matches with the same key join the open alert")
    raise_: tuple[RaisedByMention, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    resolve: Resolve = Field(default_factory=Resolve, description="when its alert ends by itself")
    limit: Limit | None = Field(None, description="how many of its new alerts are told one by one")
