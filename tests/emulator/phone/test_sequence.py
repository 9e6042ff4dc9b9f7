"""A run from the cable to the last file: what follows what, and what each part of it is called."""

from __future__ import annotations

import re
from itertools import combinations

import attrs
import pytest

from emulator.events import (
    AddressBound,
    ConfigurationRead,
    DatagramReceived,
    DatagramSent,
    DhcpReceived,
    DownloadEnded,
    FileRefused,
    FtpStarted,
    HttpRequested,
    LinkUp,
    PnpAnswered,
    RunEnded,
    RunStarted,
    SettingChanged,
    SourceTried,
    StepEntered,
    TftpStarted,
)
from emulator.events.masking import HIDDEN
from emulator.phone.crypt import is_encrypted
from emulator.phone.identity import user_agent
from emulator.phone.kx_utg200 import kx_utg200
from emulator.wire import dhcp as wire
from emulator.world.scenario import ActionSpec, Encryption, PathSpec, PnpSpec
from tests.emulator.phone.bench import (
    ADDRESS,
    FILE_SERVER,
    QUIET,
    Bench,
    initial,
    lease,
    prov,
    seconds,
    served,
    steps,
    story,
    syslog,
)
from tools.simulate import RunResult, run

HERE = f"http://{FILE_SERVER}"
KEY, NEW_KEY = "12341234abcdabcd12341234abcdabcd", "k" * 32
CERTIFICATE = b"\x30\x03\x02\x01\x05".decode("latin-1")
FILES = ("standard", "product", "master")


def targets(result: RunResult) -> list[str]:
    return [entry.event.target for entry in result.of(HttpRequested)]


# --- From start to finish -------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-013", "PROV-012")
def test_the_printed_sequence() -> None:
    names = {"standard": "Config{MAC}.cfg", "product": "Config{MODEL}.cfg", "master": "ConfigCommon.cfg"}
    paths = {f"/{name}": prov() for name in ("Config0080F0123456.cfg", "ConfigKX-UTG200B.cfg", "ConfigCommon.cfg")}
    result = run(
        story(served({"/utg200/KX-UTG200B.cfg": initial(**names), **paths}), url=f"{HERE}/utg200/{{MODEL}}.cfg")
    )
    assert targets(result) == ["/utg200/KX-UTG200B.cfg", *paths]
    (acknowledged,) = [entry for entry in result.of(DhcpReceived) if entry.event.type == 5]
    assert acknowledged.event.option160 == f"{HERE}/utg200/{{MODEL}}.cfg"
    assert acknowledged.n < result.of(HttpRequested)[0].n
    assert result.outcome == "provisioned"


@pytest.mark.spec("PROV-281", "PROV-230")
def test_a_run_begins_by_itself_once_the_link_is_up_and_an_address_is_bound() -> None:
    bench = Bench(provisioned=tuple(QUIET.items()))
    assert not bench.of(DatagramSent)
    bench.link_up()
    assert not bench.of(RunStarted)
    bench.bind()
    order = [
        e.event.kind for e in bench.entries if isinstance(e.event, LinkUp | AddressBound | RunStarted | StepEntered)
    ]
    assert order[:4] == ["LinkUp", "AddressBound", "RunStarted", "StepEntered"]
    assert [entry.event.trigger for entry in bench.of(RunStarted)] == ["start"]
    assert steps(bench.entries)[0] == 1


@pytest.mark.spec("PROV-053", "PROV-054")
def test_the_printed_exchange_of_sip_pnp() -> None:
    scenario = story(served({"/KX-UTG200B.cfg": initial()}), url=None, provisioned={})
    result = run(attrs.evolve(scenario, pnp=(PnpSpec(url=f"{HERE}/{{MODEL}}.cfg"),)))
    packets = [entry.event for entry in result.entries if isinstance(entry.event, DatagramSent | DatagramReceived)]
    sip = [event for event in packets if 5060 in (event.port, event.source_port)]
    lines = [(event.payload.split()[0].decode(), event.destination) for event in sip]
    assert lines == [("SUBSCRIBE", "224.0.1.75"), ("SIP/2.0", ADDRESS), ("NOTIFY", ADDRESS), ("SIP/2.0", "192.0.2.5")]
    assert b"\r\nEvent: ua-profile;" in sip[0].payload
    assert result.of(PnpAnswered)[0].n < result.of(HttpRequested)[0].n
    assert targets(result) == ["/KX-UTG200B.cfg"]


@pytest.mark.spec("PROV-074")
def test_without_any_option_the_phone_goes_on_behind_dhcp() -> None:
    bench = Bench(provisioned=tuple(QUIET.items()))
    bench.link_up()
    bench.bind()
    found = [(e.event.step, e.event.url, e.event.reason) for e in bench.of(SourceTried)]
    assert found[2:5] == [(step, None, "not-populated") for step in (4, 5, 6)]
    assert steps(bench.entries)[5] == 6
    assert steps(bench.entries)[6:] == [7, 9]


@pytest.mark.spec("PROV-075", "PROV-051")
def test_every_start_asks_by_sip_and_then_looks_into_dhcp() -> None:
    actions = (ActionSpec(seconds(20), "power-off"), ActionSpec(seconds(21), "power-on"))
    result = run(story(served({"/i.cfg": initial()}), provisioned={}, action=actions, until=seconds(40)))
    assert [entry.event.source for entry in result.of(RunEnded)] == ["DHCP option 160"] * 2
    assert steps(result.entries) == [1, 2, 3, 4, 8] * 2
    group = [entry for entry in result.of(DatagramSent) if entry.event.destination == "224.0.1.75"]
    assert len(group) == 8


@pytest.mark.spec("PROV-072")
def test_the_url_is_the_one_of_the_ack_and_not_of_the_offer() -> None:
    bench = Bench(provisioned=tuple(QUIET.items()))
    bench.link_up()
    bench.reply(wire.OFFER, options=[*lease(), (wire.PROVISIONING_160, b"http://192.0.2.20/offer.cfg")])
    bench.reply(wire.ACK, options=[*lease(), (wire.PROVISIONING_160, b"http://192.0.2.20/{MODEL}.cfg")])
    assert [e.event.url for e in bench.of(SourceTried) if e.event.step == 4] == ["http://192.0.2.20/{MODEL}.cfg"]
    assert [entry.event.target for entry in bench.of(HttpRequested)] == ["/KX-UTG200B.cfg"]


@pytest.mark.spec("PROV-078", "PROV-006")
@pytest.mark.parametrize("bare", [FILE_SERVER, "prov.example.com"])
def test_option_66_may_be_a_bare_name_or_address(bare: str) -> None:
    scenario = story(served({"/KX-UTG200B.cfg": initial()}), url=None, names={"prov.example.com": FILE_SERVER})
    result = run(attrs.evolve(scenario, dhcp=(attrs.evolve(scenario.dhcp[0], option66=bare),)))
    assert [entry.event.path for entry in result.of(TftpStarted)] == ["/KX-UTG200B.cfg"]
    assert targets(result) == ["/KX-UTG200B.cfg"]
    assert [(e.event.outcome, e.event.source) for e in result.of(RunEnded)] == [("provisioned", "DHCP option 66")]


# --- Which files ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-180", "PROV-184")
@pytest.mark.parametrize("named", [named for size in range(4) for named in combinations(FILES, size)], ids="+".join)
def test_only_the_files_that_are_named_are_asked_for(named: tuple[str, ...]) -> None:
    files = {f"/{name}": prov() for name in FILES}
    text = initial(**{name: name for name in named}).replace(
        "</CfgFiles>",
        "".join(f"<CFG_{name.upper()}_FILE_PATH/>" for name in FILES if name not in named) + "</CfgFiles>",
    )
    paths = {**files, **{f"{path}/KX-UTG200B.cfg": prov() for path in files}, "/i.cfg": text}
    result = run(story(served(paths)))
    assert targets(result) == ["/i.cfg", *(f"/{name}/KX-UTG200B.cfg" for name in named)]
    assert result.outcome == "provisioned"


@pytest.mark.spec("PROV-181", "PROV-182")
@pytest.mark.parametrize(("having", "wanted"), [("upsm", "u"), ("psm", "s"), ("pm", "p"), ("m", "m"), ("", "")])
def test_which_layer_wins_a_parameter(having: str, wanted: str) -> None:
    names = {name: f"{name}.cfg" for name in FILES if name[0] in having}
    paths = {f"/{name}.cfg": syslog(SYSLOG_ADDR=name[0]) for name in names}
    user = {"SYSLOG_ADDR": "u"} if "u" in having else {}
    result = run(story(served({"/i.cfg": initial(**names), **paths}), user=user))
    assert result.phones[0].settings.value("SYSLOG_ADDR") == wanted


@pytest.mark.spec("PROV-185", "PROV-221")
def test_the_certificates_come_before_the_device_files() -> None:
    names = {"master": "m.cfg", "standard": "s.cfg", "root3": "r3.pem", "root1": "r1.pem", "root2": "r2.pem"}
    paths = {f"/{name}": CERTIFICATE if name.startswith("r") else prov() for name in names.values()}
    result = run(story(served({"/i.cfg": initial(**names), **paths})))
    assert targets(result) == ["/i.cfg", "/r1.pem", "/r2.pem", "/r3.pem", "/s.cfg", "/m.cfg"]
    assert sorted(result.phones[0].settings.roots) == ["root1", "root2", "root3"]


@pytest.mark.parametrize(
    "scheme",
    [
        pytest.param("http", marks=pytest.mark.spec("PROV-110")),
        pytest.param("https", marks=pytest.mark.spec("PROV-220")),
        pytest.param("tftp", marks=pytest.mark.spec("PROV-110")),
        pytest.param("ftp", marks=pytest.mark.spec("PROV-110")),
    ],
)
def test_initial_and_device_files_come_by_every_protocol(scheme: str) -> None:
    host = f"{scheme}://{FILE_SERVER}"
    paths = {"/i.cfg": initial(host, standard="s.cfg"), "/s.cfg": syslog(SYSLOG_SEVERITY="6")}
    result = run(story(served(paths, protocols=(scheme,)), url=f"{host}/i.cfg"))
    assert result.outcome == "provisioned"
    assert result.phones[0].settings.value("SYSLOG_SEVERITY") == "6"
    if scheme == "tftp":
        assert [entry.event.name for entry in result.of(TftpStarted)] == ["initial", "standard"]
    elif scheme == "ftp":
        assert [entry.event.path for entry in result.of(FtpStarted)] == [b"i.cfg", b"s.cfg"]
    else:
        assert [entry.event.tls for entry in result.of(HttpRequested)] == [scheme == "https"] * 2


# --- HTTPS ----------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-223", "PROV-224")
def test_a_server_is_checked_once_a_root_is_there_and_the_phone_shows_no_certificate() -> None:
    paths = {"/i.cfg": initial(f"https://{FILE_SERVER}", root1="r.pem", standard="s.cfg", master=f"{HERE}/m.cfg")}
    paths |= {"/r.pem": CERTIFICATE, "/s.cfg": prov(), "/m.cfg": prov()}
    files = served(paths, protocols=("http", "https"), certificate="good")
    result = run(story(files, url=f"https://{FILE_SERVER}/i.cfg"))
    roots = tuple(result.phones[0].settings.roots.values())
    assert len(roots) == 1
    checked = [(entry.event.name, entry.event.tls, entry.event.roots) for entry in result.of(HttpRequested)]
    assert checked == [
        ("initial", True, ()),
        ("root1", True, ()),
        ("standard", True, roots),
        ("master", False, ()),
    ]
    order = {field.name for field in attrs.fields(HttpRequested)}
    limits = {"limit", "connect_limit", "idle_limit"}
    assert order - limits == {"name", "method", "host", "address", "port", "tls", "roots", "target", "headers"}


@pytest.mark.spec("PROV-223")
@pytest.mark.parametrize("rooted", [False, True])
def test_a_bad_certificate_matters_only_to_a_phone_with_a_root(rooted: bool) -> None:
    files = served({"/i.cfg": initial()}, protocols=("https",), certificate="untrusted")
    saved = {"root1": CERTIFICATE} if rooted else {}
    result = run(story(files, url=f"https://{FILE_SERVER}/i.cfg", saved=saved))
    assert [entry.event.reason for entry in result.of(DownloadEnded)] == ["certificate-untrusted" if rooted else ""]


# --- The key --------------------------------------------------------------------------------------------------------


def keyed(key: str) -> str:
    return prov(CFG_FILE_KEY=key, CFG_FILE_KEY_LENGTH="256")


@pytest.mark.spec("PROV-209")
def test_a_plain_file_is_accepted_although_a_key_is_set() -> None:
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_ADDR="plain")}
    result = run(story(served(paths), provisioned={**QUIET, "CFG_FILE_KEY": KEY}))
    assert result.outcome == "provisioned"
    assert result.phones[0].settings.value("SYSLOG_ADDR") == "plain"


@pytest.mark.spec("PROV-210", "PROV-204")
def test_the_intended_cycle_of_keys() -> None:
    first = initial(standard="s.cfg")

    def locked(key: str, value: str) -> PathSpec:
        return PathSpec(text=syslog(SYSLOG_ADDR=value), encrypt=Encryption(key, bits=256))

    days = [
        served({"/i.cfg": first, "/s.cfg": keyed(KEY)}, end=seconds(10)),
        served({"/i.cfg": first, "/s.enc": locked(KEY, "one")}, start=seconds(10), end=seconds(20)),
        served({"/i.cfg": first, "/s.enc": locked(NEW_KEY, "no")}, start=seconds(20), end=seconds(30)),
        served({"/i.cfg": first, "/s.cfg": keyed(NEW_KEY)}, start=seconds(30), end=seconds(40)),
        served({"/i.cfg": first, "/s.enc": locked(NEW_KEY, "two")}, start=seconds(40)),
    ]
    power = [(ActionSpec(seconds(at), "power-off"), ActionSpec(seconds(at + 1), "power-on")) for at in (10, 20, 30, 40)]
    result = run(story(*days, action=tuple(action for pair in power for action in pair), until=seconds(50)))
    outcomes = [entry.event.outcome for entry in result.of(RunEnded)]
    assert outcomes == ["provisioned", "provisioned", "saved", "provisioned", "provisioned"]
    assert [entry.event.reason for entry in result.of(FileRefused)] == ["decrypt-wrong-key"]
    read = [(e.event.file, e.event.origin) for e in result.of(ConfigurationRead) if e.event.file == "standard"]
    assert read == [("standard", "download")] * 2 + [("standard", "saved copy")] + [("standard", "download")] * 2
    assert [e.event.value for e in result.of(SettingChanged) if e.event.key == "SYSLOG_ADDR"] == ["one", "two"]
    assert result.phones[0].settings.value("CFG_FILE_KEY") == NEW_KEY


@pytest.mark.spec("PROV-213")
def test_the_key_is_in_no_line_of_the_log() -> None:
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": keyed(KEY)}
    hand = (ActionSpec(seconds(2), "web", "CFG_FILE_KEY", NEW_KEY),)
    result = run(story(served(paths), action=hand, until=seconds(3)))
    assert result.phones[0].settings.value("CFG_FILE_KEY") == NEW_KEY
    lines = [entry.event.text() for entry in result.entries]
    assert len([line for line in lines if f"CFG_FILE_KEY = {HIDDEN}" in line]) == 3
    assert not [line for line in lines if KEY in line or NEW_KEY in line]


@pytest.mark.spec("PROV-214")
@pytest.mark.parametrize("name", ["s.e1c", "s.e2c", "s.e3c"])
def test_extensions_of_siblings_are_like_any_other(name: str) -> None:
    assert not is_encrypted(name, b"<")
    paths = {"/i.cfg": initial(standard=name), f"/{name}": syslog(SYSLOG_ADDR="plain")}
    result = run(story(served(paths), provisioned={**QUIET, "CFG_FILE_KEY": KEY}))
    assert result.phones[0].settings.value("SYSLOG_ADDR") == "plain"
    assert targets(result) == ["/i.cfg", f"/{name}"]


# --- Names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "target"),
    [
        pytest.param("/{mac}/{fwver}/i.cfg", "/0080f0123456/01.234/i.cfg", marks=pytest.mark.spec("PROV-037")),
        pytest.param("/Config{MAC}.cfg", "/Config0080F0123456.cfg", marks=pytest.mark.spec("PROV-039")),
        pytest.param("/{MODEL}.cfg", "/KX-UTG300B.cfg", marks=pytest.mark.spec("PROV-040")),
        pytest.param("/{MODEL}", "/KX-UTG300B/KX-UTG300B.cfg", marks=pytest.mark.spec("PROV-040")),
        pytest.param("/{MODEL}/{Mac}/i.cfg", "/KX-UTG300B/%7BMac%7D/i.cfg", marks=pytest.mark.spec("PROV-038")),
    ],
)
def test_macros_in_the_request(url: str, target: str) -> None:
    result = run(story(served({target: initial()}), url=f"{HERE}{url}", model="KX-UTG300B", version="01.234"))
    found = targets(result)
    assert [found[0].replace("{", "%7B").replace("}", "%7D")] == [target]


@pytest.mark.spec("PROV-116", "PROV-037")
def test_servers_can_take_the_user_agent_apart() -> None:
    text = user_agent(Bench(kx_utg200("01.234")).phone)
    found = re.fullmatch(r"Panasonic_([^ ]+)/([^ ]+) \(([^ ]+)\)", text)
    assert found is not None
    assert found.groups() == ("KX-UTG200B", "01.234", "0080f0123456")


# --- The log --------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-296")
def test_the_log_tells_each_event_of_a_run_in_a_line_without_a_password() -> None:
    url = f"http://joe:secret@{FILE_SERVER}/i.cfg"
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_ADDR="a", SYSLOG_PORT="0")}
    result = run(story(served(paths), url=url))

    def told(kind: type) -> list[str]:
        return [entry.event.text() for entry in result.of(kind)]

    shown = f"http://joe:{HIDDEN}@{FILE_SERVER}/i.cfg"
    assert told(RunStarted) == ["provisioning run begins (start)"]
    assert told(SourceTried)[-1] == f"DHCP option 160 (OPTION160_ENABLE=Y) gives {shown}"
    assert told(DownloadEnded) == ["initial file is here", "standard file is here"]
    assert told(ConfigurationRead)[-1] == "standard download read: 1 parameters, 1 skipped"
    assert told(RunEnded) == ["run ends: provisioned through DHCP option 160, 1 settings changed"]
    assert not [entry for entry in result.entries if "secret" in entry.event.text()]
