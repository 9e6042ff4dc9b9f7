"""What is done at power-on about writes that the last power cut interrupted, before anything that was read is believed.

A cell that was being changed when the power went may read both ways, so what counted as whole this time need not do so
the next time, and what did not may. So whatever a cut can have left is made firm first, as it was read. If the last
record is not confirmed, or something that is none follows it, the state goes into the next bank. The header of a bank
is programmed again and confirmed; one that is not whole is erased, and so is a copy of the boot environment. All of it
can be cut off as well, anywhere, and done again.
"""

from flash_image.chip import Chip, Erase, Op
from flash_image.journal import Mounted, copy_ops, leftovers
from flash_image.layout import partitions
from flash_image.records import JournalFull, commit_ops
from flash_image.slots import CONFIRM_AT, Environment


def settle(chip: Chip, mounted: Mounted) -> tuple[Op, ...]:
    """The operations that make the journal of `chip` give what `mounted`, which must be `mount(chip)`, says; often ().

    After an interrupted `wipe` they erase what it would have erased. A journal whose numbers are used up is left alone.
    """
    layout, unsettled = partitions(chip), mounted.unsettled
    ops: list[Op] = [Erase(sector) for sector in unsettled.headers]
    if unsettled.firm is not None:
        ops += commit_ops(chip.geometry, layout.version, *unsettled.firm)
    if mounted.cleared and mounted.bank is not None:
        ops += leftovers(chip, layout, mounted.bank)
    if unsettled.doubt:
        try:
            ops += copy_ops(chip.geometry, layout, mounted)
        except JournalFull:
            return ()
    return tuple(ops)


def settle_environment(chip: Chip, environment: Environment) -> tuple[Op, ...]:
    """The same for the boot environment, which must be `read_environment(chip)`."""
    ops: list[Op] = []
    if environment.firm is not None:
        address = environment.firm * chip.geometry.sector
        ops += commit_ops(chip.geometry, 2, address, chip.read(address, CONFIRM_AT))
    ops += [Erase(sector) for sector in environment.torn]
    return tuple(ops)
