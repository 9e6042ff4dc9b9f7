"""Names: asked of the server that DHCP named (PROV-281), or else of this machine's resolver."""

from __future__ import annotations

import socket

import trio

from emulator.phone.network import IPV4, IPV6, Families

LIMIT = 10.0
"""Seconds that a resolver tries before it says ``timeout``; as in the simulated world."""
_RECORDS = {IPV4: "A", IPV6: "AAAA"}
Found = tuple[tuple[str, ...], str]
"""(addresses, error): see LookupAnswered."""


async def look_up(name: str, families: Families, server: str = "") -> Found:
    """The addresses of a host name in these families. server: of the network that the phone is in, "" for none."""
    with trio.move_on_after(LIMIT):
        return await (_asked(name, families, server) if server else _resolved(name, families))
    return (), "timeout"


async def _resolved(name: str, families: Families) -> Found:
    """As every program of this machine finds names, /etc/hosts and all."""
    wanted = {socket.AF_INET: IPV4, socket.AF_INET6: IPV6}
    try:
        found = await trio.socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        no_name = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        return (), "no-such-name" if no_name else "server-failure"
    except (OSError, UnicodeError):
        return (), "server-failure"
    addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found if wanted.get(each[0]) in families))
    return addresses, "" if addresses else "no-data"


async def _asked(name: str, families: Families, server: str) -> Found:
    """As a phone asks: one server, A or AAAA records, no search list."""
    import dns.asyncresolver
    import dns.exception
    import dns.resolver

    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.lifetime = [server], LIMIT
    addresses: list[str] = []
    error = "no-data"
    for family in families:
        try:
            answer = await resolver.resolve(name, _RECORDS[family], search=False)
        except dns.resolver.NXDOMAIN:
            return (), "no-such-name"
        except dns.resolver.NoAnswer:
            continue
        except dns.exception.Timeout:
            error = "timeout"
        except (dns.exception.DNSException, OSError, UnicodeError):
            error = "server-failure"
        else:
            addresses += [record.address for record in answer]
    return tuple(addresses), "" if addresses else error
