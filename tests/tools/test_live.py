"""``live``: real sockets on loopback, the recording, and the same story in the simulated world."""

from __future__ import annotations

import gzip
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.events import (
    SECOND,
    DatagramLost,
    DatagramReceived,
    DatagramSent,
    DownloadEnded,
    Event,
    FlashProgrammed,
    HttpRequested,
    Payload,
    RunEnded,
    SettingChanged,
    SourceTried,
    StepEntered,
    ToleranceUsed,
)
from emulator.log.store import Store
from emulator.world.scenario import DhcpSpec, Expectations, FilesSpec, PathSpec, PhoneSpec, PnpSpec, Scenario
from emulator.world.servers.base import Datagram, Send
from emulator.world.servers.pnp import PnpServer
from tests.emulator.world.live.peers import Peer, files, saying, serving
from tools.browse import show
from tools.checking import replay, verify
from tools.cli import main
from tools.diff import diff
from tools.live import Where, live
from tools.simulate import run

ROOT = Path(__file__).resolve().parents[2]
INITIAL = """<PANASIPPhoneConfig><Initial><CfgFiles>
<CFG_STANDARD_FILE_PATH>http://127.0.0.1:{port}/s{{MAC}}.cfg</CFG_STANDARD_FILE_PATH>
<CFG_MASTER_FILE_PATH>http://127.0.0.1:{port}/m.cfg</CFG_MASTER_FILE_PATH>
</CfgFiles></Initial></PANASIPPhoneConfig>"""
STANDARD = (ROOT / "scenarios/files/three/Config0080F0123456.cfg").read_bytes()
MASTER = (
    b"<PANASIPPhoneConfig><Device><Network><HTTP><CFG_RTRY_INTVL>9</CFG_RTRY_INTVL></HTTP></Network></Device>"
    b"</PANASIPPhoneConfig>"
)


def served(port: int, count: int = 1) -> dict[str, bytes]:
    """The files of a provisioning server, for so many phones."""
    own = {f"/s{0x0080F0123456 + index:012X}.cfg": STANDARD for index in range(count)}
    return {"/i.cfg": INITIAL.format(port=port).encode(), "/m.cfg": MASTER, **own}


@contextmanager
def provisioning(count: int = 1) -> Iterator[Peer]:
    """A provisioning server."""
    bodies: dict[str, bytes] = {}
    with serving(files(bodies)) as peer:
        bodies.update(served(peer.port, count))
        yield peer


def call(*arguments: str | Path) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of the command."""
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_phone_is_provisioned_and_its_recording_replays(tmp_path: Path) -> None:
    with provisioning() as peer:
        result = live(where=Where(url=f"{peer.url}i.cfg"), db=tmp_path / "runs.db")
        assert len(peer.seen) == 3
    assert (result.outcome, result.ok, result.run) == ("provisioned", True, 1)
    report = replay("1", db=tmp_path / "runs.db").report
    assert (report.count, report.digest) == (0, result.digest)
    assert not verify(tmp_path / "runs.db").faults
    shown = show("1", db=tmp_path / "runs.db")
    assert shown.info.header.world == "live"
    assert shown.info.state == "finished"
    assert any(isinstance(entry.event, FlashProgrammed) for entry in shown.entries), "the log of the phone is written"


def test_a_recording_replays_elsewhere(tmp_path: Path) -> None:
    """Exported, imported into another database, with nobody there any more."""
    with provisioning() as peer:
        live(where=Where(url=f"{peer.url}i.cfg"), db=tmp_path / "runs.db")
    assert call("export", "1", "--db", tmp_path / "runs.db", "-o", tmp_path / "case.jsonl")[0] == 0
    assert call("replay", tmp_path / "case.jsonl")[0] == 0


def test_a_server_that_compresses_unasked_is_borne_and_told(tmp_path: Path) -> None:
    """A bomb is not: no more than the size limit is ever unpacked."""
    bodies: dict[str, bytes] = {}
    with serving(files(bodies, "Content-Encoding: gzip\r\n")) as peer:
        bodies.update({path: gzip.compress(body) for path, body in served(peer.port).items()})
        result = live(where=Where(url=f"{peer.url}i.cfg"), db=tmp_path / "runs.db")
        bodies["/i.cfg"] = gzip.compress(bytes(100_000_000))
        bomb = live(where=Where(url=f"{peer.url}i.cfg"), db=tmp_path / "runs.db")
    assert (result.outcome, bomb.outcome) == ("provisioned", "failed")
    events = [[entry.event for entry in show(run, db=tmp_path / "runs.db").entries] for run in ("1", "2")]
    assert [e.code for e in events[0] if isinstance(e, ToleranceUsed)] == ["content-coding"] * 3
    assert [e.reason for e in events[1] if isinstance(e, DownloadEnded)] == ["too-large"]
    assert replay("1", db=tmp_path / "runs.db").report.identical


def test_many_phones_in_one_process(tmp_path: Path) -> None:
    with provisioning(40) as peer:
        code, out, _ = call(
            "live", "--url", f"{peer.url}i.cfg", "--count", "40", "--db", tmp_path / "runs.db", "--json"
        )
        asked = {line for seen in peer.seen for line in seen.split(b"\r\n") if line.startswith(b"User-Agent")}
    found = json.loads(out)
    assert (code, found["outcomes"]) == (0, ["provisioned"] * 40)
    assert len(asked) == 40, "each has a MAC address of its own"
    assert replay("1", db=tmp_path / "runs.db").report.identical
    assert found["seconds"] > 0


def test_the_answer_is_no_where_it_should_be(tmp_path: Path) -> None:
    with serving(saying(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")) as peer:
        code, out, _ = call("live", "--url", peer.url, "--no-store", "--json")
        assert (code, json.loads(out)["outcome"]) == (1, "failed")
        story = tmp_path / "story.toml"
        story.write_text('title = "x"\n[expect]\noutcome = "failed"\ndisplay = "P2 server unreachable"\n')
        assert call("live", story, "--url", peer.url, "--no-store")[0] == 0
        story.write_text('title = "x"\n[expect]\noutcome = "saved"\n')
        code, out, _ = call("live", story, "--url", peer.url, "--no-store", "-q")
        assert code == 1
        assert "not so: outcome" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dhcp", "full"], "say on which interface"),
        (["--interface", "nope0"], "there is no interface 'nope0'"),
        (["nope.toml"], "nope.toml: no such file"),
        (["--url", "http://127.0.0.1:1/", "--until", "soon"], "--until soon: give a step"),
        (["--mac", "xyz"], "--mac xyz: a MAC address is 12 hex digits"),
        (["--address", "203.0.113.7"], "this machine does not have the address '203.0.113.7'"),
        (["--address", "here"], "this machine does not have the address 'here'"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: list[str], said: str) -> None:
    code, out, err = call("live", *arguments, "--no-store")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_it_stops_where_it_is_told() -> None:
    with provisioning() as peer:
        code, out, _ = call("live", "--url", f"{peer.url}i.cfg", "--until", "HttpRequested", "--no-store")
    assert "GET http" in out
    assert "run ends" not in out
    assert code == 1, "it was not provisioned"


# --- the same story in both worlds ----------------------------------------------------------------------------------


def from_phone(entries: list[Event]) -> list[Event]:
    """What a phone says and decides, without times."""
    kinds = (StepEntered, SourceTried, DatagramSent, HttpRequested, SettingChanged, RunEnded)
    return [event for event in entries if isinstance(event, kinds)]


@contextmanager
def pnp_on_loopback(spec: PnpSpec) -> Iterator[None]:
    """The simulated world's own SIP PnP responder, on a real socket."""
    server = PnpServer(spec)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("224.0.1.75", 5060))
        group = socket.inet_aton("224.0.1.75") + socket.inet_aton("127.0.0.1")
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        made.settimeout(0.05)
        over = threading.Event()
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.bind((spec.address, 5060))

        def answer() -> None:
            while not over.is_set():
                try:
                    payload, (host, port) = made.recvfrom(65_535)
                except TimeoutError:
                    continue
                datagram = Datagram(0, host, port, "224.0.1.75", 5060, payload)
                todo = list(server.receive(datagram, 0))
                while todo:
                    first = todo.pop(0)
                    if isinstance(first, Send):
                        out.sendto(first.datagram.payload, (first.datagram.destination, first.datagram.port))
                    elif first.delay < SECOND // 10:  # what would be repeated later has arrived
                        todo += server.wake(first.token, 0)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            out.close()


@pytest.mark.parametrize("how", ["manual", "pnp"])
def test_simulated_equals_live(tmp_path: Path, how: str) -> None:
    """The same steps, settings and bytes from the phone; even what it draws is the same, as the seed is."""
    address = {"manual": "127.0.4.1", "pnp": "127.0.5.1"}[how]
    with provisioning() as peer:
        url = f"{peer.url}i.cfg"
        bodies = {path: PathSpec(text=body.decode()) for path, body in served(peer.port).items()}
        user = {"USR_PROV_SVR_URL": url} if how == "manual" else {}
        pnp = PnpSpec(address="127.0.5.9", url=url)
        story = Scenario(
            "both",
            phone=PhoneSpec(user=user, options={"lldp_wait": 0, "arp": False}),
            dhcp=(DhcpSpec(address=address, pool=address, mask="255.0.0.0"),),
            pnp=(pnp,) if how == "pnp" else (),
            files=(FilesSpec(address="127.0.0.1", ports={"http": peer.port}, paths=bodies),),
            expect=Expectations(outcome="provisioned"),
        )
        simulated = run(story, seed=4711, db=tmp_path / "runs.db")
        seen: list[Event] = []
        with pnp_on_loopback(pnp) if how == "pnp" else nullcontext():
            found = live(
                story,
                where=Where(address=address),
                seed=4711,
                db=tmp_path / "runs.db",
                observer=lambda settled: seen.extend(entry.event for entry in settled.entries),
            )
    assert (found.ok, simulated.ok) == (True, True)
    wanted = from_phone([entry.event for entry in simulated.entries])
    ours = from_phone(seen)
    end = next(n for n, event in enumerate(wanted) if isinstance(event, RunEnded))
    assert ours[: end + 1] == wanted[: end + 1]
    assert sum(isinstance(event, HttpRequested) for event in ours) == 3
    assert any(isinstance(event, DatagramReceived) for event in seen)
    assert Payload(b"") not in [event.payload for event in ours if isinstance(event, DatagramSent)]
    told = diff(str(simulated.run), str(found.run), db=tmp_path / "runs.db")
    (cause,) = told.causes
    assert "header Content-Type is absent from the answer to GET" in cause.text, "the one thing that this server omits"


def test_a_flood_of_datagrams_changes_nothing(tmp_path: Path) -> None:
    """The phone is provisioned all the same, its log says that there was a flood, and does not hold it."""
    over = threading.Event()

    def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for _ in range(400):
                if over.wait(0.01):
                    return
                for _ in range(100):
                    out.sendto(b"NOTIFY nonsense", ("127.0.6.1", 5060))

    thread = threading.Thread(target=flood)
    with provisioning() as peer:
        thread.start()
        result = live(where=Where(url=f"{peer.url}i.cfg", address="127.0.6.1"), db=tmp_path / "runs.db")
        over.set()
        thread.join()
    assert result.outcome == "provisioned"
    entries = show("1", db=tmp_path / "runs.db").entries
    told = [entry.event.reason for entry in entries if isinstance(entry.event, DatagramLost)]
    assert "flood" in told
    assert len(entries) < 8_000
    assert replay("1", db=tmp_path / "runs.db").report.identical


# --- the end that somebody else chooses -----------------------------------------------------------------------------


def started(db: Path, url: str, *more: str) -> subprocess.Popen[bytes]:
    """A live run in a process of its own."""
    command = [sys.executable, "-m", "tools.cli", "live", "--url", url, "--db", str(db), "--quiet", *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(process: subprocess.Popen[bytes], db: Path, events: int) -> None:
    """Wait until so many events are committed, or the process has ended."""
    deadline = time.monotonic() + 30
    while committed(db) < events and process.poll() is None:
        assert time.monotonic() < deadline, f"only {committed(db)} events"
        time.sleep(0.02)


def committed(db: Path) -> int:
    """How many events of the first run another process can read."""
    if not db.exists():
        return 0
    try:
        with Store(db) as store:
            return store.info(1).events if store.runs() else 0
    except Exception:  # the database is just being made
        return 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_an_orderly_way(tmp_path: Path, how: signal.Signals) -> None:
    """The log is complete and sealed, and nothing of a traceback is seen."""
    db = tmp_path / "runs.db"
    with serving(saying(stay=True)) as peer:
        process = started(db, peer.url)
        wait_for(process, db, 20)
        process.send_signal(how)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"unfinished, interrupted" in out
    assert show("1", db=db).info.state == "finished"
    assert not verify(db).faults
    assert replay("1", db=db).report.identical


def test_who_stays_is_stopped_by_hand(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    with provisioning() as peer:
        process = started(db, f"{peer.url}i.cfg", "--stay")
        wait_for(process, db, 60)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize("number", range(20))
def test_a_killed_run_keeps_what_was_committed(tmp_path: Path, number: int) -> None:
    """At a random moment: no event that was committed is lost, the database verifies, the prefix replays."""
    db, rng = tmp_path / "runs.db", random.Random(number)
    with provisioning(30) as peer:
        process = started(db, f"{peer.url}i.cfg", "--count", "30", "--rate", "40")
        enough = rng.randrange(1, 2_500)
        seen = 0
        deadline = time.monotonic() + 30
        while process.poll() is None and seen < enough:
            assert time.monotonic() < deadline
            seen = committed(db)
            time.sleep(rng.random() / 50)
        process.kill()
        process.communicate(timeout=20)
    with Store(db) as store:
        info = store.info(1)
    assert info.events >= seen
    assert info.state in ("cut off", "finished")
    assert not verify(db).faults
    assert replay("1", db=db).report.identical
