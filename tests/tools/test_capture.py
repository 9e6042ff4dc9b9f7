"""A run as a capture: every packet of it, framed as a phone's traffic is; read by our own reader and by dpkt."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import dpkt
import pytest
from click.testing import CliRunner, Result

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    ClockSet,
    DatagramReceived,
    DatagramSent,
    Dhcpv6Received,
    Entry,
    Event,
    FrameReceived,
    FrameSent,
    HttpAnswered,
    HttpRequested,
    Ipv6AddressBound,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    Payload,
    PowerOff,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
)
from emulator.log.store import LogError
from emulator.wire import pcapng
from tools import capture
from tools.capture.framing import Framed
from tools.cli import main
from tools.exports.exporting import export
from tools.simulate import run

SCENARIOS = sorted((Path(__file__).resolve().parents[2] / "scenarios").glob("*.toml"))
DEMO = next(path for path in SCENARIOS if path.stem == "first-boot-option-160")
PHONE, SERVER = "192.0.2.10", "192.0.2.20"
BOUND = AddressBound(PHONE, "255.255.255.0", "192.0.2.1", 0, 0, 0, True)
SYN, SYN_ACK, ACK, PUSH, FIN, RST = 0x02, 0x12, 0x10, 0x18, 0x11, 0x14


def offhook(*arguments: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, list(arguments))


@cache
def entries_of(path: Path) -> list[Entry]:
    """The run of a scenario."""
    return run(path).entries


def told(*events: tuple[int, Event]) -> list[Entry]:
    """A log of phone 0: each event with its time in ms."""
    return [Entry(n, ms * 1_000_000, None, 0, None, (), event) for n, (ms, event) in enumerate(events, 1)]


def framed(*events: tuple[int, Event]) -> list[Framed]:
    """The packets of such a log."""
    return capture.traffic(told(*events)).packets


def segments(found: list[Framed]) -> list[tuple[int, bool, int, bytes]]:
    """(ms, whether the phone sent it, flags, payload) of TCP in IPv4."""
    tcp = [(each, dpkt.ethernet.Ethernet(each.data).data.data) for each in found]
    return [(each.time // 1_000_000, each.outward, segment.flags, segment.data) for each, segment in tcp]


def request(**changes: object) -> HttpRequested:
    """A request as the phone makes it."""
    headers = (("Host", SERVER), ("User-Agent", "phone"), ("Connection", "close"))
    values = {"name": "initial", "method": "GET", "host": SERVER, "address": SERVER, "port": 80, "tls": False}
    values |= {"roots": (), "target": "/a.cfg", "headers": headers, "limit": 999}
    return HttpRequested(**{**values, "connect_limit": 10 * SECOND, "idle_limit": 30 * SECOND, **changes})  # type: ignore[arg-type]


def answer(body: bytes = b"", end: str = "complete", status: int = 200, **headers: str) -> HttpAnswered:
    """What came of it."""
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpAnswered("initial", 1, status, fields, Payload(body), end)


def exchange(made: HttpRequested, got: HttpAnswered, after: int = 8) -> list[tuple[int, bool, int, bytes]]:
    """Its segments. after: ms."""
    return segments(framed((0, BOUND), (100, made), (100 + after, got)))


REQUEST = b"GET /a.cfg HTTP/1.1\r\nHost: 192.0.2.20\r\nUser-Agent: phone\r\nConnection: close\r\n\r\n"
HANDSHAKE = [(100, True, SYN, b""), (104, False, SYN_ACK, b""), (104, True, ACK, b"")]


# --- HTTP -------------------------------------------------------------------------------------------------------------


def test_an_exchange() -> None:
    """Handshake, request, answer, and the end in both directions."""
    response = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    assert exchange(request(), answer(b"no", status=404, Content_Length="2")) == [
        *HANDSHAKE,
        (104, True, PUSH, REQUEST),
        (108, False, PUSH, response),
        *((108, True, ACK, b""), (108, False, FIN, b""), (108, True, FIN, b""), (112, False, ACK, b"")),
    ]


def test_a_long_answer_is_in_full_segments_and_every_second_is_acknowledged() -> None:
    """RFC 9293 s.3.8.6.3."""
    found = exchange(request(), answer(bytes(4_000)))[4:-3]
    sizes = [(outward, len(data)) for _, outward, _, data in found]
    assert sizes == [(False, 1_460), (False, 1_460), (True, 0), (False, 1_099), (True, 0)]


def test_chunks_are_put_back() -> None:
    """The log holds the body without their framing (RFC 9112 s.7.1); one that was cut off has no last chunk."""
    whole = exchange(request(), answer(b"x" * 18, Transfer_Encoding="chunked"))
    assert whole[4][3].partition(b"\r\n\r\n")[2] == b"12\r\n" + b"x" * 18 + b"\r\n0\r\n\r\n"
    cut = exchange(request(), answer(b"x", "cut-off", Transfer_Encoding="chunked"))
    assert cut[4][3].partition(b"\r\n\r\n")[2] == b"1\r\nx\r\n"


@pytest.mark.parametrize(
    ("end", "after", "then"),
    [
        ("refused", 8, [(108, False, RST, b"")]),
        ("connect-timeout", 10_000, [(1_100, True, SYN, b""), (3_100, True, SYN, b""), (7_100, True, SYN, b"")]),
        ("unreachable", 5, []),
        ("idle-timeout", 8, [*HANDSHAKE[1:], (104, True, PUSH, REQUEST)]),
        ("garbage", 8, [*HANDSHAKE[1:], (104, True, PUSH, REQUEST), (108, True, RST, b"")]),
    ],
)
def test_what_there_is_without_an_answer(end: str, after: int, then: list[tuple[int, bool, int, bytes]]) -> None:
    """A host that refuses, one that is not there, one that says nothing, one that says something else."""
    assert exchange(request(), answer(status=0, end=end), after) == [HANDSHAKE[0], *then]


def test_a_silent_host_still_acknowledges() -> None:
    """A round trip after the request; else the phone would have sent it again."""
    found = exchange(request(), answer(status=0, end="idle-timeout"), 30_000)
    assert found[1:] == [
        *((110, False, SYN_ACK, b""), (110, True, ACK, b"")),
        *((110, True, PUSH, REQUEST), (120, False, ACK, b"")),
    ]


@pytest.mark.parametrize(
    ("end", "last"), [("cut-off", (False, FIN)), ("too-large", (True, RST)), ("idle-timeout", (True, ACK))]
)
def test_a_part_of_an_answer(end: str, last: tuple[bool, int]) -> None:
    """The header says more than there is; the host hangs up, the phone does, or nothing more comes."""
    found = exchange(request(), answer(b"half", end, Content_Length="8"))
    assert found[4][3].endswith(b"Content-Length: 8\r\n\r\nhalf")
    assert found[6:7] == ([(108, *last, b"")] if end != "idle-timeout" else [])
    assert end == "idle-timeout" or found[6][1:3] == last


def test_tls_is_taken_off_and_says_so() -> None:
    """In plain at port 80, whichever it was; a certificate that is not trusted ends it before the request."""
    found = framed((0, BOUND), (100, request(tls=True, port=8443)), (108, answer(b"x")))
    assert {each.comment for each in found} == {
        "event 2, framed by offhook, TLS taken off, port 8443",
        "event 3, framed by offhook, TLS taken off, port 8443",
    }
    assert dpkt.ethernet.Ethernet(found[0].data).data.data.dport == 80
    refused = exchange(request(tls=True, port=443), answer(status=0, end="certificate-expired"))
    assert [flags for _, _, flags, _ in refused] == [SYN, SYN_ACK, ACK, FIN, FIN, ACK]


def test_a_request_that_is_never_answered_has_its_first_segment() -> None:
    """The power goes; what would have come then is of another power cycle."""
    found = framed((0, BOUND), (100, request()), (101, PowerOff()), (102, answer(b"x")))
    assert segments(found) == [HANDSHAKE[0]]


# --- streams, names, datagrams ----------------------------------------------------------------------------------------


def test_a_stream() -> None:
    """The bytes of the log in their order; the phone closes."""
    stream = (
        (100, StreamRequested("ftp", SERVER, 21, 1, 1)),
        (102, StreamOpened("ftp", 1)),
        (103, StreamReceived("ftp", 1, Payload(b"220 Ready.\r\n"))),
        (103, StreamSent("ftp", Payload(b"QUIT\r\n"))),
        (110, StreamShut("ftp")),
    )
    assert segments(framed((0, BOUND), *stream)) == [
        *((100, True, SYN, b""), (102, False, SYN_ACK, b""), (102, True, ACK, b"")),
        *((103, False, PUSH, b"220 Ready.\r\n"), (103, True, ACK, b""), (103, True, PUSH, b"QUIT\r\n")),
        *((105, False, ACK, b""), (110, True, FIN, b""), (112, False, FIN, b""), (112, True, ACK, b"")),
    ]


@pytest.mark.parametrize(
    ("opened", "end", "then"),
    [
        (False, StreamClosed("ftp", 1, "refused"), [(False, RST)]),
        (False, StreamClosed("ftp", 1, "connect-timeout"), [(True, SYN)]),
        (False, StreamShut("ftp"), [(True, SYN)]),
        (True, StreamClosed("ftp", 1, "reset"), [(False, RST)]),
        (True, StreamClosed("ftp", 1, ""), [(False, FIN), (True, FIN), (False, ACK)]),
        (True, StreamClosed("ftp", 1, "idle-timeout"), []),
        (True, StreamClosed("ftp", 1, "cancelled"), [(True, RST)]),
    ],
)
def test_how_a_stream_ends(opened: bool, end: Event, then: list[tuple[bool, int]]) -> None:
    """By the peer, by the phone, by nobody, or before it began."""
    begin = [(100, StreamRequested("ftp", SERVER, 21, 1, 1)), (101, StreamOpened("ftp", 1))][: 1 + opened]
    found = segments(framed((0, BOUND), *begin, (1_500, end)))
    assert [(outward, flags) for _, outward, flags, _ in found[3 if opened else 1 :]] == then


def dns(found: list[Framed]) -> list[dpkt.dns.DNS]:
    """The DNS messages."""
    return [dpkt.dns.DNS(dpkt.ethernet.Ethernet(each.data).data.data.data) for each in found]


def test_a_look_up_in_both_families() -> None:
    """A question and an answer for each, told apart by their numbers; to a server that nobody has named."""
    answered = LookupAnswered("www.example.com", 1, (SERVER, "2001:db8::20"), "")
    found = framed((0, BOUND), (1, NameAsked("www.example.com", (4, 6))), (9, answered))
    ask, ask6, answer, answer6 = dns(found)
    assert [each.qd[0].name for each in (ask, ask6, answer, answer6)] == ["www.example.com"] * 4
    assert (ask.qd[0].type, ask6.qd[0].type) == (dpkt.dns.DNS_A, dpkt.dns.DNS_AAAA)
    assert (answer.id, answer6.id) == (ask.id, ask6.id) == (1, 2)
    assert (answer.an[0].ip, answer6.an[0].ip6) == (bytes((192, 0, 2, 20)), ip_address("2001:db8::20").packed)
    assert dpkt.ethernet.Ethernet(found[0].data).data.dst == bytes((192, 0, 2, 53))


@pytest.mark.parametrize(
    ("error", "codes"), [("no-such-name", [3]), ("server-failure", [2]), ("no-data", [0]), ("timeout", [])]
)
def test_look_ups_that_fail(error: str, codes: list[int]) -> None:
    """The response codes of RFC 1035 s.4.1.1; of silence, only the question is left."""
    found = framed((0, BOUND), (1, LookupRequested("a.example")), (9, LookupAnswered("a.example", 1, (), error)))
    assert [message.rcode for message in dns(found)[1:]] == codes
    assert not any(message.an for message in dns(found))


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64 + ".example", "x." * 140])
def test_a_name_that_no_message_holds_is_not_asked_for(name: str) -> None:
    assert framed((0, BOUND), (1, LookupRequested(name)), (9, LookupAnswered(name, 1, (), "no-such-name"))) == []


def test_a_phone_with_ipv6_only_asks_the_server_of_its_lease() -> None:
    reply = Dhcpv6Received(7, "", 0, 0, "2001:db8::10", 1, 1, 1, 1, "2001:db8::5", 0, -1, None)
    bound = Ipv6AddressBound("2001:db8::10", "", 0, 0, 0, True)
    (found,) = framed((0, reply), (0, bound), (1, NameAsked("a.example", (6,))))
    packet = dpkt.ethernet.Ethernet(found.data).data
    assert packet.src == ip_address("2001:db8::10").packed
    assert packet.dst == ip_address("2001:db8::5").packed


def test_who_is_who_on_the_wire() -> None:
    """MAC addresses of the phone, its peers, groups and broadcasts; the subnet's own broadcast ends with the lease."""

    def sent(to: str) -> DatagramSent:
        return DatagramSent(PHONE, 5060, to, 5060, Payload(b"x"), ttl=1)

    got = DatagramReceived(SERVER, 5060, PHONE, 5060, Payload(b"y"))
    frames = [
        dpkt.ethernet.Ethernet(each.data)
        for each in framed(
            (0, BOUND),
            *((1, sent(to)) for to in (SERVER, "224.0.1.75", "192.0.2.255")),
            *((2, got), (3, AddressLost("expired")), (4, sent("192.0.2.255"))),
        )
    ]
    phone, server = "02ff00000000", "0200c0000214"
    assert [(each.src.hex(), each.dst.hex()) for each in frames] == [
        *((phone, server), (phone, "01005e00014b"), (phone, "ffffffffffff"), (server, phone), (phone, "0200c00002ff")),
    ]
    assert [each.data.ttl for each in frames] == [1, 1, 1, 64, 1]


def test_the_clock_of_the_phone_dates_the_capture() -> None:
    """The first time that it learns, taken back to the start."""
    utc = 1_774_746_000 * SECOND
    set_once, again = (ClockSet(utc + wrong, "SNTP", SERVER, 0, None) for wrong in (0, SECOND))
    found = capture.traffic(told((1_000, set_once), (2_000, again)))
    assert found.start == utc - SECOND
    assert capture.traffic(told((0, BOUND))).start == 0


# --- every scenario ---------------------------------------------------------------------------------------------------


def payloads(found: list[Framed]) -> Iterator[tuple[int, bytes]]:
    """Number of the event and payload of each UDP datagram that is in one packet."""
    for each in found:
        packet = dpkt.ethernet.Ethernet(each.data).data
        if isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6) and isinstance(packet.data, dpkt.udp.UDP):
            yield each.n, packet.data.data


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_everything_that_passed_is_in_it(path: Path) -> None:
    """Each datagram and frame of the log, once, with its bytes, in order, also what was lost; and its number."""
    entries = entries_of(path)
    found = capture.traffic(entries).packets
    assert [each.time for each in found] == sorted(each.time for each in found)
    assert all(each.comment.split(",")[0] == f"event {each.n}" for each in found)
    events = {entry.n: entry.event for entry in entries}
    of_log = [each for each in found if "," not in each.comment]
    assert [each.n for each in sorted(of_log, key=lambda each: each.n)] == [
        n for n, e in events.items() if isinstance(e, DatagramSent | DatagramReceived | FrameSent | FrameReceived)
    ]
    for each in of_log:
        event = events[each.n]
        if isinstance(event, FrameSent | FrameReceived):
            assert each.data == event.payload
    for n, payload in payloads(of_log):
        assert payload == events[n].payload  # type: ignore[attr-defined]


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The demo, and two runs of one scenario that were stored at different times."""
    path = tmp_path_factory.mktemp("capture") / "runs.db"
    run(DEMO, db=path, created="then")
    run(DEMO, db=path, created="now")
    run(DEMO.with_stem("ftp-source-with-a-login"), db=path)
    return str(path)


def test_the_same_run_gives_the_same_bytes(database: str, tmp_path: Path) -> None:
    """Whenever and wherever it was stored."""
    first, second = tmp_path / "1.pcapng", tmp_path / "2.pcapng"
    made = export("1", first, to="pcapng", db=database)
    export("2", second, to="pcapng", db=database)
    assert first.read_bytes() == second.read_bytes()
    assert made.told.size == first.stat().st_size
    assert made.told.number == len(pcapng.parse(first.read_bytes()).packets) == 55


def test_what_the_command_says(database: str, tmp_path: Path) -> None:
    """The form by the name of the file; for the owner only, with a line on the secrets in it; never written over."""
    path = tmp_path / "case.pcapng"
    result = offhook("export", "1", "-o", str(path), "--db", database)
    assert result.exit_code == 0
    assert result.stdout == f"{path}: run 1, 143 events, 55 packets, {path.stat().st_size:,} bytes\n"
    assert result.stderr.strip() == "it holds secrets: configuration files"
    assert path.stat().st_mode & 0o777 == 0o600
    assert offhook("export", "1", "-o", str(path), "--db", database).exit_code == 2
    found = pcapng.parse(path.read_bytes())
    assert [interface.name for interface in found.interfaces] == ["phone 0"]
    assert found.application == "offhook"
    assert found.comment.startswith("first-boot-option-160: ")
    assert found.packets[0].comment == "event 5"


def test_a_login_by_ftp_is_a_secret(database: str, tmp_path: Path) -> None:
    """It is in the bytes of the stream, and the provisioning URL with it in the DHCP answer."""
    result = offhook("export", "3", "--to", "pcapng", "-o", str(tmp_path / "case"), "--db", database)
    assert result.stderr.strip() == "it holds secrets: FTP credentials, configuration files, logins in URLs"
    assert b"PASS sample-password" in (tmp_path / "case").read_bytes()


def test_the_form_can_be_named(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the name of the file, and for a file without a name."""
    path = tmp_path / "case.pcapng"
    assert offhook("export", "1", "--to", "jsonl", "-o", str(path), "--db", database).exit_code == 0
    assert path.read_bytes().startswith(b'{"')
    monkeypatch.chdir(tmp_path)
    assert offhook("export", "1", "--to", "pcapng", "--db", database).exit_code == 0
    assert len(list(tmp_path.glob("first-boot-option-160-*.pcapng"))) == 1


def test_what_cannot_be_exported(database: str, tmp_path: Path) -> None:
    """A part of a run; a form that there is not."""
    path = tmp_path / "case.pcapng"
    result = offhook("export", "1@40", "-o", str(path), "--db", database)
    assert (result.exit_code, result.stderr) == (2, "offhook: as pcapng a run is exported whole; leave out @N\n")
    with pytest.raises(LogError, match="'pcap', only as jsonl, pcapng, mermaid, perfetto or html"):
        export("1", path, to="pcap", db=database)
    assert not path.exists()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (DatagramSent("nowhere", 1, SERVER, 2, Payload(b"")), "bad-address"),
        (DatagramSent(PHONE, 1, SERVER, 65_536, Payload(b"")), "bad-field"),
        (DatagramSent(PHONE, 1, SERVER, 2, Payload(bytes(65_508))), "too-long"),
        (DatagramSent(PHONE, 1, "::1", 2, Payload(b"")), "mixed-families"),
        (request(address="server"), "bad-address"),
        (request(port=-1), "bad-field"),
        (StreamRequested("ftp", "server", 21, 1, 1), "bad-address"),
    ],
)
def test_an_event_that_no_packet_can_hold_is_named(event: Event, reason: str) -> None:
    """As only a log from elsewhere has it."""
    with pytest.raises(LogError, match=rf"^event 2: no packet can hold this \({reason}\)$"):
        framed((0, BOUND), (1, event))
