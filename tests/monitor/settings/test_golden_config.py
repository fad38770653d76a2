"""One fault per configuration, and the message a person reads. To write the messages anew: TOCSIN_WRITE_GOLDEN=1."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from monitor.settings import ConfigError, check, load, render

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "config"
CASES = sorted(case.name for case in GOLDEN.iterdir() if not case.name.startswith("_"))
WARNINGS = GOLDEN.with_name("warnings")
TODAY = date(2026, 3, 10)
ENVIRON = {"HOOK_SECRET": "whsec_" + "c2VjcmV0" * 4, "EMPTY": "", "SHORT": "aHVudGVyMg=="}
SECRETS = ("hunter2", "aHVudGVyMg", "c2VjcmV0")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `config` without a fault, in the current folder, so that messages name short paths."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(GOLDEN / "_base", "config")
    (tmp_path / "config" / "contacts.yaml").chmod(0o600)
    return Path("config")


def test_the_base_of_all_cases_has_no_fault(config: Path, tmp_path: Path) -> None:
    """What a case reports comes from its own fault alone."""
    report = check(config, environ=ENVIRON, today=TODAY)
    assert render(report) == "config: fine. 1 subject, 1 source, 3 receivers, 1 own rule, 1 plan. Store: " + str(
        tmp_path / "config" / "tocsin.db"
    )


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_told_in_one_line_with_file_line_field_and_fix(case: str, config: Path) -> None:
    """The message of every fault is read and approved by a person: the golden file."""
    _with(GOLDEN / case, config)
    with pytest.raises(ConfigError) as caught:
        load(config, environ=ENVIRON)
    _is_golden(f"{caught.value}\n", GOLDEN / case)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("case", sorted(case.name for case in WARNINGS.iterdir()))
def test_what_is_unwise_is_told_likewise_and_never_stops_the_start(case: str, config: Path) -> None:
    """A reboot must come back, whatever the calendar says."""
    _with(WARNINGS / case, config)
    report = check(config, environ=ENVIRON, today=TODAY)
    assert report.problems == ()
    assert len(report.warnings) == 1
    _is_golden(f"{report.warnings[0]}\n", WARNINGS / case)


def _with(case: Path, config: Path) -> None:
    """The base with the files of a case, or with what its `changes.yaml` changes in those of the base, each place once."""
    shutil.copytree(case, config, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt", "changes.yaml"))
    changes = case / "changes.yaml"
    for name, places in yaml.safe_load(changes.read_text("utf-8")).items() if changes.exists() else ():
        text = (config / name).read_text("utf-8")
        for place in places:
            assert place["from"] in text
            text = text.replace(place["from"], place["to"], 1)
        (config / name).write_text(text, "utf-8")
    (config / "contacts.yaml").chmod(0o600)


def _is_golden(said: str, case: Path) -> None:
    expected = case / "expected.txt"
    if os.environ.get("TOCSIN_WRITE_GOLDEN"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")
    assert not any(secret in said for secret in SECRETS)
