"""What was asked about: an event, a setting, a byte of the flash, the display, the outcome."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from emulator.events import (
    DhcpStateEntered,
    Dhcpv6StateEntered,
    DisplayShown,
    FlashFitted,
    LinkDown,
    LinkUp,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    RunEnded,
    RunStarted,
    StepEntered,
)
from emulator.events.masking import printable, repr_text
from emulator.log.store import LogError
from tools.why.chain import Chain
from tools.why.facts import decision, fact
from tools.why.model import Found
from tools.why.sentences import OUTCOMES, sentence

KINDS = ("setting:NAME", "flash:ADDRESS", "display", "display:TEXT", "outcome")
"""The forms of a target; without one it is the event of ``RUN@N``, or the outcome."""
OFF = (PowerOff, PowerLost, RestartOrdered)
STAGES = (StepEntered, RunStarted, DhcpStateEntered, Dhcpv6StateEntered, LinkUp, LinkDown, PowerOn, *OFF, FlashFitted)
"""How far a phone is that has ended no run."""


def find(chain: Chain, phone: int, at: int, target: str) -> Found:
    """What a target of a phone is, just after event ``at``. Raises LogError for one that there is not."""
    kind, colon, rest = target.partition(":")
    answer = _TARGETS.get(kind)
    if answer is None or bool(colon) != bool(rest) or (kind in ("setting", "flash")) > bool(rest):
        near = get_close_matches(target, KINDS, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near and answer is None else f"give {', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise LogError(f"{printable(target[:80])!r} is nothing to ask about; {hint}")
    return answer(chain, phone, at, rest)


def _setting(chain: Chain, phone: int, at: int, text: str) -> Found:
    from tools.why import settings

    return settings.explain(chain, phone, at, text)


def _outcome(chain: Chain, phone: int, at: int, text: str) -> Found:
    if text:
        raise LogError("the outcome is that of the last provisioning run; ask for an earlier one with RUN@N outcome")
    reader = chain.reader
    ended = next(reader.back(phone, at, (RunEnded.kind,)), None)
    began = next(reader.back(phone, at, (RunStarted.kind,)), None)
    if ended is None or not isinstance(ended.event, RunEnded):
        stage = next(reader.back(phone, at, [kind.kind for kind in STAGES]), None)
        if stage is None:
            raise LogError(f"nothing has happened to phone {phone} by event {at}")
        return Found((f"no provisioning run has ended by event {at}; this is as far as it came",), ((stage.n, ""),))
    outcome = ended.event.outcome
    words = OUTCOMES.get(outcome, outcome)
    answer = [f"the outcome is {outcome}" + (f": {words}" if words != outcome else "")]
    if began is not None and began.n > ended.n:
        answer.append(f"that is of the last run that ended; another has been going on since event {began.n}")
    return Found(tuple(answer), ((ended.n, ""),))


def _display(chain: Chain, phone: int, at: int, text: str) -> Found:
    if text:
        return _displayed(chain, phone, at, text)
    last = next(chain.reader.back(phone, at, [kind.kind for kind in (DisplayShown, PowerOn, FlashFitted, *OFF)]), None)
    if last is None:
        raise LogError(f"nothing has happened to phone {phone} by event {at}")
    if isinstance(last.event, DisplayShown) and last.event.line:
        return Found((f"the display says {repr_text(last.event.line)}",), ((last.n, ""),))
    if isinstance(last.event, DisplayShown):
        return Found(("the display is clear",), ((last.n, ""),))
    if not isinstance(last.event, PowerOn):
        return Found(("the display is dark: the phone is off",), ((last.n, ""),))
    ended = next(chain.reader.back(phone, at, (RunEnded.kind,)), None)
    if ended is None or ended.n < last.n:
        return Found(("the display is clear: nothing was shown since the power came on",), ((last.n, ""),))
    return Found(("the display is clear: a run that ends like this shows nothing",), ((ended.n, ""),))


def _displayed(chain: Chain, phone: int, at: int, text: str) -> Found:
    """Why the display said something. Raises LogError if it never did."""
    shown: dict[str, int] = {}
    for entry in chain.reader.back(phone, at, (DisplayShown.kind,)):
        line = entry.event.line if isinstance(entry.event, DisplayShown) else ""
        if line and text.casefold() in line.casefold():
            return Found((f"the display said {repr_text(line)}, last in event {entry.n}",), ((entry.n, ""),))
        shown.setdefault(line, entry.n)
    said = ", ".join(repr_text(line) for line in shown if line)
    raise LogError(
        f"the display has not said {repr_text(text[:80])} by event {at}; "
        + (f"it said {said}" if said else "it said nothing")
    )


def _flash(chain: Chain, phone: int, at: int, text: str) -> Found:
    from tools.why.place import place

    try:
        address = int(text, 0)
    except ValueError:
        raise LogError(f"{printable(text[:40])!r} is no address of a byte; give one as in flash:0x1200") from None
    flash = chain.flash(phone)
    flash.address = address
    chip = flash.history.at(at)
    if not flash.history.fitted:
        raise LogError(f"phone {phone} has no flash chip by event {at}")
    if not 0 <= address < chip.geometry.size:
        raise LogError(f"the chip has {chip.geometry.size:,} bytes, flash:0x0 to flash:{chip.geometry.size - 1:#x}")
    found = place(chip, address)
    reads = "cannot be read"
    if found.value is not None:
        reads = (
            "is not shown without --secrets"
            if found.where.secret and not chain.secrets
            else f"reads {found.value:#04x}"
        )
    part = f"partition {found.partition}: " if found.partition else ""
    answer = [f"byte {address:#08x} {reads}", f"it lies in sector {found.sector}, {part}{found.where.what}"]
    wrote = flash.history.writer(address, at + 1)
    operation = chain.reader.get(wrote)
    if operation is None or isinstance(operation.event, FlashFitted):
        answer.append("nothing in this run wrote it: it came with the chip")
        return Found(tuple(answer), ((wrote, ""),))
    answer.append(f"event {wrote} wrote it last")
    for n in fact(chain.reader, operation):
        said = chain.reader.get(n)
        answer[-1] += f"; then {sentence(said, False)} ({n})" if said is not None else ""
    changes = decision(chain.reader, operation, found.where.subject)
    return Found(tuple(answer), ((wrote, ""),), via=next(iter(changes), 0))


_TARGETS: dict[str, Callable[[Chain, int, int, str], Found]] = {
    "setting": _setting,
    "flash": _flash,
    "display": _display,
    "outcome": _outcome,
}
