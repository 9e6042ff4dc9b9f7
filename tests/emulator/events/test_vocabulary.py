"""Every event class, by properties of its fields: nothing here names a field without need."""

import json
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import ANSWERS, ORDERS, VOCABULARY, DatagramReceived, DatagramSent, Event, Payload, Role
from emulator.events.codec import EventDecoder, EventEncoder
from emulator.events.masking import is_secret
from emulator.phone.catalogue import catalogue

CLASSES = list(VOCABULARY.values())
SECRET = "hunter2"
URL = f"http://user:{SECRET}@host.example/a.cfg"
URLS = (
    URL,
    f"http://user:a@{SECRET}@host.example/a.cfg",
    f"user:{SECRET}@host.example",
    f"ftp://u:{SECRET}:b@host.example",
)
CONTROLS = st.sampled_from(["\x1b[2J", "\n", "\r", "\0", "\x9b", "\u2028", "\u202e", "\x7f", "\\", '"'])
TEXT = st.one_of(st.text(max_size=20), st.builds(str.__add__, CONTROLS, st.text(max_size=5)))
NUMBERS = st.one_of(st.integers(-20, 300), st.sampled_from([67, 68, 69, 5060]), st.integers(-(1 << 63), (1 << 64) - 1))
BYTES = st.one_of(st.binary(max_size=40), st.binary(min_size=1020, max_size=1030), TEXT.map(str.encode))


def values(of_type: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    plain = {
        int: NUMBERS,
        bool: st.booleans(),
        str: TEXT,
        bytes: BYTES,
        Payload: BYTES.map(Payload),
        NoneType: st.none(),
    }
    if of_type in plain:
        return plain[of_type]
    parts = get_args(of_type)
    if get_origin(of_type) is UnionType:
        return st.one_of([values(part) for part in parts])
    assert get_origin(of_type) is tuple, f"an event must not hold a {of_type}"
    if parts[1:] == (...,):
        return st.lists(values(parts[0]), max_size=3).map(tuple)
    return st.tuples(*[values(part) for part in parts])


def field_types(cls: type[Event]) -> dict[str, Any]:
    return {field.name: field.type for field in attrs.fields(attrs.resolve_types(cls))}


def events_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(cls, **{name: values(of_type) for name, of_type in field_types(cls).items()})


every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.kind)


@every_class
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_what_is_encoded_is_decoded_equal(cls: type[Event], data: st.DataObject) -> None:
    event = data.draw(events_of(cls))
    encoder = EventEncoder()
    encoded = encoder.encode(event)
    decoded = EventDecoder(encoder.blobs.__getitem__).decode(cls.kind, encoded)
    assert decoded == event
    assert type(decoded) is cls
    for name, of_type in field_types(cls).items():
        assert of_type is not Payload or type(getattr(decoded, name)) is Payload
    hash(decoded)


@every_class
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_encoding_is_one_line_of_json_with_sorted_keys(cls: type[Event], data: st.DataObject) -> None:
    event = data.draw(events_of(cls))
    encoded = EventEncoder().encode(event)
    assert encoded == EventEncoder().encode(attrs.evolve(event))
    assert b"\0" not in encoded
    assert b"\n" not in encoded
    keys = list(json.loads(encoded))
    assert keys == sorted(field_types(cls))


@every_class
def test_a_class_is_what_the_log_needs(cls: type[Event]) -> None:
    assert cls.__doc__
    assert cls.__doc__.strip().split("\n")[0].endswith((".", ":"))
    assert len(cls.mark) == 1
    assert isinstance(cls.role, Role)
    assert cls.__setattr__ is not object.__setattr__, "frozen"
    assert cls.kind.partition("/")[0] == cls.__name__
    names = field_types(cls)
    if cls.orders:
        assert cls.role is Role.ORDER
        assert names["name"] is str
    if cls.answers:
        assert cls.role is Role.INPUT
        assert names["name"] is str
        assert names["ordinal"] is int
    assert not (cls.orders and cls.answers)


def test_every_family_of_orders_has_one_answer_that_ends_it() -> None:
    assert sorted({cls.orders for cls in ORDERS}) == sorted(cls.answers for cls in ANSWERS if cls.ends)
    assert {cls.answers for cls in ANSWERS if not cls.ends} == {"stream"}


def test_every_subclass_is_in_the_vocabulary() -> None:
    ours = {cls.kind for cls in Event.__subclasses__() if cls.__module__.startswith("emulator.")}
    assert ours == set(VOCABULARY)


@every_class
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_text_is_one_printable_line_whatever_the_fields_hold(cls: type[Event], data: st.DataObject) -> None:
    text = data.draw(events_of(cls)).text()
    assert text.isprintable(), ascii(text)


def with_secret_urls(cls: type[Event], url: str) -> Event:
    """An event of ``cls`` that holds ``url`` wherever a URL may stand, and plain things elsewhere."""
    plain = {int: 1, bool: True, str: "x", bytes: b"x", Payload: Payload(b"x"), NoneType: None}
    made: dict[str, Any] = {}
    for name, of_type in field_types(cls).items():
        holds_url = name in ("url", "urls", "location", "needed") or name.startswith("option")
        text = url if holds_url else SECRET if name == "password" else "x"
        if of_type in plain:
            made[name] = text if of_type is str else plain[of_type]
        elif get_origin(of_type) is UnionType:
            made[name] = text if str in get_args(of_type) else None
        elif name == "entries":
            made[name] = ((text, text, True),)
        elif name == "headers":
            made[name] = (("Authorization", SECRET),)
        elif get_args(of_type)[1:] == (...,):
            inner = get_args(of_type)[0]
            made[name] = (text,) if inner is str else (tuple(text for _ in get_args(inner)),)
        else:
            made[name] = tuple("x" for _ in get_args(of_type))
    return cls(**made)


@every_class
@pytest.mark.parametrize("url", URLS)
def test_text_shows_no_password_of_a_url(cls: type[Event], url: str) -> None:
    if cls.kind == "ConfigurationRead":
        event = attrs.evolve(with_secret_urls(cls, url), needed=(("standard", url),))
    else:
        event = with_secret_urls(cls, url)
    assert SECRET not in event.text()


@pytest.mark.parametrize("kind", ["SettingChanged", "SettingEntered", "PageSubmitted"])
def test_text_shows_no_secret_setting(kind: str) -> None:
    for tag, parameter in catalogue().by_tag.items():
        for key in (tag, f"{tag}/2"):
            event = attrs.evolve(with_secret_urls(VOCABULARY[kind], ""), key=key, value=SECRET)
            assert (SECRET in event.text()) is not parameter.secret, key
            assert is_secret(key) is parameter.secret


@pytest.mark.parametrize(
    ("port", "payload", "text"),
    [
        (69, b"\0\1/a b.cfg\0octet\0", "TFTP RRQ /a b.cfg"),
        (69, b"\0\5\0\5Unknown\0", "TFTP ERROR 5"),
        (40_000, b"\0\3\1\0" + bytes(1428), "TFTP DATA 256, 1,428 bytes"),
        (40_000, b"\0\4\0\1", "TFTP ACK 1"),
        (40_000, b"\0\5\0\3Disk full\0", "TFTP ERROR 3"),
        (40_000, b"\0\6tsize\x009\0", "TFTP OACK"),
        (40_000, b"\0\7", "UDP 2 bytes"),
        (53, b"\0\4\0\1", "UDP 4 bytes"),
    ],
)
def test_packets_of_tftp_are_named(port: int, payload: bytes, text: str) -> None:
    sent = DatagramSent("192.0.2.10", 50_000, "192.0.2.20", port, Payload(payload))
    received = DatagramReceived("192.0.2.20", port, "192.0.2.10", 50_000, Payload(payload))
    assert sent.text() == f"{text}  192.0.2.10:50000 → 192.0.2.20:{port}"
    assert received.text() == f"{text}  192.0.2.20:{port} → 192.0.2.10:50000"
