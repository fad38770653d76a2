"""The configuration of a small brand that is heard by webhook and told by webhook, for daemons that something happens to."""

from __future__ import annotations

MONITOR = """
version: 1
subjects: {acme: {names: [Acme]}}
sources:
  tickets: {kind: webhook, secret: SECRET, every: 1s}
receivers:
  hub: {kind: webhook, url: HUB, secret: SECRET}
routing: {default: hub, ops: hub, group_wait: 0s, group_interval: 0s}
storage: {url: "sqlite:///DATABASE", ballast_mb: BALLAST}
web: {port: PORT}
http: {allow: [127.0.0.1]}
"""
# With its store on either database, and told in two places.
TWO_DOORS = """
version: 1
subjects: {acme: {names: [Acme]}}
sources:
  tickets: {kind: webhook, secret: SECRET, every: 1s}
receivers:
  hub: {kind: webhook, url: HUB, secret: SECRET}
  care: {kind: webhook, url: HUB, secret: SECRET}
routing: {default: care, group_wait: 0s, group_interval: 0s}
storage: {url: "DATABASE"}
web: {port: PORT}
http: {allow: [127.0.0.1]}
"""

RULES = """
version: 1
rules:
  - {id: complaint, kind: mention, where: {subjects: acme, text: {any_of: [broken]}}, key: [author]}
"""
