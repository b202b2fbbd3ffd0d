"""Requests to addresses that the owner has named: never into private networks, unless the owner allows it.

Where Paperwire runs there may be databases, metadata services and routers beside it. A host's addresses are looked up
and checked, and the request goes to the address that was checked: a second answer of the name server changes nothing.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx

from core.model.errors import FetchError
from core.sources.client import Located

_LOOK_UP_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443}


async def locate(url: str) -> Located:
    """Returns where to send a request. Raises `FetchError` for a private address, and for a host that is not found."""
    address = httpx.URL(url)
    port = address.port or _PORTS.get(address.scheme, 0)
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(address.host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise FetchError(url, "its host was not found within 5 s", state="timeout") from None
    except (OSError, UnicodeError) as error:
        raise FetchError(url, f"its host was not found: {error}") from error
    hosts = sorted({str(row[4][0]).partition("%")[0] for row in found}, key=lambda host: (":" in host, host))
    if not hosts or not all(is_public(ip_address(host)) for host in hosts):
        reason = "it is in a private network, which is not asked; PRIVATE_SOURCES=1 allows that"
        raise FetchError(url, reason, again=False, state="refused")
    return Located(str(address.copy_with(host=hosts[0])), address.host)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Returns whether an address is one of the public internet."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None and not is_public(inner):
            return False
        if address.packed[:12] == bytes.fromhex("0064ff9b0000000000000000"):  # NAT64
            return is_public(IPv4Address(address.packed[12:]))
    return address.is_global and not address.is_multicast
