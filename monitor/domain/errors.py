"""What can go wrong, in words that decide what happens next. Every error says what, where, and what to do."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """Exit codes of the `tocsin` command (the numbers of sysexits.h)."""

    OK = 0
    FAILED = 1
    USAGE = 64
    UNAVAILABLE = 69
    CANNOT_CREATE = 73
    INPUT_OUTPUT = 74
    CONFIGURATION = 78


class TocsinError(Exception):
    """An error that a person can act on: its text is shown as it is, without a traceback."""

    exit_code: ExitCode = ExitCode.FAILED


class UsageError(TocsinError):
    """The command was called with something that does not exist or cannot be combined."""

    exit_code = ExitCode.USAGE


class CannotCreateError(TocsinError):
    """A file or folder that was asked for cannot be written."""

    exit_code = ExitCode.CANNOT_CREATE


class InputError(TocsinError):
    """A file could not be read, or says something that cannot be understood."""

    exit_code = ExitCode.INPUT_OUTPUT


class StorageError(TocsinError):
    """The store cannot be opened, migrated or written."""

    exit_code = ExitCode.UNAVAILABLE


class Trouble(StrEnum):
    """Why a poll failed: decides whether to try again, and labels the metric."""

    CREDENTIALS = "credentials"  # 401/403: stop, tell ops once
    GONE = "gone"  # 410: the address will never answer again: stop
    THROTTLED = "throttled"  # 429 in any form: wait as told
    UNAVAILABLE = "unavailable"  # 5xx, connection refused, DNS
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"  # a body over the cap
    MALFORMED = "malformed"  # truncated, wrong-typed, not what the API documents
    REFUSED = "refused"  # another 4xx, or an address that may not be called: the settings are wrong
    SPENT = "spent"  # our own budget is used up: nobody was asked; tell ops once, go on in the next period
    INTERNAL = "internal"  # a bug of ours


class SourceError(TocsinError):
    """A poll failed. `retry_after` is in seconds, when the server said how long to wait."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, trouble: Trouble, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{trouble}: {detail}")
        self.trouble = trouble
        self.detail = detail
        self.retry_after = retry_after

    @property
    def permanent(self) -> bool:
        """Whether asking again is pointless until a person has changed something."""
        return self.trouble in {Trouble.CREDENTIALS, Trouble.GONE}
