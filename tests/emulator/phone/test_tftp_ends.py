"""How a read by TFTP ends: errors, sizes and limits, and what may happen meanwhile (PROV-118, PROV-148)."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AttemptStarted,
    DatagramReceived,
    DownloadEnded,
    HttpRequested,
    LinkDown,
    Payload,
    PowerOff,
    TftpBlockTaken,
    ToleranceUsed,
    TransferEnded,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import fold
from emulator.phone.storage import FoldMismatch
from emulator.phone.tftp import BLOCK_SIZE, FIRST_PORT
from emulator.wire import tftp as wire
from emulator.world.scenario import LinkSpec, PathSpec
from tests.emulator.phone.bench import FILE_SERVER, initial, of, seconds, served, story
from tests.emulator.phone.tftp_peer import (
    HERE,
    LIMIT,
    TID,
    agreeing,
    asking,
    ended,
    hear,
    packets,
    refusals,
    the,
)
from tools.simulate import run

# --- Errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [0, 2])
@pytest.mark.parametrize("code", [0, 1, 2, 3, 6, 77])
def test_an_error_ends_it_at_any_time_and_is_not_answered(code: int, blocks: int) -> None:
    bench = asking()
    for number in range(1, blocks + 1):
        hear(bench, wire.Data(number, bytes(512)))
    made = hear(bench, wire.Error(code, b"no"))
    assert ended(made) == ("server-error", code, 512 * blocks)
    assert not packets(made)
    assert the(made, DownloadEnded) == DownloadEnded("initial", f"{HERE}/i.cfg", "server-error", code, "")
    assert not packets(bench.wait(10 * SECOND))


def test_a_careless_error_is_read() -> None:
    made = hear(asking(), b"\0\5\0\1gone")
    assert the(made, ToleranceUsed) == ToleranceUsed("TFTP", "message-not-terminated")
    assert ended(made) == ("server-error", 1, 0)


def test_error_8_after_the_options_were_agreed_is_an_error_like_any_other() -> None:
    bench = asking()
    hear(bench, agreeing())
    assert ended(hear(bench, wire.error(wire.OPTIONS_REFUSED))) == ("server-error", 8, 0)


# --- Sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [True, False])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024, 1427, 1428, 1429, 2856, 4096])
def test_a_file_of_any_size_arrives_whole(size: int, options: bool) -> None:
    """A multiple of the block size ends with an empty block (RFC 1350 s.6)."""
    text = "".join(chr(33 + n * 7 % 90) for n in range(size))
    files = served({"/i.cfg": text}, protocols=("tftp",), tftp_options=options)
    result = run(story(files, url=f"{HERE}/i.cfg", until=seconds(5)))
    assert ended(result.entries) == ("complete", 0, size)
    assert bytes(result.phones[0].download.body) == text.encode()
    sizes = [entry.event.size for entry in result.of(TftpBlockTaken)]
    block_size = BLOCK_SIZE if options else 512
    assert sizes == [*[block_size] * (size // block_size), size % block_size]


@pytest.mark.spec("PROV-148")
@pytest.mark.parametrize("options", [True, False])
@pytest.mark.parametrize(("size", "end"), [(LIMIT, "complete"), (LIMIT + 1, "too-large")])
def test_a_file_is_cut_off_one_byte_after_the_limit(size: int, end: str, options: bool) -> None:
    file = PathSpec(text=initial(), pad_to=size)
    result = run(story(served({"/i.cfg": file}, protocols=("tftp",), tftp_options=options), url=f"{HERE}/i.cfg"))
    found, _, arrived = ended(result.entries)
    assert found == end
    assert [entry.event.reason for entry in result.of(DownloadEnded)] == ["" if end == "complete" else end]
    if end == "complete":
        assert arrived == size
    else:
        assert arrived == (0 if options else LIMIT), "with tsize not a single block is sent"
        assert packets(result.entries)[-1] == wire.Error(3, b"Disk full or allocation exceeded")


def test_a_block_beyond_the_limit_is_refused_whatever_tsize_said() -> None:
    bench = asking()
    hear(bench, agreeing(size=1))
    bench.phone.tftp.size = LIMIT - 1
    made = hear(bench, wire.Data(1, b"xy"))
    assert packets(made) == [wire.error(wire.ALLOCATION_EXCEEDED)]
    assert ended(made)[0] == "too-large"


def test_block_numbers_go_on_with_0_after_65535() -> None:
    bench = asking()
    hear(bench, agreeing(block_size=8))
    bench.phone.tftp.limit = 1 << 20
    bench.phone.tftp.blocks = [b"12345678"] * 65_534
    bench.phone.tftp.size = 65_534 * 8
    for number in (65_535, 0, 1):
        assert packets(hear(bench, wire.Data(number, b"abcdefgh"))) == [wire.Acknowledgement(number)]
    assert refusals(hear(bench, wire.Data(1, b"abcdefgh"))) == ["duplicate-block"]
    made = hear(bench, wire.Data(2, b"!"))
    assert ended(made) == ("complete", 0, 65_537 * 8 + 1)
    assert bytes(bench.phone.download.body).endswith(b"8abcdefghabcdefghabcdefgh!")


# --- What may happen meanwhile --------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [0, 1])
def test_without_an_address_it_ends_at_once(blocks: int) -> None:
    bench = asking()
    for number in range(1, blocks + 1):
        hear(bench, wire.Data(number, bytes(512)))
    made = bench.feed(LinkDown())
    assert ended(made) == ("no-address", 0, 512 * blocks)
    assert the(made, DownloadEnded) == DownloadEnded("initial", f"{HERE}/i.cfg", "no-address", 0, "")
    assert not bench.phone.tftp.open
    assert not packets(bench.wait(10 * SECOND))


def test_a_bare_address_that_loses_its_own_tries_no_further_protocol() -> None:
    bench = asking(FILE_SERVER)
    made = bench.feed(LinkDown())
    assert the(made, DownloadEnded) == DownloadEnded("initial", f"{HERE}/KX-UTG200B.cfg", "no-address", 0, "")
    assert not of(made, AttemptStarted)


def test_power_gone_means_nothing_is_remembered() -> None:
    bench = asking()
    hear(bench, wire.Data(1, bytes(512)))
    bench.feed(PowerOff())
    assert (bench.phone.tftp.blocks, bench.phone.tftp.local_port) == ([], 0)
    assert not bench.wait(10 * SECOND)


@pytest.mark.spec("PROV-033", "PROV-118")
def test_a_bare_address_waits_five_seconds_for_tftp_and_goes_on_with_http() -> None:
    bench = asking(FILE_SERVER)
    began = bench.now
    bench.wait(5 * SECOND)
    assert [entry.event.url for entry in bench.of(AttemptStarted)] == [
        f"tftp://{FILE_SERVER}/KX-UTG200B.cfg",
        f"http://{FILE_SERVER}/KX-UTG200B.cfg",
    ]
    (entry,) = bench.of(HttpRequested)
    assert entry.time == began + 5 * SECOND


def test_a_fold_over_an_altered_block_is_a_mismatch_that_names_the_event() -> None:
    bench = asking()
    hear(bench, wire.Data(1, b"x" * 10))
    bench.wait(SECOND)
    assert fold(bench.machine.firmware, bench.entries) == bench.phone
    altered = [attrs.evolve(entry) for entry in bench.entries]
    block = next(entry for entry in altered if getattr(entry.event, "source_port", 0) == TID)
    assert isinstance(block.event, DatagramReceived)
    block.event = attrs.evolve(block.event, payload=Payload(wire.Data(1, b"y" * 10).encode()))
    with pytest.raises(FoldMismatch) as caught:
        fold(kx_utg200(), altered)
    assert caught.value.n == bench.of(TransferEnded)[0].n


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1 << 32), size=st.integers(0, 9_000), options=st.booleans())
def test_over_a_bad_link_the_file_arrives_equal_or_not_at_all(seed: int, size: int, options: bool) -> None:
    text = "".join(chr(33 + (n * n + seed) % 90) for n in range(size))
    files = served({"/i.cfg": text}, protocols=("tftp",), tftp_options=options)
    rough = LinkSpec(loss=300_000, duplicate=100_000, reorder=100_000, jitter=seconds(0.3))  # type: ignore[arg-type]
    scenario = story(files, url=f"{HERE}/i.cfg", until=seconds(300), link=rough)
    whole: list[bool] = []
    for entry in (result := run(scenario, seed=seed)).of(TransferEnded):
        whole.append(entry.event.end == "complete")
        assert entry.event.end in ("complete", "connect-timeout", "idle-timeout")
    if whole and whole[-1]:
        assert bytes(result.phones[0].download.body) == text.encode()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_packet_breaks_the_phone_or_gets_a_wrong_byte_in(data: st.DataObject) -> None:
    """Whatever reaches the port, from whomever, what was taken are the server's blocks in their order."""
    bench = asking()
    noise = st.one_of(
        st.binary(max_size=30),
        st.builds(lambda op, rest: bytes((0, op)) + rest, st.integers(0, 7), st.binary(max_size=30)),
        st.builds(lambda n: wire.Data(n, b"evil").encode(), st.integers(2, 9)),
    )
    told = [agreeing(), *(wire.Data(n, bytes((n,)) * BLOCK_SIZE) for n in (1, 2)), wire.Data(3, b"end")]
    for packet in told:
        for payload in data.draw(st.lists(noise, max_size=4)):
            hear(bench, payload, "192.0.2.66")
        hear(bench, packet)
    assert bytes(bench.phone.download.body) == bytes((1,)) * BLOCK_SIZE + bytes((2,)) * BLOCK_SIZE + b"end"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(bytes.__add__, st.sampled_from([b"\0\3", b"\0\5", b"\0\6"]), st.binary(max_size=40)),
        ),
        max_size=12,
    )
)
def test_bytes_of_the_server_itself_never_raise(payloads: list[bytes]) -> None:
    bench = asking()
    for payload in payloads:
        bench.receive(payload, bench.phone.tftp.local_port or FIRST_PORT, FILE_SERVER, TID)
        assert sum(map(len, bench.phone.tftp.blocks)) == bench.phone.tftp.size <= LIMIT
