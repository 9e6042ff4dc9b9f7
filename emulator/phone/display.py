"""What the display says (texts of our own, spec section 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import AddressBound, ConflictFound, DisplayShown, Entry, LinkDown, LinkUp, RunEnded
from emulator.phone.firmware import Reaction, applies, reacts

if TYPE_CHECKING:
    from emulator.phone.state import Phone


NO_LINK, NO_ANSWER, ADDRESS_IN_USE = "N1 no link", "N2 no DHCP answer", "N3 address in use"
TEXTS = {
    "no-address": NO_ANSWER,
    "credentials-refused": "P5 authentication failed",
    "no-credentials": "P5 authentication failed",
    "challenge-not-understood": "P5 authentication failed",
    "login-refused": "P5 authentication failed",
    "name-not-found": "N4 DNS failed",
    **dict.fromkeys(
        ("empty", "too-large", "not-well-formed", "doctype", "processing-instruction", "wrong-root", "not-utf8"),
        "P3 bad file",
    ),
    "attribute-format": "P3 bad file",
    "content-coding": "P3 bad file",
    "decrypt-too-large": "P3 bad file",
    "not-a-certificate": "P3 bad file",
}
"""Reason of the first failure to the text on the display."""


def line_after(phone: Phone, event: RunEnded) -> str:
    """What the display says after a run: the texts of spec section 21, or nothing."""
    if event.outcome in ("provisioned", "disabled"):
        return ""
    if phone.arp.conflict:
        return ADDRESS_IN_USE
    if not event.source:
        return "P1 no URL"
    if not phone.power.link:
        return NO_LINK
    reason = next(iter(phone.provisioning.reasons.values()), "")
    if reason.startswith("decrypt-") and reason not in TEXTS:
        return "P4 decrypt failed"
    if reason.startswith("certificate-"):
        return "P6 certificate rejected"
    return TEXTS.get(reason, "P2 server unreachable")


@reacts(RunEnded)
def run_text(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    """What came of the run, until something else is shown."""
    line = line_after(phone, event)
    if line != phone.power.display:
        yield DisplayShown(line)


@reacts(LinkDown, LinkUp)
def link_text(phone: Phone, event: LinkDown | LinkUp, entry: Entry) -> Reaction:
    """A cable that is out is shown until it is in again."""
    if isinstance(event, LinkDown):
        yield DisplayShown(NO_LINK)
    elif phone.power.display == NO_LINK:
        yield DisplayShown("")


@reacts(ConflictFound, AddressBound)
def conflict_text(phone: Phone, event: ConflictFound | AddressBound, entry: Entry) -> Reaction:
    """An address that was given up is shown until there is another."""
    if isinstance(event, ConflictFound):
        if not event.defended:
            yield DisplayShown(ADDRESS_IN_USE)
    elif phone.power.display == ADDRESS_IN_USE:
        yield DisplayShown("")


@applies("power", DisplayShown)
def shown(phone: Phone, event: DisplayShown, entry: Entry) -> None:
    """The display keeps its text until another comes."""
    phone.power.display = event.line
