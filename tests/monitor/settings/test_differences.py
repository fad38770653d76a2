"""What changed between two configurations is told by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.settings import ConfigError, differences, load

Write = Callable[[Mapping[str, str]], Path]
RULES = "version: 1\nrules:\n  - {id: one, kind: mention, where: {subjects: acme}}\n  - {id: two, kind: mention}\n"


def test_nothing_changed(write: Write) -> None:
    """The same files twice are the same configuration."""
    folder = write({})
    assert differences(load(folder, environ={}), load(folder, environ={})) == []


def test_what_was_added_changed_and_removed_is_named(write: Write, ten_lines: str) -> None:
    """Parts of a collection by their names, rules by their ids, all else by its setting; never a value."""
    before = load(write({"rules/acme.yaml": RULES}), environ={})
    both = ten_lines.replace("subjects: {acme: [Acme]}", "subjects: {acme: [Acme], globex: [Globex]}")
    folder = write({
        "monitor.yaml": both + "language: fr\n",
        "rules/acme.yaml": RULES.replace("id: two", "id: three").replace("subjects: acme", "subjects: globex"),
    })  # fmt: skip
    after = load(folder, environ={})
    assert differences(before, after) == ["language", "subjects.globex", "rules.one", "rules.two", "rules.three"]


def test_another_order_is_a_change_too(write: Write, ten_lines: str) -> None:
    """The first subject is the brand: swapping two changes something, and no part of them."""
    swap = "subjects: {acme: [Acme], globex: [Globex]}"
    before = load(write({"monitor.yaml": ten_lines.replace("subjects: {acme: [Acme]}", swap)}), environ={})
    swapped = "subjects: {globex: [Globex], acme: [Acme]}"
    after = load(write({"monitor.yaml": ten_lines.replace("subjects: {acme: [Acme]}", swapped)}), environ={})
    assert differences(before, after) == ["brand", "subjects"]


def test_the_private_port_follows_the_public_one(write: Write, ten_lines: str) -> None:
    """Ten lines are enough for two doors, and two daemons on one machine need two settings, not four."""
    assert load(write({}), environ={}).web.private_port == 8081
    for port, private in ((9000, 9001), (0, 0)):
        assert load(write({"monitor.yaml": ten_lines + f"web: {{port: {port}}}\n"}), environ={}).web.private_port == private


@pytest.mark.parametrize(
    ("web", "words"),
    [
        ("{port: 9000, private: {port: 9000}}", "cannot share one address"),
        ("{port: 65535}", "there is no port after `web.port`"),
    ],
)
def test_two_doors_need_two_addresses(write: Write, ten_lines: str, web: str, words: str) -> None:
    """What could never listen is said before the start."""
    with pytest.raises(ConfigError, match=words):
        load(write({"monitor.yaml": ten_lines + f"web: {web}\n"}), environ={})
