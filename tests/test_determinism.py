"""The same scenario, seed and code: the same digest in another process, with another hash seed, on another CPython."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.determinism import Place, digests, digests_at, places

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("place", places(ROOT), ids=lambda p: f"python{p.version}-hashseed{p.hash_seed}")
def test_digests_are_the_same_everywhere(place: Place, record_property: Callable[[str, str], None]) -> None:
    """Every scenario, all its seeds. The ids of this test say which interpreters it ran on."""
    record_property("python", place.version)
    assert digests_at(place, "scenarios", ROOT) == digests(str(ROOT / "scenarios"))
