"""The control connection of FTP as bytes and as objects (RFC 959, RFC 1123 s.4.1, RFC 2428).

`next_reply` and `next_command` take the first whole one off a buffer and say how many bytes it took, so the caller may
keep the rest as plain bytes and add to it as more arrives.
"""

import re
from typing import Final

import attrs

LINE_LIMIT: Final = 1024
"""The longest line that is read or written, in bytes, without its end."""
LINES_LIMIT: Final = 64
"""Lines of the longest reply that is read."""

_LINE: Final = re.compile(rb"([1-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_COMMAND: Final = re.compile(rb"([A-Za-z]{3,4})(?: (.*))?", re.DOTALL)
_VERB: Final = re.compile("[A-Z]{3,4}")
_FORBIDDEN: Final = re.compile(rb"[\r\n\0\xff]")
_SIX: Final = re.compile(r"(?<![0-9])" + ",".join(["([0-9]{1,3})"] * 6) + r"(?![0-9])")
_EXTENDED: Final = re.compile(r"\(([!-/:-~])\1\1([0-9]{1,5})\1\)")


class FtpError(ValueError):
    """Bytes that are no FTP, or values that cannot be sent. `reason` is a short fixed code.

    Codes from reading: `bad-reply`, `bad-command`, `line-too-long`, `too-many-lines`, `bad-passive` (a 227 or 229
    without a usable address or port). Codes from writing: `bad-character`, `bad-reply`, `line-too-long`,
    `too-many-lines`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class Command:
    """One command. `verb`: upper case; `argument`: "" and no argument are the same."""

    verb: str
    argument: bytes = b""

    def encode(self) -> bytes:
        """The command line.

        Raises FtpError: `bad-character` for what would end the line and so begin another command (CR, LF, NUL), and
        for 0xFF, which begins a Telnet command (RFC 959 s.5.3); `line-too-long`; `bad-command` for a bad verb.
        """
        if not _VERB.fullmatch(self.verb):
            raise FtpError("bad-command")
        if _FORBIDDEN.search(self.argument):
            raise FtpError("bad-character")
        line = self.verb.encode() + (b" " + self.argument if self.argument else b"")
        if len(line) > LINE_LIMIT:
            raise FtpError("line-too-long")
        return line + b"\r\n"


@attrs.frozen
class Reply:
    """One reply. `code`: 100 to 599; `lines`: its text without codes and line ends, at least one line."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    def encode(self) -> bytes:
        """The reply as a server writes it: a single line, or the multi-line form of RFC 959 s.4.2.

        Raises FtpError: `bad-reply` for a code or a line that would read as something else, `line-too-long`,
        `too-many-lines`.
        """
        if not 100 <= self.code <= 599 or not self.lines:
            raise FtpError("bad-reply")
        code = b"%d" % self.code
        try:
            *before, last = (line.encode() for line in self.lines)
        except UnicodeEncodeError:
            raise FtpError("bad-reply") from None
        if any(b"\n" in line or line.endswith(b"\r") for line in (*before, last)):
            raise FtpError("bad-reply")
        if any(_last_line(line, code) is not None for line in before[1:]):
            raise FtpError("bad-reply")
        lines = [code + b"-" + line for line in before[:1]] + before[1:] + [code + b" " + last]
        if len(lines) > LINES_LIMIT:
            raise FtpError("too-many-lines")
        if any(len(line) > LINE_LIMIT for line in lines):
            raise FtpError("line-too-long")
        return b"".join(line + b"\r\n" for line in lines)


def next_reply(buffer: bytes) -> tuple[Reply, int] | None:
    """The first reply in `buffer` and the bytes it takes there; None if it is not whole yet.

    Liberal as RFC 1123 s.4.1.2.1 and s.4.1.2.11 want it: a line may end in LF alone, a code may stand without text,
    and bytes that are no UTF-8 are replaced. Raises FtpError as soon as it cannot become a reply.
    """
    first, at = _line(buffer, 0)
    if first is None:
        return None
    found = _LINE.fullmatch(first)
    if found is None:
        raise FtpError("bad-reply")
    code, mark, text = found.groups(b"")
    lines = [text]
    while mark == b"-":
        line, at = _line(buffer, at)
        if line is None:
            return None
        last = _last_line(line, code)
        lines.append(line if last is None else last)
        if last is not None:
            break
        if len(lines) >= LINES_LIMIT:
            raise FtpError("too-many-lines")
    return Reply(int(code), tuple(line.decode("utf-8", "replace") for line in lines)), at


def next_command(buffer: bytes) -> tuple[Command, int] | None:
    """The first command in `buffer` and the bytes it takes there; None if it is not whole yet. Raises FtpError."""
    line, at = _line(buffer, 0)
    if line is None:
        return None
    found = _COMMAND.fullmatch(line)
    if found is None or _FORBIDDEN.search(line):
        raise FtpError("bad-command")
    return Command(found[1].decode().upper(), found[2] or b""), at


def _line(buffer: bytes, start: int) -> tuple[bytes | None, int]:
    """(the line that begins at `start`, where the next begins); (None, start) if its end is not there yet."""
    end = buffer.find(b"\n", start, start + LINE_LIMIT + 3)
    if end < 0:
        if len(buffer) - start > LINE_LIMIT + 2:
            raise FtpError("line-too-long")
        return None, start
    line = buffer[start:end].rstrip(b"\r")
    if len(line) > LINE_LIMIT:
        raise FtpError("line-too-long")
    return line, end + 1


def _last_line(line: bytes, code: bytes) -> bytes | None:
    """The text of the line that ends a multi-line reply of `code`; None if this is not that line."""
    if line == code:
        return b""
    return line[4:] if line.startswith(code + b" ") else None


def passive(text: str) -> tuple[str, int]:
    """(address, port) of a 227 reply: the first six numbers, wherever they stand (RFC 1123 s.4.1.2.6).

    Raises FtpError: `bad-passive`.
    """
    found = _SIX.search(text)
    numbers = [int(number) for number in found.groups()] if found else []
    if not numbers or max(numbers) > 255 or not numbers[4] | numbers[5]:
        raise FtpError("bad-passive")
    return ".".join(map(str, numbers[:4])), numbers[4] << 8 | numbers[5]


def extended_passive(text: str) -> int:
    """The port of a 229 reply, `(|||port|)` (RFC 2428 s.3). Raises FtpError: `bad-passive`."""
    found = _EXTENDED.search(text)
    port = int(found[2]) if found else 0
    if not 0 < port < 65_536:
        raise FtpError("bad-passive")
    return port


def passive_reply(address: str, port: int) -> Reply:
    """The 227 reply that names a dotted address and a port."""
    numbers = ",".join([*address.split("."), str(port >> 8), str(port & 0xFF)])
    return Reply(227, (f"Entering Passive Mode ({numbers}).",))


def extended_passive_reply(port: int) -> Reply:
    """The 229 reply that names a port."""
    return Reply(229, (f"Entering Extended Passive Mode (|||{port}|)",))
