"""The virtual TFTP server: what it sends and when, its faults, and what the phone makes of them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from emulator.events import (
    SECOND,
    DatagramLost,
    DatagramReceived,
    DownloadEnded,
    PacketRefused,
    TftpAgreed,
    TftpStarted,
    TransferEnded,
)
from emulator.wire import tftp as wire
from emulator.world.scenario import FILE_BEHAVIOURS, TFTP_FAULTS, FilesSpec, LinkSpec, PathSpec
from emulator.world.servers.base import Datagram, Send, Wake
from emulator.world.servers.tftp import FIRST_PORT, SLOW, TftpServer
from tests.emulator.phone.bench import ADDRESS, FILE_SERVER, initial, seconds, served, story
from tools.simulate import RunResult, run

URL = f"tftp://{FILE_SERVER}/i.cfg"
BODY = bytes(range(256)) * 9
"""Two blocks of 1024 bytes and a last one of 256."""
CLIENT = 50_000
Done = list[Send | Wake]


def serving(**spec: object) -> TftpServer:
    """A server with one file."""
    paths = {"/f": PathSpec(file="f")}
    return TftpServer(FilesSpec(protocols=("tftp",), paths=paths, **spec), {"f": BODY})  # type: ignore[arg-type]


def told(server: TftpServer, packet: wire.Packet | bytes, port: int = 69, client: int = CLIENT) -> Done:
    """What the server does about a packet."""
    payload = packet if isinstance(packet, bytes) else packet.encode()
    return list(server.receive(Datagram(0, ADDRESS, client, FILE_SERVER, port, payload), 0))


def read(*options: tuple[bytes, bytes], file: bytes = b"/f", mode: bytes = b"octet") -> wire.ReadRequest:
    return wire.ReadRequest(file, mode, options)


def packets(done: Iterable[Send | Wake]) -> list[tuple[int, wire.Packet]]:
    """(port, packet) of what was sent."""
    return [(each.datagram.source_port, wire.parse(each.datagram.payload)) for each in done if isinstance(each, Send)]


def wake(done: Done) -> Wake:
    (found,) = (each for each in done if isinstance(each, Wake))
    return found


# --- Blocks and their repetition ------------------------------------------------------------------------------------


def test_a_file_is_sent_block_by_block() -> None:
    server = serving()
    done = told(server, read((b"BLKSIZE", b"1024"), (b"tsize", b"0"), (b"timeout", b"1")))
    agreed = wire.OptionAcknowledgement(((b"blksize", b"1024"), (b"tsize", b"2304")))
    assert packets(done) == [(FIRST_PORT, agreed)]
    for number in (1, 2, 3):
        done = told(server, wire.Acknowledgement(number - 1), FIRST_PORT)
        assert packets(done) == [(FIRST_PORT, wire.Data(number, BODY[(number - 1) * 1024 : number * 1024]))]
    assert not told(server, wire.Acknowledgement(3), FIRST_PORT)
    assert (server.transfers, server.clients) == ({}, {})
    assert not server.listens(FILE_SERVER, FIRST_PORT, 0)


def test_without_options_the_first_block_is_the_answer() -> None:
    for server, request in (
        (serving(), read()),
        (serving(), read((b"timeout", b"1"))),
        (serving(), read((b"blksize", b"7"))),
        (serving(tftp_options=False), read((b"blksize", b"1024"))),
    ):
        assert packets(told(server, request)) == [(FIRST_PORT, wire.Data(1, BODY[:512]))]


def test_a_packet_without_an_answer_is_sent_five_times_a_second_apart() -> None:
    server = serving()
    done = told(server, read())
    for _ in range(4):
        assert wake(done).delay == SECOND
        done = list(server.wake(wake(done).token, 0))
        assert packets(done) == [(FIRST_PORT, wire.Data(1, BODY[:512]))]
    assert not list(server.wake(wake(done).token, 0))
    assert not server.transfers


def test_only_the_acknowledgement_of_the_last_block_moves_it_on() -> None:
    """RFC 1123 s.4.2.3.1."""
    server = serving()
    first = told(server, read())
    assert packets(told(server, wire.Acknowledgement(1), FIRST_PORT))[0][1] == wire.Data(2, BODY[512:1024])
    for stale in (wire.Acknowledgement(1), wire.Acknowledgement(3), wire.Data(2, b""), b"\0\4", b""):
        assert not told(server, stale, FIRST_PORT)
    assert not told(server, wire.Acknowledgement(2), FIRST_PORT, client=CLIENT + 1)
    assert not list(server.wake(wake(first).token, 0))
    assert not told(server, wire.Acknowledgement(2), FIRST_PORT + 1), "no such transfer"


def test_requests_get_ports_one_after_the_other_and_a_repeated_one_none() -> None:
    server = serving()
    ports = [packets(told(server, read(), client=CLIENT + n))[0][0] for n in range(3)]
    assert ports == [FIRST_PORT, FIRST_PORT + 1, FIRST_PORT + 2]
    assert not told(server, read())


def test_an_error_ends_a_transfer() -> None:
    server = serving()
    told(server, read())
    assert not told(server, wire.error(wire.UNKNOWN_TRANSFER), FIRST_PORT)
    assert not server.transfers


def test_a_fork_goes_its_own_way() -> None:
    server = serving()
    told(server, read())
    twin = server.fork()
    assert packets(told(twin, wire.Acknowledgement(1), FIRST_PORT)) == [(FIRST_PORT, wire.Data(2, BODY[512:1024]))]
    assert server.transfers[FIRST_PORT].block == 1
    assert packets(told(twin, read(), client=1))[0][0] == packets(told(server, read(), client=2))[0][0]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (read(file=b"gone"), wire.FILE_NOT_FOUND),
        (read(mode=b"netascii"), wire.ILLEGAL_OPERATION),
        (wire.WriteRequest(b"/f"), wire.ACCESS_VIOLATION),
    ],
)
def test_what_is_refused(request_: wire.Packet, code: int) -> None:
    server = serving()
    assert packets(told(server, request_)) == [(FIRST_PORT, wire.error(code))]
    assert not server.transfers


def test_a_name_may_lack_its_slash_and_a_mode_be_in_capitals() -> None:
    assert packets(told(serving(), read(file=b"f", mode=b"OCTET")))[0][1] == wire.Data(1, BODY[:512])


def test_speed_and_delay_hold_packets_back() -> None:
    server = serving(delay=2 * SECOND, speed=1024)
    done = told(server, read())
    assert [each.delay for each in done] == [2 * SECOND + SECOND // 2, 3 * SECOND + SECOND // 2]
    done = told(server, wire.Acknowledgement(1), FIRST_PORT)
    assert [each.delay for each in done] == [SECOND // 2, SECOND + SECOND // 2]


def test_a_server_that_was_switched_off_sends_nothing_more() -> None:
    server = serving(end=10)
    done = told(server, read())
    assert not list(server.wake(wake(done).token, 10))
    assert not server.listens(FILE_SERVER, 69, 10)


# --- Behaviours and faults, as the phone sees them ------------------------------------------------------------------


def fetched(size: int = 5000, **spec: object) -> RunResult:
    """A phone fetches its initial file of ``size`` bytes."""
    file = PathSpec(text=initial(), pad_to=size)
    return run(story(served({"/i.cfg": file}, protocols=("tftp",), **spec), url=URL, until=seconds(60)))


ENDS = {
    "well": ("complete", 0),
    "slow": ("complete", 0),
    "error": ("server-error", 0),
    "missing": ("server-error", 1),
    "cut-off": ("idle-timeout", 0),
    "oversize": ("too-large", 0),
    "garbage": ("complete", 0),
    "redirect": ("server-error", 1),
    "redirect-loop": ("server-error", 1),
    "silent": ("connect-timeout", 0),
    "refuse": ("connect-timeout", 0),
}


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize("options", [True, False])
@pytest.mark.parametrize("behaviour", FILE_BEHAVIOURS)
def test_how_a_read_ends(behaviour: str, options: bool) -> None:
    result = fetched(behaviour=behaviour, tftp_options=options, location="/x")
    (entry,) = result.of(TransferEnded)
    assert (entry.event.end, entry.event.code) == ENDS[behaviour]
    assert result.outcome == ("provisioned" if behaviour in ("well", "slow") else "failed")
    if behaviour == "slow":
        assert entry.time - result.of(TftpStarted)[0].time >= SLOW
    if behaviour == "cut-off":
        assert entry.event.size == (2 * 1428 if options else 5 * 512), "half of the blocks"


def test_a_file_of_one_block_that_is_cut_off_is_not_sent_at_all() -> None:
    for options, end in ((True, "idle-timeout"), (False, "connect-timeout")):
        (entry,) = fetched(100, behaviour="cut-off", tftp_options=options).of(TransferEnded)
        assert (entry.event.end, entry.event.size) == (end, 0)


@pytest.mark.parametrize("options", [True, False])
@pytest.mark.parametrize("fault", TFTP_FAULTS)
def test_no_fault_gets_a_wrong_byte_in(fault: str, options: bool) -> None:
    result = fetched(tftp_fault=fault, tftp_options=options)
    refused = {entry.event.reason for entry in result.of(PacketRefused)} - {"closed-port"}
    if fault == "oack-too-large" and options:
        assert [entry.event.end for entry in result.of(TransferEnded)] == ["bad-options"]
        assert not result.of(TftpAgreed)
        return
    assert result.outcome == "provisioned"
    assert len(result.phones[0].download.body) == 5000
    assert [entry.event.size for entry in result.of(TransferEnded)] == [5000]
    wanted = {"duplicate-blocks": "duplicate-block", "reorder-blocks": "out-of-order", "wrong-tid": "unknown-transfer"}
    assert refused == ({wanted[fault]} if fault in wanted else set())
    if fault == "duplicate-blocks":
        blocks = 5000 // (1428 if options else 512) + 1
        assert (
            len([entry for entry in result.of(DatagramReceived) if entry.event.port > 49_151]) == 2 * blocks + options
        )
    assert len(result.of(TftpStarted)) == (2 if fault == "refuse-options" else 1)


def test_a_round_trip_longer_than_the_timers_sends_no_block_more_than_five_times() -> None:
    """Both sides repeat what is only late; nothing multiplies (RFC 1123 s.4.2.3.1)."""

    file = PathSpec(text=initial(), pad_to=40_000)
    late = LinkSpec(latency=seconds(0.7))
    result = run(story(served({"/i.cfg": file}, protocols=("tftp",)), url=URL, until=seconds(200), link=late))
    assert result.outcome == "provisioned"
    blocks = [entry.event.payload[2:4] for entry in result.of(DatagramReceived) if entry.event.payload[:2] == b"\0\3"]
    assert max(map(blocks.count, blocks)) <= 2


@pytest.mark.parametrize(("delay", "reason"), [(4.998, ""), (4.999, "connect-timeout")])
def test_an_answer_is_in_time_up_to_five_seconds(delay: float, reason: str) -> None:
    """The round trip takes 2 ms; requests that are repeated meanwhile begin nothing new."""
    result = fetched(delay=seconds(delay))
    assert [entry.event.reason for entry in result.of(DownloadEnded)] == [reason]
    assert not result.of(DatagramLost)
