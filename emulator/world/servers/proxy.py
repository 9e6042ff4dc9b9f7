"""A virtual HTTP proxy (PROV-114): a whole URL in the request line, the answer of the server that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emulator.events import Headers
from emulator.phone.urls import UrlError, parse_url
from emulator.world.scenario import ProxySpec
from emulator.world.servers.base import Answer, FileService, Request, usual

_EMPTY: Headers = (("Content-Length", "0"), ("Connection", "close"))


class ProxyServer:
    """It keeps no state. origins: the servers it reaches; names: host name to addresses, as in the scenario."""

    def __init__(self, spec: ProxySpec, origins: Sequence[FileService], names: Mapping[str, str]) -> None:
        self.spec = spec
        self.origins = origins
        self.names = names
        self._address = usual(spec.address)

    @property
    def address(self) -> str:
        """The address of its host."""
        return self._address

    def serves(self, address: str, port: int, scheme: str) -> bool:
        """HTTP on its port."""
        return (usual(address), port, scheme) == (self._address, self.spec.port, "http")

    def up(self, now: int) -> bool:
        """Whether it runs now."""
        return self.spec.start <= now < self.spec.end

    def answer(self, request: Request, now: int) -> Answer:
        """The answer of the server that the target names, or one of its own (RFC 9110 section 15)."""
        behaviour = self.spec.behaviour
        if behaviour == "silent":
            return Answer(0, delay=request.idle_limit, end="idle-timeout")
        if behaviour == "login":
            made = Answer(407, (("Proxy-Authenticate", 'Basic realm="proxy"'), *_EMPTY))
        elif behaviour == "error":
            made = Answer(503, _EMPTY)
        else:
            made = self.forwarded(request, now)
        return made._replace(delay=made.delay + self.spec.delay)

    def forwarded(self, request: Request, now: int) -> Answer:
        """400 if the target is no http URL, 502 if the server that it names is not there."""
        try:
            url = parse_url(request.target)
        except UrlError:
            return Answer(400, _EMPTY)
        if url.scheme != "http":
            return Answer(400, _EMPTY)
        for address in self.names.get(url.host, url.host).split(","):
            asked = request._replace(address=address.strip(), port=url.port, target=url.target)
            for origin in self.origins:
                if origin.serves(asked.address, asked.port, "http") and origin.up(now):
                    found = origin.answer(asked, now)
                    return found if found.end != "refused" else Answer(502, _EMPTY)
        return Answer(502, _EMPTY)
