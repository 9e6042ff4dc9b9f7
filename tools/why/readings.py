"""Which settings an event was decided on, where its grounds say only that the settings were loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.events import (
    AccessRefused,
    AttemptStarted,
    CheckSyncReceived,
    ClockSet,
    ConfigurationRead,
    DatagramSent,
    DhcpStateEntered,
    Dhcpv6StateEntered,
    DownloadOrdered,
    Entry,
    Event,
    FileRefused,
    HttpRequested,
    LineRefused,
    LineRegistered,
    LineRegistering,
    LineUnregistered,
    LineWaiting,
    LookupRequested,
    PnpSubscribed,
    RegisterStarted,
    RunEnded,
    SettingRefused,
    SourceTried,
    StepEntered,
    TimerCancelled,
    TimerSet,
    UpdateBegun,
    UpdateOffered,
    VlanChosen,
)
from tools.why.subjects import FILE, LAST_URL

PROXY = ("HTTP_ENABLE_PROXY", "HTTP_PROXY_SVR_ADDR", "HTTP_PROXY_SVR_PORT")
UPDATE = ("FIRM_UPGRADE_ENABLE", "FIRM_VERSION", "FIRM_FILE_PATH", "FIRM_UPGRADE_AUTO")
TIMERS = {
    "retry": ("CFG_RTRY_INTVL",),
    "cyclic": ("CFG_CYCLIC_INTVL",),
    "time-of-day": ("CFG_RESYNC_TIME",),
    "sntp": ("NTP_ADDR", "NTP_MODE"),
}
"""Timer to the settings that say when it runs out."""
PORTS = {514: ("SYSLOG_ADDR", "SYSLOG_SEVERITY"), 123: ("NTP_ADDR", "NTP_MODE")}
"""UDP port to the settings that say who is sent what there."""
REFUSED = {
    "no-user": ("SIP_URI", "PHONE_NUMBER"),
    "forbidden": ("SIP_403_REG_SUB_RTX",),
    "no-credentials": ("SIP_AUTHID", "SIP_PASS"),
    "credentials-refused": ("SIP_AUTHID", "SIP_PASS"),
}
"""Why a line was refused to the settings of the line which that was decided on."""


def settings_read(entry: Entry) -> tuple[str, ...]:
    """The keys of the settings that an event was decided on, as far as the event tells."""
    reading = _READINGS.get(type(entry.event))
    return reading(entry.event) if reading is not None else ()


def stored_read(entry: Entry) -> str:
    """The subject that an event took from what was loaded, other than a setting: a saved file or the last good URL."""
    event = entry.event
    if isinstance(event, StepEntered) and event.step == 8 and event.source == "last good URL":
        return LAST_URL
    if isinstance(event, ConfigurationRead | FileRefused) and event.origin == "saved copy":
        return f"{FILE}{event.file}"
    return ""


def _source(event: SourceTried) -> tuple[str, ...]:
    return ("USR_PROV_SVR_URL",) if event.step == 2 else (event.setting,) if event.setting else ()


def _step(event: StepEntered) -> tuple[str, ...]:
    return ("PROVISION_ENABLE",) if event.step == 2 else () if event.source else ("IP_ADDR_MODE",)


def _line(*tags: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda event: tuple(f"{tag}/{event.line}" for tag in tags)


def _refused(event: LineRefused) -> tuple[str, ...]:
    return tuple(f"{tag}/{event.line}" for tag in REFUSED.get(event.reason, ()))


def _always(*keys: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda event: keys


_READINGS: dict[type[Event], Callable[[Any], tuple[str, ...]]] = {
    SourceTried: _source,
    StepEntered: _step,
    RunEnded: lambda event: ("PROVISION_ENABLE",) if event.outcome == "disabled" else (),
    PnpSubscribed: _always("SIPPNP_ENABLE"),
    DhcpStateEntered: _always("LLDP_ENABLE", "CDP_ENABLE"),
    Dhcpv6StateEntered: _always("LLDP_ENABLE", "CDP_ENABLE"),
    VlanChosen: _always("LLDP_ENABLE", "CDP_ENABLE"),
    TimerSet: lambda event: TIMERS.get(event.name, ()),
    TimerCancelled: lambda event: TIMERS.get(event.name, ()),
    DatagramSent: lambda event: PORTS.get(event.port, ()),
    ClockSet: _always("IGNORE_LEAP_INDICATOR"),
    LineRegistering: _line("LINE_ENABLE", "SIP_RGSTR_ADDR"),
    LineUnregistered: _line("LINE_ENABLE", "SIP_RGSTR_ADDR"),
    RegisterStarted: _line("LINE_ENABLE", "SIP_RGSTR_ADDR"),
    LineRegistered: _line("REG_INTERVAL_RATE"),
    LineWaiting: _line("REG_RTX_INTVL"),
    LineRefused: _refused,
    CheckSyncReceived: _always("CFG_RESYNC_FROM_SIP"),
    SettingRefused: lambda event: (event.key,),
    ConfigurationRead: lambda event: ("CFG_FILE_KEY",) if event.cipher else (),
    FileRefused: lambda event: ("CFG_FILE_KEY",) if event.reason.startswith("decrypt-") else (),
    AccessRefused: lambda event: ("ADMIN_PASS",) if event.level == "A" else ("USER_PASS",),
    AttemptStarted: lambda event: ("HTTP_AUTH_ID",) if event.authorized else (),
    HttpRequested: _always(*PROXY),
    LookupRequested: _always(*PROXY),
    DownloadOrdered: lambda event: ("FIRM_FILE_PATH",) if event.file == "firmware" else (),
    UpdateBegun: _always(*UPDATE),
    UpdateOffered: _always(*UPDATE),
}
"""What each kind of event reads of the settings, as its part of :mod:`emulator.phone` does."""
