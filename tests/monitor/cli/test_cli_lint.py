"""`tocsin rules lint`: what it finds, how it says it, and what it ends with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.domain.errors import ExitCode, UsageError
from monitor.settings import ConfigError
from monitor.settings import lint as looking

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

SHIPPED = Path(__file__).resolve().parents[3] / "config"

RULES = """
version: 1
lists: {unused: [broken]}
rules:
  - id: complaint
    kind: mention
    where: {subjects: acme, sentiment: {lt: -0.5, gt: 0.5}}
"""

TESTS = """
rule_files: [acme.yaml]
tests:
  - name: it rings for nobody
    mentions: [{at: 0m}]
    expect: []
"""


def test_each_finding_says_where_what_and_what_to_do(tocsin: Tocsin) -> None:
    """Within eighty columns."""
    tocsin.write("rules/acme.yaml", RULES)
    told = tocsin.at("rules", "lint")
    folder = tocsin.config
    assert told.exit_code == 0
    assert told.output.splitlines() == [
        f"{folder}/plans/outage.yaml:4  unused-plan",
        "    plan.id: no rule opens this plan.",
        "    Write `plan:` with its id at a rule.",
        "",
        f"{folder}/rules/acme.yaml  untested",
        "    no file of rule tests names these rules.",
        "    Write acme.test.yaml beside it.",
        "",
        f"{folder}/rules/acme.yaml:3  unused-list",
        "    lists.unused: nothing names this list.",
        "    Remove it, or name it in a rule.",
        "",
        f"{folder}/rules/acme.yaml:7  complaint  never-rings",
        "    where.sentiment: no mention ever matches: `sentiment` would have to pass `lt",
        "    -0.5, gt 0.5`.",
        "    Change one of the conditions, or remove the rule.",
        "",
        "1 rule: 4 findings.",
    ]


@pytest.mark.parametrize(
    "asks",
    [
        "  routes: [{where: {text: {any_of: [unused]}}, to: hub}]\n",
        "  inhibit: {source: {severity: critical}, target: {severity: info, text: {any_of: [unused]}}}\n",
        "  inhibit: [{source: {severity: critical, text: {any_of: [unused]}}, target: {severity: info}}]\n",
        "silences: {quiet: {where: {any: [{text: {any_of: [unused]}}]}, every: sat-sun, reason: x}}\n",
    ],
)
def test_a_list_that_monitor_yaml_names_is_used(tocsin: Tocsin, asks: str) -> None:
    """By a route, an inhibition or a silence."""
    monitor = (tocsin.config / "monitor.yaml").read_text(encoding="utf-8")
    tocsin.write("rules/acme.yaml", RULES)
    tocsin.write("monitor.yaml", monitor.replace("routing: {default: hub}", f"routing:\n  default: hub\n{asks}"))
    told = tocsin.at("rules", "lint")
    assert "never-rings" in told.output
    assert "unused-list" not in told.output


def test_a_copied_plan_lies_ready(tocsin: Tocsin) -> None:
    """Whoever starts from the shipped plans has them all, and need not name each at a rule."""
    tocsin.write("rules/acme.yaml", RULES)
    tocsin.write("plans/outage.yaml", (SHIPPED / "plans" / "service-outage.yaml").read_text(encoding="utf-8"))
    assert "unused-plan" not in tocsin.at("rules", "lint").output


def test_strict_fails_on_findings_alone(tocsin: Tocsin) -> None:
    """What is left out by its name does not count; what nobody knows cannot be left out."""
    tocsin.write("rules/acme.test.yaml", TESTS)
    assert tocsin.at("rules", "lint", "--strict").exit_code == 0
    tocsin.write("rules/acme.yaml", RULES)
    assert tocsin.at("rules", "lint", "--strict").exit_code == ExitCode.FAILED
    ignored = [f"--ignore={code}" for code in ("never-rings", "unused-list", "unused-plan")]
    told = tocsin.at("rules", "lint", "--strict", *ignored)
    assert (told.exit_code, told.output) == (0, "1 rule: nothing found.\n")
    wrong = tocsin.at("rules", "lint", "--ignore", "never-ring").exception
    assert isinstance(wrong, UsageError)
    assert "did you mean `never-rings`?" in str(wrong)


def test_scripts_get_findings_as_json(tocsin: Tocsin) -> None:
    """One object each."""
    tocsin.write("rules/acme.yaml", RULES)
    found = json.loads(tocsin.at("rules", "lint", "--json").output)
    assert found[-1] == {
        "code": "never-rings",
        "file": f"{tocsin.config}/rules/acme.yaml",
        "line": 7,
        "rule": "complaint",
        "field": "rules[0].where.sentiment",
        "what": "no mention ever matches: `sentiment` would have to pass `lt -0.5, gt 0.5`.",
        "fix": "Change one of the conditions, or remove the rule.",
    }
    assert found[0]["rule"] is None


def test_a_faulty_file_is_told_as_check_tells_it(tocsin: Tocsin) -> None:
    """Nothing is looked for in rules that do not load."""
    tocsin.write("rules/acme.yaml", RULES.replace("lt:", "less:"))
    assert isinstance(tocsin.at("rules", "lint").exception, ConfigError)


def test_what_the_store_has_learnt_counts(rung: Tocsin) -> None:
    """Of a window that has learnt enough; without a store the command says that it does not know."""
    (file,) = (rung.config / "rules").iterdir()
    file.write_text(file.read_text().replace("fire: {at_least: 5}", "fire: {at_least: 5}\n    baseline: {min_history: 1s}"))
    told = rung.at("rules", "lint").output
    assert "always-rings" in told
    assert "7 are usual within 1h for subject\n    acme." in told
    (rung.config.parent / "tocsin.db").unlink()
    assert rung.at("rules", "lint").output.endswith("there is no store, or none that answers.\n")


@pytest.mark.parametrize("folder", ["", "demo"])
def test_what_ships_has_nothing_to_find(tocsin: Tocsin, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The shipped rules and the demo's."""
    shutil.copytree(SHIPPED / folder, tmp_path / "shipped")
    monkeypatch.setenv("DEMO_SMTP_PORT", "25")
    monkeypatch.setenv("DEMO_WEBHOOK_URL", "http://localhost:1/")
    monkeypatch.setenv("DEMO_WEBHOOK_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")
    assert "nothing found" in tocsin("rules", "lint", "--config", str(tmp_path / "shipped")).output


@pytest.mark.parametrize(
    ("earlier", "later", "shadowed"),
    [
        ("to: hub", "where: {severity: critical}, to: hub", True),
        ("where: {severity: critical}, to: hub", "where: {category: alert, severity: critical}, to: hub", True),
        ("where: {severity: critical}, continue: true, to: hub", "where: {severity: critical}, to: hub", False),
        ("where: {severity: critical}, to: hub", "where: {category: alert}, to: hub", False),
        ("where: {severity: critical, category: alert}, to: hub", "where: {severity: critical}, to: hub", False),
        ("where: {severity: {gte: warning}}, to: hub", "where: {severity: critical, category: alert}, to: hub", True),
        ("where: {language: {in: [fr, en]}}, to: hub", "where: {language: fr}, to: hub", True),
        ("where: {language: fr}, to: hub", "where: {language: {in: [fr, en]}}, to: hub", False),
        ("where: {author.reach: {gte: 100}}, to: hub", "where: {author.reach: {gt: 1000}}, to: hub", True),
        ("where: {author.reach: {gte: 100}}, to: hub", "where: {author.reach: {gte: 99}}, to: hub", False),
        ("where: {any: [{intents: press}, {author.reach: {gte: 100}}]}, to: hub", "where: {intents: press}, to: hub", True),
        ("where: {not: {author.reach: {gte: 100}}}, to: hub", "where: {severity: critical}, to: hub", False),
        ("where: {severity: critical}, to: hub", "where: {severity: {gte: critical, lte: info}}, to: hub", False),
    ],
)
def test_a_route_that_an_earlier_one_shadows_is_found(tmp_path: Path, earlier: str, later: str, *, shadowed: bool) -> None:
    """One that asks all that an earlier one asks is never taken, unless that one leads on."""
    (tmp_path / "monitor.yaml").write_text(
        "version: 1\nsubjects: {acme: [Acme]}\nreceivers: {hub: {kind: webhook, url: https://hub.example/}}\n"
        f"routing:\n  default: hub\n  routes:\n    - {{{earlier}}}\n    - {{{later}}}\n",
        encoding="utf-8",
    )
    found = [each for each in looking.findings(looking.read_configuration(tmp_path)) if each.code == "shadowed-route"]
    assert [each.problem.line for each in found] == ([8] if shadowed else [])
