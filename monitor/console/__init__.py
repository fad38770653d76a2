"""The console: the pages where people look, decide and show."""

from monitor.console.furnish import Console

__all__ = ["Console"]
