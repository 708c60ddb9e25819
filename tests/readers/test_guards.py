from __future__ import annotations

import struct

import pytest

from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.readers.guards import Limits, Reading, confined, parsed_json


@pytest.mark.parametrize(
    "error",
    [
        *(struct.error("x"), KeyError("x"), IndexError("x"), UnicodeDecodeError("utf-8", b"", 0, 1, "x")),
        *(
            RecursionError("x"),
            OverflowError("x"),
            AttributeError("x"),
            TypeError("x"),
            ZeroDivisionError("x"),
        ),
    ],
)
def test_whatever_decoding_raises_becomes_a_format_error(error: Exception):
    with pytest.raises(FormatError) as caught, Reading("a.h5", "layers"):
        raise error
    assert str(caught.value).startswith("a.h5: layers: damaged")
    assert caught.value.__cause__ is error


def test_own_errors_and_what_is_no_fault_of_the_file_pass():
    own = UnsafeFileError("x")
    with pytest.raises(UnsafeFileError) as caught, Reading("a"):
        raise own
    assert caught.value is own
    for error in (MemoryError(), KeyboardInterrupt()):
        with pytest.raises(type(error)), Reading("a"):
            raise error


def test_an_own_error_without_a_path_gets_one():
    with pytest.raises(FormatError) as caught, Reading("a.npy", "header"):
        raise FormatError("an axis of negative size")
    assert str(caught.value) == "a.npy: header: an axis of negative size"


def test_the_system_s_errors_keep_their_words():
    with pytest.raises(SourceError, match="a: No such file or directory"), Reading("a"):
        raise FileNotFoundError(2, "No such file or directory")


def test_a_closed_map_is_told_as_closed():
    with pytest.raises(ChangedError, match="closed"), Reading("a"):
        raise ValueError("mmap closed or invalid")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"a": 1, "a": 2}', b"[1,]", b'{"a":' * 100_000])
def test_wrong_json_is_a_format_error(text: bytes):
    with pytest.raises(FormatError):
        parsed_json(text, "a.keras", "config.json")


def test_json_may_not_be_endless():
    limits = Limits(json_nbytes=10)
    assert parsed_json(b'{"a": 1}', "a", "b", limits) == {"a": 1}
    with pytest.raises(
        UnsafeFileError, match=r"11 bytes of JSON, and json_nbytes is limited to 10; .* json_nbytes=100"
    ):
        parsed_json(b'{"a": 1000}', "a", "b", limits)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "a\\b", "", ".", "..", "C:x", "a\0", 3, None])
def test_names_that_lead_elsewhere_are_refused(name: object):
    with pytest.raises(UnsafeFileError, match="leads out"):
        confined("folder", name, "a.json", "key")


def test_a_bare_name_is_allowed():
    assert confined("folder", "model_00000.weights.h5", "a", "b").endswith("model_00000.weights.h5")


def test_a_name_that_no_file_can_have_is_told():
    with pytest.raises(FormatError, match="no file can be called"):
        confined("folder", "half\ud800", "model.weights.json", "")
