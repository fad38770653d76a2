"""A short hash of one source's or receiver's settings, to notice that somebody changed them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, SecretStr

# Enough to notice a changed password (65,535 times in 65,536), too little to try passwords against the stored hash.
_SECRET_BYTES = 2


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """By name; for `register()` of the store."""

    sources: Mapping[str, str]
    receivers: Mapping[str, str]


def fingerprint(*settings: BaseModel | None) -> str:
    """The same for the same settings, in every process and on every machine."""
    shown = [model.model_dump(mode="json") for model in settings if model]
    secrets = "\x1f".join(secret for model in settings if model for secret in _secrets(model.model_dump()))
    hidden = hashlib.sha256(secrets.encode("utf-8", "surrogatepass")).digest()[:_SECRET_BYTES].hex()
    said = json.dumps([shown, hidden], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _secrets(data: object) -> Iterator[str]:
    """Every secret within, in order."""
    if isinstance(data, SecretStr):
        yield data.get_secret_value()
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _secrets(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _secrets(value)
