"""What is typed in a shell, which does not have the secrets of the unit, or beside a rule that somebody is just writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.settings import ConfigError

Tocsin = Any

POSTS = "  posts: {kind: file, path: posts.jsonl}\n"
TOOTS = '  toots: {kind: mastodon, url: https://a.example, hashtags: [acme], token: "credential:toots"}\n'
ABOUT_THE_STORE = (
    ("status",),
    ("alerts",),
    ("alert", "show", "1"),
    ("ack", "1", "--by", "ines"),
    ("plan", "list"),
    ("plan", "show", "1"),
    ("silences",),
    ("sources",),
    ("hold", "add", "mention", "1", "--reason", "a claim", "--until", "2099-01-31"),
    ("hold", "list"),
    ("export", "file", "user1"),
    ("erase", "file", "user2", "--yes"),
    ("feedback", "1", "--not-complaint"),
    ("backup",),
    ("migrate", "--check"),
)


@pytest.fixture
def incomplete(rung: Tocsin, monkeypatch: pytest.MonkeyPatch) -> Tocsin:
    """A folder with secrets that only systemd has, with a rule file that is none, and with something that rings."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    text = (rung.config / "monitor.yaml").read_text("utf-8")
    text = text.replace(POSTS, POSTS + TOOTS)
    text = text.replace("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", '"${HUB_SECRET}"').replace(
        '"http://127.0.0.1:1/tocsin"', "credential:hub"
    )
    rung.write("monitor.yaml", text)
    rung.write("rules/new.yaml", "version: 1\nrules:\n")
    return rung


@pytest.mark.fault("operations", "a command is typed in a shell, which has none of the unit's secrets, beside a faulty rule")
def test_commands_about_the_store_need_the_store_alone(incomplete: Tocsin) -> None:
    """They do their work, and say on standard error what else could not be read."""
    for words in ABOUT_THE_STORE:
        done = incomplete.at(*words)
        assert done.exit_code == 0, (words, done.output)
        assert done.stdout, words
        warned = [line.split(": ") for line in done.stderr.splitlines()]
        assert {line[0] for line in warned} == {"warning"}
        assert sorted(line[2] for line in warned) == ["receivers.hub.secret", "receivers.hub.url", "sources.toots.token"]


def test_a_backup_is_restored_without_the_other_secrets(incomplete: Tocsin, tmp_path: Path) -> None:
    """On the worst day of all."""
    assert incomplete.at("backup", str(tmp_path / "copy.db")).exit_code == 0
    done = incomplete.at("restore", str(tmp_path / "copy.db"), "--yes")
    assert done.exit_code == 0
    assert "Restored 8 mentions" in done.stdout


def test_status_names_sources_whose_secrets_are_elsewhere(incomplete: Tocsin) -> None:
    """And JSON stays JSON."""
    shown = json.loads(incomplete.at("status", "--json").stdout)
    assert [each["source"] for each in shown["sources"]] == ["posts", "toots", "press"]
    assert "not asked (enabled: false)" in incomplete.at("status").stdout


def test_a_silence_needs_the_rules_and_no_secrets(incomplete: Tocsin) -> None:
    """Whether it would cover a danger can only be told when every rule can be read."""
    silence = ("silence", "--for", "1h", "--reason", "known", "--rule", "complaint")
    refused = incomplete.at(*silence)
    assert isinstance(refused.exception, ConfigError)
    assert "new.yaml" in str(refused.exception)
    (incomplete.config / "rules" / "new.yaml").unlink()
    assert "Silence 1 until" in incomplete.at(*silence).stdout


@pytest.mark.parametrize(
    "words", [("alert", "test", "complaint", "--to", "hub"), ("receivers", "list"), ("sources", "try", "posts"), ("run",)]
)
def test_commands_that_need_the_rest_refuse(incomplete: Tocsin, words: tuple[str, ...]) -> None:
    """All that is wrong is told, with the exit code 78."""
    refused = incomplete.at(*words).exception
    assert isinstance(refused, ConfigError)
    assert refused.exit_code == 78
    assert "the credential hub is not there" in str(refused)
