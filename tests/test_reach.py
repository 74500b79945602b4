"""Which addresses are public, how hosts spell them, and which hosts go through a proxy."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.errors import UsageError
from bot.reach import Names, Proxy, guarded, literal, nameable, public

PRIVATE4 = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]
PUBLIC4 = ["1.1.1.1", "8.8.8.8", "13.107.6.156", "100.63.255.255", "100.128.0.1", "172.32.0.1", "223.255.255.254"]
PRIVATE6 = [
    "::",
    "::1",
    "::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001:db8::1",
    "2001:2::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2a00:1450::5efe:a00:1",
    "2a00:1450::200:5efe:a00:1",
]
PUBLIC6 = ["2606:4700:4700::1111", "2a00:1450:4001:80e::200e", "2620:1ec:42::132"]


def wrapped(address: str) -> list[str]:
    """Every IPv6 address within which an IPv4 address can hide."""
    number = int(IPv4Address(address))
    quad = IPv4Address("1.1.1.1")
    return [
        str(IPv6Address((0xFFFF << 32) | number)),
        f"::ffff:{address}",
        str(IPv6Address((0x0064FF9B << 96) | number)),
        str(IPv6Address((0x2002 << 112) | (number << 80) | 1)),
        str(IPv6Address((0x20010000 << 96) | (number << 64) | (0xFFFFFFFF ^ int(quad)))),
        str(IPv6Address((0x20010000 << 96) | (int(quad) << 64) | (0xFFFFFFFF ^ number))),
    ]


@pytest.mark.parametrize("address", PRIVATE4 + PRIVATE6)
def test_a_special_address_is_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", PUBLIC4 + PUBLIC6)
def test_an_address_of_the_internet_is(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize("address", PRIVATE4)
def test_a_private_address_does_not_hide_in_ipv6(address: str) -> None:
    assert [each for each in wrapped(address) if public(each)] == []


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_within_ipv6_is_judged_as_itself(address: IPv4Address) -> None:
    assert {public(each) for each in wrapped(str(address))} == {public(str(address))}


@given(st.text())
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not public(f"x{text}")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("::1", "::1"),
        ("status.example.com", None),
        ("127.0.0.1.example.com", None),
        ("", None),
        ("x\0", None),
    ],
)
def test_odd_spellings_are_read_as_the_system_would(host: str, address: str | None) -> None:
    assert literal(host) == address


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("status.example.com", True),
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("0x7f.1", False),
        ("169.254.169.254", False),
        ("::ffff:10.0.0.1", False),
        ("localhost", False),
        ("LocalHost.", False),
        ("page.localhost", False),
        ("", False),
    ],
)
def test_what_a_proxy_may_be_asked_for(host: str, yes: bool) -> None:
    assert nameable(host) is yes


def test_a_guarded_socket_is_made_for_a_good_address_only() -> None:
    make = guarded(public)
    make((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("1.1.1.1", 443))).close()
    with pytest.raises(OSError, match="not a public address"):
        make((socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::ffff:127.0.0.1", 443, 0, 0)))


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "https://status.example.com/", False),
        ("*", "https://status.example.com/", True),
        ("localhost, *", "https://status.example.com/", True),
        ("example.com", "https://status.example.com/", True),
        ("example.com", "https://example.com/", True),
        (".example.com", "https://status.example.com/", True),
        ("*.Example.com", "https://status.example.com/", True),
        ("ample.com", "https://status.example.com/", False),
        ("status.example.com:443", "https://status.example.com/", True),
        ("status.example.com:8443", "https://status.example.com/", False),
        ("localhost,127.0.0.1", "http://127.0.0.1:8080/", True),
        ("localhost 10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://[fd00::1]/", False),
        ("fd00::/8", "http://[fd00::1]/", True),
    ],
)
def test_no_proxy(no_proxy: str, url: str, direct: bool) -> None:
    proxy = Proxy("http://proxy.test:3128", no_proxy)
    assert proxy.of(URL(url)) == (None if direct else URL("http://proxy.test:3128"))


def test_no_proxy_at_all() -> None:
    assert not Proxy(None)
    assert not Proxy("")
    assert Proxy(None).of(URL("https://status.example.com")) is None


def test_a_proxy_may_be_written_without_its_scheme() -> None:
    assert Proxy("proxy.test:3128").of(URL("https://status.example.com")) == URL("http://proxy.test:3128")


@pytest.mark.parametrize("url", ["socks5://user:s3cret@proxy.test", "http://", "http://user:s3cret@[::1", "http://a:b"])
def test_what_is_no_proxy_is_said_without_its_secret(url: str) -> None:
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        Proxy(url)
    assert "s3cret" not in str(caught.value)


class Silent(AbstractResolver):
    """A resolver that never answers."""

    closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        self.closed = True


async def test_a_resolver_that_never_answers_is_given_up() -> None:
    silent = Silent()
    names = Names(silent, 0.01)
    with pytest.raises(socket.gaierror):
        await names.resolve("status.test")
    await names.close()
    assert silent.closed
