"""What is in the page of a run: lanes, steps, rows, packets, and what it says of a run that does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.log.store import LogError, RunInfo, Store
from tests.tools.page.pages import BY_NAME, DEMO, data_in, page_of
from tools.browse import UNREADABLE, show
from tools.locate import Located
from tools.page import run_model
from tools.page.lanes import FILES, NAMES, Lanes
from tools.simulate import run
from tools.timeline import Timeline

N, TIME_AT, PHONE, KIND, CAUSE, BECAUSE, TEXT, MARK, STYLE, STEP, LANE, BRIEF = range(12)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the README."""
    path = tmp_path_factory.mktemp("page") / "runs.db"
    run(DEMO, db=path)
    return path


@pytest.fixture(scope="module")
def data(database: Path) -> Any:
    """What is in its page."""
    return data_in(page_of(database))


def test_brief_rows_are_those_of_the_timeline(database: Path, data: Any) -> None:
    """Line by line, bursts of flash work too."""
    shown = show("1", db=database)
    expected = list(Timeline(shown.titles).brief(shown.entries))
    rows = [row for row in data["events"] if row[BRIEF]]
    assert [int(line.split()[0]) for line in expected] == [row[N] for row in rows]
    for line, row in zip(expected, rows, strict=True):
        text = row[BRIEF] if isinstance(row[BRIEF], str) else row[TEXT]
        assert line.endswith(text), line


def test_lanes_are_there_even_if_nobody_is(data: Any) -> None:
    names = [name for name, _ in data["lanes"]]
    assert names == ["LAN", "DHCP", "PnP", "Redir.", "Files", "DNS", "SNTP", "Syslog"]
    assert dict(data["lanes"])["Files"] == "192.0.2.20"
    lanes = {row[TEXT].split(" ")[0]: names[row[LANE] - 1] for row in data["events"] if row[LANE] and row[MARK] == "→"}
    assert lanes == {"LLDP": "LAN", "CDP": "LAN", "ARP": "LAN", "DHCP": "DHCP", "SIP": "PnP", "GET": "Files"} | {
        "syslog": "Syslog",
        "SNTP": "SNTP",
        "DNS": "DNS",
    }


def test_two_dhcp_servers_have_a_lane_each(tmp_path: Path) -> None:
    run(BY_NAME["dhcp-two-servers-the-faster-wins"], db=tmp_path / "runs.db")
    found = data_in(page_of(tmp_path / "runs.db"))
    lanes = [index for index, (name, _) in enumerate(found["lanes"], 1) if name == "DHCP"]
    assert len(lanes) == 2
    discover = next(row for row in found["events"] if "DISCOVER" in row[TEXT])
    offers = {row[LANE] for row in found["events"] if "OFFER" in row[TEXT] and row[MARK] == "←"}
    assert discover[LANE] == max(lanes), "what goes to everybody reaches the last"
    assert offers == set(lanes)


def test_many_hosts_share_a_lane() -> None:
    lanes = Lanes(hosts={FILES: [f"192.0.2.{last}" for last in range(9)], NAMES: [""]})
    assert [end.address for end in lanes.drawn() if end.who == FILES] == [""]


def test_the_steps_of_the_round(data: Any) -> None:
    (only,) = data["phones"][0]["rounds"]
    assert [(step["step"], step["mark"]) for step in only["steps"]] == [
        ("1", ""),
        ("2", "no"),
        ("3", "no"),
        ("4", "url"),
        ("8", "good"),
    ]
    assert (only["trigger"], only["outcome"], only["end"]) == ("start", "provisioned", 112)


def test_a_round_that_the_power_ended_says_so(tmp_path: Path) -> None:
    run(BY_NAME["power-cut-in-the-commit"], db=tmp_path / "runs.db")
    rounds = data_in(page_of(tmp_path / "runs.db"))["phones"][0]["rounds"]
    assert [each["outcome"] for each in rounds] == ["cut off", "provisioned"]


def test_packets_are_dissected_and_kept_once(data: Any) -> None:
    """Four equal SUBSCRIBEs are one packet; an ACK has its option 160 where the bytes are."""
    asked = {data["details"][row[N] - 1]["p"] for row in data["events"] if row[TEXT].startswith("SIP SUBSCRIBE")}
    assert len(asked) == 1
    ack = data["packets"][data["details"][17]["p"]]
    name, value, at, size = next(field for field in ack["tree"] if field[0].startswith("option 160"))
    assert (name, value) == ("option 160, provisioning URL", '"http://192.0.2.20/{MODEL}.cfg"')
    from base64 import b64decode

    assert b64decode(ack["bytes"])[at : at + size] == b"\xa0\x1dhttp://192.0.2.20/{MODEL}.cfg"


def test_a_run_of_many_phones_has_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_model, "MOST_EVENTS", 300)
    run(BY_NAME["twenty-phones-and-one-server"], db=tmp_path / "runs.db")
    found = data_in(page_of(tmp_path / "runs.db"))
    assert found["left_out"] == f"it has the first {len(found['phones'])} of 20 phones"
    assert 1 <= len(found["phones"]) < 20
    assert len(found["events"]) <= 300


def test_a_long_run_has_its_beginning(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_model, "MOST_EVENTS", 100)
    found = data_in(page_of(database))
    assert len(found["events"]) == 100
    assert found["left_out"] == "it has the first 100 of 143 events"


def test_a_run_that_todays_code_cannot_fold_is_shown_all_the_same(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only settings and flash are unknown from there on."""
    from tools.page import folding

    def fails(firmware: Any, phone: Any, entry: Any) -> None:
        if entry.n == 50:
            raise UNREADABLE[0]("as it was")

    monkeypatch.setattr(folding, "fold_entry", fails)
    found = data_in(page_of(database))
    assert len(found["events"]) == 143
    assert found["phones"][0]["broken"] == "event 50 cannot be applied: as it was"


def test_it_ends_at_the_event_that_was_named(database: Path) -> None:
    """As ``show RUN@N`` does, and it opens there."""
    found = data_in(page_of(database, "1@60"))
    assert (len(found["events"]), found["at"], found["upto"], found["left_out"]) == (60, 60, 60, "")
    with pytest.raises(LogError, match="there is no 999"):
        page_of(database, "1@999")


def test_a_run_without_events_has_a_page(store: Store, stored: RunInfo) -> None:
    writer = store.begin(stored.header)
    writer.leave()
    info = store.runs()[-1]
    assert info.events == 0
    model = run_model.run_model(Located(store, info, None))
    assert model["events"] == []
