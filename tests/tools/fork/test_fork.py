"""``fork``: what is unchanged stays the same to the byte, what is changed is the one cause, and both stand alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from emulator.events import INPUT_KINDS, DatagramReceived, Payload
from emulator.log.chain import MemorySink
from emulator.log.store import LogError, Store
from emulator.world.changes import ChangeError, altered, event_of
from emulator.world.packing import pack, unpack
from emulator.world.toml import ScenarioError, parse_scenario, read_scenario
from tests.tools.diff.pairs import demo
from tools import checking, simulate
from tools.browse import show, state
from tools.fork import Wish, fork
from tools.fork.restoring import Point, from_record, restored, simulated_again
from tools.fork.scenarios import as_scenario
from tools.locate import Located, located
from tools.simulate import Plan

SCENARIOS = sorted((Path(__file__).resolve().parents[3] / "scenarios").glob("*.toml"))
BY_NAME = {path.stem: path for path in SCENARIOS}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A database with the first boot as run 1."""
    simulate.run(demo(), db=tmp_path / "runs.db", keep_entries=False)
    return tmp_path / "runs.db"


def number_of(db: Path, kind: str, which: int = 0) -> int:
    """The number of an event of run 1."""
    return show("1", db=db, kinds=(kind,)).entries[which].n


@pytest.mark.parametrize("path", SCENARIOS, ids=BY_NAME)
def test_unchanged_it_is_the_same(path: Path) -> None:
    """Of every story, from several points: in its own world, and in that of its record, the same to the byte."""
    with Store(":memory:", create=True) as store:
        simulate.simulate(read_scenario(path), path.stem, None, Plan(keep_entries=False), store)
        found = Located(store, store.info(1), None)
        starts = [row.n - 1 for row in store.rows(1) if row.kind in INPUT_KINDS]
        for upto in {starts[len(starts) // 3], starts[len(starts) * 2 // 3], found.info.events}:
            again = from_record(found, upto)
            again.run_until(again.scenario.until)
            assert again.digest == found.info.digest, f"from its record, after event {upto}"
        at = starts[len(starts) // 2]
        run = simulated_again(found, at)
        assert run is not None or at in torn_apart(found)
        if run is not None:
            run.run_until(run.scenario.until)
            assert run.digest == found.info.digest


def torn_apart(found: Located) -> set[int]:
    """Points between a cut that the run put in by itself, as the power went in a flash operation, and its input."""
    return {row.n for row in found.store.rows(found.info.id) if row.kind == "PowerCutPlanned"}


@pytest.mark.parametrize("path", SCENARIOS[::4], ids=list(BY_NAME)[::4])
def test_a_run_stands_alone_as_a_scenario(path: Path, tmp_path: Path) -> None:
    """Written out and run again it is the same run: as its own story, and as its record."""
    db = tmp_path / "runs.db"
    made = simulate.run(path, db=db, keep_entries=False)
    with located("1", db) as found:
        as_scenario(found, tmp_path / "own" / "own.toml")
        if len(list(found.store.rows(1))) < 3_000:
            found.store.db.execute("DELETE FROM scenarios")
            as_scenario(found, tmp_path / "record" / "record.toml")
    for file in (tmp_path / "own" / "own.toml", tmp_path / "record" / "record.toml"):
        if file.exists():
            again = simulate.run(file, keep_entries=False)
            assert again.digest == made.digest
            assert again.ok


CHANGES = {
    "an option less": ("DatagramReceived", 1, Wish(sets={"option160": ""}), "option 160 is absent from the DHCP ACK"),
    "another address": ("DatagramReceived", 0, Wish(sets={"yiaddr": "192.0.2.77"}), "yiaddr of the DHCP OFFER"),
    "an answer less": (
        "HttpAnswered",
        1,
        Wish(drop=True),
        "the answer to GET http://192.0.2.20/Config0080F0123456.cfg",
    ),
    "another status": ("HttpAnswered", 0, Wish(sets={"status": "404", "body": ""}), "status of the answer to GET"),
    "the cable out": ("TimerDue", 0, Wish(inserts=("LinkDown",)), "link down"),
    "a key pressed": (
        *("TimerDue", 0),
        Wish(inserts=('{"kind": "SettingEntered", "key": "SYSLOG_SEVERITY", "value": "3", "via": "web"}',)),
        "SYSLOG_SEVERITY",
    ),
    "another file": (
        *("TimerDue", 0),
        Wish(files={"http://192.0.2.20/ConfigCommon.cfg": b"<PANASIPPhoneConfig/>"}),
        "ConfigCommon.cfg",
    ),
    "an option of the firmware": ("RunEnded", 0, Wish(options={"pnp_vendor_parameter": "vender"}), "pnp_vendor"),
}


@pytest.mark.parametrize("known", [True, False], ids=["in its world", "from its record"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_one_change_is_the_one_cause(change: tuple[str, int, Wish, str], known: bool, db: Path, tmp_path: Path) -> None:
    """Of a change there is one cause, which names it; the fork replays, verifies, and stands alone as a scenario."""
    kind, which, wish, words = change
    n = number_of(db, kind, which)
    if not known:
        with Store(db) as store:
            store.db.execute("DELETE FROM scenarios")
    done = fork(f"1@{n}", wish, db=db)
    (cause,) = done.diff.causes
    assert words in cause.text
    assert done.child.parent == 1
    assert done.upto == (n - 1 if wish.of_an_input else done.upto)
    result = checking.replay(str(done.child.id), db=db)
    assert result.identical
    assert not checking.verify(db=db).faults
    with located(str(done.child.id), db) as found:
        as_scenario(found, tmp_path / "alone" / "case.toml")
    again = simulate.run(tmp_path / "alone" / "case.toml", keep_entries=False)
    assert again.digest == done.child.digest


def test_the_prefix_is_shared(db: Path) -> None:
    """A fork keeps only what comes after its point, and its parent cannot be taken from under it."""
    n = number_of(db, "DatagramReceived", 1)
    done = fork(f"1@{n}", Wish(drop=True), db=db)
    with Store(db) as store:
        (kept,) = store.ask("SELECT min(n), count(*) FROM events WHERE run = ?", (done.child.id,))[0:1]
        assert kept == (n, done.child.events - n + 1)
        assert not store.remove(1)
        assert len(list(store.rows(done.child.id))) == done.child.events


def test_a_fork_of_a_fork(db: Path, tmp_path: Path) -> None:
    """Changes add up, wherever the later one lies, and both are in the scenario."""
    first = fork(
        f"1@{number_of(db, 'DatagramReceived', 1)}", Wish(sets={"option160": "http://192.0.2.20/x.cfg"}), db=db
    )
    child = str(first.child.id)
    asked = next(e for e in show(child, db=db).entries if e.event.kind == "HttpAnswered")
    second = fork(f"{child}@{asked.n}", Wish(sets={"status": "200", "body": "<PANASIPPhoneConfig/>"}), db=db)
    assert second.child.parent == first.child.id
    with located(str(second.child.id), db) as found:
        written = as_scenario(found, tmp_path / "two.toml")
    assert [change.do for change in written.change] == ["set", "set"]
    assert simulate.run(tmp_path / "two.toml", keep_entries=False).digest == second.child.digest


def test_what_is_said_about_the_point(db: Path) -> None:
    """Only an input can be changed, and amid its consequences no fork starts; each is told with the number that can."""
    n = number_of(db, "DhcpReceived", 1)
    with pytest.raises(LogError, match=rf"event {n} is what the phone did about event {n - 1}; change that one"):
        fork(f"1@{n}", Wish(drop=True), db=db)
    done = fork(f"1@{n}", Wish(inserts=("LinkDown",)), db=db)
    assert done.upto == n - 2
    assert f"event {n - 1}" in done.notes[0]


def test_code_that_makes_another_run(db: Path) -> None:
    """A run that today's code does not make again goes on from its record, and that is said."""
    with Store(db) as store:
        story = unpack(store.scenario(1) or b"", "run 1")
        other = pack(parse_scenario('title = "other"\n', "other", Path()))
        assert story != unpack(other, "other")
        store.db.execute("DELETE FROM scenarios")
        store.keep_scenario(1, other)
    done = fork("1@100", db=db)
    assert "servers answer as they did" in "".join(done.notes)
    assert done.child.digest == done.parent.digest


WRONG = {
    "no such field": (Wish(sets={"option": "1"}), "DatagramReceived has no 'option'"),
    "a bad value": (Wish(sets={"port": "seven"}), "DatagramReceived.port: 'seven'"),
    "a bad address": (Wish(sets={"yiaddr": "1.2.3"}), "yiaddr: '1.2.3'"),
    "no such kind": (Wish(inserts=("LinkDwn",)), "did you mean LinkDown?"),
    "no input": (Wish(inserts=("TimerSet",)), "only what happens to it can be inserted"),
    "no event": (Wish(inserts=("{}",)), "unknown event kind"),
    "not asked for": (
        Wish(inserts=('{"kind": "TimerDue", "name": "nobody", "ordinal": 1}',)),
        "the phone cannot take TimerDue then",
    ),
    "no URL": (Wish(files={"somewhere": b""}), "what is served needs a URL"),
    "no such option": (Wish(options={"pnp_vendor": "x"}), "did you mean pnp_vendor_parameter?"),
    "a bad option": (Wish(options={"pnp_vendor_parameter": "x"}), "one of vendor, vender"),
    "both": (Wish(options={"arp": "true"}, drop=True), "then fork the fork"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_cannot_be_changed(case: tuple[Wish, str], db: Path) -> None:
    """One line each, and no run is left behind."""
    wish, words = case
    with pytest.raises((ChangeError, LogError), match=re.escape(words)) as caught:
        fork(f"1@{number_of(db, 'DatagramReceived', 1)}", wish, db=db)
    assert "\n" not in str(caught.value)
    with Store(db) as store:
        assert [info.id for info in store.runs()] == [1]


def test_nothing_is_written_beside_its_folder(db: Path, tmp_path: Path) -> None:
    """A scenario from elsewhere cannot write other files of this machine."""
    for name in ("../out.cfg", "/tmp/out.cfg", "a/../../out.cfg"):
        packed = json.loads(pack(demo()))
        packed["files"][name] = "AAAA"
        with pytest.raises(ScenarioError, match="do not lie beside it"):
            unpack(json.dumps(packed).encode(), "run 1")
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "case.toml").write_text("mine")
    with located("1", db) as found, pytest.raises(LogError, match="--force"):
        as_scenario(found, folder / "case.toml")
    assert (folder / "case.toml").read_text() == "mine"


def test_a_sip_message_is_changed_by_header_and_body() -> None:
    """Lossless but for what is asked; Content-Length follows the body."""
    wire = b"NOTIFY sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4\r\nEvent: x\r\nContent-Length: 3\r\n\r\nabc"
    event = DatagramReceived("192.0.2.5", 5060, "192.0.2.10", 5060, Payload(wire))
    assert altered(event, {"body": "abc"}) == event
    changed = altered(event, {"header.event": "ua-profile", "body": "longer"})
    assert isinstance(changed, DatagramReceived)
    assert b"Event: ua-profile\r\nContent-Length: 6\r\n\r\nlonger" in changed.payload
    assert b"Event" not in altered(event, {"header.Event": ""}).payload  # type: ignore[attr-defined]


def test_an_event_is_a_kind_or_json() -> None:
    """Both forms are the same event."""
    assert event_of("LinkDown") == event_of('{"kind": "LinkDown"}')


def test_a_restored_run_is_where_the_log_is(db: Path) -> None:
    """The state of a restored phone is that of the log at this event, in either world."""
    with located("1@48", db) as found:
        for forget in (False, True):
            if forget:
                found.store.db.execute("DELETE FROM scenarios")
            back = restored(found, Point(48))
            assert back.simulated is not forget
            assert back.run.machines[0].phone == state("1@48", db=db).phone
            sink = MemorySink()
            back.run.recorder.sink = sink
            while not sink.rows:
                back.run.step()
            assert sink.rows[0].n == 49
