"""What the tests of ``offhook flash`` share: small chips in every state, and the command."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from hypothesis import strategies as st

from emulator.phone.storage import encode_stored
from flash_image import (
    Chip,
    ChipFault,
    Choice,
    FirmwareImage,
    JournalFull,
    Limit,
    LogLine,
    encode_firmware,
    leave,
    mount,
    pack,
    plan,
    plan_block,
    plan_choice,
    plan_log,
    tear,
    unpack,
)
from tests.flash_image.journal_model import SMALL, fresh, sampled
from tools.cli import main

SECRETS = ("hunter22", "letmein9", "s3same-of-joe")
KEYS = ("TIME_ZONE", "SIP_PASS/1", "SIP_PASS/2", "ADMIN_PASS", "SIPPNP_ENABLE", "DISPLAY_NAME/1")
GEOMETRY = {"size": SMALL.size, "sector": SMALL.sector, "page": SMALL.page}
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
SEEDS = st.integers(0, 1 << 20)


def flash(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    """Call ``offhook flash``."""
    return CliRunner().invoke(main, ["flash", *map(str, arguments)], input=stdin)


def told(*arguments: str | Path) -> Any:
    """What ``offhook flash ... --json`` prints."""
    result = flash(*arguments, "--json")
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def saved(path: Path, chip: Chip) -> Path:
    """``chip`` as a packed image in a file."""
    path.write_bytes(pack(chip))
    return path


def chip_in(path: Path) -> Chip:
    """The chip in a packed image."""
    return unpack(path.read_bytes())


def firmware(version: str = "03.220", size: int = 900) -> bytes:
    """A sound firmware image."""
    return encode_firmware(FirmwareImage("KX-UTG200B", version, random.Random(version).randbytes(size)))


def full(version: int = 2) -> Chip:
    """A small chip with something of everything, passwords among it."""
    chip = fresh(version=version)
    values = {
        "p/TIME_ZONE": encode_stored("60", "RW", "A"),
        "p/SIP_PASS/1": encode_stored(SECRETS[0], "!R", ""),
        "u/ADMIN_PASS": SECRETS[1].encode(),
        "m/url": f"http://joe:{SECRETS[2]}@192.0.2.20/".encode(),
        "x/unknown": SECRETS[0].encode(),
    }
    body = f"<PANASIPPhoneConfig><SIP_PASS>{SECRETS[0]}</SIP_PASS></PANASIPPhoneConfig>".encode()
    apply(chip, plan(chip, mount(chip), values, {"standard": body, "product": b"<x/>" * 300}))
    apply(chip, plan_block(chip, "A", firmware("03.210"), 0)[0])
    apply(chip, plan_block(chip, "B", firmware("03.220"), 0)[0])
    apply(chip, plan_choice(chip, Choice("B", 1, 2, b"o" * 32)))
    lines = [LogLine(n, n > 1, 6, "PROV", f"line {n} PASS {SECRETS[1]}") for n in range(4)]
    apply(chip, plan_log(chip, lines, None)[0])
    return chip


def apply(chip: Chip, ops: Any) -> None:
    """Carry out operations, as far as the chip can."""
    for op in ops:
        chip.apply(op)


def lived(seed: int) -> Chip:
    """A chip after a life of its own: transactions, cuts, flips, worn sectors, bytes that nobody wrote."""
    rng = random.Random(seed)
    chip = full() if rng.random() < 0.5 else fresh(version=rng.choice([1, 2]))
    for _ in range(rng.randrange(6)):
        try:
            one_day(chip, rng)
        except (ChipFault, JournalFull):
            continue
    if rng.random() < 0.3:
        sector = rng.randrange(SMALL.sector_count)
        chip.sectors[sector] = rng.randbytes(SMALL.sector)
    if rng.random() < 0.3:
        chip.flip(rng.randrange(SMALL.size - 4), rng.randbytes(4))
    if rng.random() < 0.3:
        behaviours = ["program-error", "read-error", "erase-error", "program-loss", "erase-loss"]
        sectors = rng.sample(range(SMALL.sector_count), rng.randrange(4))
        chip.wear_out(Limit(rng.randrange(4), rng.choice(behaviours)), sectors)  # type: ignore[arg-type]
    return chip


def one_day(chip: Chip, rng: random.Random) -> None:
    """Something is written, and perhaps the power goes meanwhile."""
    what = rng.randrange(4)
    if what == 0:
        ops = plan_log(chip, [LogLine(rng.randrange(9), False, 5, "x", "y" * rng.randrange(40))], None)[0]
    elif what == 1 and mount(chip).bank is not None:
        ops = plan_choice(chip, Choice(rng.choice(["A", "B", ""]), rng.randrange(3), rng.randrange(4)))
    else:
        key = rng.choice(["u/TIME_ZONE", "u/DISPLAY_NAME/1", "p/SIP_PASS/1", "m/url"])
        files: dict[str, bytes | None] = {"master": rng.randbytes(rng.randrange(900))} if what == 2 else {}
        value = rng.choice([None, rng.randbytes(9), b"RW\0\x000"])
        ops = plan(chip, mount(chip), {key: value}, files, True)
    cut = rng.randrange(len(ops)) if ops and rng.random() < 0.6 else len(ops)
    apply(chip, ops[:cut])
    if cut < len(ops):
        leave(chip, tear(chip, ops[cut], rng.choice(sampled(ops[cut], rng))))
