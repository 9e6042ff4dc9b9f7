"""SIP plug and play by its packets: the SUBSCRIBE and when it is repeated, which NOTIFY counts and how each is answered
(PROV-050 to PROV-065)."""

from __future__ import annotations

from emulator.events import (
    SECOND,
    DatagramReceived,
    DatagramSent,
    Entry,
    PnpAnswered,
    PnpEnded,
    PnpSettled,
    PnpSubscribed,
    PowerOn,
    SourceTried,
)
from emulator.wire import sip
from tools.fuzz.verdicts.addresses import completed, place
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.sip_messages import PORT, answerable, message_of
from tools.fuzz.verdicts.watching import Verdict

GROUP = "224.0.1.75"
WINDOW = 5 * SECOND
"""PROV-052."""
WAITS = (SECOND // 2, SECOND, 2 * SECOND)
"""From one SUBSCRIBE to the next (PROV-058)."""
ORDER = (b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Event")
"""PROV-057a."""
CONTACT = b"\r\nContact:"
"""What follows says nothing of the transaction, and changes with the settings."""


class PnpPace(Verdict):
    """Four datagrams at most, on the schedule of RFC 3261 s.17.1.2.2, and five seconds in all (PROV-052, PROV-058)."""

    name = "pnp-pace"

    def begin(self) -> None:
        """No subscription."""
        self.first = self.last = -1
        self.count = 0
        self.stopped = ""
        self.packet = b""

    @on(PowerOn, PnpSubscribed)
    def anew(self, entry: Entry, event: PowerOn | PnpSubscribed) -> None:
        """A subscription begins."""
        self.begin()

    @on(PnpSettled)
    def settled(self, entry: Entry, event: PnpSettled) -> None:
        """A final response or a NOTIFY came."""
        self.stopped = "a final answer"

    @on(PnpEnded)
    def ended(self, entry: Entry, event: PnpEnded) -> None:
        """The window is over, not before and not after five seconds."""
        waited = self.facts.due - self.first
        if self.first >= 0 and event.reason != "no-address" and waited != WINDOW:
            text = f"SIP PnP was given up after {waited / SECOND:g} s, not 5 s"
            rule = "PROV-059" if self.stopped and waited > WINDOW else "PROV-052, PROV-065"
            self.fault(rule, text, entry, "window")
        self.stopped = "the end of the wait"

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """A SUBSCRIBE."""
        if event.port != PORT or event.payload[:9] != b"SUBSCRIBE":
            return
        if event.destination != GROUP:
            self.fault("PROV-050", f"the SUBSCRIBE went to {event.destination}", entry, "group")
        if self.first < 0:
            self.first, self.packet = entry.time, event.payload
            self.lines(entry, event)
        elif event.payload.partition(CONTACT)[0] != self.packet.partition(CONTACT)[0]:
            self.fault("PROV-058", "a repeated SUBSCRIBE is not the one that was sent first", entry, "another")
        waited = self.facts.due - self.last
        if self.stopped:
            self.fault("PROV-058", f"the SUBSCRIBE was repeated after {self.stopped}", entry, "stopped")
        elif self.count and (self.count > len(WAITS) or waited != WAITS[self.count - 1]):
            text = f"SUBSCRIBE {self.count + 1} was sent {waited / SECOND:g} s after the one before"
            self.fault("PROV-058", text, entry, "schedule")
        self.count += 1
        self.last = entry.time

    def lines(self, entry: Entry, event: DatagramSent) -> None:
        """What deployed responders read by its place."""
        names = tuple(line.partition(b":")[0] for line in event.payload.split(b"\r\n", 7)[1:7])
        if names != ORDER:
            self.fault("PROV-057a", "the lines of the SUBSCRIBE are not in their order", entry, "order")
        if event.ttl != 1:
            self.fault("PROV-056", f"the SUBSCRIBE has a time to live of {event.ttl}", entry, "ttl")


class PnpNotify(Verdict):
    """A NOTIFY counts if it is of this subscription, about ua-profile, and holds one URL (PROV-061 to PROV-063)."""

    name = "pnp-notify"

    def begin(self) -> None:
        """Nothing is subscribed."""
        self.call_id = self.tag = ""
        self.open = self.answered = False

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """Nothing is remembered."""
        self.begin()

    @on(PnpSubscribed)
    def subscribed(self, entry: Entry, event: PnpSubscribed) -> None:
        """The subscription, by the first SUBSCRIBE."""
        self.call_id, self.tag, self.open, self.answered = event.call_id, event.from_tag, True, False

    @on(PnpEnded)
    def ended(self, entry: Entry, event: PnpEnded) -> None:
        """It is over."""
        self.open = False

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """A NOTIFY, judged when the phone has answered it."""
        if event.port != PORT or event.payload[:6].upper() != b"NOTIFY" or not self.facts.reachable(event.source):
            return
        message = message_of(event.payload)
        if message is None or sip.token(message.get("Event") or "") == sip.token(
            self.facts.value("CFG_RESYNC_FROM_SIP")
        ):
            return
        self.why = self.unfit(message) if self.open else "no subscription is open"
        self.url = message.content().decode("utf-8", "replace").strip()
        self.whole = answerable(message)
        self.entry, self.was_answered = entry, self.answered
        self.facts.afterward(self.judge)

    def unfit(self, message: sip.Message) -> str:
        """Why it does not count, "" if it does; in a fixed order."""
        to_tag = sip.tag(message.get("To") or "") or ""
        if (message.get("Call-ID") or "") != self.call_id and to_tag != self.tag:
            return "it is of another dialog"
        if sip.token(message.get("Event") or "") != "ua-profile":
            return "it is about another event"
        if sip.token(message.get("Content-Type") or "") != "application/url":
            return "its content is of another type"
        return ""

    def judge(self) -> None:
        """What the phone made of it."""
        events = [each.event for each in self.facts.settled.entries]
        taken = [each for each in events if isinstance(each, PnpAnswered)]
        self.answered = self.answered or bool(taken)
        statuses = [
            int(each.payload[8:11])
            for each in events
            if isinstance(each, DatagramSent) and each.payload[:8] == b"SIP/2.0 " and each.payload[8:11].isdigit()
        ]
        if taken and self.why:
            self.fault("PROV-061", f"a NOTIFY was accepted, and {self.why}", self.entry, self.why)
        if taken and self.was_answered:
            self.fault("PROV-063", "a second NOTIFY brought a URL", self.entry, "second")
        if taken and not self.why and taken[0].url != self.url:
            self.fault("PROV-053, PROV-061", "the URL is not the one that the NOTIFY holds", self.entry, "another URL")
        if self.why and 200 in statuses:
            self.fault("PROV-062", f"a NOTIFY was answered 200, and {self.why}", self.entry, f"200 {self.why}")
        urls = completed(self.url, self.facts.macros()) or ()
        good = self.whole and not self.why and bool(urls) and all(place(url) is not None for url in urls)
        if good and not taken and not self.was_answered:
            self.fault(
                "PROV-057b, PROV-060, PROV-061", "a NOTIFY that counts was not accepted", self.entry, "not accepted"
            )
        if good and statuses != [200]:
            self.fault("PROV-062", f"a NOTIFY that counts was answered {statuses}", self.entry, "answer")

    @on(SourceTried)
    def tried(self, entry: Entry, event: SourceTried) -> None:
        """Without a NOTIFY there is no URL."""
        if event.step == 3 and event.url is not None and not self.answered and not self.facts.afterwards:
            self.fault("PROV-003, PROV-059", "step 3 gave a URL, and no NOTIFY had come", entry, "no notify")
