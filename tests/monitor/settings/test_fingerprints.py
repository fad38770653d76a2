"""A fingerprint changes when somebody changes a source's or receiver's settings, and only then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.settings import Fingerprints, load

Write = Callable[[Mapping[str, str]], Path]


def _prints(write: Write, text: str, password: str = "one") -> Fingerprints:
    return load(write({"monitor.yaml": text}), environ={"PW": password}).fingerprints


def _with_login(text: str) -> str:
    more = '  chat: {kind: apprise, urls: ["ntfys://ntfy.sh/x", "${PW}://x"]}\n'
    return text.replace("sender:", 'username: me, password: "${PW}", sender:').replace("receivers:\n", f"receivers:\n{more}")


def test_the_same_settings_have_the_same_fingerprints(write: Write, ten_lines: str) -> None:
    """In any order of keys, and whatever else stands in the file."""
    before = _prints(write, ten_lines)
    text = ten_lines.replace(
        "    kind: feed\n    url: https://example.org/feed.xml\n", "    url: https://example.org/feed.xml\n    kind: feed\n"
    )
    assert _prints(write, text + "language: fr\n") == before
    assert set(before.sources) == {"news"}
    assert set(before.receivers) == {"me"}


def test_a_change_shows_where_it_was_made(write: Write, ten_lines: str) -> None:
    """A source that stopped for bad credentials is asked again once they were changed."""
    before = _prints(write, ten_lines)
    after = _prints(write, ten_lines.replace("kind: feed", "kind: feed\n    every: 3m"))
    assert after.sources != before.sources
    assert after.receivers == before.receivers


def test_a_new_mail_server_makes_new_receivers_of_all_that_use_it(write: Write, ten_lines: str) -> None:
    """So those that were disabled with the old one are tried again."""
    before = _prints(write, ten_lines)
    assert _prints(write, ten_lines.replace("port: 25", "port: 26")).receivers != before.receivers


def test_a_changed_secret_shows_and_cannot_be_guessed_from_the_fingerprint(write: Write, ten_lines: str) -> None:
    """Only sixteen bits of it go in: one in 65,536 other passwords has the same fingerprint."""
    text = _with_login(ten_lines)
    first, second = _prints(write, text, "one"), _prints(write, text, "two")
    assert first.receivers["me"] != second.receivers["me"]
    assert first.receivers["chat"] != second.receivers["chat"]
    assert _prints(write, text, "one") == first
