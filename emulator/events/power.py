"""Power, timers and the hands of the user."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Payload, Role
from emulator.events.masking import duration, masked


@frozen
class FlashFitted(Event):
    """A flash chip with this content is in the phone; always the first event of a phone.

    image: packed flash image (see flash_image/README.md).
    """

    role: ClassVar[Role] = Role.INPUT
    image: Payload

    def _line(self) -> str:
        return f"flash chip fitted, {len(self.image)} bytes of content"


@frozen
class PowerOn(Event):
    """Power is applied. All randomness of this power cycle derives from ``entropy`` (64 hex digits)."""

    role: ClassVar[Role] = Role.INPUT
    entropy: str

    def _line(self) -> str:
        return "power on"


@frozen
class PowerOff(Event):
    """Power is gone. Everything that is not in flash is lost."""

    role: ClassVar[Role] = Role.INPUT

    def _line(self) -> str:
        return "power off"


@frozen
class LinkUp(Event):
    """The network cable carries a signal."""

    role: ClassVar[Role] = Role.INPUT

    def _line(self) -> str:
        return "link up"


@frozen
class LinkDown(Event):
    """The network cable is out, or the switch is dead."""

    role: ClassVar[Role] = Role.INPUT

    def _line(self) -> str:
        return "link down"


@frozen
class SettingEntered(Event):
    """Somebody typed a value into the web page or the phone's menu.

    key: ``TAG`` or ``TAG/line``; value: None takes the user's value back; via: ``web`` or ``phone``.
    """

    role: ClassVar[Role] = Role.INPUT
    key: str
    value: str | None
    via: str

    def _line(self) -> str:
        value = "nothing (removed)" if self.value is None else masked(self.key, self.value)
        return f"{self.via} programming: {self.key} = {value}"


@frozen
class HandsetLifted(Event):
    """Somebody picks up the handset: a call is on until it is back (PROV-240)."""

    role: ClassVar[Role] = Role.INPUT

    def _line(self) -> str:
        return "handset lifted"


@frozen
class HandsetReplaced(Event):
    """The handset is back, the call is over."""

    role: ClassVar[Role] = Role.INPUT

    def _line(self) -> str:
        return "handset replaced"


@frozen
class RestartRequested(Event):
    """Somebody asks for a restart. via: ``web`` or ``phone``."""

    role: ClassVar[Role] = Role.INPUT
    via: str

    def _line(self) -> str:
        return f"restart asked for ({self.via})"


@frozen
class RestartNeeded(Event):
    """The phone has to restart as soon as no call is on.

    reason: ``web``, ``phone``, ``check-sync``, ``settings``, ``firmware``, ``factory-reset``.
    """

    reason: str

    def _line(self) -> str:
        return f"a restart is needed ({self.reason})"


@frozen
class RestartOrdered(Event):
    """The phone goes down by itself, to come up with :class:`PowerOn`; it ends the power cycle as PowerOff does."""

    role: ClassVar[Role] = Role.ORDER
    reason: str

    def _line(self) -> str:
        return f"restarting ({self.reason})"


@frozen
class TimerSet(Event):
    """Wake me up. Setting a timer that is armed moves it.

    name: timer name; after: ns from now.
    """

    role: ClassVar[Role] = Role.ORDER
    orders: ClassVar[str] = "timer"
    name: str
    after: int

    def _line(self) -> str:
        return f"timer {self.name} in {duration(self.after)}"


@frozen
class TimerCancelled(Event):
    """The timer is no longer wanted; should it fall due, the gate drops it."""

    name: str

    def _line(self) -> str:
        return f"timer {self.name} cancelled"


@frozen
class TimerDue(Event):
    """An armed timer ran out. ``ordinal`` counts the settings of this name within the power cycle."""

    role: ClassVar[Role] = Role.INPUT
    answers: ClassVar[str] = "timer"
    name: str
    ordinal: int

    def _line(self) -> str:
        return f"timer {self.name} due"


@frozen
class DisplayShown(Event):
    """The display shows a line of text (texts of our own, spec section 21)."""

    line: str

    def _line(self) -> str:
        return f"display: {self.line}" if self.line else "display: clear"
