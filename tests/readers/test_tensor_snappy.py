from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.tensor_files import snappy, varint
from weightrepl.readers.tensor_snappy import unpacked


@given(
    st.binary(max_size=300)
    | st.lists(st.tuples(st.binary(max_size=3), st.integers(1, 200))).map(
        lambda parts: b"".join(each * count for each, count in parts)
    )
)
def test_what_was_packed_comes_back(plain: bytes):
    assert unpacked(snappy(plain)) == plain


ELEMENTS = [
    # what follows the length, what it stands for
    (bytes([2 << 2]) + b"abc", b"abc"),
    (bytes([60 << 2, 2]) + b"abc", b"abc"),
    (bytes([61 << 2, 2, 0]) + b"abc", b"abc"),
    (bytes([62 << 2, 2, 0, 0]) + b"abc", b"abc"),
    (bytes([63 << 2, 2, 0, 0, 0]) + b"abc", b"abc"),
    (bytes([2 << 2]) + b"abc" + bytes([1 | 0 << 2, 3]), b"abcabca"),
    (bytes([2 << 2]) + b"abc" + bytes([2 | 1 << 2, 2, 0]), b"abcbc"),
    (bytes([2 << 2]) + b"abc" + bytes([3 | 4 << 2, 1, 0, 0, 0]), b"abcccccc"),
    (bytes([0]) + b"x" + bytes([2 | 63 << 2, 1, 0]), b"x" * 65),
]


@pytest.mark.parametrize(("elements", "plain"), ELEMENTS)
def test_every_kind_of_element(elements: bytes, plain: bytes):
    assert unpacked(varint(len(plain)) + elements) == plain


def test_a_copy_from_far_back():
    plain = bytes(range(256)) * 10
    long = varint(len(plain) + 4) + bytes([61 << 2]) + (len(plain) - 1).to_bytes(2, "little") + plain
    assert unpacked(long + bytes([1 | (0x700 >> 8) << 5, 0x00]))[-4:] == plain[-0x700:][:4]


WRONG = [
    (b"", "cut short"),
    (b"\x80", "cut short"),
    (varint(3) + bytes([2 << 2]) + b"ab", "cut short"),
    (varint(5) + bytes([2 << 2]) + b"abc", "another length"),
    (varint(2) + bytes([2 << 2]) + b"abc", "another length"),
    (varint(7) + bytes([2 << 2]) + b"abc" + bytes([2 | 3 << 2, 0, 0]), "not there"),
    (varint(7) + bytes([2 << 2]) + b"abc" + bytes([2 | 3 << 2, 4, 0]), "not there"),
    (varint(4) + bytes([2 | 3 << 2, 1, 0]), "not there"),
    (varint(1 << 40) + bytes([0]) + b"x", "claim"),
    (varint(65) + bytes([0]) + b"x" + bytes([2 | 63 << 2]), "not there"),
]


@pytest.mark.parametrize(("packed", "reason"), WRONG)
def test_a_damaged_block_is_refused(packed: bytes, reason: str):
    with pytest.raises(ValueError, match=reason):
        unpacked(packed)


def test_a_block_that_grows_past_its_claim_is_given_up_early():
    bomb = varint(100) + bytes([0]) + b"x" + bytes([2 | 63 << 2, 1, 0]) * 1_000_000
    with pytest.raises(ValueError, match="another length"):
        unpacked(bomb)
