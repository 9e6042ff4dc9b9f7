"""The README tells the truth: its test runs, its scenario runs, its commands exist, its output is real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.cli import main
from tools.flash.building import built
from tools.flash.reading import look
from tools.fork import Wish, fork
from tools.simulate import run

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of that language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_ten_line_test_runs() -> None:
    """The very text of the README, executed and called."""
    text = blocks("python")[0]
    names: dict[str, object] = {}
    exec(compile(text, "README.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 1
    tests[0]()  # type: ignore[operator]
    body = text.partition("def test_")[2].strip().splitlines()
    assert len(body) <= 10


def test_the_scenario_runs(tmp_path: Path) -> None:
    """And its expectations hold."""
    path = tmp_path / "case.toml"
    path.write_text(blocks("toml")[0], encoding="utf-8")
    result = run(path)
    assert result.ok
    assert len(result.expectations) == 2


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs that the README speaks of: the first boot, and its fork."""
    path = tmp_path_factory.mktemp("readme") / "runs.db"
    run(ROOT / "scenarios" / "first-boot-option-160.toml", db=path)
    fork("1@18", Wish(sets={"option160": ""}), db=path)
    return path


@pytest.mark.parametrize("excerpt", blocks("text"), ids=["run", "diff", "why", "cuts"])
def test_the_output_is_real(excerpt: str, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the excerpt is a line of what the command prints today."""
    monkeypatch.setenv("OFFHOOK_DB", str(database))
    lines = excerpt.splitlines()
    command, *shown = [line for line in lines if line.strip() != "..."]
    arguments = command.removeprefix("$ offhook ").split()
    if arguments[0] in ("run", "cuts"):
        arguments = [arguments[0], str(ROOT / arguments[1]), "--no-store"]
    printed = CliRunner().invoke(main, arguments).output.splitlines()
    assert [line for line in shown if line not in printed] == []


def test_the_image_can_be_built(tmp_path: Path) -> None:
    """With the file that it names beside it."""
    (tmp_path / "phone.toml").write_text(blocks("toml")[1], encoding="utf-8")
    (tmp_path / "Config0080F0ABCDEF.cfg").write_bytes(b"<PANASIPPhoneConfig/>")
    made = built(str(tmp_path / "phone.toml"))
    found = look(made)
    assert {setting.key for setting in found.settings} == {"SIP_PASS/1", "TIME_ZONE"}
    assert [file.name for file in found.files] == ["standard"]


VERBS = sorted(set(re.findall(r"^    offhook (\w+)", README, re.MULTILINE)))


@pytest.mark.parametrize("verb", VERBS)
def test_the_verbs_exist(verb: str) -> None:
    """Each command of the README has a help text with an example."""
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    assert re.search(r"Examples?:\n\s+offhook ", result.output)


def test_links_lead_somewhere() -> None:
    """Every relative link names a file."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
