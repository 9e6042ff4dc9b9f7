"""Content codings (RFC 9110 s.8.4): what can be unpacked is, within the limit, and nothing breaks."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.phone.coding import CODED, FALSE, Plain, plain

PACKED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


@given(st.binary(max_size=5_000), st.sampled_from(sorted(PACKED)), st.integers(0, 5_000))
def test_a_body_comes_back_or_is_too_large(body: bytes, coding: str, limit: int) -> None:
    """To the byte where the limit is."""
    wanted = Plain(body, CODED) if len(body) <= limit else None
    found = plain(PACKED[coding](body), f" {coding.upper()} ", limit)
    assert found == wanted if wanted else found.fault == "too-large"


@given(st.binary(max_size=300), st.text(max_size=9) | st.sampled_from([*PACKED, "gzip, gzip", "br", ""]))
def test_any_body_and_any_header_is_an_answer(body: bytes, coding: str) -> None:
    found = plain(body, coding, 1_000)
    assert len(found.body) <= 1_000
    assert (found.fault == "") or found.body == body


@pytest.mark.parametrize("cut", range(1, 40))
def test_half_a_body_is_damaged(cut: int) -> None:
    packed = gzip.compress(b"<PANASIPPhoneConfig/>" * 9)
    assert plain(packed[:-cut], "gzip", 9_999).fault == CODED


def test_what_is_only_said_to_be_compressed_is_taken_as_it_is() -> None:
    """As a server does that takes the ending of a file for its coding."""
    assert plain(b"<x/>", "gzip", 99) == Plain(b"<x/>", FALSE)
    assert plain(b"<x/>", "identity", 99) == Plain(b"<x/>")
    assert plain(b"<x/>", "br", 99) == Plain(b"<x/>", "", CODED)
