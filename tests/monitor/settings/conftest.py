"""A folder to write configurations into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

TEN_LINES = """\
version: 1
subjects: {acme: [Acme]}
sources:
  news:
    kind: feed
    url: https://example.org/feed.xml
smtp: {host: localhost, port: 25, security: none, sender: bell@example.org}
receivers:
  me: {kind: email, to: me@example.org}
routing: {default: me}
"""

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def ten_lines() -> str:
    """A monitor.yaml of ten lines that works."""
    return TEN_LINES


@pytest.fixture
def watched() -> str:
    """The ten lines, a heartbeat, and where links lead: nothing to warn about."""
    return TEN_LINES + "heartbeat: {url: https://beats.example/acme}\nweb: {public_url: https://t.example}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files, by their path within the configuration's folder, on top of a monitor.yaml that works."""

    def _write(files: Mapping[str, str]) -> Path:
        for name, text in {"monitor.yaml": TEN_LINES, **files}.items():
            path = tmp_path / "config" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
        return tmp_path / "config"

    return _write
