"""The console's API: JSON over the same operations as the pages, for people's programs and for Grafana."""

from monitor.console.api.limits import LIMITS, Limits
from monitor.console.api.problems import problem_details
from monitor.console.api.table import ENDPOINTS, ROUTES, written

__all__ = ["ENDPOINTS", "LIMITS", "ROUTES", "Limits", "problem_details", "written"]
