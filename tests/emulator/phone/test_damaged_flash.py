"""A flash that does not hold what was written: folds notice it, and the phone boots all the same."""

from __future__ import annotations

from functools import lru_cache

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from emulator.events import (
    ConfigurationRead,
    FileRefused,
    FlashFitted,
    Payload,
    RunEnded,
    SettingsLoaded,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.prepare import prepared_flash
from emulator.phone.settings import Settings
from emulator.phone.state import fold
from emulator.phone.storage import FoldMismatch
from flash_image import Chip, pack, unpack
from tests.emulator.phone.bench import (
    MAC,
    MODEL,
    Bench,
    initial,
    on_flash,
    prov,
    seconds,
    served,
    story,
    syslog,
    typed,
)
from tools.simulate import run


def test_a_fold_over_an_altered_flash_is_a_mismatch_that_names_the_event() -> None:
    bench = Bench(provisioned=(("ADMIN_ID", "x"),))
    firmware = bench.machine.firmware
    assert fold(firmware, bench.entries) == bench.phone
    altered = [attrs.evolve(entry) for entry in bench.entries]
    altered[0].event = FlashFitted(Payload(prepared_flash(MAC, MODEL, "1", provisioned=(("ADMIN_ID", "y"),))))
    with pytest.raises(FoldMismatch) as caught:
        fold(firmware, altered)
    assert caught.value.n == bench.of(SettingsLoaded)[0].n


def test_a_fold_over_an_altered_body_is_a_mismatch_too() -> None:
    result = run(story(served({"/i.cfg": initial()})))
    altered = [attrs.evolve(entry) for entry in result.entries]
    answer = next(entry for entry in altered if entry.event.kind == "HttpAnswered")
    answer.event = attrs.evolve(answer.event, body=Payload(initial(standard="x.cfg").encode()))
    with pytest.raises(FoldMismatch) as caught:
        fold(kx_utg200(), altered)
    assert caught.value.n == result.of(ConfigurationRead)[0].n


@lru_cache(maxsize=1)
def used_flash() -> bytes:
    """A flash with a few transactions behind it: provisioned values, typed ones and saved files."""
    saved = (
        ("standard", syslog(SYSLOG_ADDR="s").encode()),
        ("master", prov(CFG_RTRY_INTVL="5").encode() + b" " * 5000),
    )
    bench = Bench(user=(("USER_ID", "u"),), provisioned=(("ADMIN_ID", "x"), ("SIPPNP_ENABLE", "N")), saved=saved)
    for number in range(4):
        bench.feed(typed("ADMIN_ID", f"a{number}"))
    return pack(bench.phone.flash.chip)


def damaged(data: st.DataObject) -> bytes:
    chip = unpack(used_flash())
    for _ in range(data.draw(st.integers(1, 40))):
        sector = data.draw(st.sampled_from(sorted(chip.sectors)))
        raw = bytearray(chip.sectors[sector])
        at = data.draw(st.integers(0, 600) | st.integers(0, len(raw) - 1))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
        chip.sectors[sector] = bytes(raw)
    return pack(chip)


@pytest.mark.spec("PROV-001")
@given(st.data())
@configured(deadline=None, max_examples=150)
def test_a_phone_with_a_corrupted_flash_always_boots_and_can_be_provisioned(data: st.DataObject) -> None:
    flash = damaged(data)
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_ADDR="new")}
    result, _ = on_flash(story(served(paths), until=seconds(20)), flash)
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned"]
    bench = Bench(image=pack(result.phones[0].flash.chip))
    assert bench.phone.settings.value("SYSLOG_ADDR") == "new"


@given(st.data())
@configured(deadline=None, max_examples=60)
def test_a_phone_with_a_corrupted_flash_and_no_server_ends_its_run(data: st.DataObject) -> None:
    result, _ = on_flash(story(until=seconds(20)), damaged(data))
    assert result.of(RunEnded)[0].event.outcome in ("saved", "failed")
    refused = [entry.event for entry in result.of(FileRefused)]
    assert all(event.reason == "damaged" for event in refused)


def test_an_empty_chip_boots_as_nobody() -> None:
    bench = Bench(image=pack(Chip()))
    loaded = bench.of(SettingsLoaded)[0].event
    assert loaded.identity == ("000000000000", "KX-UTG200B", "")
    assert "factory-data-factory-data-blank" in loaded.damage


@pytest.mark.parametrize("stored", ["abc", "", "-5", "0", "99999999999999", "1441"])
def test_a_stored_number_that_is_not_allowed_counts_as_the_default(stored: str) -> None:
    result = run(story(url=None, provisioned={"SIPPNP_ENABLE": "N", "CFG_RTRY_INTVL": stored}))
    timer = next(entry.event for entry in result.entries if getattr(entry.event, "name", "") == "retry")
    assert timer.after == 30 * 60 * 10**9
    assert result.outcome == "failed"


@pytest.mark.parametrize("key", ["NO_SUCH_TAG", "PHONE_NUMBER/99", "PHONE_NUMBER/x", "/", ""])
def test_a_stored_value_under_an_unknown_name_does_no_harm(key: str) -> None:
    bench = Bench(provisioned=((key, "1"),), user=((key, "2"),))
    settings = bench.phone.settings
    assert settings.value(key) == "2"
    assert settings.differing()[key] == "2"
    assert Settings().value(key) == ""
