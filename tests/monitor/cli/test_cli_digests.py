"""`tocsin digest`: what leaves in the morning, read in the terminal, and sent when somebody asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.domain.errors import UsageError

Tocsin = Any


@pytest.mark.parametrize(
    ("form", "begins"), [("text", "The week\n"), ("json", "{"), ("csv", "\ufeffAcme,The week,"), ("html", "")]
)
def test_a_report_is_written_in_each_form(tocsin: Tocsin, form: str, begins: str) -> None:
    """Of any day; nothing is sent."""
    done = tocsin.at("digest", "show", "week", "--day", "2026-03-09", "--as", form)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(begins)
    if form == "json":
        assert json.loads(done.stdout)["figures"]["day"] == "2026-03-09"
    if form == "html":
        assert "<!doctype html>" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "wek"), "week"),
        (("show", "week", "--day", "monday"), "2026-03-02"),
        (("send", "week", "--to", "nobody"), "nobody"),
    ],
)
def test_what_is_not_there_is_said(tocsin: Tocsin, words: tuple[str, ...], said: str) -> None:
    """With what was meant, perhaps."""
    done = tocsin.at("digest", *words)
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
