"""A virtual redirection server (PROV-100 to PROV-105): MAC address in, provisioning URL out."""

from __future__ import annotations

import re

from emulator.world.scenario import RedirectionSpec
from emulator.world.servers.base import Answer, Request, usual

_MAC_FILE = re.compile(r"/([0-9A-Fa-f]{12})\.cfg$")


class RedirectionServer:
    """It knows the phones that were registered with it, and has no other state."""

    def __init__(self, spec: RedirectionSpec) -> None:
        self.spec = spec
        self._address = usual(spec.address)
        self.known = {mac.lower(): url for mac, url in spec.known.items()}

    @property
    def address(self) -> str:
        """The address of its host."""
        return self._address

    def serves(self, address: str, port: int, scheme: str) -> bool:
        """HTTP on port 80."""
        return (usual(address), port, scheme) == (self._address, 80, "http")

    def up(self, now: int) -> bool:
        """Whether it runs now."""
        return self.spec.start <= now < self.spec.end

    def answer(self, request: Request, now: int) -> Answer:
        """302 or a text with the URL of a known phone (PROV-103), 404 for another."""
        found = _MAC_FILE.search(request.target)
        url = self.known.get(found[1].lower()) if found else None
        if self.spec.answer == "error":
            return Answer(503, (("Content-Length", "0"),))
        if url is None:
            return Answer(404, (("Content-Length", "0"),))
        if self.spec.answer == "text":
            body = url.encode() + b"\n"
            return Answer(200, (("Content-Type", "text/plain"), ("Content-Length", str(len(body)))), body)
        return Answer(302, (("Location", url), ("Content-Length", "0")))
