"""The posts behind a run, for counsel or for the file: as they stand in the store, held against the hashes that were captured."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from monitor.domain.errors import UsageError
from monitor.domain.mention import Observed
from monitor.pipeline.evidence import Captured, captured, digest
from monitor.storage import UnitOfWork
from notifiers.safe import cell

MOST: Final = 100_000
"""Posts of one run. Each is read into memory: this many are some hundred megabytes."""

Verdict = Literal["unchanged", "changed", "not captured", "erased", "gone"]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One post. `sha256` is of what the store holds now, `captured_sha256` of what stood there at `captured_at`.

    `verdict`: `erased` when its author asked to be forgotten, `gone` when it is not kept any more. `masked`: it is sensitive, and
    its author and words were left out of this export. `edited_at` and `deleted_at` are when we saw that; evidence keeps the
    words that it had.
    """

    mention: int
    verdict: Verdict
    network: str = ""
    uri: str = ""
    author: str = ""
    written_at: datetime | None = None
    seen_at: datetime | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    title: str = ""
    text: str = ""
    sensitive: bool = False
    masked: bool = False
    sha256: str = ""
    captured_sha256: str = ""
    captured_at: datetime | None = None


async def exhibits(tx: UnitOfWork, run_id: int, *, with_sensitive: bool) -> list[Exhibit]:
    """All of them, in the order in which they were written. Raises `UsageError` for a run that does not exist."""
    run = await tx.plans.get(run_id)
    if run is None:
        raise UsageError(f"there is no plan run {run_id}; `tocsin plan list` lists them")
    proofs = captured(await tx.timeline.of_incident(run.incident_id), run_id)
    posts = await tx.alerts.evidence([alert.id for alert in await tx.alerts.of_incident(run.incident_id)], MOST)
    kept = {post.id for post in posts}
    posts += await tx.mentions.get([number for number in proofs if number not in kept])
    shown = [_exhibit(post, proofs.get(post.id), with_sensitive=with_sensitive) for post in posts]
    gone = [Exhibit(number, "gone", captured_sha256=each.sha256, captured_at=each.at) for number, each in proofs.items()]
    known = {each.mention for each in shown}
    shown.sort(key=lambda each: (each.written_at.timestamp() if each.written_at else 0.0, each.mention))
    return [*shown, *(each for each in gone if each.mention not in known)]


def _exhibit(post: Observed, proof: Captured | None, *, with_sensitive: bool) -> Exhibit:
    hash_ = proof.sha256 if proof is not None else ""
    now = "" if post.is_erased else digest(post)
    found = Exhibit(
        post.id,
        _verdict(post, now, hash_),
        network=post.network,
        uri=post.url or "",
        author=post.author.handle or post.author.name,
        written_at=post.written_at,
        seen_at=post.seen_at,
        edited_at=post.edited_at,
        deleted_at=post.deleted_at,
        title=post.title,
        text=post.text,
        sensitive=bool(post.sensitive),
        sha256=now,
        captured_sha256=hash_,
        captured_at=proof.at if proof is not None else None,
    )
    masked = found.sensitive and not with_sensitive and not post.is_erased
    return replace(found, masked=True, author="", uri="", title="", text="") if masked else found


def _verdict(post: Observed, now: str, captured: str) -> Verdict:
    if post.is_erased:
        return "erased"
    if not captured:
        return "not captured"
    return "unchanged" if now == captured else "changed"


def as_jsonl(found: Sequence[Exhibit]) -> str:
    """One JSON object a line: the raw text, as it was read."""
    return "".join(json.dumps(_plain(each), ensure_ascii=False) + "\n" for each in found)


def as_csv(found: Sequence[Exhibit]) -> str:
    """A table for a spreadsheet, which takes no cell for a formula: a text that begins like one has an apostrophe before it."""
    names = list(Exhibit.__dataclass_fields__)
    written = io.StringIO(newline="")
    sheet = csv.writer(written)
    sheet.writerow(names)
    sheet.writerows([_cell(value) for value in _plain(each).values()] for each in found)
    return "\ufeff" + written.getvalue()  # without the mark a spreadsheet reads é as Ã©


def _plain(each: Exhibit) -> dict[str, Any]:
    values = {name: getattr(each, name) for name in Exhibit.__dataclass_fields__}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return cell(value) if isinstance(value, str) else value


FORMATS: Final[Mapping[str, Callable[[Sequence[Exhibit]], str]]] = {"jsonl": as_jsonl, "csv": as_csv}
