"""The TFTP client, packet by packet and to the nanosecond (PROV-118, RFC 1350, RFC 2347 to RFC 2349)."""

from __future__ import annotations

import attrs
import pytest

from emulator.events import (
    SECOND,
    DatagramSent,
    DownloadEnded,
    Payload,
    TftpAgreed,
    TftpBlockTaken,
    TftpStarted,
    TransferEnded,
)
from emulator.phone.tftp import BLOCK_SIZE, FIRST_PORT
from emulator.wire import tftp as wire
from tests.emulator.phone.bench import ADDRESS, FILE_SERVER, datagrams, initial, of, served, story
from tests.emulator.phone.tftp_peer import (
    HERE,
    LIMIT,
    OPTIONS,
    TID,
    agreeing,
    asking,
    ended,
    hear,
    packets,
    refusals,
    sent,
    the,
)
from tools.simulate import run

# --- The request ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize("port", [69, 6969])
def test_a_request_is_sent_exactly_so(port: int) -> None:
    bench = asking(f"{HERE}:{port}/a/i.cfg")
    started = the(bench.entries, TftpStarted)
    own = bench.phone.tftp.local_port
    assert started == TftpStarted("initial", FILE_SERVER, FILE_SERVER, port, own, "/a/i.cfg", LIMIT, True)
    assert FIRST_PORT <= own <= 65_535
    (entry,) = (entry for entry, _ in datagrams(bench.entries, port))
    payload = b"\0\1/a/i.cfg\0octet\0blksize\0001428\0tsize\0000\0"
    assert entry.event == DatagramSent(ADDRESS, own, FILE_SERVER, port, Payload(payload))


@pytest.mark.spec("PROV-030", "PROV-118")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/i.cfg", b"/i.cfg"),
        ("//i.cfg", b"//i.cfg"),
        ("/a%20b.cfg", b"/a b.cfg"),
        ("/%C3%BC.cfg", "/ü.cfg".encode()),
        ("/%FF.cfg", b"/\xff.cfg"),
        ("/a%2Fb.cfg;mode=octet", b"/a/b.cfg;mode=octet"),
    ],
)
def test_the_path_is_decoded_and_otherwise_unchanged(path: str, name: bytes) -> None:
    (packet,) = packets(asking(HERE + path).entries)
    assert packet == wire.ReadRequest(name, b"octet", OPTIONS)


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize("path", ["/%00.cfg", "/a%0A.cfg", "/%1f.cfg", "/%7F.cfg"])
def test_a_path_with_control_characters_fails(path: str) -> None:
    bench = asking(HERE + path)
    assert the(bench.entries, DownloadEnded) == DownloadEnded("initial", HERE + path, "bad-path", 0, "")
    assert not bench.of(TftpStarted)


def test_a_long_path_leaves_no_room_for_options_and_a_longer_one_fails() -> None:
    """A request has at most 512 bytes (RFC 2347), a URL 500 characters, each of which may be three bytes."""
    fits = "/" + "a" * 477 + ".cfg"
    assert packets(asking(HERE + fits).entries) == [wire.ReadRequest(fits.encode(), b"octet", OPTIONS)]
    long = "/" + "a" * 478 + ".cfg"
    bench = asking(HERE + long)
    assert packets(bench.entries) == [wire.ReadRequest(long.encode())]
    assert packets(hear(bench, wire.Data(1, bytes(512)))) == [wire.Acknowledgement(1)]
    unasked = asking(HERE + long)
    assert ended(hear(unasked, agreeing())) == ("bad-options", 0, 0)
    phone = attrs.evolve(story().phone, user={"USR_PROV_SVR_URL": f"{HERE}/{'ü' * 400}.cfg"})
    result = run(attrs.evolve(story(), phone=phone))
    assert [entry.event.reason for entry in result.of(DownloadEnded)] == ["path-too-long"]


def test_each_transfer_has_a_port_of_its_own() -> None:
    names = {name: f"{HERE}/{name}.cfg" for name in ("standard", "product", "master")}
    files = served({"/i.cfg": initial(HERE, **names)}, protocols=("tftp",))
    result = run(story(files, url=f"{HERE}/i.cfg"))
    ports = [entry.event.local_port for entry in result.of(TftpStarted)]
    assert len(ports) == 4
    assert len(set(ports)) == 4


# --- Repeating ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-118")
def test_a_request_without_an_answer_is_sent_five_times_a_second_apart() -> None:
    bench = asking()
    began = bench.now
    bench.run_to(began + 100 * SECOND)
    request = wire.ReadRequest(b"/i.cfg", b"octet", OPTIONS)
    assert sent(bench.entries) == [(began + n * SECOND, 69, request) for n in range(5)]
    (entry,) = bench.of(TransferEnded)
    assert entry.time == began + 5 * SECOND
    assert ended(bench.entries) == ("connect-timeout", 0, 0)


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize("heard", range(4))
def test_an_acknowledgement_without_an_answer_is_sent_five_times_a_second_apart(heard: int) -> None:
    """The count begins anew after each packet that was used, however late it came."""
    bench = asking()
    for number in range(heard + 1):
        bench.wait(5 * SECOND - 1)
        hear(bench, wire.Data(number, bytes(BLOCK_SIZE)) if number else agreeing())
    began = bench.now
    seen = len(bench.entries)
    bench.run_to(began + 100 * SECOND)
    assert sent(bench.entries)[-5:] == [(began + n * SECOND, TID, wire.Acknowledgement(heard)) for n in range(5)]
    (entry,) = of(bench.entries[seen:], TransferEnded)
    assert entry.time == began + 5 * SECOND
    assert ended(bench.entries) == ("idle-timeout", 0, heard * BLOCK_SIZE)


def test_a_block_that_was_lost_is_asked_for_by_the_timer() -> None:
    bench = asking()
    hear(bench, agreeing())
    assert packets(bench.wait(SECOND)) == [wire.Acknowledgement(0)]
    assert packets(hear(bench, wire.Data(1, b"x" * BLOCK_SIZE))) == [wire.Acknowledgement(1)]
    assert packets(bench.wait(SECOND)) == [wire.Acknowledgement(1)]
    made = hear(bench, wire.Data(2, b"y"))
    assert packets(made) == [wire.Acknowledgement(2)]
    assert ended(made) == ("complete", 0, BLOCK_SIZE + 1)


@pytest.mark.spec("PROV-118")
def test_duplicates_and_strangers_in_the_order_are_dropped_without_an_answer() -> None:
    """A duplicate neither gets an ACK (the sorcerer's apprentice, RFC 1123 s.4.2.3.1) nor delays the next one."""
    bench = asking()
    hear(bench, agreeing())
    hear(bench, wire.Data(1, b"a" * BLOCK_SIZE))
    began = bench.now
    bench.wait(SECOND // 2)
    for packet, reason in (
        (agreeing(), "unexpected-type"),
        (wire.Data(1, b"b" * BLOCK_SIZE), "duplicate-block"),
        (wire.Data(0, b"b" * BLOCK_SIZE), "out-of-order"),
        (wire.Data(3, b"b" * BLOCK_SIZE), "out-of-order"),
        (wire.Data(2, b"b" * (BLOCK_SIZE + 1)), "block-too-long"),
        (wire.Acknowledgement(2), "unexpected-type"),
        (wire.ReadRequest(b"x"), "unexpected-type"),
        (wire.WriteRequest(b"x"), "unexpected-type"),
        (b"\0\7\0\0", "bad-opcode"),
        (b"", "too-short"),
    ):
        made = hear(bench, packet)
        assert refusals(made) == [reason]
        assert not packets(made)
    assert [time for time, _, _ in sent(bench.wait(SECOND))] == [began + SECOND]
    hear(bench, wire.Data(2, b"c"))
    assert bytes(bench.phone.download.body) == b"a" * BLOCK_SIZE + b"c"


def test_a_repeated_option_acknowledgement_is_a_duplicate() -> None:
    bench = asking()
    hear(bench, agreeing())
    made = hear(bench, agreeing(block_size=8))
    assert refusals(made) == ["duplicate-options"]
    assert not packets(made)
    assert bench.phone.tftp.block_size == BLOCK_SIZE


def test_the_last_acknowledgement_is_sent_once_and_the_port_is_closed() -> None:
    bench = asking()
    own = bench.phone.tftp.local_port
    made = hear(bench, wire.Data(1, b"x"))
    assert packets(made) == [wire.Acknowledgement(1)]
    assert ended(made) == ("complete", 0, 1)
    again = bench.receive(wire.Data(1, b"x").encode(), own, FILE_SERVER, TID)
    assert refusals(again) == ["closed-port"]
    assert not packets(bench.wait(10 * SECOND))


# --- Whose packets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "port"), [(FILE_SERVER, TID + 1), (FILE_SERVER, 69), ("192.0.2.66", TID)])
def test_a_packet_from_elsewhere_gets_error_5_and_disturbs_nothing(source: str, port: int) -> None:
    """RFC 1350 s.4."""
    bench = asking()
    hear(bench, agreeing())
    began = bench.now
    bench.wait(SECOND // 2)
    for packet in (wire.Data(1, b"evil"), agreeing(), wire.Acknowledgement(1)):
        made = hear(bench, packet, source, port)
        assert refusals(made) == ["unknown-transfer"]
        (entry,) = of(made, DatagramSent)
        assert (entry.event.destination, entry.event.port) == (source, port)
        assert packets(made) == [wire.Error(5, b"Unknown transfer ID")]
    made = hear(bench, wire.error(wire.FILE_NOT_FOUND), source, port)
    assert (refusals(made), packets(made)) == (["unknown-transfer"], [])
    assert [time for time, _, _ in sent(bench.wait(SECOND))] == [began + SECOND]
    hear(bench, wire.Data(1, b"good"))
    assert bytes(bench.phone.download.body) == b"good"


def test_another_host_cannot_answer_the_request() -> None:
    bench = asking()
    for packet in (agreeing(), wire.Data(1, b"evil"), wire.error(wire.FILE_NOT_FOUND)):
        assert refusals(hear(bench, packet, "192.0.2.66")) == ["unknown-transfer"]
    assert bench.phone.tftp.peer == 0
    assert bench.phone.tftp.open


def test_a_packet_for_another_port_is_not_for_the_transfer() -> None:
    bench = asking()
    made = bench.receive(wire.Data(1, b"x").encode(), bench.phone.tftp.local_port ^ 1, FILE_SERVER, TID)
    assert refusals(made) == ["closed-port"]


# --- Options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "block_size", "size"),
    [
        ((), 512, -1),
        (((b"BlkSize", b"1428"), (b"TSIZE", b"9")), 1428, 9),
        (((b"tsize", b"0"),), 512, 0),
        (((b"blksize", b"8"),), 8, -1),
        (((b"tsize", str(LIMIT).encode()),), 512, LIMIT),
    ],
)
def test_what_may_be_agreed(options: wire.Options, block_size: int, size: int) -> None:
    made = hear(asking(), wire.OptionAcknowledgement(options))
    assert the(made, TftpAgreed) == TftpAgreed(TID, block_size, size, True)
    assert packets(made) == [wire.Acknowledgement(0)]


@pytest.mark.parametrize(
    "options",
    [
        ((b"blksize", b"1429"),),
        ((b"blksize", b"7"),),
        ((b"blksize", b""),),
        ((b"blksize", b"-8"),),
        ((b"blksize", b"0x20"),),
        ((b"tsize", b""),),
        ((b"tsize", b"many"),),
        ((b"timeout", b"1"),),
        ((b"blksize", b"512"), (b"windowsize", b"4")),
    ],
)
def test_options_that_were_not_asked_for_get_error_8(options: wire.Options) -> None:
    """RFC 2347: and the transfer is over."""
    made = hear(asking(), wire.OptionAcknowledgement(options))
    assert packets(made) == [wire.Error(8, b"Option negotiation failed")]
    assert ended(made) == ("bad-options", 0, 0)


def test_a_server_without_options_sends_blocks_of_512() -> None:
    bench = asking()
    made = hear(bench, wire.Data(1, b"x" * 512))
    assert the(made, TftpAgreed) == TftpAgreed(TID, 512, -1, False)
    assert the(made, TftpBlockTaken) == TftpBlockTaken(1, 512)
    assert packets(made) == [wire.Acknowledgement(1)]
    assert refusals(hear(bench, wire.Data(2, b"x" * 513))) == ["block-too-long"]
    assert ended(hear(bench, wire.Data(2, b""))) == ("complete", 0, 512)


def test_options_that_are_refused_are_left_out_once() -> None:
    bench = asking()
    first = bench.phone.tftp.local_port
    made = hear(bench, wire.error(wire.OPTIONS_REFUSED))
    started = the(made, TftpStarted)
    assert isinstance(started, TftpStarted)
    assert not started.options
    assert started.local_port != first
    assert packets(made) == [wire.ReadRequest(b"/i.cfg")]
    assert not of(made, TransferEnded)
    other = asking()
    hear(other, wire.error(wire.OPTIONS_REFUSED))
    assert ended(hear(other, wire.error(wire.OPTIONS_REFUSED))) == ("server-error", 8, 0)
    assert ended(hear(bench, wire.OptionAcknowledgement(OPTIONS[:1]))) == ("bad-options", 0, 0)
