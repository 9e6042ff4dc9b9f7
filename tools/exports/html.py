"""A run as a page for a browser (:mod:`tools.page`)."""

from __future__ import annotations

from typing import BinaryIO

from tools.exports.forms import Asked, Told
from tools.locate import Located
from tools.page import run_page


def write(found: Located, out: BinaryIO, asked: Asked) -> Told:
    """Write the page. Raises LogError, OSError."""
    return Told(out.write(run_page(found, secrets=asked.secrets)))
