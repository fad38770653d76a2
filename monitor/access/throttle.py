"""How long somebody waits who tried in vain: each further failure doubles it, up to a quarter of an hour, and a day forgives all.

Failures are counted by the address they come from, and by the account they mean. A place from which an account has signed in
before has a count of its own: strangers who guess its password elsewhere make nobody wait there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from monitor.domain.sign_in import Try

LONGEST: Final = timedelta(minutes=15)
FORGIVEN: Final = timedelta(days=1)
REMEMBERED: Final = timedelta(days=90)  # how long a place stays known
_FREE_OF_ACCOUNT: Final = 5  # people mistype
_FREE_OF_ADDRESS: Final = 20  # a whole office may have one address
_DOUBLED_AT_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Counts:
    """Under which keys it is counted that somebody tries to sign in. No key tells a name or an address."""

    address: str
    account: str
    place: str

    @property
    def all(self) -> tuple[str, str, str]:
        """The three of them."""
        return self.address, self.account, self.place


def counts_of(account: str, address: str) -> Counts:
    """The keys of an account's name, as it was typed, and the address it was typed at."""
    where = _network(address)
    return Counts(_key("address", where), _key("account", account), _key("place", account, where))


def counted(counts: Counts, tries: Mapping[str, Try], now: datetime) -> str:
    """Where it is counted against the account: at a place that it knows, or for all others."""
    known = tries[counts.place].succeeded_at
    return counts.place if known is not None and now - known < REMEMBERED else counts.account


def free_at(counts: Counts, tries: Mapping[str, Try], now: datetime) -> datetime | None:
    """When it may be tried again, if not now. Somebody at a place that their account knows waits for no stranger's failures."""
    key = counted(counts, tries, now)
    ends = [_end(tries[key], _FREE_OF_ACCOUNT)]
    if key != counts.place:
        ends.append(_end(tries[counts.address], _FREE_OF_ADDRESS))
    latest = max((each for each in ends if each is not None), default=None)
    return latest if latest is not None and latest > now else None


def once_more(tried: Try, now: datetime) -> Try:
    """One more failure."""
    return replace(tried, failures=1 if now - tried.tried_at >= FORGIVEN else tried.failures + 1, tried_at=now)


def taken_back(tried: Try) -> Try:
    """One failure less: what was counted beforehand was none."""
    return replace(tried, failures=max(tried.failures - 1, 0))


def succeeded(now: datetime) -> Try:
    """Nothing counts any more of what went before."""
    return Try(0, now, now)


def _end(tried: Try, free: int) -> datetime | None:
    more = tried.failures - free
    if more < 0:
        return None
    return tried.tried_at + min(timedelta(seconds=2 ** min(more, _DOUBLED_AT_MOST)), LONGEST)


def _network(address: str) -> str:
    """An address of IPv4; of IPv6 the 64 bits that one household or one server has to itself."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ip_network((found, 64), strict=False))  # noqa: PLR2004 - IPv4


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
