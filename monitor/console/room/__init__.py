"""The crisis room: one page per plan run, from which it is led and carried out, until it is signed off."""

from __future__ import annotations

from typing import Final

from monitor.console.room.acting import ROUTES as _ACTS
from monitor.console.room.listing import open_by_hand, runs
from monitor.console.room.page import room
from monitor.console.route import Route
from monitor.domain.account import Permission

ROUTES: Final = (
    Route("GET", "/runs", runs, Permission.LOOK),
    Route("POST", "/runs", open_by_hand, Permission.DECIDE),
    Route("GET", r"/runs/{run:\d+}", room, Permission.LOOK),
    *_ACTS,
)
