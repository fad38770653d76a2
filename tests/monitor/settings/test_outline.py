"""What is read of a configuration for commands about the store: what they need must be right, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.settings import ConfigError, outline

Write = Callable[[Mapping[str, str]], Path]
SECRETS = """\
version: 1
timezone: Europe/Paris
language: fr
subjects: {acme: [Acme]}
sources:
  toots: {kind: mastodon, url: https://social.example, token: "${TOOTS_TOKEN}", hashtags: [acme]}
  press: {kind: feed, url: "credential:press-address", enabled: false}
smtp: {host: localhost, port: 25, security: none, sender: bell@example.org, username: bell, password: "credential:smtp-password"}
receivers:
  me: {kind: email, to: me@example.org}
  hub: {kind: webhook, url: "credential:hub-address", secret: "${HUB_KEY}"}
storage: {url: "sqlite:////srv/acme.db", retention: {mentions: 90d}}
"""


def test_secrets_that_only_the_service_has_hinder_nobody(write: Write) -> None:
    """Each is named once; the store, the words and the names are there all the same."""
    found, elsewhere = outline(write({"monitor.yaml": SECRETS}), environ={})
    assert found.storage.place == "/srv/acme.db"
    assert found.storage.retention.periods()["mentions"].days == 90
    assert (found.timezone, found.language) == ("Europe/Paris", "fr")
    assert found.subjects["acme"].names == ("Acme",)
    assert found.sources == {"toots": True, "press": False}
    assert set(found.receivers) == {"me", "hub"}
    missing = {"sources.toots.token", "sources.press.url", "smtp.password", "receivers.hub.url", "receivers.hub.secret"}
    assert sorted(each.field for each in elsewhere) == sorted(missing)


def test_no_secret_is_in_what_is_said(write: Write) -> None:
    """Of a secret that is there and does not fit, the reference is quoted."""
    text = SECRETS.replace("kind: webhook, url", "kind: webhook, hunter: 2, url")
    _, elsewhere = outline(write({"monitor.yaml": text}), environ={"HUB_KEY": "canary-in-a-key", "TOOTS_TOKEN": "canary-token"})
    assert "receivers.hub.hunter" in {each.field for each in elsewhere}
    assert "canary" not in " ".join(map(str, elsewhere))


def test_a_store_that_cannot_be_found_is_a_refusal(write: Write) -> None:
    """Its own secret is needed; and only what is needed is complained of."""
    text = SECRETS.replace('"sqlite:////srv/acme.db"', "credential:store")
    with pytest.raises(ConfigError) as refused:
        outline(write({"monitor.yaml": text}), environ={})
    assert [each.field for each in refused.value.problems] == ["storage.url"]


@pytest.mark.parametrize(
    ("written", "instead", "field"),
    [("storage:", "storag:", "storag"), ("version: 1", "version: 2", "version"), ("{mentions: 90d}", "{mentions: soon}", "")],
)
def test_what_decides_which_store_it_is_must_be_right(write: Write, written: str, instead: str, field: str) -> None:
    """A misspelt `storage` must not mean another store, nor a newer file be half understood."""
    with pytest.raises(ConfigError) as refused:
        outline(write({"monitor.yaml": SECRETS.replace(written, instead)}), environ={})
    (problem,) = refused.value.problems
    assert problem.field.startswith(field or "storage.retention")


def test_a_file_that_is_no_yaml_is_a_refusal(write: Write) -> None:
    """And so is a folder that is not there."""
    with pytest.raises(ConfigError, match=r"monitor\.yaml:1"):
        outline(write({"monitor.yaml": "{"}), environ={})
    with pytest.raises(ConfigError, match="no such folder"):
        outline(write({}) / "nowhere", environ={})


def test_faults_elsewhere_are_told_and_done_without(write: Write) -> None:
    """A wrong zone means UTC, a wrong subject its id, and a section that is no section is empty."""
    text = "version: 1\ntimezone: Mars\nsubjects: {acme: {name: Acme}}\nsources: [news]\n"
    found, elsewhere = outline(write({"monitor.yaml": text}), environ={})
    assert (found.timezone, found.subjects, found.sources) == ("UTC", {}, {})
    assert {each.field for each in elsewhere} == {"timezone", "subjects.acme.name", "sources"}


def test_rules_are_read_for_whoever_asks(write: Write) -> None:
    """And only then must they be right."""
    folder = write({"monitor.yaml": SECRETS, "rules/good.yaml": "version: 1\nrules:\n  - {id: any, kind: mention}\n"})
    found, _ = outline(folder, environ={}, rules=True)
    assert [rule.id for rule in found.rules] == ["any"]
    (folder / "rules" / "bad.yaml").write_text("version: 1\nrules: {}\n")
    assert outline(folder, environ={})[0].rules == ()
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        outline(folder, environ={}, rules=True)
