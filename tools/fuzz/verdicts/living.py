"""That the phone goes on: no run without end, no storm of events, and up again when the faults have stopped (PROV-194,
PROV-195)."""

from __future__ import annotations

from emulator.events import SECOND, DatagramSent, Entry, LinkDown, PowerOn, RunEnded, RunStarted, StepEntered
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.triggering import tried_again
from tools.fuzz.verdicts.watching import Verdict

PER_SECOND = 25_000
"""Events of a phone in one virtual second; a file of a megabyte by TFTP takes a fifth of that."""
PER_INPUT = 10_000
"""Events that one input leads to; the flash work of three files at the limit takes a third of that."""
LONGEST_RUN = 3 * 3600 * SECOND
"""Every file of a run by every protocol with every time-out."""
STEPS = 40
"""Steps that a run enters at most: each source once, twice where it begins anew."""
MINUTE = 60 * SECOND
COMING_UP = 10 * MINUTE
"""What a phone needs to come up, from when it tries."""
DHCP = 67
ASKING = 5 * MINUTE
"""The longest wait between two questions for an address is a little more than a minute."""
HELD = 1_000
"""Entries of a part of the state that has no limit of its own."""


class Bounded(Verdict):
    """Events, steps and memory have bounds: no livelock (PROV-195)."""

    name = "bounded"

    def begin(self) -> None:
        """Nothing has happened."""
        self.second = self.events = self.steps = 0

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """Runs are counted by the second, and the steps of each."""
        self.steps = 0
        self.counted(entry)

    @on(StepEntered)
    def entered(self, entry: Entry, event: StepEntered) -> None:
        """One more."""
        self.steps += 1
        if self.steps == STEPS:
            self.fault("PROV-195", f"a run has entered {STEPS} steps, and goes on", entry, "steps")

    def seen(self) -> None:
        """After each input."""
        settled = self.facts.settled
        size, second = len(settled.entries), self.facts.now // SECOND
        if second != self.second:
            self.second, self.events = second, 0
        self.events += size
        if self.events > PER_SECOND >= self.events - size:
            text = f"more than {PER_SECOND:,} events happened in one second"
            self.fault("PROV-195", text, settled.entries[-1], "events")
        if size > PER_INPUT:
            text = f"one input led to {size:,} events"
            self.fault("PROV-195", text, settled.entries[0], "input")

    def counted(self, entry: Entry) -> None:
        """A run that begins is the moment to look at the memory."""
        phone = self.facts.phone
        parts = {
            "open orders": len(phone.orders.open),
            "names": len(phone.names.addresses),
            "transactions": len(phone.resync.transactions) + len(phone.registration.over),
            "syslog lines": len(phone.syslog.queue),
            "log lines": len(phone.locallog.lines),
        }
        for what, size in parts.items():
            if size > HELD:
                self.fault("PROV-195", f"the phone holds {size:,} {what}", entry, what)


class ComesUp(Verdict):
    """When the faults have stopped and the power stays on, the phone asks for an address, and then tries until it is
    provisioned; no run is without end (PROV-194, PROV-195, RFC 2131 s.4.1)."""

    name = "comes-up"

    def begin(self) -> None:
        """No run."""
        self.began, self.tried = -1, -1
        self.network = self.asked = 0

    @on(PowerOn, LinkDown)
    def anew(self, entry: Entry, event: PowerOn | LinkDown) -> None:
        """What was on is over."""
        self.network = entry.time
        if isinstance(event, PowerOn):
            self.began = -1

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """The phone asks for an address."""
        if event.port == DHCP:
            self.asked = entry.time

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """A run."""
        self.began = self.tried = entry.time

    @on(RunEnded)
    def run_ended(self, entry: Entry, event: RunEnded) -> None:
        """It is over."""
        if self.began >= 0 and entry.time - self.began > LONGEST_RUN:
            hours = (entry.time - self.began) / (60 * MINUTE)
            self.fault("PROV-195", f"a run took {hours:.1f} hours", entry, "long")
        self.began = -1

    def finish(self) -> None:
        """After the calm."""
        facts = self.facts
        until = facts.case.scenario.until
        if not facts.on or not facts.link or facts.phone.bootloader.hangs or not facts.complete:
            return
        if self.began >= 0 and until - self.began > LONGEST_RUN:
            self.fault("PROV-195", f"a run that began is not over at the end, in step {facts.step}", key="endless")
        if 0 < facts.case.calm < until and facts.enabled("PROVISION_ENABLE"):
            self.after_calm(max(facts.case.calm, self.network), until)

    def after_calm(self, start: int, until: int) -> None:
        """It had this long to come up. Whether a run that is made ends well is for the servers to say."""
        facts = self.facts
        passed = f"{(until - start) / MINUTE:g} minutes after the faults stopped"
        if not facts.address and not facts.address6:
            silent = until - max(self.asked, start)
            if facts.boot_mode in ("", "0") and silent > ASKING:
                text = f"{passed} the phone has no address, and has not asked for one for {silent / MINUTE:g} minutes"
                self.fault("RFC 2131 s.4.1", text, key="no address")
            return
        bound = COMING_UP + max(facts.number("CFG_RTRY_INTVL") * MINUTE, self.daily())
        if until - start > bound and not facts.run and facts.outcome != "provisioned" and self.tried < start:
            text = f"{passed} the phone is not up ({facts.outcome or 'no run'}), and has not tried again"
            self.fault(tried_again(facts.outcome), text, key=f"not tried {facts.outcome}")

    def daily(self) -> int:
        """With a time of day, the next try may come a day later (PROV-235)."""
        return 25 * 60 * MINUTE if self.facts.value("CFG_RESYNC_TIME") else 0
