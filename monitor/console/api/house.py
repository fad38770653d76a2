"""Tocsin itself for programs: who asks, how sources and the rest stand, and by which rules and plans it goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version as installed
from typing import Any, Final, Literal

from pydantic import Field

from monitor.console.api.endpoint import Asked, Endpoint, Nothing
from monitor.console.api.words import Page, Record, Seconds
from monitor.console.health.view import configuration, receivers
from monitor.domain.account import Permission, Role
from monitor.domain.plan import Plan, localized
from monitor.pipeline.source_standing import Condition, standings
from monitor.web.app import DEPS
from rules import Rule


class Me(Record):
    """Who asks, and what they may."""

    account: str
    name: str
    role: Role
    language: Literal["fr", "en"]
    timezone: str
    through: Literal["console", "token", "proxy"]
    may: list[Permission] = Field(description="of a token: what its scopes leave of what the role may")


class Version(Record):
    """Which Tocsin this is; `api` changes when programs must."""

    tocsin: str
    api: Literal[1] = 1


class ErrorsRecord(Record):
    """Of the polls of the last day how many failed, and which share of them may; `left`: 1 untouched, 0 used up."""

    polls: int
    failed: int
    allowed: float
    left: float | None


class QuotaRecord(Record):
    """What may be spent in a period, and what is left of it."""

    per: str
    counts: str
    amount: float
    left: float


class SourceRecord(Record):
    """How one source stands, as `tocsin sources list --json` has it."""

    name: str
    kind: str
    networks: list[str]
    condition: Condition
    trouble: str | None
    detail: str | None
    failures: int
    answered_at: datetime | None
    brought_at: datetime | None
    watermark: datetime | None
    lag: Seconds | None = Field(serialization_alias="lag_seconds")
    errors: ErrorsRecord
    next_poll: datetime | None
    quotas: list[QuotaRecord]


class ReceiverRecord(Record):
    """How one receiver stands."""

    name: str
    kind: str
    condition: Literal["well", "failing", "stopped", "never"]
    waiting: int
    failures: int
    arrived_at: datetime | None
    failed_at: datetime | None
    why: str | None


class Health(Record):
    """How Tocsin itself is. `troubles`: why it cannot do its work now; `behind`: mentions that are not judged yet."""

    status: Literal["well", "unavailable"]
    troubles: list[str]
    behind: int
    waiting: int = Field(description="messages that are to be sent")
    receivers: list[ReceiverRecord]
    in_force_since: datetime
    counts: dict[str, int] = Field(description="of what the configuration in force has how many")
    observed_until: datetime | None = Field(description="until then nothing rings")


class RuleRecord(Record):
    """A rule, and its settings as they are written."""

    id: str
    kind: str
    title: str | None
    category: str
    severity: str
    settings: dict[str, Any]


class PlanRecord(Record):
    """A plan, and all that its file says."""

    id: str
    title: str
    version: str
    settings: dict[str, Any]


async def me(asked: Asked[Nothing, Nothing]) -> Me:
    """Who asks, and what they may."""
    visitor = asked.visitor
    plain = {name: getattr(visitor, name) for name in Me.model_fields if name != "may"}
    return Me(**plain, may=[each for each in Permission if visitor.may(each)])


async def version(asked: Asked[Nothing, Nothing]) -> Version:
    """Which Tocsin this is."""
    del asked
    return Version(tocsin=_version())


@lru_cache(maxsize=1)
def _version() -> str:
    return installed("tocsin")


async def sources(asked: Asked[Nothing, Nothing]) -> Page[SourceRecord]:
    """How each source stands, in the order of the configuration."""
    desk = asked.desk
    async with desk.store.read() as tx:
        found = await standings(tx, desk.settings.sources, desk.clock)
    return Page[SourceRecord](items=[SourceRecord.model_validate(each) for each in found], next=None)


async def health(asked: Asked[Nothing, Nothing]) -> Health:
    """How Tocsin itself is. It answers 200 also when it is not well: `/-/ready`, on the operator's door, is for probes."""
    desk, in_force = asked.desk, configuration(asked.desk)
    troubles = list(await asked.app[DEPS].troubles())
    async with desk.store.read() as tx:
        pending = await tx.deliveries.pending()
        states = await tx.receivers.all()
        behind = await tx.mentions.behind(await tx.evaluator.offset())
    return Health(
        status="unavailable" if troubles else "well",
        troubles=troubles,
        behind=behind,
        waiting=sum(pending.values()),
        receivers=[ReceiverRecord.model_validate(each) for each in receivers(desk.settings, states, pending)],
        in_force_since=in_force.since,
        counts=dict(in_force.counts),
        observed_until=in_force.observed_until,
    )


async def rules(asked: Asked[Nothing, Nothing]) -> Page[RuleRecord]:
    """The rules in force, as they are written."""
    found = [_rule(each, asked) for each in asked.desk.settings.rules]
    return Page[RuleRecord](items=found, next=None)


def _rule(rule: Rule, asked: Asked[Any, Any]) -> RuleRecord:
    title: Mapping[Any, str] | None = rule.title
    return RuleRecord(
        id=rule.id,
        kind=rule.kind,
        title=localized(title, asked.visitor.language) if title else None,
        category=rule.category,
        severity=rule.severity,
        settings=rule.model_dump(mode="json", by_alias=True, exclude_unset=True),
    )


async def plans(asked: Asked[Nothing, Nothing]) -> Page[PlanRecord]:
    """The plans in force, as they are written."""
    found = [_plan(each, asked) for each in asked.desk.settings.plans.values()]
    return Page[PlanRecord](items=found, next=None)


def _plan(plan: Plan, asked: Asked[Any, Any]) -> PlanRecord:
    title = localized(plan.title, asked.visitor.language)
    return PlanRecord(id=plan.id, title=title, version=plan.version, settings=plan.snapshot())


ENDPOINTS: Final = (
    Endpoint("GET", "/me", me, Permission.LOOK),
    Endpoint("GET", "/version", version, Permission.LOOK),
    Endpoint("GET", "/health", health, Permission.LOOK),
    Endpoint("GET", "/sources", sources, Permission.LOOK),
    Endpoint("GET", "/rules", rules, Permission.LOOK),
    Endpoint("GET", "/plans", plans, Permission.LOOK),
)
