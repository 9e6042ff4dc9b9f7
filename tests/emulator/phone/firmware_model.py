"""What the tests of boot loader and update share: orders, worlds that serve an image, chips with slots."""

from __future__ import annotations

from typing import Any

import attrs

from emulator.events import FirmwareRefused, HttpRequested
from emulator.world.scenario import ActionSpec, FirmwareSpec, PathSpec, Scenario
from flash_image import Chip, Choice, FirmwareImage, encode_firmware, factory, first_sector, plan_block, plan_choice
from tests.emulator.phone.bench import MAC, MODEL, fwupdt, seconds, served, story
from tools.simulate import RunResult

NEW = "03.220"
FIRMWARE_SERVER = "192.0.2.21"


def orders(version: str = NEW, **changes: str) -> str:
    """A device file that orders ``version`` from the firmware server."""
    return fwupdt(**{"FIRM_VERSION": version, "FIRM_FILE_PATH": f"http://{FIRMWARE_SERVER}/{{fwver}}", **changes})


def world(
    image: FirmwareSpec | PathSpec | None = None,
    *actions: ActionSpec,
    until: float = 60,
    order: str | None = None,
    server: dict[str, Any] | None = None,
    **changes: Any,
) -> Scenario:
    """A phone that is ordered 03.220, and a server that has ``image`` under that name; anybody may start a run."""
    served_image = PathSpec(firmware=image or FirmwareSpec()) if not isinstance(image, PathSpec) else image
    device = served({"/i.cfg": orders() if order is None else order})
    firmware = served({f"/{NEW}": served_image}, **{"address": FIRMWARE_SERVER, **(server or {})})
    options = {"notify_from": "anyone", **changes.pop("options", {})}
    return story(device, firmware, action=actions, until=seconds(until), options=options, **changes)


def notify(at: float) -> ActionSpec:
    """Somebody asks for a run."""
    return ActionSpec(seconds(at), "notify")


def power(*times: float) -> tuple[ActionSpec, ...]:
    """Power goes at each time, and comes back half a second later."""
    return tuple(
        action
        for at in times
        for action in (ActionSpec(seconds(at), "power-off"), ActionSpec(seconds(at + 0.5), "power-on"))
    )


def refusals(result: RunResult) -> list[str]:
    """Why an update was refused, each time."""
    return [entry.event.reason for entry in result.of(FirmwareRefused)]


def fetches(result: RunResult) -> list[str]:
    """The images that were asked for by HTTP."""
    return [entry.event.target for entry in result.of(HttpRequested) if entry.event.name == "firmware"]


def agents(result: RunResult) -> list[tuple[str, str]]:
    """(what it was for, version in the User-Agent) of every HTTP request."""
    found = []
    for entry in result.of(HttpRequested):
        agent = dict(entry.event.headers)["User-Agent"]
        found.append((entry.event.name, agent.partition("/")[2].partition(" ")[0]))
    return found


def with_slots(choice: Choice | None = None, **images: FirmwareImage) -> Chip:
    """A chip with these images in its slots, and what its boot environment says."""
    chip = factory(MAC, MODEL, "1")
    for slot, image in images.items():
        ops, _ = plan_block(chip, slot, encode_firmware(image), 0)
        for op in ops:
            chip.apply(op)
    for op in plan_choice(chip, choice) if choice is not None else ():
        chip.apply(op)
    return chip


def an_image(version: str, **changes: Any) -> FirmwareImage:
    """A small image of ``version``."""
    return attrs.evolve(FirmwareImage(MODEL, version, b"code" * 100), **changes)


def spoil(chip: Chip, slot: str, at: int = 100) -> Chip:
    """A bit of what is in the slot has changed."""
    number, offset = divmod(first_sector(chip, slot) * chip.geometry.sector + at, chip.geometry.sector)
    held = chip.sectors[number]
    chip.sectors[number] = held[:offset] + bytes([held[offset] ^ 1]) + held[offset + 1 :]
    return chip


def spoil_environment(chip: Chip) -> Chip:
    """A bit of each copy of the boot environment has changed."""
    for sector in (2, 3):
        held = chip.sectors.get(sector, b"\xff" * chip.geometry.sector)
        chip.sectors[sector] = held[:20] + bytes([held[20] ^ 1]) + held[21:]
    return chip
