"""A recording of real servers that goes on otherwise, with servers that answer as they did."""

from __future__ import annotations

from pathlib import Path

from tests.emulator.world.live.peers import files, serving
from tests.tools.test_live import served
from tools import simulate
from tools.browse import show
from tools.checking import replay
from tools.fork import Wish, fork
from tools.fork.scenarios import as_scenario
from tools.live import Where, live
from tools.locate import located


def recorded(db: Path) -> None:
    """A phone that is provisioned by a server of this machine, as run 1."""
    bodies: dict[str, bytes] = {}
    with serving(files(bodies)) as peer:
        bodies.update(served(peer.port))
        result = live(where=Where(url=f"http://127.0.0.1:{peer.port}/i.cfg"), db=db, seed=1)
    assert result.outcome == "provisioned"


def test_unchanged_it_is_the_recording(tmp_path: Path) -> None:
    """Nobody listens any more, and every fork at a settled point is the same to the byte, also as a scenario."""
    db = tmp_path / "runs.db"
    recorded(db)
    inputs = [entry.n for entry in show("1", db=db).entries if entry.event.role.value == "input"]
    for n in (inputs[3], inputs[len(inputs) // 2], inputs[-1]):
        done = fork(f"1@{n}", db=db)
        assert done.child.digest == done.parent.digest
        assert done.diff.equal
    with located("1", db) as found:
        as_scenario(found, tmp_path / "case.toml")
    again = simulate.run(tmp_path / "case.toml", keep_entries=False)
    assert again.digest == done.parent.digest
    assert again.ok


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """One answer is made a 404: the phone goes on by itself, is answered as the server did, and the cause is named."""
    db = tmp_path / "runs.db"
    recorded(db)
    answer = show("1", db=db, kinds=("HttpAnswered",)).entries[1].n
    done = fork(f"1@{answer}", Wish(sets={"status": "404", "body": ""}), db=db)
    (cause,) = done.diff.causes
    assert "status of the answer to GET" in cause.text
    assert done.child.outcome == "partly"
    assert done.child.header.world == "recorded"
    assert replay(str(done.child.id), db=db).identical


def test_another_file_from_a_server_that_is_gone(tmp_path: Path) -> None:
    """What is served instead is read instead."""
    db = tmp_path / "runs.db"
    recorded(db)
    asked = show("1", db=db, kinds=("HttpRequested",)).entries
    url = next(f"http://127.0.0.1:{e.event.port}/m.cfg" for e in asked if e.event.target == "/m.cfg")  # type: ignore[attr-defined]
    start = show("1", db=db, kinds=("LinkUp",)).entries[0].n
    done = fork(f"1@{start}", Wish(files={url: b"<PANASIPPhoneConfig/>"}), db=db)
    assert any("m.cfg" in cause.text for cause in done.diff.causes)
    changed = show(str(done.child.id), db=db, kinds=("SettingChanged",)).entries
    assert all(entry.event.key != "CFG_RTRY_INTVL" for entry in changed)  # type: ignore[attr-defined]
