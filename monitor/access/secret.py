"""What only its holder knows: made here, shown once, and kept as a hash that nobody can go back from."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from typing import Final

_BYTES: Final = 32  # 256 bits: nobody guesses them, so that a fast hash keeps them
TOKEN: Final = "tocsin_"  # noqa: S105 - what tokens begin with, so that scanners of published code find them
_HEX: Final = 2 * _BYTES
_CHECK: Final = 8


def new_secret() -> str:
    """A new one, for cookies and links."""
    return secrets.token_urlsafe(_BYTES)


def new_token() -> str:
    """A new API token: `tocsin_`, 64 random hexadecimal digits, and the CRC-32 of these as eight more."""
    body = secrets.token_hex(_BYTES)
    return f"{TOKEN}{body}{_check(body)}"


def is_token(written: str) -> bool:
    """Whether it is written as a token is: what is not was mistyped or cut off, and the store need not be asked."""
    body = written.removeprefix(TOKEN)
    right = written.startswith(TOKEN) and len(body) == _HEX + _CHECK and body.isascii()
    return right and hmac.compare_digest(body[_HEX:], _check(body[:_HEX]))


def hashed(secret: str) -> str:
    """What is kept of a secret that nobody can guess: its SHA-256, in hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def mark(key: bytes, *parts: str) -> str:
    """What only whoever has the key can have made of these parts: an HMAC-SHA256, in hexadecimal digits."""
    return hmac.new(key, "\0".join(parts).encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _check(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
