"""The fence: around simulating and replaying, every way to the network is an error.

An audit hook sees each call before it happens. A hook cannot be taken out again, so one is put in at first use and
looks at a context variable; outside a fence it does nothing. ``socket.socketpair``, which trio wakes itself up with,
and pipes raise none of these events.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

FENCED = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"),
        *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
    }
)
"""The audit events that a fence refuses."""

_inside: ContextVar[bool] = ContextVar("inside a fence", default=False)


class Fenced(RuntimeError):
    """Something inside a fence wanted to reach the network."""


def _hook(event: str, _arguments: tuple[object, ...]) -> None:
    if event in FENCED and _inside.get():
        raise Fenced(f"{event} while simulating or replaying")


@lru_cache(maxsize=1)
def _put_in() -> None:
    sys.addaudithook(_hook)


@contextmanager
def fence() -> Iterator[None]:
    """Refuse the network to everything that runs inside, tasks started there included; trying it raises Fenced."""
    _put_in()
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)
