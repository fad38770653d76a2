"""Which addresses may be dialled: no private one, however it is spelled or found, unless the operator allows it by name."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from yarl import URL

from monitor.telemetry import metrics

Address = IPv4Address | IPv6Address

# `ipaddress.is_global` is no help: it takes 64:ff9b::7f00:1, 2002:7f00:1:: and multicast for addresses of the open internet.
_PRIVATE_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host; Linux dials itself
            "10.0.0.0/8",
            "100.64.0.0/10",  # a carrier's or a cloud's own network
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's host, which hands out credentials
            "169.254.0.0/16",  # link-local, with the metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_OPEN_6 = IPv6Network("2000::/3")  # all that has been given out; the rest is loopback, ULA, link-local, multicast, reserved
_PRIVATE_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))  # Teredo, ORCHID, documentation
# Forms that carry an IPv4 address, and how many bits stand behind it: what counts is where that one leads.
_CARRIERS = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated
    (IPv6Network("::/96"), 0),  # compatible; `::` and `::1` are among them
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64: how hosts without IPv4 reach the IPv4 internet
    (IPv6Network("2002::/16"), 80),  # 6to4
)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


class InwardError(OSError):
    """A private address would have been dialled. Its words are the same for every address of a name: one error, not many."""

    def __init__(self, address: Address | str) -> None:
        super().__init__("a private address that is not allowed")
        self.address = address


def private(address: Address) -> bool:
    """Whether an address leads to this machine, to a network of ours, or to nowhere."""
    bare = _bare(address)
    if isinstance(bare, IPv4Address):
        return any(bare in network for network in _PRIVATE_4)
    return bare not in _OPEN_6 or any(bare in network for network in _PRIVATE_6)


def _bare(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries, else the address itself."""
    if isinstance(address, IPv6Address):
        for carrier, behind in _CARRIERS:
            if address in carrier:
                return IPv4Address(int(address) >> behind & 0xFFFFFFFF)
    return address


def literal(host: str) -> Address | None:
    """The address that a host stands for without being looked up, in every spelling: `127.1`, `0x7f000001`, `localhost`."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        return ip_address(name)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(name))  # as the system's resolver reads it: decimal, octal, hex, short
    except (OSError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of `http.allow`: a host (a name or `localhost`) or networks, and perhaps only one port of it."""

    name: str | None
    networks: Sequence[IPv4Network | IPv6Network]
    port: int | None

    def fits(self, host: str, address: Address, port: int) -> bool:
        """Whether `address`, dialled for `host`, is meant."""
        if self.port not in {None, port}:
            return False
        bare = _bare(address)
        return self.name == host or any(bare in network or address in network for network in self.networks)


def allowed(entry: str) -> Allowed:
    """Read an entry of `http.allow`. Raises `ValueError` with what to write instead."""
    host, port = _split(entry.strip().lower())
    if host == "localhost":
        return Allowed(host, _LOOPBACK, port)
    if network := _network(host):
        return Allowed(None, (network,), port)
    name = host.rstrip(".")
    if literal(name) or not _NAME.fullmatch(name):
        raise ValueError("write an address, a network (10.1.0.0/16), `localhost` or a host's name, each perhaps with :port")
    return Allowed(name, (), port)


def _split(entry: str) -> tuple[str, int | None]:
    """Host and port; an IPv6 address with a port stands in brackets."""
    found = re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?|([^:]+)(?::(\d{1,5}))?", entry)
    if not found:
        return entry, None
    port = found[2] or found[4]
    return found[1] or found[3], int(port) if port else None


def _network(written: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(written)
    except ValueError:
        pass
    try:
        wider = ip_network(written, strict=False)
    except ValueError:
        return None
    raise ValueError(f"{written} is an address within a network; write {wider}, or the address alone")


class Guard:
    """Makes the sockets of one client, and none to a private address that `allow` does not name.

    It looks at the address that is dialled, behind every name, spelling and redirect. Where a proxy dials it cannot: then it
    judges the addresses that are written out, and leaves names to the proxy.
    """

    def __init__(self, allow: Iterable[str] = (), *, proxied: bool = False) -> None:
        self._allow = tuple(map(allowed, allow))
        self._proxied = proxied
        self._inside: set[tuple[str, int]] = set()  # hosts that were reached at an allowed private address

    @contextmanager
    def asking(self, url: URL, *, led_by: URL | None = None) -> Iterator[None]:
        """Within, connections are for `url`. `led_by`: where the redirect to it came from.

        A redirect from outside never leads inside, not even to what is allowed. Raises `InwardError`.
        """
        asked = _Asked(*_place(url), stranger=led_by is not None and _place(led_by) not in self._inside)
        if asked.stranger and (asked.host, asked.port) in self._inside:  # its connection may still be open
            raise _refused(asked.host)
        address = literal(asked.host)
        if address is not None:  # told at once, and before a proxy is asked for it
            self._check(asked, address, asked.port)
        token = _ASKED.set(asked)
        try:
            yield
        finally:
            _ASKED.reset(token)

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket to dial the address in `info` (as of `getaddrinfo`) with. Raises `InwardError`."""
        family, kind, protocol, _, place = info
        if not self._proxied:
            self._check(_ASKED.get(), ip_address(place[0]), place[1])
        return socket.socket(family, kind, protocol)

    def _check(self, asked: _Asked, address: Address, port: int) -> None:
        if not private(address):
            return
        if asked.stranger or not self.allows(asked.host, address, port):
            raise _refused(address)
        self._inside.add((asked.host, asked.port))

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Whether a private address may be dialled."""
        return any(each.fits(host, address, port) for each in self._allow)

    def forbids(self, url: str) -> str | None:
        """What to allow so that an address written in the settings may be asked; None when nothing is amiss."""
        try:
            host, port = _place(URL(url))
        except ValueError:
            return None
        address = literal(host)
        # Where no port is written, and none is the scheme's, the library that dials knows it: then no entry is too narrow.
        if (
            address is None
            or not private(address)
            or any(each.fits(host, address, port or each.port or 0) for each in self._allow)
        ):
            return None
        shown = "localhost" if host.endswith("localhost") else str(address)
        if not port:
            return shown
        return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"


def _refused(address: Address | str) -> InwardError:
    metrics.http_inward.inc()
    return InwardError(address)


@dataclass(frozen=True, slots=True)
class _Asked:
    """For whom a connection is made. `stranger`: where it leads was said by somebody outside."""

    host: str = ""
    port: int = 0
    stranger: bool = False


# The connector knows the address it dials, and not for which name: that is handed past it.
_ASKED: ContextVar[_Asked] = ContextVar("asked", default=_Asked())  # noqa: B039 frozen


def _place(url: URL) -> tuple[str, int]:
    return (url.host or "").rstrip(".").lower(), url.port or 0
