"""For tests of sources and receivers, yours included: servers on loopback, stand-ins, and what every source must hold to.

The suite itself is `monitor.testing.contract`, which needs pytest and pytest-asyncio.
"""

from __future__ import annotations

from monitor.testing.servers import (
    AtOnce,
    Drained,
    Handler,
    RecordingNotifier,
    ScriptedSource,
    Site,
    drain,
    loopback,
    raw_server,
    serving,
    trouble_of,
)

__all__ = [
    "AtOnce",
    "Drained",
    "Handler",
    "RecordingNotifier",
    "ScriptedSource",
    "Site",
    "drain",
    "loopback",
    "raw_server",
    "serving",
    "trouble_of",
]
