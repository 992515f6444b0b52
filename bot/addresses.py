"""Who is one client: under IPv6 a person has as many addresses as they like."""

from __future__ import annotations

import ipaddress


def network(client: str, bits: int) -> str:
    """An IPv4 address, or the first `bits` of an IPv6 one; what is no address, a messenger's
    sender say, as it is.
    """
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, bits), strict=False))
