"""The after-action report (RETEX) on a plan run: read from the store, built as a value, rendered as a page or as Markdown.

`reading` is the only part that touches the store; all else is pure. A report speaks of roles and of what was done, never of how
fast a person by name was.
"""

from monitor.report.building import build
from monitor.report.reading import read
from monitor.report.rendering import FORMATS, render
from monitor.report.value import Action, Report

__all__ = ["FORMATS", "Action", "Report", "build", "read", "render"]
