"""SIP messages as verdicts read them, and that an answer repeats what it answers (RFC 3261 s.8.2.6.2)."""

from __future__ import annotations

from functools import lru_cache

from emulator.events import DatagramReceived, DatagramSent, Entry
from emulator.wire import sip
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

PORT = 5060
ANSWER = b"SIP/2.0 "
REPEATED = ("From", "Call-ID", "CSeq")


def repeats(answer: bytes, message: sip.Message) -> bool:
    """Whether a response has the header fields of its request (RFC 3261 s.8.2.6.2); one may add a tag to To."""
    made = message_of(answer)
    if made is None:
        return False
    same = all((made.get(name) or "").strip() == (message.get(name) or "").strip() for name in REPEATED)
    to = (made.get("To") or "").strip().startswith((message.get("To") or "").strip())
    return same and to and made.all("Via") == message.all("Via")


@lru_cache(maxsize=32)
def message_of(payload: bytes) -> sip.Message | None:
    """A SIP message; None if it cannot be read."""
    try:
        return sip.parse(payload)
    except sip.SipError:
        return None


def branch_of(message: sip.Message | None) -> str:
    """The branch of the topmost Via, "" if there is none."""
    if message is None:
        return ""
    try:
        return sip.top_via(message).param("branch") or ""
    except sip.SipError:
        return ""


def method_of(message: sip.Message) -> str:
    """The method in the CSeq, "" if it cannot be read."""
    try:
        return sip.cseq(message.get("CSeq") or "")[1]
    except sip.SipError:
        return ""


def answerable(message: sip.Message) -> bool:
    """Whether a request has what its answer repeats (RFC 3261 s.8.2.6.2)."""
    return bool(branch_of(message) and method_of(message)) and all(message.get(n) for n in ("From", "To", "Call-ID"))


class SipAnswers(Verdict):
    """The answer to a request has the header fields of it, whatever the request is about (PROV-062)."""

    name = "sip-answer"

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """A request that can be answered."""
        if event.port != PORT or event.payload[:4].upper() == b"SIP/":
            return
        message = message_of(event.payload)
        if message is not None and answerable(message):
            self.message, self.entry = message, entry
            self.facts.afterward(self.judge)

    def judge(self) -> None:
        """What was answered."""
        for each in self.facts.settled.entries:
            event = each.event
            if (
                isinstance(event, DatagramSent)
                and event.payload[:8] == ANSWER
                and not repeats(event.payload, self.message)
            ):
                text = "an answer has not the header fields of the request"
                self.fault("PROV-062, RFC 3261 s.8.2.6.2", text, self.entry, "fields")
