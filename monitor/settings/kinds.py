"""The small types that settings are made of: names, one or many, a time zone."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from monitor.domain.plan import Id
from monitor.settings.problems import nearest

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


def one_or_many(written: Any) -> Any:
    """A single text (or number: brands are called 1664) stands for a list of one."""
    return [written] if isinstance(written, str | int | float) and not isinstance(written, bool) else written


Names = Annotated[tuple[Id, ...], BeforeValidator(one_or_many, json_schema_input_type=Id | list[Id])]
Texts = Annotated[tuple[Text, ...], BeforeValidator(one_or_many, json_schema_input_type=Text | list[Text])]


@cache
def _zones() -> AbstractSet[str]:
    """Asking the system opens each of six hundred files; what it knows does not change while we run."""
    return available_timezones()


def zone(name: str) -> str:
    """`name`, when it is a time zone. Raises `ValueError` with the nearest one otherwise."""
    known = _zones()
    if name in known:
        return name
    near = nearest(name, known)
    hint = f"did you mean `{near}`?" if near else "write an IANA name such as Europe/Paris"
    raise ValueError(f"`{name}` is not a time zone; {hint}")


Zone = Annotated[str, AfterValidator(zone)]
