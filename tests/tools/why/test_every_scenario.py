"""Every event of every scenario has a chain that ends in what came from outside, in sentences without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.events import DisplayShown, Entry, PageSubmitted, RunEnded, SettingChanged, SettingEntered
from emulator.events.masking import is_secret
from emulator.log.store import Store
from tools.simulate import RunResult, run
from tools.why import ancestors, is_outside, links, outside
from tools.why.chain import Chain
from tools.why.model import Node
from tools.why.reader import Reader
from tools.why.sentences import sentence

SCENARIOS = sorted(Path("scenarios").glob("*.toml"))
LOGIN = re.compile(r"://[^\s/:@]*:([^\s/@\"]{4,})@")


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_event_comes_from_outside(path: Path, tmp_path: Path) -> None:
    """References go backwards to events that there are, and what comes from nothing came from outside."""
    result = run(path, db=tmp_path / "run.db")
    entries = result.entries
    assert [entry.n for entry in entries] == list(range(1, len(entries) + 1))
    for entry in entries:
        near = links(entry)
        assert {link.n for link in near} == {n for n in (entry.cause, *entry.because) if n}
        assert all(0 < link.n < entry.n for link in near)
        assert near or is_outside(entry), entry
    secrets = secrets_of(result)
    said = "\n".join(sentence(entry, False) for entry in entries)
    assert all(sentence(entry, False).strip() for entry in entries)
    for entry in chosen(entries):
        check_ancestors(entries, entry)
    with Store(tmp_path / "run.db") as store:
        reader = Reader(store, store.find("1"))
        for entry in chosen(entries):
            nodes = list(Chain(reader, len(entries)).lines(entry.n))
            check_nodes(nodes, entry, entries)
            said += "\n" + "\n".join(node.sentence for node in nodes)
    assert [secret for secret in secrets if secret in said] == []


def check_ancestors(entries: list[Entry], entry: Entry) -> None:
    """All that an event comes from: closed, each once, and ending outside."""
    found = ancestors(entries, entry.n)
    numbers = list(found)
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] == entry.n
    assert all(link.n in found for near in found.values() for link in near)
    for n, near in found.items():
        entry = entries[n - 1]
        kinds = {link.n: link.kind for link in near}
        assert entry.cause is None or entry.cause in entry.because or kinds.pop(entry.cause) == "cause"
        assert set(kinds.values()) <= {"because", "flash"}
    ends = [n for n, near in found.items() if not near]
    assert ends
    assert set(ends) <= set(outside(entries, numbers[0]))


def check_nodes(nodes: list[Node], entry: Entry, entries: list[Entry]) -> None:
    """What is told: the event first, each event in one place, the chain of causes down to an outside input."""
    assert nodes[0].entry == entry
    assert all(node.sentence for node in nodes)
    own = {node.entry.n for node in nodes if node.entry is not None and node.link in ("cause", "because", "")}
    told = [node.entry.n for node in nodes if node.entry is not None and node.link in ("cause", "because", "")]
    assert len(told) == len(own)
    behind = ancestors(entries, entry.n)
    direct = {node.entry.n for node in nodes if node.entry is not None and not through_flash(nodes, node)}
    assert direct <= set(behind)
    middle = [node for node in nodes if node.depth == 0 and node.entry is not None]
    last = middle[-1].entry
    assert last is not None
    assert is_outside(last)
    assert last.cause is None


def through_flash(nodes: list[Node], node: Node) -> bool:
    """Whether the log does not hold the link of a line, or of one above it: a record in the flash, what is implied."""
    depth = node.depth
    for each in reversed(nodes[: nodes.index(node) + 1]):
        if each.depth <= depth and each.link in ("flash", "implied"):
            return True
        depth = min(depth, each.depth)
    return False


def chosen(entries: list[Entry]) -> Iterator[Entry]:
    """A dozen events of a run, those that people ask about among them."""
    kinds = (RunEnded, DisplayShown, SettingChanged)
    asked = [entry for entry in entries if isinstance(entry.event, kinds)]
    yield from {entry.n: entry for entry in (*asked[:2], *asked[-2:], *entries[:: 1 + len(entries) // 8])}.values()


def secrets_of(result: RunResult) -> set[str]:
    """The passwords and keys that are in a run."""
    found = set()
    for entry in result.entries:
        event = entry.event
        if isinstance(event, SettingChanged | SettingEntered | PageSubmitted) and event.value:
            found |= {event.value} if is_secret(event.key) else set(LOGIN.findall(event.value))
    for phone in result.phones:
        found |= {stored.value for key, stored in phone.settings.provisioned.items() if is_secret(key)}
        found |= {value for key, value in phone.settings.user.items() if is_secret(key)}
    return {secret for secret in found if len(secret) > 3}
