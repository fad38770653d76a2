"""Logging: one event is one line on standard error, as JSON for machines or in colour for people, whoever logs it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from monitor.telemetry.redact import cut_clean, fit, one_line

Format = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]

_TRACEBACK = 16_000  # characters
# Libraries whose everyday business is no news. Their warnings are.
_QUIET = ("alembic", "aiosqlite", "apprise", "apscheduler", "asyncio", "mail", "sqlalchemy", "tzlocal")


def configure_logging(format: Format = "json", level: Level = "info", stream: TextIO | None = None) -> None:  # noqa: A002 - the setting's name
    """Sends structlog's and the standard library's events to `stream` (standard error), one line each.

    May be called again (SIGHUP): the handler of the call before is replaced. Warnings of Python come out as events too.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_formatter(_json if format == "json" else _console(colours=handler.stream.isatty())))
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that another configuration replaces it and leaves the handlers of others (a test's) alone."""


def _shared() -> list[Processor]:
    """What happens to every event, wherever it comes from."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]


def _formatter(render: Processor) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            clean_event,
            render,
        ],
    )


def clean_event(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Every value cleaned of secrets and control characters; a traceback keeps its lines, each of them cleaned."""
    del logger, method
    traceback = event.pop("exception", None)
    cleaned: EventDict = {one_line(str(name)): fit(value, str(name)) for name, value in event.items()}
    if traceback is not None:
        cleaned["exception"] = _clean_lines(str(traceback))
    return cleaned


def _clean_lines(text: str) -> str:
    lines = cut_clean(text, _TRACEBACK).split("\n")
    return "\n".join(one_line(line) for line in lines)


def _json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """One JSON object, the moment, the level and what happened first."""
    del logger, method
    first = {name: event.pop(name) for name in ("at", "level", "event") if name in event}
    return json.dumps({**first, **event}, ensure_ascii=False, allow_nan=False)


def _console(*, colours: bool) -> Callable[[WrappedLogger, str, EventDict], str]:
    """For people: coloured on a terminal. Each line of a traceback is set in, so that none can pass for an event."""
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours, timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
    )

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        traceback = event.pop("exception", None)
        line = str(renderer(logger, method, event))
        return line if traceback is None else line + "".join(f"\n    | {text}" for text in str(traceback).split("\n"))

    return render
