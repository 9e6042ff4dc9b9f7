"""Cases as a campaign makes them, for the tests beside this."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from emulator.world.scenario import Scenario
from emulator.world.toml import read_scenario
from tools.fuzz.dice import Dice
from tools.fuzz.model import Case
from tools.fuzz.mutators import vary

SCENARIOS = Path(__file__).resolve().parents[4] / "scenarios"
DEMO = "first-boot-option-160"
BASES = (
    *(DEMO, "first-boot-sip-pnp", "first-boot-option-66-bare-address", "first-boot-redirection-302", "tftp-source"),
    *("ftp-source-with-a-login", "dual-stack-option-17-before-redirection", "key-handed-over-then-encrypted"),
    *("second-boot-from-flash", "line-registers-with-digest", "started-from-a-flash-image", "voice-vlan-by-lldp"),
    *("firmware-update", "url-typed-in-then-restarted", "http-digest-sha256", "check-sync-with-reboot-during-a-call"),
)


@lru_cache(maxsize=32)
def base(name: str = DEMO) -> Scenario:
    """A story that ships."""
    return read_scenario(SCENARIOS / f"{name}.toml")


@lru_cache(maxsize=32)
def cases(count: int, name: str = DEMO, seed: int = 7) -> tuple[Case, ...]:
    """Cases, most of them made from earlier ones, some spliced."""
    story, made = base(name), list[Case]()
    for number in range(count):
        dice = Dice(seed, number)
        chosen = dice.fork("parents")
        parent = made[chosen.below(len(made))] if made and number % 4 else None
        other = made[chosen.below(len(made))] if parent is not None and number % 5 == 0 else None
        made.append(vary(story, parent, other, dice))
    return tuple(made)
