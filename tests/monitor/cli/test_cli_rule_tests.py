"""`tocsin rules test`: what it says, what it ends with, and what build servers read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from monitor.domain.errors import ExitCode, TocsinError

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

GOOD = """
rule_files: [acme.yaml]
tests:
  - name: a broken bell is a complaint
    mentions: [{at: 0m, text: It is broken, author: lea}]
    expect: [{rule: complaint, key: {author: lea}, firing_by: 1s}]
"""
BAD = """
rule_files: [acme.yaml]
tests:
  - name: calm
    mentions: [{at: 0m, text: It rings, author: lea}]
    expect: []
  - name: five are a crisis
    mentions: [{at: 10m, every: 20m, times: 5, text: awful, author: "very-long-name-of-an-angry-person-{n}"}]
    expect:
      - {rule: crisis, key: {subject: acme}, severity: critical, firing_by: 2h, plan: outage, notifications: 1}
      - {rule: complaint, key: {author: very-long-name-of-an-angry-person-0}, firing_by: 9m}
  - name: why not
    explain: {rule: crisis, matched: true, mention: {text: fine}}
"""


def test_each_test_is_a_line_and_the_last_line_counts(tocsin: Tocsin) -> None:
    """Without files, all those of the configuration; exit code 0."""
    tocsin.write("rules/acme.test.yaml", GOOD)
    done = tocsin.at("rules", "test")
    assert done.exit_code == ExitCode.OK
    assert done.output.splitlines() == [
        str(tocsin.config / "rules" / "acme.test.yaml"),
        "✓ a broken bell is a complaint",
        "1 test, none failed.",
    ]


def test_a_failure_says_what_was_expected_and_what_was_seen(tocsin: Tocsin) -> None:
    """With rule, key and time, in lines of 80 columns; exit code 1."""
    tocsin.write("rules/acme.test.yaml", BAD)
    done = tocsin.at("rules", "test")
    assert done.exit_code == ExitCode.FAILED
    assert done.output.splitlines()[1:11] == [
        "✓ calm",
        "✗ five are a crisis",
        "    expected: crisis, subject acme, critical, by 2h, plan outage, 1 notification",
        "    seen:     nothing",
        "    expected: complaint, author very-long-name-of-an-angry-person-0, by 9m",
        "    seen:     complaint, author very-long-name-of-an-angry-person-0, warning, at",
        "              10m, no plan, 1 notification",
        "    expected: no such alert",
        "    seen:     complaint, author very-long-name-of-an-angry-person-1, warning, at",
        "              30m, no plan, 1 notification",
    ]
    assert done.output.splitlines()[-4:] == [
        "✗ why not",
        "    expected: crisis matches",
        "    seen:     crisis does not match, which fails at text",
        "3 tests, 2 failed.",
    ]
    assert max(map(len, done.output.splitlines()[1:])) <= 80


def test_build_servers_get_junit_xml(tocsin: Tocsin, tmp_path: Path) -> None:
    """One suite per file, written although a test failed; whatever a name holds."""
    tocsin.write(
        "rules/a.test.yaml", GOOD.replace("a broken bell", r'"<bell> & \x07"').replace('" is a complaint', ' is a complaint"')
    )
    tocsin.write("rules/b.test.yaml", BAD)
    assert tocsin.at("rules", "test", "--junit", str(tmp_path / "junit.xml")).exit_code == ExitCode.FAILED
    first, second = ET.fromstring((tmp_path / "junit.xml").read_text()).iter("testsuite")
    assert [(each.get("tests"), each.get("failures")) for each in (first, second)] == [("1", "0"), ("3", "2")]
    assert (first.get("name") or "").endswith("a.test.yaml")
    (case,) = first.iter("testcase")
    assert (case.get("name") or "").startswith("<bell> &")
    assert "seen:     nothing" in next(each.text or "" for each in second.iter("failure"))


def test_only_the_files_that_are_named_are_played(tocsin: Tocsin) -> None:
    """One that fails elsewhere is not looked at."""
    tocsin.write("rules/a.test.yaml", GOOD)
    tocsin.write("rules/b.test.yaml", BAD)
    done = tocsin.at("rules", "test", str(tocsin.config / "rules" / "a.test.yaml"))
    assert (done.exit_code, done.output.splitlines()[-1]) == (ExitCode.OK, "1 test, none failed.")


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({}, ExitCode.USAGE, "has no rule tests"),
        ({"rules/a.test.yaml": GOOD.replace("acme.yaml", "acmo.yaml")}, ExitCode.CONFIGURATION, "there is no file acmo.yaml"),
        (
            {"rules/a.test.yaml": GOOD, "rules/b.test.yaml": "tests: []"},
            ExitCode.CONFIGURATION,
            "b.test.yaml:1: rule_files: is mis",
        ),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_is(
    tocsin: Tocsin, files: dict[str, str], code: ExitCode, says: str
) -> None:
    """No test at all is no success."""
    for name, text in files.items():
        tocsin.write(name, text)
    done = tocsin.at("rules", "test")
    assert isinstance(done.exception, TocsinError)
    assert (done.exception.exit_code, done.output) == (code, "")
    assert says in str(done.exception)


def test_a_result_that_cannot_be_written_is_an_error(tocsin: Tocsin, tmp_path: Path) -> None:
    """Not a build that looks as if nothing had been tested."""
    tocsin.write("rules/a.test.yaml", GOOD)
    wrong = tocsin.at("rules", "test", "--junit", str(tmp_path / "gone" / "junit.xml")).exception
    assert isinstance(wrong, TocsinError)
    assert wrong.exit_code == ExitCode.CANNOT_CREATE
