"""Seals the names of our messages: only who holds the installation's key can make one, or tell a true one from a guess."""

from __future__ import annotations

import base64
import hashlib
import hmac

_BYTES = 10  # 80 bits: each guess is an e-mail


class Seal:
    """Made of the installation's key. The same for the same message, in every process."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, message_id: str) -> str:
        """Sixteen letters and digits that are safe in a header."""
        digest = hmac.digest(self._key, message_id.encode(), hashlib.sha256)[:_BYTES]
        return base64.b32encode(digest).decode("ascii").lower()

    def fits(self, message_id: str, seal: str) -> bool:
        """Whether we gave this message this seal."""
        return hmac.compare_digest(self.of(message_id).encode(), seal.encode())
