"""Files of rule tests are read like all others: every mistake with its line, its field and the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.settings import ConfigError, load, read_rule_tests, rule_test_files, shipped

Write = Callable[[Mapping[str, str]], Path]

RULES = """\
version: 1
rules:
  - {id: complaint, kind: mention, where: {subjects: acme, complaint: {gte: 0.8}}}
  - {id: crisis, kind: window, where: {subjects: acme}, window: 60m, fire: {at_least: 5}}
  - {id: spam, kind: window, key: [author], window: 60m, fire: {at_least: 5}}
  - {id: mood, kind: window, measure: {share: {sentiment: {lt: 0}}}, window: 60m, fire: {at_least: 5, share: 0.4}}
"""
OTHERS = """\
version: 1
rules:
  - {id: lead, kind: mention, where: {intents: purchase}}
"""
STORY = "mentions: [{at: 0m}], expect: []"
GOOD = f"""\
rule_files: [acme.yaml]
tests:
  - {{name: calm, {STORY}}}
"""


def past(*histories: str) -> str:
    """A file with a test of which these were learnt before."""
    several = ", ".join(f"{{{each}, level: 2, age: 14d}}" for each in histories)
    given = several if len(histories) == 1 else f"[{several}]"
    return GOOD + f"  - {{name: a, history: {given}, {STORY}}}\n"


def problems(write: Write, text: str) -> list[str]:
    """What is said of a file, less the name of its folder."""
    folder = write({"rules/acme.yaml": RULES, "rules/others.yaml": OTHERS, "rules/acme.test.yaml": text})
    with pytest.raises(ConfigError) as refused:
        read_rule_tests(folder, load(folder, environ={}), rule_test_files(folder))
    return [line.replace(f"{folder}/rules/", "") for line in str(refused.value).splitlines()]


def test_only_the_rules_of_its_files_are_in_force(write: Write) -> None:
    """Others of the configuration are none of its business."""
    folder = write({"rules/acme.yaml": RULES, "rules/others.yaml": OTHERS, "rules/acme.test.yaml": GOOD})
    (read,) = read_rule_tests(folder, load(folder, environ={}), rule_test_files(folder))
    assert [rule.id for rule in read.rules] == ["complaint", "crisis", "spam", "mood"]
    assert [test.name for test in read.tests] == ["calm"]
    assert read.strict


def test_a_file_may_stand_elsewhere(write: Write) -> None:
    """Its `rule_files` begin beside it, and must be the configuration's own."""
    folder = write({"rules/acme.yaml": RULES, "more/acme.yaml": GOOD.replace("acme.yaml", "../rules/acme.yaml")})
    (read,) = read_rule_tests(folder, load(folder, environ={}), [folder / "more" / "acme.yaml"])
    assert len(read.rules) == 4


def test_files_are_found_in_order_and_without_hidden_ones(write: Write) -> None:
    """Rule files themselves are none."""
    folder = write(dict.fromkeys(("rules/b.test.yaml", "rules/a.test.yml", "rules/.c.test.yaml", "rules/a.yaml"), ""))
    assert [path.name for path in rule_test_files(folder)] == ["a.test.yml", "b.test.yaml"]


def test_whoever_has_no_rules_has_those_that_are_shipped_and_their_tests(write: Write) -> None:
    """As the rules themselves."""
    assert sorted(rule_test_files(write({}))) == sorted((shipped() / "rules").glob("*.test.yaml"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            GOOD.replace("[acme.yaml]", "[acme.yaml, acmo.yaml]"),
            ["acme.test.yaml:1: rule_files[1]: there is no file acmo.yaml beside this one. Check its name."],
        ),
        (GOOD.replace("[acme.yaml]", "[]"), ["acme.test.yaml:1: rule_files: the list is empty: write at least 1 item, or …"]),
        (GOOD + "stict: false\n", ["acme.test.yaml:4: stict: unknown setting. Did you mean `strict`?"]),
        (
            GOOD + "  - {name: a, mentions: [{at: 0m, author: {reeach: 1, id: x}}, {at: 5}], expect: []}\n",
            [
                "acme.test.yaml:4: tests[1].mentions[0].author.reeach: unknown setting. Did you mean `reach`?",
                "acme.test.yaml:4: tests[1].mentions[1].at: 5 needs a unit: write 5s, 5m, 5h or 5d.",
            ],
        ),
        (
            GOOD + f"  - {{name: a, history: {{rule: crisis, age: 3}}, {STORY}}}\n",
            [
                "acme.test.yaml:4: tests[1].history.age: 3 needs a unit: write 3s, 3m, 3h or 3d.",
                "acme.test.yaml:4: tests[1].history.level: is missing. Add `level:` (what is usual within its window: …",
            ],
        ),
        (
            past("rule: crisys, key: {subject: acme}"),
            ["acme.test.yaml:4: tests[1].history.rule: there is no rule called `crisys` in `rule_files`. Did you mean `crisis`?"],
        ),
        (
            past("rule: complaint, key: {author: lea}"),
            ["acme.test.yaml:4: tests[1].history.rule: `complaint` is a rule of the kind `mention`: it does not learn …"],
        ),
        (
            past("rule: crisis, key: {subject: acme}, dispersion: 0.5"),
            ["acme.test.yaml:4: tests[1].history.dispersion: `crisis` does not ask for `surprise`, and nothing else …"],
        ),
        (
            past("rule: crisis, key: {network: web}"),
            ["acme.test.yaml:4: tests[1].history.key: the key of `crisis` is made of `subject`. Name all of it, and no more."],
        ),
        (
            past("rule: spam"),
            ["acme.test.yaml:4: tests[1].history.key: the key of `spam` is made of `author`. Name all of it, and no more."],
        ),
        (
            past("rule: crisis, key: {subject: acmo}"),
            ["acme.test.yaml:4: tests[1].history.key.subject: there is no subject called `acmo`. Did you mean `acme`?"],
        ),
        (
            past("rule: spam, key: {author: lea}"),
            ["acme.test.yaml:4: tests[1].history.key.author: authors are not known before they have said something. Let the …"],
        ),
        (
            past("rule: mood, key: {subject: acme}"),
            ["acme.test.yaml:4: tests[1].history.level: the measure of `mood` is a share, which is 1 at most. …"],
        ),
        (
            past("rule: crisis, key: {subject: acme}", "rule: crisis"),
            ["acme.test.yaml:4: tests[1].history[1]: this key of `crisis` has a history already. Remove one of the two."],
        ),
        (GOOD + f"  - {{name: calm, {STORY}}}\n", ["acme.test.yaml:4: tests[1].name: there are two tests called `calm`. …"]),
        (
            GOOD + "  - name: a\n    mentions: [{at: 0m}]\n    expect: [{rule: lead, firing_by: 1m}]\n",
            ["acme.test.yaml:6: tests[1].expect[0].rule: there is no rule called `lead` in `rule_files`. Known here: …"],
        ),
        (
            GOOD + "  - {name: a, mentions: [{at: 0m}], expect: [{rule: crisis, key: {author: x}, firing_by: 1m}]}\n",
            ["acme.test.yaml:4: tests[1].expect[0].key: the key of `crisis` is made of `subject`. Name all of it, and no more."],
        ),
        (
            GOOD + "  - {name: a, mentions: [{at: 0m}], expect: [{rule: crisis, key: {subject: acmo}, firing_by: 1m}]}\n",
            ["acme.test.yaml:4: tests[1].expect[0].key.subject: there is no subject called `acmo`. Did you mean `acme`?"],
        ),
        (
            GOOD + "  - {name: a, mentions: [{at: 0m}], expect: [{rule: crisis, plan: storm, firing_by: 1m}]}\n",
            ["acme.test.yaml:4: tests[1].expect[0].plan: there is no plan called `storm`. Known here: `data-breach`…"],
        ),
        (
            GOOD + "  - {name: a, mentions: [{at: 0m, subjects: [acmo], source: new}], expect: []}\n",
            [
                "acme.test.yaml:4: tests[1].mentions[0].source: there is no source called `new`. Did you mean `news`?",
                "acme.test.yaml:4: tests[1].mentions[0].subjects[0]: there is no subject called `acmo`. Did you mean `acme`?",
            ],
        ),
        (
            GOOD + "  - {name: a, explain: {rule: crisis, matched: false, failed_at: sentimant, mention: {}}}\n",
            ["acme.test.yaml:4: tests[1].explain.failed_at: there is no field called `sentimant`. Did you mean `sentiment`?"],
        ),
        ("rule_files: [", ["acme.test.yaml:1: …"]),
    ],
)
def test_each_mistake_has_its_line_and_the_way_out(write: Write, text: str, says: list[str]) -> None:
    """A test with a name that nobody knows would pass, and say nothing."""
    told = problems(write, text)
    assert [line[: len(wanted.removesuffix("…"))] for line, wanted in zip(told, says, strict=True)] == [
        wanted.removesuffix("…") for wanted in says
    ]


def test_a_file_that_is_no_rule_file_is_refused(write: Write) -> None:
    """Be it a file of tests, or one outside the rules' folder."""
    told = problems(write, GOOD.replace("[acme.yaml]", "[acme.test.yaml, ../monitor.yaml]"))
    assert [line.split(" Name one of")[0] for line in told] == [
        "acme.test.yaml:1: rule_files[0]: acme.test.yaml is no rule file of this configuration.",
        "acme.test.yaml:1: rule_files[1]: ../monitor.yaml is no rule file of this configuration.",
    ]


def test_a_missing_file_is_an_error_of_the_configuration(write: Write) -> None:
    """Not a test that passes."""
    folder = write({"rules/acme.yaml": RULES})
    with pytest.raises(ConfigError, match="no such file"):
        read_rule_tests(folder, load(folder, environ={}), [folder / "rules" / "gone.test.yaml"])
