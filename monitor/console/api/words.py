"""The types that all parts of the API share: pages, names, notes, moments, and records read from what the store gives."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from monitor.domain.handling import LONGEST_NOTE
from notifiers.safe import clean

MOST: Final = 200  # records of a page
_GREATEST: Final = 10**18
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_MILLISECONDS: Final = 1000
_LONGEST_NUMBER: Final = 20  # digits


def _moment(value: Any) -> Any:
    """Milliseconds since 1970, as Grafana writes them, or RFC 3339; without a zone in UTC."""
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        return datetime.fromisoformat(value.strip().replace(" ", "+") if value.count(":") > 1 else value.strip())
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return datetime.fromtimestamp(_within(value), UTC)
    return value


def _within(milliseconds: int | str) -> float:
    seconds = int(milliseconds) / _MILLISECONDS if len(str(milliseconds)) < _LONGEST_NUMBER else math.inf
    if not _EARLIEST.timestamp() <= seconds < _LATEST.timestamp():
        raise ValueError("write milliseconds since 1970, or a moment such as 2026-03-02T08:00:00Z")
    return seconds


def _aware(value: datetime) -> datetime:
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("a moment lies between 2000 and 2100")
    return moment.astimezone(UTC)


def _one_word(text: str) -> str:
    if "\x00" in text or not text.isprintable():
        raise ValueError("a name has no control characters")
    return text


Number = Annotated[int, Field(ge=1, le=_GREATEST)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_word)]
Note = Annotated[str, StringConstraints(max_length=LONGEST_NOTE), AfterValidator(lambda said: clean(said, LONGEST_NOTE))]
Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=int | datetime), AfterValidator(_aware)]
Seconds = Annotated[timedelta, PlainSerializer(lambda lasts: lasts.total_seconds(), return_type=float)]
Names = Annotated[list[str], BeforeValidator(lambda names: sorted(names) if isinstance(names, Collection) else names)]


class Said(BaseModel):
    """What is sent: nothing that is not known here."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Query(BaseModel):
    """Parameters: text, which is read as what is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Record(BaseModel):
    """What comes back, read from what the store gives."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class PageQuery(Query):
    """Which part of a list, the newest first."""

    before: Number | None = Field(None, description="`next` of the page before: go on with older ones")
    limit: int = Field(50, ge=1, le=MOST, description="at most so many")


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A part of a list, the newest first."""

    items: list[Item]
    next: int | None = Field(description="give it as `before` for what is older; null: there is nothing more")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """As the document names it."""
        return f"{params[0].__name__.removesuffix('Record')}Page"


def cut(items: list[Item], limit: int, number: str = "id") -> Page[Item]:
    """A page of `limit`, of which one more was asked for."""
    more = len(items) > limit
    return Page[Item](items=items[:limit], next=getattr(items[limit - 1], number) if more else None)
