"""One fault per configuration, and the message a person reads. To write the messages anew: TOCSIN_WRITE_GOLDEN=1."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from monitor.settings import ConfigError, check, load, render

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "config"
CASES = sorted(case.name for case in GOLDEN.iterdir() if not case.name.startswith("_"))
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
    report = check(config, environ=ENVIRON)
    assert render(report) == "config: fine. 1 subject, 1 source, 3 receivers, 1 own rule, 1 plan. Store: " + str(
        tmp_path / "config" / "tocsin.db"
    )


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_told_in_one_line_with_file_line_field_and_fix(case: str, config: Path) -> None:
    """The message of every fault is read and approved by a person: the golden file."""
    shutil.copytree(GOLDEN / case, config, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    with pytest.raises(ConfigError) as caught:
        load(config, environ=ENVIRON)
    said = f"{caught.value}\n"
    expected = GOLDEN / case / "expected.txt"
    if os.environ.get("TOCSIN_WRITE_GOLDEN"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")
    assert not any(secret in said for secret in SECRETS)
    assert len(caught.value.problems) == 1
