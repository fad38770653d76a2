"""Reads an id token: signed by a key of the provider, for us, in answer to our own question, and not too old."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from monitor.domain.errors import TocsinError

# Those with a public key alone: `none` signs nothing, and an HMAC could be made by whoever knows what is public.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_CLOCKS_APART: Final = 60  # seconds


class IdTokenError(TocsinError):
    """It is not to be believed."""


class UnknownKeyError(IdTokenError):
    """It is signed by a key that is not among those we know."""


def read(token: str, keys: KeySet, expected: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """What it says. `expected` holds `iss`, `aud` (our client id), `nonce` and, for its hash, the `access_token`.

    Raises `IdTokenError`, `UnknownKeyError` among them.
    """
    try:
        signed = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        kind = UnknownKeyError if "key" in type(error).__name__.lower() or isinstance(error, ValueError) else IdTokenError
        raise kind(type(error).__name__) from None
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": expected["iss"]},
        "aud": {"essential": True, "value": expected["aud"]},
    }
    params = {"nonce": expected["nonce"], "client_id": expected["aud"], "access_token": expected["access_token"]}
    claims = CodeIDToken(signed.claims, signed.header, options, params)
    try:
        claims.validate(now=int(now.timestamp()), leeway=_CLOCKS_APART)
    except (JoseError, ValueError, TypeError) as error:
        raise IdTokenError(f"{type(error).__name__}: {error}") from None
    return dict(claims)
