"""``make determinism``: the same scenario gives the same log in other processes and on other CPythons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from tools.pythons import environments
from tools.simulate import Plan, loaded, run_seeds


@frozen
class Place:
    """Where the scenarios were run: which interpreter, with which PYTHONHASHSEED."""

    python: str
    version: str
    hash_seed: str


def digests(folder: str) -> dict[str, str]:
    """Scenario name to the digest of its run, over all its seeds, in this process."""
    found = {}
    plan = Plan(keep_entries=False)
    for path in sorted(Path(folder).glob("*.toml")):
        scenario, name = loaded(path)
        seeds = range(scenario.seed, scenario.seed + scenario.seeds)
        found[name] = run_seeds(scenario, name, seeds, plan, None, lambda _: None).digest
    return found


def places(root: Path) -> list[Place]:
    """This interpreter with three hash seeds, and every other one that has an environment."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    own = [Place(sys.executable, here, seed) for seed in ("0", "1", "4711")]
    return own + [Place(str(python), version, "7") for version, python in environments(root).items()]


def digests_at(place: Place, folder: str, root: Path) -> dict[str, str]:
    """:func:`digests` in a process of its own. Raises subprocess.CalledProcessError."""
    done = subprocess.run(
        [place.python, "-m", "tools.determinism", "--print", folder],
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": place.hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def main(arguments: list[str]) -> int:
    """Compare all places; a line each. Exit code 1 if any digest differs."""
    if arguments[:1] == ["--print"]:
        print(json.dumps(digests(arguments[1])))
        return 0
    folder = arguments[0] if arguments else "scenarios"
    root = Path.cwd()
    first: dict[str, str] = {}
    differing: set[str] = set()
    for place in places(root):
        found = digests_at(place, folder, root)
        first = first or found
        unlike = {name for name in first if found.get(name) != first[name]}
        differing |= unlike
        verdict = f"differs in {', '.join(sorted(unlike))}" if unlike else f"{len(found)} scenarios, the same digests"
        print(f"Python {place.version}, PYTHONHASHSEED={place.hash_seed}: {verdict}", flush=True)
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
