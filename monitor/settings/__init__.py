"""Configuration: a folder of YAML becomes one frozen tree of settings, or every problem in it with file, line and fix.

`load` is for the daemon, `outline` for commands about the store, `check` and `render` for people, `schemas` for editors,
`read_rule_tests` for whoever changes a rule, `scaffold` for the first ten minutes, `copy_shipped` for the day after.
"""

from __future__ import annotations

from monitor.packaged import shipped
from monitor.settings.contacts import Contacts, Person, Role
from monitor.settings.differences import differences
from monitor.settings.fingerprints import Fingerprints
from monitor.settings.load import load, outline
from monitor.settings.model import (
    CardSettings,
    HeartbeatSettings,
    LoggingSettings,
    MonitorFile,
    Outline,
    Routing,
    Settings,
    Subject,
)
from monitor.settings.problems import ConfigError, Problem
from monitor.settings.report import Report, check, render
from monitor.settings.rule_tests import RuleTests, read_rule_tests, rule_test_files
from monitor.settings.scaffold import copy_shipped, scaffold
from monitor.settings.schema import schemas
from monitor.settings.web import CallerSettings, WebSettings

__all__ = [
    "CallerSettings",
    "CardSettings",
    "ConfigError",
    "Contacts",
    "Fingerprints",
    "HeartbeatSettings",
    "LoggingSettings",
    "MonitorFile",
    "Outline",
    "Person",
    "Problem",
    "Report",
    "Role",
    "Routing",
    "RuleTests",
    "Settings",
    "Subject",
    "WebSettings",
    "check",
    "copy_shipped",
    "differences",
    "load",
    "outline",
    "read_rule_tests",
    "render",
    "rule_test_files",
    "scaffold",
    "schemas",
    "shipped",
]
