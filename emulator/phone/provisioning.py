"""The nine steps of provisioning, in the guide's order and numbering (PROV-001 to PROV-011).

Read it from top to bottom: ``@step(n, title)`` says what entering a step does, ``@during(n, Event)`` how its wait goes
on. Steps 2 to 7 look for the provisioning URL, step 8 fetches the files, step 9 falls back on the saved ones. Step 6a,
which the guide has in its list of sources and not among its steps, has the number 61. When a run begins is the business
of :mod:`~emulator.phone.triggers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from emulator.events import (
    SECOND,
    Because,
    CertificateRead,
    ConfigurationRead,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    Event,
    FileRefused,
    Ipv6AddressBound,
    PnpAnswered,
    PnpEnded,
    RunEnded,
    RunStarted,
    SettingChanged,
    SourceTried,
    StepEntered,
    TimerCancelled,
    TimerDue,
    TimerSet,
    step_name,
)
from emulator.phone import configfile, pnp
from emulator.phone.download import REDIRECTION
from emulator.phone.firmware import Reaction, during, reacts, step
from emulator.phone.identity import macros, model_file
from emulator.phone.merge import merge
from emulator.phone.network import IPV4, IPV6, Families, families, source_for
from emulator.phone.reading import DOWNLOAD, SAVED, open_file, read_certificate, read_configuration
from emulator.phone.storage import FILES, save, saved_copy
from emulator.phone.triggers import AGAIN
from emulator.phone.urls import UrlError, candidates, expand

if TYPE_CHECKING:
    from emulator.phone.state import Phone

# --- Step 1 ---------------------------------------------------------------------------------------------------------


@step(1, "settings from flash")
def settings_from_flash(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-001. They were loaded at power-on; PROVISION_ENABLE says whether there is anything more to do (PROV-238)."""
    settings = phone.settings
    if settings.enabled("PROVISION_ENABLE"):
        yield Because(StepEntered(2), (settings.grounds("PROVISION_ENABLE"),))
    else:
        yield Because(RunEnded("disabled", "", 0, ()), (settings.grounds("PROVISION_ENABLE"),))


# --- Step 2 ---------------------------------------------------------------------------------------------------------


@step(2, "URL set by hand?")
def url_set_by_hand(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-002. Only a value typed by the user counts, unless the firmware option says otherwise (O-8)."""
    settings = phone.settings
    key = "USR_PROV_SVR_URL"
    by_hand = settings.value(key) if phone.options.manual_url == "effective" else settings.user.get(key, "")
    yield Because(tried(2, "manual URL", "", "", by_hand or None, "not-set"), (settings.grounds(key),))


# --- Step 3 ---------------------------------------------------------------------------------------------------------


@step(3, "SIP PnP")
def sip_pnp(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-003. Subscribe and wait, if it is enabled (PROV-051)."""
    if phone.settings.enabled("SIPPNP_ENABLE") and not source_for(phone, pnp.GROUP):
        yield switched(phone, 3, "SIP PnP", "SIPPNP_ENABLE", None, "no-address")
    elif phone.settings.enabled("SIPPNP_ENABLE"):
        yield Because(pnp.subscribe(phone), (phone.settings.grounds("SIPPNP_ENABLE"),))
    else:
        yield switched(phone, 3, "SIP PnP", "SIPPNP_ENABLE", None, "disabled")


@during(3, PnpAnswered)
def pnp_answered(phone: Phone, event: PnpAnswered, entry: Entry) -> Reaction:
    """A NOTIFY brought the URL."""
    yield switched(phone, 3, "SIP PnP", "SIPPNP_ENABLE", event.url, "")


@during(3, PnpEnded)
def pnp_ended(phone: Phone, event: PnpEnded, entry: Entry) -> Reaction:
    """Nobody answered in time (PROV-052)."""
    yield switched(phone, 3, "SIP PnP", "SIPPNP_ENABLE", None, event.reason)


# --- Steps 4 to 6 ---------------------------------------------------------------------------------------------------


@step(4, "DHCP option 160")
def dhcp_option_160(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-004."""
    yield dhcp_option(phone, 4, 160, phone.dhcp.option160)


@step(5, "DHCP option 159")
def dhcp_option_159(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-005."""
    yield dhcp_option(phone, 5, 159, phone.dhcp.option159)


@step(6, "DHCP option 66")
def dhcp_option_66(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-006; a bare name or address is completed like any other URL (PROV-078)."""
    yield dhcp_option(phone, 6, 66, phone.dhcp.option66)


def dhcp_option(phone: Phone, number: int, option: int, text: str | None) -> Because:
    """One of the three options: used if it is enabled and populated (PROV-073, PROV-077)."""
    setting = f"OPTION{option}_ENABLE"
    enabled = phone.settings.enabled(setting)
    found = switched(
        phone,
        number,
        f"DHCP option {option}",
        setting,
        (text or None) if enabled else None,
        "not-populated" if enabled else "disabled",
    )
    return Because(found.event, (phone.dhcp.acked, *found.grounds))


# --- Step 6a --------------------------------------------------------------------------------------------------------

DHCPV6_WAIT = 10 * SECOND
"""How long step 6a waits for a DHCPv6 server. Ours: the run starts as soon as IPv4 is there, which may be before."""


@step(61, "DHCPv6 option 17")
def dhcpv6_option_17(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-011, PROV-091. There is no parameter that switches it (PROV-094)."""
    if phone.dhcpv6.acked:
        yield dhcpv6_url(phone)
    else:
        yield TimerSet("dhcpv6-wait", DHCPV6_WAIT)


@during(61, Ipv6AddressBound)
def dhcpv6_answered(phone: Phone, event: Ipv6AddressBound, entry: Entry) -> Reaction:
    """The address came, and with it the option or not."""
    yield TimerCancelled("dhcpv6-wait")
    yield dhcpv6_url(phone)


@during(61, TimerDue)
def dhcpv6_silent(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Nobody answered in time."""
    if event.name == "dhcpv6-wait":
        yield tried(61, "DHCPv6 option 17", "", "", None, "no-answer")


def dhcpv6_url(phone: Phone) -> Because:
    """What the REPLY said; without the option the phone gives DHCPv6 up (PROV-092)."""
    found = tried(61, "DHCPv6 option 17", "", "", phone.dhcpv6.url or None, "not-populated")
    return Because(found, (phone.dhcpv6.acked,))


# --- Step 7 ---------------------------------------------------------------------------------------------------------


@step(7, "redirection server")
def redirection_server(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-007, PROV-103. Without a base URL it fails at once (PROV-104)."""
    base = phone.options.redirection_url
    if not base:
        yield tried(7, "redirection server", "", "", None, "no-server-set")
        return
    yield DownloadOrdered(REDIRECTION, (f"{base.rstrip('/')}/{phone.settings.mac.lower()}.cfg",))


@during(7, DownloadEnded)
def redirection_answered(phone: Phone, event: DownloadEnded, entry: Entry) -> Reaction:
    """A redirect or a body that is a URL gives the URL; a body that is an initial file is steps 7 and 8 together."""
    url: str | None = event.location or None
    if not event.reason and url is None:
        body = phone.download.body
        opened = open_file(phone, "initial", event.url, body)
        url = event.url if not isinstance(opened, str) else url_in(body)
    grounds = (phone.download.answered,)
    yield Because(tried(7, "redirection server", "", "", url, event.reason or "no-url-in-answer"), grounds)


def url_in(body: bytes) -> str | None:
    """The URL that is all of ``body`` (PROV-103), or None."""
    text = body[:512].decode("utf-8", "replace").strip()
    try:
        candidates(text, "x.cfg")
    except UrlError:
        return None
    return text if "://" in text else None


# --- From a source to step 8 ----------------------------------------------------------------------------------------

SOURCES: Mapping[Families, tuple[int, ...]] = MappingProxyType(
    {
        (IPV4,): (2, 3, 4, 5, 6, 7, 9),
        (IPV6,): (2, 61, 9),
        (IPV4, IPV6): (2, 3, 4, 5, 6, 61, 7, 9),
    }
)
"""Which sources are asked, in order, by what the interface is (PROV-021, PROV-022); after the last comes step 9."""


def following(phone: Phone, number: int) -> Because:
    """The step that follows when the source of step ``number`` gives no URL."""
    has = families(phone)
    entered = next(other for other in SOURCES[has] if step_name(other) > step_name(number))
    return Because(StepEntered(entered), () if has == (IPV4,) else (phone.network.since,))


def tried(number: int, source: str, setting: str, value: str, url: str | None, reason: str) -> SourceTried:
    """What came of a source; a reason only if it gave nothing."""
    return SourceTried(number, source, setting, value, url, "" if url is not None else reason)


def switched(phone: Phone, number: int, source: str, setting: str, url: str | None, reason: str) -> Because:
    """:func:`tried` for a source that has an enabling parameter, which is a ground of the result."""
    value = phone.settings.value(setting)
    return Because(tried(number, source, setting, value, url, reason), (phone.settings.grounds(setting),))


LAST_GOOD = "last good URL"
"""The source of a run that is not at start (PROV-239)."""


@reacts(SourceTried)
def next_step(phone: Phone, event: SourceTried, entry: Entry) -> Reaction:
    """A URL leads to step 8, none to the next source; after the last source to step 9.

    A periodic, timed or directed run asks no source but the user: it uses what the last discovery found (PROV-239).
    """
    settings = phone.settings
    if event.url is not None:
        yield StepEntered(8, event.url, event.source)
    elif event.step == 2 and phone.provisioning.trigger in AGAIN and settings.last_url:
        yield Because(StepEntered(8, settings.last_url, LAST_GOOD), (settings.url_since,))
    else:
        yield following(phone, event.step)


# --- Step 8 ---------------------------------------------------------------------------------------------------------


@step(8, "download the files")
def download_files(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-008. First the initial file, unless the redirection server has just sent it."""
    download = phone.download
    if event.source == "redirection server" and event.url == download.url and download.file == REDIRECTION:
        yield from read_configuration(phone, "initial", DOWNLOAD, download.body, event.url, (download.answered,))
    else:
        yield order(phone, "initial", event.url)


def order(phone: Phone, file: str, url: str) -> Event:
    """Ask for a file at a URL as written (PROV-031 to PROV-038); with a key set, also under ``.enc`` (PROV-212)."""
    text = expand(url, macros(phone))
    try:
        urls = candidates(text, model_file(phone))
    except UrlError:
        urls = (text,)  # the attempt itself fails, and says why
    if file in FILES and phone.settings.value("CFG_FILE_KEY"):
        urls += tuple(f"{u.removesuffix('.cfg')}.enc" for u in urls if u.endswith(".cfg"))
    return DownloadOrdered(file, urls)


@during(8, DownloadEnded)
def download_ended(phone: Phone, event: DownloadEnded, entry: Entry) -> Reaction:
    """Read what arrived; a file that did not arrive has failed."""
    if event.reason:
        return after_file(phone)
    if event.file.startswith("root"):
        return read_certificate(phone, event.file, entry)
    body, answered = phone.download.body, phone.download.answered
    return read_configuration(phone, event.file, DOWNLOAD, body, event.url, (answered,))


@during(8, ConfigurationRead, FileRefused, CertificateRead)
def file_settled(phone: Phone, event: ConfigurationRead | FileRefused | CertificateRead, entry: Entry) -> Reaction:
    """Go on with the next file (PROV-191)."""
    return after_file(phone)


def after_file(phone: Phone) -> Reaction:
    """The next file, or what follows from all of them; a last good URL that failed is discovered anew (PROV-239)."""
    run = phone.provisioning
    if "initial" in run.failed:
        return [following(phone, 2) if run.source == LAST_GOOD else StepEntered(9)]
    for file, url in run.needed:
        if file not in run.here and file not in run.failed:
            return [Because(order(phone, file, url), (run.read["initial"],))]
    device = [file for file, _ in run.needed if file in FILES]
    failed = [file for file in device if file in run.failed]
    if failed and (len(failed) == len(device) or phone.options.fallback == "2014-05"):
        return [Because(StepEntered(9), tuple(run.failed[file] for file in failed))]
    for file in failed:
        if file in phone.settings.files and file not in run.origin:
            return saved(phone, file, (run.failed[file],))
    return finish(phone, "partly" if run.failed else "provisioned")


def saved(phone: Phone, file: str, grounds: tuple[int, ...]) -> Reaction:
    """Read the saved copy of ``file`` (PROV-192)."""
    body = saved_copy(phone, file)
    if body is None:
        return [Because(FileRefused(file, SAVED, "damaged"), (phone.settings.loaded, *grounds))]
    return read_configuration(phone, file, SAVED, body, "", (phone.settings.loaded, *grounds))


# --- Step 9 ---------------------------------------------------------------------------------------------------------


@step(9, "saved files, or retry")
def saved_files_or_retry(phone: Phone, event: StepEntered, entry: Entry) -> Reaction:
    """PROV-009. Apply the saved files if there are any; otherwise provisioning has failed."""
    return next_saved_file(phone)


@during(9, ConfigurationRead, FileRefused)
def saved_file_settled(phone: Phone, event: ConfigurationRead | FileRefused, entry: Entry) -> Reaction:
    """Go on with the next saved file."""
    return next_saved_file(phone)


def next_saved_file(phone: Phone) -> Reaction:
    """The next saved file, or the end of the run."""
    run = phone.provisioning
    for file in FILES:
        if file in phone.settings.files and file not in run.origin:
            return saved(phone, file, ())
    return finish(phone, "saved" if any(file in run.here for file in FILES) else "failed")


# --- The end of a run -----------------------------------------------------------------------------------------------


def finish(phone: Phone, outcome: str) -> Iterator[Event | Because]:
    """Merge what is here, put the changes in force, save them and the files, and end the run."""
    run = phone.provisioning
    inputs = [(f, configfile.parse(run.here[f]).entries, run.read[f]) for f in (*FILES, "initial") if f in run.here]
    changes = list(merge(phone.settings, inputs))
    yield from changes
    fetched = {file: body for file, body in run.here.items() if run.origin[file] == DOWNLOAD and file != "initial"}
    url = run.url if outcome in ("provisioned", "partly") else ""
    changed = [change.event for change in changes if isinstance(change.event, SettingChanged)]
    yield from save(phone, changed, fetched, url)
    grounds = (phone.settings.loaded, *run.failed.values()) if outcome == "failed" else run.read.values()
    yield Because(ended(phone, outcome, len(changed)), tuple(grounds))


def ended(phone: Phone, outcome: str, changed: int) -> RunEnded:
    """The end of the run, with what failed in it."""
    run = phone.provisioning
    return RunEnded(outcome, run.source, changed, tuple(run.failed))


@reacts(RunStarted)
def run_started(phone: Phone, event: RunStarted, entry: Entry) -> Reaction:
    """A run at start begins with step 1, any other with step 2 (PROV-194)."""
    yield StepEntered(1 if event.trigger == "start" else 2)
