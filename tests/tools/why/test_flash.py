"""Who wrote a byte of the flash, and from what was read there back to who wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.events import (
    SECOND,
    ConfigurationRead,
    Entry,
    FlashErased,
    FlashFitted,
    FlashProgrammed,
    HttpAnswered,
    PowerLost,
    SettingChanged,
    SettingEntered,
    SettingsLoaded,
    SourceTried,
)
from emulator.log.store import Store
from emulator.world.scenario import ActionSpec, DhcpSpec, Duration, PhoneSpec, Scenario
from flash_image import mount, unpack
from flash_image.records import SNAPSHOT
from tests.emulator.phone.bench import seconds
from tests.tools.why.asking import told
from tools.simulate import RunResult, run
from tools.why import ancestors, why
from tools.why.chip import history
from tools.why.journal import last_record
from tools.why.place import place
from tools.why.reader import Reader

SECTOR = 4096
CHANGING = (
    "first-boot-option-160",
    "second-boot-from-flash",
    "power-cut-in-the-commit",
    "factory-reset-after-the-call",
)


def stored(name: str, folder: Path) -> tuple[Path, RunResult]:
    """A scenario, stored."""
    return folder / "run.db", run(f"scenarios/{name}.toml", db=folder / "run.db")


def writers(entries: list[Entry]) -> dict[int, int]:
    """Address of every byte that operations touched to the last of them, found by going through all of them."""
    found: dict[int, int] = {}
    for entry in entries:
        if isinstance(entry.event, FlashErased):
            found |= dict.fromkeys(range(entry.event.sector * SECTOR, (entry.event.sector + 1) * SECTOR), entry.n)
        elif isinstance(entry.event, FlashProgrammed):
            address = entry.event.address
            found |= dict.fromkeys(range(address, address + len(entry.event.data)), entry.n)
    return found


@pytest.mark.parametrize("name", CHANGING[:2])
def test_the_last_writer_of_every_byte(name: str, tmp_path: Path) -> None:
    """The one that going through all operations finds; what no operation touched came with the chip."""
    path, result = stored(name, tmp_path)
    expected = writers(result.entries)
    last = len(result.entries)
    log_sector = 4
    with Store(path) as store:
        reader = Reader(store, store.find("1"))
        made = history(reader, 0, last)
        logged = history(reader, 0, last, log_sector * SECTOR)
        for address, n in expected.items():
            sector = address // SECTOR
            if sector == log_sector:
                assert logged.writer(address, last + 1) == n
            elif not 4 < sector < 16:
                assert made.writer(address, last + 1) == n
        assert made.writer(0x1200, last + 1) == 1
        middle = sorted(expected.values())[len(expected) // 2]
        earlier = writers(result.entries[: middle - 1])
        for address in [a for a in expected if a // SECTOR >= 16][::7]:
            assert made.writer(address, middle) == earlier.get(address, 1)


@pytest.mark.parametrize("name", CHANGING)
def test_the_chip_is_that_of_the_phone(name: str, tmp_path: Path) -> None:
    """What is followed of it is what the phone has."""
    path, result = stored(name, tmp_path)
    with Store(path) as store:
        made = history(Reader(store, store.find("1")), 0, len(result.entries))
    held, phone = made.chip.sectors, result.phones[0].flash.chip.sectors
    own = [sector for sector in {*held, *phone} if not 4 <= sector < 16]
    assert own
    assert all(held.get(sector) == phone.get(sector) for sector in own)
    assert mount(made.chip) == mount(result.phones[0].flash.chip)
    assert made.at(1) == unpack(next(e.event.image for e in result.entries if isinstance(e.event, FlashFitted)))


def test_what_a_byte_belongs_to(tmp_path: Path) -> None:
    """Every byte of the journal's record and of the files has a name; the rest has a partition."""
    _, result = stored("first-boot-option-160", tmp_path)
    chip = result.phones[0].flash.chip
    mounted = mount(chip)
    names = {place(chip, address).where.subject for address in range(0x10300, 0x10560)}
    assert {
        f"p/{entry.event.key}" for entry in result.of(SettingChanged) if isinstance(entry.event, SettingChanged)
    } <= names
    assert "m/url" in names
    assert {"f:standard", "f:product", "f:master"} <= names
    for name, ref in mounted.files.items():
        assert place(chip, ref.sectors[0] * SECTOR).where.subject == f"f:{name}"
        assert place(chip, ref.sectors[0] * SECTOR + ref.length).where.what.startswith("the unused end")
    assert place(chip, 0).where.what == "the partition table"
    assert place(chip, 0x1010).partition == "factory"
    assert place(chip, 0x10100).where.what.startswith("the record of transaction 0")
    assert place(chip, 0x10000).where.what.startswith("the header of bank 1")
    assert "given up" in place(chip, 0x10210).where.what
    secret = next(a for a in range(0x10300, 0x10560) if place(chip, a).where.subject == "p/SIP_PASS/1")
    own = [a for a in range(secret, 0x10560) if place(chip, a).where.subject == "p/SIP_PASS/1"]
    assert place(chip, own[-1]).where.secret
    assert not place(chip, own[0]).where.secret


def test_a_byte_leads_to_the_value_that_it_is_part_of(tmp_path: Path) -> None:
    """From the operation to the change that it wrote down, and on to the file that brought it."""
    path, result = stored("first-boot-option-160", tmp_path)
    chip = result.phones[0].flash.chip
    address = next(a for a in range(0x10300, 0x10560) if place(chip, a).where.subject == "p/SYSLOG_SEVERITY")
    found = why("1", f"flash:{address:#x}", db=path)
    numbers = list(told(found))
    assert isinstance(result.entries[numbers[0] - 1].event, FlashProgrammed)
    change = result.entries[numbers[1] - 1].event
    assert isinstance(change, SettingChanged)
    assert change.key == "SYSLOG_SEVERITY"
    read = result.entries[numbers[2] - 1].event
    assert isinstance(read, ConfigurationRead)
    assert read.file == "product"
    assert "SYSLOG_SEVERITY" in found.answer[1]
    assert "(transaction 1)" in found.answer[2]


def test_secret_bytes_are_not_shown(tmp_path: Path) -> None:
    """Neither those of a password nor those of a file, which may hold one."""
    path, result = stored("first-boot-option-160", tmp_path)
    chip = result.phones[0].flash.chip
    address = max(a for a in range(0x10300, 0x10560) if place(chip, a).where.subject == "p/SIP_PASS/1")
    for text in (f"flash:{address}", "flash:0x30010"):
        assert why("1", text, db=path).answer[0].endswith("is not shown without --secrets")
        assert "reads 0x" in why("1", text, db=path, secrets=True).answer[0]


def test_a_byte_that_nobody_wrote(tmp_path: Path) -> None:
    """It came with the chip."""
    path, _ = stored("first-boot-option-160", tmp_path)
    found = why("1", "flash:0x1200", db=path)
    assert found.answer[-1] == "nothing in this run wrote it: it came with the chip"
    assert list(told(found)) == [1]


def test_a_setting_of_an_earlier_power_cycle(tmp_path: Path) -> None:
    """After a restart the value is what the file of the first boot said, read from the flash."""
    path, result = stored("second-boot-from-flash", tmp_path)
    loads = [entry.n for entry in result.of(SettingsLoaded)]
    found = why(f"1@{loads[1]}", "setting:SYSLOG_SEVERITY", db=path)
    numbers = list(told(found))
    assert numbers[0] == loads[1]
    change = result.entries[numbers[1] - 1]
    assert isinstance(change.event, SettingChanged)
    assert (change.event.key, change.n < loads[1]) == ("SYSLOG_SEVERITY", True)
    assert found.nodes[1].link == "flash"
    answers = [entry.n for entry in result.of(HttpAnswered) if entry.n < change.n]
    assert {entry.n for entry in found.inputs} & set(answers)


def test_a_typed_url_that_counts_after_the_restart(tmp_path: Path) -> None:
    """The outcome of the second boot goes back to the hands that typed the URL in the first."""
    path, result = stored("url-typed-in-then-restarted", tmp_path)
    (typed,) = [e.n for e in result.of(SettingEntered) if getattr(e.event, "key", "") == "USR_PROV_SVR_URL"]
    assert typed in {entry.n for entry in why("1", db=path).inputs}


def test_saved_files_go_back_to_their_download(tmp_path: Path) -> None:
    """A run on saved files names the downloads of the first day."""
    path, result = stored("server-gone-saved-files-kept", tmp_path)
    reads = [(e.n, e.event) for e in result.of(ConfigurationRead) if isinstance(e.event, ConfigurationRead)]
    n, saved = next((n, read) for n, read in reads if read.origin == "saved copy")
    first = next(m for m, read in reads if read.file == saved.file)
    assert first < n
    assert first in told(why(f"1@{n}", db=path))


def test_a_record_that_was_only_copied_is_followed(tmp_path: Path) -> None:
    """When the journal moves to its other bank, the writer of a value stays the change that set it."""
    values = ["7", *("x" * (at % 20 + 1) for at in range(1, 400))]
    typed = tuple(
        ActionSpec(seconds(10 + at), "web", "DISPLAY_NAME/1" if at else "SYSLOG_SEVERITY", value)
        for at, value in enumerate(values)
    )
    power = (ActionSpec(seconds(420), "power-off"), ActionSpec(seconds(430), "power-on"))
    path = tmp_path / "run.db"
    result = run(Scenario("copied", until=Duration(440 * SECOND), action=(*typed, *power)), db=path)
    mounted = mount(result.phones[0].flash.chip)
    placed = last_record(result.phones[0].flash.chip, mounted, "u/SYSLOG_SEVERITY")
    assert placed is not None
    assert placed.record.kind == SNAPSHOT, "the journal has moved"
    assert mounted.generation > 1
    found = why("1", "setting:SYSLOG_SEVERITY", db=path)
    assert found.answer == ('SYSLOG_SEVERITY is "7": typed in by the user',)
    assert result.of(SettingChanged)[0].n in told(found)
    assert result.of(SettingEntered)[0].n in {entry.n for entry in found.inputs}


def test_the_users_value_goes_before_the_provisioned_one(tmp_path: Path) -> None:
    """Of two values that are in the flash, that in force is told, for a decision as for the setting."""
    phone = PhoneSpec(user={"OPTION160_ENABLE": "N"}, provisioned={"OPTION160_ENABLE": "Y", "SIPPNP_ENABLE": "N"})
    path = tmp_path / "run.db"
    server = DhcpSpec(option160="http://192.0.2.20/")
    result = run(Scenario("both", until=Duration(20 * SECOND), phone=phone, dhcp=(server,)), db=path)
    tried = next(e for e in result.of(SourceTried) if getattr(e.event, "setting", "") == "OPTION160_ENABLE")
    said = [node.sentence for node in why(f"1@{tried.n}", db=path).nodes]
    assert any(line.startswith('OPTION160_ENABLE = "N" (user) was in the flash') for line in said)
    found = why("1", "setting:OPTION160_ENABLE", db=path)
    assert found.answer == (
        'OPTION160_ENABLE is "N": typed in by the user',
        'the provisioned value "Y" does not count beside it',
    )


def test_links_through_the_flash_are_classed(tmp_path: Path) -> None:
    """What was read there is a link of its own kind; what an operation triggered is not."""
    _, result = stored("power-cut-in-the-commit", tmp_path)
    lost = result.of(PowerLost)[0]
    assert ancestors(result.entries, lost.n)[lost.n] == [(lost.cause, "cause")]
    loaded = result.of(SettingsLoaded)[0]
    assert ancestors(result.entries, loaded.n)[loaded.n] == [(loaded.cause, "cause"), (1, "flash")]
