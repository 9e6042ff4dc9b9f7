"""A run as the value that its page is drawn from."""

from __future__ import annotations

from typing import Any

from emulator.events import Entry, step_name
from emulator.events.masking import printable
from emulator.log.store import LogError, RunInfo
from emulator.phone.firmware import Firmware
from tools.browse import entries
from tools.locate import Located, firmware_of
from tools.page.folding import Fold
from tools.page.packets import Packets
from tools.page.rounds import Rounds
from tools.page.rows import Rows, kinds

MOST_EVENTS = 60_000
"""Events that stand in a page; of a longer run it has the first phones, or the beginning of the first."""


def run_model(found: Located, secrets: bool = False) -> dict[str, Any]:
    """Everything that the page of a run shows, as JSON can hold it; of ``RUN@N``, up to N. Raises LogError."""
    info, firmware = found.info, firmware_of(found.info)
    upto = found.event() if info.events else 0
    titles = step_titles(firmware)
    rows = Rows(titles, Packets(secrets))
    folds: dict[int, Fold] = {}
    rounds: dict[int, Rounds] = {}
    phones, left_out = shown_phones(found, upto)
    count = 0
    for entry in entries(found, upto, None, ()):
        if entry.phone >= phones:
            continue
        if count == MOST_EVENTS:
            left_out = f"it has the first {count:,} of {upto:,} events"
            break
        count += 1
        rows.take(entry)
        one_of(folds, entry, lambda: Fold(firmware, secrets)).take(entry)
        one_of(rounds, entry, Rounds).take(entry)
    rows.finish()
    return {
        "run": about(info),
        "steps": [(step_name(number), title) for number, title in titles.items()],
        "phones": [phone_model(folds[phone], rounds[phone], phone) for phone in sorted(folds)],
        "upto": upto,
        "left_out": left_out,
        "secrets": secrets,
        "kinds": kinds(),
        **rows.drawn(),
    }


def one_of(made: dict[int, Any], entry: Entry, new: Any) -> Any:
    """What is kept of the phone of an entry."""
    if entry.phone not in made:
        made[entry.phone] = new()
    return made[entry.phone]


def shown_phones(found: Located, upto: int) -> tuple[int, str]:
    """How many phones the page has, and what it says of the others. upto: the last event. Raises LogError."""
    info = found.info
    all_phones = info.header.phones
    if upto <= MOST_EVENTS or all_phones < 2:
        return all_phones, ""
    counts = [0] * all_phones
    for row in found.store.rows(info.id, 0, upto):
        if not 0 <= row.phone < all_phones:
            raise LogError(f"run {info.id}, event {row.n}: there is no phone {row.phone}")
        counts[row.phone] += 1
    phones, total = 1, counts[0]
    while phones < all_phones and total + counts[phones] <= MOST_EVENTS:
        total += counts[phones]
        phones += 1
    return phones, f"it has the first {phones:,} of {all_phones:,} phones"


def about(info: RunInfo) -> dict[str, Any]:
    """What a run says of itself."""
    header = info.header
    return {
        "id": info.id,
        "name": printable(header.name),
        "title": printable(header.title),
        "world": printable(header.world),
        "seed": header.seed,
        "phones": header.phones,
        "firmware": printable(f"{header.firmware} {header.version}"),
        "created": printable(info.created),
        "events": info.events,
        "outcome": printable(info.outcome),
        "state": info.state,
        "digest": info.digest or "",
    }


def step_titles(firmware: Firmware) -> dict[int, str]:
    """The steps' titles by number, in the guide's order."""
    return {number: step.title for number, step in firmware.steps.items()}


def phone_model(fold: Fold, rounds: Rounds, phone: int) -> dict[str, Any]:
    """One phone of a run."""
    return {
        "phone": phone,
        "mac": printable(fold.phone.settings.mac),
        "rounds": rounds.drawn,
        "settings": fold.settings,
        "chip": fold.chip,
        "sectors": fold.sectors,
        "broken": printable(fold.broken),
    }
