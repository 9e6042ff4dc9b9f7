"""``serve``: what it answers, and what it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from emulator.log.store import LogError
from tests.tools.page.pages import BY_NAME, DEMO, data_in
from tools import serve as serving
from tools import tables as datasette
from tools.cli_serve import serve as command
from tools.page import runs_page
from tools.serve import PORT, Pages, Server, serve
from tools.simulate import loaded, run

EVIL = '<script>alert(1)</script>"><b>'


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs; the third has a hostile title."""
    path = tmp_path_factory.mktemp("serve") / "runs.db"
    run(DEMO, db=path)
    run(BY_NAME["first-boot-option-159"], db=path)
    story, _ = loaded(DEMO)
    run(attrs.evolve(story, title=EVIL), db=path)
    return path


def started(pages: Pages) -> Iterator[Server]:
    """A server on a free port, as long as a test lasts."""
    server = Server(pages, 0)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def server(database: Path) -> Iterator[Server]:
    """It serves the three runs."""
    yield from started(Pages(database))


def ask(server: Server, target: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, str]:
    """An answer and its body."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest(method, target, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def line_of(body: str) -> str:
    """The one line that an error is told in."""
    return body.partition('<p class="told">')[2].partition("</p>")[0]


def test_the_list_has_the_newest_first_and_can_be_searched(server: Server) -> None:
    response, body = ask(server, "/")
    assert response.status == 200
    assert [int(part.partition('"')[0]) for part in body.split('href="/run/')[1:]] == [3, 2, 1]
    _, found = ask(server, "/?q=option-159%20PROVISIONED")
    assert [int(part.partition('"')[0]) for part in found.split('href="/run/')[1:]] == [2]
    assert line_of(ask(server, "/?q=nothing")[1]) == "No run matches."


def test_a_list_that_is_too_long_says_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_page, "MOST_RUNS", 2)
    _, body = ask(server, "/")
    assert body.count('href="/run/') == 2
    assert "the newest 2 of 3 runs" in body


def test_hostile_names_are_escaped(server: Server) -> None:
    """In the list, in what was searched for, and in errors."""
    _, body = ask(server, "/")
    assert "<b>" not in body
    assert "&lt;script&gt;alert(1)" in body
    _, searched = ask(server, "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in searched
    assert 'value="&quot;&gt;&lt;script&gt;' in searched


def test_a_run_and_two(server: Server) -> None:
    """The pages that an export makes, with a way back."""
    _, body = ask(server, "/run/1")
    data = data_in(body.encode())
    assert (data["run"]["id"], data["home"], data["secrets"]) == (1, "/", False)
    response, body = ask(server, "/diff?run=2&run=1")
    assert response.status == 200
    assert [side["run"]["id"] for side in data_in(body.encode())["sides"]] == [1, 2], "the older one is A"


@pytest.mark.parametrize("secrets", [False, True])
def test_secrets_are_shown_on_demand_only(secrets: bool, database: Path) -> None:
    for server in started(Pages(database, secrets)):
        values = {
            key: value for _, key, value, _ in data_in(ask(server, "/run/1")[1].encode())["phones"][0]["settings"]
        }
        assert (values["SIP_PASS/1"] == "***") is not secrets


def test_head_is_get_without_the_page(server: Server) -> None:
    response, body = ask(server, "/run/1", "HEAD")
    assert response.status == 200
    assert int(response.headers["Content-Length"]) > 50_000
    assert body == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused(server: Server, method: str) -> None:
    response, body = ask(server, "/", method)
    assert response.status == 405
    assert line_of(body) == "only GET and HEAD are answered"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost:80", "[::1]:8466", ""])
def test_another_host_is_refused(server: Server, host: str) -> None:
    """DNS rebinding: a page of another site has its own name in the request."""
    response, body = ask(server, "/", Host=host)
    assert response.status == 421
    assert "answers to no other name" in line_of(body)
    assert "/run/" not in body


def test_localhost_is_another_name_of_it(server: Server) -> None:
    assert ask(server, "/", Host=f"localhost:{server.server_port}")[0].status == 200


def test_two_hosts_are_refused(server: Server) -> None:
    own = f"127.0.0.1:{server.server_port}"
    answer = raw(server, f"GET / HTTP/1.1\r\nHost: {own}\r\nHost: evil\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421 ")


def raw(server: Server, request: str) -> bytes:
    """Bytes there and back."""
    with socket.create_connection(("127.0.0.1", server.server_port), 20) as sock:
        sock.sendall(request.encode("latin-1"))
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize(
    ("target", "status", "line"),
    [
        ("/run/99", 404, "there is no run 99"),
        ("/run/abc", 404, "there is no such run"),
        ("/run/", 404, "there is no such run"),
        ("/run/..%2f..%2fetc%2fpasswd", 404, "there is no such run"),
        ("/run/1/2", 404, "there is no such page"),
        ("/etc/passwd", 404, "there is no such page"),
        ("/../pyproject.toml", 404, "there is no such page"),
        ("/diff", 400, "tick two runs to compare them"),
        ("/diff?run=1&run=1", 400, "tick two runs to compare them"),
        ("/diff?run=1&run=2&run=3", 400, "tick two runs to compare them"),
        ("/diff?run=1&run=pyproject.toml", 404, "there is no such run"),
        ("/diff?" + "run=1&" * 20, 400, "the address cannot be read"),
        ("/" + "x" * 3000, 414, "the address is too long"),
    ],
)
def test_what_is_not_there(server: Server, target: str, status: int, line: str) -> None:
    response, body = ask(server, target)
    assert (response.status, line_of(body)) == (status, line)
    assert "Traceback" not in body


def test_a_file_that_is_called_like_a_run_is_not_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "77").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert ask(server, "/run/77")[0].status == 404


def test_a_body_is_refused(server: Server) -> None:
    assert ask(server, "/", Content_Length="5000000")[0].status == 413
    assert ask(server, "/", Transfer_Encoding="chunked")[0].status == 413


@pytest.mark.parametrize("request_", ["\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"])
def test_garbage_gets_a_line_or_nothing(server: Server, request_: str) -> None:
    answer = raw(server, request_)
    assert b"Traceback" not in answer
    assert b" 200 " not in answer.partition(b"\r\n")[0]
    assert ask(server, "/")[0].status == 200, "it goes on"


def test_every_answer_says_what_a_browser_may_do(server: Server) -> None:
    for target in ("/", "/run/1", "/nothing"):
        response, body = ask(server, target)
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in body
        assert "Access-Control-Allow-Origin" not in response.headers


def test_what_cannot_be_made_is_told_in_a_line(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> bytes:
        raise RecursionError("deep in a page")

    monkeypatch.setattr(serving, "run_page", fails)
    response, body = ask(server, "/run/1")
    assert (response.status, line_of(body)) == (500, "this page cannot be made (RecursionError)")


def test_it_listens_on_this_machine_only(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_told(server: Server, database: Path) -> None:
    with pytest.raises(LogError, match=f"port {server.server_port} cannot be used .*--port 0 takes any"):
        serve(database, port=server.server_port)


def test_the_command_says_what_is_wrong_in_a_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--db", str(tmp_path / "none.db")])
    assert result.exit_code == 2
    assert result.stderr.startswith("offhook: ")
    assert result.stderr.count("\n") == 1
    port = next(option for option in command.params if option.name == "port")
    assert port.default == PORT


def test_ctrl_c_ends_it_with_a_line(database: Path) -> None:
    # A shell that starts a job in the background has it ignore SIGINT.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += f"from tools.cli_serve import serve; serve(['--port', '0', '--db', {str(database)!r}])"
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline().startswith("http://127.0.0.1:")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (out, err, child.returncode) == ("", "stopped\n", 0)


# --- tables ----------------------------------------------------------------------------------------------------------


def test_without_datasette_it_says_how_to_get_it(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasette, "find_spec", lambda name: None)
    result = CliRunner().invoke(command, ["--tables", "--port", "0", "--db", str(database)])
    assert result.exit_code == 2
    assert result.stderr == f"offhook: {datasette.MISSING}\n"


def test_the_list_links_to_the_tables(database: Path) -> None:
    for server in started(Pages(database, tables="http://127.0.0.1:9/runs")):
        assert '<a href="http://127.0.0.1:9/runs" rel="noreferrer">Tables (values unmasked)</a>' in ask(server, "/")[1]


def test_a_datasette_that_does_not_start_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its last line."""
    false = shutil.which("false")
    monkeypatch.setattr(datasette, "find_spec", lambda name: object())
    monkeypatch.setattr(datasette, "sys", SimpleNamespace(executable=false))
    with pytest.raises(LogError, match="Datasette did not start: exit code 1"), datasette.tables(database):
        pass


def test_datasette_shows_the_database_and_ends_with_it(database: Path) -> None:
    """The real one."""
    try:
        import datasette as installed  # noqa: F401
    except ImportError:
        complain = pytest.fail if os.environ.get("CI") else pytest.skip
        complain("datasette is not installed (pip install -e '.[tables]')")
    with datasette.tables(database) as address:
        port = int(address.split(":")[2].partition("/")[0])
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", f"/{database.stem}/provisioning_steps.json?_shape=array")
        assert connection.getresponse().status == 200
        connection.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)
