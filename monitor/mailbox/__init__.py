"""Mailboxes of others that we read, and never change: the connection, and what a letter says.

What it offers is imported when it is first asked for: a worker that takes letters apart needs neither a connection nor settings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.mailbox.connection import Arrived, Batch, Folder, Mailbox
    from monitor.mailbox.letter import Letter, read
    from monitor.mailbox.settings import MailboxSettings, RepliesSettings
    from monitor.mailbox.words import own_words, takes_charge

__all__ = [
    "Arrived",
    "Batch",
    "Folder",
    "Letter",
    "Mailbox",
    "MailboxSettings",
    "RepliesSettings",
    "own_words",
    "read",
    "takes_charge",
]
_WHERE = {
    **dict.fromkeys(("Arrived", "Batch", "Folder", "Mailbox"), "connection"),
    **dict.fromkeys(("Letter", "read"), "letter"),
    **dict.fromkeys(("MailboxSettings", "RepliesSettings"), "settings"),
    **dict.fromkeys(("own_words", "takes_charge"), "words"),
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
