"""Digests and reports: gathered from the store, told in the reader's words, and written as mail, text, table or page.

`gather` reads what one is made of, `tell` puts it into words, `Writer` makes the message that leaves.
"""

from __future__ import annotations

from monitor.digest.gathering import gather, over, scope_of
from monitor.digest.known import known
from monitor.digest.paper import Paper, Section
from monitor.digest.telling import tell
from monitor.digest.value import Scope
from monitor.digest.writing import Writer

__all__ = ["Paper", "Scope", "Section", "Writer", "gather", "known", "over", "scope_of", "tell"]
