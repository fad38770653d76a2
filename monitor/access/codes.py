"""One-time codes: six digits from a telephone that change every 30 seconds (RFC 6238), and codes on paper for when it is lost."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp

from monitor.access.secret import hashed

STEP: Final = 30  # seconds
_CLOCKS_APART: Final = (0, -1, 1)  # steps: a telephone's clock may be a little off
_RECOVERY: Final = 10
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that people take for another


def new_secret() -> str:
    """What a telephone and we make codes from: 160 bits, in the letters that authenticators take."""
    return pyotp.random_base32()


def address(secret: str, account: str, issuer: str) -> str:
    """The `otpauth:` address that an authenticator reads from a picture. It holds the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The number of the step (of 30 s, since 1970) whose code this is, if it is one of about now."""
    typed = "".join(code.split())
    now = int(at.timestamp()) // STEP
    totp = pyotp.TOTP(secret)
    right = (
        now + apart for apart in _CLOCKS_APART if hmac.compare_digest(totp.generate_otp(now + apart).encode(), typed.encode())
    )
    return next(right, None)


def recovery_codes() -> list[str]:
    """Ten codes, 16 letters each in four groups (79 bits), each of which works once instead of a telephone."""
    return ["-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4)) for _ in range(_RECOVERY)]


def recovery_hash(typed: str) -> str:
    """What is kept of a recovery code, however its groups are typed."""
    return hashed("".join(letter for letter in typed.casefold() if letter.isalnum()))
