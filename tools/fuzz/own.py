"""Verdicts of a user's own, by name.

    # my_checks.py
    from tools.fuzz.model import Violation

    class NeverTwice:
        def __init__(self):
            self.violations, self.seen = [], 0
        def see(self, settled, phone):
            self.seen += sum(e.event.kind == "RestartOrdered" for e in settled.entries)
        def finish(self, run, case):
            if self.seen > 1:
                self.violations.append(Violation("never-twice", "", "it restarted twice"))

    def checks(case):
        return [NeverTwice()]

``offhook fuzz SCENARIO --check my_checks:checks`` holds every case against them too.
"""

from __future__ import annotations

from emulator.log.store import LogError
from tools.fuzz.firmwares import named
from tools.fuzz.model import MakeChecks


def own_checks(name: str) -> MakeChecks:
    """What ``package.module:function`` names. Raises LogError."""
    found = named(name, "--check")
    if not callable(found):
        raise LogError(f"--check {name}: is no function that makes checks")
    made: MakeChecks = found
    return made
