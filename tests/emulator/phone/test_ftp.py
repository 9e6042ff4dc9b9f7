"""The FTP client on the bench: the test is the server, reply by reply (PROV-118, PROV-119, RFC 959)."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AddressLost,
    DownloadEnded,
    Entry,
    FtpReplied,
    FtpStarted,
    LinkDown,
    PacketRefused,
    Payload,
    PowerOff,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
    TransferEnded,
)
from emulator.phone.ftp import remote_path
from emulator.phone.state import fold_entry
from emulator.phone.storage import FoldMismatch
from emulator.wire import dhcp as wire
from tests.emulator.phone.bench import FILE_SERVER, QUIET, Bench, initial, of

FILE = initial(f"http://{FILE_SERVER}").encode()
LIMIT = 245_760


class Server:
    """The other end: it says what a test tells it to, and keeps what the phone said."""

    def __init__(self, url: str = f"ftp://{FILE_SERVER}/i.cfg") -> None:
        self.bench = Bench(provisioned=tuple(QUIET.items()))
        self.bench.link_up()
        self.bench.bind((wire.PROVISIONING_160, url.encode()))

    def ordinal(self, name: str) -> int:
        """Of the open stream."""
        return self.bench.phone.orders.open[f"stream:{name}"].ordinal

    def connect(self, name: str = "ftp") -> list[Entry]:
        """The connection stands."""
        return self.bench.feed(StreamOpened(name, self.ordinal(name)))

    def say(self, *lines: str) -> list[Entry]:
        """Replies, in one piece."""
        return self.bytes("".join(f"{line}\r\n" for line in lines).encode())

    def bytes(self, data: bytes, name: str = "ftp") -> list[Entry]:
        """A piece of a stream."""
        return self.bench.feed(StreamReceived(name, self.ordinal(name), Payload(data)))

    def close(self, name: str = "ftp", reason: str = "") -> list[Entry]:
        """A connection ends."""
        return self.bench.feed(StreamClosed(name, self.ordinal(name), reason))

    def until(self, stage: str) -> Server:
        """Everything goes well up to where the phone waits in ``stage``."""
        for each, lines in WELL:
            if each == stage:
                return self
            if each == "data":
                self.connect("ftp-data")
            else:
                self.connect() if not lines else self.say(*lines)
        raise AssertionError(stage)

    @property
    def said(self) -> list[bytes]:
        """The phone's commands."""
        return [entry.event.payload for entry in self.bench.of(StreamSent)]

    @property
    def results(self) -> list[tuple[str, int]]:
        """How reads ended."""
        return [(entry.event.end, entry.event.code) for entry in self.bench.of(TransferEnded)]

    @property
    def reason(self) -> str:
        """Why the download failed, "" if it did not."""
        (entry,) = self.bench.of(DownloadEnded)
        assert isinstance(entry.event, DownloadEnded)
        return entry.event.reason


WELL: list[tuple[str, tuple[str, ...]]] = [
    ("connect", ()),
    ("greeting", ("220 Ready.",)),
    ("USER", ("331 Password.",)),
    ("PASS", ("230 Welcome.",)),
    ("TYPE", ("200 Binary.",)),
    ("EPSV", ("229 Extended (|||49152|)",)),
    ("data", ()),
    ("RETR", ("150 Here it comes.",)),
    ("transfer", ()),
]
"""Where the phone waits, and what lets it go on."""


# --- The dialogue ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-118", "PROV-119")
def test_the_whole_dialogue() -> None:
    server = Server()
    server.until("transfer")
    server.bytes(FILE[:10], "ftp-data")
    server.bytes(FILE[10:], "ftp-data")
    server.close("ftp-data")
    server.say("226 Done.")
    kinds = (FtpStarted, StreamRequested, StreamSent, StreamShut, FtpReplied, TransferEnded)
    control = StreamRequested("ftp", FILE_SERVER, 21, 10 * SECOND, 30 * SECOND)
    data = StreamRequested("ftp-data", FILE_SERVER, 49152, 10 * SECOND, 30 * SECOND)
    where = ("initial", FILE_SERVER, FILE_SERVER, 21, Payload(b"i.cfg"), "anonymous", "")
    assert [entry.event for entry in server.bench.entries if isinstance(entry.event, kinds)] == [
        FtpStarted(*where, LIMIT, 10 * SECOND, 30 * SECOND),
        control,
        FtpReplied(220, "Ready.", 12),
        StreamSent("ftp", Payload(b"USER anonymous\r\n")),
        FtpReplied(331, "Password.", 15),
        StreamSent("ftp", Payload(b"PASS KX-UTG200B@\r\n")),
        FtpReplied(230, "Welcome.", 14),
        StreamSent("ftp", Payload(b"TYPE I\r\n")),
        FtpReplied(200, "Binary.", 13),
        StreamSent("ftp", Payload(b"EPSV\r\n")),
        FtpReplied(229, "Extended (|||49152|)", 26),
        data,
        StreamSent("ftp", Payload(b"RETR i.cfg\r\n")),
        FtpReplied(150, "Here it comes.", 20),
        FtpReplied(226, "Done.", 11),
        StreamSent("ftp", Payload(b"QUIT\r\n")),
        StreamShut("ftp"),
        TransferEnded("initial", "complete", 226, len(FILE), sha256(FILE).hexdigest()),
    ]
    assert server.reason == ""
    assert server.bench.phone.download.body == FILE
    assert server.bench.phone.ftp.chunks == []


@pytest.mark.parametrize("first", ["226 Done.", "250 Done."])
def test_the_last_reply_may_come_before_the_data_connection_closes(first: str) -> None:
    server = Server().until("transfer")
    server.bytes(FILE, "ftp-data")
    server.say(first)
    assert server.results == []
    server.close("ftp-data")
    assert server.results == [("complete", int(first[:3]))]
    assert server.bench.phone.download.body == FILE


def test_a_server_that_hangs_up_after_the_last_reply_has_done_its_part() -> None:
    server = Server().until("transfer")
    server.say("226 Done.")
    server.close()
    server.bytes(FILE, "ftp-data")
    server.close("ftp-data")
    assert server.results == [("complete", 226)]
    assert server.said[-1] == b"RETR i.cfg\r\n", "nobody is there for QUIT"


def test_a_server_may_leave_out_the_preliminary_reply() -> None:
    server = Server().until("RETR")
    server.bytes(FILE, "ftp-data")
    server.close("ftp-data")
    server.say("226 Done.")
    assert server.results == [("complete", 226)]


def test_a_data_connection_that_closes_too_early_is_no_file() -> None:
    server = Server().until("data")
    server.close("ftp-data")
    assert server.results == [("cut-off", 229)]


@pytest.mark.spec("PROV-118", "PROV-041")
@pytest.mark.parametrize(
    ("login", "commands"),
    [
        ("", [b"USER anonymous\r\n", b"PASS KX-UTG200B@\r\n"]),
        ("joe:s%20x@", [b"USER joe\r\n", b"PASS s x\r\n"]),
        ("joe@", [b"USER joe\r\n", b"PASS\r\n"]),
        ("anonymous:me@", [b"USER anonymous\r\n", b"PASS me\r\n"]),
    ],
)
def test_the_login_is_the_urls_or_anonymous(login: str, commands: list[bytes]) -> None:
    server = Server(f"ftp://{login}{FILE_SERVER}/i.cfg").until("TYPE")
    assert server.said[:2] == commands
    assert server.said[2] == b"TYPE I\r\n"


def test_a_server_that_wants_no_password_gets_none() -> None:
    server = Server("ftp://joe:secret@192.0.2.20/i.cfg").until("USER")
    server.say("230 Welcome.")
    assert server.said == [b"USER joe\r\n", b"TYPE I\r\n"]


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize("refusal", ["500 What?", "501 What?", "502 What?", "522 (1)", "421 Bye.", "425 No."])
def test_a_server_without_epsv_is_asked_by_pasv(refusal: str) -> None:
    server = Server().until("EPSV")
    server.say(refusal)
    if refusal.startswith("421"):
        assert server.results == [("server-error", 421)]
        return
    assert server.said[-1] == b"PASV\r\n"
    made = server.say("227 Passive (192,0,2,20,4,1)")
    assert [(e.event.address, e.event.port) for e in of(made, StreamRequested)] == [(FILE_SERVER, 1025)]
    server.connect("ftp-data")
    assert server.said[-1] == b"RETR i.cfg\r\n"


@pytest.mark.spec("PROV-118")
def test_the_data_connection_never_leads_to_another_host() -> None:
    server = Server().until("EPSV")
    server.say("500 What?")
    made = server.say("227 Passive (203,0,113,9,4,1)")
    assert not of(made, StreamRequested)
    assert server.results == [("foreign-host", 227)]
    assert server.reason == "foreign-host"


# --- Refusals -------------------------------------------------------------------------------------------------------

REFUSALS = [
    ("greeting", "421 Full.", "server-error"),
    ("greeting", "500 Go away.", "server-error"),
    ("greeting", "331 What?", "server-error"),
    ("USER", "530 Who?", "login-refused"),
    ("USER", "332 Account?", "login-refused"),
    ("USER", "421 Full.", "server-error"),
    ("PASS", "530 No.", "login-refused"),
    ("PASS", "332 Account?", "login-refused"),
    ("PASS", "430 No.", "login-refused"),
    ("TYPE", "504 Text only.", "server-error"),
    ("TYPE", "331 What?", "server-error"),
    ("RETR", "550 No such file.", "server-error"),
    ("RETR", "425 No data connection.", "server-error"),
    ("RETR", "451 Disk.", "server-error"),
    ("transfer", "426 Broken off.", "cut-off"),
    ("transfer", "451 Disk.", "cut-off"),
    ("transfer", "350 What?", "cut-off"),
]


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize(("stage", "line", "reason"), REFUSALS)
def test_a_refusal_ends_the_read_and_the_phone_says_goodbye(stage: str, line: str, reason: str) -> None:
    server = Server().until(stage)
    made = server.say(line)
    assert server.results == [(reason, int(line[:3]))]
    assert server.reason == reason
    assert server.said[-1] == b"QUIT\r\n"
    assert not [key for key in server.bench.phone.orders.open if key.startswith("stream:")]
    shut = [entry.event.name for entry in of(made, StreamShut)]
    assert shut == (["ftp-data", "ftp"] if stage in ("RETR", "transfer") else ["ftp"])


@pytest.mark.parametrize("stage", [stage for stage, _ in WELL if stage not in ("connect", "data")])
@pytest.mark.parametrize("reason", ["", "reset", "idle-timeout"])
def test_a_control_connection_that_ends_takes_the_read_with_it(stage: str, reason: str) -> None:
    server = Server().until(stage)
    before = len(server.said)
    server.close(reason=reason)
    assert [end for end, _ in server.results] == [reason or "cut-off"]
    assert len(server.said) == before
    assert not [key for key in server.bench.phone.orders.open if key.startswith("stream:")]


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize("reason", ["refused", "connect-timeout"])
@pytest.mark.parametrize("name", ["ftp", "ftp-data"])
def test_a_connection_that_never_stands_is_a_failed_download(name: str, reason: str) -> None:
    server = Server().until("connect" if name == "ftp" else "data")
    server.close(name, reason)
    assert server.results == [(reason, 0 if name == "ftp" else 229)]
    assert server.reason == reason


@pytest.mark.parametrize("reason", ["reset", "idle-timeout"])
def test_a_data_connection_that_breaks_ends_the_read(reason: str) -> None:
    server = Server().until("transfer")
    server.bytes(FILE[:9], "ftp-data")
    made = server.close("ftp-data", reason)
    (result,) = of(made, TransferEnded)
    assert (result.event.end, result.event.size) == (reason, 9)
    assert result.event.digest == sha256(FILE[:9]).hexdigest()


@pytest.mark.spec("PROV-148")
@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
def test_one_byte_too_many_shuts_the_data_connection_at_once(size: int) -> None:
    server = Server().until("transfer")
    made = []
    for start in range(0, size, 16_384):
        made = server.bytes(bytes(min(16_384, size - start)), "ftp-data")
    if size == LIMIT:
        assert server.results == []
        return
    assert [entry.event.name for entry in of(made, StreamShut)] == ["ftp-data", "ftp"]
    assert server.results == [("too-large", 150)]
    assert server.reason == "too-large"


def test_a_server_that_only_ever_says_wait_is_given_up() -> None:
    server = Server().until("greeting")
    for _ in range(64):
        server.say("120 In a minute.")
    assert server.results == []
    server.say("120 In a minute.")
    assert server.results == [("garbage", 120)]


@pytest.mark.parametrize(
    ("stage", "line", "reason"),
    [
        ("greeting", "SSH-2.0-dropbear", "bad-reply"),
        ("greeting", "220 " + "x" * 2000, "line-too-long"),
        ("EPSV", "229 no port", "bad-passive"),
        ("PASS", "\0\1\2", "bad-reply"),
    ],
)
def test_what_is_no_ftp_ends_the_read(stage: str, line: str, reason: str) -> None:
    server = Server().until(stage)
    made = server.say(line)
    assert [entry.event for entry in of(made, PacketRefused)] == [PacketRefused("FTP", reason)]
    assert server.reason == "garbage"


def test_a_pasv_reply_without_an_address_ends_the_read() -> None:
    server = Server().until("EPSV")
    server.say("500 What?")
    server.say("227 somewhere")
    assert [end for end, _ in server.results] == ["garbage"]


def test_a_refusal_followed_by_garbage_is_one_refusal() -> None:
    server = Server().until("RETR")
    server.say("550 No such file.", "garbage", "550 No such file.")
    assert server.results == [("server-error", 550)]


def test_replies_that_nothing_asked_for_are_kept_for_a_while_only() -> None:
    server = Server().until("data")
    server.bytes(b"200 x\r\n" * 146)
    assert server.results == []
    server.bytes(b"200 x\r\n")
    assert server.results == [("garbage", 229)]


# --- Pieces ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.integers(1, 40), max_size=6), min_size=6, max_size=6))
def test_where_replies_are_cut_means_nothing(cuts: list[list[int]]) -> None:
    whole, cut = Server(), Server()
    for server in (whole, cut):
        server.connect()
    stages = [lines for stage, lines in WELL if lines and stage != "RETR"]
    for lines, places in zip(stages, cuts, strict=False):
        whole.say(*lines)
        data = b"".join(f"{line}\r\n".encode() for line in lines)
        ends = sorted({place for place in places if place < len(data)})
        for start, end in zip([0, *ends], [*ends, len(data)], strict=True):
            cut.bytes(data[start:end])
    assert cut.said == whole.said
    replies = [[entry.event for entry in server.bench.of(FtpReplied)] for server in (whole, cut)]
    assert replies[0] == replies[1]


def test_a_reply_that_comes_with_the_one_before_it_is_read_in_its_turn() -> None:
    server = Server().until("greeting")
    server.say("220-Hello", "220 Ready.", "331 Password.", "230 Welcome.", "200 Binary.")
    assert server.said == [b"USER anonymous\r\n", b"PASS KX-UTG200B@\r\n", b"TYPE I\r\n", b"EPSV\r\n"]
    server.say("229 (|||5|)")
    server.connect("ftp-data")
    server.say("150 Here.", "226 Done.")
    server.close("ftp-data")
    assert server.results == [("complete", 226)]


ACTS = st.one_of(
    st.sampled_from([code for code in range(100, 600) if code % 100 in (0, 20, 21, 26, 27, 29, 30, 31, 50)]),
    st.binary(max_size=40),
    st.sampled_from(["open", "data-open", "data", "data-close", "data-reset"]),
)
PASSIVE = {227: "227 (192,0,2,20,4,1)", 229: "229 (|||5|)"}


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([stage for stage, _ in WELL]), st.lists(ACTS, max_size=12))
def test_whatever_a_server_does_the_read_ends_once(stage: str, acts: list[int | bytes | str]) -> None:
    server = Server().until(stage)
    gate = server.bench.machine.accepts
    for act in acts:
        name = "ftp-data" if isinstance(act, str) and act.startswith("data") else "ftp"
        if f"stream:{name}" not in server.bench.phone.orders.open:
            continue
        if act in ("open", "data-open"):
            server.connect(name)
        elif act in ("data-close", "data-reset"):
            server.close(name, "reset" if act == "data-reset" else "")
        elif act == "data":
            server.bytes(b"data", name)
        else:
            server.bytes(act if isinstance(act, bytes) else f"{PASSIVE.get(act, f'{act} x')}\r\n".encode())
    for name in ("ftp-data", "ftp"):
        if f"stream:{name}" in server.bench.phone.orders.open:
            server.close(name, "reset")
    assert len(server.results) == 1
    assert len(server.bench.of(DownloadEnded)) == 1
    assert not gate(StreamOpened("ftp", 1))
    assert server.bench.phone.ftp == type(server.bench.phone.ftp)()


# --- Paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/i.cfg", b"i.cfg"),
        ("/a/b%20c/i.cfg", b"a/b c/i.cfg"),
        ("/%2Fetc/i.cfg", b"/etc/i.cfg"),
        ("/i.cfg;type=a", b"i.cfg"),
        ("/i.cfg;TYPE=I", b"i.cfg"),
        ("/i.cfg;type=x", b"i.cfg;type=x"),
        ("/%C3%A4.cfg", "ä.cfg".encode()),
    ],
)
def test_the_path_is_decoded_and_relative(path: str, asked: bytes) -> None:
    assert remote_path(path) == asked


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize("path", ["/i%0D%0ADELE%20x.cfg", "/i%0A.cfg", "/i%00.cfg", "/i%FF.cfg"])
def test_a_path_that_would_be_another_command_is_never_sent(path: str) -> None:
    server = Server(f"ftp://{FILE_SERVER}{path}")
    assert server.results == [("bad-character", 0)]
    assert not server.bench.of(StreamRequested)


# --- The address goes, the power goes -------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [stage for stage, _ in WELL])
def test_without_an_address_the_read_is_over(stage: str) -> None:
    server = Server().until(stage)
    made = server.bench.feed(LinkDown())
    assert of(made, AddressLost)
    assert [entry.event.end for entry in of(made, TransferEnded)] == ["no-address"]
    assert [entry.event.reason for entry in of(made, DownloadEnded)] == ["no-address"]
    assert not of(made, StreamSent)
    assert not server.bench.phone.ftp.open


def test_without_power_nothing_of_it_is_left() -> None:
    server = Server("ftp://joe:secret@192.0.2.20/i.cfg").until("transfer")
    server.bench.feed(PowerOff())
    assert server.bench.phone.ftp == type(server.bench.phone.ftp)()


def test_a_late_answer_of_an_earlier_stream_is_refused() -> None:
    server = Server().until("transfer")
    stale = StreamReceived("ftp-data", server.ordinal("ftp-data"), Payload(b"x"))
    assert server.bench.machine.accepts(stale)
    server.say("451 Disk.")
    assert not server.bench.machine.accepts(stale)


# --- What the log says ----------------------------------------------------------------------------------------------


def test_the_body_is_what_the_log_says_or_the_fold_stops() -> None:
    server = Server().until("transfer")
    server.bytes(FILE, "ftp-data")
    lying = TransferEnded("initial", "complete", 226, len(FILE), sha256(b"another").hexdigest())
    entry = Entry(len(server.bench.entries) + 1, server.bench.now, None, 0, 1, (), lying)
    with pytest.raises(FoldMismatch, match="initial file"):
        fold_entry(server.bench.machine.firmware, server.bench.phone, entry)


def test_no_line_shows_the_password() -> None:
    server = Server("ftp://joe:hunter2@192.0.2.20/i.cfg").until("PASS")
    assert server.said[-1] == b"PASS hunter2\r\n"
    server.say("530 'PASS hunter2' is wrong.")
    assert not [entry.event.text() for entry in server.bench.entries if "hunter2" in entry.event.text()]
    assert server.bench.of(StreamSent)[1].event.text() == "TCP ftp: PASS ***"
    assert server.bench.phone.ftp.password == ""


def test_a_transfer_names_its_grounds() -> None:
    server = Server().until("transfer")
    server.bytes(FILE, "ftp-data")
    server.say("226 Done.")
    made = server.close("ftp-data")
    (result,) = of(made, TransferEnded)
    entries = {entry.n: entry.event for entry in server.bench.entries}
    assert [type(entries[n]) for n in result.because] == [FtpStarted, FtpReplied, StreamClosed]
    assert type(entries[result.cause or 0]) is StreamClosed
