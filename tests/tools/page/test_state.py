"""A page says of settings and flash what ``offhook state`` says at the same event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tools.page.pages import BY_NAME, data_in, page_of
from tools.browse import State, state
from tools.simulate import run

STORIES = (
    "first-boot-option-160",
    "second-boot-from-flash",
    "power-cut-in-the-commit",
    "user-value-stays-with-rw",
    "factory-reset-after-the-call",
    "flash-sector-worn-out",
    "flash-bit-flipped-and-back",
    "started-from-a-flash-image",
    "settings-imported-into-a-new-phone",
)
PLACES = 12
"""Events of a run that are looked at, beside the first and the last."""


def settings_at(phone: dict[str, Any], n: int) -> dict[str, tuple[str, int]]:
    """The settings just after event n, as the page puts them together."""
    held: dict[str, tuple[str, int]] = {}
    for at, key, value, since in phone["settings"]:
        if at > n:
            break
        held.pop(key, None)
        if value is not None:
            held[key] = value, since
    return held


def sectors_at(phone: dict[str, Any], n: int) -> dict[int, tuple[int, int]]:
    """Bytes programmed and erasures by sector just after event n."""
    return {sector: (used, wear) for at, sector, used, wear, _ in phone["sectors"] if at <= n}


def chip_of(found: State) -> dict[int, tuple[int, int]]:
    """The same, of a folded phone."""
    chip = found.phone.flash.chip
    return {
        sector: (sum(byte != 0xFF for byte in chip.sectors.get(sector, b"")), chip.wear.get(sector, 0))
        for sector in {*chip.sectors, *chip.wear}
    }


@pytest.mark.parametrize("secrets", [False, True], ids=["masked", "with secrets"])
@pytest.mark.parametrize("story", STORIES)
def test_it_agrees_with_state(story: str, secrets: bool, tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    events = run(BY_NAME[story], db=db).events
    (phone,) = data_in(page_of(db, secrets=secrets))["phones"]
    looked = {1, 3, events, *range(1, events, max(1, events // PLACES))}
    for n in sorted(looked):
        found = state(f"1@{n}", db=db, secrets=secrets)
        shown = settings_at(phone, n)
        assert {key: value for key, (value, _) in shown.items()} == found.settings, n
        assert {key: since for key, (_, since) in shown.items()} == {
            key: found.phone.settings.grounds(key) for key in found.settings
        }, n
        held = chip_of(found)
        assert {sector: own for sector, own in sectors_at(phone, n).items() if own != (0, 0)} == held, n


def test_each_phone_has_its_own(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    events = run(BY_NAME["twenty-phones-and-one-server"], db=db).events
    phones = data_in(page_of(db))["phones"]
    assert [phone["phone"] for phone in phones] == list(range(20))
    for index in (0, 7, 19):
        found = state(f"1@{events}", db=db, phone=index)
        assert {key: value for key, (value, _) in settings_at(phones[index], events).items()} == found.settings
        assert phones[index]["mac"] == found.phone.settings.mac


def test_trouble_of_a_sector_is_told_until_it_is_erased(tmp_path: Path) -> None:
    """The power cut in the commit tears a page of the journal; the next boot makes it firm."""
    db = tmp_path / "runs.db"
    run(BY_NAME["power-cut-in-the-commit"], db=db)
    (phone,) = data_in(page_of(db))["phones"]
    torn = [(at, sector) for at, sector, _, _, trouble in phone["sectors"] if trouble]
    assert torn
    assert {sector for _, sector in torn} == {torn[0][1]}
