"""`tocsin rules list` and `tocsin rules copy`: which rules are in force, and the shipped ones to change."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from monitor.domain.errors import CannotCreateError, ExitCode
from monitor.settings import ConfigError, schemas, shipped

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin


@pytest.fixture
def fresh(tocsin: Tocsin) -> Tocsin:
    """A configuration as `tocsin init` writes it: without rules of its own."""
    shutil.rmtree(tocsin.config / "rules")
    return tocsin


def test_the_rules_in_force_are_listed_with_their_lines(fresh: Tocsin) -> None:
    """In 80 columns, in the words of the team; of the shipped ones, how to make them one's own."""
    done = fresh.at("rules", "list")
    assert done.exit_code == ExitCode.OK, done.output
    head, _, *rows = done.output.splitlines()
    assert head == str(shipped() / "rules")
    (crisis,) = (row for row in rows if row.startswith("crisis"))
    rule, severity, line, title = crisis.split(maxsplit=3)
    assert (rule, severity, title.strip()) == ("crisis", "critical", "The brand is under fire")
    file, _, number = line.partition(":")
    assert (shipped() / "rules" / file).read_text("utf-8").splitlines()[int(number) - 1].strip() == "- id: crisis"
    assert max(map(len, rows[:-1])) <= 80
    assert rows[-1] == f"  tocsin rules copy --config {fresh.config}"


def test_copied_rules_are_in_force_as_the_shipped_ones_were(fresh: Tocsin) -> None:
    """With their tests, of which one file is played here; the list then names one's own folder alone."""
    before = [row.split()[0] for row in fresh.at("rules", "list").output.splitlines()[2:] if row[:1].isalpha()][:-1]
    done = fresh.at("rules", "copy")
    assert done.exit_code == ExitCode.OK, done.output
    assert done.output.startswith("wrote ")
    assert {path.name for path in (fresh.config / "rules").iterdir()} == {path.name for path in (shipped() / "rules").iterdir()}
    assert fresh.at("rules", "test", str(fresh.config / "rules" / "safety.test.yaml")).exit_code == ExitCode.OK
    head, _, *rows = fresh.at("rules", "list").output.splitlines()
    assert head == str(fresh.config / "rules")
    assert [row.split()[0] for row in rows if row[:1].isalpha()] == before
    assert not (fresh.config / "words").exists()


def test_what_is_there_is_left_as_it_is(fresh: Tocsin) -> None:
    """A changed file stays changed, and one that was removed comes back."""
    fresh.at("rules", "copy", "--words")
    assert (fresh.config / "words" / "danger.fr.txt").is_file()
    crisis, praise = (fresh.config / "rules" / name for name in ("crisis.yaml", "praise.yaml"))
    crisis.write_text(changed := crisis.read_text("utf-8").replace("at_least: 15", "at_least: 9"), "utf-8")
    praise.unlink()
    assert fresh.at("rules", "copy").output == f"wrote 1 file into {fresh.config / 'rules'}\n"
    assert (crisis.read_text("utf-8"), praise.exists()) == (changed, True)


def test_nothing_is_copied_to_where_no_configuration_is(tocsin: Tocsin) -> None:
    """A mistyped folder is not made, and a file in the place of the folder is left alone."""
    shutil.rmtree(tocsin.config / "rules")
    (tocsin.config / "rules").write_text("a file")
    assert isinstance(tocsin.at("rules", "copy").exception, CannotCreateError)
    shutil.rmtree(tocsin.config)
    assert isinstance(tocsin.at("rules", "copy").exception, ConfigError)
    assert not tocsin.config.exists()


def test_editors_find_the_schema_that_a_shipped_file_names() -> None:
    """Its first line names the file that `tocsin schema --out` writes beside monitor.yaml."""
    written = {f"../{name}.schema.json" for name in schemas()}
    for path in (shipped() / "rules").glob("*.yaml"):
        named = re.match(r"# yaml-language-server: \$schema=(\S+)", path.read_text("utf-8"))
        assert path.name.endswith(".test.yaml") or (named is not None and named[1] in written)
