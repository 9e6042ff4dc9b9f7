"""``dump RUN@N``: the image at any event of any run, and a run started from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.log.store import Store
from emulator.phone.state import fold_entry, initial
from emulator.world.run import Run
from emulator.world.toml import read_scenario
from flash_image import pack, raw, read_dump
from tests.tools.flash.images import flash, told
from tools.flash.moving import dump
from tools.locate import firmware_of
from tools.simulate import run

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
STORIES = (
    "first-boot-option-160",
    "power-cut-in-the-commit",
    "power-cut-in-the-recovery",
    "flash-bit-flipped-and-back",
    "flash-sector-worn-out",
    "started-from-a-flash-image",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of a run of each story."""
    home = tmp_path_factory.mktemp("dumps")
    for story in STORIES:
        run(SCENARIOS / f"{story}.toml", db=home / "runs.db")
    return home


@settings(deadline=None, max_examples=60)
@given(st.integers(1, len(STORIES)), st.data())
def test_the_image_at_any_event_is_the_folded_one(home: Path, number: int, data: st.DataObject) -> None:
    """Folded from the first event on, with no snapshot: cuts, flips and worn sectors among the events."""
    with Store(home / "runs.db") as store:
        info = store.info(number)
        n = data.draw(st.integers(1, info.events))
        wanted = folded(store, number, n)
    dump(f"{number}@{n}", str(home / "at.kxf"), db=home / "runs.db", force=True)
    assert (home / "at.kxf").read_bytes() == wanted


def folded(store: Store, number: int, n: int) -> bytes:
    """The packed image after the first ``n`` events, folded one by one."""
    firmware = firmware_of(store.info(number))
    phone, decoder = initial(firmware), store.decoder()
    for row in store.rows(number, 0, n, 0):
        fold_entry(firmware, phone, row.entry(decoder))
    return pack(phone.flash.chip)


def test_the_image_at_the_end_is_that_of_the_live_phone(home: Path) -> None:
    """Not only the folds of two readers agree: the machine that ran holds the same chip."""
    for number, story in enumerate(STORIES, 1):
        live = Run(read_scenario(SCENARIOS / f"{story}.toml"))
        live.run_until(live.scenario.until)
        dump(str(number), str(home / "end.kxf"), db=home / "runs.db", force=True)
        assert (home / "end.kxf").read_bytes() == pack(live.machines[0].phone.flash.chip)


def test_a_run_goes_on_from_a_dumped_image(home: Path, tmp_path: Path) -> None:
    """In whatever form it was dumped: the phone starts with just that chip, and keeps what it held."""
    made = told("dump", "1", "-o", tmp_path / "phone.hex", "--db", home / "runs.db")
    assert (made["run"], made["form"], made["secrets"]) == (1, "ihex", ["ADMIN_PASS", "SIP_PASS/1"])
    (tmp_path / "again.toml").write_text(
        'title = "again"\nuntil = "3min"\n[phone]\nflash = "phone.hex"\n[[expect.event]]\nkind = "RunEnded"\n'
    )
    run(tmp_path / "again.toml", db=tmp_path / "runs.db")
    dump("1@1", str(tmp_path / "start.bin"), db=tmp_path / "runs.db")
    assert (tmp_path / "start.bin").read_bytes() == raw(read_dump((tmp_path / "phone.hex").read_bytes()).chip)
    kept = told("get", tmp_path / "start.bin", "SIP_PASS/1", "--secrets")
    assert kept["stored"] == told("get", tmp_path / "phone.hex", "SIP_PASS/1", "--secrets")["stored"]


def test_the_secrets_on_it_are_named_and_not_shown(home: Path, tmp_path: Path) -> None:
    result = flash("dump", "1", "-o", tmp_path / "a.kxf", "--db", home / "runs.db")
    assert result.exit_code == 0
    assert result.stderr == f"{tmp_path}/a.kxf: holds secrets: ADMIN_PASS, SIP_PASS/1\n"
    early = flash("dump", "1@1", "-o", tmp_path / "b.kxf", "--db", home / "runs.db")
    assert (early.exit_code, early.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("9",), "there is no run 9"),
        (("1@99999",), "so there is no 99999"),
        (("1@x",), "offhook: "),
        (("1", "--phone", "7"), "run 1 has phones 0 to 0"),
        (("nope.jsonl",), "there is no such file"),
    ],
)
def test_a_run_that_is_none_is_one_line(home: Path, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = flash("dump", *arguments, "-o", tmp_path / "a.kxf", "--db", home / "runs.db")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "a.kxf").exists()
