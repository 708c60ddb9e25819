from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers.tensor_files import MAGIC, block, masked, table, table_of, varint
from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_table import Table

ROWS = [
    (b"", b"header"),
    *((f"model/layer_{n:04d}/kernel".encode(), bytes([n % 256]) * n) for n in range(300)),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.index"


def rows_of(path: Path, content: bytes, limits: Limits = STANDARD) -> list[tuple[bytes, bytes]]:
    path.write_bytes(content)
    source = ByteSource(str(path), limits)
    try:
        return list(Table(source).entries())
    finally:
        source.close()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("per_block", [1, 7, 1000])
def test_what_was_written_comes_back(path: Path, per_block: int, packed: bool):
    assert rows_of(path, table(ROWS, per_block, packed)) == ROWS


@settings(deadline=None, max_examples=50)
@given(
    rows=st.dictionaries(st.binary(max_size=200), st.binary(max_size=200), max_size=40),
    per_block=st.integers(1, 9),
)
def test_any_keys_and_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[bytes, bytes], per_block
):
    path = tmp_path_factory.getbasetemp() / "any.index"
    assert rows_of(path, table(sorted(rows.items()), per_block)) == sorted(rows.items())


def test_one_key_is_found_by_its_block(path: Path):
    path.write_bytes(table(ROWS, 7))
    found = Table(ByteSource(str(path)))
    assert [found.find(key) for key, _ in ROWS] == [value for _, value in ROWS]
    assert found.find(b"model/layer_0007/kerne") is None
    assert found.find(b"zzz") is None


def test_an_empty_table_has_no_keys(path: Path):
    assert rows_of(path, table([])) == []


# -- wrong tables -----------------------------------------------------------------------------------------------------


def damaged(at: int, octet: int) -> bytes:
    content = bytearray(table(ROWS, 50))
    content[at] ^= octet
    return bytes(content)


def with_footer(*handles: tuple[int, int]) -> bytes:
    """A table whose footer leads elsewhere."""
    return (
        table(ROWS, 50)[:-48] + b"".join(varint(n) for each in handles for n in each).ljust(40, b"\0") + MAGIC
    )


def of_block(content: bytes, key: bytes = b"z") -> bytes:
    return table_of([(key, content)])


def of_method(method: int) -> bytes:
    """A table whose only block is packed in a way that there is not."""
    content = block([(b"a", b"b")])
    stored = content + bytes([method])
    index = block([(b"a", varint(0) + varint(len(content)))]) + b"\0"
    first = stored + struct.pack("<I", masked(stored))
    handle = varint(len(first)) + varint(len(index) - 1)
    return first + index + struct.pack("<I", masked(index)) + (handle + handle).ljust(40, b"\0") + MAGIC


END = struct.pack("<II", 0, 1)
WRONG = [
    # the file, what the error says
    (b"", "cut short, or no checkpoint"),
    (b"x" * 200, "cut short, or no checkpoint"),
    (MAGIC, "cut short, or no checkpoint"),
    (table(ROWS)[:-1], "cut short, or no checkpoint"),
    (damaged(10, 1), r"block at byte 0.*checksum"),
    (damaged(-60, 8), "index of the table|block at byte.*checksum"),
    (with_footer((0, 0), (1 << 40, 100)), "outside the file"),
    (with_footer((0, 0), (0, 1 << 62)), "outside the file"),
    (with_footer((0, 0), ((1 << 64) - 1, 1)), "outside the file"),
    (with_footer((0, 0), (0, 0)), "checksum"),
    (table(ROWS, 50)[:-48] + b"\xff" * 40 + MAGIC, "cut short"),
    (of_method(2), "packed by the unknown method 2"),
    (of_method(1), "damaged"),
    (of_block(b""), "no end|LookupError|IndexError|damaged"),
    (of_block(struct.pack("<I", 1 << 31)), "no end"),
    (of_block(struct.pack("<I", 5)), "no end"),
    (of_block(b"\x05\x01\x00a" + END), "past its end"),  # shares more than there is
    (of_block(b"\x00\x7f\x00a" + END), "past its end"),
    (of_block(b"\x00\x01\x7fa" + END), "past its end"),
    (of_block(b"\x00\xff\xff\xff\xff\x0f\x00a" + END), "past its end"),
    (of_block(b"\x80" * 20 + END), "cut short"),
    (of_block(b"\x00\x01\x00b\x00\x01\x00a" + END), "not in order"),
    (of_block(b"\x00\x01\x00a\x00\x01\x00a" + END), "not in order"),
    (table_of([(b"b", block([(b"b", b"")])), (b"c", block([(b"a", b"")]))]), "not in order"),
    (table_of([(b"b", block([(b"b", b"")])), (b"b", block([(b"b", b"")]))]), "not in order"),
    (table_of([(b"b", block([(b"b", b"")])), (b"a", block([(b"c", b"")]))]), "not in order"),
]


@pytest.mark.parametrize(("content", "reason"), WRONG, ids=range(len(WRONG)))
def test_a_damaged_table_is_named(path: Path, content: bytes, reason: str):
    with pytest.raises(FormatError, match=reason) as caught:
        rows_of(path, content)
    assert str(path) in str(caught.value)


def growing(count: int) -> bytes:
    """A block of keys that share all of the one before and have an octet more."""
    return b"".join(varint(n) + b"\x01\x00a" for n in range(count)) + END


def test_keys_that_would_fill_the_memory_are_refused(path: Path):
    with pytest.raises(UnsafeFileError, match="key_expansion is limited to 100"):
        rows_of(path, of_block(growing(50_000)))
    assert len(rows_of(path, of_block(growing(1_000)), Limits(key_expansion=1000))) == 1_000
    with pytest.raises(UnsafeFileError, match="key_expansion"):
        rows_of(path, of_block(growing(1_000)), Limits(key_expansion=10))


def mutants(content: bytes) -> Iterator[tuple[int, bytes]]:
    for seed in range(150):
        wrong = bytearray(content)
        wrong[seed * 7919 % len(content)] ^= 1 << seed % 8
        yield seed, bytes(wrong)


@pytest.mark.parametrize("packed", [False, True])
def test_no_changed_bit_goes_unnoticed(path: Path, packed: bool):
    """All but the footer's padding is protected: there is an error, or the rows are the same."""
    rows: Sequence[tuple[bytes, bytes]] = ROWS[:40]
    for seed, content in mutants(table(rows, 10, packed)):
        with suppress(SourceError):
            assert rows_of(path, content) == rows, seed
