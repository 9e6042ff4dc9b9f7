"""Imports go downwards only, and nothing that does IO is in the core (DESIGN section 2)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.events import STEPS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("flash_image", "emulator", "tools")

ALLOWED = {
    "flash_image": {"flash_image"},
    "emulator.events": {"emulator.events"},
    "emulator.wire": {"emulator.wire"},
    "emulator.log": {"emulator.log", "emulator.events"},
    "emulator.phone": {"emulator.phone", "emulator.events", "emulator.wire", "flash_image"},
    "emulator.world": {
        *("emulator.world", "emulator.phone", "emulator.log", "emulator.events", "emulator.wire", "flash_image"),
    },
    "emulator.boundaries": set[str](),
    "emulator": set[str](),
    "tools": {
        *("tools", "emulator.world", "emulator.phone", "emulator.log", "emulator.events", "emulator.wire"),
        *("emulator.boundaries", "flash_image"),
    },
}
"""Who may import whom, by layer."""

CORE = ("flash_image", "emulator.events", "emulator.wire", "emulator.phone")
IO = frozenset(
    {
        *("trio", "httpx", "socket", "ssl", "asyncio", "threading", "subprocess", "sqlite3", "sqlite_utils"),
        *("random", "secrets", "time", "datetime", "os", "tempfile", "http"),
        "urllib.request",
    }
)
"""Modules with a clock, randomness or a way out of the process."""


def layer(module: str) -> str:
    """The layer a module of this project belongs to."""
    return max((name for name in ALLOWED if module == name or module.startswith(name + ".")), key=len)


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the three packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imported(path: Path) -> Iterator[str]:
    """Every module that ``path`` imports, wherever in the file; ``from a import b`` counts as ``a.b`` too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("module", "path"), [pytest.param(m, p, id=m) for m, p in modules()])
def test_imports_go_downwards(module: str, path: Path) -> None:
    """A module imports only from its own layer and those below."""
    own = layer(module)
    for name in imported(path):
        if name.partition(".")[0] in PACKAGES:
            assert layer(name) in ALLOWED[own], f"{module} ({own}) must not import {name}"


@pytest.mark.parametrize(("module", "path"), [pytest.param(m, p, id=m) for m, p in modules() if layer(m) in CORE])
def test_the_core_does_no_io(module: str, path: Path) -> None:
    """No socket, clock, randomness or thread below the worlds."""
    found = {name for name in imported(path) for io in IO if name == io or name.startswith(io + ".")}
    assert not found, f"{module} imports {found}"


def test_the_rule_can_fail() -> None:
    """A module of the phone that imported a world would be found."""
    assert layer("emulator.world.run") not in ALLOWED["emulator.phone"]
    assert layer("emulator.phone.machine") == "emulator.phone"
    assert layer("emulator.log.store") not in ALLOWED["emulator.phone"]


def test_the_nine_steps_are_in_one_module_in_order() -> None:
    """PROV-001 to PROV-011: a newcomer reads them from top to bottom."""
    tree = ast.parse((ROOT / "emulator/phone/provisioning.py").read_text(encoding="utf-8"))
    numbers = [
        decorator.args[0].value
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "step"
        if isinstance(decorator.args[0], ast.Constant)
    ]
    assert numbers == list(STEPS)
