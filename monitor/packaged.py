"""Where the data lies that travels with the program: rules, plans, word lists, the demo's story."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped() -> Path:
    """The shipped configuration: `monitor/shipped` in an installed wheel, `config` in a source tree."""
    installed = _PACKAGE / "shipped"
    return installed if installed.is_dir() else _PACKAGE.parent / "config"
