"""A campaign leaves nothing behind but its database and what it found; and it speaks to nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STORY = ROOT / "scenarios" / "first-boot-option-160.toml"
HOOKED = """
import os, sys, json
def hook(event, args):
    if event.startswith("socket.") or event in ("sqlite3.connect", "os.mkdir", "os.rename", "os.remove"):
        told = [event, str(args[0]) if args else ""]
    elif event == "open" and isinstance(args[0], str | bytes | os.PathLike) and args[2] & (os.O_WRONLY | os.O_RDWR):
        told = [event, os.fsdecode(args[0])]
    else:
        return
    os.write(int(os.environ["TOLD"]), (json.dumps(told) + chr(10)).encode())
sys.addaudithook(hook)
from tools.cli import main
main(sys.argv[1:])
"""
COMMANDS = (
    (
        "fuzz",
        str(STORY),
        "--runs",
        "300",
        "--jobs",
        "2",
        "--kind",
        "options",
        "--firmware",
        "tests.zoo.address:keeps_the_nul",
    ),
    ("shrink", "1", "--tries", "50"),
    ("fuzz", "recheck"),
    ("fuzz", "try", str(STORY)),
)


def hooked(folder: Path, words: tuple[str, ...]) -> tuple[list[list[str]], int]:
    """(what its processes opened for writing, or did with sockets; its exit code)."""
    reading, writing = os.pipe()
    environment = {**os.environ, "TOLD": str(writing), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("OFFHOOK_DB", None)
    command = [sys.executable, "-c", HOOKED, *words]
    with (folder / "said").open("wb") as said, os.fdopen(reading) as told:
        child = subprocess.Popen(
            command, cwd=folder, env=environment, pass_fds=(writing,), stdout=said, stderr=said, start_new_session=True
        )
        os.close(writing)
        lines = [json.loads(line) for line in told]  # to its end: until the last process that can write is gone
        return lines, child.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the campaign runs."""
    return tmp_path_factory.mktemp("traces")


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]).replace(str(STORY), "campaign"))
def test_what_a_command_touches(folder: Path, words: tuple[str, ...]) -> None:
    """No socket; files in its folder; and when it is over, no process of it is left that holds what it inherited."""
    lines, code = hooked(folder, words)
    assert code in (0, 1), (folder / "said").read_text()
    assert [line for line in lines if line[0].startswith("socket.")] == []
    touched = {Path(folder, path).resolve() for _, path in lines}
    outside = {path for path in touched if not path.is_relative_to(folder) and path != Path(os.devnull)}
    assert outside == set()
    names = {path.relative_to(folder).parts[0] for path in touched if path.is_relative_to(folder)}
    assert names <= {"offhook.db", "fuzz-found"}
