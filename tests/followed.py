"""Which tests show what lines are reached, and which go where others went: following those, too, would double their time.

Measured by the contexts of coverage (`--cov-context=test`): what is left reaches 99 % of what all of them reach. A new module is
followed unless it is named here.
"""

from __future__ import annotations

from pathlib import Path

_TESTS = Path(__file__).resolve().parent

# Folders that mirror no code: they go the same ways at length, until something breaks, or look at pages and figures.
_AT_LENGTH = ("bench", "browser", "contracts", "docs", "end_to_end", "faults", "hostile", "packaging")

_SAME_WAYS = """
monitor/backtest/test_backtest.py
monitor/cli/test_cli_drills.py
monitor/cli/test_cli_serve.py
monitor/daemon/test_daemon_at_work.py
monitor/daemon/test_daemon_process.py
monitor/pipeline/test_absence_stage.py
monitor/pipeline/test_aftermath_stage.py
monitor/pipeline/test_alerting_stage.py
monitor/pipeline/test_catch_up_stage.py
monitor/pipeline/test_compose_stage.py
monitor/pipeline/test_conversation_stage.py
monitor/pipeline/test_evaluate_stage.py
monitor/pipeline/test_flatline_stage.py
monitor/pipeline/test_held_back_stage.py
monitor/pipeline/test_inhibition_stage.py
monitor/pipeline/test_plan_rooms_stage.py
monitor/pipeline/test_plan_runs_stage.py
monitor/pipeline/test_plans_stage.py
monitor/pipeline/test_quiet_hours_stage.py
monitor/pipeline/test_replies_stage.py
monitor/pipeline/test_routing_stage.py
monitor/pipeline/test_silences_stage.py
monitor/pipeline/test_told_stage.py
monitor/rehearsal/test_rehearsal.py
monitor/replay/test_replay.py
monitor/report/test_report_of_shipped_plans.py
monitor/sentiment/test_away.py
monitor/sentiment/test_meaning.py
monitor/settings/test_any_text.py
monitor/settings/test_config_schemas.py
monitor/settings/test_load_config.py
monitor/settings/test_scaffold.py
monitor/settings/test_shipped_plans.py
monitor/simulation/test_whole_days.py
monitor/sources/test_bluesky_servers.py
notifiers/test_email.py
notifiers/test_render.py
rules/test_rules_alert_contradiction.py
rules/test_rules_safety.py
""".split()  # noqa: SIM905 a name a line

_UNFOLLOWED = tuple(_TESTS / each for each in (*_AT_LENGTH, *_SAME_WAYS))


def is_followed(path: Path) -> bool:
    """Whether the tests in a file show what is reached."""
    return not any(path.is_relative_to(each) for each in _UNFOLLOWED)
