"""What all settings models of the rule language share: frozen, no unknown keys, and a suggestion for a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from rules.duration import format_duration

_NAMED_AT_MOST = 12


def some(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse an empty list; unlike a minimum length it keeps quiet while an item itself is wrong."""
    if not items:
        raise ValueError("the list is empty: write at least 1 item, or remove the line")
    return items


def nearest(written: str, known: Iterable[str]) -> str | None:
    """The known name that `written` most likely means; None when nothing is near."""
    by_case = {name.casefold(): name for name in sorted(known, reverse=True)}
    found = get_close_matches(written.casefold()[:80], by_case, n=1, cutoff=0.62)
    return by_case[found[0]] if found else None


def suggest(word: str, known: Iterable[str]) -> str:
    """Words for the end of an error: the nearest known name, or the known names."""
    names = sorted(known)
    near = nearest(word, names)
    if near:
        return f"did you mean `{near}`?"
    if not names:
        return "there are none"
    shown = ", ".join(names[:_NAMED_AT_MOST])
    return f"known: {shown}{', …' if len(names) > _NAMED_AT_MOST else ''}"


class Settings(BaseModel):
    """A frozen model that refuses keys it does not know and says which was probably meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Only what was said: a condition has thirty fields and sets two of them."""
        return ((name, value) for name, value in self if name in self.model_fields_set)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Durations that are defaults are shown to editors as they are written: `6h`, not `PT6H`."""
        described = handler(schema)
        shown = handler.resolve_ref_schema(described)
        for name, field in cls.model_fields.items():
            if isinstance(field.default, timedelta):
                shown["properties"][field.alias or name]["default"] = format_duration(field.default)
        return described

    @model_validator(mode="wrap")
    @classmethod
    def _say_what_was_meant(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as wrong:
            raise ValidationError.from_exception_data(wrong.title, cls._explained(wrong)) from None

    @classmethod
    def _explained(cls, wrong: ValidationError) -> list[InitErrorDetails]:
        return [cls._unknown(error["loc"], error["input"]) if _is_own(error) else _same(error) for error in wrong.errors()]

    @classmethod
    def _unknown(cls, loc: Sequence[int | str], given: Any) -> InitErrorDetails:
        word = str(loc[0])
        hint = suggest(word, (field.alias or name for name, field in cls.model_fields.items()))
        said = PydanticCustomError("unknown_key", "`{word}` is not known here; {hint}", {"word": word, "hint": hint})
        return InitErrorDetails(type=said, loc=tuple(loc), input=given)


def _is_own(error: Any) -> bool:
    """Whether the error speaks of a key of this very model, not of one further down (which has explained its own)."""
    return bool(error["type"] == "extra_forbidden" and len(error["loc"]) == 1)


def _same(error: Any) -> InitErrorDetails:
    """The error as it was; its finished words become the template, so that every kind of error survives the journey."""
    said = PydanticCustomError(error["type"], "{words}", {**error.get("ctx", {}), "words": error["msg"]})
    return InitErrorDetails(type=said, loc=error["loc"], input=error["input"])
