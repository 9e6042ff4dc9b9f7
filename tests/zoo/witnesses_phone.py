"""Stories in which the faults of ``merging``, ``storing``, ``timing`` and ``leaking`` show."""

from __future__ import annotations

from emulator.events import (
    ClockSet,
    DatagramSent,
    FileRefused,
    FirmwareDamaged,
    FirmwareInstalled,
    HandsetReplaced,
    RestartOrdered,
    RunEnded,
    RunStarted,
    SettingsExported,
    SettingsLoaded,
    UpdateBegun,
)
from emulator.phone.configfile import ROOT
from emulator.phone.locallog import log_of
from emulator.world.scenario import CutSpec, DhcpSpec, Encryption, FirmwareSpec, PathSpec, SntpSpec, SyslogSpec
from tests.emulator.phone.bench import FILE_SERVER, QUIET, fwupdt, initial, seconds, served, story, syslog
from tests.zoo.witness import Witness, act, events, first, has
from tools.simulate import RunResult

KEY = "0123456789abcdef0123456789abcdef"
TYPED = (act(10, "web", key="SYSLOG_PORT", value="1"),)
AGAIN = (act(20, "power-off"), act(21, "power-on"))


def value(result: RunResult, key: str) -> str:
    """A setting at the end."""
    return result.phones[0].settings.value(key)


# --- Merging ----------------------------------------------------------------------------------------------------------

TWICE = (
    f"<{ROOT}><Device><System><Syslog><SYSLOG_PORT>1</SYSLOG_PORT></Syslog></System>"
    f"<System><Syslog><SYSLOG_PORT>2</SYSLOG_PORT></Syslog></System></Device></{ROOT}>"
)
NAME = (
    f"<{ROOT}><Device><Lines><Line idx='1'><CallCtrl><DISPLAY_NAME>%s</DISPLAY_NAME></CallCtrl></Line></Lines>"
    f"</Device></{ROOT}>"
)

MERGING = {
    "first_of_two_groups": Witness(
        story(served({"/i.cfg": TWICE})), lambda result: value(result, "SYSLOG_PORT") != "2"
    ),
    "bang_works_once": Witness(
        story(served({"/i.cfg": syslog("!RW", SYSLOG_PORT="99")}), action=(*TYPED, *AGAIN)),
        lambda result: "SYSLOG_PORT" in result.phones[0].settings.user,
    ),
    "bare_bang_ignored": Witness(
        story(served({"/i.cfg": syslog("!", SYSLOG_PORT="99")}), user={"SYSLOG_PORT": "1"}),
        lambda result: value(result, "SYSLOG_PORT") != "99",
    ),
    "saved_copy_before_all": Witness(
        story(
            served({"/i.cfg": initial(standard="s.cfg", product="p.cfg"), "/s.cfg": syslog(SYSLOG_PORT="1")}),
            saved={"product": syslog(SYSLOG_PORT="2")},
        ),
        lambda result: value(result, "SYSLOG_PORT") != "1",
    ),
    "lock_of_bang_r_stays": Witness(
        story(
            served({"/i.cfg": syslog("!R", SYSLOG_PORT="99")}, end=seconds(15)),
            served({"/i.cfg": syslog(SYSLOG_PORT="99")}, start=seconds(15)),
            action=AGAIN,
        ),
        lambda result: not result.phones[0].settings.editable("SYSLOG_PORT"),
    ),
    "empty_text_ignored": Witness(
        story(served({"/i.cfg": NAME % ""}), provisioned={**QUIET, "DISPLAY_NAME/1": "Reception"}),
        lambda result: value(result, "DISPLAY_NAME/1") != "",
    ),
}


# --- Storing ----------------------------------------------------------------------------------------------------------

ORDERED = fwupdt(FIRM_VERSION="03.220", FIRM_FILE_PATH=f"http://{FILE_SERVER}/new.fw")
IMAGE = {"/i.cfg": ORDERED, "/new.fw": PathSpec(firmware=FirmwareSpec(version="03.220"))}


def _restarted_in_a_call(result: RunResult) -> bool:
    restarted, over = first(result.entries, RestartOrdered, reason="firmware"), first(result.entries, HandsetReplaced)
    return restarted is not None and (over is None or restarted.n < over.n)


STORING = {
    "compaction_loses_a_key": Witness(
        story(
            served({"/i.cfg": syslog()}),
            user={"SYSLOG_SEVERITY": "2"},
            action=(*(act(5 + n / 2, "web", key="SYSLOG_PORT", value=str(1 + n)) for n in range(20)), *AGAIN),
        ),
        lambda result: value(result, "SYSLOG_SEVERITY") != "2",
    ),
    "files_after_their_record": Witness(
        story(
            served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_PORT="99")}, end=seconds(1)),
            saved={"standard": syslog(SYSLOG_PORT="1")},
            cut=(CutSpec(after=4),),
        ),
        lambda result: has(result, FileRefused, file="standard", origin="saved copy", reason="damaged"),
    ),
    "reset_keeps_the_url": Witness(
        story(served({"/i.cfg": syslog()}, end=seconds(5)), action=(act(10, "factory-reset"),)),
        lambda result: len(events(result, SettingsLoaded)) == 2 and result.phones[0].settings.last_url != "",
    ),
    "boot_switch_before_verify": Witness(
        story(served(IMAGE), cut=(CutSpec(after=20),)),
        lambda result: has(result, FirmwareDamaged),
    ),
    "version_compared_behind_the_dot": Witness(
        story(
            served(
                {
                    "/i.cfg": fwupdt(FIRM_VERSION="02.900", FIRM_FILE_PATH=f"http://{FILE_SERVER}/new.fw"),
                    "/new.fw": PathSpec(firmware=FirmwareSpec(version="02.900")),
                }
            )
        ),
        lambda result: has(result, UpdateBegun, version="02.900"),
    ),
    "image_of_another_version": Witness(
        story(
            served({"/i.cfg": ORDERED, "/new.fw": PathSpec(firmware=FirmwareSpec(version="03.215"))}), until=seconds(15)
        ),
        lambda result: has(result, FirmwareInstalled),
    ),
    "update_ends_the_call": Witness(
        story(served(IMAGE), action=(act(0.1, "lift"), act(30, "hang-up"))),
        _restarted_in_a_call,
    ),
}


# --- Timing -----------------------------------------------------------------------------------------------------------

MISSING = served({}, behaviour="missing")


def _given_up(result: RunResult) -> bool:
    orders = result.phones[0].orders
    return has(result, RunEnded, outcome="failed") and not orders.armed("retry")


def _at_the_wrong_time(result: RunResult) -> bool:
    begun = first(result.entries, RunStarted, trigger="time-of-day")
    return begun is not None and begun.time < seconds(11 * 3600)


TIMING = {
    "no_retry_after_decryption": Witness(
        story(
            served({"/i.cfg": initial(standard="s.enc"), "/s.enc": "no cipher"}),
            provisioned={**QUIET, "CFG_FILE_KEY": KEY},
        ),
        _given_up,
    ),
    "resync_time_without_a_clock": Witness(
        story(MISSING, provisioned={**QUIET, "CFG_RESYNC_TIME": "12:00"}),
        _given_up,
    ),
    "one_slot_for_two_timers": Witness(
        story(MISSING, provisioned={**QUIET, "CFG_CYCLIC": "Y"}),
        _given_up,
    ),
    "cable_out_ends_the_retry": Witness(
        story(MISSING, action=(act(20, "link-down"), act(22, "link-up"))),
        _given_up,
    ),
    "stratum_off_by_one": Witness(
        story(provisioned={**QUIET, "NTP_ADDR": "192.0.2.40"}, sntp=(SntpSpec(stratum=16),)),
        lambda result: has(result, ClockSet),
    ),
    "clock_step_unnoticed": Witness(
        story(
            served({"/i.cfg": syslog()}),
            provisioned={
                **QUIET,
                "NTP_ADDR": "192.0.2.40",
                "TIME_QUERY_INTVL": "3600",
                "CFG_RESYNC_TIME": "12:00",
                "TIME_ZONE": "0",
            },
            sntp=(SntpSpec(ahead=seconds(6 * 3600), end=seconds(1800)), SntpSpec(start=seconds(1800))),
            until=seconds(13 * 3600),
        ),
        _at_the_wrong_time,
    ),
}


# --- Leaking ----------------------------------------------------------------------------------------------------------

LEAKING = {
    "key_in_the_local_log": Witness(
        story(
            served(
                {
                    "/i.cfg": initial(standard="s.enc"),
                    "/s.enc": PathSpec(text=syslog(), encrypt=Encryption(KEY[::-1])),
                }
            ),
            provisioned={"SIPPNP_ENABLE": "N", "CFG_FILE_KEY": KEY},
        ),
        lambda result: any(KEY in line.text for line in log_of(result.phones[0])),
    ),
    "ftp_login_in_syslog": Witness(
        story(
            served({}, protocols=("ftp",)),
            url=f"ftp://phone:sample-password@{FILE_SERVER}/i.cfg",
            provisioned={**QUIET, "SYSLOG_SERVER_ENABLE": "Y", "SYSLOG_ADDR": "192.0.2.30"},
            syslog=(SyslogSpec(),),
        ),
        lambda result: any(
            sent.port == 514 and b"sample-password" in sent.payload for sent in events(result, DatagramSent)
        ),
    ),
    "typed_key_exported": Witness(
        story(user={"CFG_FILE_KEY": KEY}, action=(act(20, "export"),), dhcp=(DhcpSpec(),)),
        lambda result: any(KEY.encode() in made.body for made in events(result, SettingsExported)),
    ),
}

WITNESSES = {**MERGING, **STORING, **TIMING, **LEAKING}
