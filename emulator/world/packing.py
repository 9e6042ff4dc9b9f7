"""A scenario with all its files in one piece: what a stored run was made from, so that it can be gone on with."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

import attrs
import msgspec
from attrs import frozen

from emulator.world.scenario import Scenario
from emulator.world.toml import ScenarioError, checked, structured
from emulator.world.writing import scenario_text

LIMIT = 5_000_000
"""Longest piece that is kept with a run, in bytes."""


@frozen
class _Packed:
    scenario: str
    files: Mapping[str, str]


def pack(scenario: Scenario) -> bytes:
    """``scenario`` as JSON: its TOML, and its files in Base64."""
    files = {name: b64encode(body).decode() for name, body in sorted(scenario.content.items())}
    return msgspec.json.encode(_Packed(scenario_text(scenario), files), order="deterministic")


def kept(scenario: Scenario) -> bytes | None:
    """:func:`pack`; None if it is longer than a run should carry along: in a fork, servers then answer as they did."""
    packed = pack(scenario)
    return packed if len(packed) <= LIMIT else None


def unpack(data: bytes, name: str) -> Scenario:
    """What :func:`pack` wrote; ``name`` stands in error messages. Raises ScenarioError."""
    try:
        packed = msgspec.json.decode(data, type=_Packed)
        content = {file: b64decode(text, validate=True) for file, text in packed.files.items()}
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ScenarioError(f"{name}: is not a scenario as a run keeps it") from None
    if any(file.startswith("/") or ".." in file.split("/") for file in content):
        raise ScenarioError(f"{name}: has files that do not lie beside it")
    return checked(attrs.evolve(structured(packed.scenario, name), content=content), name)
