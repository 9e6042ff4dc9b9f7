"""How an answer to "why" looks on a terminal, and for a program."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from emulator.events import (
    ConfigurationRead,
    DatagramReceived,
    Entry,
    FileAnswered,
    FlashFitted,
    FrameReceived,
    HttpAnswered,
    LinkDown,
    LinkUp,
    LookupAnswered,
    PowerOff,
    PowerOn,
    RunEnded,
    StreamClosed,
    StreamOpened,
    StreamReceived,
)
from emulator.events.masking import printable
from tools.printing import say, styled, width
from tools.why.graph import BECAUSE, CAUSE, FLASH, IMPLIED
from tools.why.model import Node, Told, Why
from tools.why.sentences import sentence, when

WORDS = {
    "": "",
    CAUSE: "← ",
    BECAUSE: "because ",
    IMPLIED: "because ",
    FLASH: "from flash: ",
    "gap": "... ",
    "broken": "! ",
}
"""What stands in front of a line, by its link."""
STYLES = {
    "": "step",
    CAUSE: "plain",
    BECAUSE: "plain",
    IMPLIED: "plain",
    FLASH: "flash",
    "gap": "dim",
    "broken": "wrong",
}
INDENT = 4
LISTED = 8
"""Numbers of outside inputs of one kind that the last line names."""
NAMES = {
    FlashFitted: "flash chip fitted",
    PowerOn: "power on",
    PowerOff: "power off",
    LinkUp: "link up",
    LinkDown: "link down",
    HttpAnswered: "HTTP answers",
    FileAnswered: "files",
    LookupAnswered: "DNS answers",
    DatagramReceived: "packets",
    FrameReceived: "frames",
    StreamReceived: "TCP data",
    StreamOpened: "TCP opened",
    StreamClosed: "TCP closed",
}
"""Outside inputs in two words; others say it themselves."""


def report(found: Why, secrets: bool) -> None:
    """Print an answer: what was asked, the chain, and the outside inputs in it; with the whole graph, that."""
    for line in found.answer:
        say(styled(printable(line), "input"))
    for node in found.nodes:
        for line in laid_out(node_text(node), INDENT * node.depth):
            say(styled(line, STYLES[node.link]))
    if found.inputs:
        for line in laid_out(f"from outside: {inputs_text(found.inputs)}", 0):
            say(styled(line, "dim"))
    if found.graph:
        say()
        say(f"all {len(found.graph):,} events that it comes from, the newest first:")
        for told in found.graph:
            say(told_text(told, secrets))


def node_text(node: Node) -> str:
    """A line of the chain, without its indentation."""
    told = isinstance(node.entry.event, ConfigurationRead | RunEnded) if node.entry is not None else True
    shared = f", see {', '.join(f'({n})' for n in node.shared)}" if node.shared and not told else ""
    time = f"{when(node.entry)} " if node.entry is not None else ""
    return printable(f"{WORDS[node.link]}{time}{node.sentence}{shared}")


def told_text(told: Told, secrets: bool) -> str:
    """A line of the whole graph."""
    links = ", ".join(f"{'' if kind == CAUSE else f'{kind} '}{n}" for n, kind in told.links)
    return f"  {when(told.entry)} {told.entry.event.kind}: {sentence(told.entry, secrets)}" + (
        f"  ← {links}" if links else ""
    )


def inputs_text(inputs: tuple[Entry, ...]) -> str:
    """Outside inputs by what they are."""
    numbers: dict[str, list[int]] = {}
    for entry in inputs:
        numbers.setdefault(NAMES.get(type(entry.event)) or sentence(entry, False), []).append(entry.n)
    return ", ".join(f"{name} ({some(found)})" for name, found in numbers.items())


def some(numbers: list[int]) -> str:
    """The first few of many numbers."""
    more = f" and {len(numbers) - LISTED} more" if len(numbers) > LISTED else ""
    return ", ".join(map(str, numbers[:LISTED])) + more


def laid_out(text: str, indent: int) -> Iterator[str]:
    """``text`` indented, and on a terminal in lines of its width."""
    columns = width()
    space = " " * indent
    if not columns:
        yield space + text
        return
    yield from textwrap.wrap(text, max(columns, indent + 30), initial_indent=space, subsequent_indent=f"{space}    ")


def why_json(found: Why, secrets: bool) -> dict[str, Any]:
    """The object of ``why --json``. Times in ns."""
    return {
        "run": found.info.id,
        "target": found.target,
        "at": found.at,
        "phone": found.phone,
        "answer": list(found.answer),
        "chain": [node_json(node) for node in found.nodes],
        "inputs": [{"n": e.n, "kind": e.event.kind, "sentence": sentence(e, secrets)} for e in found.inputs],
        "graph": [told_json(told, secrets) for told in found.graph],
    }


def node_json(node: Node) -> dict[str, Any]:
    """A line of the chain for a program."""
    entry = node.entry
    return {
        "n": None if entry is None else entry.n,
        "time": None if entry is None else entry.time,
        "kind": None if entry is None else entry.event.kind,
        "link": node.link,
        "depth": node.depth,
        "sentence": node.sentence,
        "also": list(node.also),
        "shared": list(node.shared),
    }


def told_json(told: Told, secrets: bool) -> dict[str, Any]:
    """An event of the whole graph for a program."""
    entry = told.entry
    links = [{"n": n, "link": kind} for n, kind in told.links]
    return {
        "n": entry.n,
        "time": entry.time,
        "kind": entry.event.kind,
        "sentence": sentence(entry, secrets),
        "from": links,
    }
