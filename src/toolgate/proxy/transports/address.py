"""Which address a name may lead to: resolved once, judged, and then connected to as it is.

An upstream that must not be private (`allow_private` false) is refused every address that is not globally reachable, also when
it hides in an IPv4-mapped, NAT64 or 6to4 address (RFC 4291, 6052, 3056).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from toolgate.errors import Unavailable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str, int], Awaitable[list[str]]]

RETIRED = tuple(map(ipaddress.ip_network, ("192.88.99.0/24", "fec0::/10", "3fff::/20", "5f00::/16")))
"""Not globally reachable, though older tables do not know (RFC 7526, 3879, 9637, 9602)."""
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system gives them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only carries it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return inner
        if any(address in network for network in NAT64):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if int(address) >> 32 == 0 and int(address) > 1:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(text: str) -> bool:
    """Whether an address is globally reachable, under every reading of it."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = unwrapped(address)
    if any(inner in network for network in RETIRED):
        return False
    return inner.is_global and not inner.is_multicast and not inner.is_reserved and (inner is not address or address.is_global)


async def choose(host: str, port: int, *, allow_private: bool, name: str, resolver: Resolver = resolve) -> str:
    """The address to connect to. Raises Unavailable (nothing sent) when there is none, or none that is allowed."""
    try:
        found = [host] if _literal(host) else await resolver(host, port)
    except OSError:
        raise Unavailable(f"the server `{name}` cannot be found: its host name does not resolve", sent=False) from None
    if not allow_private and not all(is_public(address) for address in found):
        text = f"the server `{name}` leads to a private address; set `allow_private = true` for it if that is meant"
        raise Unavailable(text, sent=False)
    if not found:
        raise Unavailable(f"the server `{name}` cannot be found: its host name has no address", sent=False)
    return found[0]


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
