"""Stories in which the faults of ``address``, ``sip`` and ``fetching`` show."""

from __future__ import annotations

from emulator.events import (
    AddressBound,
    AddressLost,
    CheckSyncJudged,
    DownloadEnded,
    HttpRequested,
    LineRegistered,
    PnpAnswered,
    PnpEnded,
    PnpSubscribed,
    RunStarted,
    SettingChanged,
    SourceTried,
)
from emulator.world.scenario import ChangeSpec, DhcpSpec, FilesSpec, PathSpec, PnpSpec, SipSpec
from tests.emulator.phone.bench import FILE_SERVER, QUIET, initial, seconds, served, story, syslog
from tests.zoo.witness import Witness, act, events, first, has
from tools.simulate import RunResult

STRANGER = "192.0.2.21"
NEVER = served({}, behaviour="missing")
PLAIN = served({"/i.cfg": syslog(SYSLOG_SEVERITY="6")})
NOTHING_BELOW_IP = {"lldp_wait": 0, "arp": False}
SIP_SERVER = "192.0.2.30"


def _renewed_in_vain(result: RunResult) -> bool:
    dhcp = result.phones[0].dhcp
    return dhcp.address != "" and (dhcp.expiry or 0) < result.virtual_ns and has(result, AddressBound, fresh=False)


def _url_of_an_earlier_lease(result: RunResult) -> bool:
    lost = first(result.entries, AddressLost)
    after = result.entries[lost.n :] if lost is not None else ()
    return any(isinstance(e.event, SourceTried) and e.event.step == 4 and e.event.url is not None for e in after)


ADDRESS = {
    "keeps_the_nul": Witness(
        story(PLAIN, url=f"http://{FILE_SERVER}/i.cfg\0"),
        lambda result: any("\0" in (tried.url or "") for tried in events(result, SourceTried)),
    ),
    "lease_without_end": Witness(
        story(PLAIN, until=seconds(1200), dhcp=(DhcpSpec(lease=seconds(600), end=seconds(400)),)),
        _renewed_in_vain,
    ),
    "option_of_an_earlier_lease": Witness(
        story(
            NEVER,
            dhcp=(
                DhcpSpec(option160=f"http://{FILE_SERVER}/i.cfg", end=seconds(10)),
                DhcpSpec(address="192.0.2.2", start=seconds(10)),
            ),
            provisioned={**QUIET, "CFG_RTRY_INTVL": "1"},
            action=(act(20, "link-down"), act(22, "link-up")),
            until=seconds(180),
        ),
        _url_of_an_earlier_lease,
    ),
    "renewal_provisions": Witness(
        story(NEVER, dhcp=(DhcpSpec(option160=f"http://{FILE_SERVER}/i.cfg", lease=seconds(240)),), until=seconds(200)),
        lambda result: has(result, RunStarted, trigger="address") and not has(result, AddressLost),
    ),
}


# --- SIP --------------------------------------------------------------------------------------------------------------


def _waited_too_long(result: RunResult) -> bool:
    begun, ended = first(result.entries, PnpSubscribed), first(result.entries, PnpEnded)
    return begun is not None and ended is not None and ended.time - begun.time > seconds(5)


def _with_line(**settings: str) -> dict[str, str]:
    return {**QUIET, "LINE_ENABLE/1": "Y", "SIP_OUTPROXY_ADDR/1": SIP_SERVER} | settings


def _ran_by_notify(result: RunResult) -> bool:
    return has(result, RunStarted, trigger="check-sync")


SIP = {
    "notify_of_no_dialog": Witness(
        story(
            provisioned={},
            options=NOTHING_BELOW_IP,
            pnp=(PnpSpec(url=f"http://{FILE_SERVER}/pnp.cfg", behaviour="wrong-dialog"),),
            change=(ChangeSpec("DatagramReceived", "set", 4, set={"header.To": "<sip:phone@example.com>"}),),
        ),
        lambda result: has(result, PnpAnswered),
    ),
    "late_ok_begins_the_wait_anew": Witness(
        story(
            provisioned={},
            options=NOTHING_BELOW_IP,
            pnp=(PnpSpec(behaviour="no-notify", start=seconds(0.3)),),
            url=None,
        ),
        _waited_too_long,
    ),
    "server_of_a_disabled_line": Witness(
        story(
            PLAIN,
            provisioned={**QUIET, "LINE_ENABLE/2": "N", "SIP_RGSTR_ADDR/2": SIP_SERVER},
            action=(act(20, "notify", source=SIP_SERVER),),
        ),
        _ran_by_notify,
    ),
    "check_sync_although_disabled": Witness(
        story(PLAIN, provisioned=_with_line(PROVISION_ENABLE="N"), action=(act(20, "notify", source=SIP_SERVER),)),
        _ran_by_notify,
    ),
    "check_sync_lost_in_the_search": Witness(
        story(PLAIN, provisioned=_with_line(SIPPNP_ENABLE="Y"), action=(act(2, "notify", source=SIP_SERVER),)),
        lambda result: has(result, CheckSyncJudged, status=200) and not _ran_by_notify(result),
    ),
    "expires_header_ignored": Witness(
        story(
            PLAIN,
            options=NOTHING_BELOW_IP,
            provisioned={**QUIET, "LINE_ENABLE/1": "Y", "SIP_RGSTR_ADDR/1": SIP_SERVER, "PHONE_NUMBER/1": "2001"},
            sip=(SipSpec(auth="none", users={"2001": ""}),),
            change=(ChangeSpec("DatagramReceived", "set", 3, set={"header.Contact": "", "header.Expires": "60"}),),
        ),
        lambda result: events(result, LineRegistered)[0].expires > 60,
    ),
}


# --- Fetching ---------------------------------------------------------------------------------------------------------


def _redirecting(address: str, to: str, **server: object) -> FilesSpec:
    return served({}, address=address, behaviour="redirect", location=to, **server)


def _asked(result: RunResult, host: str) -> list[HttpRequested]:
    return [request for request in events(result, HttpRequested) if request.host == host]


def _is_proven(request: HttpRequested) -> bool:
    return any(name == "Authorization" for name, _ in request.headers)


WHOLE = syslog(SYSLOG_SEVERITY="6", SYSLOG_PORT="99")


FETCHING = {
    "temporary_redirect_down_to_http": Witness(
        story(
            _redirecting(FILE_SERVER, f"http://{FILE_SERVER}/i.cfg", protocols=("https",)),
            url=f"https://{FILE_SERVER}/i.cfg",
            change=(ChangeSpec("HttpAnswered", "set", set={"status": "307"}),),
        ),
        lambda result: any(not request.tls for request in events(result, HttpRequested)),
    ),
    "redirects_counted_for_each_host": Witness(
        story(
            _redirecting(FILE_SERVER, f"http://{STRANGER}/i.cfg"),
            _redirecting(STRANGER, f"http://{FILE_SERVER}/i.cfg"),
            until=seconds(2),
        ),
        lambda result: len(events(result, HttpRequested)) > 6,
    ),
    "digest_sent_to_another_host": Witness(
        story(
            _redirecting(FILE_SERVER, f"http://{STRANGER}/i.cfg"),
            served({"/i.cfg": syslog()}, address=STRANGER, auth="digest", user="phones", password="sample"),
            provisioned={**QUIET, "HTTP_AUTH_ID": "phones", "HTTP_AUTH_PASSWORD": "sample"},
        ),
        lambda result: any(map(_is_proven, _asked(result, STRANGER))),
    ),
    "manual_login_for_every_file": Witness(
        story(
            served({"/i.cfg": initial(f"http://{STRANGER}", standard="s.cfg")}),
            served({"/s.cfg": syslog()}, address=STRANGER, auth="basic", user="phones", password="sample"),
            user={
                "USR_PROV_SVR_URL": f"http://{FILE_SERVER}/i.cfg",
                "USR_PROV_SVR_AUTH_ID": "phones",
                "USR_PROV_SVR_AUTH_PASSWORD": "sample",
            },
        ),
        lambda result: any(map(_is_proven, _asked(result, STRANGER))),
    ),
    "tftp_limit_off_by_one": Witness(
        story(
            served({"/i.cfg": PathSpec(text=syslog(SYSLOG_SEVERITY="6"), pad_to=245_760)}, protocols=("tftp",)),
            url=f"tftp://{FILE_SERVER}/i.cfg",
        ),
        lambda result: has(result, DownloadEnded, reason="too-large"),
    ),
    "truncated_file_applied": Witness(
        story(served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": WHOLE[: WHOLE.index("<SYSLOG_PORT>")]})),
        lambda result: has(result, SettingChanged, key="SYSLOG_SEVERITY"),
    ),
}

WITNESSES = {**ADDRESS, **SIP, **FETCHING}
