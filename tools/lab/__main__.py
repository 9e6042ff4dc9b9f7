"""``python -m tools.lab [CASE ...]``: all cases of the lab, or those named; a line for each.

Exit code 0 if all passed, and also where the lab cannot be (without root, or not on Debian), which is said in one
line; 1 if one failed or something that it needs is missing; 2 for a name that is no case's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from time import monotonic

import trio

from tools.exits import AS_EXPECTED, BAD, INTERRUPTED, NO
from tools.lab.authority import make_authority
from tools.lab.case import MEBIBYTE, Case
from tools.lab.cases import CASES
from tools.lab.errors import LabError
from tools.lab.namespaces import remove_leftovers
from tools.lab.programs import PACKAGES, install, is_debian, is_root, missing
from tools.lab.runner import Verdict, run_case
from tools.printing import note, say

JOBS = 4
"""Cases at the same time: most of a case is waiting."""


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        "python -m tools.lab", description="The phone against real servers (root, Debian)."
    )
    parser.add_argument("case", nargs="*", help="names of cases; default: all")
    parser.add_argument("--list", action="store_true", help="name the cases, and run none")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"so many cases at the same time (default {JOBS})")
    parser.add_argument(
        "--keep", action="store_true", help="keep the files of all cases, not only of those that failed"
    )
    return parser.parse_args(arguments)


def chosen(names: Sequence[str]) -> list[Case]:
    """The cases with these names, all for none. Raises LabError with the nearest name for one that is no case's."""
    known = {case.name: case for case in CASES}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise LabError(f"there is no case {name!r}" + (f"; there is {near[0]!r}" if near else ""))
    return [known[name] for name in names] if names else list(CASES)


def prepare(folder: Path) -> None:
    """Install what is missing, and remove what dead labs left. Raises LabError."""
    if lacking := missing(list(PACKAGES)):
        say(f"installing {', '.join(lacking)} ...")
        install(lacking, folder / "apt.log")
    if removed := remove_leftovers():
        say(f"removed what an earlier lab left: {', '.join(removed)}")


def tell(verdict: Verdict) -> None:
    """The line of a case, and what was wrong."""
    name, memory = verdict.case.name, verdict.memory // MEBIBYTE
    how = "failed" if verdict.faults else "passed"
    say(f"{how}  {verdict.seconds:5.1f} s  {memory:3} MiB  {name:22}  {verdict.case.title}")
    if verdict.cost:
        say(f"        each phone: {verdict.cost}")
    for fault in verdict.faults:
        say(f"        {fault}")
    if verdict.faults and verdict.logs:
        say("\n".join(f"        {line}" for line in verdict.logs.splitlines()))


async def run_all(cases: Sequence[Case], folder: Path, jobs: int, keep: bool) -> list[Verdict]:
    """All verdicts, in the order in which they came; fewer than cases if a signal stopped it."""
    authority = make_authority()
    verdicts: list[Verdict] = []
    waiting = iter(list(enumerate(cases, 1)))

    async def work() -> None:
        for number, case in waiting:
            verdict = await run_case(case, number, folder / case.name, authority)
            verdicts.append(verdict)
            tell(verdict)
            if not verdict.faults and not keep:
                shutil.rmtree(verdict.folder)

    async with trio.open_nursery() as nursery:

        async def heed_signals() -> None:
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    nursery.cancel_scope.cancel()

        async def all_of_them() -> None:
            async with trio.open_nursery() as workers:
                for _ in range(jobs):
                    workers.start_soon(work)
            nursery.cancel_scope.cancel()

        nursery.start_soon(heed_signals)
        nursery.start_soon(all_of_them)
    return verdicts


def lab(cases: Sequence[Case], jobs: int, keep: bool) -> int:
    """Prepare, run, and say what came of it; the exit code. Raises LabError."""
    began = monotonic()
    folder = Path(tempfile.mkdtemp(prefix="offhook-lab-"))
    folder.chmod(0o755)  # servers that give up root read their files here
    prepare(folder)
    verdicts = trio.run(run_all, cases, folder, jobs, keep)
    failed = sum(bool(verdict.faults) for verdict in verdicts)
    stopped = len(verdicts) < len(cases)
    if failed or stopped or keep:
        say(f"the files of the cases are in {folder}")
    else:
        shutil.rmtree(folder)
    took = f"in {monotonic() - began:.0f} s"
    say(f"lab: {len(verdicts)} of {len(cases)} cases run, {len(verdicts) - failed} passed, {failed} failed, {took}")
    return INTERRUPTED if stopped else NO if failed else AS_EXPECTED


def main(arguments: Sequence[str]) -> int:
    """The exit code; see above."""
    options = parsed(arguments)
    try:
        cases = chosen(options.case)
    except LabError as error:
        note(f"lab: {error}")
        return BAD
    if options.list:
        for case in cases:
            say(f"{case.name:22}  {case.title}")
        return AS_EXPECTED
    if not (is_root() and is_debian()):
        say(f"lab: not run, it needs root on Debian: {len(cases)} cases of the phone against real servers")
        return AS_EXPECTED
    try:
        return lab(cases, max(1, options.jobs), options.keep)
    except LabError as error:
        note(f"lab: {error}")
        return NO


if __name__ == "__main__":
    os.umask(0o022)
    raise SystemExit(main(sys.argv[1:]))
