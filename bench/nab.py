"""What `surprise: 2.1` rings for in brands' counts of tweets: `python -m bench.nab DATA_DIR > alarms.json`.

DATA_DIR holds series of the Numenta Anomaly Benchmark (timestamp,value per five minutes) and labels.json, which names them. What
is printed is {series: [0 or 1 for each row]}: rows at which the surprise rings, `realert` apart, after the first day.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from rules import RuleFile, WindowRule
from rules.surprise import BUCKETS, Surprise

BUCKET = timedelta(minutes=5)
RULE = {"id": "volume", "kind": "window", "window": "60m", "fire": {"at_least": 1, "surprise": 2.1}}

Row = tuple[datetime, int]


def main() -> int:
    """Print the alarms."""
    if len(sys.argv) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 64
    rule = default()
    json.dump({name: alarms(rule, rows) for name, rows in series(Path(sys.argv[1]))}, sys.stdout)
    return 0


def default() -> WindowRule:
    """The rule: what is not written is as it is for everybody."""
    (rule,) = RuleFile.model_validate({"version": 1, "rules": [RULE]}).effective()
    assert isinstance(rule, WindowRule)
    assert rule.window == BUCKET * BUCKETS
    return rule


def series(folder: Path) -> Iterator[tuple[str, list[Row]]]:
    """Each series that has labels, by name."""
    for name in json.loads((folder / "labels.json").read_text(encoding="utf-8")):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            yield name, [(datetime.fromisoformat(row["timestamp"]), round(float(row["value"]))) for row in csv.DictReader(file)]


def alarms(rule: WindowRule, rows: Sequence[Row]) -> list[int]:
    """Where the rule's surprise rings: nobody is told again before `realert`, whether or not it was over in between."""
    surprise = Surprise(level=rule.baseline.level / BUCKET, dispersion=rule.baseline.dispersion / BUCKET)
    found, last = [], None
    for at, (moment, count) in enumerate(rows):
        surprise.add(at, count)
        rings = surprise.score(slow_storms=rule.baseline.sensitivity == "high") >= (rule.fire.surprise or 0)
        told = (
            rings
            and moment - rows[0][0] >= rule.baseline.min_history
            and (last is None or moment - last >= rule.rest(timedelta(0)))
        )
        last = moment if told else last
        found.append(int(told))
    return found


if __name__ == "__main__":
    sys.exit(main())
