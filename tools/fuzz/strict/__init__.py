"""What has to hold in every story, whatever the world does to the phone: the verdicts.

Each is derived from the specification or an RFC, and names the rule. None knows how the phone does it, and none
compares with another phone. :func:`make_checks` gives all of them for one run.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.fuzz.model import Case, Check
from tools.fuzz.strict.blocks import Blocks, TftpPace
from tools.fuzz.strict.clocks import ClockAnswers
from tools.fuzz.strict.expecting import Expected
from tools.fuzz.strict.fetching import Credentials, FirmwareUrl, Limits, Redirects, Requests
from tools.fuzz.strict.leasing import DhcpAnswers, DhcpPace, LeaseUsed
from tools.fuzz.strict.living import Bounded, ComesUp
from tools.fuzz.strict.merging import FilesJudged, Merged
from tools.fuzz.strict.naming import HostsNamed
from tools.fuzz.strict.people import Access, UserLayer
from tools.fuzz.strict.plugging import PnpNotify, PnpPace
from tools.fuzz.strict.registering import CheckSync, Registers
from tools.fuzz.strict.secrets import NoSecrets
from tools.fuzz.strict.sometimes import Sometimes
from tools.fuzz.strict.sources import FilesOrdered, OptionsRead, SourceOrder
from tools.fuzz.strict.storing import SavedFilesUsed, Stored
from tools.fuzz.strict.triggering import Rearmed, RunsHaveTriggers, TimersApart
from tools.fuzz.strict.updating import BootChoice, UpdateWanted
from tools.fuzz.strict.watching import Verdict, Watch

__all__ = ["VERDICTS", "make_checks"]

VERDICTS: tuple[type[Verdict], ...] = (
    *(FilesJudged, Merged, Stored, SavedFilesUsed),
    *(OptionsRead, SourceOrder, FilesOrdered),
    *(RunsHaveTriggers, Rearmed, TimersApart),
    *(LeaseUsed, DhcpAnswers, DhcpPace),
    *(Redirects, Limits, Credentials, Requests, FirmwareUrl, Blocks, TftpPace),
    *(PnpPace, PnpNotify, Registers, CheckSync, ClockAnswers),
    *(HostsNamed, NoSecrets, UserLayer, Access),
    *(BootChoice, UpdateWanted),
    *(Bounded, ComesUp, Expected),
    Sometimes,
)
"""Every verdict."""


def make_checks(case: Case) -> Sequence[Check]:
    """The verdicts for a run of ``case``, as one check: each event is looked up once for all of them.

    Where ``0 < case.calm < case.scenario.until``, the servers are good from ``calm`` on, and the phone has to come up;
    for any other ``calm`` nothing is promised, and nothing asked that needs good servers.
    """
    return [Watch(case, VERDICTS)]
