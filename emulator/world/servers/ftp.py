"""A virtual FTP server (RFC 959, RFC 2428): passive, binary, and as good or bad as its file server is.

What is served, to whom and how it fails is decided by :class:`~emulator.world.servers.files.FileServer`; here it
becomes replies and a data connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from emulator.events import SECOND
from emulator.wire import ftp as wire
from emulator.world.scenario import FOREVER, PORTS, FilesSpec
from emulator.world.servers.base import Close, Deliver, Request, usual
from emulator.world.servers.files import FileServer

PIECE = 16_384
"""Bytes of a file that are written at once: a dozen full segments, so that a file is not hundreds of events."""
FIRST_DATA_PORT, DATA_PORTS = 49_152, 16_384
FOREIGN_HOST = "203.0.113.99"
BEFORE_LOGIN = ("USER", "PASS", "QUIT")
LONG_GREETING = ("Phones only.", "220-Files are served here, and", " 220 is a number like any other.", "Ready.")

Actions = Iterator[Deliver | Close]


@attrs.define
class Session:
    """A control connection. unread: no whole command yet; data: the data connection that stands, 0 for none."""

    user: str = ""
    admitted: bool = False
    unread: bytes = b""
    data: int = 0


class FtpServer:
    """sessions: by control connection; awaited: data port to the session it is for; passive: ports given out."""

    def __init__(self, spec: FilesSpec, content: Mapping[str, bytes]) -> None:
        self.spec = spec
        self.files = FileServer(spec, content)
        self.address = self.files.address
        self.port = spec.ports.get("ftp", PORTS["ftp"])
        self.sessions: dict[int, Session] = {}
        self.awaited: dict[int, int] = {}
        self.passive = 0

    def fork(self) -> FtpServer:
        """A server that goes on from here."""
        twin = FtpServer(self.spec, self.files.content)
        twin.sessions = {number: attrs.evolve(session) for number, session in self.sessions.items()}
        twin.awaited, twin.passive = dict(self.awaited), self.passive
        return twin

    def serves(self, address: str, port: int) -> bool:
        """Its own port, and those that it named to clients."""
        return usual(address) == self.address and (port == self.port or port in self.awaited)

    def up(self, now: int) -> bool:
        """Whether it runs now."""
        return self.files.up(now)

    def accept(self, connection: int, port: int, now: int) -> Iterable[Deliver | Close] | None:
        """Greet a client, or take the data connection of a session."""
        owner = self.awaited.pop(port, None)
        if owner is not None:
            self.sessions[owner].data = connection
            return ()
        if self.spec.behaviour == "refuse":
            return None
        self.sessions[connection] = Session()
        if self.spec.behaviour == "silent":
            return ()
        greeting = LONG_GREETING if "long-greeting" in self.spec.ftp else ("Ready.",)
        return (Deliver(connection, wire.Reply(220, greeting).encode()),)

    def closed(self, connection: int) -> None:
        """Without its control connection a session is over."""
        if self.sessions.pop(connection, None) is not None:
            self.awaited = {port: owner for port, owner in self.awaited.items() if owner != connection}

    def receive(self, connection: int, payload: bytes, now: int) -> Actions:
        """Carry out the commands that are whole."""
        session = self.sessions.get(connection)
        if session is None:
            return
        session.unread += payload
        while True:
            try:
                found = wire.next_command(session.unread)
            except wire.FtpError:
                session.unread = b""
                yield reply(connection, 500, "Syntax error.")
                return
            if found is None:
                return
            command, size = found
            session.unread = session.unread[size:]
            yield from self.obey(connection, session, command)

    def obey(self, connection: int, session: Session, command: wire.Command) -> Actions:
        """What one command leads to."""
        if command.verb not in BEFORE_LOGIN and not session.admitted:
            yield reply(connection, 530, "Not logged in.")
        elif command.verb in COMMANDS:
            yield from COMMANDS[command.verb](self, connection, session, command.argument.decode("utf-8", "replace"))
        else:
            yield reply(connection, 502, "Command not implemented.")

    def user(self, connection: int, session: Session, name: str) -> Actions:
        """USER: every account has a password."""
        session.user, session.admitted = name, False
        yield reply(connection, 331, "Password, please.")

    def password(self, connection: int, session: Session, password: str) -> Actions:
        """PASS."""
        session.admitted = self.files.admits(session.user, password)
        yield reply(connection, 230, "Welcome.") if session.admitted else reply(connection, 530, "Login incorrect.")

    def type(self, connection: int, session: Session, form: str) -> Actions:
        """TYPE: binary only."""
        yield reply(connection, 200, "Binary it is.") if form == "I" else reply(connection, 504, "Binary only.")

    def extended_passive(self, connection: int, session: Session, argument: str) -> Actions:
        """EPSV."""
        if "no-epsv" in self.spec.ftp:
            yield reply(connection, 500, "Unknown command.")
        else:
            yield Deliver(connection, wire.extended_passive_reply(self.data_port(connection)).encode())

    def enter_passive(self, connection: int, session: Session, argument: str) -> Actions:
        """PASV, which has no room for an IPv6 address."""
        if ":" in self.address:
            yield reply(connection, 425, "Use EPSV.")
            return
        host = FOREIGN_HOST if "foreign-host" in self.spec.ftp else self.address
        yield Deliver(connection, wire.passive_reply(host, self.data_port(connection)).encode())

    def data_port(self, connection: int) -> int:
        """The next data port, awaited from now on."""
        port = FIRST_DATA_PORT + self.passive % DATA_PORTS
        self.passive += 1
        self.awaited[port] = connection
        return port

    def retrieve(self, connection: int, session: Session, path: str) -> Actions:
        """RETR: what the file server has for that path, over the data connection."""
        data, session.data = session.data, 0
        if not data:
            yield reply(connection, 425, "No data connection.")
            return
        where = ("ftp", self.spec.address, self.port, f"/{path.removeprefix('/')}", ())
        answer = self.files.outcome(Request(*where, session.user, "", False, FOREVER, FOREVER))
        at = answer.delay + self.spec.delay
        if answer.end == "idle-timeout":
            return
        if answer.end in ("refused", "server-error"):
            yield reply(connection, answer.status or 425, "No.", at)
            yield Close(data, at)
            return
        yield reply(connection, 150, "Here it comes.", at)
        whole = answer.end != "cut-off"
        body = answer.body if whole else answer.body[: len(answer.body) // 2]
        for start in range(0, len(body), PIECE):
            piece = body[start : start + PIECE]
            if self.spec.speed:
                at += len(piece) * SECOND // self.spec.speed
            yield Deliver(data, piece, at)
        yield Close(data, at)
        yield reply(connection, answer.status, "Done.", at) if whole else reply(connection, 426, "Broken off.", at)

    def quit(self, connection: int, session: Session, argument: str) -> Actions:
        """QUIT."""
        yield reply(connection, 221, "Goodbye.")
        yield Close(connection)


COMMANDS: dict[str, Callable[[FtpServer, int, Session, str], Actions]] = {
    "USER": FtpServer.user,
    "PASS": FtpServer.password,
    "TYPE": FtpServer.type,
    "EPSV": FtpServer.extended_passive,
    "PASV": FtpServer.enter_passive,
    "RETR": FtpServer.retrieve,
    "QUIT": FtpServer.quit,
}
"""Verb to what it does."""


def reply(connection: int, code: int, text: str, delay: int = 0) -> Deliver:
    """A reply of one line."""
    return Deliver(connection, wire.Reply(code, (text,)).encode(), delay)
