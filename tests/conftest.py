"""What all tests share: a clock that stands still, the real data when it is there, and no silent skips in CI."""

from __future__ import annotations

import os
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from monitor.domain.clock import ManualClock

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Deadlines would measure the machine, not the code.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("tocsin")


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until a test moves it."""
    return ManualClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; its tests skip, with this reason, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the real data (../shared) is not here")
    return SHARED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With TOCSIN_NO_SKIPS=1 (CI) a skipped test is a failed one: what should have run there did not."""
    report = yield
    if report.skipped and os.environ.get("TOCSIN_NO_SKIPS") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and here no test may be: {report.longrepr}"
    return report
