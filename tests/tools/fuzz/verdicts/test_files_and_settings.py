"""The verdicts about files, settings and flash find what they are about."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from emulator.events import (
    ConfigurationRead,
    ConfigurationSaved,
    DownloadEnded,
    Entry,
    Event,
    FactoryResetDone,
    FileRefused,
    FirmwareAccepted,
    HttpAnswered,
    Payload,
    PowerOn,
    RunEnded,
    SettingChanged,
    SettingEntered,
    SettingRefused,
    SettingsLoaded,
)
from emulator.phone import bootloader, merge, provisioning, storage, update
from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.scenario import Expectations, FilesSpec, PathSpec, Scenario
from flash_image import TRIAL, Choice
from tests.tools.fuzz.verdicts.retelling import Told, added, dropped, found, story, swapped
from tools.fuzz.verdicts.documents import Document, read
from tools.fuzz.verdicts.storing import Stored
from tools.fuzz.verdicts.watching import Watch

BOOT = "first-boot-option-160"
NO_KEY = Payload(b"U2FsdGVkX1" + b"A" * 86)


def refused(event: Event) -> Event:
    """The master file told as refused."""
    is_master = isinstance(event, ConfigurationRead) and event.file == "master"
    return FileRefused("master", "download", "not-well-formed") if is_master else event


def failed(event: Event) -> Event | None:
    """The saved files are not used, and the run fails."""
    if isinstance(event, ConfigurationRead):
        return None
    return evolve(event, outcome="failed") if isinstance(event, RunEnded) and event.outcome == "saved" else event


def taken(event: Event) -> Event:
    """A refusal told as a change."""
    if isinstance(event, SettingRefused):
        return SettingChanged(event.key, "user", "x", "", "", "phone")
    return event


def user_drop(key: str, origin: str) -> SettingChanged:
    """The user's value of ``key`` is dropped."""
    return SettingChanged(key, "user", None, "", "", origin)


def answer(**fields: Any) -> Told:
    """The master file arrives otherwise."""
    return swapped(HttpAnswered, lambda e: e.name == "master", **fields)


MORE = SettingChanged("TIME_ZONE", "provisioned", "60", "", "", "product")
RETOLD: dict[str, tuple[str, Told, str, str]] = {
    "a file cut short": (BOOT, answer(body=lambda e: Payload(e.body[:-40])), "no-rejected-file", "PROV-145"),
    "a file that did not come whole": (BOOT, answer(end="cut-off"), "no-rejected-file", "PROV-191"),
    "a file one byte over the limit": (
        BOOT,
        answer(body=lambda e: Payload(bytes(e.body).ljust(245_761, b"\n"))),
        *("no-rejected-file", "PROV-148"),
    ),
    "a file with a DOCTYPE": (
        BOOT,
        answer(body=lambda e: Payload(e.body.replace(b"<PANA", b"<!DOCTYPE x><PANA"))),
        *("no-rejected-file", "PROV-149"),
    ),
    "a file within the limit refused for its size": (
        BOOT,
        swapped(DownloadEnded, lambda e: e.file == "master", reason="too-large"),
        *("no-rejected-file", "PROV-148"),
    ),
    "a good file refused": (BOOT, lambda e: refused(e.event), "no-rejected-file", "PROV-145"),
    "a damaged copy used": (
        "server-gone-saved-files-kept",
        swapped(ConfigurationRead, lambda e: e.origin == "saved copy", digest="0" * 64),
        *("no-rejected-file", "PROV-193"),
    ),
    "a file without a key": (
        "encrypted-with-128-bits",
        swapped(HttpAnswered, lambda e: e.name == "standard", body=NO_KEY),
        *("no-rejected-file", "PROV-213"),
    ),
    "a value of no file": (
        BOOT,
        swapped(SettingChanged, lambda e: e.key == "SYSLOG_SEVERITY", value="5"),
        *("merge", "PROV-182"),
    ),
    "a value that was not taken over": (
        BOOT,
        dropped(SettingChanged, lambda e: e.key == "SYSLOG_SEVERITY"),
        *("merge", "PROV-139"),
    ),
    "a permission forgotten": (BOOT, swapped(SettingChanged, lambda e: e.perm != "", perm=""), "merge", "PROV-166"),
    "an access forgotten": (BOOT, swapped(SettingChanged, lambda e: e.access == "A", access="U"), "merge", "PROV-170"),
    "a value that no file has": (BOOT, added(ConfigurationRead, MORE), "merge", "PROV-139"),
    "a value of a rejected file": ("one-file-of-three-bad-no-copy", added(FileRefused, MORE), "merge", "PROV-145"),
    "the user's value kept against !RW": (
        "user-value-overruled-by-bang-rw",
        dropped(SettingChanged, lambda e: e.value is None),
        *("merge", "PROV-163"),
    ),
    "the user's value dropped without !": (
        "user-value-stays-with-rw",
        added(ConfigurationRead, user_drop("DISPLAY_NAME/1", "standard")),
        *("merge", "PROV-160"),
    ),
    "the user's value dropped by R": (
        "user-value-stays-but-is-locked-by-r",
        added(ConfigurationRead, user_drop("DISPLAY_NAME/1", "standard")),
        *("merge", "PROV-165"),
    ),
    "the user's value dropped by a losing file": (
        "perm-of-a-losing-file-does-nothing",
        added(ConfigurationRead, user_drop("SYSLOG_SEVERITY", "master")),
        *("merge", "PROV-163"),
    ),
    "a setting that is not in the flash": (
        BOOT,
        added(ConfigurationRead, MORE, lambda e: e.file == "master"),
        *("stored", "PROV-273"),
    ),
    "a file saved that was not read": (
        BOOT,
        swapped(ConfigurationSaved, files=lambda e: (*e.files, "root1")),
        *("stored", "PROV-193"),
    ),
    "fewer values loaded": (
        "second-boot-from-flash",
        swapped(SettingsLoaded, values=lambda e: max(0, e.values - 1)),
        *("stored", "PROV-001"),
    ),
    "a factory reset that leaves something": (
        BOOT,
        added(RunEnded, FactoryResetDone(9, 0, ())),
        *("stored", "PROV-272"),
    ),
    "a run that fails in spite of saved files": (
        "server-gone-saved-files-kept",
        lambda e: failed(e.event),
        *("saved-files", "PROV-009"),
    ),
    "no copy for a failed file": (
        "one-file-of-three-bad-saved-copy-used",
        dropped(ConfigurationRead, lambda e: e.origin == "saved copy"),
        *("saved-files", "PROV-192"),
    ),
    "a value typed for a read-only parameter": (
        "user-value-overruled-by-bang-r",
        lambda e: taken(e.event),
        *("user-layer", "PROV-160"),
    ),
    "a value typed without effect": (
        "user-value-overruled-by-bang-rw",
        dropped(SettingChanged, lambda e: e.origin == "phone"),
        *("user-layer", "PROV-181"),
    ),
}


@pytest.mark.parametrize("what", RETOLD)
def test_told_otherwise(what: str) -> None:
    name, told, verdict, rule = RETOLD[what]
    assert (verdict, rule) not in found(name)
    assert (verdict, rule) in found(name, told)


# --- One file, and what it says ---------------------------------------------------------------------------------------

TWICE = "<System><Prov><CFG_RTRY_INTVL>7</CFG_RTRY_INTVL><CFG_RTRY_INTVL>8</CFG_RTRY_INTVL></Prov></System>"
BEYOND = "<System><Prov><CFG_RTRY_INTVL>99999</CFG_RTRY_INTVL></Prov></System>"


def one_file(text: str) -> Scenario:
    """A standard file at the provisioning URL."""
    whole = f"<PANASIPPhoneConfig><Device>{text}</Device></PANASIPPhoneConfig>"
    files = (FilesSpec(paths={"/KX-UTG200B.cfg": PathSpec(text=whole)}),)
    return evolve(story(BOOT), files=files, expect=Expectations())


def test_the_first_of_two_values() -> None:
    told = swapped(SettingChanged, lambda e: e.key == "CFG_RTRY_INTVL", value="7")
    assert found(one_file(TWICE)) == set()
    assert ("merge", "PROV-138") in found(one_file(TWICE), told)


def test_a_value_out_of_range() -> None:
    change = SettingChanged("CFG_RTRY_INTVL", "provisioned", "99999", "", "", "standard")
    assert found(one_file(BEYOND)) == set()
    assert ("merge", "PROV-144") in found(one_file(BEYOND), added(ConfigurationRead, change))


def test_a_typed_value_that_is_not_allowed() -> None:
    def told(entry: Entry) -> Event | list[Event]:
        if isinstance(entry.event, RunEnded):
            typed = SettingEntered("CFG_RTRY_INTVL", "0", "web")
            return [typed, SettingChanged("CFG_RTRY_INTVL", "user", "0", "", "", "web"), entry.event]
        return entry.event

    assert ("user-layer", "PROV-144") in found(one_file(TWICE), told)


def test_the_oracle_reads_files_as_the_specification_says() -> None:
    document = read(b"<PANASipPhoneConfig><Device>" + TWICE.encode() + b"</Device></PANASipPhoneConfig>")
    assert document is not None
    assert document.entries["CFG_RTRY_INTVL"].value == "8"
    assert document.entries["CFG_RTRY_INTVL"].all == ("7", "8")
    assert read(b"<PANASIPPhoneConfig><Device></PANASIPPhoneConfig>") == Document("PROV-145")


# --- Other firmwares --------------------------------------------------------------------------------------------------


def with_merge(other: Any) -> Firmware:
    """The phone with another merge at the end of its runs."""

    def merging(original: Any) -> Any:
        def made(phone: Phone, event: Event, entry: Entry) -> Any:
            kept, provisioning.merge = provisioning.merge, other
            try:
                return list(original(phone, event, entry))
            finally:
                provisioning.merge = kept

        return made

    settled, saved = provisioning.file_settled, provisioning.saved_file_settled
    return kx_utg200().replacing(settled, merging(settled)).replacing(saved, merging(saved))


def test_a_weaker_file_wins() -> None:
    firmware = with_merge(lambda settings, files: merge.merge(settings, tuple(reversed(list(files)))))
    assert ("merge", "PROV-182") in found("perm-of-a-losing-file-does-nothing", firmware=firmware)


def test_a_phone_that_forgets_a_key_when_it_saves() -> None:
    def plan(chip: Any, mounted: Any, values: Any, files: Any, check: bool) -> Any:
        return storage.FORMAT.plan(chip, mounted, dict(list(values.items())[1:]), files, check)

    assert ("stored", "PROV-273") in found(BOOT, firmware=kx_utg200().with_format(plan=plan))


def test_a_phone_that_overlooks_a_key_when_it_starts() -> None:
    def mount(chip: Any) -> Any:
        mounted = storage.FORMAT.mount(chip)
        return evolve(mounted, values=dict(list(mounted.values.items())[:-1]))

    assert ("stored", "PROV-001") in found("second-boot-from-flash", firmware=kx_utg200().with_format(mount=mount))


def test_a_restart_that_finds_something_else() -> None:
    """As if a value had been saved before the restart that is not there after it."""

    def meanwhile(watch: Watch, settled: Settled) -> None:
        if isinstance(settled.entries[0].event, PowerOn) and watch.boards:
            for verdict in watch.boards[0].verdicts:
                if isinstance(verdict, Stored) and verdict.kept is not None:
                    verdict.kept["u/TIME_ZONE"] = b"60"

    name = "root-certificate-kept-over-a-restart"
    assert ("stored", "PROV-001") not in found(name)
    assert ("stored", "PROV-001") in found(name, meanwhile=meanwhile)


def test_a_new_firmware_that_is_chosen_before_it_was_verified() -> None:
    """The slots are switched as soon as an image arrived, and it is written then."""

    def early(phone: Phone, event: FirmwareAccepted, entry: Entry) -> Any:
        yield from bootloader.keep(phone, Choice(event.slot, TRIAL, 0, bytes.fromhex(phone.update.order)))
        yield from update.first_block(phone, event, entry)

    firmware = kx_utg200().replacing(update.first_block, early)
    assert ("boot-choice", "PROV-265") in found("firmware-update", firmware=firmware)
