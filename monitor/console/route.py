"""What a row of the console's table of routes says, and how a handler finds out who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.access import Entry
from monitor.domain.account import Permission, Visitor

VISITOR: Final = web.RequestKey("visitor", Visitor)
"""Who asks. On public routes only where somebody has signed in."""

ENTRY: Final = web.RequestKey("entry", Entry)
"""What their cookie opens, also where a one-time code is still to come."""

PUBLIC: Final = None
"""Needs no account: the way in, and what pages are made of."""

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Route:
    """Who may ask for what. `path` is as aiohttp writes patterns; `need` None is `PUBLIC`."""

    method: Method
    path: str
    handler: Handler
    need: Permission | None


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation. `title` is a msgid, `icon` a name of `icons.html.j2`, `key` is pressed after `g`."""

    path: str
    title: str
    icon: str
    key: str
    need: Permission = Permission.LOOK

    def here(self, path: str) -> bool:
        """Whether somebody who is at `path` is in this area."""
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))
