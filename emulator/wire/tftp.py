"""TFTP packets as bytes and as objects (RFC 1350; options by RFC 2347, RFC 2348 and RFC 2349).

`parse` keeps every byte of what can be read, so `parse(data).encode() == data`. The packets can also hold, and write,
what no good peer would send. Texts are bytes as on the wire (netascii, which every known server reads as UTF-8).
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

import attrs

REQUEST_LIMIT: Final = 512
"""The longest request and the longest option acknowledgement, in bytes (RFC 2347)."""
DEFAULT_BLOCK_SIZE: Final = 512
"""Bytes of a block if none were agreed (RFC 1350 s.2)."""
LEAST_BLOCK_SIZE, GREATEST_BLOCK_SIZE = 8, 65_464
"""RFC 2348."""
BLOCK_NUMBERS: Final = 1 << 16
"""Block numbers are counted modulo this: 0 follows 65535."""

OCTET: Final = b"octet"
BLOCK_SIZE, TRANSFER_SIZE = b"blksize", b"tsize"

NOT_DEFINED: Final = 0
FILE_NOT_FOUND: Final = 1
ACCESS_VIOLATION: Final = 2
ALLOCATION_EXCEEDED: Final = 3
ILLEGAL_OPERATION: Final = 4
UNKNOWN_TRANSFER: Final = 5
OPTIONS_REFUSED: Final = 8
MESSAGES: Final = {
    NOT_DEFINED: b"Not defined",
    FILE_NOT_FOUND: b"File not found",
    ACCESS_VIOLATION: b"Access violation",
    ALLOCATION_EXCEEDED: b"Disk full or allocation exceeded",
    ILLEGAL_OPERATION: b"Illegal TFTP operation",
    UNKNOWN_TRANSFER: b"Unknown transfer ID",
    OPTIONS_REFUSED: b"Option negotiation failed",
}
"""What an error code means: RFC 1350 appendix I, and RFC 2347 for 8."""

_NUMBER: Final = re.compile(rb"[0-9]{1,19}")

Options = tuple[tuple[bytes, bytes], ...]
"""(name, value) in wire order."""


class TftpError(ValueError):
    """Bytes that are no TFTP packet, or values that fit into none. `reason` is a short fixed code.

    Codes from `parse`: `too-short`, `too-long`, `bad-opcode`, `bad-length`, `not-terminated`, `no-mode`,
    `option-without-value`, `option-twice`. Codes from `encode`: `bad-number`, `bad-text`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class _Request:
    """What both requests hold. `file` and `mode` as on the wire."""

    opcode: ClassVar[int]
    file: bytes
    mode: bytes = OCTET
    options: Options = ()

    def encode(self) -> bytes:
        """The packet, of any length. Raises TftpError: `bad-text` (a NUL in one)."""
        return _number(self.opcode) + _texts(self.file, self.mode, *(text for pair in self.options for text in pair))

    def option(self, name: bytes) -> bytes | None:
        """The value of the first option called `name`, in any case, or None."""
        return _option(self.options, name)


@attrs.frozen
class ReadRequest(_Request):
    """RRQ: send me that file."""

    opcode = 1


@attrs.frozen
class WriteRequest(_Request):
    """WRQ: take this file from me."""

    opcode = 2


@attrs.frozen
class Data:
    """DATA: one block of the file; the first is number 1, and one that is not full is the last."""

    opcode: ClassVar[int] = 3
    block: int
    data: bytes

    def encode(self) -> bytes:
        """The packet. Raises TftpError: `bad-number` (a block outside 0 to 65535)."""
        return _number(self.opcode) + _number(self.block) + self.data


@attrs.frozen
class Acknowledgement:
    """ACK: this block arrived; 0 acknowledges the options."""

    opcode: ClassVar[int] = 4
    block: int

    def encode(self) -> bytes:
        """The packet. Raises TftpError: `bad-number` (a block outside 0 to 65535)."""
        return _number(self.opcode) + _number(self.block)


@attrs.frozen
class Error:
    """ERROR: the transfer is over (RFC 1350 s.7). `rest` follows the message: its NUL, nothing, or what else came."""

    opcode: ClassVar[int] = 5
    code: int
    message: bytes
    rest: bytes = b"\0"

    def encode(self) -> bytes:
        """The packet. Raises TftpError: `bad-number` (a code outside 0 to 65535), `bad-text` (a NUL in the message)."""
        return _number(self.opcode) + _number(self.code) + _texts(self.message)[:-1] + self.rest

    def tolerances(self) -> tuple[str, ...]:
        """What is careless here, though readable: `message-not-terminated` or `bytes-after-message`."""
        if self.rest == b"\0":
            return ()
        return ("bytes-after-message",) if self.rest else ("message-not-terminated",)


@attrs.frozen
class OptionAcknowledgement:
    """OACK: these of the options are accepted, with these values (RFC 2347)."""

    opcode: ClassVar[int] = 6
    options: Options

    def encode(self) -> bytes:
        """The packet. Raises TftpError: `bad-text` (a NUL in one)."""
        return _number(self.opcode) + _texts(*(text for pair in self.options for text in pair))

    def option(self, name: bytes) -> bytes | None:
        """The value of the first option called `name`, in any case, or None."""
        return _option(self.options, name)


Packet = ReadRequest | WriteRequest | Data | Acknowledgement | Error | OptionAcknowledgement


def parse(data: bytes) -> Packet:
    """Read one packet from the payload of a datagram; `parse(data).encode() == data`.

    Raises TftpError: `too-short`, `too-long` (a request over 512 bytes, a block over 65464), `bad-opcode`, `bad-length`
    (an acknowledgement that is not 4 bytes), `not-terminated` (a text without its NUL), `no-mode`,
    `option-without-value`, `option-twice`.
    """
    if len(data) < 4 and data[:2] != b"\0\6":
        raise TftpError("too-short")
    opcode, number = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
    if opcode == Data.opcode:
        if len(data) > 4 + GREATEST_BLOCK_SIZE:
            raise TftpError("too-long")
        return Data(number, data[4:])
    if opcode == Acknowledgement.opcode:
        if len(data) != 4:
            raise TftpError("bad-length")
        return Acknowledgement(number)
    if len(data) > REQUEST_LIMIT:
        raise TftpError("too-long")
    if opcode == Error.opcode:
        message, nul, after = data[4:].partition(b"\0")
        return Error(number, message, nul + after)
    if opcode == OptionAcknowledgement.opcode:
        return OptionAcknowledgement(_options(_split(data[2:])))
    if opcode not in (ReadRequest.opcode, WriteRequest.opcode):
        raise TftpError("bad-opcode")
    texts = _split(data[2:])
    if len(texts) < 2:
        raise TftpError("no-mode")
    made = ReadRequest if opcode == ReadRequest.opcode else WriteRequest
    return made(texts[0], texts[1], _options(texts[2:]))


def error(code: int) -> Error:
    """The error packet for a code of `MESSAGES`."""
    return Error(code, MESSAGES[code])


def number(value: bytes | None) -> int | None:
    """A decimal number as options hold it, or None if it is none (or longer than 19 digits)."""
    return int(value) if value is not None and _NUMBER.fullmatch(value) else None


def _number(value: int) -> bytes:
    try:
        return value.to_bytes(2, "big")
    except OverflowError:
        raise TftpError("bad-number") from None


def _texts(*texts: bytes) -> bytes:
    if any(b"\0" in text for text in texts):
        raise TftpError("bad-text")
    return b"".join(text + b"\0" for text in texts)


def _split(data: bytes) -> list[bytes]:
    """The texts in `data`, each of which ends in a NUL."""
    texts = data.split(b"\0")
    if texts.pop():
        raise TftpError("not-terminated")
    return texts


def _options(texts: list[bytes]) -> Options:
    if len(texts) % 2:
        raise TftpError("option-without-value")
    options = tuple(zip(texts[::2], texts[1::2], strict=True))
    if len({name.lower() for name, _ in options}) < len(options):
        raise TftpError("option-twice")
    return options


def _option(options: Options, name: bytes) -> bytes | None:
    wanted = name.lower()
    return next((value for key, value in options if key.lower() == wanted), None)
