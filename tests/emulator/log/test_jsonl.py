"""A run as a file: whole, equal on arrival, and refused if anything in it was changed."""

import io
import json
import shutil
from functools import lru_cache
from pathlib import Path

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator.events import Entry, Event, Payload, PowerOff, SettingEntered
from emulator.events.network import DhcpReceived
from emulator.log import jsonl
from emulator.log.chain import Recorder
from emulator.log.header import Header
from emulator.log.store import LogError, RunInfo, Store
from emulator.log.verify import verify
from emulator.world.run import Run
from emulator.world.scenario import Scenario

HEADER = Header("made", "Made by hand", "simulated", 1, 1, 1, "KX-UTG200", "03.210")


def exported(store: Store, info: RunInfo) -> bytes:
    out = io.BytesIO()
    assert jsonl.write(store, info, out) == len(out.getvalue())
    return out.getvalue()


def parsed(data: bytes) -> jsonl.Parsed:
    return jsonl.parse(io.BytesIO(data), "a file")


def same(one: jsonl.Parsed, other: jsonl.Parsed) -> bool:
    return attrs.astuple(one, recurse=False) == attrs.astuple(other, recurse=False)


@lru_cache
def short(sealed: bool = True) -> bytes:
    """A short run with a blob, as a file."""
    with Store(":memory:", create=True) as store:
        writer = store.begin(HEADER, created="today")
        made: list[Event] = [SettingEntered("A", "blob:" + "0" * 64, "web"), SettingEntered("B", '"blob:', "web")]
        made += [DhcpReceived(2, *[""] * 5, 0, 0, 0, "blob:x", None, None), PowerOff()]
        made += [packet() for _ in range(2)]
        recorder = Recorder(writer)
        for n, event in enumerate(made, 1):
            recorder.record([Entry(n, n, n, 0, n - 1 or None, (1, n) if n > 1 else (), event)])
        if sealed:
            return exported(store, writer.finish("good"))
        writer.leave()
        return exported(store, store.info(writer.run))


def packet() -> Event:
    from emulator.events import DatagramReceived

    return DatagramReceived("192.0.2.1", 5060, "192.0.2.2", 5060, Payload(b"long " * 300))


def test_export_and_import_give_the_run_again(store: Store, stored: RunInfo) -> None:
    data = exported(store, stored)
    with Store(":memory:", create=True) as other:
        info = jsonl.keep(other, parsed(data))
        assert info == stored
        assert list(other.rows(info.id)) == list(store.rows(stored.id))
        assert other.ask("SELECT * FROM blobs") == store.ask("SELECT * FROM blobs")
        assert verify(other).faults == ()
        assert exported(other, info) == data


def test_a_cut_off_run_travels_as_such(store: Store, scenario: Scenario) -> None:
    run = Run(scenario)
    run.recorder.sink = writer = store.begin(run.header("left"))
    run.run_until(scenario.until // 5)
    writer.leave()
    left = store.info(writer.run)
    with Store(":memory:", create=True) as other:
        info = jsonl.keep(other, parsed(exported(store, left)))
        assert info == left
        assert info.state == "cut off"
        assert list(other.rows(info.id)) == list(store.rows(left.id))


def test_a_fork_travels_whole(store: Store, stored: RunInfo, scenario: Scenario) -> None:
    run = Run(scenario)
    run.run_until(scenario.until // 5)
    writer = store.begin(stored.header, parent=stored.id, upto=run.recorder.count)
    twin = run.fork(writer)
    twin.agenda.later(twin.now, 0, PowerOff())
    twin.run_until(scenario.until)
    fork = writer.finish("cut")
    with Store(":memory:", create=True) as other:
        info = jsonl.keep(other, parsed(exported(store, fork)))
        assert (info.parent, info.upto) == (None, 0)
        assert (info.digest, info.events, info.outcome, info.header) == (fork.digest, fork.events, "cut", fork.header)
        assert list(other.rows(info.id)) == list(store.rows(fork.id))
        assert verify(other).faults == ()


def test_texts_that_look_like_blobs_do_not_hinder() -> None:
    read = parsed(short())
    assert [row.kind for row in read.rows].count("SettingEntered") == 2
    assert len(read.blobs) == 1


def test_an_export_without_one_of_its_blobs_is_refused(store: Store, stored: RunInfo) -> None:
    for name in ("blobs_stay_while_used",):
        store.db.execute(f"DROP TRIGGER {name}")
    store.db.execute("DELETE FROM blobs")
    with pytest.raises(LogError, match=r"event 1: blob .* is missing"):
        exported(store, stored)


def refused_or_equal(data: bytes, original: bytes) -> None:
    try:
        found = parsed(data)
    except LogError as error:
        text = str(error)
    else:
        assert same(found, parsed(original))
        return
    assert text.isprintable()
    assert text.startswith("a file")


either = st.sampled_from([True, False])


@settings(deadline=None, max_examples=300)
@given(either, st.data())
def test_a_truncated_file_is_refused(sealed: bool, data: st.DataObject) -> None:
    whole = short(sealed)
    size = data.draw(st.integers(0, len(whole) - 2))
    with pytest.raises(LogError):
        parsed(whole[:size])
    assert same(parsed(whole[:-1]), parsed(whole)), "only the last line feed is missing"


@settings(deadline=None, max_examples=600)
@given(either, st.data())
def test_a_changed_byte_is_refused_or_means_nothing(sealed: bool, data: st.DataObject) -> None:
    whole = bytearray(short(sealed))
    spans = [(0, len(whole) - 1), (0, whole.index(b"\n")), (whole.rindex(b"\n", 0, -1), len(whole) - 1)]
    at = data.draw(st.integers(*data.draw(st.sampled_from(spans))))
    whole[at] = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(list(b' 01"{[,'))))
    refused_or_equal(bytes(whole), short(sealed))


@settings(deadline=None, max_examples=200)
@given(either, st.data())
def test_lines_removed_doubled_or_swapped_are_refused(sealed: bool, data: st.DataObject) -> None:
    lines = short(sealed).splitlines(keepends=True)
    one, other = data.draw(st.tuples(*[st.integers(0, len(lines) - 1)] * 2))
    what = data.draw(st.sampled_from(["remove", "double", "swap", "junk"]))
    if what == "remove":
        del lines[one]
    elif what == "double":
        lines.insert(other, lines[one])
    elif what == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    else:
        lines.insert(one, data.draw(st.binary(max_size=20)) + b"\n")
    refused_or_equal(b"".join(lines), short(sealed))


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(st.binary(max_size=80), st.binary(max_size=40).map(lambda tail: short().split(b"\n")[0] + b"\n" + tail))
)
@example(b"")
@example(b"\n")
@example(b'{"offhook":1,"x":' + b"[" * 100_000)
@example(short().split(b"\n")[0] + b"\n" + b"[" * 100_000)
@example(short().split(b"\n")[0] + b'\n{"base64":"","x":' + b"[" * 100_000)
@example(short().split(b"\n")[0] + b'\n{"end":' + b"[" * 100_000)
@example(b'{"offhook":1,"header":{"name":"\xff"}}')
@example(short().replace(b'"offhook":1', b'"offhook":2'))
def test_junk_is_refused(data: bytes) -> None:
    with pytest.raises(LogError):
        parsed(data)


def test_a_huge_line_is_refused_before_it_is_read_whole() -> None:
    class Endless(io.BytesIO):
        def readline(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert 0 < size <= 2 * jsonl.LINE_LIMIT
            return b"x" * size

    with pytest.raises(LogError, match="longer than"):
        jsonl.parse(Endless(), "a file")


def rechained(**changes: object) -> bytes:
    """A file whose chain is right around one event with impossible fields."""
    lines = short().split(b"\n")
    header = json.loads(lines[0])["header"]
    first = jsonl._First(1, Header(**header), "today")
    row = parsed(short()).rows[3]._replace(n=1, cause=None, because="[]")._replace(**changes)
    row = row._replace(link=row.link_after(jsonl.ORIGIN))
    digest = row.link.hex()
    end = jsonl._Last(jsonl._End(1, digest, "", None).checked(first))
    return b"\n".join([lines[0], json.dumps([*row[:8], digest]).encode(), jsonl._encode(end)])


@pytest.mark.parametrize(
    "changes",
    [
        *({"time": 1 << 63}, {"time": -1}, {"phone": 1 << 70}, {"cause": -5}, {"due": 1 << 63}, {"kind": "Unknown"}),
        *(
            {"because": "[x]"},
            {"because": "[1"},
            {"data": "[]"},
            {"data": "{"},
            {"n": 2},
            {"n": 0},
            {"because": "[1 ]"},
        ),
        *({"because": "[-1]"}, {"data": '{"x":' + "[" * 5000}),
    ],
)
def test_an_impossible_event_is_refused_although_it_is_chained(changes: dict[str, object]) -> None:
    assert len(parsed(rechained()).rows) == 1
    with pytest.raises(LogError):
        parsed(rechained(**changes))


def test_a_header_with_too_many_phones_is_refused() -> None:
    lines = short(False).split(b"\n")
    first = json.loads(lines[0])
    for phones in (-1, 10**9):
        first["header"]["phones"] = phones
        header = jsonl._First(1, Header(**first["header"]), "today")
        end = attrs.evolve(parsed(short(False)).end).checked(header)
        made = b"\n".join([jsonl._encode(header), *lines[1:-2], jsonl._encode(jsonl._Last(end))])
        with pytest.raises(LogError, match="phones"):
            parsed(made)


def test_a_refused_import_leaves_no_run(small_database: Path, tmp_path: Path) -> None:
    from tools.importing import import_run

    database, file = tmp_path / "runs.db", tmp_path / "bad.jsonl"
    shutil.copy(small_database, database)
    whole = short()
    for at in (10, len(whole) // 2, len(whole) - 20):
        file.write_bytes(whole[:at] + b"#" + whole[at + 1 :])
        with pytest.raises(LogError):
            import_run(file, db=database)
    for path in (tmp_path, tmp_path / "none.jsonl", database):
        with pytest.raises(LogError):
            import_run(path, db=database)
    with Store(database) as store:
        assert store.ask("SELECT id FROM runs") == [(1,)]
    file.write_bytes(whole)
    assert import_run(file, db=database).id == 2


def test_an_import_that_cannot_be_written_leaves_no_run(store: Store) -> None:
    store.db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.n = 5 BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(LogError, match="full"):
        jsonl.keep(store, parsed(short()))
    for table in ("runs", "events", "blobs", "run_blobs"):
        assert store.ask(f"SELECT count(*) FROM {table}") == [(0,)]
