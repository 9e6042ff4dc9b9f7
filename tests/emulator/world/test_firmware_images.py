"""The images that a scenario describes are what it says: sound, or damaged in that way."""

from __future__ import annotations

import pytest

from emulator.world.scenario import DAMAGES, FirmwareSpec
from emulator.world.servers.firmware import DAMAGE, firmware
from flash_image import FirmwareError, decode_firmware

REASONS = {"hash": "payload-hash", "header": "header-checksum", "magic": "magic", "cut": "length"}


@pytest.mark.parametrize("size", [0, 1, 20_000])
def test_a_sound_image_says_what_the_scenario_says(size: int) -> None:
    image = decode_firmware(firmware(FirmwareSpec("KX-UTG300B", "04.000", size, hangs=True)))
    assert (image.model, image.version, len(image.payload), image.hangs) == ("KX-UTG300B", "04.000", size, True)


def test_versions_differ_in_their_payload_and_equal_ones_are_equal() -> None:
    assert firmware(FirmwareSpec(version="03.220"))[72:] != firmware(FirmwareSpec(version="03.230"))[72:]
    assert firmware(FirmwareSpec(size=100)) == firmware(FirmwareSpec(size=100))


@pytest.mark.parametrize(("damage", "reason"), REASONS.items())
def test_damage_is_found_for_what_it_is(damage: str, reason: str) -> None:
    with pytest.raises(FirmwareError) as caught:
        decode_firmware(firmware(FirmwareSpec(size=50, damage=damage)))
    assert caught.value.reason == reason


def test_every_damage_is_made_somewhere() -> None:
    assert set(DAMAGE) == set(DAMAGES) == {"none", *REASONS}
