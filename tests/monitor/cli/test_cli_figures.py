"""`tocsin figures rebuild`: what was counted is counted anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin


def test_a_rebuild_says_how_many_it_counted(rung: Tocsin) -> None:
    """As far back as nothing is forgotten, or as many days as were asked for."""
    done = rung.at("figures", "rebuild", "--days", "36500")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Counted ")
    assert done.output.endswith(" mentions anew.\n")
    assert not done.output.startswith("Counted 0")
