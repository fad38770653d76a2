"""The small types that settings are made of: names, one or many."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from monitor.domain.plan import Id

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

PHONE = r"^\+?[0-9(][0-9 ./()-]{0,30}[0-9]$"
Phone = Annotated[str, StringConstraints(pattern=PHONE, strip_whitespace=True)]


def one_or_many(written: Any) -> Any:
    """A single text (or number: brands are called 1664) stands for a list of one."""
    return [written] if isinstance(written, str | int | float) and not isinstance(written, bool) else written


Names = Annotated[tuple[Id, ...], BeforeValidator(one_or_many, json_schema_input_type=Id | list[Id])]
Texts = Annotated[tuple[Text, ...], BeforeValidator(one_or_many, json_schema_input_type=Text | list[Text])]
