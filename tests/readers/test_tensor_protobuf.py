from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers import tensor_files
from weightrepl.readers.protobuf import BYTES, FIXED_32, FIXED_64, VARINT, fields, signed, text, varint


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"\x00", 0),
        (b"\x01", 1),
        (b"\x96\x01", 150),
        (b"\xff" * 9 + b"\x01", (1 << 64) - 1),
        (b"\x80\x00", 0),
    ],
)
def test_numbers_of_the_specification(octets: bytes, value: int):
    assert varint(b"?" + octets + b"?", 1, len(octets) + 2) == (value, len(octets) + 1)


@given(st.integers(0, (1 << 64) - 1))
def test_a_number_comes_back(value: int):
    written = tensor_files.varint(value)
    assert varint(written, 0, len(written)) == (value, len(written))


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_a_signed_number_comes_back(value: int):
    assert signed(varint(tensor_files.varint(value), 0, 10)[0]) == value


@pytest.mark.parametrize("octets", [b"", b"\x80", b"\xff" * 11])
def test_a_number_that_is_cut_short_is_refused(octets: bytes):
    with pytest.raises(ValueError, match="cut short"):
        varint(octets, 0, len(octets))


def test_every_kind_of_field():
    message = b"\x08\x96\x01" + b"\x12\x03abc" + b"\x1d\1\2\3\4" + b"\x21\1\2\3\4\5\6\7\x08" + b"\xfa\x01\x00"
    assert list(fields(message)) == [
        (1, VARINT, 150, 0),
        (2, BYTES, 5, 8),
        (3, FIXED_32, 9, 13),
        (4, FIXED_64, 14, 22),
        (31, BYTES, 25, 25),
    ]
    assert list(fields(message, 3, 8)) == [(2, BYTES, 5, 8)]
    assert list(fields(b"")) == []


@pytest.mark.parametrize(
    "message", [b"\x12\x04abc", b"\x1d\1\2\3", b"\x21\1", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"]
)
def test_a_field_past_the_end_of_its_message_is_refused(message: bytes):
    with pytest.raises(ValueError, match="runs past"):
        list(fields(message + b"more of the file", 0, len(message)))


@pytest.mark.parametrize("kind", [3, 4, 6, 7])
def test_a_kind_of_field_that_there_is_not_is_refused(kind: int):
    with pytest.raises(ValueError, match=f"wire type {kind}"):
        list(fields(bytes([1 << 3 | kind, 0])))


def test_text_keeps_its_bytes():
    assert text(b"?\xc3\xbc\xff?", 1, 4) == "ü\udcff"
