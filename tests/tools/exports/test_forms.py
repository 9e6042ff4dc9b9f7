"""``export`` apart from the single forms: which form, where to, what of the run, and what is said of it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.log.store import LogError
from tools.cli import main
from tools.exports.exporting import export
from tools.exports.forms import FORMS, form_for
from tools.simulate import run

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
OFFHOOK = Path(sys.executable).with_name("offhook")
SECRET = "sample-password"


def offhook(*arguments: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run in which a password is said on a stream and in a URL, and one of twenty phones."""
    path = tmp_path_factory.mktemp("forms") / "runs.db"
    run(SCENARIOS / "ftp-source-with-a-login.toml", db=path)
    run(SCENARIOS / "twenty-phones-and-one-server.toml", db=path)
    return str(path)


@pytest.mark.parametrize(
    ("name", "path", "form"),
    [
        (None, None, "jsonl"),
        (None, "case", "jsonl"),
        (None, "case.jsonl", "jsonl"),
        (None, "a.b/case.PCAPNG", "pcapng"),
        (None, "case.mmd", "mermaid"),
        (None, "case.mermaid", "mermaid"),
        (None, "case.html", "html"),
        (None, "case.json", "perfetto"),
        ("mermaid", "case.txt", "mermaid"),
    ],
)
def test_the_form_is_named_or_follows_from_the_suffix(name: str | None, path: str | None, form: str) -> None:
    assert form_for(name, path).name == form


def test_a_suffix_that_stands_for_nothing_is_no_jsonl(database: str, tmp_path: Path) -> None:
    """Else `-o case.pcap` would give a file that no reader of captures knows."""
    path = tmp_path / "case.pcap"
    result = offhook("export", "1", "-o", str(path), "--db", database)
    assert (result.exit_code, path.exists()) == (2, False)
    assert result.stderr == (
        f"offhook: {path}: .pcap stands for no form; give one of them with --to: "
        "jsonl, pcapng, mermaid, perfetto or html\n"
    )


def test_no_suffix_stands_for_two_forms() -> None:
    suffixes = [suffix for form in FORMS.values() for suffix in form.suffixes]
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_a_file_of_its_owner(form: str, database: str, tmp_path: Path) -> None:
    """Named after the scenario and the digest, not written over, and the same each time."""
    suffix = FORMS[form].suffixes[0]
    made = export("1", tmp_path / f"case{suffix}", db=database)
    assert made.path is not None
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.told.size == made.path.stat().st_size > 1_000
    with pytest.raises(LogError, match="--force writes over it"):
        export("1", made.path, db=database)
    again = export("1", tmp_path / "again", to=form, db=database).path
    assert again is not None
    assert again.read_bytes() == made.path.read_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_standard_output_holds_the_same_and_nothing_else(form: str, database: str, tmp_path: Path) -> None:
    path = tmp_path / "case"
    export("1", path, to=form, db=database)
    result = offhook("export", "1", "--to", form, "-o", "-", "--db", database)
    assert result.exit_code == 0
    assert result.stdout_bytes == path.read_bytes()


def test_what_is_to_be_pasted_is_printed(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file is named; the others become a file here."""
    monkeypatch.chdir(tmp_path)
    assert offhook("export", "1", "--to", "mermaid", "--db", database).stdout.startswith("sequenceDiagram\n")
    assert list(tmp_path.iterdir()) == []
    result = offhook("export", "1", "--to", "perfetto", "--db", database)
    (made,) = tmp_path.iterdir()
    assert made.name.startswith("ftp-source-with-a-login-")
    assert made.suffix == ".json"
    assert result.stdout.startswith(f"{made.name}: run 1, ")


def test_bytes_are_nothing_for_a_terminal(database: str) -> None:
    """A capture; but text is."""
    ours, theirs = pty.openpty()
    command = [OFFHOOK, "export", "1", "--db", database, "-o", "-", "--to"]
    refused = subprocess.run([*command, "pcapng"], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(ours)
    os.close(theirs)
    assert refused.returncode == 2
    assert refused.stderr == "offhook: pcapng is no text; name a file with -o, or pipe it\n"


@pytest.mark.parametrize("form", ["mermaid", "perfetto", "html"])
def test_passwords_are_hidden_unless_they_are_asked_for(form: str, database: str) -> None:
    """In the forms that people look at; the others hold them, and say so (test_capture, test_cli)."""
    hidden = offhook("export", "1", "--to", form, "-o", "-", "--db", database)
    told = offhook("export", "1", "--to", form, "-o", "-", "--secrets", "--db", database)
    assert SECRET not in hidden.output
    assert SECRET in told.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("1@9",), "as jsonl a run is exported whole; leave out @N"),
        (("1", "--from", "2"), "as jsonl a run is exported whole; leave out --from"),
        (("1", "--phone", "0"), "as jsonl a run is exported whole; leave out --phone"),
        (("1", "--from", "2", "--to", "perfetto"), "as perfetto a run is exported whole; leave out --from"),
        (("1", "--from", "9999", "--to", "mermaid"), "run 1: event 9999 is behind the last one, 162"),
        (("1@9", "--from", "10", "--to", "mermaid"), "run 1: event 10 is behind the last one, 9"),
        (("1@9999", "--to", "mermaid"), "run 1 has events 1 to 162, so there is no 9999"),
        (("2", "--phone", "20", "--to", "mermaid"), "run 2 has phones 0 to 19"),
        (
            ("1", "-o", "no-such-folder/x.jsonl"),
            "no-such-folder/x.jsonl: cannot be written (no such file or directory)",
        ),
    ],
)
def test_what_cannot_be_had(arguments: tuple[str, ...], complaint: str, database: str) -> None:
    """One line, and no file."""
    result = offhook("export", *arguments, "--db", database)
    assert (result.exit_code, result.stderr) == (2, f"offhook: {complaint}\n")


def arrows(diagram: str) -> list[str]:
    """What stands at the arrows of a diagram."""
    return [line.split(": ", 1)[1] for line in diagram.splitlines() if "->>" in line]


def test_a_part_of_a_run(database: str) -> None:
    """Up to an event, from an event on, of one phone."""
    trace = json.loads(offhook("export", "1@40", "--to", "perfetto", "-o", "-", "--db", database).stdout)
    numbers = {each["args"]["n"] for each in trace["traceEvents"] if each.get("cat") == "event"}
    assert numbers == set(range(1, 41))
    part = offhook("export", "1@40", "--from", "30", "--to", "mermaid", "--db", database).stdout
    whole = offhook("export", "1", "--to", "mermaid", "--db", database).stdout
    assert arrows(part)
    assert arrows(part) == [text for text in arrows(whole) if 30 <= int(text.split()[0]) <= 40]
    one = json.loads(offhook("export", "2", "--phone", "7", "--to", "perfetto", "-o", "-", "--db", database).stdout)
    assert {each["pid"] for each in one["traceEvents"]} == {8}
