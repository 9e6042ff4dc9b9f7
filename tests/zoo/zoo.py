"""All variants by the name that ``--firmware`` takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from tests.zoo import address, fetching, leaking, merging, sip, storing, timing
from tests.zoo.variant import Variant

SUBJECTS: tuple[ModuleType, ...] = (address, sip, fetching, merging, storing, timing, leaking)


def found(module: ModuleType) -> dict[str, Variant]:
    """The variants of a module, in the order of their definition."""
    variants = (value for value in vars(module).values() if isinstance(value, Variant))
    return {f"{module.__name__}:{each.name}": each for each in variants}


VARIANTS: Mapping[str, Variant] = MappingProxyType({k: v for module in SUBJECTS for k, v in found(module).items()})
"""``tests.zoo.MODULE:NAME`` to the variant."""
