"""What can be wrong with the cells of a chip: flipped bits, bits that read both ways, and sectors that have worn out.

None of it changes what is in the cells, so a flip can be lifted again, and what was there is there.
"""

import zlib
from typing import Final, Literal, TypeAlias

import attrs

Behaviour: TypeAlias = Literal["program-error", "read-error", "erase-error", "program-loss", "erase-loss"]
BEHAVIOURS: Final[tuple[Behaviour, ...]] = (
    *("program-error", "read-error", "erase-error"),
    *("program-loss", "erase-loss"),
)
"""What a worn sector does: it reports an error and leaves its cells alone, or (`loss`) says nothing and leaves them."""
EVERY: Final = -1
"""Stands for every sector that has no limit of its own."""


@attrs.frozen
class Limit:
    """From so many erasures on a sector shows `behaviour`; with 0 from the start."""

    erasures: int
    behaviour: Behaviour


@attrs.define
class Faults:
    """The faults of one chip.

    flips: byte address to a mask of the bits that read the other way, until the flip is lifted; unstable: the same for
    bits that read both ways, until they are programmed to 0 or their sector is erased; turn: which way they read now
    (see `turned`); limits: sector, or `EVERY`, to how long it lasts.
    """

    flips: dict[int, int] = attrs.field(factory=dict)
    unstable: dict[int, int] = attrs.field(factory=dict)
    turn: int = 0
    limits: dict[int, Limit] = attrs.field(factory=dict)

    def copy(self) -> "Faults":
        """Independent faults of the same kind."""
        return Faults(self.flips.copy(), self.unstable.copy(), self.turn, self.limits.copy())

    @property
    def blind(self) -> bool:
        """Whether what is read is what is in the cells."""
        return not (self.flips or self.unstable or self.limits)

    def overlaid(self, size: int) -> set[int]:
        """The sectors, of `size` bytes, in which some bits may read the other way."""
        return {at // size for masks in (self.flips, self.unstable) for at in masks}

    def overlay(self, start: int, end: int) -> dict[int, int]:
        """Byte address to the mask of bits that read the other way now, from `start` up to before `end`."""
        masks = {at: mask for at, mask in self.flips.items() if start <= at < end}
        for at, mask in self.unstable.items():
            if start <= at < end and (other := turned(at, mask, self.turn)):
                masks[at] = masks.get(at, 0) ^ other
        return masks

    def flip(self, address: int, mask: bytes) -> None:
        """Flip the bits of `mask` from `address` on; flipped twice they are as they were."""
        _toggle(self.flips, address, mask)

    def weaken(self, address: int, mask: bytes, turn: int) -> None:
        """Make the bits of `mask` from `address` on read both ways, from `turn` on."""
        for index, bits in enumerate(mask):
            if bits:
                self.unstable[address + index] = self.unstable.get(address + index, 0) | bits
        self.turn = turn

    def programmed(self, address: int, data: bytes) -> None:
        """Bits that are programmed to 0 are firm; the turn goes on."""
        self.turn += 1
        for at in [at for at in self.unstable if address <= at < address + len(data)]:
            self._keep(at, self.unstable[at] & data[at - address])

    def erased(self, start: int, end: int) -> None:
        """Bits that are erased are firm; the turn goes on."""
        self.turn += 1
        for at in [at for at in self.unstable if start <= at < end]:
            self._keep(at, 0)

    def limit(self, sector: int) -> Limit | None:
        """How long `sector` lasts; None if for ever."""
        return self.limits.get(sector) or self.limits.get(EVERY)

    def _keep(self, at: int, mask: int) -> None:
        if mask:
            self.unstable[at] = mask
        else:
            del self.unstable[at]


def turned(address: int, mask: int, turn: int) -> int:
    """Which bits of an unstable `mask` read the other way: in turn none of them, all of them, and some.

    The turn goes on with every power-on and every operation of the chip. So whoever reads three times sees the cells as
    if the operation that was cut off had not begun, as if it had been finished, and as a mixture of both.
    """
    if turn % 3 == 0:
        return 0
    return mask if turn % 3 == 1 else mask & zlib.crc32(b"%d/%d" % (address, turn))


def _toggle(masks: dict[int, int], address: int, mask: bytes) -> None:
    for at, bits in enumerate(mask, address):
        left = masks.get(at, 0) ^ bits
        if left:
            masks[at] = left
        else:
            masks.pop(at, None)
