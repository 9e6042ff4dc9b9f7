"""Whatever the servers send, in any order and at any time: the phone is never stuck, and no rejected file counts.

A besieged phone (:mod:`tests.emulator.phone.siege`) is fed what the rules below draw. After each of them it must be
provisioned, or on its way, or waiting with an armed trigger; at the end the faults stop, and then it has to come up.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from emulator.events import (
    COMPLETE,
    SECOND,
    DatagramReceived,
    ExportRequested,
    FactoryResetRequested,
    FrameReceived,
    HandsetLifted,
    HandsetReplaced,
    HttpAnswered,
    ImportOffered,
    LinkDown,
    LinkUp,
    LookupAnswered,
    Payload,
    PowerOff,
    RestartRequested,
    SettingEntered,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    UpdateAnswered,
)
from emulator.phone.configfile import LIMIT, ROOT
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.prepare import prepared_flash
from emulator.wire import dhcp as wire
from emulator.wire import sip, sntp
from emulator.world.scenario import Dhcpv6Spec, HostSpec, SwitchSpec
from emulator.world.servers.base import Datagram, Send
from emulator.world.servers.dhcpv6 import PORT as DHCPV6
from emulator.world.servers.dhcpv6 import Dhcpv6Server
from emulator.world.servers.switch import announcement, switch_frame
from flash_image import FirmwareImage, encode_firmware
from tests.emulator.phone.bench import ADDRESS, FILE_SERVER, MAC, MODEL, SERVER, initial, prov, syslog
from tests.emulator.phone.siege import Siege

HOUR = 3600 * SECOND
REJECTED = "REJECTED"
"""Stands in every file that has to be rejected, and in no other."""

good_values = st.sampled_from(
    [
        syslog(SYSLOG_ADDR="192.0.2.9", SYSLOG_PORT="515"),
        prov(CFG_RTRY_INTVL="1"),
        prov(CFG_RTRY_INTVL="30", CFG_CYCLIC="Y", CFG_CYCLIC_INTVL="60"),
        prov(CFG_RESYNC_TIME="23:00"),
        prov(SIPPNP_ENABLE="N", OPTION160_ENABLE="N"),
        prov(CFG_FILE_KEY="k" * 32),
        prov(PROVISION_ENABLE="N"),
        f"<{ROOT}/>",
    ]
)
schemes = st.sampled_from(["http", "https", "tftp", "ftp"])
good_initials = st.builds(
    lambda one, two, extra: initial(f"{one}://{FILE_SERVER}", standard="s.cfg", master=f"{two}://name/m.cfg", **extra),
    schemes,
    schemes,
    st.sampled_from([{}, {"root1": "r.pem"}, {"product": "not a url"}]),
)
BAD = syslog(SYSLOG_ADDR=REJECTED).encode()
bad_bodies = st.one_of(
    st.integers(1, len(BAD) - 1).map(lambda cut: BAD[:cut]),
    st.sampled_from(
        [
            BAD.replace(ROOT.encode(), b"Other"),
            b"<!DOCTYPE x>" + BAD,
            BAD.replace(b"</Syslog>", b"<?pi?></Syslog>"),
            BAD[:-1] + b" " * (LIMIT + 1 - len(BAD)) + b">",
            BAD.replace(REJECTED.encode(), REJECTED.encode() + b"\xff"),
            b"U2FsdGVkX1" + BAD,
            BAD + BAD,
        ]
    ),
    st.binary(max_size=60),
)
bodies = st.one_of(good_values.map(str.encode), bad_bodies)
urls = st.sampled_from(
    [
        f"http://{FILE_SERVER}/{{MODEL}}.cfg",
        f"tftp://{FILE_SERVER}/x.cfg",
        f"ftp://joe:pw@{FILE_SERVER}/x.cfg",
        "https://name/",
        "192.0.2.77",
        "no url at all",
        "http:/one.slash/",
        "",
    ]
)
REPLIES = [
    *(
        b"220 hi\r\n",
        b"331 pw\r\n",
        b"230 in\r\n",
        b"200 ok\r\n",
        b"229 x (|||2000|)\r\n",
        b"500 no\r\n",
        b"\xff" * 2000,
    ),
    *(b"227 x (192,0,2,20,7,208)\r\n", b"150 go\r\n", b"226 done\r\n", b"421 bye\r\n", b"229 (|||0|)\r\n"),
]
GOOD_REPLIES = {
    "": b"220 hi\r\n",
    "USER": b"331 pw\r\n",
    "PASS": b"230 in\r\n",
    "TYPE": b"200 ok\r\n",
    "EPSV": b"229 x (|||2000|)\r\n",
    "PASV": b"227 x (192,0,2,20,7,208)\r\n",
    "RETR": b"150 go\r\n226 done\r\n",
}
FRAMES = [
    *(frame for vlan in (0, 20) if (frame := switch_frame(SwitchSpec(lldp_vlan=vlan), "LLDP"))),
    *(announcement(HostSpec(address)) for address in (ADDRESS, SERVER)),
]
images = st.sampled_from(["03.220", "03.230"]).flatmap(
    lambda version: st.booleans().map(lambda hangs: encode_firmware(FirmwareImage(MODEL, version, b"x" * 99, hangs)))
)
ENDS = ("cut-off", "too-large", "connect-timeout", "idle-timeout", "refused", "garbage", "certificate-untrusted")
TYPED = [
    *[("PROVISION_ENABLE", value) for value in ("Y", "N", None)],
    *[("USR_PROV_SVR_URL", value) for value in (f"http://{FILE_SERVER}/u.cfg", "ftp://name/u", None)],
    *[("CFG_RTRY_INTVL", value) for value in ("1", "1440", None)],
    *[("CFG_CYCLIC", value) for value in ("Y", None)],
    *[("CFG_RESYNC_TIME", value) for value in ("12:00", None)],
    *[("LINE_ENABLE/1", value) for value in ("Y", None)],
    ("SIPPNP_ENABLE", "N"),
    ("NTP_ADDR", "192.0.2.40"),
    ("SYSLOG_SERVER_ENABLE", "Y"),
]


def notification(call_id: str, event: str, body: str, number: int = 1) -> bytes:
    """A NOTIFY."""
    headers = [
        *(("Via", "SIP/2.0/UDP 192.0.2.5"), ("Call-ID", call_id or "x"), ("CSeq", f"{number} NOTIFY")),
        *(("From", "sip:a@b"), ("To", "sip:c@d"), ("Event", event), ("Content-Type", "application/url")),
    ]
    return sip.request("NOTIFY", "sip:x@y", headers, body.encode())


class Besieged(RuleBasedStateMachine):
    """The rules; subclasses say what the phone starts from."""

    provisioned: dict[str, str] = {}  # noqa: RUF012
    saved: tuple[tuple[str, bytes], ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012

    @initialize(url=urls, leased=st.booleans())
    def boot(self, url: str, leased: bool) -> None:
        image = prepared_flash(MAC, MODEL, "1", provisioned=tuple(sorted(self.provisioned.items())), saved=self.saved)
        self.siege = Siege(kx_utg200().with_options(**self.options), image)
        if leased:
            self.siege.run_to(6 * SECOND)
            self.dhcp_reply(wire.OFFER, url, 86_400)
            self.dhcp_reply(wire.ACK, url, 86_400)

    # --- Time -------------------------------------------------------------------------------------------------------

    @rule()
    def until_something_happens(self) -> None:
        due = self.siege.next_due()
        if due is not None:
            self.siege.run_to(due)

    @rule(ns=st.sampled_from([1, SECOND // 2, 5 * SECOND, 40 * SECOND, HOUR, 25 * HOUR]))
    def time_passes(self, ns: int) -> None:
        self.siege.run_to(self.siege.now + ns)

    # --- Servers: whatever the phone waits for, somebody answers it, well or badly ------------------------------------

    def waits_for(self) -> list[str]:
        """What a server could answer now."""
        siege, phone = self.siege, self.siege.phone
        found = sorted(key for key in siege.asked if key in phone.orders.open)
        if phone.dhcp.state in ("selecting", "requesting", "renewing", "rebinding"):
            found.append("dhcp")
        if any(sent.port == DHCPV6 for sent in siege.sent):
            found.append("dhcpv6")
        found += ["tftp"] * phone.tftp.open + ["pnp"] * phone.pnp.open + ["sntp"] * (phone.wallclock.port > 0)
        if any(sent.payload[:8] == b"REGISTER" for sent in siege.sent):
            found.append("register")
        return found

    @rule(data=st.data(), well=st.booleans())
    def answer(self, data: st.DataObject, well: bool) -> None:
        waiting = self.waits_for()
        if waiting:
            what = data.draw(st.sampled_from(waiting))
            family, _, name = what.partition(":")
            getattr(self, f"answer_{family}")(data, well, self.siege.asked.get(what), name)

    @rule(data=st.data())
    def several_answers(self, data: st.DataObject) -> None:
        """A run needs many answers: mostly good ones here, so that rules also meet phones that are far on."""
        for _ in range(data.draw(st.integers(2, 12))):
            self.answer(data, data.draw(st.sampled_from([True, True, True, False])))

    def answer_dhcp(self, data: st.DataObject, well: bool, *_: Any) -> None:
        state = self.siege.phone.dhcp.state
        kind = wire.OFFER if state == "selecting" else wire.ACK
        if not well:
            kind = data.draw(st.sampled_from([wire.OFFER, wire.ACK, wire.NAK]))
        self.dhcp_reply(kind, data.draw(urls), data.draw(st.sampled_from([1, 600, 86_400, 86_400])))

    def dhcp_reply(self, kind: int, url: str, lease: int) -> None:
        options = [(wire.SERVER_ID, wire.ip_to_bytes(SERVER)), (wire.LEASE_TIME, wire.u32(lease))]
        if url:
            sources = (wire.PROVISIONING_160, wire.PROVISIONING_159, wire.TFTP_SERVER)
            options += [(source, url.encode()) for source in sources]
        payload = wire.build(
            op=wire.BOOTREPLY,
            xid=self.siege.phone.dhcp.xid,
            chaddr=bytes.fromhex(MAC),
            type=kind,
            options=options,
            yiaddr=ADDRESS,
        )
        self.receive(SERVER, 67, 68, payload)

    def answer_dhcpv6(self, data: st.DataObject, well: bool, *_: Any) -> None:
        behaviour = "answer" if well else data.draw(st.sampled_from(["advertise-only", "garbage", "no-addresses"]))
        self.ask_dhcpv6(Dhcpv6Spec(url=data.draw(urls) or None, behaviour=behaviour))

    def ask_dhcpv6(self, spec: Dhcpv6Spec) -> None:
        """What the virtual server answers to the last message."""
        sent = [each for each in self.siege.sent if each.port == DHCPV6][-1]
        came = Datagram(0, sent.source, sent.source_port, sent.destination, sent.port, sent.payload)
        for action in Dhcpv6Server(spec).receive(came, self.siege.now):
            if isinstance(action, Send):
                reply = action.datagram
                self.siege.feed(DatagramReceived(*reply[1:5], Payload(reply.payload)))

    def answer_lookup(self, data: st.DataObject, well: bool, asked: Any, name: str) -> None:
        addresses = data.draw(st.sampled_from([(FILE_SERVER,), ("2001:db8::20", FILE_SERVER)])) if well else ()
        self.siege.feed(LookupAnswered(name, asked.ordinal, addresses, "" if well else "no-such-name"))

    def answer_http(self, data: st.DataObject, well: bool, asked: Any, name: str) -> None:
        status, end, headers, limit = 200, COMPLETE, (), asked.event.limit
        body = data.draw(self.file_for(name, well))
        if not well and data.draw(st.booleans()):
            status = data.draw(st.sampled_from([0, 204, 301, 302, 401, 404, 500, 999]))
            end = data.draw(st.sampled_from([COMPLETE, COMPLETE, *ENDS]))
            location = data.draw(st.sampled_from(["", f"http://{FILE_SERVER}/n", "https://name/x", "ftp://a/", "//"]))
            challenge = 'Digest realm="r", nonce="n", qop="auth"'
            headers = (("Location", location), ("WWW-Authenticate", challenge))
        if len(body) > limit:
            end = "too-large"
        self.siege.feed(HttpAnswered(name, asked.ordinal, status, headers, Payload(body[:limit]), end))

    def file_for(self, name: str, well: bool) -> st.SearchStrategy[bytes]:
        """What a server has for a file of that kind."""
        if not well:
            return bad_bodies
        if name == "firmware":
            return images
        if name.startswith("root"):
            return st.just(b"\x30\x03\x02\x01\x05")
        if name == "redirection":
            return st.sampled_from([b"http://192.0.2.20/r.cfg", b"nothing"])
        return good_initials.map(str.encode) if name == "initial" else good_values.map(str.encode)

    def answer_tftp(self, data: st.DataObject, well: bool, *_: Any) -> None:
        """Error, option acknowledgement or nonsense; or the whole file, a block for each acknowledgement."""
        tftp = self.siege.phone.tftp
        if not well and data.draw(st.booleans()):
            opcode, block = data.draw(st.sampled_from([3, 4, 5, 6])), data.draw(st.integers(0, 3))
            payload = opcode.to_bytes(2, "big") + block.to_bytes(2, "big") + data.draw(st.binary(max_size=20)) + b"\0"
            self.receive(tftp.address, tftp.peer or 2000, tftp.local_port, payload)
            return
        body = data.draw(self.file_for(tftp.name, well))[:6000]
        peer, local, size = tftp.peer or 2000, tftp.local_port, 512
        for block in range(1, len(body) // size + 2):
            piece = body[(block - 1) * size : block * size]
            self.receive(tftp.address, peer, local, b"\0\3" + block.to_bytes(2, "big") + piece)

    def answer_stream(self, data: st.DataObject, well: bool, asked: Any, name: str) -> None:
        """Open, speak, send, close: what fits, or anything."""
        ftp, ordinal = self.siege.phone.ftp, asked.ordinal
        if not well:
            said = StreamReceived(name, ordinal, Payload(data.draw(st.sampled_from(REPLIES))))
            closed = [StreamClosed(name, ordinal, reason) for reason in ("", "reset", "refused")]
            self.siege.feed(data.draw(st.sampled_from([StreamOpened(name, ordinal), said, *closed])))
        elif name.endswith("data"):
            self.siege.feed(StreamOpened(name, ordinal))
            self.siege.feed(StreamReceived(name, ordinal, Payload(data.draw(self.file_for(ftp.name, True)))))
            self.siege.feed(StreamClosed(name, ordinal, ""))
        else:
            if not ftp.stage:
                self.siege.feed(StreamOpened(name, ordinal))
            self.siege.feed(StreamReceived(name, ordinal, Payload(GOOD_REPLIES.get(ftp.stage, b"200 ok\r\n"))))

    def answer_pnp(self, data: st.DataObject, well: bool, *_: Any) -> None:
        self.receive("192.0.2.5", 5060, 5060, notification(self.siege.phone.pnp.call_id, "ua-profile", data.draw(urls)))

    def answer_sntp(self, data: st.DataObject, well: bool, *_: Any) -> None:
        clock = self.siege.phone.wallclock
        now = sntp.from_ns(1_767_225_600 * SECOND + self.siege.now)
        stratum, reference = (
            (2, bytes(4)) if well else data.draw(st.sampled_from([(0, b"RATE"), (0, b"DENY"), (17, b"")]))
        )
        packet = sntp.Packet(
            mode=sntp.SERVER,
            stratum=stratum,
            reference_id=reference or bytes(4),
            originate=clock.transmit,
            transmit=now,
        )
        self.receive(clock.address, 123, clock.port, packet.encode())

    def answer_register(self, data: st.DataObject, well: bool, *_: Any) -> None:
        sent = [each for each in self.siege.sent if each.payload[:8] == b"REGISTER"][-1]
        request = sip.parse(sent.payload)
        copied = [(name, request.get(name) or "") for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        extra = [("WWW-Authenticate", 'Digest realm="r", nonce="n"'), ("Expires", "3600"), ("Min-Expires", "7200")]
        status = 200 if well else data.draw(st.sampled_from([100, 401, 403, 423, 503]))
        self.receive(sent.destination, 5060, 5060, sip.response(status, "Whatever", [*copied, *extra]))

    # --- Anybody: what no one asked for -----------------------------------------------------------------------------

    def receive(self, source: str, source_port: int, port: int, payload: bytes) -> None:
        self.siege.feed(DatagramReceived(source, source_port, ADDRESS, port, Payload(payload)))

    @rule(data=st.data(), payload=st.binary(max_size=80))
    def junk_to_a_port(self, data: st.DataObject, payload: bytes) -> None:
        phone = self.siege.phone
        port = data.draw(st.sampled_from([68, 5060, 546, 9, phone.tftp.local_port, phone.wallclock.port]))
        self.receive(FILE_SERVER, phone.tftp.peer or 69, port, payload)

    @rule(
        event=st.sampled_from(["ua-profile", "check-sync", "check-sync;reboot=true", "message-summary"]),
        source=st.sampled_from(["192.0.2.5", "192.0.2.30"]),
        number=st.integers(1, 3),
    )
    def notify(self, event: str, source: str, number: int) -> None:
        self.receive(source, 5060, 5060, notification("elsewhere", event, "", number))

    @rule(frame=st.one_of(st.binary(max_size=80), st.sampled_from(FRAMES)))
    def frame(self, frame: bytes) -> None:
        self.siege.feed(FrameReceived(Payload(frame)))

    # --- People -----------------------------------------------------------------------------------------------------

    @rule(up=st.booleans())
    def cable(self, up: bool) -> None:
        self.siege.feed(LinkUp() if up else LinkDown())

    @rule(off=st.booleans())
    def power(self, off: bool) -> None:
        if off:
            self.siege.feed(PowerOff())
        self.siege.power_on()

    @rule(typed=st.sampled_from(TYPED))
    def web(self, typed: tuple[str, str | None]) -> None:
        self.siege.feed(SettingEntered(typed[0], typed[1], "web"))

    @rule(body=bodies)
    def imported(self, body: bytes) -> None:
        self.siege.feed(ImportOffered("A", None, Payload(body)))

    @rule(
        event=st.sampled_from(
            [
                *(HandsetLifted(), HandsetReplaced(), RestartRequested("web"), ExportRequested("A", None)),
                *(FactoryResetRequested("web", "A", None), UpdateAnswered(True)),
            ]
        )
    )
    def somebody_does_something(self, event: Any) -> None:
        self.siege.feed(event)

    # --- What holds -------------------------------------------------------------------------------------------------

    @invariant()
    def something_will_happen(self) -> None:
        assert self.siege.stuck() == ""

    @invariant()
    def no_value_comes_from_a_rejected_file(self) -> None:
        assert not [value for value in self.siege.settings_held() if REJECTED in value]

    def teardown(self) -> None:
        """First nobody answers any more, then somebody pulls the plug and every server does what it should."""
        if not hasattr(self, "siege"):
            return
        siege = self.siege
        siege.run_to(siege.now + HOUR)
        assert siege.stuck() == ""
        siege.feed(PowerOff())
        siege.power_on()
        for _ in range(200):
            self.well_behaved()
            due = siege.next_due()
            if due is None or self.came_up() or not siege.phone.settings.enabled("PROVISION_ENABLE"):
                break
            siege.run_to(due)
        assert siege.stuck() == ""
        settings = siege.phone.settings
        if settings.enabled("PROVISION_ENABLE") and not settings.value("USR_PROV_SVR_URL"):
            assert self.came_up(), siege.phone.provisioning

    def came_up(self) -> bool:
        return self.siege.phone.provisioning.outcome in ("provisioned", "saved", "partly")

    def well_behaved(self) -> None:
        """Answer whatever is asked, as good servers do."""
        siege = self.siege
        for _ in range(40):
            waiting = siege.phone.orders.open
            if siege.phone.dhcp.state == "selecting":
                self.dhcp_reply(wire.OFFER, f"http://{FILE_SERVER}/i.cfg", 86_400)
            elif siege.phone.dhcp.state in ("requesting", "renewing", "rebinding"):
                self.dhcp_reply(wire.ACK, f"http://{FILE_SERVER}/i.cfg", 86_400)
            elif key := next((key for key in waiting if key.startswith("http:")), None):
                asked = siege.asked[key]
                body = Payload(syslog(SYSLOG_PORT="514").encode())
                siege.feed(HttpAnswered(asked.event.name, asked.ordinal, 200, (), body, COMPLETE))
            elif key := next((key for key in waiting if key.startswith("lookup:")), None):
                asked = siege.asked[key]
                siege.feed(LookupAnswered(asked.event.name, asked.ordinal, (FILE_SERVER,), ""))
            elif any(sent.port == DHCPV6 for sent in siege.sent) and not siege.phone.dhcpv6.address:
                for _ in range(2):
                    self.ask_dhcpv6(Dhcpv6Spec(url="http://[2001:db8::20]/i.cfg"))
                return
            else:
                return


def besieged(name: str, **start: Any) -> Any:
    """The rules for a phone that starts so, as a test of its own."""
    machine = type(name, (Besieged,), start)
    test = machine.TestCase
    test.settings = settings(
        max_examples=500,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return pytest.mark.filterwarnings("ignore")(test)


LINE_1 = {
    "SIPPNP_ENABLE": "N",
    "LINE_ENABLE/1": "Y",
    "PHONE_NUMBER/1": "1",
    "SIP_RGSTR_ADDR/1": "192.0.2.30",
    "LLDP_ENABLE": "N",
    "CDP_ENABLE": "N",
}
NEWER = {"FIRM_VERSION": "03.220", "FIRM_FILE_PATH": f"http://{FILE_SERVER}/{{fwver}}.fw"}
TestFreshPhone = besieged("Fresh")
TestQuietPhone = besieged("Quiet", provisioned=LINE_1)
TestOldHand = besieged(
    "OldHand",
    provisioned={"SIPPNP_ENABLE": "N", "CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "90", "NTP_ADDR": "192.0.2.40"},
    saved=(("standard", prov(CFG_RTRY_INTVL="5").encode()), ("master", syslog(SYSLOG_PORT="77").encode())),
    options={"fallback": "2014-05", "notify_from": "anyone"},
)
TestTalkativePhone = besieged(
    "Talkative",
    provisioned={
        "SYSLOG_SERVER_ENABLE": "Y",
        "SYSLOG_ADDR": "name",
        "SYSLOG_SEVERITY": "7",
        "NTP_ADDR": "name",
        "HTTP_ENABLE_PROXY": "Y",
        "HTTP_PROXY_SVR_ADDR": "name",
        **NEWER,
    },
    options={"notify_from": "anyone", "redirection_url": "http://192.0.2.50", "manual_url": "effective"},
)
TestBothFamilies = besieged("BothFamilies", provisioned={"IP_ADDR_MODE": "2", "SIPPNP_ENABLE": "N"})
TestIpv6Only = besieged("Ipv6Only", provisioned={"IP_ADDR_MODE": "1"}, options={"lldp_wait": 0, "arp": False})
