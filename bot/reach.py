"""Where a request may connect: public addresses only, and which names go through the operator's proxy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from errno import EACCES
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.errors import UsageError

Allow = Callable[[str], bool]  #: whether an IP address, as text, may be connected to

GLOBAL_UNICAST = IPv6Network(
    "2000::/3"
)  # RFC 4291; everything else of IPv6 is special, some of it by version of Python
DOCUMENTATION = IPv6Network("3fff::/20")  # RFC 9637, newer than some ipaddress modules
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052; an IPv6-only host sees every IPv4 host through it, so it cannot be shut
WIRESERVER = IPv4Address("168.63.129.16")  # Azure's host agent: a public number, but inside every Azure machine


def public(address: str) -> bool:
    """Whether an IP address, in its usual spelling, is the open Internet's, as is any IPv4 address within it."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return _public4(ip) if isinstance(ip, IPv4Address) else _public6(ip)


def _public4(ip: IPv4Address) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and ip != WIRESERVER


def _public6(ip: IPv6Address) -> bool:
    if ip.ipv4_mapped is not None:
        return _public4(ip.ipv4_mapped)
    if ip in NAT64:
        return _public4(IPv4Address(ip.packed[12:]))
    if ip.sixtofour is not None:
        return _public4(ip.sixtofour)
    if ip.teredo is not None:
        return all(map(_public4, ip.teredo))
    return ip in GLOBAL_UNICAST and ip not in DOCUMENTATION and ip.is_global and not _isatap(ip)


def _isatap(ip: IPv6Address) -> bool:
    """Whether an interface identifier carries an IPv4 address (RFC 5214); nobody's status page needs one."""
    return ip.packed[8:12] in (b"\0\0\x5e\xfe", b"\x02\0\x5e\xfe")


def literal(host: str) -> str | None:
    """The address that a URL's host spells, in whatever spelling (`127.1`, `0x7f000001`); None for a name."""
    if ":" in host:
        return host
    with suppress(OSError, ValueError):
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    return None


def nameable(host: str) -> bool:
    """Whether somebody else (a proxy) may be asked to connect to a host: no private literal, no name for itself."""
    address = literal(host)
    if address is not None:
        return public(address)
    return host.lower().rstrip(".").rpartition(".")[2] not in ("", "localhost")


def guarded(allow: Allow) -> Callable[[AddrInfoType], socket.socket]:
    """A maker of sockets that refuses with OSError where `allow` does.

    It is asked with the very address that is connected to next, so nothing can change between check and connection.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = info
        if not allow(str(target[0])):
            raise OSError(EACCES, "not a public address")
        return socket.socket(family, kind, protocol)

    return make


class Names(AbstractResolver):
    """A resolver with a time limit in seconds; aiohttp itself sets none to the search for a name."""

    def __init__(self, inner: AbstractResolver, limit: float) -> None:
        self._inner = inner
        self._limit = limit

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises OSError, also when it takes too long."""
        try:
            async with asyncio.timeout(self._limit):
                return await self._inner.resolve(host, port, family)
        except TimeoutError as error:
            raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from error

    async def close(self) -> None:
        """Give back what the inner resolver holds."""
        await self._inner.close()


class Proxy:
    """The operator's proxy and the hosts that are reached without it.

    `no_proxy` as everywhere: hosts, domains with or without a leading dot, `host:port`, networks (`10.0.0.0/8`), `*`;
    separated by commas or blanks. Raises UsageError for a proxy that cannot be one.
    """

    def __init__(self, url: str | None, no_proxy: str = "") -> None:
        self._url = _proxy_address(url) if url else None
        words = no_proxy.lower().replace(",", " ").split()
        self._networks = [network for word in words if (network := _network(word)) is not None]
        self._names = tuple(word.removeprefix("*").removeprefix(".") for word in words)

    def __bool__(self) -> bool:
        """Whether there is one."""
        return self._url is not None

    def of(self, target: URL) -> URL | None:
        """The proxy through which an address is asked; None: directly."""
        if self._url is None or self._bypassed(target):
            return None
        return self._url

    def _bypassed(self, target: URL) -> bool:
        host = (target.host or "").rstrip(".")
        if any(name in ("", host, f"{host}:{target.port}") or host.endswith(f".{name}") for name in self._names):
            return True
        spelled = literal(host) if self._networks else None
        return spelled is not None and any(ip_address(spelled) in network for network in self._networks)


def _proxy_address(url: str) -> URL:
    with suppress(ValueError):
        parsed = URL(url if "://" in url else f"http://{url}")
        if parsed.scheme in ("http", "https") and parsed.host:
            return parsed
    raise UsageError("HTTPS_PROXY: not a proxy's address; write http://host:port")


def _network(word: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(word, strict=False)
    except ValueError:
        return None
