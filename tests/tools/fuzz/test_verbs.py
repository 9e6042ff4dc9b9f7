"""``fuzz``, its report, ``recheck``, ``try`` and ``shrink``, as their user meets them."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import textwrap
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from tests.tools.fuzz.small import plan
from tests.zoo.address import keeps_the_nul
from tools import simulate
from tools.cli import main
from tools.fuzz import own
from tools.fuzz.campaign import Campaign, Finding
from tools.fuzz.keeping import About
from tools.fuzz.model import Case, Violation
from tools.fuzz.page import campaign_page
from tools.simulate import run

STORY = Path(__file__).resolve().parents[3] / "scenarios" / "first-boot-option-160.toml"
FAULTY = "tests.zoo.address:keeps_the_nul"


def call(*words: object) -> Result:
    """What the command does."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OFFHOOK_DB", raising=False)
    return tmp_path


def test_from_a_campaign_to_a_test_of_ones_own(here: Path) -> None:
    """A finding, its files, its command, its report, whether it still fails, and smaller still."""
    found = call("fuzz", STORY, "--runs", "200", "--kind", "options", "--firmware", FAULTY)
    assert found.exit_code == 1
    assert "option-text (PROV-077)" in found.output
    command = found.output.splitlines()[-1].split()
    assert command[:3] == ["offhook", "fuzz", "try"]
    assert call(*command[1:]).exit_code == 1
    assert call(*command[1:4]).output == "every verdict holds\n", "on the phone as it is"
    (folder,) = (here / "fuzz-found").iterdir()
    assert {path.name for path in folder.iterdir()} >= {"case.toml", "ladder.mmd", "test_case.py"}
    assert call("fuzz", "recheck").exit_code == 1
    told = json.loads(call("fuzz", "report", "--json").stdout)
    assert (told["cases"], told["findings"][0]["rule"], told["blind"]) == (200, "PROV-077", False)
    assert call("fuzz", "report", "-o", "page.html").exit_code == 1
    assert call("fuzz", "report", "-o", "page.html").exit_code == 2, "--force is wanted"
    assert "PROV-077" in (here / "page.html").read_text()
    assert call("shrink", "1", "--tries", "50").exit_code == 0
    assert call("shrink", "2").exit_code == 2


def test_it_goes_on_where_it_was(here: Path) -> None:
    """And under its name nothing else can be done."""
    first = json.loads(call("fuzz", STORY, "--runs", "300", "--json").stdout)
    more = json.loads(call("fuzz", STORY, "--runs", "400", "--jobs", "2", "--json").stdout)
    whole = json.loads(call("fuzz", STORY, "--runs", "400", "--name", "whole", "--json").stdout)
    assert first["cases"] == 300
    assert (more["cases"], more["digest"]) == (400, whole["digest"])
    other = call("fuzz", STORY, "--runs", "400", "--name", "whole", "--seed", "2")
    assert (other.exit_code, "is about something else" in other.output) == (2, True)
    assert [line.split()[0] for line in call("fuzz", "status").output.splitlines()[1:]] == [
        "first-boot-option-160-1",
        "whole",
    ]


def test_verdicts_of_ones_own(here: Path) -> None:
    """The example of the docstring is one."""
    text = textwrap.dedent(re.search(r"    # my_checks.py\n(.*?)\n\n``", inspect.getdoc(own) or "", re.DOTALL)[1])  # type: ignore[index]
    (here / "my_checks.py").write_text(text)
    assert call("fuzz", "try", STORY, "--check", "my_checks:checks").exit_code == 0
    restarts = '\n[[action]]\nat = "8s"\ndo = "restart"\n\n[[action]]\nat = "16s"\ndo = "restart"\n'
    twice = here / "twice.toml"
    twice.write_text(f'title = "twice"\nuntil = "40s"\n{restarts}')
    found = call("fuzz", "try", twice, "--check", "my_checks:checks")
    assert (found.exit_code, found.output) == (1, "never-twice (no rule): it restarted twice\n")
    assert call("fuzz", "try", STORY, "--check", "my_checks:nothing").exit_code == 2


def test_a_finding_of_a_verdict_of_ones_own_is_shown_by_its_command(here: Path) -> None:
    """And by its test: both name the verdict."""
    (here / "no_names.py").write_text(
        "from tools.fuzz.model import Violation\n\n\n"
        "class NoNames:\n"
        "    def __init__(self):\n        self.violations = []\n\n"
        "    def see(self, settled, phone):\n"
        "        if any(e.event.kind == 'LookupRequested' for e in settled.entries):\n"
        "            self.violations.append(Violation('no-names', '', 'a name was looked up', key='x'))\n\n"
        "    def finish(self, run, case):\n        pass\n\n\n"
        "def checks(case):\n    return [NoNames()]\n"
    )
    found = call("fuzz", STORY, "--runs", "20", "--check", "no_names:checks")
    assert found.exit_code == 1
    command = found.output.splitlines()[-1].split()
    assert command[-2:] == ["--check", "no_names:checks"]
    assert "no-names" in call(*command[1:]).output
    (written,) = (here / "fuzz-found").rglob("test_case.py")
    names: dict[str, object] = {"__file__": str(written)}
    exec(compile(written.read_text(), written.name, "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    assert names["CHECKS"] == ("no_names:checks",)
    with pytest.raises(AssertionError):
        test()  # type: ignore[operator]


def test_a_scenario_can_expect_the_verdicts(here: Path) -> None:
    """``invariants`` in ``[expect]``, on the phone as it is and on one that is not."""
    story, _ = simulate.loaded(STORY)
    nul = evolve(story, dhcp=(evolve(story.dhcp[0], option160="http://192.0.2.20/{MODEL}.cfg\0"),))
    held = evolve(nul, expect=evolve(story.expect, invariants=True, event=()))
    assert run(held, keep_entries=False).ok
    faulty = run(held, firmware=keeps_the_nul.firmware(), keep_entries=False)
    (wrong,) = [verdict for verdict in faulty.expectations if verdict.text == "the invariants hold"]
    assert not wrong.holds
    assert "NUL" in wrong.found


def test_the_report_is_nothing_but_a_page(here: Path) -> None:
    """Whatever a finding says."""
    campaign = Campaign(plan(), done=10, growth=[(10, 5, 1, 1)])
    hostile = Violation("<script>alert(1)</script>", "PROV-1", '"><img src=x onerror=alert(1)>', key="x")
    case = Case(plan().base, 1)
    campaign.findings[hostile.signature] = Finding(hostile, case, 3)
    page = campaign_page(About("<b>", "x", 1), campaign, 100.0).decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "BLIND" in page


def test_what_was_mended_becomes_a_scenario(here: Path) -> None:
    """Which passes on the phone as it is, and not on the one that it was found on."""
    phone = here / "my_phone.py"
    phone.write_text("from tests.zoo.address import keeps_the_nul as phone\n")
    assert call("fuzz", STORY, "--runs", "200", "--kind", "options", "--firmware", "my_phone:phone").exit_code == 1
    assert call("fuzz", "recheck", "--fixed", "regressions").exit_code == 1
    assert not (here / "regressions").exists()
    phone.write_text("from emulator.phone.kx_utg200 import kx_utg200 as phone\n\n\n# mended\n")
    sys.modules.pop("my_phone")
    importlib.invalidate_caches()
    mended = call("fuzz", "recheck", "--fixed", "regressions")
    assert (mended.exit_code, "holds now" in mended.output) == (0, True)
    (story,) = (here / "regressions").glob("*.toml")
    assert call("run", story).exit_code == 0
    assert call("fuzz", "try", story, "--firmware", FAULTY).exit_code == 1


def test_corpora_become_one(here: Path) -> None:
    """A campaign goes on from what two have seen, and needs fewer cases for that."""
    for seed in (1, 2):
        assert (
            call("fuzz", STORY, "--runs", "256", "--kind", "options", "--kind", "dhcp", "--seed", seed).exit_code == 0
        )
    told = call("fuzz", "merge", "first-boot-option-160-1", "first-boot-option-160-2", "--name", "both")
    found = re.match(r"both: corpus ([0-9,]+) of ([0-9,]+) cases, ([0-9,]+) features", told.output)
    assert found is not None
    kept, cases, features = (int(each.replace(",", "")) for each in found.groups())
    assert kept < cases
    more = json.loads(call("fuzz", "report", "both", "--json").stdout)
    assert (more["cases"], more["corpus"], more["features"]) == (0, kept, features)
    words = ("--runs", "256", "--kind", "options", "--kind", "dhcp", "--name", "both", "--json")
    later = json.loads(call("fuzz", STORY, *words).stdout)
    assert later["cases"] == 256
    assert later["features"] >= features
    again = call("fuzz", "merge", "first-boot-option-160-1", "--name", "both")
    assert (again.exit_code, "there is a campaign both already" in again.output) == (2, True)
    assert call("fuzz", "merge", "nothing", "--name", "x").exit_code == 2
