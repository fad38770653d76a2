"""A story of a rule test goes the daemon's own way: what rings in it would have rung."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from textwrap import dedent, indent

import pytest

from monitor.rehearsal import Looked, Missed, StoryAlert, compare, rehearse
from monitor.settings import load, read_rule_tests, rule_test_files, shipped
from rules.cases import Expected, Explained

MONITOR = """
version: 1
subjects: {acme: [Acme], rival: [Globex]}
sources:
  letters: {kind: feed, url: "http://127.0.0.1:1/", max_age: 1h}
receivers:
  hub: {kind: webhook, url: "http://127.0.0.1:1/in", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}
  spare: {kind: webhook, url: "http://127.0.0.1:1/spare", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}
routing: {default: [hub, spare]}
http: {allow: [localhost]}
"""
RULES = """
version: 1
rules:
  - {id: complaint, kind: mention, where: {complaint: {gte: 0.8}}, key: [author]}
  - {id: letter, kind: mention, where: {source: letters}, key: [network, subject]}
  - {id: crisis, kind: window, where: {sentiment: {lte: -0.4}}, measure: {distinct: author}, key: [subject], window: 60m,
     fire: {at_least: 3}, keep_firing_for: 5m, severity: critical, plan: outage}
  - {id: usual, kind: window, where: {topics: talk}, key: [subject], window: 60m, fire: {at_least: 3, times_expected: 2}}
  - {id: lasting, kind: window, where: {topics: lasting}, key: [subject], window: 60m, fire: {at_least: 2}, for: 10m,
     severity: info, notify: hub}
"""
MORE = """
version: 1
rules:
  - {id: desk, kind: absence, where: {intents: question}, within: 4h, hours: mon-fri 09:00-18:00, timezone: UTC,
     raise: [{waited: 9h, severity: critical}]}
  - {id: carried, kind: window, where: {sentiment: {lt: 0}}, key: [subject], window: 60m, fire: {at_least: 3},
     signals: {of: [{id: topic, new_term: {field: topics}, at_least: 3}]}}
"""
PLAN = """
version: 1
plan:
  id: outage
  title: {en: Outage}
  notify: [hub]
  activation: {mode: automatic}
  steps: [{id: pause, action: webhook, receiver: hub, title: {en: Pause}}]
"""
Play = Callable[..., "list[list[Missed]]"]
MINUTE = timedelta(minutes=1)
WEEKS = frozenset({"crisis.test.yaml", "engagement.test.yaml", "flatline.test.yaml"})  # that their stories take: long to play


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """A configuration with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    return folder


async def played(folder: Path, *files: Path, first: int | None = None) -> dict[str, list[Missed]]:
    """What every test of a configuration (or of some files) missed, by its name; or those that come `first` in each file."""
    settings = load(folder, environ={})
    every = read_rule_tests(folder, settings, files or rule_test_files(folder))
    return {test.name: await rehearse(settings, each, test) for each in every for test in each.tests[:first]}


async def missed(folder: Path, story: str, *, strict: bool = True, rules: str = RULES) -> list[Missed]:
    """What one story missed: what rang without being expected is seen in it."""
    tests = f"rule_files: [acme.yaml]\nstrict: {str(strict).lower()}\ntests:\n- name: it\n{indent(dedent(story), '  ')}\n"
    files = {"monitor.yaml": MONITOR, "rules/acme.yaml": rules, "plans/outage.yaml": PLAN, "rules/acme.test.yaml": tests}
    return (await played(written(folder / "brand", files)))["it"]


async def rang(folder: Path, story: str, rules: str = RULES) -> list[StoryAlert]:
    """What rang in a story that expects nothing."""
    found = [each.seen for each in await missed(folder, f"{dedent(story)}\nexpect: []", rules=rules)]
    return [each for each in found if isinstance(each, StoryAlert)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, marks=[pytest.mark.soak] if file.name in WEEKS else (), id=file.name)
        for file in sorted((shipped() / "rules").glob("*.test.yaml"))
    ],
)
async def test_the_shipped_rules_pass_their_tests(file: Path) -> None:
    """With the configuration that comes with them."""
    assert {name for name, missed in (await played(shipped(), file)).items() if missed} == set()


@pytest.mark.timeout(600)
async def test_the_shipped_tests_hold_for_any_brand(tmp_path: Path) -> None:
    """Whoever has no rules has the shipped ones: their tests speak of no subject by name. All are read, some are played."""
    folder = written(tmp_path, {"monitor.yaml": MONITOR.replace("acme", "zeta")})
    settings = load(folder, environ={})
    every = {file.name: file for file in rule_test_files(folder)}
    assert len(read_rule_tests(folder, settings, [*every.values()])) == len([*(shipped() / "rules").glob("*.test.yaml")])
    found = await played(folder, *(every[f"{name}.test.yaml"] for name in ("complaints", "questions", "safety")), first=1)
    assert {name for name, missed in found.items() if missed} == set()


async def test_a_mention_rings_as_soon_as_it_arrives(tmp_path: Path) -> None:
    """Between two minutes, too; authors go by their names, and every receiver is told one time."""
    (alert,) = await rang(tmp_path, "mentions: [{at: 90s, complaint: 0.9, author: Léa}]")
    assert alert == StoryAlert("complaint", {"author": "Léa"}, "warning", timedelta(seconds=90), frozenset(), 1)


async def test_a_window_rings_at_the_mention_that_fills_it_and_opens_its_plan(tmp_path: Path) -> None:
    """The plan's message tells of the alert, too; its steps and the all-clear are no message more."""
    story = 'mentions: [{at: 0m, every: 20s, times: 9, sentiment: -0.9, author: "v{n}"}, {at: 3h, author: late}]'
    (alert,) = await rang(tmp_path, story)
    assert alert == StoryAlert("crisis", {"subject": "acme"}, "critical", timedelta(seconds=40), frozenset({"outage"}), 1)


async def test_one_author_is_one_author(tmp_path: Path) -> None:
    """Without `{n}` the same person speaks again."""
    assert await rang(tmp_path, "mentions: [{at: 0m, every: 20s, times: 9, sentiment: -0.9, author: bot}]") == []


async def test_what_must_last_rings_when_it_has_lasted_though_the_story_is_over(tmp_path: Path) -> None:
    """The clock ticks on for as long as a rule's `for` may take."""
    (alert,) = await rang(tmp_path, "mentions: [{at: 30s, each: 2, topics: [lasting]}]")
    assert (alert.rule, alert.at) == ("lasting", 11 * MINUTE)


async def test_nothing_ticks_during_a_downtime(tmp_path: Path) -> None:
    """What would have rung meanwhile rings afterwards, of what the store remembers."""
    story = "mentions: [{at: 30s, each: 2, topics: [lasting]}]\ndowntime: [{from: 5m, to: 20m}]"
    (alert,) = await rang(tmp_path, story)
    assert (alert.rule, alert.at) == ("lasting", 20 * MINUTE)


async def test_what_comes_during_a_downtime_arrives_at_its_end(tmp_path: Path) -> None:
    """Of two that follow each other, at the end of the second. It counts for when it was written."""
    story = """
        mentions: [{at: 0m, every: 8m, times: 2, sentiment: -0.9, author: "v{n}"}, {at: 14m, sentiment: -0.9, author: w}]
        downtime: [{from: 8m, to: 10m}, {from: 10m, to: 90m}]
    """
    (alert,) = await rang(tmp_path, story)
    assert (alert.rule, alert.at) == ("crisis", 90 * MINUTE)
    assert await rang(tmp_path, story.replace("at: 14m", "at: 64m")) == []


async def test_a_crisis_that_goes_on_through_a_downtime_is_the_same(tmp_path: Path) -> None:
    """Nobody calls it over before what was said meanwhile is judged, and nobody is told again."""
    story = """
        mentions: [{at: 0m, every: 1m, times: 200, sentiment: -0.9, author: "v{n}"}]
        downtime: [{from: 10m, to: 190m}]
    """
    assert [(alert.rule, alert.notifications) for alert in await rang(tmp_path, story)] == [("crisis", 1)]


async def test_a_mention_may_arrive_later_than_it_was_written(tmp_path: Path) -> None:
    """And then count in the window of its time."""
    story = (
        'mentions: [{at: 0m, each: 2, sentiment: -0.9, author: "v{n}"}, {at: 1m, arrives: ARRIVES, sentiment: -0.9, author: w}]'
    )
    (alert,) = await rang(tmp_path, story.replace("ARRIVES", "30m"))
    assert (alert.rule, alert.at) == ("crisis", 30 * MINUTE)


async def test_old_news_is_told_gently(tmp_path: Path) -> None:
    """As the `max_age` of its source asks."""
    (alert,) = await rang(tmp_path, "mentions: [{at: 0m, arrives: 3h, source: letters, author: lea}]")
    assert (alert.rule, dict(alert.key), alert.severity) == ("letter", {"catch_up": "letters"}, "info")


async def test_what_is_left_out_is_unknown_or_the_first_subject(tmp_path: Path) -> None:
    """Our own accounts, networks and subjects are as the test says."""
    story = "mentions: [{at: 0m, source: letters}, {at: 0m, source: letters, network: mastodon, subjects: [rival], author: x}]"
    assert [dict(alert.key) for alert in await rang(tmp_path, story)] == [
        {"network": "web", "subject": "acme"},
        {"network": "mastodon", "subject": "rival"},
    ]


async def test_a_long_silence_takes_no_time(tmp_path: Path) -> None:
    """Where nothing rings, nothing is owed and nothing may ring, the clock goes on at once."""
    story = "mentions: [{at: 0m}, {at: 3000d, complaint: 0.9, author: lea}]"
    assert [alert.at for alert in await rang(tmp_path, story)] == [timedelta(days=3000)]


async def test_each_expectation_is_compared(tmp_path: Path) -> None:
    """The time, the severity, the plan, and how many messages whoever got most of them got."""
    story = 'mentions: [{at: 0m, every: 1m, times: 3, sentiment: -0.9, author: "v{n}"}]\nexpect: [{rule: crisis, WHAT}]'
    for right in ("firing_by: 2m", "firing_by: 1h, severity: critical, plan: outage, notifications: 1, key: {subject: acme}"):
        assert await missed(tmp_path, story.replace("WHAT", right)) == []
    for wrong in ("firing_by: 1m", "firing_by: 1h, severity: warning", "firing_by: 1h, notifications: 2"):
        (found,) = await missed(tmp_path, story.replace("WHAT", wrong))
        assert isinstance(found.expected, Expected)
        assert isinstance(found.seen, StoryAlert)


async def test_what_is_not_listed_fails_unless_the_file_is_not_strict(tmp_path: Path) -> None:
    """The rest is compared all the same."""
    story = "mentions: [{at: 0m, complaint: 0.9, author: lea}]\nexpect: []"
    assert [each.expected for each in await missed(tmp_path, story)] == [None]
    assert await missed(tmp_path, story, strict=False) == []
    story = story.replace("[]", "[{rule: complaint, key: {author: tom}, firing_by: 1m}]")
    assert [each.seen for each in await missed(tmp_path, story, strict=False)] == [None]


async def test_a_single_mention_is_explained(tmp_path: Path) -> None:
    """What is unknown does not match."""
    for right in ("matched: true, mention: {sentiment: -0.5}", "matched: false, mention: {}, failed_at: sentiment"):
        assert await missed(tmp_path, f"explain: {{rule: crisis, {right}}}") == []
    for wrong in ("matched: false, mention: {sentiment: -0.5}", "matched: false, mention: {}, failed_at: text"):
        (found,) = await missed(tmp_path, f"explain: {{rule: crisis, {wrong}}}")
        assert isinstance(found.expected, Explained)
        assert isinstance(found.seen, Looked)


@pytest.mark.parametrize("order", [1, -1])
def test_whoever_names_a_key_chooses_first(order: int) -> None:
    """In whatever order they stand."""
    lea, tom = (StoryAlert("complaint", {"author": name}, "warning", MINUTE) for name in ("lea", "tom"))
    anybody = Expected(rule="complaint", firing_by=MINUTE)
    named = Expected(rule="complaint", key={"author": "lea"}, firing_by=MINUTE)
    assert compare([lea, tom], [anybody, named][::order], strict=True) == []
    assert compare([lea], [anybody, named][::order], strict=True) == [Missed(anybody, None)]


@pytest.mark.parametrize(("level", "rings_at"), [(2, [MINUTE]), (3, [100 * timedelta(seconds=1)]), (9, [])])
async def test_what_a_rule_had_learnt_before_decides(level: int, rings_at: list[timedelta], tmp_path: Path) -> None:
    """Twice as many as usual ring, and where as many are usual they do not; a list may say it of several keys."""
    story = f"""
        history: [{{rule: usual, level: {level}, age: 14d}}, {{rule: usual, key: {{subject: rival}}, level: 1, age: 14d}}]
        mentions: [{{at: 0m, every: 20s, times: 9, topics: [talk], author: "v{{n}}"}}]
    """
    assert [alert.at for alert in await rang(tmp_path, story)] == rings_at


async def test_what_is_asked_at_night_rings_the_next_day_and_louder_at_its_end(tmp_path: Path) -> None:
    """A story begins on a Monday at nine. It goes on for as long as a question waits, and no holidays are in its way."""
    story = """
        mentions:
          - {at: 0m, name: earlier, author: tom}
          - {at: 1m, replies_to: earlier, author: {id: us, own: true}}
          - {at: 13h, name: late, intents: [question], author: lea}
    """
    (alert,) = await rang(tmp_path, story, MORE)
    assert alert == StoryAlert("desk", {"mention": "late"}, "critical", timedelta(hours=28), frozenset(), 2)


@pytest.mark.parametrize(("age", "topic", "found"), [("14d", "brakes", ["carried"]), ("6d", "brakes", []), ("14d", "", [])])
async def test_what_was_never_said_in_the_past_of_a_rule_is_new(age: str, topic: str, found: list[str], tmp_path: Path) -> None:
    """A history says for how long its signals have listened, too."""
    story = f"""
        history: {{rule: carried, level: 0, age: {age}}}
        mentions: [{{at: 1m, every: 1m, times: 4, sentiment: -0.9, topics: [{topic}], author: "v{{n}}"}}]
    """
    assert [alert.rule for alert in await rang(tmp_path, story, MORE)] == found
