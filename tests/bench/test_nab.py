"""A rule that goes by surprise finds what people marked in brands' counts of tweets, and little else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bench import nab

MIDNIGHT = datetime(2015, 3, 1)  # noqa: DTZ001 the series tell no zone


def test_it_rings_for_a_storm_once_and_not_on_the_first_day() -> None:
    """What is told is told again after `realert` alone; the first day is left out."""
    counts = [40, *[4] * 600, *[60] * 100]
    found = nab.alarms(nab.default(), [(MIDNIGHT + nab.BUCKET * at, count) for at, count in enumerate(counts)])
    rang = [at for at, told in enumerate(found) if told]
    assert 601 <= rang[0] <= 606
    assert all((later - at) * nab.BUCKET >= timedelta(hours=6) for at, later in pairwise(rang))


def test_the_rule_on_the_benchmark(shared: Path, tmp_path: Path) -> None:
    """At least 79 points of 100, with at most 0.7 false alarms per brand and week."""
    (tmp_path / "alarms.json").write_text(_run(nab.__file__, shared / "data/nab"))
    assert all(set(alarms) <= {0, 1} for alarms in json.loads((tmp_path / "alarms.json").read_text()).values())
    scored = _run(shared / "tools/nab_score.py", shared / "data/nab", tmp_path / "alarms.json")
    score, false_alarms = re.findall(r"score (\S+) .* week (\S+)", scored)[0]
    assert float(score) >= 79, scored
    assert float(false_alarms) <= 0.7, scored


def _run(*typed: object) -> str:
    return subprocess.run([sys.executable, *map(str, typed)], check=True, capture_output=True, text=True).stdout
