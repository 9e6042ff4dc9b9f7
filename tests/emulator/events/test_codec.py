"""The escape rule of payloads, blobs, and what becomes of junk."""

import json
from base64 import b64encode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator.events import VOCABULARY, DatagramReceived, Payload, SettingEntered
from emulator.events.codec import (
    BLOB_FROM,
    EventDecoder,
    EventEncoder,
    EventError,
    blob_name,
    payload_to_text,
    text_to_payload,
)

NO_BLOBS = EventDecoder({}.__getitem__)
PIECES = st.sampled_from(
    [
        b"\\",
        b"\\x",
        b"\\x41",
        b"\\\\x41",
        b"base64:",
        b"blob:",
        b"b",
        b"\\x62",
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xc3",
        b"\xc3\xa9",
        b"\n",
    ]
)
TRICKY = st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=6).map(b"".join))


@settings(deadline=None)
@given(TRICKY)
@example(b"base64:AAAA")
@example(b"blob:" + b"0" * 64)
@example(b"\\x62lob:")
@example(b"\xed\xa0\x80")
def test_the_escape_rule_loses_nothing(data: bytes) -> None:
    text = payload_to_text(data)
    assert text_to_payload(text) == data
    assert "\0" not in text
    assert not text.startswith("blob:")
    assert text.startswith("base64:") is (b"\0" in data)
    text.encode("utf-8")


@settings(deadline=None)
@given(st.one_of(st.text(max_size=30), TRICKY.map(payload_to_text), st.from_regex(r"base64:[A-Za-z0-9+/]{0,8}={0,2}")))
@example("\\x41")
@example("base64:QUJD")
@example("base64:AB==")
@example("\0")
@example("base64:AA\n==")
def test_text_is_read_only_if_a_payload_is_written_so(text: str) -> None:
    try:
        data = text_to_payload(text)
    except EventError:
        return
    if not text.startswith("blob:"):
        assert payload_to_text(data) == text


@settings(deadline=None)
@given(st.lists(TRICKY, min_size=2, max_size=2, unique=True))
def test_two_payloads_never_have_one_text(pair: list[bytes]) -> None:
    assert payload_to_text(pair[0]) != payload_to_text(pair[1])


def packet(payload: bytes) -> DatagramReceived:
    return DatagramReceived("192.0.2.1", 67, "192.0.2.2", 68, Payload(payload))


@pytest.mark.parametrize("filling", [b"a", b"\0", b"\xff", b"\\"])
@pytest.mark.parametrize(("size", "is_blob"), [(0, False), (BLOB_FROM, False), (BLOB_FROM + 1, True), (70_000, True)])
def test_only_a_long_payload_becomes_a_blob(filling: bytes, size: int, is_blob: bool) -> None:
    data = filling * size
    encoder = EventEncoder()
    encoded = encoder.encode(packet(data))
    assert encoder.blobs == ({blob_name(data): data} if is_blob else {})
    assert (json.loads(encoded)["payload"] == "blob:" + blob_name(data)) is is_blob
    assert EventDecoder(encoder.blobs.__getitem__).decode("DatagramReceived", encoded) == packet(data)


def test_a_missing_blob_is_told_as_such() -> None:
    encoded = EventEncoder().encode(packet(b"a" * 2000))
    with pytest.raises(EventError, match=f"blob {blob_name(b'a' * 2000)[:12]} is missing"):
        NO_BLOBS.decode("DatagramReceived", encoded)


@pytest.mark.parametrize(
    "text", ["\\", "a\\b", "\\x4", "\\xGG", "\\xFF", "base64:A", "base64:*", "base64:QQ==", "\\x41"]
)
def test_a_bad_payload_is_told_as_such(text: str) -> None:
    data = json.dumps({"source": "", "source_port": 1, "destination": "", "port": 1, "payload": text})
    with pytest.raises(EventError, match="in a payload"):
        NO_BLOBS.decode("DatagramReceived", data)


@pytest.mark.parametrize("kind", ["", "Event", "poweron", "PowerOn ", "PowerOn/2", "x" * 10_000, "\n"])
def test_an_unknown_kind_is_refused_in_a_short_line(kind: str) -> None:
    with pytest.raises(EventError, match="unknown event kind") as caught:
        NO_BLOBS.decode(kind, "{}")
    assert len(caught.value.reason) < 100
    assert caught.value.reason.isprintable()


KINDS = st.sampled_from(sorted(VOCABULARY))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=10,
)


def refused_or_read(kind: str, data: bytes | str) -> None:
    try:
        event = NO_BLOBS.decode(kind, data)
    except EventError as error:
        reason = error.reason
    else:
        assert type(event) is VOCABULARY[kind]
        return
    assert reason
    assert reason.isprintable()


@settings(deadline=None)
@given(KINDS, st.one_of(st.binary(max_size=50), JSON.map(lambda value: json.dumps(value).encode())))
@example("PowerOn", b'{"entropy":"\xff"}')
@example("PowerOn", b'{"entropy":"a","x":' + b"[" * 100_000)
@example("PowerOn", b'{"entropy":"\\ud800"}')
@example("FlashErased", b'{"sector":1e400}')
@example("FlashErased", b'{"sector":' + b"9" * 5000 + b"}")
def test_junk_is_refused_and_nothing_else(kind: str, data: bytes) -> None:
    refused_or_read(kind, data)


@settings(deadline=None, max_examples=200)
@given(KINDS, st.data())
def test_fields_of_any_type_are_refused_or_read(kind: str, data: st.DataObject) -> None:
    names = [name for name in VOCABULARY[kind].__slots__ if not name.startswith("__")]
    fields = {name: data.draw(JSON) for name in names}
    refused_or_read(kind, json.dumps(fields))


@settings(deadline=None)
@given(st.text(max_size=20), st.data())
def test_one_damaged_byte_of_an_event_is_refused_or_read(value: str, data: st.DataObject) -> None:
    encoded = bytearray(EventEncoder().encode(SettingEntered("SIP_PASS/1", value, "web")))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] = data.draw(st.integers(0, 255))
    refused_or_read("SettingEntered", bytes(encoded))


def test_base64_stands_only_for_payloads_with_a_nul() -> None:
    assert payload_to_text(b"\0a") == "base64:" + b64encode(b"\0a").decode()
    assert payload_to_text("é\\".encode()) == "é\\\\"
    assert payload_to_text(b"\xe9") == "\\xe9"
