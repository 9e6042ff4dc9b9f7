"""``make mutants``: break each rule in a copy of the code, and see whether the named test fails.

The table is ``tests/spec/mutants.toml``; what came of it is written to ``tests/spec/mutants.json``, from which
``make spec`` knows the rules that are proven. Each worker has a copy of the project in a temporary folder and breaks
one thing there at a time; the working tree is never touched.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tools.spec import RESULTS, Mutant, mutants

COPIED = ("emulator", "flash_image", "tools", "tests", "scenarios", "pyproject.toml")
CODE = ("emulator", "flash_image", "tools")
WORKERS = 2
LIMIT = 60.0
"""Seconds of one test run."""
PASSED, FAILED = 0, 1
"""Exit codes of pytest; any other means that no test was judged."""
SELF_TEST = "tests/emulator/phone/test_steps.py::test_the_table_of_steps_is_the_guides"

KILLED, SURVIVED, UNUSABLE = "killed", "survived", "unusable"


class Outcome(NamedTuple):
    """What came of a mutant. verdict: ``killed``, ``survived``, or ``unusable`` when no test could be judged."""

    mutant: Mutant
    verdict: str
    detail: str = ""


class Broken(Exception):
    """The mutants cannot be run at all: the copy is not what is tested, or its tests fail before anything is broken."""


# --- The copy -------------------------------------------------------------------------------------------------------


def copied(root: Path, folder: Path) -> Path:
    """A copy of the project in ``folder``, compiled so that a changed source is always compiled anew.

    Python's usual check, time of the last change to the second and size, would take a quick change for none.
    """
    for name in COPIED:
        source, target = root / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(folder, quiet=2, invalidation_mode=mode)
    return folder


def pytest(folder: Path, tests: Sequence[str], limit: float) -> subprocess.CompletedProcess[str]:
    """Run tests of the copy in ``folder`` against its own code. Raises subprocess.TimeoutExpired."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *tests],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


def selection(test: str) -> list[str]:
    """The arguments of pytest for a test: a node id, or else an expression for ``-k``."""
    return [test] if test.startswith("tests/") else ["-k", test]


def check_copy(folder: Path) -> None:
    """Plant an error in each package of the copy and see it raised: so it is the copy that is tested.

    Raises Broken if another installation of the project comes first.
    """
    for name in CODE:
        path = folder / name / "__init__.py"
        whole = path.read_bytes()
        planted = f"planted in {folder.name}/{name}"
        path.write_bytes(whole + f"\nraise RuntimeError({planted!r})\n".encode())
        try:
            said = pytest(folder, [SELF_TEST], LIMIT)
        finally:
            path.write_bytes(whole)
        if said.returncode == PASSED or planted not in said.stdout + said.stderr:
            raise Broken(f"the package {name} that the tests import is not the copy")


def check_tests(folder: Path, tests: Sequence[str]) -> None:
    """See all named tests pass in the untouched copy. Raises Broken if one fails or does not exist."""
    ids = sorted({test for test in tests if test.startswith("tests/")})
    expressions = sorted(set(tests) - set(ids))
    for arguments in ([ids] if ids else []) + [["-k", each] for each in expressions]:
        said = pytest(folder, arguments, 10 * LIMIT)
        if said.returncode != PASSED:
            raise Broken(f"named tests fail, or are not there, before anything is broken:\n{said.stdout[-3000:]}")


# --- One mutant -----------------------------------------------------------------------------------------------------


def changed(source: str, mutant: Mutant) -> str:
    """``source`` with the mutant in it. Raises ValueError if its text is not there exactly once, or changes nothing."""
    found = source.count(mutant.old)
    if found != 1:
        raise ValueError(f"stale: the old text stands in {mutant.file} {found} times")
    if mutant.old == mutant.new:
        raise ValueError("it changes nothing")
    return source.replace(mutant.old, mutant.new)


def judged(folder: Path, mutant: Mutant, limit: float) -> Outcome:
    """Break the rule in the copy, run the test, and mend it again."""
    path = folder / mutant.file
    try:
        source = path.read_text(encoding="utf-8")
        broken = changed(source, mutant)
    except (OSError, ValueError) as error:
        return Outcome(mutant, UNUSABLE, str(error))
    path.write_text(broken, encoding="utf-8")
    try:
        code = pytest(folder, selection(mutant.test), limit).returncode
    except subprocess.TimeoutExpired:
        return Outcome(mutant, KILLED if mutant.hangs else UNUSABLE, f"no end after {limit:.0f} s")
    finally:
        path.write_text(source, encoding="utf-8")
    if code in (PASSED, FAILED):
        return Outcome(mutant, SURVIVED if code == PASSED else KILLED)
    return Outcome(mutant, UNUSABLE, f"pytest ends with {code}: no such test, or the code cannot be imported")


# --- All of them ----------------------------------------------------------------------------------------------------


def outcomes(
    root: Path, chosen: Sequence[Mutant], progress: Callable[[int], None], limit: float = LIMIT
) -> list[Outcome]:
    """Run ``chosen`` in WORKERS copies of ``root``; in the order of ``chosen``. Raises Broken."""
    with tempfile.TemporaryDirectory(prefix="offhook-mutants-") as base, ThreadPoolExecutor(WORKERS) as pool:
        folders = list(pool.map(lambda n: copied(root, Path(base) / str(n)), range(WORKERS)))
        check_copy(folders[0])
        tests = [mutant.test for mutant in chosen]
        list(pool.map(lambda n: check_tests(folders[n], sorted(set(tests))[n::WORKERS]), range(WORKERS)))
        free: SimpleQueue[Path] = SimpleQueue()
        for folder in folders:
            free.put(folder)

        def one(mutant: Mutant) -> Outcome:
            folder = free.get()
            try:
                return judged(folder, mutant, limit)
            finally:
                free.put(folder)

        found = []
        for outcome in pool.map(one, chosen):
            found.append(outcome)
            progress(len(found))
        return found


def complaints(found: Sequence[Outcome]) -> Iterator[str]:
    """A line for every mutant that was not killed."""
    for mutant, verdict, detail in found:
        if verdict != KILLED:
            shown = " ".join(mutant.new.split())[:60]
            yield f"{mutant.number} {verdict}: {mutant.file}: {shown} · {mutant.test}{' · ' + detail if detail else ''}"


def write_results(root: Path, found: Sequence[Outcome]) -> None:
    """Keep what was found, sorted, without anything that differs from run to run."""
    lines = [
        {"number": mutant.number, "mutant": mutant.digest, "killed": verdict == KILLED, "test": mutant.test}
        for mutant, verdict, _ in found
    ]
    lines.sort(key=lambda each: (each["number"], each["test"], each["mutant"]))
    text = ",\n".join(json.dumps(each) for each in lines)
    (root / RESULTS).write_text(f"[\n{text}\n]\n", encoding="utf-8")


def counter(total: int) -> Callable[[int], None]:
    """Shows how far it is: one line that is written over on a terminal, else now and then a line."""
    if sys.stderr.isatty():
        return lambda done: print(f"\r{done} of {total} mutants", end="\n" if done == total else "", file=sys.stderr)
    return lambda done: print(f"{done} of {total} mutants", file=sys.stderr) if done in (total, total // 2) else None


def main(arguments: Sequence[str]) -> int:
    """Run the table, or one requirement's mutants. Exit code 1 if any was not killed, 2 if none could be run."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", metavar="PROV-nnn", help="only the mutants of this requirement; keeps no results")
    only = parser.parse_args(arguments).only
    root = Path.cwd()
    chosen = [mutant for mutant in mutants(root) if only in (None, mutant.number)]
    if not chosen:
        print(f"no mutant of {only}", file=sys.stderr)
        return 2
    try:
        found = outcomes(root, chosen, counter(len(chosen)))
    except Broken as error:
        print(error, file=sys.stderr)
        return 2
    if only is None:
        write_results(root, found)
    bad = list(complaints(found))
    for line in bad:
        print(line)
    rules = len({mutant.number for mutant in chosen})
    print(f"{len(found) - len(bad)} of {len(found)} mutants killed, of {rules} requirements")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
