from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers import tensor_files
from weightrepl.readers.tensor_crc import _FOLDS, _POLYNOMIAL, crc32c, crc32c_of_array, masked, unmasked

VECTORS = (  # RFC 3720, B.4
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (b"123456789", 0xE3069283),
    (b"", 0),
)


def octets(nbytes: int) -> np.ndarray:
    return np.random.default_rng(nbytes).integers(0, 256, nbytes, np.uint8)


@pytest.mark.parametrize(("message", "crc"), VECTORS)
def test_the_standards_examples(message: bytes, crc: int):
    assert crc32c(message) == crc == tensor_files.crc32c(message)
    assert crc32c_of_array(np.frombuffer(message, np.uint8)) == crc


def test_the_polynomial_divides_the_sum_that_stretches_are_folded_by():
    divisor = 1 << 32 | int(f"{_POLYNOMIAL:032b}"[::-1], 2)
    top = _FOLDS[-1]
    rest = sum(1 << top - fold for fold in (0, *_FOLDS))
    while rest.bit_length() > 32:
        rest ^= divisor << rest.bit_length() - 33
    assert rest == 0


@pytest.mark.parametrize(
    "nbytes", [1, 3, 4, 63, 64, 65, 70, 71, 300, 1000, 65535, 65536, 65543, 300_001, 2_500_003]
)
def test_every_length(nbytes: int):
    array = octets(nbytes)
    assert crc32c(array.tobytes()) == crc32c_of_array(array) == tensor_files.crc32c(array.tobytes())


@settings(deadline=None)
@given(message=st.binary(max_size=400), cut=st.integers(0, 400))
def test_a_message_may_come_in_parts(message: bytes, cut: int):
    first, second = message[:cut], message[cut:]
    whole = tensor_files.crc32c(message)
    assert crc32c(second, crc32c(first)) == whole
    assert crc32c(memoryview(message)) == whole


@pytest.mark.parametrize("cut", [0, 1, 70_000, 100_001, 200_000])
def test_an_array_may_come_in_parts(cut: int):
    array = octets(200_000)
    parts = crc32c_of_array(array[cut:], crc32c_of_array(array[:cut]))
    assert parts == crc32c_of_array(array) == crc32c(array.tobytes())


def test_an_array_of_any_numbers_is_its_bytes():
    array = np.arange(100_000, dtype=np.float64)
    assert crc32c_of_array(array) == crc32c(array.tobytes())


def test_any_bit_counts():
    array = octets(200_000)
    right = crc32c_of_array(array)
    for at in (0, 5, 4_503, 144_128, 199_992, 199_999):
        array[at] ^= 1
        assert crc32c_of_array(array) != right
        array[at] ^= 1


def test_a_written_crc_is_masked():
    assert masked(crc32c(b"foo")) == tensor_files.masked(b"foo") != crc32c(b"foo")
    assert masked(0) == 0xA282EAD8
    assert [unmasked(masked(crc)) for crc in (0, 1, 1 << 31, 0xFFFFFFFF)] == [0, 1, 1 << 31, 0xFFFFFFFF]
