"""Configuration files: what they say, what is refused, and what is skipped with a note."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.phone.catalogue import LINES, Parameter, catalogue, key
from emulator.phone.configfile import DEPTH, LIMIT, NOTES, ConfigFile, Entry, FormatError, Note, parse, write

DATA = Path(__file__).parents[2] / "data"
PROV = "Device/System/Prov"


def example(name: str) -> ConfigFile:
    return parse((DATA / "examples" / name).read_bytes())


def wrapped(inner: str, path: str = PROV, root: str = "PANASIPPhoneConfig") -> bytes:
    names = path.split("/")
    opened = "".join(f"<{each}>" for each in names)
    closed = "".join(f"</{each.partition(' ')[0]}>" for each in reversed(names))
    return f"<{root}>{opened}{inner}{closed}</{root}>".encode()


def values(file: ConfigFile) -> dict[str, str]:
    return {entry.key: entry.value for entry in file.entries}


def refusal(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        parse(data)
    assert str(caught.value) == caught.value.reason
    assert caught.value.__cause__ is None
    return caught.value.reason


@pytest.mark.spec("PROV-132", "PROV-133")
def test_example_initial_file() -> None:
    file = example("KX-UTG200B.cfg")
    assert file.has_initial
    assert not file.has_device
    assert file.certificates == ("http://192.0.2.20/certs/root1.pem", "", "")
    assert file.standard == "http://192.0.2.20/phones/Config{MAC}.cfg"
    assert file.product == "http://192.0.2.20/phones/Config{MODEL}.cfg"
    assert file.master == "http://192.0.2.20/phones/ConfigCommon.cfg"
    assert (file.entries, file.notes) == ((), ())


@pytest.mark.spec("PROV-137", "PROV-175")
def test_example_standard_file() -> None:
    file = example("Config0080F0123456.cfg")
    assert file.entries == (
        Entry("ADMIN_ID", "operator", "!R", "A"),
        Entry("ADMIN_PASS", "example-only-1", "!RW", "A"),
        Entry("USER_ID", "desk17", "", "AU"),
        Entry("USER_PASS", "example-only-2", "", "AU"),
        Entry("DISPLAY_NAME/1", "Desk 17", "RW", "AU"),
        Entry("LINE_ENABLE/1", "Y", "", ""),
        Entry("PHONE_NUMBER/1", "1017", "!RW", "A"),
        Entry("SIP_URI/1", "1017", "!RW", "A"),
        Entry("SIP_AUTHID/1", "1017", "!RW", "A"),
        Entry("SIP_PASS/1", "example-only-3", "!RW", "A"),
    )
    assert file.notes == ()


@pytest.mark.spec("PROV-134", "PROV-141")
def test_example_product_and_master_file() -> None:
    product = values(example("ConfigKX-UTG200B.cfg"))
    assert product["FIRM_FILE_PATH"] == ""
    assert product["SYSLOG_SEVERITY"] == "6"
    master = example("ConfigCommon.cfg")
    assert len(master.entries) == 14
    assert values(master)["SIP_PRXY_ADDR/1"] == "sip.example.com"
    assert values(master)["CFG_CYCLIC_INTVL"] == "4320"
    assert master.notes == ()


@pytest.mark.spec("PROV-204")
def test_example_key_drop() -> None:
    assert example("keydrop-Config0080F0123456.cfg").entries == (
        Entry("CFG_FILE_KEY", "12341234abcdabcd12341234abcdabcd", "!R", "A"),
        Entry("CFG_FILE_KEY_LENGTH", "128", "!R", "A"),
    )


@pytest.mark.spec("PROV-150")
def test_example_single_stage() -> None:
    file = example("single-stage.cfg")
    assert file.has_device
    assert not file.has_initial
    assert values(file) == {"USR_PROV_SVR_URL": "https://prov.example.com/phones/{mac}.cfg", "SIPPNP_ENABLE": "N"}


@pytest.mark.spec("PROV-160", "PROV-167")
def test_example_perm_matrix() -> None:
    file = example("perm-matrix.cfg")
    assert {entry.key: entry.perm for entry in file.entries} == {
        "PROVISION_ENABLE": "",
        "OPTION160_ENABLE": "",
        "OPTION159_ENABLE": "RW",
        "OPTION66_ENABLE": "R",
        "SIPPNP_ENABLE": "!",
        "CFG_CYCLIC": "!R",
        "CFG_CYCLIC_INTVL": "!RW",
        "CFG_RTRY_INTVL": "RW",
    }
    assert file.notes == (Note("bad-perm", "CFG_RTRY_INTVL"),)


@pytest.mark.spec("PROV-138")
def test_example_duplicate_last_wins() -> None:
    file = example("duplicate-last-wins.cfg")
    assert file.entries == (Entry("CFG_RESYNC_TIME", "23:00"),)
    assert file.notes == (Note("duplicate", "CFG_RESYNC_TIME"),)


@pytest.mark.spec("PROV-145")
def test_examples_of_invalid_format() -> None:
    for name, reason in (("bad-not-wellformed.cfg", "not-well-formed"), ("bad-root.cfg", "wrong-root")):
        assert refusal((DATA / "examples" / name).read_bytes()) == reason


@pytest.mark.spec("PROV-138")
def test_last_duplicate_wins_across_groups_and_keeps_the_first_place() -> None:
    line = '<Lines><Line idx="2"><Sip><SIP_URI>{}</SIP_URI></Sip></Line></Lines>'
    file = parse(wrapped(line.format("a") + "<Phone/>" + line.format("b"), "Device"))
    assert file.entries == (Entry("SIP_URI/2", "b"),)
    two = parse(wrapped("<CFG_CYCLIC>Y</CFG_CYCLIC><CFG_RTRY_INTVL>5</CFG_RTRY_INTVL><CFG_CYCLIC>N</CFG_CYCLIC>"))
    assert [(entry.key, entry.value) for entry in two.entries] == [("CFG_CYCLIC", "N"), ("CFG_RTRY_INTVL", "5")]


@pytest.mark.spec("PROV-138", "PROV-144")
def test_a_skipped_duplicate_does_not_count() -> None:
    file = parse(wrapped("<CFG_RTRY_INTVL>5</CFG_RTRY_INTVL><CFG_RTRY_INTVL>0</CFG_RTRY_INTVL>"))
    assert file.entries == (Entry("CFG_RTRY_INTVL", "5"),)
    assert file.notes == (Note("out-of-range", "CFG_RTRY_INTVL"),)


@pytest.mark.spec("PROV-130", "PROV-147")
@pytest.mark.parametrize("root", ["PANASipPhoneConfig", "panasipphoneconfig"])
def test_root_in_any_case_is_taken_and_noted(root: str) -> None:
    file = parse(wrapped("<CFG_CYCLIC>Y</CFG_CYCLIC>", root=root))
    assert file.root == root
    assert values(file) == {"CFG_CYCLIC": "Y"}
    assert file.notes == (Note("root-spelling", root),)


@pytest.mark.spec("PROV-131", "PROV-147")
def test_sections_in_any_case_everything_else_as_printed() -> None:
    assert values(parse(wrapped("<CFG_CYCLIC>Y</CFG_CYCLIC>", "device/System/Prov"))) == {"CFG_CYCLIC": "Y"}
    path = "INITIAL/CfgFiles"
    assert parse(wrapped("<CFG_MASTER_FILE_PATH>\n x </CFG_MASTER_FILE_PATH>", path)).master == "x"
    file = parse(wrapped("<cfg_cyclic>Y</cfg_cyclic>"))
    assert (file.entries, file.notes) == ((), (Note("unknown-element", f"{PROV}/cfg_cyclic"),))
    assert parse(wrapped("", "Device/system")).notes == (Note("unknown-element", "Device/system"),)


@pytest.mark.spec("PROV-131")
def test_device_before_initial_is_taken_and_noted() -> None:
    initial = "<Initial><CfgFiles><CFG_STANDARD_FILE_PATH>u</CFG_STANDARD_FILE_PATH></CfgFiles></Initial>"
    after = parse(f"<PANASIPPhoneConfig>{initial}<Device/></PANASIPPhoneConfig>".encode())
    before = parse(f"<PANASIPPhoneConfig><Device/>{initial}</PANASIPPhoneConfig>".encode())
    assert (after.has_initial, after.has_device, after.standard, after.notes) == (True, True, "u", ())
    assert before.standard == "u"
    assert before.notes == (Note("device-before-initial", "Initial"),)


@pytest.mark.spec("PROV-134")
def test_a_parameter_in_the_wrong_place_is_skipped() -> None:
    for inner, path in (
        ("<CFG_MASTER_FILE_PATH>u</CFG_MASTER_FILE_PATH>", PROV),
        ("<CFG_CYCLIC>Y</CFG_CYCLIC>", "Initial/CfgFiles"),
        ("<CFG_CYCLIC>Y</CFG_CYCLIC>", "Device/System/Syslog"),
        ("<SIP_URI>1</SIP_URI>", "Device/Lines/CallCtrl"),
    ):
        file = parse(wrapped(inner, path))
        assert (file.entries, file.master, [note.code for note in file.notes]) == ((), "", ["wrong-section"])


@pytest.mark.spec("PROV-136")
def test_every_parameter_is_found_in_its_place() -> None:
    for parameter in catalogue():
        value = allowed(parameter)
        path = parameter.path.replace("Lines/Line", 'Lines/Line idx="1"')
        file = parse(wrapped(f"<{parameter.tag}>{value}</{parameter.tag}>", path))
        assert file.notes == (), parameter.tag
        assert len(file.entries) == (not parameter.path.startswith("Initial"))
    assert parse(wrapped("", "Device/Lines/Codec")).notes == ()


@pytest.mark.spec("PROV-135")
def test_a_parameter_is_an_element_and_its_text_the_value() -> None:
    file = parse(wrapped('<ADMIN_ID value="no"> an <!-- - -->id</ADMIN_ID>', "Device/System/LoginAcc"))
    assert values(file) == {"ADMIN_ID": " an id"}
    assert file.notes == (Note("unknown-attribute", "ADMIN_ID@value"),)
    assert parse(wrapped("ADMIN_ID=x", "Device/System/LoginAcc")).entries == ()


@pytest.mark.spec("PROV-137")
@pytest.mark.parametrize("attributes", ["", ' idx="0"', ' idx="7"', ' idx="01"', ' idx="x"', ' IDX="1"'])
def test_a_line_without_a_good_index_is_skipped(attributes: str) -> None:
    file = parse(wrapped("<SIP_URI>1</SIP_URI>", f"Device/Lines/Line{attributes}/Sip"))
    assert (file.entries, file.notes) == ((), (Note("bad-line-index", "Device/Lines/Line"),))


@pytest.mark.spec("PROV-140", "PROV-141")
def test_flags_and_empty_elements() -> None:
    file = parse(
        wrapped(
            "<CFG_CYCLIC>Yes</CFG_CYCLIC><OPTION66_ENABLE>No</OPTION66_ENABLE><SIPPNP_ENABLE/>"
            "<CFG_RTRY_INTVL></CFG_RTRY_INTVL><CFG_RESYNC_FROM_SIP/>"
        )
    )
    assert values(file) == {"CFG_CYCLIC": "Y", "OPTION66_ENABLE": "N", "CFG_RESYNC_FROM_SIP": ""}
    assert file.notes == (Note("empty-value", "SIPPNP_ENABLE"), Note("empty-value", "CFG_RTRY_INTVL"))


@pytest.mark.spec("PROV-142", "PROV-143")
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf", b'<?xml version="1.0" encoding="UTF-8"?>\r\n', b"<!-- c -->"])
def test_declaration_mark_and_line_ends_are_free(prefix: bytes) -> None:
    body = wrapped("\n<CFG_CYCLIC>Y</CFG_CYCLIC>\n")
    for each in (body, body.replace(b"\n", b"\r\n")):
        assert values(parse(prefix + each)) == {"CFG_CYCLIC": "Y"}


@pytest.mark.spec("PROV-142")
@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0" encoding="iso-8859-1"?><PANASIPPhoneConfig/>',
        "<PANASIPPhoneConfig/>".encode("utf-16"),
        "<PANASIPPhoneConfig/>".encode("utf-16-le"),
        "<PANASIPPhoneConfig/>".encode("utf-32-be"),
        wrapped("\xe9").replace(b"\xc3", b""),
    ],
)
def test_other_encodings_are_refused(data: bytes) -> None:
    assert refusal(data) == "not-utf8"


@pytest.mark.spec("PROV-144")
def test_unknown_things_are_skipped_and_the_rest_applies() -> None:
    file = parse(
        wrapped('<CFG_CYCLIC mode="x" perm="R">Y</CFG_CYCLIC><NEW><DEEP/></NEW><CFG_RTRY_INTVL>9999</CFG_RTRY_INTVL>')
    )
    assert file.entries == (Entry("CFG_CYCLIC", "Y", "R", ""),)
    assert file.notes == (
        Note("unknown-attribute", "CFG_CYCLIC@mode"),
        Note("unknown-element", f"{PROV}/NEW"),
        Note("out-of-range", "CFG_RTRY_INTVL"),
    )


@pytest.mark.spec("PROV-170", "PROV-174")
def test_access_levels() -> None:
    inner = "".join(
        f'<{name} access="{level}">x</{name}>'
        for name, level in (("ADMIN_ID", "A"), ("USER_ID", "U"), ("USER_PASS", "UA"))
    ).replace(">x</USER_PASS", ">sixsix</USER_PASS")
    file = parse(wrapped(inner, "Device/System/LoginAcc"))
    assert [entry.access for entry in file.entries] == ["A", "U", ""]
    assert file.notes == (Note("bad-access", "USER_PASS"),)


@pytest.mark.spec("PROV-148")
def test_size_limit_is_exact() -> None:
    body = wrapped("<CFG_CYCLIC>Y</CFG_CYCLIC>")
    assert LIMIT == 245_760
    assert values(parse(body.ljust(LIMIT))) == {"CFG_CYCLIC": "Y"}
    assert refusal(body.ljust(LIMIT + 1)) == "too-large"


@pytest.mark.spec("PROV-149")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<!DOCTYPE PANASIPPhoneConfig><PANASIPPhoneConfig/>", "doctype"),
        (b"<!-- <x> --> \n<!DOCTYPE a [<!ENTITY a 'b'>]><PANASIPPhoneConfig>&a;</PANASIPPhoneConfig>", "doctype"),
        (b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "doctype"),
        (b"<?php x ?><PANASIPPhoneConfig/>", "processing-instruction"),
        (b"<PANASIPPhoneConfig><Device><?x?></Device></PANASIPPhoneConfig>", "processing-instruction"),
        (b"<PANASIPPhoneConfig/><?x?>", "processing-instruction"),
        (b"<PANASIPPhoneConfig>&a;</PANASIPPhoneConfig>", "not-well-formed"),
        (b' <?xml version="1.0"?><PANASIPPhoneConfig/>', "not-well-formed"),
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"<PANASIPPhoneConfig>", "not-well-formed"),
        (b"<!-- <PANASIPPhoneConfig/>", "not-well-formed"),
        (b'<PANASIPPhoneConfig xmlns="urn:x"/>', "wrong-root"),
        (b'<PANASipPhoneConfig><Dev a="b"/></PANASipPhoneConfig>', "attribute-format"),
    ],
)
def test_refusals(data: bytes, reason: str) -> None:
    assert refusal(data) == reason


def test_what_looks_like_a_doctype_or_instruction_in_a_comment_is_none() -> None:
    inner = "<!-- <!DOCTYPE a> <?x?> --><CFG_CYCLIC>Y<!-- half --></CFG_CYCLIC>"
    assert values(parse(wrapped(inner))) == {"CFG_CYCLIC": "Y"}
    text = wrapped("<DISPLAY_NAME><![CDATA[<?x?>]]></DISPLAY_NAME>", 'Device/Lines/Line idx="1"/CallCtrl')
    assert values(parse(text)) == {"DISPLAY_NAME/1": "<?x?>"}


def test_entity_bomb_costs_nothing() -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 100}">' for n in range(1, 30))
    bomb = f'<!DOCTYPE a [<!ENTITY a0 "x">{levels}]><PANASIPPhoneConfig a="&a29;"/>'
    assert refusal(bomb.encode()) == "doctype"


def test_deep_files_are_refused() -> None:
    assert [note.code for note in parse(wrapped("<a>" * DEPTH + "</a>" * DEPTH)).notes] == ["unknown-element"]
    for depth in (DEPTH + 2, 300, 20000):
        assert refusal(wrapped("<a>" * depth + "</a>" * depth)) == "not-well-formed"


def test_notes_are_bounded_and_printable() -> None:
    notes = parse(wrapped("<a/>" * (NOTES * 2))).notes
    assert len(notes) == NOTES + 1
    assert notes[-1] == Note("more-notes", "")
    (note,) = parse(wrapped(f"<{'n' * 1000}/>")).notes
    assert len(note.where) == 80


@settings(deadline=None)
@given(st.text("0123456789abcdef", min_size=8, max_size=31))
def test_notes_never_hold_values(secret: str) -> None:
    (note,) = parse(wrapped(f"<CFG_FILE_KEY>{secret}</CFG_FILE_KEY>")).notes
    assert note == Note("out-of-range", "CFG_FILE_KEY")


def allowed(parameter: Parameter) -> str:
    """One value that the rule of the parameter allows."""
    if parameter.default:
        return parameter.default
    options = ("", "Y", "0", "1", *parameter.rule.replace("|", "-").split("-"))
    return next(each for each in options if parameter.check(each) is None)


TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    parameter = draw(st.sampled_from([each for each in catalogue() if each.path.startswith("Device")]))
    text = draw(TEXT)
    value = text if parameter.check(text) is None else allowed(parameter)
    name = key(parameter.tag, draw(st.integers(1, LINES)) if parameter.per_line else None)
    perm = draw(st.sampled_from(["", "RW", "R", "!", "!R", "!RW"]))
    return Entry(name, parameter.canonical(value), perm, draw(st.sampled_from(["", "A", "U", "AU"])))


@pytest.mark.spec("PROV-275", "PROV-170")
@settings(deadline=None)
@given(st.lists(entries(), unique_by=lambda entry: entry.key, max_size=12))
def test_what_is_written_reads_the_same(given_entries: list[Entry]) -> None:
    data = write(given_entries)
    file = parse(data)
    assert set(file.entries) == set(given_entries)
    assert (file.root, file.has_device, file.has_initial, file.notes) == ("PANASIPPhoneConfig", True, False, ())
    assert write(reversed(given_entries)) == data


@pytest.mark.parametrize(
    "bad",
    [
        Entry("NO_SUCH_TAG", ""),
        Entry("CFG_MASTER_FILE_PATH", "u"),
        Entry("SIP_URI", "1"),
        Entry("CFG_CYCLIC/1", "Y"),
        Entry("CFG_CYCLIC", "Yes"),
        Entry("CFG_CYCLIC", "maybe"),
        Entry("CFG_CYCLIC", "Y", "rw"),
        Entry("CFG_CYCLIC", "Y", "", "X"),
    ],
)
def test_entries_that_would_not_come_back_are_not_written(bad: Entry) -> None:
    with pytest.raises(ValueError, match=r"parameter|value|attribute"):
        write([bad])


def test_no_key_is_written_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        write([Entry("CFG_CYCLIC", "Y"), Entry("CFG_CYCLIC", "N")])


def only_format_errors(data: bytes) -> None:
    try:
        file = parse(data)
    except FormatError:
        return
    assert all(len(note.where) <= 80 and note.where.isprintable() for note in file.notes)
    assert set(parse(write(file.entries)).entries) == set(file.entries)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    only_format_errors(data)
    only_format_errors(wrapped("@@@").replace(b"@@@", data))


@settings(deadline=None)
@given(st.sampled_from(sorted((DATA / "examples").glob("*.cfg"))), st.data())
def test_damaged_examples(path: Path, data: st.DataObject) -> None:
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=3))
    only_format_errors(bytes(body))
