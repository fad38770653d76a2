"""Who people are: what the door of the console and its pages about accounts ask."""

from __future__ import annotations

from monitor.access.access import Access, Entry
from monitor.domain.sign_in import Client

__all__ = ["Access", "Client", "Entry"]
