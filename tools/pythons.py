"""Which CPythons besides this one can run the project, each with an environment of its own in ``.venv-X.Y``.

``make test`` calls :func:`main` first, so that no test installs anything. Candidates are ``python3.12``,
``python3.13`` and whatever OFFHOOK_PYTHONS names (paths, separated by colons); those that answer ``--version`` count.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CANDIDATES = ("python3.12", "python3.13")
_VERSION = re.compile(r"Python 3\.(\d+)\.\S+")
MARK = ".installed"


def answering(command: str) -> str | None:
    """``3.12`` if ``command`` is a CPython of 3.11 or later other than this one's minor version, else None."""
    try:
        answer = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.match(answer.stdout)
    if not found or int(found[1]) < 11 or int(found[1]) == sys.version_info.minor:
        return None
    return f"3.{found[1]}"


def found() -> dict[str, str]:
    """Version to command, for every other interpreter that answers."""
    named = [name for name in os.environ.get("OFFHOOK_PYTHONS", "").split(":") if name]
    versions: dict[str, str] = {}
    for command in (*named, *CANDIDATES):
        version = answering(command)
        if version is not None:
            versions.setdefault(version, command)
    return dict(sorted(versions.items()))


def environments(root: Path) -> dict[str, Path]:
    """Version to interpreter, for every environment that :func:`main` has made in ``root``."""
    made = sorted(root.glob(f".venv-3.*/{MARK}"))
    return {mark.parent.name.removeprefix(".venv-"): mark.parent / "bin" / "python" for mark in made}


def main() -> int:
    """Make an environment with the pinned packages for each interpreter found; say which. Wanting one is no failure."""
    root = Path.cwd()
    versions = found()
    wanted = (root / "constraints.txt").read_bytes()
    for version, command in versions.items():
        home = root / f".venv-{version}"
        if (home / MARK).is_file() and (home / MARK).read_bytes() == wanted:
            continue
        print(f"making an environment for Python {version} ...", flush=True)
        pip = [str(home / "bin" / "pip"), "--disable-pip-version-check", "-qq", "install", "-e", str(root)]
        try:
            subprocess.run([command, "-m", "venv", "--clear", str(home)], check=True, capture_output=True)
            subprocess.run(pip, check=True, env={**os.environ, "PIP_CONSTRAINT": "constraints.txt"})
        except (OSError, subprocess.SubprocessError):
            print(f"Python {version}: its environment could not be made; runs are not compared with it")
            continue
        (home / MARK).write_bytes(wanted)
    print(f"other interpreters: {', '.join(versions) or 'none found'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
