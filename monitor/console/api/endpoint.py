"""What one row of the API's table says; what it reads and answers are the types of its function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter

from monitor.console.route import Method
from monitor.domain.account import Permission, Visitor
from monitor.pipeline.operations import Actor, Once
from monitor.web.desk import Desk

ROOT: Final = "/api/v1"


class Nothing(BaseModel):
    """No parameters, or no body."""

    model_config = ConfigDict(extra="forbid")


Query = TypeVar("Query", bound=BaseModel)
Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Asked(Generic[Query, Body]):
    """One call, read: `number` is that of the address, `once` the Idempotency-Key with what makes it this call's alone."""

    app: web.Application
    desk: Desk
    visitor: Visitor
    query: Query
    body: Body
    number: int = 0
    once: str = ""

    @property
    def actor(self) -> Actor:
        """In whose name it is done, and through what."""
        return Actor(self.visitor.account, self.visitor.through)

    @property
    def mark(self) -> Once | None:
        """By which a call that is sent again is known; None: its program gave no key."""
        return Once(ROOT, self.once) if self.once else None


Work = Callable[[Asked[Any, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Endpoint:
    """`path` is below `ROOT`. `name` tells rows apart that one function serves; `status` is that of success.

    `once`: it heeds the header Idempotency-Key.
    """

    method: Method
    path: str
    work: Work
    need: Permission
    status: HTTPStatus = HTTPStatus.OK
    name: str = ""
    title: str = ""
    once: bool = False

    @cached_property
    def query(self) -> type[BaseModel]:
        """The parameters behind the `?`."""
        return self._reads[0]

    @cached_property
    def body(self) -> type[BaseModel]:
        """What the JSON says that is sent."""
        return self._reads[1]

    @cached_property
    def answer(self) -> TypeAdapter[Any]:
        """What the JSON says that comes back."""
        return TypeAdapter(get_type_hints(self.work)["return"])

    @cached_property
    def id(self) -> str:
        """Unique among the rows."""
        return self.name or f"{self.work.__module__.rpartition('.')[2]}_{self.work.__name__}"

    @property
    def says(self) -> str:
        """What it does, in a sentence or more."""
        return self.title or inspect.getdoc(self.work) or ""

    @property
    def has_body(self) -> bool:
        """Whether something is to be sent."""
        return self.body is not Nothing

    @cached_property
    def _reads(self) -> tuple[type[BaseModel], type[BaseModel]]:
        query, body = get_args(get_type_hints(self.work)["asked"])
        return query, body
