"""The shape of what a rule remembers: another shape needs another state."""

from __future__ import annotations

import hashlib
import json


def shaped(*parts: object) -> str:
    """A hash of all that a state depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
