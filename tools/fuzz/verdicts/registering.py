"""SIP of the lines by its packets: REGISTER and when it is repeated, which response counts, and the NOTIFY that asks
for provisioning (PROV-014, PROV-250 to PROV-257, RFC 3261)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from emulator.events import (
    SECOND,
    CheckSyncJudged,
    CheckSyncReceived,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    LineRefused,
    LineRegistered,
    LineRegistering,
    LineWaiting,
    PowerOn,
    RestartNeeded,
    RestartOrdered,
    RunDeferred,
    RunEnded,
    RunStarted,
)
from emulator.phone.catalogue import LINES
from emulator.wire import sip
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.sip_messages import PORT, answerable, branch_of, message_of, method_of
from tools.fuzz.verdicts.watching import Verdict

MS = SECOND // 1000
AGENT = re.compile(rb"User-Agent:[^\r\n]*")
"""It says nothing of the transaction, and changes with the settings."""
SERVERS = ("SIP_RGSTR_ADDR", "SIP_OUTPROXY_ADDR", "SIP_PRXY_ADDR")


class Asked(NamedTuple):
    """A REGISTER that is under way. sent: datagrams so far; time, waited: of the last; slow: a 1xx came."""

    packet: bytes
    sent: int
    time: int
    waited: int
    final: bool
    slow: bool


class Registers(Verdict):
    """REGISTER follows the first run, is repeated on the schedule of RFC 3261 s.17.1.2.2, and only its own responses
    count (RFC 3261 s.17.1.2)."""

    name = "register"

    def begin(self) -> None:
        """Nothing was asked."""
        self.ended = False
        self.asked: dict[str, Asked] = {}
        self.numbers: dict[str, int] = {}
        self.response: sip.Message | None = None

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """Nothing is remembered."""
        self.begin()

    @on(RunEnded)
    def run_ended(self, entry: Entry, event: RunEnded) -> None:
        """From now on lines may register (PROV-014), and those that are enabled do."""
        if not self.ended and self.facts.address:
            self.entry = entry
            self.facts.afterward(self.begun)
        self.ended = True

    def begun(self) -> None:
        """Each has set about it."""
        facts = self.facts
        about = (LineRegistering, LineRefused)
        lines = {each.event.line for each in facts.settled.entries if isinstance(each.event, about)}
        for line in range(1, LINES + 1):
            wanted = facts.enabled(f"LINE_ENABLE/{line}") and facts.value(f"SIP_RGSTR_ADDR/{line}")
            if wanted and facts.on and facts.address and line not in lines:
                text = f"line {line} is enabled, the first run has ended, and the line does not register"
                self.fault("PROV-013, PROV-195", text, self.entry, "no line")

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """A REGISTER."""
        if event.payload[:9] != b"REGISTER ":
            return
        if not self.ended:
            self.fault("PROV-014", "a line registers before the first provisioning run has ended", entry, "early")
        message = message_of(event.payload)
        branch = branch_of(message)
        if message is None or not branch:
            return
        before = self.asked.get(branch)
        if before is None:
            self.number(entry, message)
            self.asked[branch] = Asked(event.payload, 1, entry.time, 0, False, False)
        else:
            self.repeated(entry, branch, before, event.payload)

    def number(self, entry: Entry, message: sip.Message) -> None:
        """Each request of a registration has a higher CSeq (RFC 3261 s.10.2)."""
        call_id = message.get("Call-ID") or ""
        number, _ = sip.cseq(message.get("CSeq") or "")
        if number <= self.numbers.get(call_id, 0):
            self.fault("RFC 3261 s.10.2", f"a new REGISTER has the CSeq {number} again", entry, "cseq")
        self.numbers[call_id] = number

    def repeated(self, entry: Entry, branch: str, before: Asked, packet: bytes) -> None:
        """The same request again: after T1, then after twice as long each time, up to T2."""
        waited = self.facts.due - before.time
        if AGENT.sub(b"", packet) != AGENT.sub(b"", before.packet):
            self.fault("RFC 3261 s.17.1.2", "a repeated REGISTER is not the one sent before", entry, "another")
        if before.final:
            self.fault("RFC 3261 s.17.1.2.2", "a REGISTER was repeated after its final response", entry, "answered")
        elif not before.slow and not self.in_time(before, waited):
            text = f"REGISTER {before.sent + 1} followed after {waited / SECOND:g} s"
            self.fault("RFC 3261 s.17.1.2.2", text, entry, "schedule")
        self.asked[branch] = before._replace(sent=before.sent + 1, time=entry.time, waited=waited)

    def in_time(self, before: Asked, waited: int) -> bool:
        """Whether some enabled line has timers by which the request is due now."""
        facts = self.facts
        for line in range(1, LINES + 1):
            first = facts.number(f"SIP_TIMER_T1/{line}") * MS
            longest = facts.number(f"SIP_TIMER_T2/{line}") * SECOND
            wanted = first if before.sent == 1 else min(2 * before.waited, longest)
            if waited in (wanted, min(wanted, longest)):
                return True
        return False

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """A response."""
        self.response = None
        if event.port != PORT or event.payload[:4].upper() != b"SIP/":
            return
        self.response = message = message_of(event.payload)
        branch = branch_of(message)
        known = self.asked.get(branch)
        if message is None or message.status is None or known is None or method_of(message) != "REGISTER":
            return
        final = message.status >= 200
        self.asked[branch] = known._replace(final=known.final or final, slow=known.slow or not final)

    @on(LineRegistered, LineRefused, LineWaiting)
    def decided(self, entry: Entry, event: LineRegistered | LineRefused | LineWaiting) -> None:
        """What a response leads to has to be a response to a REGISTER of this phone."""
        first = self.facts.settled.entries[0].event
        if type(first) is not DatagramReceived or first.port != PORT or self.response is None:
            return
        known = self.asked.get(branch_of(self.response))
        if known is None or method_of(self.response) != "REGISTER":
            text = "a response to no REGISTER of this phone decided over a line"
            self.fault("RFC 3261 s.17.1.2", text, entry, "stray")
        if isinstance(event, LineRegistered) and not 200 <= (self.response.status or 0) < 300:
            text = f"a line counts as registered after {self.response.status}"
            self.fault("RFC 3261 s.10.2", text, entry, "status")

    @on(LineRegistered)
    def refresh(self, entry: Entry, event: LineRegistered) -> None:
        """A registration is refreshed before it ends (RFC 3261 s.10.2.4)."""
        expires = granted(self.response) if self.response is not None else -1
        if expires < 0:
            expires = event.expires
        if event.refresh >= max(expires, 2) * SECOND:
            text = f"a registration for {expires} s is refreshed after {event.refresh / SECOND:g} s"
            self.fault("RFC 3261 s.10.2.4", text, entry, "refresh")


def granted(response: sip.Message) -> int:
    """The seconds that a 200 grants: by its one Contact, else by Expires; -1 if it does not say, or of several."""
    contacts = response.all("Contact")
    if len(contacts) > 1 or any("," in each or "*" in each for each in contacts):
        return -1
    try:
        params = sip.parse_name_addr(contacts[0]).params if contacts else ()
    except sip.SipError:
        return -1
    told = next((value for name, value in params if name.lower() == "expires"), None) or response.get("Expires")
    found = sip.seconds(told or "")
    return -1 if found is None else found


class CheckSync(Verdict):
    """A NOTIFY that asks for provisioning is obeyed if a server of a line sends it, and answered (PROV-250 to 257)."""

    name = "check-sync"

    def begin(self) -> None:
        """Nothing was asked."""
        self.packet: DatagramReceived | None = None
        self.judged = False

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """Nothing is remembered."""
        self.begin()

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """It may be one."""
        self.packet, self.judged = None, False
        if event.port != PORT or event.payload[:6].upper() != b"NOTIFY" or not self.facts.reachable(event.source):
            return
        message = message_of(event.payload)
        if message is None or not answerable(message):
            return
        self.judged = True
        wanted = sip.token(self.facts.value("CFG_RESYNC_FROM_SIP"))
        if sip.token(message.get("Event") or "") == wanted != "":
            self.packet, self.entry = event, entry
            self.reboot = (sip.param(message.get("Event") or "", "reboot") or "").lower() == "true"
            believed = 200 if self.believed(event.source) else 403
            self.wanted = believed if self.facts.enabled("PROVISION_ENABLE") else 489
            self.running, self.put_off = self.facts.run != "", self.facts.deferred != ""
            self.facts.afterward(self.judge)

    @on(CheckSyncReceived)
    def read(self, entry: Entry, event: CheckSyncReceived) -> None:
        """Nothing else may count as one."""
        if self.packet is None and self.judged:
            self.fault(
                "PROV-250, PROV-253, PROV-254",
                "a NOTIFY about another event counts as one for provisioning",
                entry,
                "event",
            )

    def believed(self, source: str) -> bool:
        """Whether an enabled line has this server (PROV-257)."""
        facts = self.facts
        if facts.option("notify_from", "servers") == "anyone":
            return True
        for line in range(1, LINES + 1):
            if facts.enabled(f"LINE_ENABLE/{line}"):
                for tag in SERVERS:
                    host = facts.value(f"{tag}/{line}").lower()
                    if source in facts.resolved.get(host, (host,)):
                        return True
        return False

    def judge(self) -> None:
        """What the phone did about it."""
        packet, facts = self.packet, self.facts
        if packet is None:
            return
        events = [each.event for each in facts.settled.entries]
        judged = [each for each in events if isinstance(each, CheckSyncJudged)]
        answers = [each for each in events if isinstance(each, DatagramSent) and each.payload[:8] == b"SIP/2.0 "]
        if not facts.on and not any(isinstance(each, RestartOrdered) for each in events):
            return
        if not answers:
            self.fault("PROV-252, PROV-254", "a NOTIFY for provisioning was not answered", self.entry, "no answer")
            return
        status = int(answers[0].payload[8:11])
        wanted = self.wanted
        repeated = not judged
        if not repeated and status != wanted:
            rule = {403: "PROV-257", 489: "PROV-238"}.get(wanted, "PROV-257" if status == 403 else "PROV-254")
            self.fault(rule, f"a NOTIFY was answered {status}, not {wanted}", self.entry, f"{status} {wanted}")
        elif not repeated and status == 200:
            self.obeyed(events)

    def obeyed(self, events: Sequence[Event]) -> None:
        """A restart, a run, or a run after the one that is on."""
        if self.reboot:
            if not any(isinstance(each, RestartNeeded) for each in events):
                self.fault("PROV-255", "a NOTIFY asked for a restart, and there is none", self.entry, "restart")
        elif self.running:
            if not self.put_off and not any(isinstance(each, RunDeferred) for each in events):
                self.fault("PROV-256", "a NOTIFY came during a run, and no run will follow", self.entry, "deferred")
        elif not any(isinstance(each, RunStarted) for each in events):
            self.fault("PROV-254", "a NOTIFY was answered 200, and no run began", self.entry, "no run")
