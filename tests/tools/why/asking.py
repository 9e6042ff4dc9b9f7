"""How the tests ask why."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.log.store import LogError
from tools.cli_why import why as command
from tools.why import Why, why


def refusal(run: str, target: str | None, db: Path, phone: int = 0) -> str:
    """The one line that says why a question is none."""
    with pytest.raises(LogError) as error:
        why(run, target, db=db, phone=phone)
    text = str(error.value)
    assert "\n" not in text
    return text


def offhook_why(*arguments: str) -> Result:
    """The verb, as it is called."""
    return CliRunner().invoke(command, list(arguments))


def told(found: Why) -> dict[int, str]:
    """Number of the event to the sentence, of every line that has an event; the first line of each."""
    lines: dict[int, str] = {}
    for node in found.nodes:
        if node.entry is not None:
            lines.setdefault(node.entry.n, node.sentence)
    return lines
