"""One message, four shapes: plain text, HTML, a short text for chats and telephones, and JSON for machines."""

from __future__ import annotations

from notifiers.render.as_html import html
from notifiers.render.as_payload import payload, plan_payload
from notifiers.render.as_short import short
from notifiers.render.as_text import text

__all__ = ["html", "payload", "plan_payload", "short", "text"]
