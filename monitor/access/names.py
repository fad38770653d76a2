"""Login names: as short and plain as the names of people in contacts.yaml, which they may be; an e-mail address is one, too."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from monitor.domain.errors import UsageError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


def folded(written: str) -> str:
    """A name however it was typed: capitals and blanks around it mean nothing."""
    return unicodedata.normalize("NFKC", written).strip().casefold()


def account_name(written: str) -> str:
    """The name of a new account. Raises `UsageError` for what is none."""
    name = folded(written)
    if not _NAME.fullmatch(name):
        raise UsageError(
            "a login name has up to 64 letters a-z, digits and . _ @ + -, and begins with a letter or a digit, such as `claire`"
        )
    return name
