"""A run as JSON Lines: complete, so that it verifies, replays and is imported elsewhere."""

from __future__ import annotations

from typing import BinaryIO

from emulator.log import jsonl
from tools.exports.forms import Asked, Told
from tools.exports.secrets import of_kinds, secrets_in
from tools.locate import Located


def write(found: Located, out: BinaryIO, asked: Asked) -> Told:
    """Write the log as it is, with what secrets it holds. Raises LogError, OSError."""
    size = jsonl.write(found.store, found.info, out, asked.progress)
    return Told(size, secrets=secrets_in(of_kinds(found)))
