"""The timers of a SIP client transaction other than INVITE, over UDP (RFC 3261 s.17.1.2), as pure data.

A :class:`Transaction` is a value: what happens to it makes another one. Who owns it keeps one timer that runs out
after :meth:`Transaction.wait`, and that is Timer E until it is Timer F.
"""

from __future__ import annotations

from typing import NamedTuple

from emulator.events import SECOND

T1 = SECOND // 2
T2 = 4 * SECOND
T4 = 5 * SECOND
"""RFC 3261 table 4: the first retransmission, the longest wait for another, and how long a message may be under way."""
TIMER_K = T4
"""How long a transaction that is over absorbs repeated responses (RFC 3261 s.17.1.2.2)."""


def following(interval: int, longest: int = T2) -> int:
    """Timer E after it fired with ``interval``: double it, up to T2. ns."""
    return min(interval * 2, longest)


class Transaction(NamedTuple):
    """A request that has no final response yet; times in ns.

    interval: what Timer E waits next; longest: T2; deadline: when Timer F fires; proceeding: a 1xx response came.
    """

    branch: str
    interval: int
    longest: int
    deadline: int
    proceeding: bool = False

    def wait(self, now: int) -> int:
        """From ``now`` until Timer E or Timer F fires, whichever comes first."""
        return max(0, min(self.interval, self.deadline - now))

    def timed_out(self, now: int) -> bool:
        """Whether Timer F has fired."""
        return now >= self.deadline

    def retransmitted(self) -> Transaction:
        """Timer E fired: in Trying it doubles up to T2, in Proceeding it is T2."""
        longest = self.longest
        return self._replace(interval=longest if self.proceeding else following(self.interval, longest))

    def provisional(self) -> Transaction:
        """A 1xx response came. Timer E runs on, and its next interval is T2."""
        return self._replace(proceeding=True)


def begin(branch: str, now: int, t1: int = T1, t2: int = T2, timer_f: int = 64 * T1) -> Transaction:
    """The transaction of a request that is sent at ``now``."""
    return Transaction(branch, t1, t2, now + timer_f)
