"""Lets a library that dials by itself do so in a process of its own: under our guard, through our proxy, and ended in time."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from yarl import URL

from monitor.sources.connecting import HttpSettings
from monitor.sources.guard import Address, Guard, InwardError, literal, private
from monitor.telemetry import metrics
from monitor.workshop.pool import TooSlowError, WorkError, Workshop
from notifiers.base import DeliveryError, Errand, Reason

# Errands that may be under way at once: what hangs is ended by its deadline, and until then holds up few others.
SIZE = 16
# Bytes in one worker: Apprise with all its services begins with 50 MB of data, and is kept for the next message.
MEMORY = 256 * 2**20
TIRED = 160 * 2**20


@dataclass(frozen=True, slots=True)
class Route:
    """What a worker must know of the way out."""

    allow: Sequence[str]
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None


class ErrandRunner:
    """Workers that go out. They start when they are needed, and end a minute after."""

    def __init__(self, settings: HttpSettings) -> None:
        proxy = settings.proxy.get_secret_value() if settings.proxy else None
        self._route = Route(settings.allow, proxy, str(settings.ca_bundle) if settings.ca_bundle else None)
        self._workshop = Workshop(SIZE, memory=MEMORY, tired=TIRED)

    async def run(self, function: Callable[..., Any], *args: Any, within: timedelta) -> Errand:
        """What a module's function gives, and which address it was kept from. Raises `DeliveryError` when it comes to no end."""
        try:
            errand = await self._workshop.run(go, self._route, function, args, within=within, again=False)
        except TooSlowError:
            raise DeliveryError(Reason.TIMEOUT, f"no answer within {within.total_seconds():g} s") from None
        except WorkError as error:  # the machine may be short of memory: that passes, and is no bug of ours
            raise DeliveryError(Reason.UNAVAILABLE, f"it {error}") from None
        if errand.refused:
            metrics.http_inward.inc()
        return errand

    async def close(self) -> None:
        """End them all."""
        await self._workshop.close()


class _Watch:
    """Over one errand. It looks at every address that Python dials, in whichever thread and by whichever protocol."""

    def __init__(self, route: Route) -> None:
        self._guard = Guard([*route.allow, *_itself(route.proxy)])
        self._names = {URL(route.proxy).host or ""} if route.proxy else set()
        self.refused = ""

    def looked_up(self, host: object) -> None:
        """A name is looked up: should it lead inside, it may be one that is allowed."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str):
            self._names.add(name.rstrip(".").lower())

    def dials(self, place: tuple[Any, ...] | str | bytes) -> None:
        """Raise `InwardError` for a private address that is not allowed, and for whatever is no address."""
        if not isinstance(place, tuple):
            raise self._refuses("a socket of this machine")
        host, port = str(place[0]), int(place[1])
        address = literal(host)
        if address is None:  # the system would look it up by itself, and nobody could say where it leads
            raise self._refuses(host)
        if private(address) and not self._allows(address, port):
            raise self._refuses(str(address))

    def _allows(self, address: Address, port: int) -> bool:
        return any(self._guard.allows(name, address, port) and (not name or _leads(name, address)) for name in ("", *self._names))

    def _refuses(self, address: str) -> InwardError:
        self.refused = address
        return InwardError(address)


def _itself(proxy: str | None) -> list[str]:
    """The proxy's own address needs no entry."""
    if proxy is None:
        return []
    host, port = URL(proxy).host or "", URL(proxy).port
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]


def _leads(name: str, address: Address) -> bool:
    """Whether this is where a name leads: another name's address is not meant by it."""
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        return False
    return any(ip_address(place[0]) == address for *_, place in found)


_watch: _Watch | None = None


def go(route: Route, function: Callable[..., Any], args: Sequence[Any]) -> Errand:
    """In the worker: call the function, and let it dial nobody who is not allowed."""
    global _watch  # noqa: PLW0603 what Python calls at each connection is the process's own, too
    if _watch is None:
        sys.addaudithook(_look)
    # Not taken back afterwards: a thread that a library has left behind is watched as well.
    watch = _watch = _Watch(route)
    _furnish(route)
    return Errand(function(*args), watch.refused)


def _furnish(route: Route) -> None:
    """Where HTTP libraries look for a proxy, and they and Python for certificates. This process inherited none of these."""
    wanted = {
        "HTTP_PROXY": route.proxy,
        "HTTPS_PROXY": route.proxy,
        "REQUESTS_CA_BUNDLE": route.ca_bundle,
        "SSL_CERT_FILE": route.ca_bundle,
    }
    os.environ.update({name: value for name, value in wanted.items() if value is not None})


def _look(event: str, args: tuple[Any, ...]) -> None:
    """Python tells of each such event before it happens, whoever causes it; an error raised here keeps it from happening."""
    if _watch is None or not event.startswith("socket."):
        return
    if event == "socket.getaddrinfo":
        _watch.looked_up(args[0])
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"} and args[1] is not None:
        _watch.dials(args[1])
