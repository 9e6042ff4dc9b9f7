"""How a server is started, as a value: what a server's module makes out of what a case asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from attrs import field, frozen

from tools.lab.authority import Authority
from tools.lab.errors import LabError

Contents = Mapping[str, str | bytes]
"""Files by path, without a leading slash."""


@frozen
class Listens:
    """A socket that is there when the server is ready. protocol: ``tcp`` or ``udp``; address: "" for any."""

    protocol: str
    port: int
    address: str = ""


@frozen
class Launch:
    """What to write, what to start, and how to see that it is ready.

    arguments: of the program; files: by path below the server's folder; folders: empty ones below it; listens: all of
    them have to be there; logs: files below the folder that it writes itself; copied: start a copy of the program;
    mounts: paths of the system that files below the folder cover, for this server alone.
    """

    arguments: tuple[str, ...]
    files: Contents = field(factory=dict)
    folders: tuple[str, ...] = ()
    listens: tuple[Listens, ...] = ()
    logs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(factory=dict)
    copied: bool = False
    mounts: Mapping[str, str] = field(factory=dict)


class Server(Protocol):
    """A server of a case. program: the name of what is started, which also names its folder and log."""

    @property
    def program(self) -> str:
        """As found on the path."""

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """How it is started, with ``folder`` for its own files."""


def below(top: str, contents: Contents) -> dict[str, str | bytes]:
    """``contents`` under the folder ``top``. Raises LabError for a path that leaves it."""
    for name in contents:
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise LabError(f"{name!r} is no path below a folder")
    return {f"{top}/{name}": content for name, content in contents.items()}


def write_files(folder: Path, launch: Launch) -> None:
    """Make the folders and files; all of them can be read by servers that give up root."""
    for name in ("", *launch.folders):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, content in launch.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
