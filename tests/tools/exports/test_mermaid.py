"""A run as a Mermaid diagram: what it draws, that nothing in it is taken for syntax, and that it is not too long."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from emulator.events import (
    DatagramLost,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    Payload,
    RunEnded,
    StepEntered,
    TftpStarted,
)
from emulator.phone.kx_utg200 import kx_utg200
from tests.tools.exports.stories import HOSTILE, NAMES, story
from tools.exports.ladder import Arrow, Item, Ladder, Note
from tools.exports.mermaid import LONGEST, Drawn, diagram, units
from tools.peers import Peer

TITLES = {number: step.title for number, step in kx_utg200().steps.items()}
PHONE, SERVER, OTHER = "192.0.2.10", "192.0.2.1", "192.0.2.2"
TEXT = r"(?:[\w ,.:()/\[\]'+*=?!·→←…-]|#\d+;)+"
GRAMMAR = re.compile(
    rf"title {TEXT}|participant (?P<name>p\d+) as {TEXT}|(?P<a>p\d+)--?(?:>>|x)(?P<b>p\d+): (?P<label>{TEXT})"
    rf"|Note over (?P<over>p\d+): (?P<note>{TEXT})|(?P<rect>rect rgba\(\d+, \d+, \d+, 0\.\d+\))|(?P<end>end)"
)
"""A line of a diagram; the text in it has no character that Mermaid gives a meaning."""


def drawn(entries: Sequence[Entry]) -> Drawn:
    """The diagram of a run."""
    ladder = Ladder(TITLES)
    return diagram("a title", ladder.items(entries), ladder.phones)


def told(*events: tuple[int, Event], cause: int | None = None) -> list[Entry]:
    """A log of phone 0: each event with its time in ms."""
    return [Entry(n, ms * 1_000_000, None, 0, cause, (), event) for n, (ms, event) in enumerate(events, 1)]


def lines(entries: Sequence[Entry]) -> list[str]:
    """The lines behind the title."""
    return drawn(entries).text.splitlines()[2:]


def read(text: str) -> list[re.Match[str]]:
    """The lines of a diagram, each read by the grammar; whoever takes part was declared, every rectangle ends."""
    first, *others = text.removesuffix("\n").split("\n")
    assert first == "sequenceDiagram"
    found = [GRAMMAR.fullmatch(line) for line in others]
    assert [line for line, match in zip(others, found, strict=True) if match is None] == []
    matches = [match for match in found if match is not None]
    known = [match["name"] for match in matches if match["name"]]
    assert len(set(known)) == len(known)
    assert {match[end] for match in matches for end in ("a", "b", "over")} <= {*known, None}
    depth = 0
    for match in matches:
        depth += bool(match["rect"]) - bool(match["end"])
        assert depth in (0, 1)
    assert depth == 0
    return matches


def plain(text: str) -> str:
    """What Mermaid shows of a text."""
    return html.unescape(re.sub(r"#(\d+);", r"&#\1;", text))


# --- every scenario ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_is_a_diagram(name: str) -> None:
    """With every step and outcome, and an arrow for each packet that matters, as far as it goes."""
    made = drawn(story(name).entries)
    matches = read(made.text)
    assert units(made.text) <= LONGEST
    notes = [plain(match["note"]) for match in matches if match["note"]]
    shown = [entry.event for entry in story(name).entries if made.rest is None or entry.n < made.rest]
    ends = [event.text() for event in shown if isinstance(event, RunEnded)]
    assert [note.rpartition(", at ")[0] for note in notes if note.startswith("run ends")] == ends
    steps = [f"step {event.step}:".replace("61", "6a") for event in shown if isinstance(event, StepEntered)]
    assert [note[: note.index(":") + 1] for note in notes if note.startswith("step ")] == steps


def test_only_a_very_long_run_is_cut_off() -> None:
    """And it says from where on the rest can be had, which then goes to the end."""
    assert [name for name in NAMES if drawn(story(name).entries).rest] == ["loss-of-thirty-percent"]
    entries = story("loss-of-thirty-percent").entries
    first = drawn(entries)
    assert LONGEST - 200 < units(first.text) <= LONGEST
    note = read(first.text)[-1]["note"]
    assert note == f"cut off here, --from {first.rest} draws what follows"
    assert first.rest is not None
    ladder = Ladder(TITLES)
    second = diagram("x", ladder.items(entries, first.rest), ladder.phones)
    seen = [int(match["label"].split()[0]) for match in read(first.text) + read(second.text) if match["label"]]
    assert seen == sorted(set(seen))
    assert second.rest is None


def real_parser() -> list[str]:
    """The command that has Mermaid itself read diagrams. Skips where it is not installed."""
    home = Path(os.environ.get("OFFHOOK_MERMAID", "."))
    if shutil.which("node") is None or not all(
        (home / "node_modules" / name).is_dir() for name in ("mermaid", "jsdom")
    ):
        pytest.skip("no node, or no mermaid and jsdom in $OFFHOOK_MERMAID/node_modules (npm install mermaid jsdom)")
    return ["node", str(Path(__file__).with_name("mermaid_parse.mjs")), str(home.resolve())]


def parsed(texts: Sequence[str]) -> list[dict[str, Any]]:
    """What Mermaid makes of diagrams."""
    command = real_parser()
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_mermaid_itself_reads_every_scenario() -> None:
    """With as many participants and messages as there are lines for them."""
    texts = [drawn(story(name).entries).text for name in NAMES]
    for name, text, found in zip(NAMES, texts, parsed(texts), strict=True):
        assert found["type"] == "sequence", (name, found)
        matches = read(text)
        assert len(found["actors"]) == sum(bool(match["name"]) for match in matches), name
        assert len(found["messages"]) == sum(match["name"] is None for match in matches) - 1, name
        assert found["size"] == units(text)


def hostile() -> list[Item]:
    """Texts that mean harm, wherever a text can stand."""
    return [
        item
        for n, text in enumerate(HOSTILE, 1)
        for item in (Note(n, n, text), Arrow(n, n, Peer(text, text), True, text), Note(n, 0, f"x {text}"))
    ]


def test_hostile_text_stays_text() -> None:
    """In a title, a participant, a note and a label; and it can be read."""
    for text in HOSTILE:
        matches = read(diagram(text, hostile(), dict(enumerate(HOSTILE, 1))).text)
        assert sum(bool(match["note"] or match["label"]) for match in matches) == 3 * len(HOSTILE)
        labels = [plain(match["label"]) for match in matches if match["label"]]
        assert labels[4] == "5 #59;"
        assert "style" not in "".join(match["label"] or "" for match in matches)


def test_hostile_text_stays_text_for_mermaid() -> None:
    """The real parser finds as many messages as there are, and so many participants."""
    (found,) = parsed([diagram("end; %%{init: {}}%%", hostile(), dict(enumerate(HOSTILE, 1))).text])
    assert (found["type"], len(found["messages"])) == ("sequence", 3 * len(HOSTILE))
    assert len(found["actors"]) == len(HOSTILE) + 1 + len({Peer(text, text) for text in HOSTILE})


# --- what is drawn ----------------------------------------------------------------------------------------------------


def sent(port: int, to: str, text: bytes = b"x") -> DatagramSent:
    """A datagram of the phone."""
    return DatagramSent(PHONE, port + 50_000 * (port != 5060), to, port, Payload(text))


def got(port: int, source: str, text: bytes = b"x") -> DatagramReceived:
    """A datagram for the phone."""
    return DatagramReceived(source, port, PHONE, port + 50_000 * (port != 5060), Payload(text))


def test_a_broadcast_goes_to_the_only_server() -> None:
    assert lines(told((0, sent(67, "255.255.255.255")), (1, got(67, SERVER)))) == [
        "participant p0 as phone 0",
        f"participant p1 as DHCP server {SERVER}",
        *("p0->>p1: 1 DHCP 1 bytes", "p1-->>p0: 2 DHCP 1 bytes"),
    ]


def test_a_broadcast_to_several_servers_goes_to_all() -> None:
    found = lines(told((0, sent(67, "255.255.255.255")), (1, got(67, SERVER)), (1, got(67, OTHER))))
    assert found[1:4] == [
        *("participant p1 as DHCP server", f"participant p2 as DHCP server {SERVER}"),
        f"participant p3 as DHCP server {OTHER}",
    ]


def test_what_is_lost_ends_in_a_cross() -> None:
    """On its way there or back; that nobody listens to a group is no loss."""
    sends = told((0, sent(123, SERVER)), (0, sent(5060, "224.0.1.75", b"SUBSCRIBE sip:x\r\n")))
    losses = [
        Entry(3, 0, None, 0, 1, (), DatagramLost("loss", False, SERVER, 123)),
        Entry(4, 0, None, 0, 2, (), DatagramLost("nobody-listens", False, "224.0.1.75", 5060)),
        Entry(5, 0, None, 0, 1, (), DatagramLost("partition", True, SERVER, 123)),
    ]
    assert [line for line in lines(sends + losses) if ": " in line] == [
        "p0-xp1: 1 SNTP 1 bytes, lost (loss)",
        "p0->>p2: 2 SIP SUBSCRIBE",
        "p1--xp0: 5 datagram, lost (partition)",
    ]


def test_the_pieces_of_a_file_are_one_arrow() -> None:
    """With the numbers of the first and the last; what comes between ends it."""
    start = TftpStarted("initial", "files.example", SERVER, 69, 50_069, "/x", 999, True)

    def block(n: int) -> DatagramReceived:
        return DatagramReceived(SERVER, 40_000, PHONE, 50_069, Payload(b"\0\3\0" + bytes([n]) + b"x" * 512))

    pieces = [(0, start), (0, sent(69, SERVER, b"\0\1x\0octet\0")), *((n, block(n)) for n in range(1, 4))]
    found = lines(told(*pieces, (5, sent(123, OTHER)), (6, block(4))))
    assert found[1] == "participant p1 as file server files.example"
    assert [line for line in found if ": " in line] == [
        "p0->>p1: 2 TFTP RRQ x",
        "p1-->>p0: 3 to 5 TFTP: 1,548 bytes in 3 pieces",
        "p0->>p2: 6 SNTP 1 bytes",
        "p1-->>p0: 7 TFTP DATA 4, 512 bytes",
    ]


def test_a_registrar_is_known_by_what_it_is_asked() -> None:
    """SIP at one port is plug and play, or registration."""
    register = b"REGISTER sip:x SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"
    found = lines(told((0, sent(5060, SERVER, register)), (1, got(5060, SERVER, b"SIP/2.0 200 OK\r\n\r\n"))))
    assert found[1] == f"participant p1 as registrar {SERVER}"
    assert found[3] == "p1-->>p0: 2 SIP 200 OK"


def test_silence_is_told() -> None:
    """From a second on."""
    found = lines(told((0, sent(123, SERVER)), (999, sent(123, SERVER)), (2_499, sent(123, SERVER))))
    assert [line for line in found if line.startswith("Note")] == ["Note over p0: 1.5s later"]


def test_a_run_that_is_cut_off_ends_its_rectangle() -> None:
    """As a story does that stops in the middle of a provisioning run."""
    entries = [entry for entry in story("first-boot-option-160").entries if entry.n <= 60]
    text = drawn(entries).text
    assert text.count("rect ") == text.count("\nend\n") == 1
    read(text)
