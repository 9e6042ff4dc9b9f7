"""What has to hold in every story, by the rules of the guide and the RFCs. No verdict knows what a good phone does
otherwise than by these rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import Factory, define

from emulator.events import (
    AddressBound,
    AddressLost,
    AttemptStarted,
    ConfigurationRead,
    DatagramLost,
    DatagramSent,
    DownloadEnded,
    Entry,
    Event,
    FileRefused,
    FlashFailed,
    FlashProgrammed,
    FlashTorn,
    LinkDown,
    PacketRefused,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    RunStarted,
    SettingChanged,
    SettingEntered,
    SourceTried,
)
from emulator.events.masking import is_secret
from emulator.phone.configfile import LIMIT
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.run import Run
from flash_image import Geometry
from flash_image.layout import LOG, built_in
from tools.fuzz.model import Case, Check, Violation

_GEOMETRY = Geometry()
_LOG = built_in(_GEOMETRY).partition(LOG)
_LOG_BYTES = range(_LOG.first * _GEOMETRY.sector, (_LOG.first + _LOG.count) * _GEOMETRY.sector)
SYSLOG = 514
MOST_REDIRECTS = 10
"""More of them in a row are no way to a file."""
SHORTEST_SECRET = 6
"""A secret shorter than this stands in too many texts by chance."""
COUNTED: tuple[type[Event], ...] = (
    *(DatagramLost, PowerOff, PowerLost, LinkDown, FlashTorn, FlashFailed, PacketRefused, FileRefused),
    *(RestartOrdered, SettingEntered, DownloadEnded),
)


@define
class Verdicts:
    """All verdicts of one run, fed by the type of the event. violations: what does not hold; counts: how often each
    kind of fault really happened."""

    violations: list[Violation] = Factory(list)
    counts: dict[str, int] = Factory(dict)
    secrets: set[bytes] = Factory(set)
    bound: dict[int, tuple[str, int]] = Factory(dict)
    redirects: dict[tuple[int, str], tuple[int, bool]] = Factory(dict)
    refused: dict[int, set[str]] = Factory(dict)

    def see(self, settled: Settled, phone: Phone) -> None:
        """An input was taken, and the phone has settled."""
        for entry in settled.entries:
            look = LOOKS.get(type(entry.event))
            if look is not None:
                look(self, entry, phone)
            if isinstance(entry.event, COUNTED):
                self.count(entry.event)

    def count(self, event: Event) -> None:
        """A fault has really happened."""
        reason = getattr(event, "reason", "")
        if isinstance(event, DownloadEnded) and not reason:
            return
        name = f"{event.kind} {reason}".strip()
        self.counts[name] = self.counts.get(name, 0) + 1

    def fails(self, verdict: str, rule: str, text: str, entry: Entry | None, key: str = "") -> None:
        """A verdict does not hold."""
        n, phone = (0, 0) if entry is None else (entry.n, entry.phone)
        self.violations.append(Violation(verdict, rule, text, n, phone, key))

    # --- event by event ---------------------------------------------------------------------------------------------

    def source(self, entry: Entry, phone: Phone) -> None:
        """What a DHCP option gives is text without what surrounds it."""
        url = entry.event.url  # type: ignore[attr-defined]
        if url and (url != url.strip() or not url.isprintable()):
            self.fails("clean-url", "PROV-077", "a source gave a URL with white space or a NUL around it", entry)

    def started(self, entry: Entry, phone: Phone) -> None:
        """A renewal is no trigger."""
        self.refused[entry.phone] = set()

    def address(self, entry: Entry, phone: Phone) -> None:
        """A lease is used until it ends, and no longer."""
        event: Any = entry.event
        if isinstance(event, AddressBound):
            self.bound[entry.phone] = event.address, entry.time + event.lease if event.lease else 0
        else:
            self.bound.pop(entry.phone, None)

    def sent(self, entry: Entry, phone: Phone) -> None:
        """From whom, and what is said."""
        event: Any = entry.event
        address, end = self.bound.get(entry.phone, ("", 0))
        if end and event.source == address and entry.time > end:
            self.fails("lease-expired", "RFC 2131 s.4.4.5", f"sent from {address} after its lease had ended", entry)
        if event.port == SYSLOG and any(secret in event.payload for secret in self.secrets):
            self.fails("no-secret-in-syslog", "PROV-296", "a secret stands in a line to the syslog server", entry)

    def written(self, entry: Entry, phone: Phone) -> None:
        """The phone's own log tells no secret."""
        event: Any = entry.event
        if event.address in _LOG_BYTES and any(secret in event.data for secret in self.secrets):
            self.fails("no-secret-in-log", "PROV-213", "a secret stands in the phone's own log", entry)

    def setting(self, entry: Entry, phone: Phone) -> None:
        """Secrets are remembered; what a rejected file says does not count."""
        event: Any = entry.event
        if event.value and is_secret(event.key) and len(event.value) >= SHORTEST_SECRET:
            self.secrets.add(event.value.encode())
        if isinstance(event, SettingChanged) and event.origin in self.refused.get(entry.phone, ()):
            self.fails(
                "no-rejected-file", "PROV-145", f"a setting comes from a {event.origin} file that was rejected", entry
            )

    def rejected(self, entry: Entry, phone: Phone) -> None:
        """From now on nothing of this file counts in this run."""
        event: Any = entry.event
        if event.origin == "download":
            self.refused.setdefault(entry.phone, set()).add(event.file)

    def read(self, entry: Entry, phone: Phone) -> None:
        """A file that was read after all counts."""
        self.refused.get(entry.phone, set()).discard(entry.event.file)  # type: ignore[attr-defined]

    def attempt(self, entry: Entry, phone: Phone) -> None:
        """Redirects end, and do not lead from a safe place to an open one."""
        event: Any = entry.event
        key = entry.phone, event.file
        safe = event.url.lower().startswith("https:")
        before = self.redirects.get(key, (0, False))
        if event.redirects and before[1] and not safe:
            self.fails("no-downgrade", "PROV-119", "a redirect led from https to a place without", entry)
        if event.redirects > MOST_REDIRECTS:
            self.fails("redirects-end", "PROV-119", f"more than {MOST_REDIRECTS} redirects were followed", entry)
        self.redirects[key] = event.redirects, safe

    # --- at the end -------------------------------------------------------------------------------------------------

    def finish(self, run: Run, case: Case) -> None:
        """The faults have stopped, and every phone has had its time."""
        for machine in run.machines:
            phone, state = machine.phone, machine.phone.provisioning
            if not phone.power.on or not phone.settings.enabled("PROVISION_ENABLE"):
                continue
            waits = phone.orders.armed("retry") or state.step
            if state.outcome in ("failed", "partly", "saved") and not waits:
                reasons = ",".join(sorted(set(state.reasons.values()))) or "no source"
                text = f"the last run ended {state.outcome} ({reasons}), and no timer is set to try again"
                self.fails("retry-armed", "PROV-194", text, None, f"{state.outcome} {reasons}")
            for file, body in state.here.items():
                if len(body) > LIMIT:
                    self.fails("file-limit", "PROV-148", f"the {file} file is longer than {LIMIT:,} bytes", None, file)


Look = Callable[[Verdicts, Entry, Phone], None]
LOOKS: dict[type[Event], Look] = {
    SourceTried: Verdicts.source,
    RunStarted: Verdicts.started,
    AddressBound: Verdicts.address,
    AddressLost: Verdicts.address,
    PowerOn: Verdicts.address,
    DatagramSent: Verdicts.sent,
    FlashProgrammed: Verdicts.written,
    SettingChanged: Verdicts.setting,
    SettingEntered: Verdicts.setting,
    FileRefused: Verdicts.rejected,
    ConfigurationRead: Verdicts.read,
    AttemptStarted: Verdicts.attempt,
}
"""What is looked at, by the kind of event."""


def make_checks(case: Case) -> Sequence[Check]:
    """All verdicts for a run of a case."""
    return [Verdicts()]
