"""`tocsin plan copy`: the plans that come with Tocsin, to be made one's own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from monitor.domain.errors import CannotCreateError, ExitCode, UsageError
from monitor.settings import ConfigError, load, shipped

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

SHIPPED = sorted(path.stem for path in (shipped() / "plans").glob("*.yaml"))


@pytest.fixture
def fresh(tocsin: Tocsin) -> Tocsin:
    """A configuration as `tocsin init` writes it: without plans or rules of its own."""
    for name in ("plans", "rules"):
        shutil.rmtree(tocsin.config / name)
    return tocsin


def test_without_a_name_it_says_which_plans_there_are(fresh: Tocsin) -> None:
    """In the team's language and 80 columns, with the command to go on by; nothing is copied, and what was copied is marked."""
    done = fresh.at("plan", "copy")
    assert done.exit_code == ExitCode.OK, done.output
    _, *rows = done.output.splitlines()
    assert [row.split()[0] for row in rows[: len(SHIPPED)]] == SHIPPED
    assert any("Negative storm" in row for row in rows)
    assert max(map(len, rows[: len(SHIPPED)])) <= 80
    assert rows[-1] == f"  tocsin plan copy {SHIPPED[0]} --config {fresh.config}"
    assert not (fresh.config / "plans").exists()
    fresh.at("plan", "copy", "negative-storm")
    shown = fresh.at("plan", "copy").output.splitlines()
    assert [row.split()[0] for row in shown if row.endswith("copied")] == ["negative-storm"]


def test_a_copied_plan_is_ones_own(fresh: Tocsin) -> None:
    """As it is shipped; it is said that the folder now holds the plans there are, once."""
    done = fresh.at("plan", "copy", "negative-storm")
    assert done.exit_code == ExitCode.OK, done.output
    copied = fresh.config / "plans" / "negative-storm.yaml"
    first, warning, command = done.output.splitlines()
    assert first == f"wrote {copied}"
    assert (warning.startswith("From now on"), command) == (True, f"  tocsin plan copy --config {fresh.config}")
    assert copied.read_bytes() == (shipped() / "plans" / "negative-storm.yaml").read_bytes()
    assert load(fresh.config).own_plans == ("negative-storm",)
    both = fresh.at("plan", "copy", "product-recall", "data-breach", "product-recall").output.splitlines()
    assert both == [f"wrote {fresh.config / 'plans' / f'{name}.yaml'}" for name in ("product-recall", "data-breach")]


def test_a_plan_that_is_there_is_left_as_it_is(fresh: Tocsin) -> None:
    """Whatever was changed in it, however often it is copied."""
    fresh.at("plan", "copy", "negative-storm")
    copied = fresh.config / "plans" / "negative-storm.yaml"
    copied.write_text("mine", "utf-8")
    assert fresh.at("plan", "copy", "negative-storm").output == f"{copied} was there already, and is as it was\n"
    assert copied.read_text("utf-8") == "mine"


def test_what_cannot_be_copied_is_said_before_anything_is(fresh: Tocsin) -> None:
    """A mistyped plan, a file in the place of the folder, a folder that is no configuration."""
    error = fresh.at("plan", "copy", "product-recall", "negative-strom").exception
    assert isinstance(error, UsageError)
    assert "negative-storm" in str(error)
    assert not (fresh.config / "plans").exists()
    (fresh.config / "plans").write_text("a file")
    assert isinstance(fresh.at("plan", "copy", "negative-storm").exception, CannotCreateError)
    shutil.rmtree(fresh.config)
    assert isinstance(fresh.at("plan", "copy", "negative-storm").exception, ConfigError)
    assert not fresh.config.exists()
