"""What a database keeps, gives back, and refuses."""

import re
import sqlite3

import pytest
from sqlite_utils import Database

from emulator.events.codec import EventDecoder
from emulator.log import schema
from emulator.log.chain import ORIGIN, MemorySink, Recorder
from emulator.log.store import LogError, RunInfo, RunWriter, Store
from emulator.log.verify import verify
from emulator.log.views import VIEWS
from emulator.world.drivers import drive
from emulator.world.run import Run
from emulator.world.scenario import Scenario


def in_memory(scenario: Scenario) -> tuple[MemorySink, Run]:
    sink = MemorySink()
    run = Run(scenario, sink=sink)
    drive(run, scenario.until)
    return sink, run


def test_a_stored_run_reads_back_row_for_row(store: Store, stored: RunInfo, scenario: Scenario) -> None:
    sink, run = in_memory(scenario)
    assert list(store.rows(stored.id)) == sink.rows
    assert stored.digest == run.digest == sink.rows[-1].link.hex()
    assert stored.events == len(sink.rows) == run.recorder.count
    assert stored.state == "finished"
    assert {name: store.blob(name) for name in sink.blobs} == sink.blobs
    assert [row.entry(store.decoder()) for row in store.rows(stored.id)] == list(sink.entries())
    assert verify(store).faults == ()


def test_any_part_of_a_run_is_read(store: Store, stored: RunInfo) -> None:
    rows = list(store.rows(stored.id))
    for after, upto in ((0, 0), (0, 1), (5, 9), (60, 900), (9, 5), (-3, 2)):
        assert list(store.rows(stored.id, after, upto)) == [row for row in rows if after < row.n <= upto]
    assert list(store.rows(stored.id, phone=1)) == []
    assert store.link(stored.id, 0) == ORIGIN
    assert store.link(stored.id, 7) == rows[6].link
    for number in (76, -1, 10**30):
        with pytest.raises(LogError):
            store.link(stored.id, number)


def test_entries_chain_the_same_in_any_batches(scenario: Scenario) -> None:
    sink, run = in_memory(scenario)
    entries = list(sink.entries())
    for size in (1, 7, 1000):
        again = MemorySink()
        recorder = Recorder(again)
        for at in range(0, len(entries), size):
            recorder.record(entries[at : at + size])
        assert (again.rows, again.blobs, recorder.digest) == (sink.rows, sink.blobs, run.digest)
    link = ORIGIN
    for row in sink.rows:
        assert row.link_after(link) == row.link
        link = row.link


REFUSED = {
    "UPDATE events SET time = 0 WHERE n = 5": "never changed",
    "UPDATE OR REPLACE events SET n = 4 WHERE n = 5": "never changed",
    "DELETE FROM events WHERE n = 5": "never deleted",
    "DELETE FROM events": "never deleted",
    "INSERT INTO events SELECT * FROM events WHERE n = 5": "only the next",
    "INSERT OR REPLACE INTO events SELECT * FROM events WHERE n = 5": "only the next",
    "INSERT OR IGNORE INTO events SELECT * FROM events WHERE n = 5": "only the next",
    "REPLACE INTO events VALUES (1, 65, 0, NULL, 0, 'PowerOff', NULL, '[]', '{}', x'')": "only the next",
    "INSERT INTO events VALUES (1, 76, 0, NULL, 0, 'PowerOff', NULL, '[]', '{}', x'')": "only the next",
    "INSERT INTO events VALUES (1, 67, 0, NULL, 0, 'PowerOff', NULL, '[]', '{}', x'')": "only the next",
    "INSERT INTO events VALUES (9, 1, 0, NULL, 0, 'PowerOff', NULL, '[]', '{}', x'')": "only the next",
    "INSERT INTO events VALUES (1, 5, 0, 0, 0, '', 0, '', '', '') ON CONFLICT DO UPDATE SET time = 0": "only the next",
    "UPDATE runs SET header = '{}'": "sealed run",
    "UPDATE runs SET digest = ''": "sealed run",
    "UPDATE runs SET seal = NULL": "sealed run",
    "UPDATE runs SET events = 3": "sealed run",
    "UPDATE runs SET outcome = ''": "sealed run",
    "UPDATE runs SET created = ''": "sealed run",
    "UPDATE runs SET parent = 1": "sealed run",
    "UPDATE runs SET id = 7": "keeps its number",
    "INSERT OR REPLACE INTO runs (id, name, header) VALUES (1, '', '')": "never replaced",
    "DELETE FROM runs": "runs --rm",
    "UPDATE blobs SET data = x''": "never changed",
    "DELETE FROM blobs": "uses this blob",
    "UPDATE run_blobs SET run = 2": "never changed",
    "DELETE FROM run_blobs": "keeps its blobs",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_itself_refuses(store: Store, stored: RunInfo, statement: str) -> None:
    before = list(store.db.iterdump())
    with pytest.raises(sqlite3.IntegrityError, match=re.escape(REFUSED[statement])):
        store.db.execute(statement)
    assert list(store.db.iterdump()) == before


def test_a_blob_is_never_written_over(store: Store, stored: RunInfo) -> None:
    before = store.ask("SELECT * FROM blobs")
    store.db.execute("INSERT OR REPLACE INTO blobs SELECT digest, x'00' FROM blobs")
    assert store.ask("SELECT * FROM blobs") == before


def test_an_open_run_takes_only_the_next_event(store: Store, scenario: Scenario) -> None:
    run = Run(scenario)
    writer = store.begin(run.header("open"))
    values = "0, NULL, 0, 'PowerOff', NULL, '[]', '{}', x''"
    for number in (0, 2, -1):
        with pytest.raises(sqlite3.IntegrityError, match="only the next"):
            store.db.execute(f"INSERT INTO events VALUES ({writer.run}, {number}, {values})")
    store.db.execute(f"INSERT INTO events VALUES ({writer.run}, 1, {values})")
    with pytest.raises(sqlite3.IntegrityError, match="only the next"):
        store.db.execute(f"INSERT INTO events VALUES ({writer.run}, 3, {values})")


def test_a_sealed_run_takes_nothing_more_from_its_writer(store: Store, stored: RunInfo) -> None:
    late = RunWriter(store, stored.id)
    late.append([next(iter(store.rows(stored.id, 74)))._replace(n=76)], {})
    with pytest.raises(LogError):
        late.flush()
    with pytest.raises(LogError):
        RunWriter(store, stored.id).finish("again")
    assert store.info(stored.id) == stored
    assert not store.db.in_transaction


def test_equal_runs_have_equal_digests_and_other_seeds_others(store: Store, scenario: Scenario) -> None:
    digests = []
    for seed in (1, 1, 2):
        run = Run(scenario, seed=seed)
        run.recorder.sink = writer = store.begin(run.header("same"))
        drive(run, scenario.until)
        digests.append(writer.finish("").digest)
    assert digests[0] == digests[1] != digests[2]
    assert [info.id for info in store.runs()] == [1, 2, 3]
    assert store.find(digests[0][:8]).id == 2, "the newest of equal runs"
    assert verify(store).faults == ()


def test_the_views_say_what_happened(store: Store, stored: RunInfo) -> None:
    counts = {view: store.ask(f"SELECT count(*) FROM {view}")[0][0] for view in VIEWS}
    kinds = [row.kind for row in store.rows(stored.id)]
    assert counts == {
        "lineage": 1,
        "run_events": len(kinds),
        "runs_overview": 1,
        "boots": kinds.count("PowerOn") + kinds.count("RunEnded"),
        "provisioning_runs": kinds.count("RunStarted"),
        "provisioning_steps": kinds.count("StepEntered"),
        "sources_tried": kinds.count("SourceTried"),
        "downloads": kinds.count("DownloadOrdered"),
        "http_exchanges": 1,
        "packets": kinds.count("DatagramSent") + kinds.count("DatagramReceived"),
        "settings_changes": kinds.count("SettingChanged"),
        "flash_ops": kinds.count("FlashErased") + kinds.count("FlashProgrammed"),
        "refusals": kinds.count("PacketRefused") + kinds.count("ToleranceUsed"),
    }
    assert [step for (step,) in store.ask("SELECT step FROM provisioning_steps ORDER BY n")] == [1, 2, 3, 4, 8]
    exchange = store.ask('SELECT host, target, status, "end" FROM http_exchanges')
    assert exchange == [("192.0.2.20", "/phone.cfg", 200, "complete")]
    assert store.ask("SELECT key, value FROM settings_changes") == [("CFG_RTRY_INTVL", "30")]
    assert ("DHCP option 160", "http://192.0.2.20/phone.cfg") in store.ask("SELECT source, url FROM provisioning_steps")


def test_the_database_opens_in_sqlite_utils(store: Store, stored: RunInfo) -> None:
    database = Database(store.path)
    assert {"runs", "events", "blobs"} <= set(database.table_names())
    assert set(database.view_names()) == set(VIEWS)
    assert database["events"].count == stored.events
    assert [row["id"] for row in database["runs"].rows] == [stored.id]
    assert database.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
    database.conn.close()


def test_finding_a_run(store: Store, stored: RunInfo) -> None:
    digest = stored.digest
    assert digest is not None
    for text in ("1", "01", digest, digest[:6], digest[:20].upper()):
        assert store.find(text).id == stored.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "7",
        "abc",
        "zzzzzz",
        "*",
        "??????",
        "-1",
        "1.5",
        "²",
        "٣",
        "a" * 6000,
        "1 OR 1",
        "\0",
        "999999999999",
        "[0-f]*",
    ],
)
def test_no_run_is_named_so(store: Store, stored: RunInfo, text: str) -> None:
    with pytest.raises(LogError):
        store.find(text)


def test_an_ambiguous_digest_names_both_runs(store: Store, stored: RunInfo) -> None:
    columns = "name, header, digest, seal"
    store.db.execute(f"INSERT INTO runs ({columns}) SELECT name, header, substr(digest, 1, 9) || 'x', seal FROM runs")
    assert stored.digest is not None
    with pytest.raises(LogError, match=r"several runs start with .*: 2, 1"):
        store.find(stored.digest[:8])
    assert store.find(stored.digest[:12]).id == stored.id


def test_events_of_a_damaged_blob_are_told(store: Store, stored: RunInfo) -> None:
    decoder = EventDecoder({}.__getitem__)
    first = next(iter(store.rows(stored.id)))
    with pytest.raises(ValueError, match=r"blob .* is missing"):
        first.entry(decoder)
