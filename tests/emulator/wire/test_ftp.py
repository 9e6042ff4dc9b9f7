"""FTP's control connection: what may be written, what is read, and Python's own client as the judge."""

from __future__ import annotations

import contextlib
import ftplib
import io

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emulator.wire import ftp
from emulator.wire.ftp import Command, FtpError, Reply

prop = settings(deadline=None)
WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)
CODES = st.integers(100, 599)
PORTS = st.integers(1, 65_535)
ADDRESSES = st.ip_addresses(v=4).map(str)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """A reply that can be written: no line of it but the last looks like the last."""
    code = draw(CODES)
    lines = draw(st.lists(WORDS | st.just(f"{code}x"), min_size=1, max_size=5))
    return Reply(
        code, tuple(f".{line}" if line == f"{code}" or line.startswith(f"{code} ") else line for line in lines)
    )


def read_all(pieces: list[bytes]) -> tuple[list[Reply], str, bytes]:
    """(replies, reason of the first fault or "", what is left) when these pieces arrive one by one."""
    buffer, found = b"", []
    for piece in pieces:
        buffer += piece
        try:
            while (each := ftp.next_reply(buffer)) is not None:
                found.append(each[0])
                buffer = buffer[each[1] :]
        except FtpError as error:
            return found, error.reason, b""
    return found, "", buffer


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces."""
    ends = sorted(place % (len(data) + 1) for place in places)
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


# --- Replies --------------------------------------------------------------------------------------------------------


@prop
@given(replies(), st.binary(max_size=20))
def test_a_reply_is_read_as_it_was_written_whatever_follows(reply: Reply, after: bytes) -> None:
    data = reply.encode()
    assert ftp.next_reply(data + after) == (reply, len(data))


@prop
@given(replies())
def test_no_beginning_of_a_reply_is_a_reply(reply: Reply) -> None:
    data = reply.encode()
    assert [ftp.next_reply(data[:size]) for size in range(len(data))] == [None] * len(data)


SCRAPS = st.sampled_from([b"220 a\r\n", b"220-a\r\n", b"220\n", b"22", b"\r\n", b"x" * 1023, b"\r", b"600 x\n"])


@prop
@given(st.lists(SCRAPS | st.binary(max_size=30), max_size=12), st.lists(st.integers(0, 10**4), max_size=12))
def test_any_split_of_any_bytes_reads_the_same(scraps: list[bytes], places: list[int]) -> None:
    data = b"".join(scraps)
    assert read_all(cut(data, places)) == read_all([data])


@prop
@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_codecs_own_error(data: bytes) -> None:
    for reader in (ftp.next_reply, ftp.next_command):
        with contextlib.suppress(FtpError):
            found = reader(data)
            assert found is None or 0 < found[1] <= len(data)
    for parse in (ftp.passive, ftp.extended_passive):
        with contextlib.suppress(FtpError):
            parse(data.decode("latin-1"))


@pytest.mark.parametrize(
    ("data", "code", "lines"),
    [
        (b"220 Ready.\r\n", 220, ("Ready.",)),
        (b"220 Ready.\n", 220, ("Ready.",)),
        (b"220 Ready.\r\r\n", 220, ("Ready.",)),
        (b"220\r\n", 220, ("",)),
        (b"220 \r\n", 220, ("",)),
        (b"220-a\r\n220-b\r\n220 c\r\n", 220, ("a", "220-b", "c")),
        (b"220-a\n b\n220\n", 220, ("a", " b", "")),
        (b"220-a\r\n221 b\r\n 220 c\r\n220 d\r\n", 220, ("a", "221 b", " 220 c", "d")),
        (b"530 \xe4\r\n", 530, ("\ufffd",)),
    ],
)
def test_replies_as_servers_write_them(data: bytes, code: int, lines: tuple[str, ...]) -> None:
    assert ftp.next_reply(data) == (Reply(code, lines), len(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\r\n", "bad-reply"),
        (b"hello\r\n", "bad-reply"),
        (b"22 x\r\n", "bad-reply"),
        (b"2200 x\r\n", "bad-reply"),
        (b"099 x\r\n", "bad-reply"),
        (b"600 x\r\n", "bad-reply"),
        (b"220_x\r\n", "bad-reply"),
        (b"220 " + b"x" * 1021 + b"\r\n", "line-too-long"),
        (b"220 " + b"x" * 1023, "line-too-long"),
        (b"220-x\r\n" + b"y" * 1027, "line-too-long"),
        (b"220-x\r\n" * 64, "too-many-lines"),
    ],
)
def test_what_can_become_no_reply_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(FtpError) as refused:
        ftp.next_reply(data)
    assert refused.value.reason == reason


def test_the_longest_line_and_the_longest_reply_are_read() -> None:
    line = b"220 " + b"x" * 1020 + b"\r\n"
    assert ftp.next_reply(line) is not None
    longest = Reply(220, ("a",) * 64)
    assert ftp.next_reply(longest.encode()) == (longest, len(longest.encode()))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(99, ("a",)),
        Reply(600, ("a",)),
        Reply(220, ()),
        Reply(220, ("a\nb",)),
        Reply(220, ("a\r",)),
        Reply(220, ("a", "220 b", "c")),
        Reply(220, ("a", "220", "c")),
        Reply(220, ("\ud800",)),
        Reply(220, ("x" * 1021,)),
        Reply(220, ("a",) * 65),
    ],
)
def test_what_would_read_as_something_else_is_not_written(reply: Reply) -> None:
    with pytest.raises(FtpError):
        reply.encode()


@prop
@given(replies())
def test_pythons_client_reads_the_same_reply(reply: Reply) -> None:
    # It takes any line that begins with the code for the last one; RFC 959 s.4.2 wants a space behind it.
    assume(not any(line.startswith(f"{reply.code}") for line in reply.lines[1:-1]))
    data = reply.encode()
    judge = ftplib.FTP()
    judge.file = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="\n")  # type: ignore[assignment]
    text = judge.getmultiline()
    assert text == data.decode().removesuffix("\r\n").replace("\r\n", "\n")
    assert int(text[:3]) == reply.code


# --- Commands -------------------------------------------------------------------------------------------------------


@prop
@given(st.from_regex("[A-Z]{3,4}", fullmatch=True), st.binary(max_size=40))
def test_a_command_is_one_line_or_none(verb: str, argument: bytes) -> None:
    command = Command(verb, argument)
    if set(argument) & set(b"\r\n\0\xff"):
        with pytest.raises(FtpError, match="bad-character"):
            command.encode()
        return
    data = command.encode()
    assert data.count(b"\n") == data.count(b"\r") == 1
    assert data.endswith(b"\r\n")
    assert ftp.next_command(data + b"QUIT\r\n") == (command, len(data))
    assert all(ftp.next_command(data[:size]) is None for size in range(len(data)))


@pytest.mark.parametrize("verb", ["", "AB", "ABCDE", "us er", "USER\r\n", "ÄÖÜ", "user"])
def test_a_verb_is_three_or_four_capitals(verb: str) -> None:
    with pytest.raises(FtpError, match="bad-command"):
        Command(verb).encode()


def test_a_command_line_has_a_longest_length() -> None:
    assert len(Command("RETR", b"x" * 1019).encode()) == 1026
    with pytest.raises(FtpError, match="line-too-long"):
        Command("RETR", b"x" * 1020).encode()


# --- Where the data comes from --------------------------------------------------------------------------------------


@prop
@given(ADDRESSES, PORTS)
def test_an_address_and_a_port_go_there_and_back_and_pythons_client_agrees(address: str, port: int) -> None:
    reply = ftp.passive_reply(address, port)
    assert ftp.passive(reply.text) == (address, port)
    assert ftplib.parse227(reply.encode().decode()) == (address, port)
    extended = ftp.extended_passive_reply(port)
    assert ftp.extended_passive(extended.text) == port
    assert ftplib.parse229(extended.encode().decode(), (address, 21)) == (address, port)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Entering Passive Mode (192,0,2,20,4,1).", ("192.0.2.20", 1025)),
        ("Entering Passive Mode 192,0,2,20,0,21", ("192.0.2.20", 21)),
        ("=192,0,2,20,255,255", ("192.0.2.20", 65_535)),
    ],
)
def test_the_numbers_of_227_wherever_they_stand(text: str, found: tuple[str, int]) -> None:
    assert ftp.passive(text) == found


@pytest.mark.parametrize(
    "text", ["(192,0,2,20,0,0)", "(192,0,2,256,4,1)", "(192,0,2,20,4)", "(1192,0,2,20,4,1)", "192.0.2.20:1025", ""]
)
def test_a_227_without_an_address_and_a_port(text: str) -> None:
    with pytest.raises(FtpError, match="bad-passive"):
        ftp.passive(text)


@pytest.mark.parametrize(("text", "port"), [("Entering Extended Passive Mode (|||6446|)", 6446), ("(!!!21!)", 21)])
def test_the_port_of_229(text: str, port: int) -> None:
    assert ftp.extended_passive(text) == port


@pytest.mark.parametrize(
    "text",
    ["(|||0|)", "(|||65536|)", "(|1|192.0.2.20|6446|)", "|||6446|", "(||!6446|)", "(11164461)", "(|||x|)", ""],
)
def test_a_229_without_a_port(text: str) -> None:
    with pytest.raises(FtpError, match="bad-passive"):
        ftp.extended_passive(text)
