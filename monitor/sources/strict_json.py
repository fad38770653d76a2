"""JSON as the standard means it: no NaN, no infinities, no bottomless nesting, UTF-8 only."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 100


class NotJsonError(ValueError):
    """The bytes are not JSON that we accept; the text says why, without quoting them."""


def loads(raw: bytes | str) -> Any:
    """Parse one document. A byte order mark is tolerated. Raises `NotJsonError`."""
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        if text.count("[") + text.count("{") > MAX_DEPTH and _too_deep(text):
            raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels")
        return _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise NotJsonError(f"not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"{error.msg} (character {error.pos + 1})") from None
    except RecursionError:  # cannot happen below MAX_DEPTH; a belt beside the braces
        raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels") from None


def _too_deep(text: str) -> bool:
    """Whether brackets outside strings nest too deep. One pass; a malformed text is left to the parser."""
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif char in "]}":
            depth -= 1
    return False


def _refuse(name: str) -> NoReturn:
    raise NotJsonError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise NotJsonError("a number is too large")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 1000:  # noqa: PLR2004 - beyond any use, and int() is quadratic in it
        raise NotJsonError("a number is too large")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
