"""The bytes that servers sent for the download that is on, put together apart from the phone."""

from __future__ import annotations

import zlib

from emulator.events import (
    COMPLETE,
    AttemptStarted,
    DatagramReceived,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    FileAnswered,
    FtpStarted,
    HttpAnswered,
    StreamReceived,
    TftpStarted,
    TransferEnded,
)
from emulator.wire import tftp
from tools.fuzz.verdicts.copying import memory
from tools.fuzz.verdicts.marks import on

DATA_STREAM = "ftp-data"
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_STARTS = {31: b"\x1f\x8b", 15: b"\x78"}


class Transfer:
    """What a TFTP client has to make of the packets to its port (RFC 1350 s.2, s.4 and s.6; RFC 2347).

    taken: blocks so far; peer: the server's port, 0 until it answered; repeated: the last packet was a block that had
    been taken before; foreign: it came from somebody else; foreign_blocks, repeats: how often.
    """

    def __init__(self, event: TftpStarted) -> None:
        self.address, self.local = event.address, event.local_port
        self.peer = self.taken = self.size = 0
        self.block_size = tftp.DEFAULT_BLOCK_SIZE
        self.chunks: list[bytes] = []
        self.repeated = self.foreign = False
        self.repeats = self.foreign_blocks = 0

    def fork(self) -> Transfer:
        """Another that has taken the same packets."""
        twin = Transfer.__new__(Transfer)
        twin.__dict__ = memory(self.__dict__).copy()
        return twin

    def packet(self, event: DatagramReceived) -> None:
        """The next packet."""
        self.repeated = False
        self.foreign = event.source != self.address or self.peer not in (0, event.source_port)
        data = event.payload
        if self.foreign:
            self.foreign_blocks += data[:2] == b"\0\3"
        elif data[:2] == b"\0\3" and len(data) >= 4:
            self.block(event.source_port, int.from_bytes(data[2:4], "big"), data[4:])
        elif data[:2] == b"\0\6" and not self.peer:
            self.options(event.source_port, data)

    def block(self, port: int, number: int, data: bytes) -> None:
        """A block counts once, and in its turn."""
        if number == (self.taken + 1) % tftp.BLOCK_NUMBERS and len(data) <= self.block_size:
            self.peer, self.taken, self.size = port, self.taken + 1, self.size + len(data)
            self.chunks.append(bytes(data))
        elif self.taken and number == self.taken % tftp.BLOCK_NUMBERS:
            self.repeated = True
            self.repeats += 1

    def options(self, port: int, data: bytes) -> None:
        """The server agrees to a block size."""
        try:
            packet = tftp.parse(data)
        except tftp.TftpError:
            return
        if isinstance(packet, tftp.OptionAcknowledgement):
            self.peer = port
            self.block_size = tftp.number(packet.option(tftp.BLOCK_SIZE)) or self.block_size

    @property
    def body(self) -> bytes:
        """The file so far."""
        return b"".join(self.chunks)


class Bodies:
    """file, urls, url: the download that is on and its attempt, or the last one; body: what arrived for it.

    end: how the last answer ended, "" while there is none; status: of HTTP; doubtful: the body is packed in a way that
    is not judged.
    """

    def __init__(self) -> None:
        self.file = self.url = self.end = ""
        self.urls: tuple[str, ...] = ()
        self.open = self.doubtful = False
        self.status = 0
        self.body = b""
        self.transfer: Transfer | None = None
        self.chunks: list[bytes] = []

    def fork(self) -> Bodies:
        """Others that know the same."""
        twin = Bodies.__new__(Bodies)
        twin.__dict__ = memory(self.__dict__).copy()
        return twin

    @on(DownloadOrdered)
    def ordered(self, entry: Entry, event: DownloadOrdered) -> None:
        """A download begins."""
        self.file, self.urls, self.open = event.file, event.urls, True
        self.body, self.end, self.status, self.doubtful = b"", "", 0, False

    @on(AttemptStarted)
    def attempt(self, entry: Entry, event: AttemptStarted) -> None:
        """A URL is tried."""
        self.url = event.url
        self.body, self.end, self.status, self.doubtful = b"", "", 0, False

    @on(HttpAnswered)
    def answered(self, entry: Entry, event: HttpAnswered) -> None:
        """The whole answer, its content coding taken off (RFC 9110 s.8.4)."""
        if not self.open or event.name != self.file:
            return
        self.end, self.status, self.body = event.end, event.status, bytes(event.body)
        coding = event.header("Content-Encoding")
        if coding and event.end == COMPLETE and event.status == 200:
            self.unpack(coding.strip().lower())

    def unpack(self, coding: str) -> None:
        """Take the coding off; what cannot be is not judged."""
        window = _WINDOWS.get(coding)
        if coding in ("", "identity") or (window and not self.body.startswith(_STARTS[window])):
            return
        try:
            self.body = zlib.decompress(self.body, window or 0)
        except zlib.error:
            self.doubtful = True

    @on(FileAnswered)
    def file_answered(self, entry: Entry, event: FileAnswered) -> None:
        """A file that the world fetched."""
        if self.open and event.name == self.file:
            self.end, self.body = event.end, bytes(event.body)

    @on(TftpStarted)
    def tftp_started(self, entry: Entry, event: TftpStarted) -> None:
        """A read by TFTP."""
        self.transfer = Transfer(event)

    @on(DatagramReceived)
    def packet(self, entry: Entry, event: DatagramReceived) -> None:
        """A packet of it."""
        if self.transfer is not None and event.port == self.transfer.local:
            self.transfer.packet(event)

    @on(FtpStarted)
    def ftp_started(self, entry: Entry, event: FtpStarted) -> None:
        """A read by FTP."""
        self.transfer, self.chunks = None, []

    @on(StreamReceived)
    def piece(self, entry: Entry, event: StreamReceived) -> None:
        """A piece of the file."""
        if event.name == DATA_STREAM:
            self.chunks.append(bytes(event.payload))

    @on(TransferEnded)
    def transfer_ended(self, entry: Entry, event: TransferEnded) -> None:
        """What arrived."""
        if self.open and event.name == self.file:
            self.end = event.end
            self.body = b"".join(self.chunks) if self.transfer is None else self.transfer.body

    @on(DownloadEnded)
    def ended(self, entry: Entry, event: DownloadEnded) -> None:
        """Nothing is fetched any more."""
        self.open = False
