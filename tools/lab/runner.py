"""One case: its servers, the phone, the judgement, and the replay of what was recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import trio
from attrs import define, field, frozen

from tools.lab.authority import Authority
from tools.lab.case import MEBIBYTE, PHONE_IMAGE, Case, Phase, text_of
from tools.lab.errors import LabError
from tools.lab.launch import Launch
from tools.lab.namespaces import PHONE_SIDE, Place, addresses_of_phone, give_address, mac_of_phone, namespaces
from tools.lab.servers import running, stop, tail, tails
from tools.live import Cost, peak_memory
from tools.living import cost_text

DATABASE = "runs.db"
WATCH = 0.05
"""Seconds between two looks at the memory of a process."""
REPLAY_LIMIT = 60.0
"""Seconds that a replay, and reading a flash out of a run, may take."""


@frozen
class Verdict:
    """What came of a case. faults: what was not as expected, none if all was; logs: the end of what the servers
    wrote; folder: its files; seconds, memory (bytes): of the longest and largest phone process; cost: of each of many
    phones, in words."""

    case: Case
    faults: tuple[str, ...]
    logs: str
    folder: Path
    seconds: float
    memory: int
    cost: str = ""


@frozen
class Ended:
    """A process that ended, or was ended. code: None if it took too long; memory: the most it had, in bytes."""

    code: int | None
    output: str
    memory: int


@define
class Attempt:
    """A case while it runs. run: of the database, by the last phase; memory: the most so far."""

    case: Case
    place: Place
    folder: Path
    authority: Authority
    run: str = ""
    memory: int = 0
    cost: str = ""
    faults: list[str] = field(factory=list)
    logs: list[str] = field(factory=list)


def offhook() -> str:
    """The command beside the Python that runs the lab."""
    return str(Path(sys.executable).with_name("offhook"))


async def ended(command: list[str], folder: Path, name: str, limit: float) -> Ended:
    """Run a command with its output in ``name``.out and ``name``.err; it is stopped after ``limit`` seconds."""
    most = 0
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=folder, start_new_session=True
        )
        code = None
        try:
            with trio.move_on_after(limit):
                while process.poll() is None:
                    most = max(most, peak_memory(process.pid))
                    await trio.sleep(WATCH)
                code = process.returncode
        finally:
            with trio.CancelScope(shield=True):
                await stop(process)
    return Ended(code, out.read_text("utf-8", "replace"), most)


def live_command(place: Place, phase: Phase, scenario: Path) -> list[str]:
    """The phone, in its namespace."""
    words = ["ip", "netns", "exec", place.phone, offhook(), "live", str(scenario)]
    words += ["--interface", PHONE_SIDE, "--dhcp", phase.dhcp, *phase.arguments]
    return [*words, "--db", DATABASE, "--json"]


def judged(phase: Phase, done: Ended) -> tuple[dict[str, Any], list[str]]:
    """What ``offhook live --json`` said, and the faults in it."""
    if done.code is None:
        return {}, [f"offhook live did not end within {phase.limit:g} s"]
    try:
        said: dict[str, Any] = json.loads(done.output)
        expectations = said["expectations"]
    except (ValueError, TypeError, KeyError):
        return {}, [f"offhook live ended with code {done.code} and no JSON object"]
    faults = [f"not so: {each['text']}; found: {each['found']}" for each in expectations if not each["holds"]]
    if not expectations:
        faults.append("nothing was expected")
    if done.code != (1 if faults else 0):
        faults.append(f"offhook live ended with code {done.code}")
    if done.memory > phase.memory:
        most = phase.memory // MEBIBYTE
        faults.append(f"the phone's process took {done.memory // MEBIBYTE} MiB, more than {most}")
    return said, faults


def cost_of(said: dict[str, Any]) -> str:
    """What many phones took, "" for one."""
    phones = len(said["outcomes"])
    return cost_text(Cost(said["seconds"], said["cpu"], said["memory"]), phones) if phones > 1 else ""


async def replayed(attempt: Attempt, name: str) -> list[str]:
    """Replay the recording; what is wrong with it."""
    command = [offhook(), "replay", attempt.run, "--db", DATABASE]
    done = await ended(command, attempt.folder, name, REPLAY_LIMIT)
    if done.code == 0:
        return []
    return [f"the replay ended with code {done.code}: {' '.join(tail(attempt.folder / f'{name}.out', 3).split())}"]


async def captured(attempt: Attempt, name: str) -> list[str]:
    """Export the recording for Wireshark and have tshark read it; what is wrong with that."""
    file = f"{name}.pcapng"
    export = [offhook(), "export", attempt.run, "--db", DATABASE, "-o", file]
    # tshark would unpack the compressed bomb, for half a minute.
    read = ["tshark", "-n", "-o", "http.decompress_body:FALSE", "-r", file, "-Y", "_ws.malformed"]
    read += ["-T", "fields", "-e", "frame.comment"]
    for command in (export, read):
        done = await ended(command, attempt.folder, name, REPLAY_LIMIT)
        if done.code != 0:
            return [f"{command[0]} ended with code {done.code}: {tail(attempt.folder / f'{name}.err', 3)}"]
    return [f"tshark finds a malformed packet: {line}" for line in done.output.splitlines()[:3]]


async def dump_flash(attempt: Attempt) -> None:
    """Put the flash of the phone as it was after the last phase where the next finds it. Raises LabError."""
    command = [offhook(), "flash", "dump", attempt.run, "--db", DATABASE, "-o", PHONE_IMAGE, "--force"]
    done = await ended(command, attempt.folder, "flash", REPLAY_LIMIT)
    if done.code != 0:
        raise LabError(f"the flash cannot be read out of run {attempt.run}: {tail(attempt.folder / 'flash.err')}")


def restored(attempt: Attempt, phase: Phase, mac: str) -> list[str]:
    """Whether the phone left the interface as it was. mac: of before."""
    faults = []
    if phase.dhcp == "full" and (left := addresses_of_phone(attempt.place)):
        faults.append(f"the phone left {', '.join(left)} on its interface")
    if mac_of_phone(attempt.place) != mac:
        faults.append("the phone left another MAC address on its interface")
    return faults


async def phase_done(attempt: Attempt, number: int) -> None:
    """One power cycle: servers up, phone, judgement, replay. Raises LabError."""
    phase, folder = attempt.case.phases[number], attempt.folder
    if number:
        await dump_flash(attempt)
    scenario = folder / f"phase-{number + 1}.toml"
    scenario.write_text(text_of(attempt.case, number), "utf-8")
    mac = mac_of_phone(attempt.place)
    async with AsyncExitStack() as stack:
        launched: list[tuple[Path, Launch]] = []
        for index, server in enumerate(phase.servers):
            home = folder / f"phase-{number + 1}-{index}-{Path(server.program).name}"
            launched.append(
                (home, await stack.enter_async_context(running(server, attempt.place, home, attempt.authority)))
            )
        done = await ended(live_command(attempt.place, phase, scenario), folder, f"live-{number + 1}", phase.limit)
    said, faults = judged(phase, done)
    attempt.memory = max(attempt.memory, done.memory)
    faults += restored(attempt, phase, mac)
    attempt.run = str(said.get("run", ""))
    if attempt.run:
        attempt.cost = cost_of(said)
        faults += await replayed(attempt, f"replay-{number + 1}")
        faults += [] if phase.garbled else await captured(attempt, f"capture-{number + 1}")
    elif complaint := tail(folder / f"live-{number + 1}.err", 5):
        faults.append(complaint)
    if faults:
        attempt.logs += [tails(home, launch) for home, launch in launched]
    attempt.faults += faults


async def run_case(case: Case, number: int, folder: Path, authority: Authority) -> Verdict:
    """Run a case in namespaces of its own. number: unique in this lab; folder: for its files."""
    began = monotonic()
    folder.mkdir()
    logs, memory, cost = "", 0, ""
    try:
        with namespaces(number) as place:
            attempt = Attempt(case, place, folder, authority)
            if case.phases[0].dhcp == "off":
                give_address(place)
            for index in range(len(case.phases)):
                if not attempt.faults:
                    await phase_done(attempt, index)
        faults, logs, memory = attempt.faults, "\n".join(attempt.logs), attempt.memory
        cost = attempt.cost
    except LabError as error:
        first, _, logs = str(error).partition("\n")
        faults = [first]
    return Verdict(case, tuple(faults), logs, folder, monotonic() - began, memory, cost)
