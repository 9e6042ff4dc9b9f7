"""FTP from the server's side: whole downloads over the simulated link, and everything a server can do wrong."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    DownloadEnded,
    Entry,
    FtpReplied,
    FtpStarted,
    StreamClosed,
    StreamReceived,
    StreamRequested,
    StreamSent,
    TransferEnded,
)
from emulator.wire import ftp as wire
from emulator.world.scenario import Chance, Duration, FilesSpec, LinkSpec, Outage, PathSpec, Scenario
from emulator.world.servers.base import Close, Deliver
from emulator.world.servers.ftp import FtpServer
from tests.emulator.phone.bench import FILE_SERVER, initial, seconds, served, story
from tools.simulate import RunResult, run

MS = SECOND // 1000
FTP = f"ftp://{FILE_SERVER}"


def files(what: str | PathSpec | None = None, **server: Any) -> FilesSpec:
    """An FTP server with the one file that the phone wants."""
    return served({"/i.cfg": what or initial(FTP)}, **{"protocols": ("ftp",), **server})


def fetched(*servers: FilesSpec, url: str = f"{FTP}/i.cfg", **changes: Any) -> RunResult:
    """A run of a phone that is told to fetch this."""
    return run(story(*servers, url=url, **{"until": seconds(90), **changes}))


def ended(result: RunResult) -> tuple[str, int]:
    """How the read of the initial file ended, the first time."""
    event = result.of(TransferEnded)[0].event
    assert isinstance(event, TransferEnded)
    return event.end, event.code


def transcript(result: RunResult) -> list[str]:
    """Both sides of the control connection."""
    said = []
    for entry in result.entries:
        if isinstance(entry.event, StreamSent):
            said.append(f"> {entry.event.payload.decode().strip()}")
        elif isinstance(entry.event, FtpReplied):
            said.append(f"< {entry.event.code} {entry.event.message}")
    return said


def at(entries: list[Entry], kind: type) -> list[int]:
    """When these came, ns after the read began."""
    start = next(entry.time for entry in entries if isinstance(entry.event, FtpStarted))
    return [entry.time - start for entry in entries if isinstance(entry.event, kind)]


@pytest.mark.spec("PROV-118")
def test_the_whole_dialogue_and_its_times() -> None:
    result = fetched(files(ftp=("long-greeting", "no-epsv")))
    assert transcript(result) == [
        "< 220 Phones only.\n220-Files are served here, and\n 220 is a number like any other.\nReady.",
        "> USER anonymous",
        "< 331 Password, please.",
        "> PASS KX-UTG200B@",
        "< 230 Welcome.",
        "> TYPE I",
        "< 200 Binary it is.",
        "> EPSV",
        "< 500 Unknown command.",
        "> PASV",
        "< 227 Entering Passive Mode (192,0,2,20,192,0).",
        "> RETR i.cfg",
        "< 150 Here it comes.",
        "< 226 Done.",
        "> QUIT",
    ]
    # A round trip is 2 ms: to connect, then the greeting one way, five commands, the data connection, and RETR.
    assert at(result.entries, FtpReplied) == [ms * MS for ms in (3, 5, 7, 9, 11, 13, 17, 17)]
    assert at(result.entries, TransferEnded) == [17 * MS]
    assert result.outcome == "provisioned"


ENDS = [
    ({"behaviour": "missing"}, ("server-error", 550)),
    ({"behaviour": "error"}, ("server-error", 451)),
    ({"behaviour": "redirect", "location": "/x"}, ("server-error", 550)),
    ({"behaviour": "redirect-loop"}, ("server-error", 550)),
    ({"behaviour": "cut-off"}, ("cut-off", 426)),
    ({"behaviour": "oversize"}, ("too-large", 150)),
    ({"behaviour": "silent"}, ("idle-timeout", 0)),
    ({"behaviour": "refuse"}, ("refused", 0)),
    ({"behaviour": "slow"}, ("complete", 226)),
    ({"behaviour": "garbage"}, ("complete", 226)),
    ({"delay": seconds(29)}, ("complete", 226)),
    ({"delay": seconds(31)}, ("idle-timeout", 229)),
    ({"ports": {"ftp": 2121}}, ("refused", 0)),
    ({"start": seconds(100)}, ("connect-timeout", 0)),
    ({"auth": "basic", "user": "joe", "password": "secret"}, ("login-refused", 530)),
    ({"auth": "basic", "user": "anonymous", "password": "whatever"}, ("complete", 226)),
    ({"ftp": ("foreign-host", "no-epsv")}, ("foreign-host", 227)),
    ({"ftp": ("foreign-host",)}, ("complete", 226)),
]


@pytest.mark.spec("PROV-118", "PROV-119")
@pytest.mark.parametrize(("server", "wanted"), ENDS, ids=lambda value: str(value)[:40])
def test_how_a_server_can_behave(server: dict[str, Any], wanted: tuple[str, int]) -> None:
    result = fetched(files(**server))
    assert ended(result) == wanted
    end, code = wanted
    failed = result.of(DownloadEnded)[0].event
    assert (failed.reason, failed.status) == ("" if end == "complete" else end, code)


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize(
    ("behaviour", "wanted"),
    [("refuse", ("server-error", 425)), ("silent", ("idle-timeout", 229)), ("missing", ("server-error", 550))],
)
def test_a_single_path_can_behave_so(behaviour: str, wanted: tuple[str, int]) -> None:
    assert ended(fetched(files(PathSpec(behaviour=behaviour)))) == wanted


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize(
    ("changes", "link", "after"),
    [
        # Connect: ten seconds. Silent from the start: thirty after the connection stood, at 2 ms.
        ({"start": seconds(100)}, LinkSpec(), 10 * SECOND),
        ({"behaviour": "silent"}, LinkSpec(), 2 * MS + 30 * SECOND),
        # Silent after RETR, which is sent at 13 ms; before that, the answer to EPSV is the last that was heard.
        ({"delay": seconds(60)}, LinkSpec(), 13 * MS + 30 * SECOND),
        # The link fails after the read began at 4 ms and 11 ms of dialogue: the data connection never stands.
        ({}, LinkSpec(outage=(Outage(Duration(15 * MS)),)), 11 * MS + 10 * SECOND),
        # It fails between the data connection and the file.
        ({}, LinkSpec(outage=(Outage(Duration(17 * MS)),)), 13 * MS + 30 * SECOND),
    ],
)
def test_how_long_the_phone_waits_to_the_nanosecond(changes: dict[str, Any], link: LinkSpec, after: int) -> None:
    result = fetched(files(**changes), link=link)
    assert at(result.entries, TransferEnded)[0] == after


@pytest.mark.spec("PROV-110", "PROV-148")
def test_a_file_of_the_longest_length_comes_in_fifteen_pieces() -> None:
    result = fetched(files(PathSpec(text=initial(FTP), pad_to=245_760)))
    pieces = [entry.event for entry in result.of(StreamReceived) if entry.event.name == "ftp-data"]
    assert [len(event.payload) for event in pieces] == [16_384] * 15
    assert result.of(TransferEnded)[0].event.size == 245_760
    assert result.outcome == "provisioned"
    longer = fetched(files(PathSpec(text=initial(FTP), pad_to=245_761)))
    assert ended(longer) == ("too-large", 150)


def test_a_slow_line_is_no_silence() -> None:
    """A minute for the whole file, and never thirty seconds without a byte on either connection."""
    result = fetched(files(PathSpec(text=initial(FTP), pad_to=245_760), speed=4096))
    assert ended(result) == ("complete", 226)
    # RETR arrives at 14 ms, a minute of data follows, and the last piece is a millisecond on its way.
    assert at(result.entries, TransferEnded)[0] == 60 * SECOND + 15 * MS


@pytest.mark.spec("PROV-041", "PROV-118")
@pytest.mark.parametrize(
    ("password", "wanted"), [("s%20x", "complete"), ("wrong", "login-refused"), ("", "login-refused")]
)
def test_the_login_of_the_url_is_the_one_that_counts(password: str, wanted: str) -> None:
    url = f"ftp://joe:{password}@{FILE_SERVER}/i.cfg"
    result = fetched(files(auth="basic", user="joe", password="s x"), url=url)
    assert ended(result)[0] == wanted


@pytest.mark.spec("PROV-118")
def test_a_path_below_a_directory_and_with_a_space() -> None:
    result = fetched(served({"/a/b c/i.cfg": initial(FTP)}, protocols=("ftp",)), url=f"{FTP}/a/b%20c/i.cfg")
    assert result.outcome == "provisioned"


# Thirty percent loss, and whatever else the link does.
ROUGH = LinkSpec(loss=Chance(300_000), duplicate=Chance(100_000), jitter=Duration(20 * MS), reorder=Chance(100_000))


@pytest.mark.spec("PROV-118")
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 60_000))
def test_on_a_lossy_link_the_file_arrives_equal_or_not_at_all(seed: int, size: int) -> None:
    body = initial(FTP) + " " * size
    world = attrs.evolve(story(files(body), url=f"{FTP}/i.cfg"), link=ROUGH, seed=seed, until=seconds(300))
    ends = run(world).of(TransferEnded)
    for entry in ends:
        if entry.event.end == "complete":
            assert entry.event.size == len(body)
            assert entry.event.digest == sha256(body.encode()).hexdigest()
        else:
            assert entry.event.end in ("connect-timeout", "idle-timeout", "no-address")


def test_the_lossy_link_does_let_files_through() -> None:
    """Else the property above would hold for nothing."""
    world = attrs.evolve(story(files(), url=f"{FTP}/i.cfg"), link=ROUGH, until=seconds(300))
    ends = [ended(run(attrs.evolve(world, seed=seed))) for seed in range(1, 11)]
    assert ("complete", 226) in ends


def test_the_causes_of_a_read_lead_back_to_it() -> None:
    result = fetched(files())
    entries = {entry.n: entry for entry in result.entries}
    for entry in result.entries:
        if isinstance(entry.event, StreamReceived | StreamClosed):
            assert isinstance(entries[entry.cause or 0].event, StreamRequested)


# --- The server by itself -------------------------------------------------------------------------------------------


def replies(actions: Any) -> list[int]:
    """Codes of what a server said on its control connection."""
    return [int(action.payload[:3]) for action in actions if isinstance(action, Deliver)]


@pytest.fixture
def server() -> FtpServer:
    """A server with one client."""
    made = FtpServer(files("content"), {})
    assert replies(made.accept(1, 21, 0)) == [220]
    return made


def test_commands_may_come_in_any_pieces(server: FtpServer) -> None:
    data = b"USER a\r\nPASS b\nTYPE I\r\n"
    codes = [code for byte in data for code in replies(server.receive(1, bytes([byte]), 0))]
    assert codes == [331, 230, 200]


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        (b"RETR i.cfg\r\n", [530]),
        (b"EPSV\r\n", [530]),
        (b"USER a\r\nPASS b\r\nRETR i.cfg\r\n", [331, 230, 425]),
        (b"USER a\r\nPASS b\r\nSTOR i.cfg\r\n", [331, 230, 502]),
        (b"USER a\r\nPASS b\r\nTYPE A\r\n", [331, 230, 504]),
        (b"\0\r\nUSER a\r\n", [500]),
        (b"QUIT\r\n", [221]),
    ],
)
def test_what_a_server_says_to_other_clients(server: FtpServer, said: bytes, codes: list[int]) -> None:
    assert replies(server.receive(1, said, 0)) == codes


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"USER a\r\n", b"PASS\r\n", b"EPSV\r\n", b"RETR x\r\n"])))
def test_whatever_a_client_says_gets_replies(said: list[bytes]) -> None:
    made = FtpServer(files("content"), {})
    made.accept(1, 21, 0)
    for piece in said:
        for action in made.receive(1, piece, 0):
            assert isinstance(action, Deliver | Close)
            assert not isinstance(action, Deliver) or wire.next_reply(action.payload) is not None


def test_a_data_connection_belongs_to_its_session_and_goes_with_it(server: FtpServer) -> None:
    list(server.receive(1, b"USER a\r\nPASS b\r\nEPSV\r\n", 0))
    assert server.serves(FILE_SERVER, 49_152)
    twin = server.fork()
    server.closed(1)
    assert not server.serves(FILE_SERVER, 49_152)
    assert server.sessions == {}
    assert list(server.receive(1, b"QUIT\r\n", 0)) == []
    assert twin.accept(2, 49_152, 0) == ()
    made = list(twin.receive(1, b"RETR i.cfg\r\n", 0))
    assert made[1:3] == [Deliver(2, b"content"), Close(2)]
    assert replies([made[0], made[3]]) == [150, 226]


def test_a_scenario_without_ftp_has_no_ftp_server() -> None:
    scenario: Scenario = story(served({"/i.cfg": initial()}))
    assert run(scenario).of(FtpStarted) == []
    assert ended(fetched(served({"/i.cfg": initial()}))) == ("refused", 0)


def test_pasv_has_no_room_for_an_ipv6_address() -> None:
    made = FtpServer(files("content", address="2001:db8::20"), {})
    made.accept(1, 21, 0)
    list(made.receive(1, b"USER a\r\nPASS b\r\n", 0))
    assert replies(list(made.receive(1, b"PASV\r\nEPSV\r\n", 0))) == [425, 229]
    assert made.serves("2001:0DB8:0::0020", 49_152)
