"""Small worlds that between them come by most of the phone: what the tests of the whole automaton run over."""

from __future__ import annotations

import attrs

from emulator.events import SECOND
from emulator.world.scenario import (
    ActionSpec,
    CutSpec,
    Dhcpv6Spec,
    Duration,
    FirmwareSpec,
    HostSpec,
    LinkSpec,
    PathSpec,
    PnpSpec,
    RedirectionSpec,
    Scenario,
    SipSpec,
    SntpSpec,
    SwitchSpec,
    SyslogSpec,
    WornSpec,
)
from tests.emulator.phone.bench import (
    FILE_SERVER,
    MAC,
    MODEL,
    QUIET,
    fwupdt,
    initial,
    prov,
    seconds,
    served,
    story,
    syslog,
)

CERTIFICATE = b"\x30\x03\x02\x01\x05".decode("latin-1")


def guarded() -> Scenario:
    """Every kind of file behind a login, one of them behind a redirect."""
    files = {
        "/i.cfg": initial(root1="r.pem", standard="s.cfg", product="p.cfg", master="m.cfg"),
        "/r.pem": CERTIFICATE,
        "/s.cfg": syslog("!RW", SYSLOG_ADDR="file"),
        "/p.cfg": PathSpec(behaviour="redirect", location="/s.cfg"),
        "/m.cfg": prov(CFG_RTRY_INTVL="1", NO_SUCH_TAG="x"),
    }
    login = {"SYSLOG_ADDR": "user", "HTTP_AUTH_ID": "joe", "HTTP_AUTH_PASSWORD": "secret"}
    return story(served(files, auth="digest", user="joe", password="secret"), user=login)


def whole() -> Scenario:
    """Values typed, power and cable out and in, two NOTIFYs, and a restart that waits for a call."""
    hands = (
        ActionSpec(seconds(1), "web", "ADMIN_ID", "x"),
        ActionSpec(seconds(2), "web", "SYSLOG_ADDR", "again"),
        ActionSpec(seconds(3), "web", "SYSLOG_PORT", "none"),
        ActionSpec(seconds(4), "power-off"),
        ActionSpec(seconds(5), "power-on"),
        ActionSpec(seconds(5.01), "link-down"),
        ActionSpec(seconds(6), "link-up"),
        ActionSpec(seconds(140), "notify"),
        ActionSpec(seconds(140), "notify"),
        ActionSpec(seconds(150), "lift"),
        ActionSpec(seconds(151), "restart"),
        ActionSpec(seconds(152), "hang-up"),
    )
    world = guarded()
    believing = attrs.evolve(world.phone, options={"notify_from": "anyone"})
    return attrs.evolve(world, action=hands, until=seconds(200), phone=believing)


def people() -> Scenario:
    """What people do at pages and menu."""
    hands = (
        ActionSpec(seconds(20), "page", page="System/Syslog"),
        ActionSpec(seconds(21), "web", "USER_ID", "x", level="U"),
        ActionSpec(seconds(22), "import", file="x.cfg"),
        ActionSpec(seconds(23), "export", level="U"),
        ActionSpec(seconds(24), "factory-reset", level="U"),
        ActionSpec(seconds(25), "lift"),
        ActionSpec(seconds(26), "factory-reset", via="phone"),
        ActionSpec(seconds(27), "hang-up"),
    )
    return attrs.evolve(guarded(), action=hands, content={"x.cfg": syslog(SYSLOG_PORT="99").encode()})


def plug_and_play() -> Scenario:
    """A late NOTIFY that gets lost once, garbage beside it, and a device file that is none."""
    pnp = (PnpSpec(url=f"http://name/{MODEL}.cfg", delay=seconds(1.2), lose=1), PnpSpec(behaviour="garbage"))
    part = served({f"/{MODEL}.cfg": initial(standard="s.cfg", master="m.cfg"), "/m.cfg": "<bad"})
    return attrs.evolve(
        story(part, provisioned={}, saved={"standard": syslog(SYSLOG_PORT="1")}),
        pnp=pnp,
        names={"name": FILE_SERVER},
        until=seconds(2000),
    )


def lossy() -> Scenario:
    """The same over a bad link."""
    link = LinkSpec(loss=300_000, duplicate=100_000, jitter=seconds(0.1))  # type: ignore[arg-type]
    return attrs.evolve(plug_and_play(), link=link, seed=5)


def both_families() -> Scenario:
    """IPv4 and IPv6, with a short lease."""
    return story(
        served({"/i.cfg": initial()}, address="2001:db8::20"),
        url=None,
        provisioned={"IP_ADDR_MODE": "2", "SIPPNP_ENABLE": "N"},
        names={"name": "2001:db8::20"},
        dhcpv6=(Dhcpv6Spec(url="http://name/i.cfg", preferred=seconds(60), valid=seconds(100), end=seconds(150)),),
        action=(ActionSpec(seconds(20), "link-down"), ActionSpec(seconds(21), "link-up")),
        until=seconds(400),
    )


def redirected() -> Scenario:
    """The redirection server names an FTP server."""
    files = served({"/i.cfg": initial()}, protocols=("ftp",))
    away = story(files, url=None, options={"redirection_url": "http://192.0.2.50"})
    return attrs.evolve(away, redirection=(RedirectionSpec(known={MAC: f"ftp://{FILE_SERVER}/i.cfg"}),))


def lan() -> Scenario:
    """A voice VLAN, and a station in it that has the phone's address."""
    world = guarded()
    dhcp, neighbour = attrs.evolve(world.dhcp[0], vlan=20), HostSpec("192.0.2.10", vlan=20, end=seconds(9))
    return attrs.evolve(world, dhcp=(dhcp,), switch=SwitchSpec(lldp_vlan=20), host=(neighbour,), until=seconds(60))


def clocks() -> Scenario:
    """SNTP and syslog by name; the time server first wants to be asked less."""
    talkative = {
        **QUIET,
        "NTP_ADDR": "name",
        "SYSLOG_SERVER_ENABLE": "Y",
        "SYSLOG_ADDR": "name",
        "SYSLOG_SEVERITY": "7",
    }
    return attrs.evolve(
        story(served({"/i.cfg": initial()}), url="http://name/i.cfg", provisioned=talkative),
        sntp=(SntpSpec(FILE_SERVER, kiss="RATE", end=seconds(30)), SntpSpec(FILE_SERVER, start=seconds(30))),
        syslog=(SyslogSpec(FILE_SERVER),),
        names={"name": FILE_SERVER},
        until=seconds(50_000),
    )


def updates() -> Scenario:
    """A firmware that hangs and is undone, and one that runs."""
    orders = fwupdt(FIRM_VERSION="03.220", FIRM_FILE_PATH=f"http://{FILE_SERVER}/{{fwver}}", FIRM_UPGRADE_AUTO="N")
    images = {
        f"/{version}": PathSpec(firmware=FirmwareSpec(version=version, hangs=version == "03.220"))
        for version in ("03.220", "03.230")
    }
    answers = (
        ActionSpec(seconds(1), "update", value="yes"),
        ActionSpec(seconds(300), "web", "FIRM_VERSION", "03.230"),
        ActionSpec(seconds(301), "restart"),
        ActionSpec(seconds(310), "update", value="yes"),
    )
    return story(served({"/i.cfg": orders, **images}), action=answers, until=seconds(400))


def leases() -> Scenario:
    """Refused twice, then a lease so short that it is renewed and runs out."""
    world = guarded()
    dhcp = attrs.evolve(world.dhcp[0], lease=seconds(100), nak=2, end=seconds(120))
    return attrs.evolve(world, dhcp=(dhcp,), until=seconds(400))


def lines() -> Scenario:
    """Three lines: one is registered, then moved and switched off; two are not, each for a reason of its own."""
    values = {
        **{f"LINE_ENABLE/{line}": "Y" for line in (1, 2, 3)},
        "PHONE_NUMBER/1": "2001",
        "SIP_PASS/1": "secret",
        "PHONE_NUMBER/2": "2002",
        "SIP_PASS/2": "wrong",
        "PHONE_NUMBER/3": "2003",
        "SIP_RGSTR_ADDR/3": "nowhere.example",
        **{f"SIP_RGSTR_ADDR/{line}": "SIP.example.com" for line in (1, 2)},
    }
    hands = (
        ActionSpec(seconds(200), "web", "SIP_RGSTR_ADDR/1", "192.0.2.31"),
        ActionSpec(seconds(300), "phone", "LINE_ENABLE/1", "N"),
        ActionSpec(seconds(400), "link-down"),
        ActionSpec(seconds(410), "link-up"),
    )
    registrar = SipSpec(users={"2001": "secret"}, expires=Duration(60 * SECOND))
    return story(
        served({"/i.cfg": initial()}),
        provisioned={"SIPPNP_ENABLE": "N", **values},
        action=hands,
        names={"sip.example.com": "192.0.2.30"},
        sip=(registrar, attrs.evolve(registrar, address="192.0.2.31", behaviour="trying", delay=seconds(1))),
        until=seconds(600),
    )


def cuts() -> Scenario:
    """The power goes in the first save, in the settling of that, and twice more."""
    made = (
        CutSpec(3, "unstable", 20, 1),
        CutSpec(1, "bytes", 30),
        CutSpec(2, "partial", sample=3),
        CutSpec(9, "bits", 8),
    )
    saved = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_PORT="1")})
    return story(saved, provisioned={"SIPPNP_ENABLE": "N"}, cut=made)


def worn_out() -> Scenario:
    """A chip that ages: flipped bits, files that cannot be erased, a log that is lost."""
    limits = (
        WornSpec("erase-error", 0, tuple(range(48, 60))),
        WornSpec("program-loss", 1, (4,)),
        WornSpec("read-error", 100),
    )
    hands = (
        ActionSpec(seconds(30), "flip", address=0x10100, mask="01"),
        ActionSpec(seconds(31), "restart"),
        ActionSpec(seconds(40), "flip", address=0x10100, mask="01"),
    )
    saved = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_PORT="1")})
    return story(saved, provisioned={"SIPPNP_ENABLE": "N"}, worn=limits, action=hands)


STRANGER = ActionSpec(seconds(60), "notify", event="check-sync;reboot=true")
WORLDS = {
    "whole": whole(),
    "people": people(),
    "pnp": plug_and_play(),
    "lossy": lossy(),
    "both": both_families(),
    "redirection": redirected(),
    "lan": lan(),
    "clocks": clocks(),
    "firmware": updates(),
    "leases": leases(),
    "lines": lines(),
    "nothing": story(url=" \0", until=seconds(4000), action=(STRANGER,)),
    "cuts": cuts(),
    "worn": worn_out(),
    "tftp": story(served({f"/{MODEL}.cfg": initial()}, protocols=("tftp",)), url=FILE_SERVER),
}
"""The worlds by name."""
