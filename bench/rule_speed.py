"""How fast the rules alone are, what a thousand of them and ten thousand windows weigh: no store, no scoring, one core."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import yaml

from bench import machine
from bench.figure import Figure

if TYPE_CHECKING:
    from monitor.domain.mention import Observed

RUNS = 3
SEED = 20261129
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MENTIONS = 20_000
KEYS = 10_000
LARGE = 20  # windows that hold as many as they tell apart
DISTINCT = 5_000
MATCHING = 0.02  # of the mentions
TAGGED = 0.2
SUBJECTS, RULES, KEYWORDS = 100, 1_000, 10

_SYLLABLES = ("ba", "co", "di", "fu", "ge", "li", "mo", "na", "pe", "ri", "so", "tu", "va", "xe", "zo", "qui")


def measure() -> list[Figure]:
    """Each part in fresh processes of its own, pinned to one core; medians."""
    found = {part: [_run(part) for _ in range(RUNS)] for part in _PARTS}

    def of(part: str, what: str) -> float:
        return median(run[what] for run in found[part])

    how = (
        f"{MENTIONS:,} mentions of 25 words, {MATCHING:.0%} of which hold what is looked for, and {TAGGED:.0%} a hashtag;"
        " 50 mixed: 20 by words, 10 by scores, 8 windows of people, 1 share, 1 sum, 2 moods, 2 flatlines, 2 new terms,"
        " 2 absences, 2 about sources, which count what is looked for; then the share and a mood count every mention, then the"
        " sum, the other mood, flatlines and new terms do, too;"
        f" {RULES:,}: {KEYWORDS} words of its own each, over {SUBJECTS} subjects"
    )
    return [
        Figure("rules", "mentions a second past 50 mixed rules", of("mixed", "rate"), "/s", 20_000, at_least=True, how=how),
        Figure("rules", "  the same, two of which count every mention", of("two", "rate"), "/s"),
        Figure("rules", "  the same, most of those that count do", of("most", "rate"), "/s"),
        Figure(
            "rules", "mentions a second past 1,000 rules over 100 subjects", of("thousand", "rate"), "/s", 10_000, at_least=True
        ),
        Figure("rules", "  memory that they add", of("thousand", "megabytes"), "MB", 200),
        Figure("rules", "  findings", of("thousand", "findings"), ""),
        Figure("rules", "reading and compiling 1,000 rules", of("load", "seconds"), "s", 4),
        Figure("rules", "memory of 10,000 live windows", of("keys", "megabytes"), "MB", 50),
        Figure("rules", "  the same with surprise", of("surprised", "megabytes"), "MB", 50),
        Figure("rules", "  the same, 20 people in each", of("crowded", "megabytes"), "MB"),
        Figure("rules", f"memory of {LARGE} live windows with {DISTINCT:,} people in each", of("largest", "megabytes"), "MB"),
    ]


def _run(part: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", "bench.rule_speed", part], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _words(count: int, seed: int) -> list[str]:
    """Words that nobody says, all different."""
    chance, found = random.Random(seed), dict[str, None]()
    while len(found) < count:
        found["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4)))] = None
    return list(found)


def mentions(subjects: Sequence[str], telling: Mapping[str, Sequence[str]]) -> list[Observed]:
    """Texts of common words; some hold a word that rules of their subject look for."""
    from monitor.domain.mention import Observed, ObservedAuthor  # noqa: PLC0415 measured in processes of their own

    chance, common = random.Random(SEED), _words(3_000, SEED + 1)
    found = []
    for number in range(1, MENTIONS + 1):
        subject, matches = chance.choice(subjects), chance.random() < MATCHING
        said = [f"{word}s" for word in chance.choices(common, k=25)]
        if matches:
            said[chance.randrange(25)] = chance.choice(telling[subject])
        at = NOON + timedelta(seconds=number)
        sentiment, complaint = (-0.8, 0.9) if matches else (0.2, 0.1)
        author = ObservedAuthor(id=chance.randrange(6_000), reach=chance.randrange(2_000), own=False)
        hashtags = {chance.choice(common)} if chance.random() < TAGGED else ()
        found.append(
            Observed(
                id=number, network="mastodon", source="here", form="post", text=" ".join(said), written_at=at, seen_at=at,
                language="fr", subjects=frozenset({subject}), hashtags=frozenset(hashtags),
                intents=frozenset({"question"} if matches else ()), safety_risk=0.0, author=author,
                sentiment=sentiment, complaint=complaint,
            )
        )  # fmt: skip
    return found


def _past(rules: Sequence[Mapping[str, Any]], mentions: Sequence[Observed]) -> dict[str, float]:
    from rules import Engine, RuleFile, States  # noqa: PLC0415 likewise

    before = _megabytes()
    engine, states = Engine(RuleFile.model_validate({"version": 1, "rules": list(rules)}).effective(), {}), States()
    began = time.perf_counter()
    findings = sum(len(engine.observe(mention, states)) for mention in mentions)
    return {"rate": len(mentions) / (time.perf_counter() - began), "findings": findings, "megabytes": _megabytes() - before}


def mixed_rules(counting_all: Literal["none", "two", "most"] = "none") -> tuple[list[dict[str, Any]], list[str]]:
    """Fifty rules of every kind, and the words that some of them look for.

    `counting_all`: which of them count all that is said: a share and a mood (`two`), or all that count over time but the windows
    of people (`most`).
    """
    words = _words(200, SEED + 2)
    ours = {"subjects": "acme", "author.own": False}
    bad, window = {**ours, "sentiment": {"lte": -0.4}}, {"kind": "window", "where": ours, "window": "60m"}
    said, shared = ours if counting_all == "most" else bad, bad if counting_all == "none" else ours
    scores = [{"complaint": {"gte": 0.6 + at / 50}, "author.reach": {"gte": at * 100}} for at in range(10)]
    people = [
        {"where": bad, "measure": {"distinct": "author"}, "fire": {"at_least": 100 + at, "surprise": 2.1}} for at in range(8)
    ]
    rules: list[dict[str, Any]] = [
        *({"kind": "mention", "where": {**ours, "text": {"any_of": words[at * 10 : at * 10 + 10]}}} for at in range(20)),
        *({"kind": "mention", "where": ours | each} for each in scores),
        *(window | each for each in people),
        window | {"where": shared, "measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 20, "share": 0.4}},
        window | {"where": said, "measure": {"sum": "author.reach"}, "fire": {"at_least": 10_000_000}},
    ]
    for at in range(2):
        rules += [
            {"kind": "sentiment_drop", "where": said if at else shared, "fire": {"at_least": 30, "drop": 0.25}},
            {"kind": "flatline", "where": said, "window": "6h", "fire": {"surprise": 3 + at}},
            {"kind": "new_term", "where": said, "field": "hashtags", "fire": {"at_least": 30 + at}},
            {"kind": "absence", "where": {**ours, "intents": "question"}, "within": f"{4 + at}h"},
            {"kind": "source_health", "sources": [f"source-{at}"]},
        ]
    return [{"id": f"{rule['kind']}-{at}", **rule} for at, rule in enumerate(rules)], words


def _mixed(counting_all: Literal["none", "two", "most"]) -> dict[str, float]:
    rules, words = mixed_rules(counting_all)
    return _past(rules, mentions(["acme"], {"acme": words}))


def thousand_rules() -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Rules that look for words of their own, and of each subject all the words that are looked for."""
    words = _words(RULES * KEYWORDS, SEED + 3)
    rules, telling = [], dict[str, list[str]]()
    for at in range(RULES):
        subject, own = f"subject-{at % SUBJECTS}", words[at * KEYWORDS : (at + 1) * KEYWORDS]
        telling.setdefault(subject, []).extend(own)
        rules.append({"id": f"rule-{at}", "kind": "mention", "where": {"subjects": subject, "text": {"any_of": own}}})
    return rules, telling


def _thousand() -> dict[str, float]:
    rules, telling = thousand_rules()
    return _past(rules, mentions(list(telling), telling))


def _load() -> dict[str, float]:
    from monitor.settings import load  # noqa: PLC0415 likewise

    rules, telling = thousand_rules()
    settings = {
        "version": 1,
        "subjects": {subject: {"names": [subject]} for subject in telling},
        "receivers": {"hub": {"kind": "webhook", "url": "https://never-called.invalid/"}},
        "routing": {"default": "hub"},
    }
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        (Path(folder) / "rules").mkdir()
        (Path(folder) / "monitor.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        for first in range(0, RULES, 100):
            text = yaml.safe_dump({"version": 1, "rules": rules[first : first + 100]})
            (Path(folder) / f"rules/{first:04}.yaml").write_text(text, encoding="utf-8")
        from rules import Engine  # noqa: PLC0415 likewise

        began = time.perf_counter()
        read = load(Path(folder))
        Engine(read.rules, read.lists)
        return {"seconds": time.perf_counter() - began}


def _keys(keys: int = KEYS, people: int = 2, **fire: float) -> dict[str, float]:
    """Each window has seen one mention of each of so many people, within the hour."""
    from monitor.domain.mention import Observed, ObservedAuthor  # noqa: PLC0415 likewise
    from rules import Engine, RuleFile, States  # noqa: PLC0415 likewise

    rule = {"id": "w", "kind": "window", "key": ["language"], "measure": {"distinct": "author"}, "window": "60m"}
    engine = Engine(RuleFile.model_validate({"version": 1, "rules": [rule | {"fire": {"at_least": 9, **fire}}]}).effective(), {})
    states, before = States(), _megabytes()
    for number in range(people * keys):
        at = NOON + timedelta(seconds=2_000 * number / (people * keys))
        engine.observe(
            Observed(
                id=number + 1, network="n", source="s", form="post", text="x", written_at=at, seen_at=at,
                language=str(number % keys), author=ObservedAuthor(id=number),
            ),
            states,
        )  # fmt: skip
    states.take_dirty()
    return {"megabytes": _megabytes() - before}


def _megabytes() -> float:
    """What the process holds now; the most it ever held would begin with what its parent held."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


_PARTS: Mapping[str, Callable[[], dict[str, float]]] = {
    "mixed": lambda: _mixed("none"),
    "two": lambda: _mixed("two"),
    "most": lambda: _mixed("most"),
    "thousand": _thousand,
    "load": _load,
    "keys": _keys,
    "surprised": lambda: _keys(surprise=2.1),
    "crowded": lambda: _keys(people=20, surprise=2.1),
    "largest": lambda: _keys(keys=LARGE, people=DISTINCT, surprise=2.1),
}

if __name__ == "__main__":
    os.sched_setaffinity(0, {machine.one_core()})
    print(json.dumps(_PARTS[sys.argv[1]]()))
