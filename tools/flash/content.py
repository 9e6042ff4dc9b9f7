"""The content of a chip as one value: from a chip, from a specification, and into one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attrs import frozen

from emulator.events.masking import printable
from emulator.phone.settings import Stored
from emulator.phone.storage import FILES, ROOTS
from emulator.world.scenario import FirmwareSpec, PhoneSpec
from emulator.world.servers.firmware import firmware
from emulator.world.toml import duration, instant, read_content
from flash_image import MAX_DUMP, Choice, Geometry, LogLine, encode_firmware
from tools.flash.files import FlashError, refused
from tools.flash.reading import Found
from tools.flash.spec import STATES, BodySpec, BootSpec, ImageSpec, LineSpec, SlotSpec, StoredSpec

SAVED = (*FILES, *ROOTS)
"""Names of the files that a phone saves."""
DEFAULTS = PhoneSpec()


@frozen
class Who:
    """MAC address, model and serial number; None for what is not known."""

    mac: str | None = None
    model: str | None = None
    serial: str | None = None

    def over(self, other: Who) -> Who:
        """What this one does not say, as ``other`` says it."""
        return Who(
            other.mac if self.mac is None else self.mac,
            other.model if self.model is None else self.model,
            other.serial if self.serial is None else self.serial,
        )


DEFAULT = Who(DEFAULTS.mac, DEFAULTS.model, DEFAULTS.serial)
"""The phone of a scenario that does not name one."""


@frozen
class Content:
    """What is on a chip, as far as it is sound. choice: with number 0; firmware: slot to image."""

    who: Who
    format: int
    geometry: Geometry
    url: str | None
    provisioned: Mapping[str, Stored]
    user: Mapping[str, str]
    files: Mapping[str, bytes]
    choice: Choice | None
    firmware: Mapping[str, bytes]
    log: tuple[LogLine, ...]


def content_of(found: Found) -> Content:
    """The content of a chip that was read."""
    who, choice = found.identity, found.environment.choice
    return Content(
        Who(who.mac, who.model, who.serial) if who else Who(),
        found.layout.version,
        found.chip.geometry,
        found.url,
        {s.key: Stored(s.value, s.perm, s.access) for s in found.settings if s.layer == "provisioned"},
        {s.key: s.value for s in found.settings if s.layer == "user"},
        {file.name: file.body for file in found.files if file.body is not None and file.name in SAVED},
        None if choice is None else Choice(choice.slot, choice.state, choice.tries, choice.order),
        {slot.name: encode_firmware(slot.image) for slot in found.slots if slot.image is not None},
        found.log.lines,
    )


def content_json(content: Content) -> dict[str, Any]:
    """``content`` as ``build`` reads it."""
    told: dict[str, Any] = {
        "mac": content.who.mac,
        "model": content.who.model,
        "serial": content.who.serial,
        "last_url": content.url,
        "boot": None if content.choice is None else _boot_json(content.choice),
    }
    geometry = content.geometry
    return {
        **{key: value for key, value in told.items() if value is not None},
        "format": content.format,
        "geometry": {"size": geometry.size, "sector": geometry.sector, "page": geometry.page},
        "provisioned": {key: stored._asdict() for key, stored in content.provisioned.items()},
        "user": dict(content.user),
        "files": {name: {"base64": b64encode(body).decode()} for name, body in content.files.items()},
        "firmware": {slot.lower(): {"base64": b64encode(raw).decode()} for slot, raw in content.firmware.items()},
        "log": [
            {"time": line.time, "utc": line.utc, "severity": line.severity, "tag": line.tag, "text": line.text}
            for line in content.log
        ],
    }


def _boot_json(choice: Choice) -> dict[str, Any]:
    state, order = STATES[choice.state], choice.order.hex()
    return {"slot": choice.slot, "state": state, "tries": choice.tries, "order": order}


def resolved(spec: ImageSpec, name: str, folder: Path) -> Content:
    """The content that ``spec``, from the file ``name``, wants; its files lie below ``folder``. Raises FlashError."""
    sources = _Sources(name, folder)
    with refused(f"{name}: geometry"):
        geometry = Geometry(spec.geometry.size, spec.geometry.sector, spec.geometry.page)
    return Content(
        Who(spec.mac and spec.mac.upper(), spec.model, spec.serial),
        spec.format,
        geometry,
        spec.last_url,
        dict(_stored(spec.provisioned)),
        dict(spec.user),
        dict(sources.files(spec.files)),
        _choice(spec.boot),
        dict(sources.firmware(spec)),
        tuple(_line(line, f"{name}: log[{at}]") for at, line in enumerate(spec.log)),
    )


@frozen
class _Sources:
    """Where the bytes come from that a specification names. name: of its file; folder: where it lies."""

    name: str
    folder: Path

    def files(self, wanted: Mapping[str, str | BodySpec]) -> Iterator[tuple[str, bytes]]:
        """(name, body) of every saved file."""
        for name, source in wanted.items():
            where = f"files.{printable(name)}"
            if name not in SAVED:
                near = get_close_matches(name, SAVED, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"a phone saves {', '.join(SAVED)}"
                raise FlashError(f"{self.name}: {where}: is no file of a phone; {hint}")
            given = BodySpec(file=source) if isinstance(source, str) else source
            yield name, self._body(given.file, given.base64, where)

    def firmware(self, spec: ImageSpec) -> Iterator[tuple[str, bytes]]:
        """(slot, image) of every slot."""
        for slot, given in (("A", spec.firmware.a), ("B", spec.firmware.b)):
            if given is not None:
                yield slot, self._image(given, spec.model or DEFAULTS.model, f"firmware.{slot.lower()}")

    def _image(self, given: SlotSpec, model: str, where: str) -> bytes:
        if given.version is None:
            return self._body(given.file, given.base64, where)
        if given.file is not None or given.base64 is not None:
            raise FlashError(f"{self.name}: {where}: give either a version or a file")
        wanted = FirmwareSpec(given.model or model, given.version, given.size, given.hangs)
        with refused(f"{self.name}: {where}"):
            return firmware(wanted)

    def _body(self, file: str | None, encoded: str | None, where: str) -> bytes:
        if (file is None) == (encoded is None):
            raise FlashError(f"{self.name}: {where}: give one of file and base64")
        if encoded is not None:
            return unbase64(encoded, f"{self.name}: {where}")
        try:
            path = (self.folder / str(file)).resolve()
        except (OSError, ValueError, RuntimeError):
            raise FlashError(f"{self.name}: {where}: {file!r} is no name of a file") from None
        if not path.is_relative_to(self.folder.resolve()):
            raise FlashError(f"{self.name}: {where}: {file!r} is not below the folder of this file")
        return read_content(path, f"{self.name}: {where}", MAX_DUMP)


def unbase64(text: str, where: str) -> bytes:
    """The bytes that ``text`` stands for. Raises FlashError, which begins with ``where``."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise FlashError(f"{where}: is not base64") from None


def _stored(wanted: Mapping[str, str | StoredSpec]) -> Iterator[tuple[str, Stored]]:
    for key, given in wanted.items():
        yield key, Stored(given, "", "") if isinstance(given, str) else Stored(given.value, given.perm, given.access)


def _choice(boot: BootSpec | None) -> Choice | None:
    if boot is None:
        return None
    return Choice(boot.slot, STATES.index(boot.state), boot.tries, bytes.fromhex(boot.order))


def _line(line: LineSpec, where: str) -> LogLine:
    time, utc = line.time, line.utc
    if isinstance(time, str):
        utc = "-" in time
        try:
            time = instant(time) if utc else duration(time)
        except ValueError as error:
            raise FlashError(f"{where}.time: {error}") from None
    if not 0 <= time < 1 << 64:
        raise FlashError(f"{where}.time: want ns from 0 up to before 2^64")
    return LogLine(time, utc, line.severity, line.tag, line.text)
