"""One more source in monitor.yaml: what is asked, what was typed, and that all else in the file stays as it is."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.errors import UsageError
from monitor.settings import adding
from monitor.sources import KINDS

NEW = {"kind": "feed", "url": "https://news.example/rss"}
LINES = "  more:\n    kind: feed\n    url: https://news.example/rss\n"
FLOW = "more: {kind: feed, url: 'https://news.example/rss'}"
A = "sources:\n  a:\n    kind: file  # here\n    path: a.csv  # and here\n"
AFTER_A = "    # the end of a\n\n# receivers\nreceivers: {}\n"
B = "sources:\n  b:\n    kind: appstore\n    countries:\n      - fr\n      - be\n"
WIDE = "sources:\n    a: {kind: file, path: a}\n"
FILES = {
    "no sources yet": ("version: 1\nlanguage: en", "version: 1\nlanguage: en\nsources:\n" + LINES),
    "an empty list": ("sources:\nlanguage: en\n", "sources:\n" + LINES + "language: en\n"),
    "an empty list with a remark": ("sources:  # none\nlanguage: en\n", "sources:  # none\n" + LINES + "language: en\n"),
    "braces": ("sources: {a: {kind: file, path: a}}  # all\n", f"sources: {{a: {{kind: file, path: a}}, {FLOW}}}  # all\n"),
    "empty braces": ("sources: {}\n", f"sources: {{{FLOW}}}\n"),
    "remarks after the last": (A + AFTER_A, A + LINES + AFTER_A),
    "another indent": (WIDE, WIDE + "".join(f"  {line}\n" for line in LINES.splitlines())),
    "a list at the end": (B + "language: fr\n", B + LINES + "language: fr\n"),
}


@pytest.mark.parametrize(("before", "after"), FILES.values(), ids=FILES.keys())
def test_a_source_is_put_in_and_nothing_else_changes(before: str, after: str) -> None:
    """Comments, blank lines, quotes and indents stay where they are."""
    assert adding.inserted(before, "more", NEW) == after


_WORDS = st.text("abc: #'\"{}[],é\n-", max_size=12)
_LEAVES = st.one_of(_WORDS, st.integers(-5, 5), st.booleans(), st.lists(_WORDS, max_size=3))
_ENTRIES = st.dictionaries(
    st.from_regex(r"\A[a-m][a-m0-9]{0,5}\Z"), st.dictionaries(st.sampled_from("uvw"), _LEAVES, min_size=1, max_size=3), max_size=4
)


@given(_ENTRIES, st.booleans() | st.none(), st.integers(0, 3), st.booleans())
def test_whatever_stands_there_the_new_source_is_one_more(
    entries: dict[str, object], flow: bool | None, remarks: int, first: bool
) -> None:
    """Any mapping in any of YAML's styles: the data is the old with one more, and every line of before is still there."""
    text = yaml.dump({"sources": entries}, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    rest = "language: en\n" if "{sources" not in text else ""
    text = rest + text if first else text + "# remark\n" * remarks + rest
    try:
        after = adding.inserted(text, "zzz", NEW)
    except UsageError:
        assert text.startswith("{")  # a file in one pair of braces is nobody's monitor.yaml
        return
    assert yaml.safe_load(after)["sources"] == {**(entries or {}), "zzz": NEW}
    assert after.count("# remark") == text.count("# remark")


@pytest.mark.parametrize(
    ("kind", "setting", "text", "data"),
    [
        ("mastodon", "hashtags", "#acme, kettle", ["#acme", "kettle"]),
        ("mastodon", "hashtags", '["a, b"]', ["a, b"]),
        ("mastodon", "mentions", "Yes", True),
        ("mastodon", "overlap", "10m", "10m"),
        ("feed", "url", " https://news.example/rss ", "https://news.example/rss"),
        ("reddit", "budget", "{amount: 5, per: hour}", {"amount": 5, "per": "hour"}),
        ("webhook", "secret", "${HOOK}", "${HOOK}"),
        ("x", "price", "0.01", 0.01),
    ],
)
def test_what_is_typed_becomes_what_yaml_would_say(kind: str, setting: str, text: str, data: object) -> None:
    """Lists by commas, yes and no, numbers, inner settings in braces; text is text."""
    assert adding.typed(kind, setting, text) == data


def test_an_unknown_setting_is_told_with_the_nearest() -> None:
    """Whoever mistypes a name learns the right one."""
    with pytest.raises(UsageError, match="feed has no setting `ulr`; did you mean `url`"):
        adding.typed("feed", "ulr", "x")


def test_the_required_settings_of_a_kind_come_first_and_secrets_are_known() -> None:
    """What all sources have in common is not asked."""
    asked = adding.settings_of("reddit")
    assert [each.name for each in asked if each.required] == ["account", "client_id", "client_secret"]
    assert asked[: len("abc")] == [each for each in asked if each.required]
    assert {each.name for each in asked if each.secret} == {"client_secret", "refresh_token"}
    assert "every" not in {each.name for each in asked}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("${A_1}", True), ("file:x", True), ("credential:x", True), ("file://x", False), ("abc", False), ("a${B}", False)],
)
def test_a_reference_says_where_a_secret_is(text: str, is_one: bool) -> None:
    """Anything else would be the secret itself."""
    assert adding.is_reference(text) is is_one


def test_what_is_wrong_is_told_of_the_setting(tmp_path: Path) -> None:
    """As `tocsin check` would say it, without file and line; a secret that is not there is no fault of the settings."""
    found = adding.checked(
        "m", {"kind": "mastodon", "url": "https://m.example", "hashtags": ["a"], "overlap": "soon"}, tmp_path, {}
    )
    assert [each.field for each in found.problems] == ["overlap"]
    missing = adding.checked("l", {"kind": "lemmy", "url": "https://l.example", "token": "${NOT_SET}"}, tmp_path, {})
    assert missing.settings is not None
    assert [each.field for each in missing.missing] == ["token"]


def test_a_typed_secret_stands_for_itself(tmp_path: Path) -> None:
    """What looks like a reference within it is none."""
    secret = adding.literal({"token": "a${HOME}b"})
    found = adding.checked("l", {"kind": "lemmy", "url": "https://l.example", **secret}, tmp_path, {"HOME": "x"})
    assert found.settings is not None
    assert found.settings.token.get_secret_value() == "a${HOME}b"  # type: ignore[attr-defined]


def test_a_secret_is_written_where_its_owner_alone_reads_it(tmp_path: Path) -> None:
    """Never over a file that is there."""
    path = tmp_path / "secrets" / "x-token"
    adding.write_secret(path, "s3cret")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (
        "s3cret\n",
        0o600,
        0o700,
    )
    with pytest.raises(FileExistsError):
        adding.write_secret(path, "other")


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    """What fails half-way leaves the old file, and no other."""
    path = tmp_path / "monitor.yaml"
    path.write_text("old")
    path.chmod(0o640)
    adding.replace_text(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o640)
    with pytest.raises(UnicodeEncodeError):
        adding.replace_text(path, "\ud800")
    assert (path.read_text(), [each.name for each in tmp_path.iterdir()]) == ("new", ["monitor.yaml"])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_asked_for(kind: str) -> None:
    """Each setting has a word that says what it is."""
    assert all(asked.about for asked in adding.settings_of(kind))
