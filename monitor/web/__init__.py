"""The pages and endpoints of the daemon."""

from __future__ import annotations

from monitor.web.app import Verify, WebDeps, build_app
from monitor.web.gate import Gate
from monitor.web.server import serve

__all__ = ["Gate", "Verify", "WebDeps", "build_app", "serve"]
