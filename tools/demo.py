"""The main job in one go: a first boot found through DHCP option 160, kept, looked at and replayed. ``make demo``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from tools import printing
from tools.checking import replay, verify
from tools.locate import DATABASE
from tools.running import live_timeline
from tools.simulate import loaded, run

SCENARIO = Path("scenarios") / "first-boot-option-160.toml"


def main() -> int:
    """Run, replay and verify; say where everything lies. Exit code 0 if all of it is as it should be."""
    if not SCENARIO.is_file():
        printing.note(f"offhook: {SCENARIO} is not here; call this in the project's folder")
        return 2
    story, _ = loaded(SCENARIO)
    live = live_timeline(story, every=False)
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    result = run(SCENARIO, db=DATABASE, created=created, keep_entries=False, observer=live.observe)
    live.end()
    printing.run_summary(result)
    again = replay(str(result.run), db=DATABASE)
    printing.replay_report(again)
    checked = verify(db=DATABASE)
    printing.verify_report(checked, DATABASE)
    offhook = Path(sys.executable).with_name("offhook")
    command = offhook.relative_to(Path.cwd()) if offhook.is_relative_to(Path.cwd()) else offhook
    printing.say(f"""
the story     {SCENARIO}
the log       {DATABASE} (SQLite), run {result.run}
every event   {command} show {result.run}
the phone     {command} state {result.run}@48
more stories  {command} scenarios""")
    return 0 if result.ok and again.identical and not checked.faults else 1


if __name__ == "__main__":
    raise SystemExit(main())
