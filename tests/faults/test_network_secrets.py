"""An address holds secrets, and whatever goes wrong with it is told without them."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.domain.clock import ManualClock
from monitor.telemetry import configure_logging
from monitor.testing import serving
from tests.faults.listening import MINUTE, listening
from tests.faults.proxy import BLACK_HOLE, WELL, Fault, FaultProxy, reset, truncate, wrong

SECRETS = ("hunter2", "tok-5f0c1e", "c0ffee00c0ffee42", "sig-77aa")
BODY = "x" * 2000


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """The way to a site that is no feed."""
    async with serving() as site:
        site.says(200, BODY)
        async with FaultProxy("127.0.0.1", site.port) as made:
            yield made


@pytest.fixture
def logged() -> io.StringIO:
    """The log from warnings on: below them the test's own servers, which run in this process, name what was asked of them."""
    stream = io.StringIO()
    configure_logging("json", "warning", stream)
    return stream


@pytest.mark.fault("network", "a source whose address holds secrets fails")
@pytest.mark.parametrize("fault", [WELL, BLACK_HOLE, reset(), truncate(after=300), wrong(b"HTTP/1.1 500 x\r\n\r\n"), wrong(b"?")])
async def test_no_secret_of_an_address_comes_out(
    tmp_path: Path, clock: ManualClock, proxy: FaultProxy, fault: Fault, capfd: pytest.CaptureFixture[str], logged: io.StringIO
) -> None:
    """User, password, token, key and the secret piece of a path are in no log line, no alert and nowhere in what is stored."""
    proxy.fault = fault
    url = proxy.url.replace("http://", f"http://me:{SECRETS[0]}@")
    url += f"/feeds/{SECRETS[2]}/all?access_token={SECRETS[1]}&page=1&sig={SECRETS[3]}"
    async with listening(tmp_path, clock, {"news": url}, patience=0.3, retries=0, breaker_failures=2) as monitor:
        await monitor.live(timedelta(minutes=25), step=5 * MINUTE)
        assert (await monitor.state()).failures >= 2
        assert [alert.rule for alert in await monitor.alerts()] == ["source-health"]
    with sqlite3.connect(tmp_path / "tocsin.db") as database:
        stored = "\n".join(database.iterdump())
    database.close()
    said = stored + "".join(capfd.readouterr()) + logged.getvalue()
    assert "source.failed" in said
    assert [secret for secret in SECRETS if secret in said] == []


@pytest.mark.fault("network", "a source redirects to an address with secrets")
@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/x?access_token=tok-5f0c1e", "http://u:hunter2@10.0.0.1/c0ffee00c0ffee42"]
)
async def test_no_secret_of_a_redirect_comes_out(
    tmp_path: Path, clock: ManualClock, location: str, capfd: pytest.CaptureFixture[str], logged: io.StringIO
) -> None:
    """What a server sends us to is shown like any other address."""
    async with serving() as site:
        site.says(302, "", Location=location)
        async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
            await monitor.poll()
            said = ((await monitor.state()).detail or "") + "".join(capfd.readouterr()) + logged.getvalue()
    assert "private address" in said
    assert [secret for secret in SECRETS if secret in said] == []
