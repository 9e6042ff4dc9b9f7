"""Every verb has help with examples, and every example runs as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from glob import glob
from itertools import pairwise
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner, Result

from flash_image import FirmwareImage, encode_firmware
from tests.emulator.world.live.peers import files, serving
from tests.flash_image.journal_model import SMALL
from tools.cli import main
from tools.verbs import ORDER
from tools.verbs import VERBS as LOADED_LATER

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
RUNS = 4
"""Of the first boot by option 160, each with a seed of its own: as many as the examples speak of."""
OUTPUT = ("-o", "--output")
PARSED = {
    "live": "it goes to servers and interfaces of another network; one of its examples is run against one of ours",
    "serve": "it runs until Ctrl-C, and opens a browser; one of its examples is run without, and stopped",
}
"""Verbs whose examples are read and checked as far as click does it, and why they are not all run as they stand."""
SHORTER = {"cuts": ("--budget", "1s"), "run --seeds": ("--seeds", "3"), "fuzz run": ("--runs", "40")}
"""What is added to a verb, or to one with an option, so that it does not take minutes; the last of an option counts."""
CASE = 'title = "A case"\n[[dhcp]]\noption160 = "http://192.0.2.20/"\n[[files]]\nbehaviour = "refuse"\n'
PHONE = f"""mac = "0080F0ABCDEF"
geometry = {{ size = {SMALL.size}, sector = {SMALL.sector}, page = {SMALL.page} }}

[provisioned]
"SIP_PASS/1" = {{ value = "a-password", perm = "RW" }}

[user]
TIME_ZONE = "60"

[files]
product = "product.cfg"
"""


def verbs(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every verb below a command, with its whole name."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from verbs(below, (*path, name))
    else:
        yield " ".join(path), command


def examples(command: click.Command) -> list[str]:
    """The lines of a help text that stand below ``Examples:``."""
    below = re.split(r"^ *Examples?:\n", command.help or "", maxsplit=1, flags=re.MULTILINE)[1:]
    return [line.strip() for text in below for line in text.splitlines() if line.strip().startswith("offhook ")]


VERBS = dict(verbs(main))
EXAMPLES = [(verb, line) for verb, command in VERBS.items() for line in examples(command)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the examples name: scenarios, runs, exported runs, images, files."""
    folder = tmp_path_factory.mktemp("help")
    story = "scenarios/first-boot-option-160.toml"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("OFFHOOK_DB", raising=False)
        stock(folder)
        for seed in range(1, RUNS + 1):
            done("run", story, "--seed", str(seed), "-q")
        done("export", "1", "-o", "case-4711.jsonl")
        night = ("--runs", "200", "--kind", "options", "--name", "night", "--out", "found")
        done("fuzz", story, *night, "--firmware", "tests.zoo.address:keeps_the_nul")
        done("flash", "build", "phone.toml", "-o", "phone.kxf")
        for name in ("dump.bin", "dump.hex"):
            done("flash", "convert", "phone.kxf", "-o", name)
    copies = {
        "case-4711.jsonl": ("customer-case.jsonl",),
        "phone.kxf": ("a.kxf", "before.kxf", "after.kxf"),
        "dump.bin": ("good.bin",),
        "dump.hex": ("bad.hex",),
        "offhook.db": ("elsewhere.db", "night.db"),
        "my-case.toml": ("my-phone.toml",),
    }
    for original, others in copies.items():
        for other in others:
            shutil.copy(folder / original, folder / other)
    return folder


def stock(folder: Path) -> None:
    """The files that nothing of ours makes. Of the scenarios, those that the examples name."""
    named = {word for _, line in EXAMPLES for word in shlex.split(line) if word.startswith("scenarios/")}
    shutil.copytree(SCENARIOS / "files", folder / "scenarios" / "files")
    for path in SCENARIOS.glob("*.toml"):
        if f"scenarios/{path.name}" in named:
            shutil.copy(path, folder / "scenarios")
    (folder / "my-case.toml").write_text(CASE)
    (folder / "phone.toml").write_text(PHONE)
    for name in ("product.cfg", "new.cfg"):
        (folder / name).write_text("<PANASIPPhoneConfig/>")
    (folder / "update.fw").write_bytes(encode_firmware(FirmwareImage("KX-UTG200B", "03.220", b"code")))


def done(*words: str, stdin: bytes = b"") -> Result:
    """A command that ran as a command has to: without a traceback, and with an answer."""
    result = CliRunner().invoke(main, words, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), words
    assert result.exit_code in (0, 1), (words, result.stderr)
    assert "Traceback" not in result.output
    return result


def words_of(verb: str, command: str) -> list[str]:
    """The words of an example behind ``offhook``, with what a shell does to them, and shorter if it takes long."""
    _, *words = shlex.split(command)
    found = [each for word in words for each in (sorted(glob(word)) if "*" in word else [word])]
    for where, added in SHORTER.items():
        if {verb, *words} >= set(where.split()):
            found += added
    return found


def test_every_verb_has_examples_of_its_own() -> None:
    """Also those of groups; and they begin with its name."""
    assert [verb for verb, command in VERBS.items() if not examples(command)] == []
    assert [(verb, line) for verb, line in EXAMPLES if f"offhook {verb} " not in f"{line} "] == []


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_printed(verb: str) -> None:
    """With its examples, each on a line of its own."""
    printed = CliRunner().invoke(main, [*verb.split(), "--help"]).stdout.splitlines()
    assert {*examples(VERBS[verb])} <= {line.strip() for line in printed}


def test_the_exceptions_are_verbs() -> None:
    first = {verb.split()[0] for verb in VERBS}
    assert {*PARSED} | {name.split()[0] for name in SHORTER} <= first


@pytest.mark.parametrize(("verb", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_the_example_runs(verb: str, line: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with what it names, but for what it writes; the answer may be "no"."""
    monkeypatch.delenv("OFFHOOK_DB", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").symlink_to(home / "scenarios")
    shutil.copy(home / "offhook.db", tmp_path)
    for word in {"product.cfg", *re.split(r"[\s@=]+", line)}:
        if (home / word).is_file() and not (tmp_path / word).exists():
            shutil.copy(home / word, tmp_path)
    if verb in PARSED:
        VERBS[verb].make_context(verb, words_of(verb, line)[len(verb.split()) :])
        return
    stdin = b""
    for command in line.split(" | "):
        words = words_of(verb, command)
        made = [Path(name) for option, name in pairwise(words) if option in OUTPUT and name != "-"]
        for path in made:
            path.unlink(missing_ok=True)
        stdin = done(*words, stdin=stdin).stdout_bytes
        assert [path for path in made if not path.exists()] == []


def test_an_example_that_does_not_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is not there, an option that there is not."""
    monkeypatch.chdir(tmp_path)
    for words in (("show", "1"), ("events", "--nonsense")):
        with pytest.raises(AssertionError):
            done(*words)


def test_what_help_says_of_a_verb_is_what_the_verb_says() -> None:
    """The list of verbs has the beginning of each without loading it."""
    context = click.Context(main)
    for name, verb in LOADED_LATER.items():
        command = main.get_command(context, name)
        assert command is not None
        first = " ".join((command.help or "").split("\n\n")[0].split())
        assert first.startswith(verb.does.removesuffix("."))
    assert set(ORDER) == set(main.list_commands(context)) == {*LOADED_LATER, *main.commands}


def test_a_verb_that_is_misspelled() -> None:
    """The nearest one is told; without a near one, click's own line."""
    found = CliRunner().invoke(main, ["frok", "1"])
    assert (found.exit_code, found.output.splitlines()[-1]) == (2, "Error: there is no verb 'frok'; did you mean fork?")
    assert CliRunner().invoke(main, ["xyzzy"]).exit_code == 2


def test_the_phone_of_the_example_goes_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first example, with a server of ours in the place of the one that it speaks of."""
    monkeypatch.chdir(tmp_path)
    line = examples(VERBS["live"])[0]
    with serving(files({"/": b"<PANASIPPhoneConfig/>"})) as peer:
        result = done(*shlex.split(line.replace("8080", str(peer.port)))[1:])
    assert ":8080/" in line
    assert re.search(r"← HTTP \d+", result.output), "it asked, and was answered"


def test_the_pages_of_the_example_are_served(home: Path) -> None:
    """The last example, at any port and without tables, until Ctrl-C."""
    line = examples(VERBS["serve"])[-1]
    words = [word for word in shlex.split(line)[1:] if word != "--tables"]
    assert "--port" in words
    # A shell that starts a job in the background has it ignore SIGINT.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", f"{code}from tools.cli import main; main()", *words]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        assert httpx.get(address, trust_env=False).status_code == 200
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, "stopped\n")


def test_what_is_no_verb_of_fuzz_is_a_scenario(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the example of the group has it."""
    monkeypatch.chdir(tmp_path)
    story = str(home / "scenarios" / "first-boot-option-160.toml")
    result = done("fuzz", story, "--runs", "40", "--out", "found")
    assert "first-boot-option-160-1: first-boot-option-160, seed 1" in result.output
    assert done("fuzz", "status").output.splitlines()[1].startswith("first-boot-option-160-1")
    wrong = CliRunner().invoke(main, ["fuzz", "statsu"])
    assert (wrong.exit_code, "no such file" in wrong.output) == (2, True)
