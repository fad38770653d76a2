"""Where the store of a configuration is: the same file for whoever asks, from whichever folder they ask."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_SERVICE = Path("/var/lib/tocsin")  # what `StateDirectory=tocsin` of the unit makes
_SYSTEM = Path("/etc")


def state_folder(configuration: Path, environ: Mapping[str, str]) -> Path:
    """The folder in which a store without an absolute path lies; always absolute.

    systemd names it to the service. An administrator's shell does not know it, so that a configuration below /etc means the
    same one. Everybody else has it beside the configuration.
    """
    named = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if named:
        return Path(named)
    folder = Path(os.path.abspath(configuration))  # noqa: PTH100 a link in /etc is in /etc: not resolved
    return _SERVICE if folder.is_relative_to(_SYSTEM) else folder
