"""Datasette as it is, beside the pages of ``serve``: the tables of a run database, read-only, for this machine only."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

from emulator.events.masking import printable
from emulator.log.store import LogError

HOST = "127.0.0.1"
STARTS_WITHIN = 20.0
"""Seconds."""
MISSING = "Datasette is not installed; `pip install 'offhook[tables]'` installs it"


@contextmanager
def tables(db: str | Path) -> Iterator[str]:
    """The address of a Datasette that shows ``db`` as long as the context lasts. Raises LogError."""
    if find_spec("datasette") is None:
        raise LogError(MISSING)
    port = free_port()
    # Datasette opens a file with mode=ro; its --immutable would be wrong for one that other programs write to.
    command = (
        sys.executable,
        "-m",
        "datasette",
        "serve",
        str(Path(db).absolute()),
        "--host",
        HOST,
        "--port",
        str(port),
    )
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        try:
            wait_for(child, port, said)
            yield f"http://{HOST}:{port}/{quote(Path(db).stem)}"
        finally:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def free_port() -> int:
    """A TCP port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(child: subprocess.Popen[bytes], port: int, said: IO[bytes]) -> None:
    """Until it answers. said: what it writes about itself. Raises LogError if it ends, or takes too long."""
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        if child.poll() is not None:
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), f"exit code {child.returncode}")
            raise LogError(f"Datasette did not start: {printable(last.strip())}")
        try:
            with socket.create_connection((HOST, port), 0.2):
                return
        except OSError:
            time.sleep(0.1)
    raise LogError("Datasette did not start in time")
