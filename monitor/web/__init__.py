"""The pages and endpoints of the daemon."""

from __future__ import annotations

from monitor.web.app import Reloaded, Verify, WebDeps, private_app, public_app
from monitor.web.gate import Gate
from monitor.web.server import serve

__all__ = ["Gate", "Reloaded", "Verify", "WebDeps", "private_app", "public_app", "serve"]
