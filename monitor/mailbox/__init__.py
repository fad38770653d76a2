"""Mailboxes of others that we read, and never change: the connection, and what a letter says."""

from monitor.mailbox.connection import Batch, Folder, Mailbox
from monitor.mailbox.letter import Letter, read
from monitor.mailbox.settings import MailboxSettings, RepliesSettings
from monitor.mailbox.words import own_words, takes_charge

__all__ = ["Batch", "Folder", "Letter", "Mailbox", "MailboxSettings", "RepliesSettings", "own_words", "read", "takes_charge"]
