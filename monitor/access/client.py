"""Where a request comes from, and who a proxy in front says that it is. Headers are believed from known addresses alone."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

from multidict import MultiMapping

from monitor.access.arrivals import Claimed
from monitor.domain.sign_in import Client
from monitor.settings.console import Network, ProxySettings
from notifiers.safe import one_line

_ADDRESS: Final = 64
_AGENT: Final = 256


def client_of(peer: str | None, headers: MultiMapping[str], behind: Collection[Network]) -> Client:
    """The address that our own proxies saw, or else the one that has dialled us; and what the browser calls itself."""
    address = peer or ""
    hops = ",".join(headers.getall("X-Forwarded-For", ()))  # some proxies add a line of their own below what anybody wrote
    for hop in reversed(hops.split(",")):
        if not is_among(address, behind) or not _is_address(hop.strip()):
            break
        address = hop.strip()
    return Client(address[:_ADDRESS], one_line(headers.get("User-Agent", ""), _AGENT))


def is_among(address: str, networks: Collection[Network]) -> bool:
    """Whether an address lies in one of some networks."""
    if not _is_address(address):
        return False
    found = ip_address(address)
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in network for network in networks)


def claimed_by_proxy(settings: ProxySettings, headers: MultiMapping[str]) -> Claimed | None:
    """Who the headers say it is; None: nobody."""
    name = headers.get(settings.account, "").strip()
    if not name:
        return None
    called = headers.get(settings.called, "").strip() if settings.called is not None else ""
    groups = headers.get(settings.groups, "").split(",") if settings.groups is not None else []
    return Claimed(name, called, frozenset(each.strip() for each in groups if each.strip()))


def is_said_twice(settings: ProxySettings, headers: MultiMapping[str]) -> bool:
    """Whether somebody else's header stands beside that of the proxy: nobody knows which is whose."""
    names = (settings.account, settings.called, settings.groups)
    return any(len(headers.getall(name, ())) > 1 for name in names if name is not None)


def _is_address(written: str) -> bool:
    try:
        ip_address(written)
    except ValueError:
        return False
    return True
