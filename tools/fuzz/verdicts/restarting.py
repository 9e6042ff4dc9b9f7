"""Restarts that the phone makes by itself: when there has to be one, and never during a call (PROV-240, PROV-255,
PROV-277)."""

from __future__ import annotations

from emulator.events import (
    Entry,
    HandsetLifted,
    HandsetReplaced,
    PowerOn,
    RestartNeeded,
    RestartOrdered,
    RunEnded,
    SaveFailed,
    SettingChanged,
    SettingsLoaded,
)
from emulator.phone.catalogue import catalogue
from emulator.phone.storage import FILES
from tools.fuzz.verdicts.facts import Held, in_force
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

WATCHDOG = "watchdog"
"""A firmware that hangs makes no calls."""
RULES = {"check-sync": "PROV-255", "settings": "PROV-277"}
"""Why one is needed, to the rule; the others go by PROV-240."""
GROUPS = tuple(f"Device/Network/{group}" for group in ("EthernetPort", "CDP", "LLDP", "IPv6"))
TAGS = ("WEB_SERVER_PORT", "SIP_SRC_PORT", "SIP_TRANSPORT", "SIP_ADD_TRANSPORT_UDP", "RTP_PORT_MIN", "RTP_PORT_MAX")
"""What touches addresses, VLAN, ports or transport (PROV-277, O-16)."""


def bound(key: str) -> bool:
    """Whether a parameter counts from the next restart on."""
    parameter = catalogue().by_tag.get(key.partition("/")[0])
    return parameter is not None and (parameter.path in GROUPS or parameter.tag in TAGS)


class Restarts(Verdict):
    """One that is needed comes at once, or when the call is over; and none comes during a call."""

    name = "restarts"

    def begin(self) -> None:
        """A power cycle begins: no call, and nothing that waits."""
        self.call = False
        self.needed = ""
        self.changed: set[str] = set()
        self.held: dict[str, Held] = {}
        self.typed: dict[str, str] = {}

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """What was needed has come, and no call is on."""
        self.begin()

    @on(HandsetLifted)
    def lifted(self, entry: Entry, event: HandsetLifted) -> None:
        """A call is on."""
        self.call = True

    @on(HandsetReplaced)
    def replaced(self, entry: Entry, event: HandsetReplaced) -> None:
        """It is over, and what was put off comes now."""
        self.call, self.entry = False, entry
        if self.needed:
            self.facts.afterward(self.came)

    @on(RestartNeeded)
    def asked(self, entry: Entry, event: RestartNeeded) -> None:
        """A reason; the first counts."""
        self.needed, self.entry = self.needed or event.reason, entry
        if not self.call:
            self.facts.afterward(self.came)

    def came(self) -> None:
        """The restart was ordered in this moment."""
        if self.facts.on and not any(isinstance(each.event, RestartOrdered) for each in self.facts.settled.entries):
            text = f"a restart is needed ({self.needed}), no call is on, and it did not come"
            self.fault(RULES.get(self.needed, "PROV-240"), text, self.entry, f"missing {self.needed}")

    @on(RestartOrdered)
    def ordered(self, entry: Entry, event: RestartOrdered) -> None:
        """Not during a call."""
        if self.call and event.reason != WATCHDOG:
            rule = "PROV-240, PROV-255" if event.reason == "check-sync" else "PROV-240"
            self.fault(rule, f"a restart ({event.reason}) ended a call", entry, f"in a call {event.reason}")

    @on(SettingsLoaded)
    def loaded(self, entry: Entry, event: SettingsLoaded) -> None:
        """What is in force until the next restart."""
        self.held, self.typed = dict(self.facts.provisioned), dict(self.facts.user)

    @on(SettingChanged)
    def setting(self, entry: Entry, event: SettingChanged) -> None:
        """A file changed what counts from the next restart on. What somebody types does not ask for one."""
        if event.origin in ("initial", *FILES) and bound(event.key):
            self.changed.add(event.key)

    @on(RunEnded)
    def run_ended(self, entry: Entry, event: RunEnded) -> None:
        """A run that changed such a value needs a restart."""
        self.entry = entry
        if any(self.facts.value(key) != in_force(key, self.held, self.typed) for key in self.changed):
            self.facts.afterward(self.needs)

    def needs(self) -> None:
        """It says so."""
        if self.facts.on and not self.needed:
            text = "the run changed what counts from the next restart on, and there will be none"
            self.fault("PROV-277", text, self.entry, "settings")

    @on(SaveFailed)
    def lost(self, entry: Entry, event: SaveFailed) -> None:
        """What is not in flash does not come with a restart."""
        self.changed = set()
