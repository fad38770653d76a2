"""No private address is dialled, however it is spelled, found or led to, unless the operator allows it."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from monitor.sources.guard import Guard, InwardError, allowed, literal, private

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.9", "168.63.129.16", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.19.0.1", "203.0.113.9", "224.0.0.1", "239.1.2.3",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:c0a8:0101::1", "100::1", "2001:0:1::1",
    "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
]  # fmt: skip
OPEN = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1",
        "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    """Loopback, local networks, link-local, multicast, reserved: also inside an IPv6 address that carries one."""
    assert private(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_addresses_of_the_open_internet(address: str) -> None:
    """Hosts on the internet are reached, also through NAT64."""
    assert not private(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_as_private_as_what_carries_it(address: IPv4Address) -> None:
    """No form of IPv6 that carries an IPv4 address opens a door that the address itself does not."""
    for carried in (f"::ffff:{address}", f"::{address}", f"64:ff9b::{address}", f"::ffff:0:{address}"):
        assert private(IPv6Address(carried)) == private(address)
    assert private(IPv6Address(0x2002 << 112 | int(address) << 80)) == private(address)


@given(st.ip_addresses(v=4))
def test_every_spelling_is_the_same_address(address: IPv4Address) -> None:
    """Decimal, octal, hex and shortened, as the system's resolver would read them."""
    a, b, c, d = address.packed
    spellings = (str(int(address)), hex(int(address)), f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
                 f"{a}.{int(address) & 0xFFFFFF}", f"{a}.{b}.{int(address) & 0xFFFF}", f"{address}.")  # fmt: skip
    assert {literal(spelled) for spelled in spellings} == {address}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.b.localhost", "127.1", "0", "[", "example.org", "1.2.3.4.5", ""])
def test_what_a_host_stands_for_without_being_looked_up(host: str) -> None:
    """`localhost` is this machine, by RFC 6761; names are not addresses."""
    known = {"127.1": IPv4Address("127.0.0.1"), "0": IPv4Address("0.0.0.0")}
    expected = IPv4Address("127.0.0.1") if "localhost" in host.lower() else known.get(host)
    assert literal(host) == expected


def dialled(guard: Guard, url: str, address: str, led_by: str | None = None) -> bool:
    """Whether the guard makes a socket for an address, on the way to `url`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    port = URL(url).port
    try:
        with guard.asking(URL(url), led_by=URL(led_by) if led_by else None):
            guard.socket((family, socket.SOCK_STREAM, 0, "", (address, port, 0, 0)[: 4 if ":" in address else 2])).close()
    except InwardError:
        return False
    return True


@pytest.mark.parametrize(
    ("entry", "url", "address", "may"),
    [
        ("10.1.2.3", "http://hook.example/", "10.1.2.3", True),
        ("10.1.2.3", "http://hook.example/", "10.1.2.4", False),
        ("10.1.0.0/16", "http://hook.example/", "::ffff:10.1.2.4", True),
        ("10.1.2.3:8443", "https://10.1.2.3:8443/", "10.1.2.3", True),
        ("10.1.2.3:8443", "https://10.1.2.3/", "10.1.2.3", False),
        ("[fd00::5]:80", "http://hook.example/", "fd00::5", True),
        ("[fd00::5]:81", "http://hook.example/", "fd00::5", False),
        ("fd00::/8", "http://hook.example/", "fd12::5", True),
        ("localhost", "http://127.0.0.2/", "127.0.0.2", True),
        ("localhost", "http://localhost/", "::1", True),
        ("localhost:8065", "http://localhost:8065/", "127.0.0.1", True),
        ("localhost:8065", "http://localhost:9200/", "127.0.0.1", False),
        ("Mattermost.", "http://mattermost:8065/", "172.18.0.4", True),
        ("mattermost", "http://evil.example/", "172.18.0.4", False),
        ("hook.corp.example:443", "https://hook.corp.example/", "10.0.0.9", True),
    ],
)
def test_what_an_entry_allows(entry: str, url: str, address: str, *, may: bool) -> None:
    """An address, a network, `localhost` or a name, each perhaps with one port, and nothing beside it."""
    assert dialled(Guard([entry]), url, address) is may
    assert not dialled(Guard(), url, address)


@pytest.mark.parametrize("entry", ["http://x/", "10.1", "0x7f.1", "a b", "", "host:99999x", "x:y:z", "*", "10.0.0.1:1:2"])
def test_an_entry_that_means_nothing_is_refused(entry: str) -> None:
    """A list that does not say what its author believes is worse than none."""
    with pytest.raises(ValueError, match="write"):
        allowed(entry)


def test_a_network_with_an_address_in_it_is_asked_back() -> None:
    """`10.1.2.3/16` may mean one host or 65,536."""
    with pytest.raises(ValueError, match=r"write 10\.1\.0\.0/16"):
        allowed("10.1.2.3/16")


def test_a_redirect_from_outside_does_not_lead_inside() -> None:
    """What is allowed to us is not allowed to a stranger who sends us there, not even over a connection that is open."""
    guard = Guard(["10.0.0.0/8"])
    outside, inside, other = "https://news.example/", "http://hook.corp.example/", "http://wiki.corp.example/"
    assert not dialled(guard, inside, "10.0.0.9", led_by=outside)
    assert dialled(guard, inside, "10.0.0.9")
    with pytest.raises(InwardError), guard.asking(URL(inside), led_by=URL(outside)):
        pass
    assert dialled(guard, other, "10.0.0.10", led_by=inside)


def test_behind_a_proxy_written_addresses_are_judged_and_names_are_not() -> None:
    """The proxy dials, so only what the address itself says can be known."""
    guard = Guard(["localhost:1"], proxied=True)
    assert dialled(guard, "http://feed.example/", "10.0.0.1")  # the proxy's own address
    assert not dialled(guard, "http://0x7f.1/", "10.0.0.1")
    assert not dialled(guard, "http://[::ffff:10.0.0.9]/", "10.0.0.1")
    assert dialled(guard, "http://localhost:1/", "10.0.0.1")


@pytest.mark.parametrize(
    ("url", "missing"),
    [
        ("http://0x7f.1/x", "127.0.0.1:80"),
        ("https://a.localhost/x", "localhost:443"),
        ("http://[fd00::5]:81/", "[fd00::5]:81"),
        ("http://10.1.2.3/", None),
        ("json://10.1.2.3/", None),
        ("json://localhost:8080/", "localhost:8080"),
        ("json://127.0.0.1/", "127.0.0.1"),
        ("json://192.168.0.9/", None),  # a port is allowed there, and which one is meant nobody says
        ("https://example.org/", None),
        ("http://[::1", None),
    ],
)
def test_settings_are_told_what_to_allow(url: str, missing: str | None) -> None:
    """What is proposed is understood, and is enough."""
    guard = Guard(["10.1.2.3", "192.168.0.9:81"])
    assert guard.forbids(url) == missing
    if missing:
        assert Guard([missing]).forbids(url) is None
