"""A run as a packet capture (:mod:`tools.capture`)."""

from __future__ import annotations

from typing import BinaryIO

from emulator.events import DatagramReceived, DatagramSent, HttpAnswered, HttpRequested, StreamReceived, StreamSent
from emulator.log.progress import counted
from tools import capture
from tools.exports.forms import Asked, Told
from tools.exports.secrets import logins_in, of_kinds, secrets_in
from tools.locate import Located

ON_THE_WIRE = (DatagramSent, DatagramReceived, HttpRequested, HttpAnswered, StreamSent, StreamReceived)
"""Events whose bytes a capture holds; nothing else of a run is in it."""


def write(found: Located, out: BinaryIO, asked: Asked) -> Told:
    """Write what the phones of a run sent and got, as it was, with its passwords. Raises LogError, OSError."""
    packets, size = capture.write(found.info, counted(of_kinds(found), asked.progress), out)
    secrets = {*secrets_in(of_kinds(found, *ON_THE_WIRE)), *logins_in(of_kinds(found, StreamSent))}
    return Told(size, packets, "packets", tuple(sorted(secrets)))
