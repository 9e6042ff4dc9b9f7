"""SIP registration of the lines."""

from __future__ import annotations

from attrs import frozen

from emulator.events.base import Event
from emulator.events.masking import duration
from emulator.events.units import SECOND


@frozen
class LineRegistering(Event):
    """A line sets about registering with its settings as they are now. attempt: 1, and one more after each failure.

    server: host that the REGISTER will be sent to, the outbound proxy if there is one; "" if the settings name none.
    """

    line: int
    server: str
    attempt: int

    def _line(self) -> str:
        return f"line {self.line} registers at {self.server}" + (
            f", attempt {self.attempt}" if self.attempt > 1 else ""
        )


@frozen
class RegisterStarted(Event):
    """A REGISTER transaction begins. expires: seconds asked for, 0 to end a registration; cseq: its number."""

    line: int
    address: str
    cseq: int
    branch: str
    expires: int

    def _line(self) -> str:
        what = f"registration for {duration(self.expires * SECOND)}" if self.expires else "the end of its registration"
        return f"line {self.line} asks {self.address} for {what}"


@frozen
class RegisterAnswered(Event):
    """A response to a REGISTER, read. branch: of the topmost Via, which names the transaction.

    challenges: values of WWW-Authenticate after a 401, of Proxy-Authenticate after a 407; contacts: URI and expires
    of each binding; expires, min_expires: header fields. Times in seconds, -1 where absent.
    """

    status: int
    phrase: str
    branch: str
    challenges: tuple[str, ...]
    contacts: tuple[tuple[str, int], ...]
    expires: int
    min_expires: int

    def _line(self) -> str:
        return f"SIP {self.status} {self.phrase} to our REGISTER"


@frozen
class LineRegistered(Event):
    """A line is registered. expires: seconds that the registrar grants; refresh: ns until it registers again."""

    line: int
    expires: int
    refresh: int

    def _line(self) -> str:
        granted, again = duration(self.expires * SECOND), duration(self.refresh)
        return f"line {self.line} is registered for {granted}, again in {again}"


@frozen
class LineWaiting(Event):
    """A line could not register and tries again. status: of the response, 0 without one; wait: ns until then.

    reason: ``status``, ``timeout``, ``name-not-found``, ``unreachable`` (it has no IPv4 address), ``too-brief`` (423
    that cannot be met), ``nothing-granted``.
    """

    line: int
    reason: str
    status: int
    wait: int

    def _line(self) -> str:
        status = f" {self.status}" if self.status else ""
        return f"line {self.line} is not registered: {self.reason}{status}, again in {duration(self.wait)}"


@frozen
class LineRefused(Event):
    """A line could not register, and its settings have to change before it tries again.

    reason: ``forbidden`` (with SIP_403_REG_SUB_RTX at N), ``no-credentials``, ``credentials-refused``,
    ``challenge-not-understood``, ``no-user``, ``bad-settings``.
    """

    line: int
    reason: str
    status: int

    def _line(self) -> str:
        return f"line {self.line} is not registered: {self.reason}" + (f", {self.status}" if self.status else "")


@frozen
class LineUnregistered(Event):
    """A line has no registration any more, and asks for none with the settings that it had."""

    line: int

    def _line(self) -> str:
        return f"line {self.line} is no longer registered"
