"""Plain sentences about events as causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from emulator.events import (
    AddressBound,
    AttemptStarted,
    ConfigurationRead,
    ConfigurationSaved,
    DhcpReceived,
    Dhcpv6Received,
    DisplayShown,
    DownloadEnded,
    Entry,
    Event,
    FileRefused,
    FlashErased,
    FlashFitted,
    FlashProgrammed,
    HttpAnswered,
    LinkDown,
    LinkUp,
    LookupAnswered,
    PageSubmitted,
    PnpEnded,
    PowerOff,
    PowerOn,
    RestartNeeded,
    RestartOrdered,
    RunEnded,
    RunStarted,
    SettingChanged,
    SettingEntered,
    SettingsLoaded,
    SourceTried,
    StepEntered,
    TimerDue,
    TimerSet,
    step_name,
)
from emulator.events.masking import HIDDEN, duration, hide_passwords, is_secret, printable, repr_text
from emulator.events.units import SECOND

TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        "start": "as it does after each start of the phone",
        "retry": "again, because something was missing after the run before",
        "address": "again, because there is an address now",
        "cyclic": "because the interval CFG_CYCLIC_INTVL was over",
        "time-of-day": "because it was CFG_RESYNC_TIME",
        "check-sync": "because a NOTIFY asked for it",
    }
)
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "disabled": "it is switched off",
        "not-populated": "nobody filled it in",
        "no-answer": "nobody answered",
        "not-set": "none is set",
        "no-notify": "an answer came, and no NOTIFY with a URL",
        "no-address": "the phone has no address for it",
        "no-server-set": "there is no such server",
        "no-url-in-answer": "the answer holds no URL",
    }
)
"""Why a source gave no URL, in words."""
OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "provisioned": "provisioned",
        "partly": "partly provisioned",
        "saved": "on the files saved earlier",
        "failed": "failed, and there are no saved files",
        "disabled": "nothing done, because provisioning is switched off",
    }
)
OPTIONS: Mapping[int, int] = MappingProxyType({4: 160, 5: 159, 6: 66})
"""Step to the DHCP option that it uses."""


def when(entry: Entry) -> str:
    """``at 5.004 s (54)``: time and number of an event."""
    return f"at {seconds(entry.time)} ({entry.n})"


def seconds(ns: int) -> str:
    """``ns`` as ``5.004 s``, to the millisecond."""
    whole, rest = divmod(ns, SECOND)
    decimals = f"{rest // 1_000_000:03d}".rstrip("0")
    return f"{whole:,}.{decimals} s" if decimals else f"{whole:,} s"


def sentence(entry: Entry, secrets: bool, child: Entry | None = None) -> str:
    """What an event was, as a clause. child: what was decided on it, if that is known; secrets: show passwords.

    Never empty, and without anything that could move a cursor.
    """
    event = entry.event
    if child is not None and isinstance(event, DhcpReceived | Dhcpv6Received):
        text = _option(event, child.event, secrets)
    else:
        say = _SENTENCES.get(type(event))
        text = say(event, secrets) if say is not None else event.text()
    return printable(text) or event.kind


def url(text: str, secrets: bool) -> str:
    """A URL as it may be shown."""
    return text if secrets else hide_passwords(text)


def quoted(key: str, value: str, secrets: bool) -> str:
    """A value of ``TAG`` or ``TAG/line`` as it may be shown; an empty one in words."""
    if not value:
        return "empty"
    return HIDDEN if is_secret(key) and not secrets else repr_text(url(value, secrets))


def arrived(entry: Entry) -> str:
    """What came in, to stand behind the sentence about what the phone made of it."""
    if isinstance(entry.event, HttpAnswered | LookupAnswered):
        return f"{entry.n}: {entry.event.text()}"
    return f"received as {entry.n}"


# --- Addresses and sources --------------------------------------------------------------------------------------------


def _option(event: DhcpReceived | Dhcpv6Received, child: Event, secrets: bool) -> str:
    """What an answer of a DHCP server said of the URL, also that it said nothing."""
    if isinstance(event, Dhcpv6Received):
        name, text, server = "option 17", event.url, "the DHCPv6 server"
    else:
        number = OPTIONS.get(child.step) if isinstance(child, SourceTried) else None
        if number is None:
            return event.text()
        name, text, server = f"option {number}", getattr(event, f"option{number}"), f"{event.server or '?'}"
    kind = "the DHCPv6 REPLY" if isinstance(event, Dhcpv6Received) else f"the DHCP ACK from {server}"
    if text is None:
        return f"{kind} carried no {name}"
    return f"{kind} carried {name}, " + (repr_text(url(text, secrets)) if text else "which was empty")


def _bound(event: AddressBound, secrets: bool) -> str:
    verb = "got the address" if event.fresh else "keeps the address"
    return f"the phone {verb} {event.address}" + (f" from {event.server}" if event.server else "")


def _source(event: SourceTried, secrets: bool) -> str:
    if event.step == 2 and event.url is None:
        return "no provisioning URL was set by hand"
    if event.url is not None:
        return f"{event.source} gave the URL {url(event.url, secrets)}"
    return f"{event.source} gave no URL: {REASONS.get(event.reason, event.reason)}"


def _step(event: StepEntered, secrets: bool) -> str:
    if event.source:
        return f"step 8 began with the URL {url(event.url, secrets)} from {event.source}"
    what = ": without new files, those saved earlier count" if event.step == 9 else ""
    return f"step {step_name(event.step)} began{what}"


# --- Files ------------------------------------------------------------------------------------------------------------


def _read(event: ConfigurationRead, secrets: bool) -> str:
    which = "saved copy of the " if event.origin == "saved copy" else ""
    count = "1 parameter" if event.parameters == 1 else f"{event.parameters} parameters"
    names = f", and names {', '.join(name for name, _ in event.needed)}" if event.needed else ""
    cipher = f", decrypted ({event.cipher})" if event.cipher else ""
    skipped = f", {event.skipped} skipped" if event.skipped else ""
    return f"the {which}{event.file} file was read{cipher}: it has {count}{skipped}{names}"


def _refused(event: FileRefused, secrets: bool) -> str:
    which = "saved copy of the " if event.origin == "saved copy" else ""
    return f"the {which}{event.file} file was refused, and nothing in it applies: {event.reason}"


def _downloaded(event: DownloadEnded, secrets: bool) -> str:
    address = url(event.url, secrets)
    if event.location:
        return f"{address} redirected the phone to {url(event.location, secrets)}"
    if not event.reason:
        return f"the {event.file} file arrived from {address}"
    status = f" ({event.status})" if event.status else ""
    return f"the {event.file} file did not arrive from {address}: {event.reason}{status}"


def _attempt(event: AttemptStarted, secrets: bool) -> str:
    how = ", this time with the login" if event.authorized else ""
    which = f"after {event.redirects} redirects " if event.redirects else ""
    return f"{which}the {event.file} file was asked for at {url(event.url, secrets)}{how}"


def _ended(event: RunEnded, secrets: bool) -> str:
    source = f" with the URL from {event.source}" if event.source else ""
    failed = f"; failed: {', '.join(event.failed)}" if event.failed else ""
    many = "1 setting" if event.changed == 1 else f"{event.changed} settings"
    changed = f", {many} changed" if event.changed else ""
    return f"the provisioning run{source} ended: {OUTCOMES.get(event.outcome, event.outcome)}{changed}{failed}"


# --- Settings ---------------------------------------------------------------------------------------------------------


def _changed(event: SettingChanged, secrets: bool) -> str:
    by = "somebody at the web page" if event.origin == "web" else "somebody at the phone"
    by = by if event.origin in ("web", "phone") else f"the {event.origin} file"
    if event.value is None:
        return f"the user's value of {event.key} was taken away by {by}"
    return f"{event.key} was set to {quoted(event.key, event.value, secrets)} by {by} ({event.layer})"


def _entered(event: SettingEntered | PageSubmitted, secrets: bool) -> str:
    where = "at the web page" if event.via == "web" else "at the phone"
    if event.value is None:
        return f"somebody took the value of {event.key} back {where}"
    return f"somebody typed {quoted(event.key, event.value, secrets)} for {event.key} {where}"


def _saved(event: ConfigurationSaved, secrets: bool) -> str:
    files = f" and the files {', '.join(event.files)}" if event.files else ""
    return f"the phone saved {event.values} values{files} in its flash (transaction {event.transaction})"


def _loaded(event: SettingsLoaded, secrets: bool) -> str:
    what = f"{event.values} stored values" if event.values else "nothing was stored there"
    files = f", saved files: {', '.join(event.files)}" if event.files else ""
    damage = f", damaged: {', '.join(event.damage)}" if event.damage else ""
    return f"the settings were loaded from the flash: {what}{files}{damage}"


def _programmed(event: FlashProgrammed, secrets: bool) -> str:
    size = "1 byte" if len(event.data) == 1 else f"{len(event.data)} bytes"
    return f"the phone programmed {size} from {event.address:#08x} on"


_Say = Callable[[Any, bool], str]
_SENTENCES: dict[type[Event], _Say] = {
    FlashFitted: lambda e, s: "the flash chip was fitted, with all that was on it then",
    FlashErased: lambda e, s: f"the phone erased sector {e.sector} of its flash",
    FlashProgrammed: _programmed,
    PowerOn: lambda e, s: "the power came on",
    PowerOff: lambda e, s: "the power was switched off",
    LinkUp: lambda e, s: "the network cable had a signal",
    LinkDown: lambda e, s: "the network cable had no signal any more",
    RestartNeeded: lambda e, s: f"a restart was needed ({e.reason})",
    RestartOrdered: lambda e, s: f"the phone restarted itself ({e.reason})",
    TimerSet: lambda e, s: f"the phone set its timer {e.name} to {duration(e.after)}",
    TimerDue: lambda e, s: f"the timer {e.name} ran out",
    RunStarted: lambda e, s: f"a provisioning run began, {TRIGGERS.get(e.trigger, e.trigger)}",
    PnpEnded: lambda e, s: f"the time for SIP PnP was over: {REASONS.get(e.reason, e.reason)}",
    DisplayShown: lambda e, s: f"the display shows {repr_text(e.line)}" if e.line else "the display was cleared",
    AddressBound: _bound,
    AttemptStarted: _attempt,
    ConfigurationRead: _read,
    ConfigurationSaved: _saved,
    DownloadEnded: _downloaded,
    FileRefused: _refused,
    PageSubmitted: _entered,
    RunEnded: _ended,
    SettingChanged: _changed,
    SettingEntered: _entered,
    SettingsLoaded: _loaded,
    SourceTried: _source,
    StepEntered: _step,
}
"""What is said otherwise than in a timeline."""
