"""JSON as the standard means it: no NaN, no infinities, no bottomless nesting, UTF-8 only; and no more than fits into memory."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

_MAX_BYTES = 4 * 2**20  # a page of forty posts has a tenth of that; one emoji makes four bytes of every letter
_MAX_VALUES = 250_000  # an empty object has three bytes in a document, and sixty-four in memory
_MAX_DIGITS = 1000  # beyond any use, and int() is quadratic in it


class NotJsonError(ValueError):
    """The bytes are not JSON that we accept; the text says why, without quoting them."""


def loads(raw: bytes | str) -> Any:
    """Parse one document. A byte order mark is tolerated. Raises `NotJsonError`."""
    if len(raw) > _MAX_BYTES:
        raise NotJsonError(f"larger than {_MAX_BYTES // 2**20} MB")
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        if len(text) > _MAX_VALUES and _values(text) > _MAX_VALUES:
            raise NotJsonError(f"more than {_MAX_VALUES:,} values")
        return _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise NotJsonError(f"not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"{error.msg} (character {error.pos + 1})") from None
    except RecursionError:  # the parser counts its depth against the interpreter's limit, long before the stack ends
        raise NotJsonError("nested too deep") from None


def _values(text: str) -> int:
    """At least as many as there are; commas and brackets within strings count too."""
    return text.count(",") + text.count("[") + text.count("{") + 1


def _refuse(name: str) -> NoReturn:
    raise NotJsonError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise NotJsonError("a number is too large")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise NotJsonError("a number is too large")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
