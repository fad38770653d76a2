"""What nobody who means well sends: it is refused in words, and never a 500."""

from __future__ import annotations

import io
from typing import cast

from monitor.console.api import LIMITS, Limits
from monitor.console.api.problems import ProblemError, problem_of
from monitor.domain.errors import StorageError, TocsinError
from tests.monitor.console.api.conftest import Give
from tests.monitor.console.conftest import Office
from tests.monitor.pipeline.conftest import FragileStore

SAYS_NOTHING = [
    b"{",
    b"[]",
    b"null",
    b'"note"',
    b'{"note": 1}',
    b'{"note": ["a"]}',
    b'{"note": "a", "colour": "red"}',
    b'{"note": NaN}',
    b"\xff\xfe",
    b'{"note": ' + b"9" * 2000 + b"}",
    b"[" * 20_000,
    b'{"note": "' + b"a" * 5_000 + b'"}',
    b'{"note": "\\u0000"}',
    b'{"note": "\\ud800"}',
    b"",
]
JSON = {"Content-Type": "application/json"}


async def test_a_body_that_says_nothing_is_refused(give: Give) -> None:
    """Broken, of the wrong types, too long, or empty where something must be said: 422, and where."""
    program = await give("monitor")
    for body in SAYS_NOTHING:
        answer = await program.ask("POST", "/mentions/1/note", JSON, data=body)
        assert answer.status == 422, body[:100]
        assert answer.said["errors"]


async def test_odd_letters_are_kept_or_cleaned(give: Give) -> None:
    """A note is stored without what breaks stores and pages, and comes back."""
    program = await give("monitor")
    for text in ("a\x00b", "\u202eevil", "z" + "\u0301" * 500, "💥" * 500):
        assert (await program.post("/mentions/1/note", {"note": f"x{text}"})).status == 200
    deeds = (await program.get("/mentions/1/deeds")).said["items"]
    assert [each["note"][0] for each in deeds] == ["x"] * 4
    assert not {letter for each in deeds for letter in each["note"]} & {"\x00", "\u202e"}


async def test_what_is_no_json_is_refused(give: Give) -> None:
    """A form, another type, a compressed body, one that is too large."""
    program = await give("monitor")
    for headers, body, status in (
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"note=a", 415),
        ({"Content-Type": "text/plain"}, b'{"note": "a"}', 415),
        (JSON | {"Content-Encoding": "gzip"}, b"\x1f\x8b", 415),
        (JSON, b'{"note": "' + b"a" * 1024 * 1024 + b'"}', 413),
    ):
        answer = await program.ask("POST", "/mentions/1/note", headers, data=io.BytesIO(body))
        assert (answer.status, answer.said["status"]) == (status, status), headers


async def test_numbers_beyond_all_numbers_are_not_found(give: Give) -> None:
    """Whatever stands in the address where a number is meant."""
    program = await give("viewer")
    for number in ("0", "-1", "9" * 18, "9" * 400, "1e3", "%00", "..%2f..", "٣"):
        assert (await program.get(f"/mentions/{number}")).status == 404, number


async def test_whoever_asks_too_often_waits(office: Office, give: Give) -> None:
    """As long as the answer says; another program of the same account is not held up by it."""
    office.app[LIMITS].burst = 3
    program, other = await give("viewer"), await give("viewer")
    statuses = [(await program.get("/version")).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = await program.get("/version")
    assert (refused.status, int(refused.headers["Retry-After"]) >= 1) == (429, True)
    assert (await other.get("/version")).status == 200
    written = (
        await program.ask("GET", "/version", {"Authorization": f"{how}{program.token}"}) for how in ("BEARER ", "bearer  ")
    )
    assert [each.status async for each in written] == [429, 429], "the same token, written otherwise, is the same program"


def test_a_bucket_empties_by_itself() -> None:
    """After as many seconds as were said, the next call goes through."""
    limits = Limits(burst=2, a_second=0.5)
    assert [limits.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert limits.take("b", 0.0) == 0.0
    assert limits.take("a", 2.0) == 0.0
    assert limits.take("a", 2.0) == 2.0


def test_callers_of_long_ago_are_forgotten() -> None:
    """However many ask, once each."""
    limits = Limits()
    for caller in range(5_000):
        limits.take(str(caller), float(caller))
    assert len(limits._spent) <= 1_001


async def test_a_store_that_is_away_is_said_so(office: Office, give: Give) -> None:
    """With 503 and when to try again; nothing was done."""
    program = await give("monitor")
    await program.get("/alerts")  # that the token was used is written once a minute
    cast("FragileStore", office.desk.store).before = 1
    answer = await program.post("/alerts/1/acknowledge")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert (await program.get("/alerts/1")).said["acknowledged_by"] is None


def test_what_nobody_foresaw_tells_nothing() -> None:
    """An error of ours is 500 without its words."""
    assert problem_of(StorageError("disk /dev/sda1 is gone")).status == 503
    found = problem_of(TocsinError("secret"))
    assert isinstance(found, ProblemError)
    assert (found.status, "secret" in str(found)) == (500, False)
