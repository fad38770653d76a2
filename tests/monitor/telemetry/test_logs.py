"""What comes out on standard error: one line per event, in JSON or for people, whoever logged it."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from monitor.telemetry import configure_logging

HOSTILE = 'bad\n{"level": "critical", "event": "forged"}\x1b[2J'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the lines go; afterwards logging is as it was."""
    root = logging.getLogger()
    before, level, plain = list(root.handlers), root.level, structlog.get_config()
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    structlog.configure(**plain)
    root.handlers[:], root.level = before, level


def events(stream: io.StringIO) -> list[dict[str, object]]:
    """Every line as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(stream: io.StringIO) -> None:
    """The moment, the level and the event come first, then what was said about it."""
    configure_logging("json", "info", stream)
    structlog.get_logger("tocsin.test").info("source.polled", source="nouvelles « été »", stored=3)
    line = stream.getvalue()
    assert line.endswith("\n")
    assert "« été »" in line
    event = json.loads(line)
    assert list(event)[:3] == ["at", "level", "event"]
    assert event["at"].endswith("Z")
    assert event | {"at": ""} == {
        "at": "", "level": "info", "event": "source.polled", "logger": "tocsin.test", "source": "nouvelles « été »", "stored": 3,
    }  # fmt: skip


@pytest.mark.fault("hostile", "a mention with line breaks and terminal escapes is quoted in the log")
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_hostile_text_forges_no_line(stream: io.StringIO, form: str) -> None:
    """A mention that looks like a log line, or would clear the terminal, stays inside its own line."""
    configure_logging("json" if form == "json" else "console", "info", stream)
    structlog.get_logger().warning("mention.rejected", text=HOSTILE, **{"k\ney": 1})
    logging.getLogger("library").warning("got %s", HOSTILE)
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


def test_the_standard_library_speaks_the_same(stream: io.StringIO) -> None:
    """A library's record comes out like one of ours, with its arguments and without its secrets."""
    configure_logging("json", "info", stream)
    logging.getLogger("library").error("login at %s failed", "https://me:secret@host")
    (event,) = events(stream)
    assert (event["level"], event["event"], event["logger"]) == ("error", "login at https://***@host failed", "library")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_cannot_forge_either(stream: io.StringIO, form: str) -> None:
    """An exception's text keeps its lines where they belong: inside one JSON string, or set in."""
    configure_logging("json" if form == "json" else "console", "info", stream)
    try:
        int(f"{HOSTILE} at https://me:secret@host\n")
    except ValueError:
        structlog.get_logger().exception("poll.failed", source="news")
    text = stream.getvalue()
    assert "secret" not in text
    assert "\x1b" not in text
    if form == "json":
        (event,) = events(stream)
        assert "Traceback (most recent call last):\n" in str(event["exception"])
    else:
        first, *rest = text.splitlines()
        assert "poll.failed" in first
        assert all(line.startswith("    | ") for line in rest)


def test_a_cut_traceback_leaves_no_half_secret(stream: io.StringIO) -> None:
    """A password that the cut would go through is hidden first, wherever the cut falls."""
    configure_logging("json", "info", stream)
    for before in range(15_900, 16_000, 9):
        error = ValueError("x" * before + " https://user:verysecretpassword@host/")
        structlog.get_logger().error("poll.failed", exc_info=error)
    assert "user:" not in stream.getvalue()
    assert "… (+" in stream.getvalue()


def test_the_level_is_respected_and_can_change(stream: io.StringIO) -> None:
    """Below the level nothing comes out, and a second call replaces the first instead of doubling every line."""
    configure_logging("json", "warning", stream)
    log = structlog.get_logger()
    log.info("quiet")
    configure_logging("json", "debug", stream)
    log.debug("loud")
    assert [event["event"] for event in events(stream)] == ["loud"]


def test_busy_libraries_are_quiet(stream: io.StringIO) -> None:
    """APScheduler tells of every job it runs; only its warnings are news."""
    configure_logging("json", "info", stream)
    logging.getLogger("apscheduler.executors.default").info("Running job")
    logging.getLogger("apscheduler.scheduler").warning("missed")
    assert [event["event"] for event in events(stream)] == ["missed"]


def test_pythons_warnings_are_events(stream: io.StringIO) -> None:
    """A deprecation inside a library is a line in the log, not loose text."""
    configure_logging("json", "info", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    (event,) = events(stream)
    assert event["logger"] == "py.warnings"
    assert "old ways" in str(event["event"])


def test_context_goes_along(stream: io.StringIO) -> None:
    """What is bound to the task is part of each of its events."""
    configure_logging("json", "info", stream)
    with structlog.contextvars.bound_contextvars(source="news"):
        structlog.get_logger().info("polled")
    assert events(stream)[0]["source"] == "news"
