"""What has to hold in every story, whatever the world does to the phone: the verdicts.

Each is derived from the specification or an RFC, and names the rule. None knows how the phone does it, and none
compares with another phone. :func:`make_checks` gives all of them for one run.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.fuzz.model import Case, Check
from tools.fuzz.verdicts.blocks import Blocks, TftpPace
from tools.fuzz.verdicts.clocks import ClockAnswers
from tools.fuzz.verdicts.expecting import Expected
from tools.fuzz.verdicts.fetching import Credentials, FirmwareUrl, Limits, Redirects, Requests
from tools.fuzz.verdicts.leasing import DhcpAnswers, DhcpPace, Dhcpv6Asks, LeaseUsed
from tools.fuzz.verdicts.living import Bounded, ComesUp
from tools.fuzz.verdicts.merging import FilesJudged, Merged
from tools.fuzz.verdicts.naming import HostsNamed
from tools.fuzz.verdicts.ordering import FilesOrdered
from tools.fuzz.verdicts.people import Access, UserLayer
from tools.fuzz.verdicts.plugging import PnpNotify, PnpPace
from tools.fuzz.verdicts.registering import CheckSync, Registers
from tools.fuzz.verdicts.restarting import Restarts
from tools.fuzz.verdicts.secrets import NoSecrets
from tools.fuzz.verdicts.sip_messages import SipAnswers
from tools.fuzz.verdicts.sometimes import Sometimes
from tools.fuzz.verdicts.sources import OptionsRead, SourceOrder
from tools.fuzz.verdicts.storing import SavedFilesUsed, Stored
from tools.fuzz.verdicts.triggering import Rearmed, RunsHaveTriggers, TimersApart
from tools.fuzz.verdicts.updating import BootChoice, UpdateWanted
from tools.fuzz.verdicts.watching import Verdict, Watch

__all__ = ["VERDICTS", "make_checks"]

VERDICTS: tuple[type[Verdict], ...] = (
    *(FilesJudged, Merged, Stored, SavedFilesUsed),
    *(OptionsRead, SourceOrder, FilesOrdered),
    *(RunsHaveTriggers, Rearmed, TimersApart),
    *(LeaseUsed, DhcpAnswers, DhcpPace, Dhcpv6Asks),
    *(Redirects, Limits, Credentials, Requests, FirmwareUrl, Blocks, TftpPace),
    *(PnpPace, PnpNotify, Registers, CheckSync, SipAnswers, ClockAnswers),
    *(HostsNamed, NoSecrets, UserLayer, Access),
    *(BootChoice, UpdateWanted, Restarts),
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
