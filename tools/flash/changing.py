"""Changes to a chip, made as a phone makes them: settled first, the journal in one transaction, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from emulator.phone.certificates import certificate_digest
from emulator.phone.settings import Stored
from emulator.phone.storage import PROVISIONED, ROOTS, USER
from flash_image import (
    Chip,
    Choice,
    Erase,
    FirmwareError,
    LogLine,
    Op,
    decode_firmware,
    factory,
    first_sector,
    has_log,
    has_slots,
    mount,
    partitions,
    plan,
    plan_block,
    plan_choice,
    plan_log,
    programs,
    read_environment,
    settle,
    settle_environment,
    slot_size,
)
from flash_image.layout import BOOT, FACTORY, LOG
from tools.flash.content import DEFAULT, Content, Who, content_of
from tools.flash.files import Refusal
from tools.flash.keys import allowed_url, as_bytes, checked
from tools.flash.reading import URL_KEY, look, still
from tools.flash.words import in_words

NOT_KEPT = "the chip does not keep the change: a sector has worn out, or a bit is flipped"
Bodies = Mapping[str, bytes | None]


def commit(chip: Chip, values: Bodies, files: Bodies, first: bool = True) -> None:
    """Change values and files of the journal in one transaction; None deletes. first: see ``flash_image.plan``.

    Raises FlashError if the chip does not keep it, ChipFault and JournalError.
    """
    carry_out(chip, settle(chip, mount(chip)))
    carry_out(chip, plan(chip, mount(chip), values, files, first))
    found = look(chip)
    bodies = {file.name: file.body for file in found.files}
    kept = all(found.mounted.values.get(key) == value for key, value in values.items())
    if not kept or any(bodies.get(name) != body for name, body in files.items()):
        raise Refusal(NOT_KEPT)


def carry_out(chip: Chip, ops: Iterable[Op]) -> None:
    """Apply operations in order. Raises ChipFault."""
    for op in ops:
        chip.apply(op)


def allowed(old: Content, new: Content) -> Content:
    """``new`` with each value that differs from ``old`` as it is stored. Raises FlashError for what is not allowed."""
    provisioned, user = dict(new.provisioned), dict(new.user)
    for key, stored in new.provisioned.items():
        if old.provisioned.get(key) != stored:
            provisioned[key] = checked(key, stored)
    for key, value in new.user.items():
        if old.user.get(key) != value:
            user[key] = checked(key, Stored(value, "", "")).value
    if new.url and new.url != old.url:
        allowed_url(new.url)
    for name, raw in new.firmware.items():
        if old.firmware.get(name) != raw:
            sound_firmware(raw, f"firmware {name}")
    for name in ROOTS:
        if name in new.files and old.files.get(name) != new.files[name]:
            sound_certificate(new.files[name], name)
    return attrs.evolve(new, provisioned=provisioned, user=user)


def sound_firmware(raw: bytes, name: str) -> None:
    """Raise FlashError unless ``raw`` is a sound firmware image."""
    try:
        decode_firmware(raw)
    except FirmwareError as error:
        raise Refusal(f"{name}: {in_words(error)}; --force takes it") from None


def sound_certificate(body: bytes, name: str) -> None:
    """Raise FlashError unless ``body`` is a certificate that a phone would take."""
    if not certificate_digest(body):
        raise Refusal(f"{name}: is no certificate in PEM or DER; --force takes it")


def change(chip: Chip, old: Content, new: Content, fresh: bool = False) -> None:
    """Make the content of ``chip``, which is ``old``, that of ``new``. fresh: nothing on it can be in doubt.

    Raises FlashError, also if the chip does not keep it, and ChipFault, JournalError and LayoutError.
    """
    if (old.format, old.geometry) != (new.format, new.geometry):
        raise Refusal("the geometry and the format of a chip stay as they are; leave `raw` out to make another chip")
    old_values, new_values = _values(old), _values(new)
    values = {k: new_values.get(k) for k in {**old_values, **new_values} if old_values.get(k) != new_values.get(k)}
    files = {n: new.files.get(n) for n in {**old.files, **new.files} if old.files.get(n) != new.files.get(n)}
    if values or files:
        commit(chip, values, files, not fresh)
    who = new.who.over(old.who)
    if who != old.who:
        who = who.over(DEFAULT)
        carry_out(chip, identity_ops(chip, who))
    for slot in {**old.firmware, **new.firmware}:
        if old.firmware.get(slot) != new.firmware.get(slot):
            write_slot(chip, slot, new.firmware.get(slot))
    if old.choice != new.choice:
        choose(chip, new.choice)
    if old.log != new.log:
        write_log(chip, old.log, new.log)
    _read_back(chip, old, attrs.evolve(new, who=who))


def _values(content: Content) -> dict[str, bytes]:
    """The values of the journal, by key."""
    values = {f"{PROVISIONED}{key}": as_bytes(key, stored) for key, stored in content.provisioned.items()}
    values.update({f"{USER}{key}": as_bytes(key, value) for key, value in content.user.items()})
    if content.url is not None:
        values[URL_KEY] = as_bytes("last_url", content.url)
    return values


def _read_back(chip: Chip, old: Content, wanted: Content) -> None:
    found = content_of(look(chip))
    for name in [field.name for field in attrs.fields(Content)]:
        value = getattr(wanted, name)
        if value == getattr(old, name) or value == getattr(found, name):
            continue
        if name == "log":
            raise Refusal("the log cannot hold that: it has too many lines, or one that is too long for a page")
        raise Refusal(f"{name}: {NOT_KEPT}")


def identity_ops(chip: Chip, who: Who) -> tuple[Op, ...]:
    """The operations that write the factory data anew. Raises LayoutError."""
    layout = partitions(chip)
    made = factory(who.mac or "", who.model or "", who.serial or "", chip.geometry, layout.version)
    data = made.sectors[partitions(made).partition(FACTORY).first].rstrip(b"\xff")
    sector = layout.partition(FACTORY).first
    return (Erase(sector), *programs(chip.geometry, sector * chip.geometry.sector, data))


def write_slot(chip: Chip, slot: str, image: bytes | None) -> None:
    """Write a firmware image into slot ``A`` or ``B``, or erase what is there. Raises FlashError and ChipFault."""
    if not has_slots(chip):
        raise Refusal("this chip has no firmware slots")
    first, size = first_sector(chip, slot), slot_size(chip, slot)
    if image is None:
        sectors = range(first, first + size // chip.geometry.sector)
        carry_out(chip, [Erase(sector) for sector in sectors if not chip.is_blank(sector)])
        return
    if len(image) > size:
        raise Refusal(f"firmware of {len(image):,} bytes is too long for its slot of {size:,}")
    done = 0
    while done < len(image):
        ops, done = plan_block(chip, slot, image, done)
        carry_out(chip, ops)
    if still(chip).read(first * chip.geometry.sector, len(image)) != image:
        raise Refusal(NOT_KEPT)


def choose(chip: Chip, choice: Choice | None) -> None:
    """Say which firmware is started, or erase the boot environment. Raises FlashError and ChipFault."""
    if not has_slots(chip):
        raise Refusal("this chip has no boot environment")
    carry_out(chip, settle_environment(chip, read_environment(chip)))
    carry_out(chip, erasures(chip, BOOT) if choice is None else plan_choice(chip, choice))


def write_log(chip: Chip, old: tuple[LogLine, ...], new: tuple[LogLine, ...]) -> None:
    """Append what ``new`` has more than ``old``; where it begins otherwise, write it anew. Raises FlashError."""
    if not has_log(chip):
        raise Refusal("this chip has no room for a log")
    added = new[len(old) :]
    if new[: len(old)] != old:
        carry_out(chip, erasures(chip, LOG))
        added = new
    carry_out(chip, plan_log(chip, added, None)[0])


def erasures(chip: Chip, name: str) -> tuple[Op, ...]:
    """The operations that erase what is not blank in a partition."""
    area = partitions(chip).partition(name)
    return tuple(Erase(s) for s in range(area.first, area.first + area.count) if not chip.is_blank(s))
