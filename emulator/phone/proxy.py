"""The HTTP proxy (PROV-114): which requests go through it, and their target then (RFC 9112 section 3.2.2).

It is for plain HTTP; HTTPS goes past it, as the guide names no proxy for tunnels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from emulator.phone.urls import Url

if TYPE_CHECKING:
    from emulator.phone.state import Phone

SETTINGS = ("HTTP_ENABLE_PROXY", "HTTP_PROXY_SVR_ADDR", "HTTP_PROXY_SVR_PORT")


class Proxy(NamedTuple):
    """host: name or address in lower case, an IPv6 address without brackets; grounds: entries that it comes from."""

    host: str
    port: int
    grounds: tuple[int, ...]


def proxy_for(phone: Phone, url: str) -> Proxy | None:
    """The proxy that the settings want for ``url``; None if its server is asked directly."""
    settings = phone.settings
    host = settings.value("HTTP_PROXY_SVR_ADDR").strip().lower()
    if not settings.enabled("HTTP_ENABLE_PROXY") or not host or not url.lower().startswith("http://"):
        return None
    grounds = tuple(sorted({settings.grounds(name) for name in SETTINGS}))
    return Proxy(host.removeprefix("[").removesuffix("]"), settings.number("HTTP_PROXY_SVR_PORT"), grounds)


def absolute(url: Url) -> str:
    """The target that tells a proxy which server is meant, without the login."""
    return f"{url.scheme}://{url.authority}{url.target}"
